"""
What is done at each change must not grow with what a store has come to hold: counted, not timed.

Two counts of the writer's work are compared, in a store that holds little and in one that holds much more: the
statements, and the steps of SQLite's machine, of which a row more that is looked at takes several.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from attrs import define, field

from bizproc import Process, action, crm, on, process, wait
from bizproc.model import Deal
from bizproc.testing import World

FEW: Final = 5
MANY: Final = 150
SLACK: Final = 60
"""Steps of SQLite's machine for a level more of an index: less than to look at each of those that are more."""


@action("growth.noted")
async def noted(number: int) -> int:
    return number


@process("growth.waiting", overlap="parallel")
async def waiting(deal: Deal) -> str:
    await wait.until_stage("WON")
    return deal.title


@process("growth.signalled", overlap="parallel")
async def signalled() -> None:
    await wait.for_signal("go")


@process("growth.stepping", overlap="parallel")
async def stepping(*, steps: int) -> None:
    for number in range(steps):
        await noted(number)
    await wait.for_signal("go")
    await noted(steps)


@process("growth.short", overlap="parallel")
async def short() -> None:
    await noted(1)


@define
class Work:
    """What the writer's connection was asked to do."""

    statements: list[str] = field(factory=list)
    steps: int = 0


@contextmanager
def counted(world: World) -> Iterator[Work]:
    """Count from here to the end of the block."""
    work, connection = Work(), world.runtime.database._connection

    def step() -> int:
        work.steps += 1
        return 0

    connection.set_trace_callback(work.statements.append)
    connection.set_progress_handler(step, 1)
    try:
        yield work
    finally:
        connection.set_trace_callback(None)
        connection.set_progress_handler(None, 1)
        work.statements = [re.sub(r"'[^']*'|x'[^']*'|\b\d+\b", "?", text) for text in work.statements]


Fill = Callable[[World, int], Awaitable[None]]
Act = Callable[[World], Awaitable[Any]]


async def work_beside(count: int, fill: Fill, act: Act, *processes: Process[..., Any]) -> Work:
    """The work of an act in a store that was filled before; once it was done before, for what is done but once."""
    async with World.open(*processes) as world:
        await fill(world, count)
        await act(world)
        await world.run_until_idle()
        with counted(world) as work:
            await act(world)
            await world.run_until_idle()
    return work


# -- what a store may hold much of -------------------------------------------------------------------------------------


async def others_that_wait_for_a_stage(world: World, count: int) -> None:
    for number in range(count):
        await world.start(waiting(await world.perform(crm.deal.create(title=f"other {number}"))))


async def others_that_wait_for_a_signal(world: World, count: int) -> None:
    for _ in range(count):
        await world.start(signalled())


async def instances_that_have_ended(world: World, count: int) -> None:
    for _ in range(count):
        await world.start(short())
    await world.run_until_idle()


async def other_deals_with_products(world: World, count: int) -> None:
    product = await world.product()
    for number in range(count):
        deal = await world.perform(crm.deal.create(title=f"other {number}"))
        await world.perform(crm.deal(deal.id).add_product(product.id, price=3))


# -- what is done ------------------------------------------------------------------------------------------------------


async def wake_one_by_its_stage(world: World) -> None:
    deal = await world.perform(crm.deal.create(title="the one"))
    instance = await world.start(waiting(deal))
    await world.run_until_idle()
    await world.perform(crm.deal(deal.id).change_stage("WON"))
    assert await instance.result() == "the one"


async def wake_one_by_a_signal(world: World) -> None:
    instance = await world.start(signalled())
    await world.run_until_idle()
    await instance.signal("go")
    await instance.result()


async def run_a_short_one(world: World) -> None:
    await (await world.start(short())).result()


async def add_a_product(world: World) -> None:
    product = await world.product()
    deal = await world.perform(crm.deal.create(title="the one"))
    await world.perform(crm.deal(deal.id).add_product(product.id, price=7))


FILLS: Final = (
    others_that_wait_for_a_stage,
    others_that_wait_for_a_signal,
    instances_that_have_ended,
    other_deals_with_products,
)
ACTS: Final = (wake_one_by_its_stage, wake_one_by_a_signal, run_a_short_one, add_a_product)


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
@pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.__name__)
async def test_what_is_done_is_the_same_work_however_much_there_is(fill: Fill, act: Act) -> None:
    loaded = (waiting, signalled, short)
    few, many = [await work_beside(count, fill, act, *loaded) for count in (FEW, MANY)]
    assert many.statements == few.statements
    assert many.steps <= few.steps + SLACK


async def test_a_step_is_the_same_work_however_long_the_journal_is() -> None:
    found = []
    for steps in (FEW, MANY):
        async with World.open(stepping) as world:
            instance = await world.start(stepping(steps=steps))
            await world.run_until_idle()
            await instance.signal("go")
            with counted(world) as work:
                await world.run_until_idle()
            await instance.result()
        found.append(work)
    few, many = found
    assert many.statements == few.statements
    assert many.steps <= few.steps + SLACK


async def test_a_change_is_the_same_work_however_many_processes_start_by_others() -> None:
    found = []
    for count in (FEW, MANY):
        loaded = [_on_leads(number) for number in range(count)]
        found.append(await work_beside(FEW, other_deals_with_products, add_a_product, *loaded))
    few, many = found
    assert many.statements == few.statements
    assert many.steps <= few.steps + SLACK


def _on_leads(number: int) -> Process[..., Any]:
    @process(f"growth.on_leads_{number}", starts=on.created("lead"), overlap="parallel")
    async def on_leads() -> None:
        await noted(number)

    return on_leads


async def test_a_row_more_that_is_looked_at_is_seen_by_these_counts(world: World) -> None:
    await other_deals_with_products(world, MANY)
    with counted(world) as few:
        await world.runtime.engine.write(lambda tx: tx.execute("SELECT id FROM deal WHERE id = 1").fetchall())
    with counted(world) as many:
        await world.runtime.engine.write(lambda tx: tx.execute("SELECT id FROM deal WHERE +id = 1").fetchall())
    assert many.steps > few.steps + SLACK
