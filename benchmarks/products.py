"""
Actions on the CRM: many instances that add product rows to deals of their own, beside the same statements by hand.

An `add_product` is a row of the deal, its new amount, an entry of its history and one of the journal. The floor is what
SQLite itself takes for that: the statements of one action as they were seen, with the same values, all of a batch in
one transaction, and nothing around them.
"""

from __future__ import annotations

import argparse
import asyncio
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Final

from benchmarks.harness import Figures, Watch, check, in_turn, show
from bizproc import crm
from bizproc.adapters.system_clock import SystemClock
from bizproc.core.process import process
from bizproc.engines.embedded.engine import Options
from bizproc.model import Deal
from bizproc.runtime import Runtime, assemble, open_database
from bizproc.settings import Settings
from bizproc.store.sqlite import driver

INSTANCES: Final = 200
ACTIONS: Final = 10


@process("benchmark.filling", overlap="parallel")
async def filling(deal: Deal, *, actions: int) -> None:  # noqa: ARG001  what `crm.deal` stands for
    for number in range(actions):
        await crm.deal.add_product(1, price=Decimal(number + 1))


async def deals(runtime: Runtime, count: int) -> list[Deal]:
    """Deals to work on, and the product."""
    await runtime.perform(crm.product.create(name="chair", price=Decimal(10)))
    return [await runtime.perform(crm.deal.create(title=f"deal {number}")) for number in range(count)]


def run(folder: Path, *, instances: int = INSTANCES, actions: int = ACTIONS) -> Figures:
    """One run: actions a second, microseconds of processor an action."""
    return asyncio.run(_run(folder, instances, actions))


async def _run(folder: Path, instances: int, actions: int) -> Figures:
    async with Runtime.open(f"sqlite:///{folder}/bizproc.db", processes=[filling]) as runtime:
        items = await deals(runtime, instances)
        watch = Watch()
        async with asyncio.timeout(120):
            await asyncio.gather(*(runtime.start(filling(deal, actions=actions)) for deal in items))
            await runtime.settled()
        watch.stop()
        (rows,) = await runtime.read(lambda connection: connection.execute(ROWS).fetchone())
        amounts = await runtime.read(lambda connection: connection.execute(AMOUNTS).fetchall())
    check("rows", rows, instances * actions)
    check("amounts", amounts, [(sum(range(1, actions + 1)) * 10_000,)])
    done = instances * actions
    return {"actions/s": done / watch.wall, "cpu": watch.cpu / done * 1e6}


ROWS: Final = "SELECT count(*) FROM product_row"
AMOUNTS: Final = "SELECT DISTINCT amount FROM deal"


# -- the floor ---------------------------------------------------------------------------------------------------------


async def statements(path: Path) -> list[str]:
    """What one action and its entry run, values included; the store they ran on stays at `path`."""
    clock, seen = SystemClock(), list[str]()
    database = open_database(f"sqlite:///{path}", clock, None, threaded=False)
    runtime = assemble(database, clock, Settings(), Options())
    database.start(asyncio.get_running_loop())
    await runtime.begin([filling])
    (deal,) = await deals(runtime, 1)
    # The second of three: the first is with the start, the last with the end of the instance.
    database._connection.set_trace_callback(seen.append)  # noqa: SLF001
    await runtime.start(filling(deal, actions=3))
    await runtime.settled()
    database._connection.set_trace_callback(None)  # noqa: SLF001
    await runtime.engine.close()
    database.close()
    groups: list[list[str]] = []
    for text in seen:
        if text.startswith("BEGIN"):
            groups.append([])
        elif not text.startswith("COMMIT") and groups:
            groups[-1].append(text)
    of_an_action = [group for group in groups if any("INTO product_row" in text for text in group)]
    return of_an_action[1]


def by_hand(folder: Path, *, instances: int = INSTANCES, actions: int = ACTIONS) -> Figures:
    """The statements again and again, as many in a transaction as there are instances."""
    path = folder / "floor.db"
    texts = [text for text in asyncio.run(statements(path)) if "store_owner" not in text]
    entry = next(text for text in texts if "INTO journal" in text)
    with closing(driver().connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = FULL")
        (before,) = connection.execute(ROWS).fetchone()
        watch, position = Watch(), 1000
        for _ in range(actions):
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(instances):
                position += 1
                for text in texts:
                    connection.execute(text if text is not entry else _at(position, text))
            connection.execute("COMMIT")
        watch.stop()
        (after,) = connection.execute(ROWS).fetchone()
    check("rows", after - before, instances * actions)
    done = instances * actions
    return {"actions/s": done / watch.wall, "cpu": watch.cpu / done * 1e6, "statements": len(texts)}


def _at(position: int, text: str) -> str:
    """The entry at another place of the journal: no two may have the same."""
    head, _, values = text.partition("VALUES (")
    instance, _, rest = values.partition(", ")
    _, _, rest = rest.partition(", ")
    return f"{head}VALUES ({instance}, {position}, {rest}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.products", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run; the medians are shown (3)")
    given = parser.parse_args()
    found = in_turn(given.rounds, {"bizproc": run, "by hand": by_hand})
    ours, floor = found["bizproc"], found["by hand"]
    show(
        f"add_product, {INSTANCES} instances × {ACTIONS}: medians of {given.rounds} rounds",
        ["", "bizproc", "by hand", "bizproc / by hand"],
        [
            (
                "actions/s",
                f"{ours['actions/s']:,.0f}",
                f"{floor['actions/s']:,.0f}",
                f"{ours['actions/s'] / floor['actions/s']:.2f}",
            ),
            ("CPU an action, µs", f"{ours['cpu']:.0f}", f"{floor['cpu']:.0f}", f"{ours['cpu'] / floor['cpu']:.1f}"),
            ("statements an action", "", f"{floor['statements']:.0f}", ""),
        ],
    )


if __name__ == "__main__":
    main()
