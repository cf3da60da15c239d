"""Several at once: gather, race, for_each, and the addresses of their branches."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bizproc import action, attempt, crm, for_each, gather, note, now, process, race, shield, wait
from bizproc.core.errors import WrongArgument
from bizproc.model import Comment, Deal
from bizproc.testing import World
from tests.engine.ways import Way, every_way

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


@every_way
async def test_a_branch_that_has_finished_is_not_run_again(world: World, way: Way) -> object:
    """Scenario 12."""
    ran = []

    @action("quick")
    async def quick() -> str:
        ran.append(1)
        return "quick"

    async def slow() -> str:
        await wait.sleep(DAY)
        return "slow"

    @process("mixed")
    async def mixed() -> list[str]:
        return list(await gather(quick(), slow()))

    run = await world.start(mixed())
    before = len(ran)
    await world.crash()
    await world.crash()
    assert len(ran) == before
    await world.advance(days=1)
    assert way.ran(len(ran), 1)
    assert await run.result() == ["quick", "slow"]
    return await run.result()


@every_way
async def test_a_gather_of_nothing_and_a_for_each_over_nothing_give_nothing(world: World) -> object:
    """Scenario 13."""

    async def never(item: int) -> int:
        raise AssertionError

    @process("empty")
    async def empty() -> list[Any]:
        try:
            await for_each(never, [1], limit=0)
        except WrongArgument as error:
            refused = error.parameter
        for _ in range(1000):
            await gather()
        return [await gather(), await for_each(never, []), await for_each(never, [], limit=2), refused]

    run = await world.start(empty())
    await world.crash()
    assert await run.result() == [(), (), (), "limit"]
    return await run.result()


@every_way
async def test_addresses_of_nested_gathers_do_not_collide(world: World) -> object:
    """Scenario 14."""

    async def leaf(hours: int) -> int:
        await wait.sleep(hours * HOUR)
        await wait.sleep(HOUR)
        return hours

    async def middle(hours: int) -> tuple[int, ...]:
        await note("in", hours=hours)
        return await gather(leaf(hours), leaf(hours + 1), leaf(9 - hours))

    @process("nested")
    async def nested() -> list[Any]:
        first = await gather(middle(1), gather(leaf(4), leaf(2)), middle(3))
        second = await gather(leaf(1))
        return [first, second]

    run = await world.start(nested())
    await world.advance(hours=4)
    await world.crash()
    await world.advance(hours=20)
    addresses = [step.address for step in await run.journal()]
    assert len(addresses) == len(set(addresses))
    assert await run.result() == [((1, 2, 8), (4, 2), (3, 4, 6)), (1,)]
    return await run.result()


@every_way
async def test_results_of_a_gather_are_in_the_order_of_its_arguments(world: World) -> object:
    """Section 2, gather."""

    async def slept(hours: int) -> int:
        await wait.sleep(hours * HOUR)
        return hours

    @process("ordered")
    async def ordered() -> list[Any]:
        return [await gather(*map(slept, (3, 1, 2))), await for_each(slept, [3, 1, 2], limit=2)]

    run = await world.start(ordered())
    await world.advance(hours=20)
    assert await run.result() == [(3, 1, 2), (3, 1, 2)]
    return await run.result()


@every_way
async def test_a_for_each_runs_no_more_at_a_time_than_its_limit(world: World) -> object:
    async def slept(number: int) -> int:
        await crm.deal(1).add_comment(f"begin {number}")
        await wait.sleep(HOUR)
        return number

    @process("limited")
    async def limited() -> list[Any]:
        return list(await for_each(slept, range(5), limit=2))

    deal = await world.deal()
    run = await world.start(limited())
    counts = []
    for _ in range(3):
        counts.append(len(await world.find(Comment, of=deal)))
        await world.advance(hours=1)
    assert counts == [2, 4, 5]
    assert await run.result() == [0, 1, 2, 3, 4]
    return counts


@every_way
async def test_the_first_branch_to_end_wins_a_race_whoever_is_asked_first(world: World) -> object:
    """Section 2, race."""
    cleaned: list[str] = []

    async def slept(hours: int) -> int:
        try:
            await wait.sleep(hours * HOUR)
        finally:
            cleaned.append(f"{hours}")
            await note(f"cleaned {hours}")
        return hours

    @process("raced")
    async def raced() -> list[int]:
        winner = await race(slept(3), slept(1), slept(2))
        await wait.sleep(5 * HOUR)
        return [winner.index, winner.value]

    run = await world.start(raced())
    await world.advance(hours=1)
    await world.crash()
    await world.advance(hours=10)
    assert set(cleaned) == {"1", "2", "3"}
    assert await run.result() == [1, 1]
    return await run.result()


@every_way
async def test_an_error_that_comes_first_wins_a_race(world: World) -> object:
    async def fails() -> None:
        await wait.sleep(HOUR)
        raise KeyError("first")

    @process("raced")
    async def raced() -> str:
        try:
            await race(wait.sleep(DAY), fails())
        except KeyError as error:
            return repr(error)
        return ""

    run = await world.start(raced())
    await world.advance(hours=1)
    assert await run.result() == "KeyError('first')"
    return await run.result()


@every_way
async def test_losers_do_nothing_after_the_race(world: World) -> object:
    """Section 2, race: a local action of the loser, asked for in the turn in which the other won, is not performed."""

    @process("raced")
    async def raced() -> int:
        # Both are asked for in one turn, and the second is answered at once: it wins before the first is performed.
        winner = await race(crm.deal(1).add_comment("the loser's"), now())
        await wait.sleep(HOUR)
        return winner.index

    deal = await world.deal()
    run = await world.start(raced())
    await world.advance(hours=1)
    assert await run.result() == 1
    assert await world.find(Comment, of=deal) == []
    return await run.result()


@every_way
async def test_two_local_actions_that_race_are_both_done_for_they_are_in_one_commit(world: World) -> object:
    """The winner is the one that was asked first; the other had been performed in the same transaction."""

    @process("raced")
    async def raced(deal: Deal) -> int:
        winner = await race(crm.deal.add_comment("a"), crm.deal.add_comment("b"))
        await wait.sleep(HOUR)
        return winner.index

    deal = await world.deal()
    run = await world.start(raced(deal))
    await world.crash()
    await world.advance(hours=1)
    assert [comment.text for comment in await world.find(Comment, of=deal)] == ["a", "b"]
    assert await run.result() == 0
    return await run.result()


@every_way
async def test_the_first_error_of_a_gather_is_raised_bare_and_the_later_ones_are_notes(world: World) -> object:
    """Section 2, gather."""

    async def fails(hours: int) -> None:
        try:
            await wait.sleep(hours * HOUR)
        finally:
            if hours == 2:
                await note("cleaned")
                raise ValueError("in the cleanup")
        raise KeyError(hours)

    @process("failing")
    async def failing() -> list[str]:
        try:
            await gather(fails(2), fails(1), fails(3))
        except KeyError as error:
            return [repr(error), *getattr(error, "__notes__", [])]
        return []

    run = await world.start(failing())
    await world.advance(hours=5)
    [error, later] = await run.result()
    assert error == "KeyError(1)"
    assert "in the cleanup" in later
    return [error, later]


@every_way
async def test_branches_with_plain_shared_variables_do_the_same_when_replayed(world: World) -> object:
    @process("shared")
    async def shared() -> list[str]:
        seen: list[str] = []

        async def branch(name: str, hours: int) -> None:
            for turn in range(3):
                await wait.sleep(hours * HOUR)
                seen.append(f"{name}{turn}")
                if len(seen) == 3:
                    await crm.deal(1).add_comment(name)

        await gather(branch("a", 2), branch("b", 3), branch("c", 1))
        return seen

    await world.deal()
    run = await world.start(shared())
    await world.advance(hours=2)
    await world.crash()
    await world.advance(hours=10)
    return await run.result()


@every_way
async def test_attempt_gives_what_came_of_it(world: World) -> object:
    async def fails() -> None:
        await wait.sleep(HOUR)
        raise KeyError("x")

    @process("attempts")
    async def attempts() -> list[Any]:
        good, bad = await gather(attempt(wait.for_signal("n", timeout=HOUR)), attempt(fails()))
        assert good.value is not None
        return [good.value.timed_out, repr(bad.error)]

    run = await world.start(attempts())
    await world.advance(hours=1)
    assert await run.result() == [True, "KeyError('x')"]
    return await run.result()


@every_way
async def test_a_race_whose_loser_holds_a_shield_ends_when_the_shield_does(world: World) -> object:
    @process("shielded")
    async def shielded() -> int:
        winner = await race(wait.sleep(HOUR), shield(wait.sleep(2 * HOUR)))
        await crm.deal(1).add_comment("after")
        return winner.index

    await world.deal()
    run = await world.start(shielded())
    await world.advance(hours=1)
    await world.crash()
    assert (await run.status()).state == "waiting"
    await world.advance(hours=1)
    assert await run.result() == 0
    return (await run.status()).ended_at


async def test_a_race_of_nothing_is_refused() -> None:
    with pytest.raises(WrongArgument):
        _ = race()
