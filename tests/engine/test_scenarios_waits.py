"""
Timers and waits for a stage: deadlines fixed once, each fires once and in order, and nothing that happens is missed.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bizproc import crm, gather, process, race, wait
from bizproc.core.errors import UnknownStage
from bizproc.model import Deal
from bizproc.testing import World
from bizproc.testing.clock import BEGINNING
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@process("two_waits")
async def two_waits() -> str:
    await wait.sleep(3 * DAY)
    await wait.sleep(4 * DAY)
    return "over"


@process("one_wait")
async def one_wait() -> str:
    await wait.sleep(3 * DAY)
    return "over"


@process("staged")
async def staged(deal: Deal, *, days: int = 14) -> str:
    reached = await wait.until_stage("EXECUTING", timeout=timedelta(days=days))
    return "timed out" if reached.timed_out else str(reached.stage)


@every_way
async def test_two_waits_in_a_row_are_never_shorter_for_a_crash_in_the_first(world: World) -> object:
    """Scenario 7."""
    run = await world.start(two_waits())
    await world.advance(days=1)
    await world.crash()
    await world.advance(days=1)
    await world.crash()
    assert (await run.status()).until == BEGINNING + 3 * DAY
    await world.advance(days=1)
    assert (await run.status()).until == BEGINNING + 7 * DAY
    await world.crash()
    await world.advance(days=4, seconds=-1)
    assert (await run.status()).state == "waiting"
    await world.advance(seconds=1)
    return await run.result()


@every_way
async def test_a_timer_that_is_overdue_at_the_start_fires_once_and_at_once(world: World) -> object:
    """Scenario 8."""
    run = await world.start(one_wait())
    world.clock.wake_at(None, lambda: None)  # the program is down
    world.clock.move_to(BEGINNING + 30 * DAY)
    await world.crash()
    assert await run.result() == "over"
    journal = await run.journal()
    assert [(step.name, step.event, step.deadline) for step in journal] == [("sleep", "returned", BEGINNING + 3 * DAY)]
    return (await run.status()).ended_at


@every_way
async def test_a_wait_keeps_its_deadline_when_another_one_ends_after_a_restart(world: World) -> object:
    @process("side_by_side")
    async def side_by_side() -> None:
        await gather(wait.sleep(DAY), wait.sleep(3 * DAY))

    run = await world.start(side_by_side())
    await world.crash()
    await world.advance(days=1)
    assert (await run.status()).until == BEGINNING + 3 * DAY
    await world.crash()
    await world.advance(days=2)
    status = await run.status()
    assert (status.state, status.ended_at) == ("completed", BEGINNING + 3 * DAY)
    return status.ended_at


@every_way
async def test_overdue_timers_fire_in_the_order_of_their_deadlines(world: World) -> object:
    """Section 2, stop at any moment."""

    @process("ordered")
    async def ordered(deal: Deal, *, days: int) -> None:
        await wait.sleep(timedelta(days=days))
        await crm.deal(1).add_comment(f"{days}")

    deals = [await world.deal() for _ in range(6)]
    for deal, days in zip(deals, (4, 2, 6, 1, 5, 3), strict=True):
        await world.start(ordered(deal, days=days))
    world.clock.wake_at(None, lambda: None)
    world.clock.move_to(BEGINNING + 30 * DAY)
    await world.crash()
    comments = await world.perform(crm.deal(1).comments())
    assert [comment.text for comment in comments] == ["1", "2", "3", "4", "5", "6"]
    return [comment.text for comment in comments]


@pytest.mark.parametrize("timers", [2_000, pytest.param(10_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("keep_in_memory", [0, 20_000])
async def test_thousands_of_timers_fire_in_order_after_one_start(keep_in_memory: int, timers: int) -> None:
    """Section 2: in order, however many; and without time passing, though a group moves only some of them."""
    fired: list[int] = []

    @process("timed")
    async def timed(*, number: int) -> None:
        await wait.sleep(timedelta(seconds=(number * 7919) % timers))
        fired.append((number * 7919) % timers)

    async with World.open(timed, keep_in_memory=keep_in_memory) as world:
        for number in range(timers):
            await world.runtime.start(timed(number=number))
        await world.run_until_idle()
        world.clock.wake_at(None, lambda: None)
        world.clock.move_to(BEGINNING + DAY)
        fired.clear()
        await world.crash()
        assert fired[1 - timers :] == list(range(timers))[1:]
        assert await world.instances(status="waiting") == []


@every_way
async def test_a_sleep_of_nothing_is_over_at_once(world: World) -> object:
    @process("hasty")
    async def hasty() -> str:
        for _ in range(3):
            await wait.sleep(timedelta(0))
        await wait.sleep(-DAY)
        await wait.until(BEGINNING - DAY)
        return "over"

    run = await world.start(hasty())
    return await run.result()


@every_way
async def test_an_event_that_wins_takes_the_timer_away(world: World) -> object:
    """Scenario 9, the event first."""
    deal = await world.deal()
    run = await world.start(staged(deal))
    await world.advance(days=13)
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    assert await run.result() == "EXECUTING"
    timers = await world.runtime.read(lambda c: c.execute("SELECT count(*) FROM timer").fetchone()[0])
    left = await world.runtime.read(lambda c: c.execute("SELECT count(*) FROM subscription").fetchone()[0])
    assert (timers, left) == (0, 0)
    await world.advance(days=30)
    return len(await run.journal())


@every_way
async def test_an_event_after_the_timeout_does_not_revive_the_wait(world: World) -> object:
    """Scenario 9, the timeout first."""

    @process("late")
    async def late(deal: Deal) -> str:
        reached = await wait.until_stage("EXECUTING", timeout=DAY)
        assert reached.timed_out
        await wait.sleep(DAY)
        return "slept"

    deal = await world.deal()
    run = await world.start(late(deal))
    await world.advance(days=1)
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    assert (await run.status()).waits_for is not None
    assert (await run.status()).state == "waiting"
    await world.advance(days=1)
    return await run.result()


@every_way
async def test_a_stage_that_was_reached_before_the_wait_ends_it_as_it_begins(world: World) -> object:
    """Section 1: checks and subscribes in one transaction."""
    deal = await world.deal()
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    return await (await world.start(staged(deal))).result()


@every_way
async def test_a_change_of_stage_while_the_program_is_down_is_not_missed(world: World) -> object:
    """Section 2: none is lost while the program is down."""
    deal = await world.deal()
    run = await world.start(staged(deal))
    await world.crash()
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    await world.crash()
    return await run.result()


@every_way
async def test_stages_that_are_not_waited_for_do_not_end_the_wait(world: World) -> object:
    deal = await world.deal()
    other = await world.deal()
    run = await world.start(staged(deal))
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    await world.perform(crm.deal(other).change_stage("EXECUTING"))
    assert (await run.status()).state == "waiting"
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    return await run.result()


@every_way
async def test_all_that_wait_for_one_stage_go_on(world: World) -> object:
    @process("both")
    async def both(deal: Deal) -> list[str]:
        a, b = await gather(wait.until_stage("EXECUTING"), wait.until_stage("EXECUTING", "PREPARATION"))
        return [str(a.stage), str(b.stage)]

    deal = await world.deal()
    first = await world.start(staged(deal))
    second = await world.start(both(deal))
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    return [await first.result(), await second.result()]


@every_way
async def test_a_stage_that_does_not_exist_fails_at_the_wait(world: World) -> object:
    @process("wrong")
    async def wrong(deal: Deal) -> str:
        try:
            await wait.until_stage("NOWHERE")
        except UnknownStage as error:
            return type(error).__name__
        return ""

    return await (await world.start(wrong(await world.deal()))).result()


@every_way
async def test_a_race_of_an_event_and_a_timer_leaves_nothing_behind(world: World) -> object:
    @process("raced")
    async def raced(deal: Deal) -> int:
        winner = await race(wait.until_stage("EXECUTING"), wait.sleep(2 * DAY))
        await wait.sleep(DAY)
        return winner.index

    deal, other = await world.deal(), await world.deal()
    won, slept = await world.start(raced(deal)), await world.start(raced(other))
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    await world.advance(days=2)
    await world.perform(crm.deal(other).change_stage("EXECUTING"))
    await world.advance(days=2)
    return [await won.result(), await slept.result()]
