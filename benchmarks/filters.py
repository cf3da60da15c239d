"""
Filters over many deals: how long the first that fits takes to find, beside the same question in SQL by hand.

The only deal that fits is the last of all, so each question looks at all of them, unless an index leads there. By hand
is the statement that who knows the tables would write (with the folded texts and the links that are stored for this),
on a connection of its own, and its row as it comes; bizproc's is `Runtime.find`, which checks and compiles the filter,
asks on the reader's thread, and returns a deal.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks import deals
from benchmarks.harness import Watch, check, folder, show
from bizproc import F
from bizproc.model import Deal, Money
from bizproc.model.texts import folded
from bizproc.rules.filters import Filter
from bizproc.runtime import Runtime
from bizproc.store.sqlite import driver


class Question(NamedTuple):
    """A filter, and what asks the same in SQL; `scans` where no index leads to the answer."""

    title: str
    filter: Filter
    sql: str
    parameters: tuple[Any, ...]
    scans: bool = True


def questions(count: int) -> Sequence[Question]:
    """Typical ones. The last deal has the last contact and the last company, and all of them only that one."""
    client = deals.clients(count)
    return (
        Question("amount >= 200000", F.amount >= 200_000, "amount >= ?", (2_000_000_000,)),
        Question(
            "amount >= 200000 EUR",
            F.amount >= Money(Decimal(200_000), "EUR"),
            "(currency <> ? OR amount >= ?)",
            ("EUR", 2_000_000_000),
        ),
        Question(
            'title contains "größe xl"',
            F.title.contains("größe xl"),
            "instr(title_folded, ?) > 0",
            (folded("größe xl"),),
        ),
        Question(
            'title starts with "samowar"',
            F.title.starts_with("samowar"),
            "substr(title_folded, 1, 7) = ?",
            ("samowar",),
        ),
        Question(
            "closes between two days",
            F.close_date.between(date(2031, 1, 1), date(2031, 12, 31)),
            "close_date BETWEEN ? AND ?",
            ("2031-01-01", "2031-12-31"),
        ),
        Question(
            "stage in two, amount, not of a source",
            F.stage.is_in(["PREPARATION", "EXECUTING"]) & (F.amount > 100_000) & ~(F.source == "WEB"),
            "stage IN (?, ?) AND amount > ? AND source IS NOT ?",
            ("PREPARATION", "EXECUTING", 1_000_000_000, "WEB"),
        ),
        Question(
            "one of three texts, or an amount",
            F.title.contains("xxl") | F.title.contains("größe") | F.title.contains("zzz") | (F.amount < 0),
            "(instr(title_folded, ?) > 0 OR instr(title_folded, ?) > 0 OR instr(title_folded, ?) > 0 OR amount < ?)",
            ("xxl", folded("größe"), "zzz", 0),
        ),
        Question(
            "the company's country",
            F.company.country == "Island",
            "(SELECT c.country FROM company c WHERE c.id = deal.company_id) = ?",
            ("Island",),
        ),
        Question(
            "any contact's mail",
            F.contacts.any(F.last_name.equals_text(f"family {client}")),
            "EXISTS (SELECT 1 FROM contact c WHERE c.id IN (SELECT value FROM json_each(deal.contact_ids)) "
            "AND c.last_name_folded = ?)",
            (f"family {client}",),
        ),
        Question(
            "a custom text",
            F.custom.delivery_city == "Reykjavik",
            "json_extract(custom, '$.delivery_city') = ?",
            ("Reykjavik",),
        ),
        Question(
            "a custom number",
            F.custom.discount > Decimal("40.5"),
            "CAST(json_extract(custom, '$.discount.\"$decimal\"') AS REAL) > ?",
            (40.5,),
        ),
        Question(
            "a custom day",
            F.custom.visit >= date(2031, 1, 1),
            "json_extract(custom, '$.visit.\"$date\"') >= ?",
            ("2031-01-01",),
        ),
        Question(
            "a contact (by index)",
            F.contact_ids.any_of([client]),
            "id IN (SELECT item FROM link WHERE to_kind = 'contact' AND to_id = ? AND kind = 'deal')",
            (client,),
            scans=False,
        ),
        Question("a company (by index)", F.company_id == client, "company_id = ?", (client,), scans=False),
        Question("the id (by index)", F.id == count, "id = ?", (count,), scans=False),
    )


class Found(NamedTuple):
    """Until the first that fits is there, both ways: milliseconds on the wall, and the least of processor time."""

    question: Question
    ours: float
    by_hand: float
    our_cpu: float
    cpu_by_hand: float


async def measured(path: Path, count: int, rounds: int) -> list[Found]:
    """Each question so often, both ways in turn; medians."""
    found = []
    async with Runtime.open_asleep(f"sqlite:///{path}/crm.db") as runtime:
        with closing(driver().connect(path / "crm.db", isolation_level=None)) as connection:
            for question in questions(count):
                print(f"\r{question.title:<60}", end="", file=sys.stderr, flush=True)
                found.append(await _of_one(runtime, connection, question, count, rounds))
    print(f"\r{'':<60}\r", end="", file=sys.stderr, flush=True)
    return found


async def _of_one(runtime: Runtime, connection: Any, question: Question, count: int, rounds: int) -> Found:
    text = f"SELECT * FROM deal WHERE {question.sql} ORDER BY id LIMIT 1"  # noqa: S608  texts of this file
    ours, hand = Watch(), Watch()
    taken = []
    for _ in range(rounds + 1):
        ours.start()
        items = await runtime.find(Deal, question.filter, limit=1)
        ours.stop()
        hand.start()
        row = connection.execute(text, question.parameters).fetchone()
        hand.stop()
        check(question.title, [item.id for item in items], [count])
        check(f"{question.title}, by hand", row[0], count)
        taken.append((ours.wall, hand.wall, ours.cpu, hand.cpu))
    # The first round reads what is not in memory yet, and is no measure.
    our_wall, hand_wall, our_cpu, hand_cpu = (list(column) for column in zip(*taken[1:], strict=True))
    least = (median(our_wall), median(hand_wall), min(our_cpu), min(hand_cpu))
    return Found(question, *(each * 1000 for each in least))


def fill(path: Path, count: int) -> None:
    """A store with so many deals."""
    deals.write(path / "csv", count, custom=True)

    async def bring_in() -> None:
        async with Runtime.open_asleep(f"sqlite:///{path}/crm.db") as runtime:
            report = await runtime.import_folder(path / "csv")
            check("deals", report.counts["deals"], count)

    asyncio.run(bring_in())


def row(found: Found) -> tuple[str, str, str, str, str]:
    wall, cpu = found.ours / found.by_hand, found.our_cpu / found.cpu_by_hand
    if found.question.scans:
        ratios = f"{wall:.2f}", f"{cpu:.2f}"
    else:
        ratios = f"+ {found.ours - found.by_hand:.2f} ms", f"+ {found.our_cpu - found.cpu_by_hand:.2f} ms"
    return (found.question.title, f"{found.ours:,.2f}", f"{found.by_hand:,.2f}", *ratios)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.filters", description=__doc__)
    parser.add_argument("--deals", type=int, default=100_000, help="how many there are (100,000)")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is asked; the medians are shown (9)")
    given = parser.parse_args()
    with folder() as path:
        fill(path, given.deals)
        found = asyncio.run(measured(path, given.deals, given.rounds))
    show(
        f"The first of {given.deals:,} deals that fits, which is the last of all: medians of {given.rounds}",
        ["filter", "bizproc, ms", "SQL by hand, ms", "bizproc / by hand", "CPU"],
        map(row, found),
        [
            "Where an index leads to it at once, what counts is what bizproc does besides, in ms.",
            "CPU is bizproc / by hand, the least of all rounds: the surer figure where other programs run.",
        ],
    )


if __name__ == "__main__":
    main()
