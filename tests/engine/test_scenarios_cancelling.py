"""Cancelling, terminating, shields and sagas."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from bizproc import Retry, action, attempt, crm, gather, note, process, saga, shield, wait
from bizproc.core.errors import Cancelled, InstanceCancelled, InstanceTerminated
from bizproc.model import Comment
from bizproc.testing import World
from tests.engine.ways import Way, every_way

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


async def comments(world: World) -> list[str]:
    return [comment.text for comment in await world.find(Comment)]


@process("tidy")
async def tidy() -> None:
    try:
        await wait.sleep(10 * DAY)
    finally:
        await crm.deal(1).add_comment("begin")  # bizproc: ok (a cleanup that is not shielded is the test)
        await wait.sleep(HOUR)
        await crm.deal(1).add_comment("end")  # bizproc: ok (likewise)


@every_way
async def test_a_cancel_raises_at_the_wait_and_cleanup_may_await(world: World) -> object:
    """Scenario 16, while waiting."""
    await world.deal()
    run = await world.start(tidy())
    await run.cancel()
    assert await comments(world) == ["begin"]
    await world.crash()
    await world.advance(hours=1)
    assert await comments(world) == ["begin", "end"]
    with pytest.raises(InstanceCancelled):
        await run.result()
    return (await run.status()).state


@every_way
async def test_a_second_cancel_does_not_disturb_the_cleanup_of_the_first(world: World) -> object:
    """Scenario 16, twice, and after the end."""
    await world.deal()
    run = await world.start(tidy())
    await run.cancel()
    await run.cancel()
    await world.crash()
    await run.cancel()
    await world.advance(hours=1)
    assert await comments(world) == ["begin", "end"]
    await run.cancel()
    return [(await run.status()).state, len(await run.journal())]


@every_way
async def test_a_cancel_after_completion_changes_nothing(world: World) -> object:
    """Scenario 16, after completion."""

    @process("quick")
    async def quick() -> int:
        return 7

    run = await world.start(quick())
    await run.cancel()
    await world.crash()
    assert await run.result() == 7
    return (await run.status()).state


@every_way
async def test_a_process_may_swallow_its_cancel_and_complete(world: World) -> object:
    @process("stubborn")
    async def stubborn() -> str:
        try:
            await wait.sleep(DAY)
        except Cancelled:
            await note("not now")
        await wait.sleep(HOUR)
        return "done"

    run = await world.start(stubborn())
    await run.cancel()
    await world.advance(hours=1)
    return await run.result()


@every_way
async def test_a_cancel_reaches_all_branches(world: World) -> object:
    async def branch(name: str) -> None:
        try:
            await wait.sleep(DAY)
        finally:
            await crm.deal(1).add_comment(name)  # bizproc: ok (likewise)

    @process("many")
    async def many() -> None:
        await gather(branch("a"), gather(branch("b"), branch("c")))

    await world.deal()
    run = await world.start(many())
    await world.crash()
    await run.cancel()
    assert await comments(world) == ["a", "b", "c"]
    return (await run.status()).state


@every_way
async def test_a_shielded_section_finishes(world: World) -> object:
    """Scenario 17."""

    async def section() -> str:
        await crm.deal(1).add_comment("one")
        await wait.sleep(HOUR)
        await crm.deal(1).add_comment("two")
        return "section"

    @process("shielded")
    async def shielded() -> None:
        try:
            await shield(section())
            await crm.deal(1).add_comment("never")
        except Cancelled:
            await crm.deal(1).add_comment("cancelled")  # bizproc: ok (likewise)
            raise

    await world.deal()
    run = await world.start(shielded())
    await run.cancel()
    assert (await run.status()).state == "waiting"
    await world.crash()
    await world.advance(hours=1)
    assert await comments(world) == ["one", "two", "cancelled"]
    return (await run.status()).state


@every_way
async def test_no_user_code_runs_after_a_terminate(world: World) -> object:
    """Scenario 19."""
    ran: list[str] = []

    @process("ended")
    async def ended() -> None:
        try:
            await wait.sleep(DAY)
        finally:
            ran.append("cleanup")
            await crm.deal(1).add_comment("cleanup")  # bizproc: ok (it must never run)

    await world.deal()
    run = await world.start(ended())
    await run.terminate("enough")
    await run.terminate("again")
    await run.cancel()
    await world.crash()
    await world.advance(days=2)
    assert (ran, await comments(world)) == ([], [])
    status = await run.status()
    with pytest.raises(InstanceTerminated, match="enough"):
        await run.result()
    rows = await world.runtime.read(
        lambda c: [
            c.execute(f"SELECT count(*) FROM {t}").fetchone()[0]
            for t in ("timer", "arrival", "subscription", "attempt")
        ]
    )
    assert rows == [0, 0, 0, 0]
    return [status.state, status.ended_by]


async def test_a_terminate_stops_a_body_that_runs() -> None:
    """Scenario 19, with a step under way."""
    ran: list[str] = []

    @action("endless")
    async def endless() -> None:
        ran.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            ran.append("stopped")

    @process("works")
    async def works() -> None:
        try:
            await endless()
        finally:
            ran.append("cleanup")

    async with World.open(works) as world:
        starting = asyncio.ensure_future(world.start(works(), id="w"))
        while not ran:
            await asyncio.sleep(0)
        await world.instance("w").terminate("enough")
        await starting
        assert ran == ["begun", "stopped"]
        assert (await world.instance("w").status()).state == "terminated"


async def test_a_cancel_stops_a_body_that_runs() -> None:
    ran: list[str] = []

    @action("endless")
    async def endless() -> None:
        ran.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            ran.append("stopped")

    @process("works")
    async def works() -> None:
        await endless()

    async with World.open(works) as world:
        starting = asyncio.ensure_future(world.start(works(), id="w"))
        while not ran:
            await asyncio.sleep(0)
        await world.instance("w").cancel()
        await starting
        assert ran == ["begun", "stopped"]
        assert (await world.instance("w").status()).state == "cancelled"


@every_way
async def test_a_cancel_during_a_backoff_is_prompt(world: World, way: Way) -> object:
    """Section 2, retry."""
    ran = []

    @action("never", retry=Retry(attempts=9, first_delay=DAY))
    async def never() -> None:
        ran.append(1)
        raise KeyError

    @process("patient")
    async def patient() -> None:
        await never()

    run = await world.start(patient())
    assert "retry of" in str((await run.status()).waits_for)
    await run.cancel()
    assert (await run.status()).state == "cancelled"
    await world.advance(days=9)
    assert way.ran(len(ran), 1)
    return (await run.status()).ended_at


@every_way
async def test_a_cancel_at_a_local_action_that_was_asked_for_is_before_or_after_it(world: World) -> object:
    @process("busy")
    async def busy() -> int:
        number = 0
        while True:
            got = await wait.for_signal("n")
            try:
                await crm.deal(1).add_comment(f"{got.value}")
                number += 1
            except Cancelled:
                break
        return number

    await world.deal()
    run = await world.start(busy())
    await run.signal("n", 1)
    await run.cancel()
    await run.signal("n", 2)
    return [await comments(world), (await run.status()).state]


@every_way
async def test_an_attempt_does_not_swallow_a_cancel(world: World) -> object:
    @process("tries")
    async def tries() -> str:
        await attempt(wait.sleep(DAY))
        return "swallowed"

    run = await world.start(tries())
    await run.cancel()
    assert (await run.status()).state == "cancelled"
    return (await run.status()).state


# -- sagas -------------------------------------------------------------------------------------------------------------


@every_way
async def test_a_saga_that_fails_is_undone_in_reverse_order_each_once(world: World) -> object:
    """Section 2, saga."""

    @process("booking")
    async def booking() -> None:
        async with saga() as undo:
            for name in ("a", "b", "c"):
                await crm.deal(1).add_comment(f"do {name}")
                undo.compensate(crm.deal(1).add_comment(f"undo {name}"))
            raise KeyError("no room")

    await world.deal()
    run = await world.start(booking())
    assert await comments(world) == ["do a", "do b", "do c", "undo c", "undo b", "undo a"]
    assert "no room" in str((await run.status()).error)
    return (await run.status()).state


@every_way
async def test_a_crash_in_the_middle_of_an_undo_resumes_it(world: World, way: Way) -> object:
    """Section 2, saga: each undo once, in reverse order."""
    ran: list[str] = []

    @action("undo")
    async def undo_outside(name: str) -> None:
        ran.append(name)

    async def slow(name: str) -> None:
        await wait.sleep(HOUR)
        await undo_outside(name)

    @process("booking")
    async def booking() -> None:
        async with saga() as undo:
            for name in ("a", "b", "c"):
                undo.compensate(slow(name))
            await wait.sleep(DAY)

    run = await world.start(booking())
    await run.cancel()
    await world.advance(hours=1)
    await world.crash()
    await run.cancel()  # a second cancel waits until all is undone
    await world.advance(hours=1)
    await world.crash()
    await world.advance(hours=1)
    assert list(dict.fromkeys(ran)) == ["c", "b", "a"]
    assert way.ran(len(ran), 3)
    return (await run.status()).state


@every_way
async def test_a_saga_that_comes_to_its_end_undoes_nothing(world: World) -> object:
    @process("booking")
    async def booking() -> str:
        async with saga() as undo:
            undo.compensate(crm.deal(1).add_comment("undo"))
            await wait.sleep(HOUR)
        return "booked"

    await world.deal()
    run = await world.start(booking())
    await world.crash()
    await world.advance(hours=1)
    assert await comments(world) == []
    return await run.result()


@every_way
async def test_an_undo_that_fails_is_a_note_and_the_others_are_done(world: World) -> object:
    async def fails() -> None:
        await note("trying")
        raise ValueError("stays")

    @process("booking")
    async def booking() -> list[Any]:
        try:
            async with saga() as undo:
                undo.compensate(crm.deal(1).add_comment("undo a"))
                undo.compensate(fails())
                raise KeyError("no room")  # noqa: TRY301
        except KeyError as error:
            return [repr(error), *error.__notes__]

    await world.deal()
    run = await world.start(booking())
    await world.crash()
    assert await comments(world) == ["undo a"]
    assert await run.result() == ["KeyError('no room')", "an undo failed: ValueError: stays"]
    return await run.result()
