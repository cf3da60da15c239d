"""Failing, being stuck, and trouble with the store."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bizproc import action, crm, process, wait
from bizproc.core.errors import InstanceFailed, InstanceStuck, StoreFull
from bizproc.core.process import Process
from bizproc.model import Comment
from bizproc.ports.commit_observer import CommitObserver
from bizproc.testing import World
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@every_way
async def test_an_uncaught_error_fails_the_instance_with_its_traceback_and_step(world: World) -> object:
    """Section 2, failure."""

    @action("breaks")
    async def breaks() -> None:
        raise KeyError("gone")

    @process("failing")
    async def failing() -> None:
        await crm.deal(1).add_comment("done")
        await breaks()

    await world.deal()
    run = await world.start(failing())
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    assert isinstance(failed.value.__cause__, KeyError)
    status = await run.status()
    assert status.error is not None
    assert "gone" in str(status.error)
    assert "breaks" in str(status.error.traceback)
    assert (await run.journal())[-1].event == "raised"
    return [status.state, status.error.class_name, [comment.text for comment in await world.find(Comment)]]


def _versions() -> tuple[Process[..., Any], Process[..., Any]]:
    @process("changed")
    async def first() -> list[Any]:
        await crm.deal(1).add_comment("as it was")
        got = [(await wait.for_signal("n")).value for _ in range(3)]
        await wait.sleep(DAY)
        return got

    @process("changed")
    async def second() -> list[Any]:
        await crm.deal(1).add_comment("as it is")
        return []

    return first, second


@every_way
async def test_an_instance_whose_code_no_longer_fits_is_stuck_and_buffers_what_comes_in_order(world: World) -> object:
    """Scenario 25, stuck: nothing is run, nothing is lost, and once the code is right it goes on."""
    first, second = _versions()
    await world.deal()
    run = await world.start(first())
    await world.crash()
    world.use(second)
    await run.signal("n", 0)
    status = await run.status()
    assert status.state == "stuck"
    assert status.error is not None
    assert (status.error.step, status.error.recorded is not None, status.error.asked is not None) == ("0", True, True)
    for number in (1, 2):
        await run.signal("n", number)
    await world.crash()
    with pytest.raises(InstanceStuck):
        await run.result()
    assert [comment.text for comment in await world.find(Comment)] == ["as it was"]
    world.use(first)
    await run.retry()
    await world.advance(days=1)
    assert await run.result() == [0, 1, 2]
    return await run.result()


@every_way
async def test_a_stuck_instance_can_be_terminated(world: World) -> object:
    first, second = _versions()
    await world.deal()
    run = await world.start(first())
    await world.crash()
    world.use(second)
    await run.signal("n", 0)
    await run.terminate("enough")
    return [(await run.status()).state, (await run.status()).ended_by]


@every_way
async def test_an_instance_of_a_process_that_is_not_loaded_is_stuck_until_it_is(world: World) -> object:
    first, _ = _versions()
    await world.deal()
    run = await world.start(first())
    await world.crash()
    world.runtime.engine._processes.clear()
    await run.signal("n", 0)
    assert (await run.status()).state == "stuck"
    world.use(first)
    await world.crash()  # the next start finds it loaded
    for number in (1, 2):
        await run.signal("n", number)
    await world.advance(days=1)
    assert await run.result() == [0, 1, 2]
    return await run.result()


@pytest.mark.no_crash("the disk is full in the middle of it")
async def test_a_full_disk_loses_nothing_and_keeps_the_order(world: World) -> None:
    """Scenario 25, disk full: who asks is told, what was committed waits, and all goes on when there is room."""

    @process("collects")
    async def collects() -> list[Any]:
        got: list[Any] = []
        while len(got) < 5:
            got.append((await wait.for_signal("n")).value)
            await crm.deal(1).add_comment(f"{len(got)} " + "x" * 5000)
        return got

    await world.deal()
    run = await world.start(collects())
    await run.signal("n", 0)
    await run.signal("n", 1)
    connection = world.runtime.database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    sent = 2
    while True:
        assert sent < 5, "the disk was never full"
        asking = asyncio.ensure_future(world.runtime.instance(run.id).signal("n", sent))
        await asyncio.wait({asking}, timeout=0.3)
        assert asking.done()
        if asking.exception() is not None:
            assert isinstance(asking.exception(), StoreFull)
            break
        sent += 1
    connection.execute("PRAGMA max_page_count = 1000000")
    for number in range(sent, 5):
        await run.signal("n", number)
    await world.run_until_idle()
    assert await run.result() == [0, 1, 2, 3, 4]
    texts = [comment.text.partition(" ")[0] for comment in await world.find(Comment)]
    assert texts == ["1", "2", "3", "4", "5"]


class Raising(CommitObserver):
    """An observer that raises now and then: for the store that is the death of the program."""

    def __init__(self) -> None:
        self.count = 0

    def before_commit(self) -> None:
        self.count += 1
        if self.count % 23 == 0:
            raise RuntimeError("observer")

    def after_commit(self) -> None:
        if self.count % 17 == 0:
            self.count += 1
            raise RuntimeError("observer")


async def test_an_observer_that_raises_changes_no_outcome() -> None:
    """Scenario 28."""

    @process("observed")
    async def observed() -> list[Any]:
        got = []
        for number in range(6):
            await crm.deal(1).add_comment(f"{number}")
            got.append((await wait.for_signal("n")).value)
        return got

    async with World.open(observed, observer=Raising()) as world:
        await world.deal()
        run = await world.start(observed())
        for number in range(6):
            await run.signal("n", number)
        assert await run.result() == list(range(6))
        assert [comment.text for comment in await world.find(Comment)] == [f"{number}" for number in range(6)]


@pytest.mark.no_crash("the disk is full in the middle of it")
async def test_one_who_watches_the_store_and_raises_changes_no_outcome(world: World) -> None:
    """Scenario 28: `on_trouble`."""

    def raises(_error: object) -> None:
        raise RuntimeError("observer")

    @process("quick")
    async def quick() -> str:
        await crm.deal(1).add_comment("x" * 9000)
        return "done"

    await world.deal()
    heard: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context["exception"]))
    world.runtime.database.on_trouble = raises
    connection = world.runtime.database._connection
    starting = asyncio.ensure_future(world.runtime.start(quick()))
    await asyncio.sleep(0)
    run = await starting
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    await asyncio.sleep(0.1)
    connection.execute("PRAGMA max_page_count = 1000000")
    await world.run_until_idle()
    assert await run.result(timeout=timedelta(seconds=5)) == "done"


@pytest.mark.no_crash("the row is damaged behind the back of the world")
async def test_a_damaged_row_of_a_journal_names_its_instance_and_stops_only_that_one(world: World) -> None:
    """Section 2, damaged file."""

    @process("sleeps")
    async def sleeps() -> str:
        await crm.deal(1).add_comment("x")
        await wait.sleep(DAY)
        return "done"

    await world.deal()
    bad, good = await world.start(sleeps(), id="bad"), await world.start(sleeps(), id="good")
    await world.runtime.engine.write(
        lambda tx: tx.execute(
            "UPDATE journal SET outcome = 'null' "
            "WHERE position = 0 AND instance = (SELECT key FROM instance WHERE id = 'bad')"
        )
    )
    await world.crash()
    await world.advance(days=1)
    assert await good.result() == "done"
    status = await bad.status()
    assert status.state == "stuck"
    assert "instance bad" in str(status.error)
