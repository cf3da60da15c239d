"""Signals: durable, buffered before they are waited for, first in first out, exactly once."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bizproc import continue_as_new, gather, process, race, wait
from bizproc.core.errors import InstanceNotFound, NotJournallable, NotRestorable
from bizproc.testing import World
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@every_way
async def test_two_signals_can_be_awaited_in_reverse_order(world: World) -> object:
    """Scenario 11."""

    @process("reverse")
    async def reverse() -> list[Any]:
        await wait.sleep(DAY)
        b = await wait.for_signal("b")
        a = await wait.for_signal("a")
        return [a.value, b.value]

    run = await world.start(reverse())
    await run.signal("a", 1)
    await run.signal("b", 2)
    await world.crash()
    await world.advance(days=1)
    assert await run.result() == [1, 2]
    return await run.result()


@every_way
async def test_signals_are_first_in_first_out_and_exactly_once(world: World) -> object:
    """Section 2, signals."""

    @process("queue")
    async def queue() -> list[Any]:
        got = [(await wait.for_signal("n")).value for _ in range(2)]
        await wait.sleep(DAY)
        got += [(await wait.for_signal("n")).value for _ in range(3)]
        last = await wait.for_signal("n", timeout=DAY)
        return [*got, last.timed_out]

    run = await world.start(queue())
    for number in range(5):
        await run.signal("n", number)
    await world.advance(days=3)
    assert await run.result() == [0, 1, 2, 3, 4, True]
    return await run.result()


@every_way
async def test_a_signal_sent_twice_with_one_key_counts_once(world: World) -> object:
    @process("dedupe")
    async def dedupe() -> list[Any]:
        first = await wait.for_signal("n")
        second = await wait.for_signal("n", timeout=DAY)
        return [first.value, second.timed_out]

    run = await world.start(dedupe())
    await run.signal("n", 1, key="k")
    await run.signal("n", 2, key="k")  # after it was consumed
    await world.crash()
    await run.signal("n", 3, key="k")
    await world.advance(days=2)
    assert await run.result() == [1, True]
    return await run.result()


@every_way
async def test_two_waits_for_one_name_get_one_signal_each_in_the_order_in_which_they_began(world: World) -> object:
    @process("pair")
    async def pair() -> list[Any]:
        a, b = await gather(wait.for_signal("n"), wait.for_signal("n"))
        return [a.value, b.value]

    run = await world.start(pair())
    await run.signal("n", 1)
    assert (await run.status()).state == "waiting"
    await world.crash()
    await run.signal("n", 2)
    assert await run.result() == [1, 2]
    return await run.result()


@every_way
async def test_a_signal_is_not_consumed_by_a_wait_that_lost_its_race(world: World) -> object:
    @process("raced")
    async def raced() -> list[Any]:
        winner = await race(wait.for_signal("n"), wait.sleep(DAY))
        late = await wait.for_signal("n")
        return [winner.index, late.value]

    run = await world.start(raced())
    await world.advance(days=1)
    await run.signal("n", 1)
    assert await run.result() == [1, 1]
    return await run.result()


@every_way
async def test_values_come_as_the_type_that_was_asked_for(world: World) -> object:
    @process("typed")
    async def typed() -> list[Any]:
        price = await wait.for_signal("price", Decimal)
        try:
            await wait.for_signal("price", Decimal)
        except NotRestorable as error:
            wrong = type(error).__name__
        return [price.value, wrong]

    run = await world.start(typed())
    await run.signal("price", Decimal("1.50"))
    await run.signal("price", {"not": "a price"})
    assert await run.result() == [Decimal("1.50"), "NotRestorable"]
    return repr(await run.result())


@every_way
async def test_unread_signals_outlive_a_new_beginning(world: World) -> object:
    """Section 2, loops."""

    @process("loop")
    async def loop(*, round: int = 0, sum: int = 0) -> int:
        got = await wait.for_signal("n")
        sum += int(got.value or 0)
        if round == 3:
            return sum
        await continue_as_new(round=round + 1, sum=sum)
        return 0

    run = await world.start(loop())
    await run.signal("n", 1)
    for number in (2, 4):
        await run.signal("n", number)
    await world.crash()
    assert len(await run.journal()) <= 1
    await run.signal("n", 8)
    assert await run.result() == 15
    return await run.result()


async def test_a_signal_that_cannot_be_written_fails_at_the_call(world: World) -> None:
    @process("waits")
    async def waits() -> None:
        await wait.for_signal("n")

    run = await world.start(waits())
    with pytest.raises(NotJournallable, match="signal n"):
        await run.signal("n", object())
    with pytest.raises(InstanceNotFound):
        await world.instance("nobody").signal("n")


@every_way
async def test_a_signal_to_one_that_has_ended_changes_nothing(world: World) -> object:
    @process("quick")
    async def quick() -> str:
        return "done"

    run = await world.start(quick())
    await run.signal("n", 1)
    await world.crash()
    return await run.result()
