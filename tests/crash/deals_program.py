"""
Follow-ups on all deals of a store, from wherever the last run of this program was killed. See `test_sigkill_deals.py`.

    python -m tests.crash.deals_program prepare STORE [FOLDER]    import a folder, or make data of the same shape
    python -m tests.crash.deals_program work STORE BOARD          put deals to NEW, start, wait; move them when allowed
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

from bizproc import Runtime, crm, process, wait
from bizproc.model import Deal
from tests.crash.harness import UNPROTECTED, Board, live, observe, say, url

T = TypeVar("T")

DEALS: Final = 830
PRODUCT: Final = 7
WAVE: Final = 10
"""How much is asked for at a time: enough to share commits, and few enough that there are many."""


@process("crash.follow_up")
async def follow_up(deal: Deal) -> str:
    row = await crm.deal.add_product(PRODUCT, price=Decimal("1.25"), quantity=2)
    comment = await crm.deal.add_comment(f"followed up: row {row.id}")
    reached = await wait.until_stage("EXECUTING")
    activity = await crm.deal.add_activity(f"ship it: {reached.stage}")
    return f"{row.id} {comment.id} {activity.id} {reached.matched}"


async def in_waves(function: Callable[[T], Awaitable[object]], items: Sequence[T]) -> None:
    for begun in range(0, len(items), WAVE):
        await asyncio.gather(*(function(item) for item in items[begun : begun + WAVE]))


# -- prepare -----------------------------------------------------------------------------------------------------------


async def prepare(store: str, folder: str | None) -> None:
    async with Runtime.open(store, settings=UNPROTECTED) as runtime:
        if folder is None:
            await make(runtime)
        else:
            await runtime.import_folder(folder)
        say(len(await runtime.find(Deal)))


async def make(runtime: Runtime) -> None:
    """As many as Northwind has, in the stages that those are in."""
    async with asyncio.TaskGroup() as group:
        for number in range(1, 78):
            group.create_task(
                _perform(runtime, crm.product.create(name=f"Product {number}", price=Decimal(number) / 4))
            )
        for number in range(1, 92):
            group.create_task(_perform(runtime, crm.company.create(title=f"Company {number}")))
    async with asyncio.TaskGroup() as group:
        for number in range(1, DEALS + 1):
            stage = "EXECUTING" if number > DEALS - 21 else "WON"
            made = crm.deal.create(title=f"Order {number}", stage=stage, company_id=1 + number % 91, currency="USD")
            group.create_task(_perform(runtime, made))
    async with asyncio.TaskGroup() as group:
        for number in range(2155):
            row = crm.deal(1 + number % DEALS).add_product(1 + number % 77, quantity=1 + number % 9)
            group.create_task(_perform(runtime, row))


async def _perform(runtime: Runtime, action: Awaitable[object]) -> None:
    await runtime.perform(action)  # type: ignore[arg-type]


# -- work --------------------------------------------------------------------------------------------------------------


async def work(store: str, board: Board) -> None:
    observe(board)
    async with Runtime.open(store, processes=[follow_up], settings=UNPROTECTED) as runtime:
        await start_all(runtime)
        await runtime.settled()
        while not board.allowed:
            board.parked = 1
            await asyncio.sleep(0.005)
        await move_all(runtime)
        results = await asyncio.gather(*(runtime.instance(name(id)).result() for id in await ids(runtime)))
        say(results)


def name(deal: int) -> str:
    return f"deal-{deal}"


async def ids(runtime: Runtime) -> list[int]:
    return [deal.id for deal in await runtime.find(Deal)]


async def start_all(runtime: Runtime) -> None:
    """Put to NEW what has not been started, and start it; the last that were, are asked for again."""
    started = {status.id for status in await runtime.instances()}

    async def start(deal: Deal) -> None:
        if name(deal.id) not in started:
            if deal.stage != "NEW":
                await runtime.perform(crm.deal(deal).change_stage("NEW"))
            deal = await runtime.get(Deal, deal.id)
            assert deal.stage == "NEW"
        await runtime.start(follow_up(deal), id=name(deal.id))

    await in_waves(start, (await runtime.find(Deal))[max(0, len(started) - WAVE) :])


async def move_all(runtime: Runtime) -> None:
    async def move(deal: Deal) -> None:
        await runtime.perform(crm.deal(deal).change_stage("EXECUTING"))

    await in_waves(move, [deal for deal in await runtime.find(Deal) if deal.stage != "EXECUTING"])


if __name__ == "__main__":
    live()
    match sys.argv[1:]:
        case ["prepare", path, *folder]:
            asyncio.run(prepare(url(Path(path)), folder[0] if folder else None))
        case ["work", path, shared]:
            asyncio.run(work(url(Path(path)), Board(Path(shared))))
