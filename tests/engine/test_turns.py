"""Races inside a turn and around it: what arrives while one is in flight, or in the group of the turn that wants it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from bizproc import (
    action,
    attempt,
    continue_as_new,
    crm,
    for_each,
    gather,
    new_id,
    note,
    now,
    process,
    race,
    random,
    step_key,
    wait,
)
from bizproc.core.errors import ChildFailed, InstanceCancelled
from bizproc.model import Comment, Deal
from bizproc.runtime import Runtime
from bizproc.testing import World
from bizproc.testing.clock import BEGINNING
from bizproc.testing.crashing import CrashPoint, run_story
from tests.engine.ways import every_way

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.no_crash("what is in flight at a moment is what these tests are about")


async def together(world: World, *questions: Callable[[Runtime], Awaitable[Any]]) -> None:
    """Ask all these of the runtime in one turn of the loop: they are in one group, in this order."""
    await asyncio.gather(*[question(world.runtime) for question in questions])
    await world.run_until_idle()


def signal(id: str, name: str, value: Any = None) -> Callable[[Runtime], Awaitable[None]]:
    return lambda runtime: runtime.instance(id).signal(name, value)


def cancel(id: str) -> Callable[[Runtime], Awaitable[None]]:
    return lambda runtime: runtime.instance(id).cancel()


def move(deal: Deal, stage: str) -> Callable[[Runtime], Awaitable[Any]]:
    return lambda runtime: runtime.perform(crm.deal(deal).change_stage(stage))


@process("staged")
async def staged(deal: Deal) -> str:
    await wait.for_signal("go")
    reached = await wait.until_stage("EXECUTING", timeout=DAY)
    return "timed out" if reached.timed_out else str(reached.stage)


async def rows(world: World, *tables: str) -> list[int]:
    return [
        (await world.runtime.read(lambda c, table=table: c.execute(f"SELECT count(*) FROM {table}").fetchone()))[0]  # type: ignore[misc]
        for table in tables
    ]


@pytest.mark.parametrize("keep_in_memory", [0, 1000])
@pytest.mark.parametrize("turns_later", range(8))
async def test_an_event_is_not_missed_wherever_it_falls_around_the_beginning_of_the_wait(
    keep_in_memory: int, turns_later: int
) -> None:
    """Before the turn that begins the wait, in its group before it or behind it, or after it."""
    async with World.open(staged, keep_in_memory=keep_in_memory) as world:
        deal = await world.deal()
        run = await world.start(staged(deal), id="s")
        sending = asyncio.ensure_future(signal("s", "go")(world.runtime))
        for _ in range(turns_later):
            await asyncio.sleep(0)
        await world.runtime.perform(crm.deal(deal).change_stage("EXECUTING"))
        await sending
        await world.run_until_idle()
        assert await run.result() == "EXECUTING"


async def test_an_event_in_the_group_before_the_wait_ends_it_as_it_begins(world: World) -> None:
    deal = await world.deal()
    run = await world.start(staged(deal), id="s")
    await together(world, move(deal, "EXECUTING"), signal("s", "go"))
    assert await run.result() == "EXECUTING"
    assert [step.event for step in await run.journal()] == ["returned", "returned"]


async def test_an_event_in_the_group_behind_the_wait_arrives_for_it(world: World) -> None:
    deal = await world.deal()
    run = await world.start(staged(deal), id="s")
    sending = asyncio.ensure_future(signal("s", "go")(world.runtime))
    live = next(iter(world.runtime.engine.live.values()))
    while live.is_between_turns():
        await asyncio.sleep(0)
    # The turn that begins the wait is in the group that is being collected: this comes behind it.
    await together(world, move(deal, "EXECUTING"))
    await sending
    assert await run.result() == "EXECUTING"
    assert (await run.journal())[1].deadline == BEGINNING + DAY


async def test_a_signal_that_comes_with_the_timeout_is_kept_for_the_next_wait() -> None:
    """Scenario 10: in the moment of return. The first ends the wait; the other is not lost, and not doubled."""

    @process("both")
    async def both() -> list[Any]:
        first = await wait.for_signal("n", timeout=DAY)
        second = await wait.for_signal("n", timeout=DAY)
        return [first.timed_out, first.value, second.timed_out, second.value]

    async def story(world: World) -> list[Any]:
        run = await world.start(both(), id="b")
        world.clock.wake_at(None, lambda: None)
        world.clock.move_to(BEGINNING + DAY)
        sending = asyncio.ensure_future(world.instance("b").signal("n", 1, key="k"))
        world.runtime.engine.fire()
        await sending
        await world.advance(days=2)
        return await run.result()

    # Not compared with each other: a crash may let the signal in before the timer.
    smooth = await run_story(story, (both,), None)
    points = [CrashPoint(commit, behind) for commit in range(1, smooth.commits + 1) for behind in (False, True)]
    runs = [smooth, *[await run_story(story, (both,), point) for point in points]]
    assert {repr(run.ending.returned) for run in runs} == {"[True, None, False, 1]", "[False, 1, True, None]"}


async def test_of_a_signal_and_a_timeout_in_one_turn_the_first_to_arrive_wins(world: World) -> None:
    @process("both")
    async def both() -> list[Any]:
        first = await wait.for_signal("n", timeout=DAY)
        second = await wait.for_signal("n", timeout=DAY)
        return [first.timed_out, first.value, second.timed_out, second.value]

    timer_first, signal_first = await world.start(both(), id="t"), await world.start(both(), id="s")
    world.clock.wake_at(None, lambda: None)
    world.clock.move_to(BEGINNING + DAY)
    # All in one group: the signal of one, the timers of both, the signal of the other.
    sending = [asyncio.ensure_future(signal("s", "n", 1)(world.runtime))]
    await asyncio.sleep(0)
    world.runtime.engine.fire()
    sending.append(asyncio.ensure_future(signal("t", "n", 1)(world.runtime)))
    await asyncio.gather(*sending)
    await world.advance(days=1)
    assert await timer_first.result() == [True, None, False, 1]
    assert await signal_first.result() == [False, 1, True, None]


@every_way
async def test_what_loses_leaves_no_row_behind(world: World) -> object:
    """Spurious events of another stage, late timers and late signals find nobody."""

    @process("races")
    async def races(deal: Deal) -> list[int]:
        stage, name = wait.until_stage("EXECUTING", timeout=2 * DAY), wait.for_signal("n", timeout=DAY)
        first = await race(stage, wait.sleep(DAY), name)
        second = await race(wait.for_signal("m"), wait.sleep(HOUR))
        await wait.for_signal("end")
        return [first.index, second.index]

    deal = await world.deal()
    run = await world.start(races(deal))
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    await world.perform(crm.deal(deal).change_stage("NEW"))
    await run.signal("n", 1)
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    await world.advance(days=5)
    await run.signal("m", 1)
    assert await rows(world, "timer", "arrival", "attempt") == [0, 0, 0]
    assert await rows(world, "subscription") == [1]
    await run.signal("end")
    assert await rows(world, "timer", "arrival", "attempt", "subscription") == [0, 0, 0, 0]
    return await run.result()


@every_way
async def test_a_loser_of_a_race_of_actions_leaves_its_waits_to_nobody(world: World) -> object:
    """The answer is on disk, what it dropped is not: a crash between the two must not leave rows."""

    @process("races")
    async def races() -> int:
        waits = wait.sleep(DAY), wait.for_signal("n"), wait.until_stage("WON")
        winner = await race(crm.deal(1).add_comment("quick"), *waits)
        await wait.for_signal("end")
        return winner.index

    await world.deal()
    run = await world.start(races())
    assert await rows(world, "timer", "subscription") == [0, 1]
    await run.signal("end")
    assert await run.result() == 0
    return await rows(world, "timer", "arrival", "attempt", "subscription")


async def test_a_signal_on_its_way_to_an_instance_that_ends_is_kept_and_changes_nothing(world: World) -> None:
    """Scenario 10: the row stays, unread, beside the ended instance."""

    @process("ends")
    async def ends() -> str:
        await wait.for_signal("go")
        return "done"

    run = await world.start(ends(), id="e")
    await together(world, signal("e", "go"), signal("e", "late", 7))
    assert await run.result() == "done"
    unread = await world.runtime.read(lambda c: c.execute("SELECT name FROM signal WHERE consumed = 0").fetchall())
    assert unread == [("late",)]


async def test_a_terminate_with_a_turn_in_flight_lets_it_land_and_runs_nothing_after_it(world: World) -> None:
    @process("acts")
    async def acts() -> None:
        await wait.for_signal("go")
        for number in range(100):
            await crm.deal(1).add_comment(f"{number}")

    await world.deal()
    run = await world.start(acts(), id="a")
    sending = asyncio.ensure_future(signal("a", "go")(world.runtime))
    live = next(iter(world.runtime.engine.live.values()))
    while live.is_between_turns():
        await asyncio.sleep(0)
    await together(world, lambda runtime: runtime.instance("a").terminate("enough"))
    await sending
    assert (await run.status()).state == "terminated"
    assert len(await world.find(Comment)) < 10


async def test_a_terminate_that_meets_the_last_turn_leaves_the_result(world: World) -> None:
    @process("ends")
    async def ends() -> str:
        await wait.for_signal("go")
        return "done"

    run = await world.start(ends(), id="e")
    sending = asyncio.ensure_future(signal("e", "go")(world.runtime))
    live = next(iter(world.runtime.engine.live.values()))
    while live.is_between_turns():
        await asyncio.sleep(0)
    await together(world, lambda runtime: runtime.instance("e").terminate("enough"))
    await sending
    assert await run.result() == "done"


async def test_a_cancel_and_a_signal_in_one_group_are_taken_in_their_order(world: World) -> None:
    @process("waits")
    async def waits() -> Any:
        return (await wait.for_signal("n")).value

    first, second = await world.start(waits(), id="a"), await world.start(waits(), id="b")
    await together(world, signal("a", "n", 1), cancel("a"), cancel("b"), signal("b", "n", 1))
    assert await first.result() == 1
    with pytest.raises(InstanceCancelled):
        await second.result()


async def test_a_cancel_that_comes_as_the_instance_begins_anew_reaches_the_next_run(world: World) -> None:
    @process("loop")
    async def loop(*, round: int = 0) -> None:
        await wait.for_signal("go")
        await continue_as_new(round=round + 1)

    run = await world.start(loop(), id="l")
    await together(world, signal("l", "go"), cancel("l"))
    assert (await run.status()).state == "cancelled"
    again = await world.start(loop(), id="m")
    sending = asyncio.ensure_future(signal("m", "go")(world.runtime))
    live = next(iter(world.runtime.engine.live.values()))
    while live.is_between_turns():
        await asyncio.sleep(0)
    await together(world, cancel("m"), signal("m", "go"))
    await sending
    assert (await again.status()).state == "cancelled"


@every_way
async def test_a_new_beginning_with_wrong_parameters_fails_at_the_call(world: World) -> object:
    @process("loop")
    async def loop(*, round: int = 0) -> list[str]:
        told = []
        for wrong in ({"round": "two"}, {"nothing": 1}):
            try:
                await continue_as_new(**wrong)
            except TypeError as error:
                told.append(type(error).__name__)
        await wait.sleep(HOUR)
        return told

    run = await world.start(loop())
    await world.crash()
    await world.advance(hours=1)
    assert await run.result() == ["WrongArgument", "WrongArgument"]
    return await run.result()


async def test_a_body_of_a_run_that_is_over_answers_nobody_in_the_next_one(world: World) -> None:
    gate = asyncio.Event()

    @action("slow")
    async def slow(round: int) -> str:
        if round == 0:
            await gate.wait()
        return f"round {round}"

    @process("loop")
    async def loop(*, round: int = 0) -> list[Any]:
        async def again() -> None:
            if round == 0:
                await wait.for_signal("go")
                await continue_as_new(round=1)

        result, _ = await gather(slow(round), again())
        return [result, round]

    starting = asyncio.ensure_future(world.start(loop(), id="l"))
    await asyncio.sleep(0.01)
    sending = asyncio.ensure_future(signal("l", "go")(world.runtime))
    gate.set()
    await asyncio.gather(starting, sending)
    await world.run_until_idle()
    result = await world.instance("l").result()
    assert result in (["round 1", 1], ["round 0", 0])


@every_way
async def test_answers_of_the_engine_are_the_same_on_every_replay(world: World) -> object:
    @process("facts")
    async def facts(deal: Deal) -> list[Any]:
        first = [await now(), await new_id(), await random()]
        await wait.sleep(HOUR)
        ids = await for_each(lambda _: new_id(), range(3))
        assert len(set(ids)) == 3
        await note("here", ids=list(ids))
        return [*first, await now(), *ids]

    run = await world.start(facts(await world.deal()), id="f")
    await world.crash()
    await world.advance(hours=1)
    result = await run.result()
    assert result[0] == BEGINNING
    assert result[3] == BEGINNING + HOUR
    return repr(result)


@every_way
async def test_an_action_that_ends_the_instance_ends_its_branches_too(world: World) -> object:
    """D11: nothing after it runs, in no branch; what was asked for in the same turn behind it is not performed."""

    async def other() -> None:
        await crm.deal(1).add_comment("behind")
        await crm.deal(1).add_comment("never")

    @process("ends")
    async def ends(deal: Deal) -> None:
        await gather(wait.sleep(DAY), crm.deal.change_stage("EXECUTING"), other())

    deal = await world.deal()
    run = await world.start(ends(deal))
    assert await world.find(Comment, of=deal) == []
    assert await rows(world, "timer", "subscription", "arrival") == [0, 0, 0]
    await world.crash()
    assert (await world.get(Deal, deal.id)).stage == "EXECUTING"
    return [(await run.status()).state, (await run.status()).ended_by]


@every_way
async def test_a_child_and_its_parent_may_end_in_one_group(world: World) -> object:
    @process("child")
    async def child(*, ok: bool) -> str:
        if not ok:
            raise KeyError("bad")
        return "good"

    @process("parent")
    async def parent() -> list[str]:
        good, bad = await gather(attempt(child(ok=True)), attempt(child(ok=False)))
        assert isinstance(bad.error, ChildFailed)
        return [str(good.value), bad.error.state]

    run = await world.start(parent())
    assert await run.result() == ["good", "failed"]
    return await run.result()


async def test_a_step_that_was_cancelled_as_it_ended_is_not_delivered(world: World) -> None:
    keys: list[str] = []

    @action("quick")
    async def quick() -> int:
        keys.append(step_key())
        return 1

    @process("races")
    async def races() -> int:
        winner = await race(wait.for_signal("n"), quick())
        await wait.sleep(HOUR)
        return int(winner.index)

    run = await world.start(races(), id="r")
    await together(world, signal("r", "n", 1))
    await world.advance(hours=1)
    assert await run.result() == 1
    assert keys == ["r/0.1.0"]


async def test_a_terminate_that_comes_as_an_instance_is_set_aside_ends_it(world: World) -> None:
    @process("changes")
    async def first() -> None:
        await wait.for_signal("n")

    @process("changes")
    async def second() -> None:
        await wait.for_signal("m")

    run = await world.start(first(), id="c")
    await world.crash()
    world.use(second)
    sending = asyncio.ensure_future(signal("c", "n")(world.runtime))
    engine = world.runtime.engine
    while not engine._ending:
        await asyncio.sleep(0)
    await together(world, lambda runtime: runtime.instance("c").terminate("enough"))
    await sending
    assert (await run.status()).state == "terminated"


async def test_no_body_begins_once_the_runtime_is_closed() -> None:
    ran: list[int] = []

    @action("step")
    async def step() -> None:
        ran.append(1)

    @process("endless")
    async def endless() -> None:
        while True:
            await step()

    async with Runtime.open("sqlite:///:memory:") as runtime:
        await runtime.start(endless())
        while len(ran) < 20:
            await asyncio.sleep(0)
    before = len(ran)
    await asyncio.sleep(0.02)
    assert len(ran) == before
    assert not runtime.engine._bodies


async def test_a_cancelled_body_of_a_loser_is_told_at_once_though_every_turn_is_a_replay() -> None:
    """The race is decided by an answer that is on disk before it is delivered."""
    told: list[str] = []

    @action("endless")
    async def endless() -> None:
        told.append("begun")
        try:
            await asyncio.Event().wait()
        finally:
            told.append("stopped")

    async def quick() -> None:
        await wait.for_signal("go")
        await crm.deal(1).add_comment("quick")

    @process("races")
    async def races() -> int:
        winner = await race(endless(), quick())
        await wait.for_signal("end")
        return int(winner.index)

    async with World.open(races, always_replay=True) as world:
        await world.deal()
        starting = asyncio.ensure_future(world.start(races(), id="r"))
        while not told:
            await asyncio.sleep(0)
        await world.instance("r").signal("go")
        await starting
        assert told == ["begun", "stopped"]
        await world.instance("r").signal("end")
        assert await world.instance("r").result() == 1
