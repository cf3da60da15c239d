"""Children: awaited, started, detached; how they fail, and how they are cancelled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bizproc import action, attempt, continue_as_new, gather, note, process, race, shield, start, wait
from bizproc.core.errors import Cancelled, ChildFailed
from bizproc.model import Deal
from bizproc.testing import World
from tests.engine.ways import Way, every_way

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@process("sleeper")
async def sleeper(*, days: int = 1) -> str:
    try:
        await wait.sleep(days * DAY)
    except Cancelled:
        await note(f"cancelled {days}")
        raise
    await note(f"slept {days}")
    return f"slept {days}"


@process("broken")
async def broken(*, text: str) -> None:
    await wait.sleep(HOUR)
    raise KeyError(text)


async def told(world: World) -> list[str]:
    """What all of them wrote into their logs."""
    rows = await world.runtime.read(lambda connection: connection.execute("SELECT text FROM instance_log").fetchall())
    return sorted(text for (text,) in rows)


async def states(world: World) -> dict[str, str]:
    return {status.id: status.state for status in await world.instances()}


@every_way
async def test_a_child_that_fails_raises_child_failed_with_its_cause(world: World) -> object:
    """Scenario 15, failing."""

    @process("parent")
    async def parent() -> list[Any]:
        try:
            await broken(text="x")
        except ChildFailed as error:
            return [error.state, error.process, repr(error.error), repr(error.__cause__)]
        return []

    run = await world.start(parent())
    await world.advance(hours=1)
    await world.crash()
    assert await run.result() == ["failed", "broken", "KeyError('x')", "KeyError('x')"]
    return await run.result()


@every_way
async def test_a_child_that_has_completed_never_runs_again(world: World, way: Way) -> object:
    """Scenario 15, completing."""
    ran = []

    @action("count")
    async def count() -> int:
        ran.append(1)
        return 7

    @process("child")
    async def child() -> int:
        return await count()

    @process("parent")
    async def parent() -> int:
        value = await child()
        await wait.sleep(DAY)
        again = await start(child())
        return value + await again

    run = await world.start(parent())
    before = len(ran)
    await world.crash()
    assert len(ran) == before
    await world.advance(days=1)
    assert way.ran(len(ran), 2)
    assert await run.result() == 14
    return sorted(await states(world))


@every_way
async def test_a_started_child_runs_beside_its_parent_and_is_awaited_later(world: World) -> object:
    @process("parent")
    async def parent() -> list[str]:
        one, two = await start(sleeper(days=1)), await start(sleeper(days=3))
        await wait.sleep(2 * DAY)
        return list(await gather(one, two))

    run = await world.start(parent())
    await world.advance(days=2)
    await world.crash()
    await world.advance(days=2)
    assert await run.result() == ["slept 1", "slept 3"]
    return await run.result()


@every_way
async def test_a_detached_child_survives_the_cancel_of_its_parent_and_others_do_not(world: World) -> object:
    """Scenario 18."""

    @process("parent")
    async def parent() -> None:
        _ = await start(sleeper(days=1), detached=True)
        _ = await start(sleeper(days=2))
        await sleeper(days=3)

    run = await world.start(parent(), id="p")
    await run.cancel()
    found = await states(world)
    assert found == {"p": "cancelled", "p/0": "waiting", "p/1": "cancelled", "p/2": "cancelled"}
    await world.advance(days=5)
    assert await told(world) == ["cancelled 2", "cancelled 3", "slept 1"]
    return await states(world)


@every_way
async def test_a_cancel_goes_down_to_the_grandchildren(world: World) -> object:
    @process("middle")
    async def middle() -> str:
        return await sleeper(days=2)

    @process("top")
    async def top() -> str:
        return await middle()

    run = await world.start(top(), id="t")
    await world.crash()
    await run.cancel()
    assert set((await states(world)).values()) == {"cancelled"}
    assert await told(world) == ["cancelled 2"]
    return await states(world)


@every_way
async def test_a_child_under_a_shield_goes_on(world: World) -> object:
    """Scenario 17, with children: what is awaited or was started under the shield finishes."""

    async def protected() -> str:
        inner = await start(sleeper(days=2))
        await wait.sleep(HOUR)
        return await inner

    @process("parent")
    async def parent() -> None:
        outer = await start(sleeper(days=1))
        _ = await start(sleeper(days=4))
        await gather(shield(protected()), shield(outer), sleeper(days=3))

    run = await world.start(parent(), id="p")
    await run.cancel()
    assert await told(world) == ["cancelled 3", "cancelled 4"]
    assert (await run.status()).state == "waiting"
    await world.crash()
    await world.advance(days=5)
    assert await told(world) == ["cancelled 3", "cancelled 4", "slept 1", "slept 2"]
    assert (await run.status()).state == "cancelled"
    return await states(world)


@every_way
async def test_a_child_that_loses_a_race_is_cancelled_and_one_started_before_it_is_not(world: World) -> object:
    """Section 2: losers do nothing afterwards. Who only waited for a child leaves it alone."""

    @process("parent")
    async def parent() -> list[Any]:
        before = await start(sleeper(days=3))
        winner = await race(sleeper(days=2), before, wait.sleep(DAY))
        return [winner.index, await before]

    run = await world.start(parent(), id="p")
    await world.advance(days=1)
    await world.crash()
    assert await told(world) == ["cancelled 2"]
    await world.advance(days=5)
    assert await run.result() == [2, "slept 3"]
    return [await told(world), await states(world)]


@every_way
async def test_a_gather_that_fails_cancels_the_children_of_its_branches(world: World) -> object:
    async def pair() -> tuple[str, str]:
        return await gather(sleeper(days=2), sleeper(days=3))

    @process("parent")
    async def parent() -> str:
        outcome = await attempt(gather(pair(), broken(text="x")))
        return type(outcome.error).__name__

    run = await world.start(parent(), id="p")
    await world.advance(hours=1)
    assert await run.result() == "ChildFailed"
    await world.advance(days=4)
    assert await told(world) == ["cancelled 2", "cancelled 3"]
    return await states(world)


@every_way
async def test_a_parent_that_ends_leaves_its_children_running(world: World) -> object:
    """Only a cancel goes down; an end, with a value or an error, or by a person, does not."""

    @process("leaves")
    async def leaves(*, how: str) -> None:
        _ = await start(sleeper(days=2))
        if how == "failed":
            raise KeyError
        if how == "terminated":
            await wait.sleep(DAY)

    runs = [await world.start(leaves(how=how), id=how) for how in ("completed", "failed", "terminated")]
    await runs[2].terminate("enough")
    await world.crash()
    await world.advance(days=3)
    assert {run.id: (await run.status()).state for run in runs} == {run.id: run.id for run in runs}
    assert await told(world) == ["slept 2"] * 3
    return await states(world)


@every_way
async def test_cleanup_may_start_children_of_its_own(world: World) -> object:
    @process("parent")
    async def parent() -> None:
        try:
            await sleeper(days=2)
        finally:
            await shield(sleeper(days=1))

    run = await world.start(parent(), id="p")
    await run.cancel()
    await world.crash()
    await world.advance(days=1)
    assert await told(world) == ["cancelled 2", "slept 1"]
    assert (await run.status()).state == "cancelled"
    return await states(world)


@every_way
async def test_children_of_an_earlier_run_are_cancelled_too(world: World) -> object:
    @process("loop")
    async def loop(*, round: int = 0) -> None:
        _ = await start(sleeper(days=2 + round))
        if round == 0:
            await continue_as_new(round=1)
        await wait.sleep(DAY)

    run = await world.start(loop(), id="p")
    await run.cancel()
    assert await told(world) == ["cancelled 2", "cancelled 3"]
    return await states(world)


@every_way
async def test_a_child_that_is_cancelled_or_terminated_by_itself_fails_its_parent(world: World) -> object:
    @process("parent")
    async def parent() -> list[str]:
        outcomes = await gather(*[attempt(sleeper(days=number)) for number in (2, 3)])
        return [error.state for outcome in outcomes if isinstance(error := outcome.error, ChildFailed)]

    run = await world.start(parent(), id="p")
    await world.instance("p/0.0.0").cancel()
    await world.instance("p/0.1.0").terminate("enough")
    assert await run.result() == ["cancelled", "terminated"]
    return await told(world)


@every_way
async def test_a_start_that_is_refused_is_raised_in_the_parent(world: World) -> object:
    @process("alone")
    async def alone(deal: Deal) -> None:
        await wait.sleep(DAY)

    @process("parent")
    async def parent(deal: Deal) -> list[str]:
        _ = await start(alone(deal))
        outcome = await attempt(alone(deal))
        return [type(outcome.error).__name__, getattr(outcome.error, "existing", "")]

    run = await world.start(parent(await world.deal()), id="p")
    assert await run.result() == ["StartRefused", "p/0"]
    return await run.result()
