"""Signals that were sent and not read: which there are, since when, and which ones are waited for instead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from bizproc import process, race, wait
from bizproc.runtime import Runtime, UnreadSignal
from bizproc.testing import World
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@process("tests.ask")
async def ask() -> str:
    """Waits for either of two signals, and then for a third."""
    await race(wait.for_signal("yes"), wait.for_signal("no"))
    return str((await wait.for_signal("later")).value)


@every_way
async def test_signals_that_were_not_read_are_listed_in_their_order_with_the_moment(world: World) -> object:
    run = await world.start(ask())
    first = (await run.status()).started_at
    await run.signal("later", {"by": 2})
    await world.advance(days=1)
    await run.signal("later", 3)
    assert await run.signals() == [
        UnreadSignal(name="later", value={"by": 2}, at=first),
        UnreadSignal(name="later", value=3, at=first + DAY),
    ]
    await run.signal("no")
    assert await run.signals() == [UnreadSignal(name="later", value=3, at=first + DAY)]
    return await run.result()


@every_way
async def test_the_signals_that_are_waited_for_are_those_of_open_waits(world: World) -> object:
    run = await world.start(ask())
    found = [await run.awaited_signals()]
    await run.signal("yes")
    found.append(await run.awaited_signals())
    await run.signal("later", 1)
    found.append(await run.awaited_signals())
    assert found == [["no", "yes"], ["later"], []]
    return found


async def test_a_fork_has_the_unread_signals_of_its_original_with_their_moments(world: World) -> None:
    run = await world.start(ask())
    await run.signal("later", 1)
    await world.advance(days=3)
    fork = await run.fork("0.0.0")
    assert await fork.signals() == await run.signals()
    assert len(await fork.signals()) == 1


async def test_what_was_posted_beside_an_owner_is_told_before_one_takes_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    async with Runtime.open(url, processes=[ask]) as owner:
        await owner.start(ask(), id="one")
        await owner.start(ask(), id="two")
    before = datetime.now(UTC)
    async with Runtime.attach(url) as guest:
        await guest.instance("one").signal("later", 7)
        (signal,) = await guest.instance("one").signals()
        assert (signal.name, signal.value, signal.posted) == ("later", 7, True)
        assert before <= signal.at <= datetime.now(UTC)
        assert await guest.instance("two").signals() == []
        async with Runtime.open(url, processes=[ask]):
            await guest.heard()
            (signal,) = await guest.instance("one").signals()
            assert (signal.name, signal.value, signal.posted) == ("later", 7, False)
