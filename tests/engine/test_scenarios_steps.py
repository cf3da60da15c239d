"""Steps of one's own: run once, written as they were typed, retried by their policy."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from traceback import extract_tb
from typing import Any

import anyio
import pytest
from attrs import frozen

from bizproc import Retry, action, attempt, continue_as_new, crm, process, step_key, wait
from bizproc.core.errors import (
    InstanceFailed,
    NestedStep,
    NotDurable,
    NotJournallable,
    StepInterrupted,
    StepTimedOut,
    WrongArgument,
)
from bizproc.testing import World
from bizproc.testing.clock import BEGINNING
from tests.engine.ways import Way, every_way

THREE = Retry(attempts=3, first_delay=timedelta(seconds=10), factor=3)


class Colour(Enum):
    RED = "red"


@frozen
class Leaf:
    price: Decimal
    day: date


@frozen
class Tree:
    leaves: tuple[Leaf, ...]
    colours: frozenset[Colour]
    raw: bytes
    at: datetime
    by_name: dict[str, Leaf | None]


TREE = Tree(
    (Leaf(Decimal("1.50"), date(2030, 1, 8)),),
    frozenset({Colour.RED}),
    b"\x00\xff",
    datetime(2030, 1, 7, 9, tzinfo=UTC),
    {"a": Leaf(Decimal(2), date(2030, 2, 1)), "b": None},
)


class Down(Exception):
    """The other side is away."""


class Refused(Exception):
    """The other side does not want it."""


@every_way
async def test_a_step_is_run_once_and_its_value_is_recorded(world: World, way: Way) -> object:
    """Scenario 1."""
    ran = []

    @action("one")
    async def one() -> int:
        ran.append(1)
        return 42

    @process("steps")
    async def steps() -> int:
        value = await one()
        await wait.sleep(timedelta(days=1))
        return value

    run = await world.start(steps())
    await world.advance(days=2)
    [step, _] = await run.journal()
    assert (step.address, step.name, step.value, step.attempts) == ("0", "one", 42, 1)
    assert way.ran(len(ran), 1)
    return await run.result()


@every_way
async def test_empty_results_are_replayed_and_not_run_again(world: World, way: Way) -> object:
    """Scenario 2."""
    ran: list[Any] = []

    @action("give")
    async def give(value: Any) -> Any:
        ran.append(value)
        return value

    @process("empty")
    async def empty() -> list[Any]:
        values: tuple[Any, ...] = (None, 0, "", [], {}, False)
        got = [await give(value) for value in values]
        await wait.sleep(timedelta(hours=1))
        return got

    run = await world.start(empty())
    before = len(ran)
    await world.crash()
    await world.crash()
    assert len(ran) == before
    await world.advance(hours=1)
    assert way.ran(len(ran), 6)
    assert await run.result() == [None, 0, "", [], {}, False]
    return await run.result()


@every_way
async def test_nested_values_come_back_with_their_types(world: World) -> object:
    """Scenario 3."""

    @action("tree")
    async def tree() -> Tree:
        return TREE

    @action("either")
    async def either() -> tuple[Leaf | Tree, set[int], list[Colour]]:
        return TREE.leaves[0], {3, 1}, [Colour.RED]

    @process("typed")
    async def typed() -> Tree:
        a, b = await tree(), await either()
        await wait.sleep(timedelta(hours=1))
        assert (a, b) == (TREE, (TREE.leaves[0], {1, 3}, [Colour.RED]))
        assert type(b[0]) is Leaf
        assert type(a.by_name["a"]) is Leaf
        return a

    run = await world.start(typed())
    await world.crash()
    await world.advance(hours=1)
    assert await run.result() == TREE
    return await run.result()


@every_way
async def test_a_step_that_fails_twice_is_tried_three_times_with_its_backoff(world: World, way: Way) -> object:
    """Scenario 4."""
    tried: list[tuple[datetime, str]] = []

    @action("flaky", retry=THREE)
    async def flaky() -> str:
        tried.append((world.clock.now(), step_key()))
        if world.clock.now() < BEGINNING + timedelta(seconds=40):
            raise Down
        return "done"

    @process("patient")
    async def patient() -> str:
        return await flaky()

    run = await world.start(patient())
    status = await run.status()
    assert status.until == BEGINNING + timedelta(seconds=10)
    await world.advance(minutes=5)
    seconds = [(at - BEGINNING).total_seconds() for at, _ in tried]
    assert sorted(set(seconds)) == [0, 10, 40]
    assert len({key for _, key in tried}) == 1
    assert way.ran(len(tried), 3)
    [step] = await run.journal()
    assert step.attempts == 3
    return await run.result()


@every_way
async def test_a_step_that_is_tried_again_shows_its_attempts_and_its_last_error(world: World) -> object:
    @action("flaky", retry=THREE)
    async def flaky() -> str:
        raise Down(f"at {(world.clock.now() - BEGINNING).total_seconds():.0f}")

    @process("patient")
    async def patient() -> str:
        return type((await attempt(flaky())).error).__name__

    run = await world.start(patient())
    [first] = await run.retrying()
    assert (first.step, first.attempts, first.error.class_name, first.error.text) == ("0", 1, "Down", "at 0")
    assert first.again_at == BEGINNING + timedelta(seconds=10)
    await world.advance(seconds=10)
    await world.crash()
    [second] = await run.retrying()
    assert (second.attempts, second.error.text) == (2, "at 10")
    assert second.again_at == BEGINNING + timedelta(seconds=40)
    await world.advance(seconds=30)
    assert await run.retrying() == []
    return await run.result()


@every_way
async def test_a_step_whose_attempts_are_used_up_raises_its_last_error(world: World, way: Way) -> object:
    """Scenario 5."""
    tried: list[int] = []

    @action("never", retry=THREE)
    async def never() -> None:
        tried.append(int((world.clock.now() - BEGINNING).total_seconds()))
        raise Down(f"at {tried[-1]}")

    @process("hopeless")
    async def hopeless() -> str:
        outcome = await attempt(never())
        return f"{type(outcome.error).__name__} {outcome.error}"

    run = await world.start(hopeless())
    await world.advance(hours=1)
    assert way.ran(len(tried), 3)
    [step] = await run.journal()
    assert step.attempts == 3
    assert await run.result() == "Down at 40"
    return await run.result()


@every_way
async def test_an_error_to_give_up_on_is_tried_once(world: World, way: Way) -> object:
    """Scenario 6."""
    tried = []

    @action("refused", retry=Retry(give_up_on=(Refused,)))
    async def refused() -> None:
        tried.append(1)
        raise Refused("no")

    @process("once")
    async def once() -> str:
        try:
            await refused()
        except Refused as error:
            return f"gave up: {error}"
        return ""

    run = await world.start(once())
    assert way.ran(len(tried), 1)
    return await run.result()


@every_way
async def test_attempts_are_not_forgotten_by_a_restart_in_the_backoff(world: World, way: Way) -> object:
    """Section 2, retry."""
    tried = []

    @action("never", retry=THREE)
    async def never() -> None:
        tried.append(1)
        raise Down

    @process("hopeless")
    async def hopeless() -> str:
        return type((await attempt(never())).error).__name__

    run = await world.start(hopeless())
    for seconds in (5, 10, 20, 30):
        await world.crash()
        await world.advance(seconds=seconds)
    assert way.ran(len(tried), 3)
    assert (await run.journal())[0].attempts == 3
    return await run.result()


@every_way
async def test_a_value_that_cannot_be_written_fails_at_the_call_with_its_path(world: World) -> object:
    """Scenario 27."""

    @action("strange")
    async def strange() -> Any:
        return {"a": [1, object()]}

    @action("take")
    async def take(value: Any) -> None:
        pass

    @process("unwritable")
    async def unwritable() -> list[str]:
        told = []
        for step in (strange, lambda: take({"b": object()}), lambda: take([lambda: 1])):
            try:
                await step()
            except NotJournallable as error:
                told.append(error.path)
        await wait.sleep(timedelta(hours=1))
        return told

    run = await world.start(unwritable())
    await world.crash()
    await world.advance(hours=1)
    [returned, argument, other] = await run.result()
    assert "strange" in returned
    assert "'a'][1]" in returned or "a[1]" in returned or "a.1" in returned, returned
    assert "b" in argument
    return [returned, argument, other]


@every_way
async def test_two_calls_that_cannot_be_written_fail_alike_when_replayed(world: World) -> object:
    """Scenario 27, in branches: the first to fail is the same on every replay."""
    from bizproc import gather, now, race

    @action("take")
    async def take(value: Any) -> int:
        return 1

    async def late() -> int:
        await now()
        return await take(object())

    async def soon() -> str:
        await now()
        return "won"

    @process("unwritable")
    async def unwritable() -> list[str]:
        both = await attempt(gather(take(object()), take(object())))
        raced = await attempt(race(soon(), take(object())))
        later = await attempt(race(late(), soon()))
        await wait.sleep(timedelta(hours=1))
        won = [o.value.value if o.value else None for o in (raced, later)]
        return [str(value) for value in won] + [type(both.error).__name__]

    run = await world.start(unwritable())
    await world.crash()
    await world.advance(hours=1)
    assert await run.result() == ["won", "won", "NotJournallable"]
    return await run.result()


@every_way
async def test_the_result_of_a_process_that_cannot_be_written_fails_it(world: World) -> object:
    """Scenario 27, the last value."""

    @process("strange")
    async def strange() -> Any:
        return object()

    run = await world.start(strange())
    with pytest.raises(InstanceFailed, match="result"):
        await run.result()
    return (await run.status()).state


async def test_an_argument_of_the_wrong_type_is_refused_at_the_call(world: World) -> None:
    @action("double")
    async def double(number: int) -> int:
        return 2 * number

    @process("wrong")
    async def wrong() -> str:
        try:
            await double("two")  # type: ignore[arg-type]
        except WrongArgument as error:
            return error.parameter
        return ""

    assert await (await world.start(wrong())).result() == "number"


@every_way
async def test_a_step_has_the_same_key_on_every_attempt_and_another_one_elsewhere(world: World) -> object:
    """Section 1, `step_key()`."""
    keys: dict[str, set[str]] = {}

    @action("flaky", retry=THREE)
    async def flaky(name: str) -> None:
        keys.setdefault(name, set()).add(step_key())
        if world.clock.now() == BEGINNING:
            raise Down

    @process("keys")
    async def both() -> None:
        from bizproc import gather

        await gather(flaky("a"), flaky("b"))
        await flaky("c")

    run = await world.start(both())
    await world.crash()
    await world.advance(minutes=5)
    await run.result()
    assert [len(found) for found in keys.values()] == [1, 1, 1]
    assert len(set.union(*keys.values())) == 3
    return sorted(set.union(*keys.values()))


@every_way
async def test_a_step_has_another_key_in_the_next_run(world: World) -> object:
    """Section 1, `step_key()`: what a run has done outside is no reason not to do it in the next."""
    keys: list[str] = []

    @action("noted")
    async def noted() -> None:
        if step_key() not in keys:
            keys.append(step_key())

    @process("rounds")
    async def rounds(*, left: int = 2) -> None:
        await noted()
        if left:
            await continue_as_new(left=left - 1)

    await (await world.start(rounds())).result()
    assert len(keys) == 3
    return keys


@every_way
async def test_a_step_at_most_once_runs_once_where_nothing_crashes(world: World, way: Way) -> object:
    """Section 2: where the program dies in the body it is not run again, and the process is told."""
    ran = []

    @action("pay", at_most_once=True)
    async def pay() -> str:
        ran.append(1)
        return "paid"

    told = []

    @process("payment")
    async def payment() -> None:
        try:
            result = await pay()
        except StepInterrupted as error:
            result = f"unknown: {error.name} {error.step}"
        await wait.sleep(timedelta(hours=1))
        told.append(result)

    run = await world.start(payment())
    await world.advance(hours=1)
    assert len(ran) <= 1
    if way.crashes:
        # Whether the body's end was on disk depends on the commit.
        assert set(told) <= {"paid", "unknown: pay 0"}
    else:
        assert (told, ran) == (["paid"], [1])
    return (await run.status()).state


async def test_a_step_at_most_once_that_was_running_in_a_crash_is_interrupted() -> None:
    """Section 2: at_most_once."""
    ran, hangs = [], True

    @action("pay", at_most_once=True)
    async def pay() -> str:
        ran.append(1)
        if hangs:
            await asyncio.Event().wait()
        return "paid"

    @process("payment")
    async def payment() -> str:
        try:
            return await pay()
        except StepInterrupted as error:
            return f"unknown: {error.name} {error.step}"

    async with World.open(payment) as world:
        starting = asyncio.ensure_future(world.start(payment(), id="p"))
        while not ran:
            await asyncio.sleep(0)
        await world.crash()
        starting.cancel()
        assert await world.instance("p").result() == "unknown: pay 0"
        assert ran == [1]


async def test_a_step_that_was_running_in_a_crash_is_run_again_with_its_key() -> None:
    keys, hangs = [], [True]

    @action("pay")
    async def pay() -> str:
        keys.append(step_key())
        if hangs:
            hangs.clear()
            await asyncio.Event().wait()
        return "paid"

    @process("payment")
    async def payment() -> str:
        return await pay()

    async with World.open(payment) as world:
        starting = asyncio.ensure_future(world.start(payment(), id="p"))
        while not keys:
            await asyncio.sleep(0)
        await world.crash()
        starting.cancel()
        assert await world.instance("p").result() == "paid"
        assert keys == ["p/0", "p/0"]


@every_way
async def test_an_error_comes_back_as_its_class_with_its_fields(world: World) -> object:
    """Section 1, errors."""

    @action("breaks")
    async def breaks() -> None:
        raise WrongArgument(process="p", parameter="x", expected="one", got="two")

    @process("told")
    async def told() -> tuple[str, str]:
        try:
            await breaks()
        except WrongArgument as error:
            caught = error
        await wait.sleep(timedelta(hours=1))
        return caught.parameter, str(caught)

    run = await world.start(told())
    await world.crash()
    await world.advance(hours=1)
    assert (await run.result())[0] == "x"
    return await run.result()


async def test_a_body_that_takes_too_long_times_out(world: World) -> None:
    @action("slow", timeout=timedelta(milliseconds=5))
    async def slow() -> None:
        await asyncio.Event().wait()

    @process("waits")
    async def waits() -> str:
        return type((await attempt(slow())).error).__name__

    assert await (await world.start(waits())).result() == StepTimedOut.__name__


@every_way
async def test_what_is_not_durable_fails_at_the_line_of_the_user(world: World) -> object:
    """Section 1: the trap."""

    @process("foreign")
    async def foreign() -> list[str]:
        told: list[str] = []

        async def timeout() -> None:
            async with asyncio.timeout(1):  # bizproc: ok (it must fail)
                await wait.sleep(timedelta(days=1))

        async def future() -> None:
            await asyncio.Event().wait()  # bizproc: ok (it must fail)

        async def sleeping() -> None:
            await asyncio.sleep(1)  # bizproc: ok (it must fail)

        async def yielding() -> None:
            await asyncio.sleep(0)  # bizproc: ok (it must fail)

        async def elsewhere() -> None:
            await anyio.sleep(1)  # bizproc: ok (it must fail)

        for wrong in (sleeping, yielding, elsewhere, timeout, future):
            try:
                await wrong()
            except NotDurable as error:
                # Raised below a line of the function that did it, not later.
                at = [frame.name for frame in extract_tb(error.__traceback__)]
                told.append(error.what if wrong.__name__ in at else "elsewhere")
        return told

    run = await world.start(foreign())
    told = await run.result()
    assert told[:4] == ["asyncio.sleep", "asyncio.sleep", "anyio.sleep", "asyncio.timeout"]
    return told


@every_way
async def test_steps_and_actions_inside_a_body_are_refused(world: World) -> object:
    """Section 2, nesting."""

    @action("inner")
    async def inner() -> None:
        pass

    @action("outer")
    async def outer() -> None:
        await inner()

    @action("acts")
    async def acts() -> None:
        await crm.contact.create(name="Jo")

    @process("nested")
    async def nested() -> list[str]:
        return [type((await attempt(step())).error).__name__ for step in (outer, acts)]

    result = await (await world.start(nested())).result()
    assert result == [NestedStep.__name__] * 2
    return result
