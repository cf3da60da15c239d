"""
A million deals: how fast they come in from CSV files, and how fast a process is started on each of them.

Import and backfill are stopped on the way, as in life: an import is killed halfway, and nothing of it may be left; a
backfill is killed after a third, gone on with, interrupted (Ctrl-C) after two, and gone on with to its end. Then every
deal must have one instance, which has ended, and one comment. Memory and rates should not depend on how far it is.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Final

import orjson

from benchmarks import deals
from benchmarks.harness import ROOT, check, folder, resident, show
from bizproc import crm
from bizproc.core.process import process
from bizproc.model import Deal
from bizproc.runtime import Backfill, Runtime

TOLD: Final = 30
"""About so often a program tells how far it is."""

INTERRUPTED: Final = 130


@process("benchmark.tidy")
async def tidy(deal: Deal) -> None:  # noqa: ARG001  what `crm.deal` stands for
    await crm.deal.add_comment("From the old CRM")


# -- the programs ------------------------------------------------------------------------------------------------------


def say(**found: float) -> None:
    """Tell the program above how far it is, and what it has taken so far."""
    print(orjson.dumps({**found, "memory": resident(), "cpu": process_time()}).decode(), flush=True)


async def bring_in(store: str, csv: str, hold: float) -> None:
    """Import; where it is to be killed, wait for that in the middle of its transaction."""
    began, told = perf_counter(), [0]

    def progress(name: str, done: int, total: int) -> None:
        if name == "deals.csv" and done >= hold * total:
            say(seconds=perf_counter() - began, done=done / total)
            sys.stdin.read()
        if done * TOLD // total > told[0]:
            told[0] = done * TOLD // total
            say(seconds=perf_counter() - began, done=done / total)

    async with Runtime.open_asleep(store) as runtime:
        report = await runtime.import_folder(csv, progress=progress)
        say(seconds=perf_counter() - began, done=1, rows=sum(report.counts.values()), deals=report.counts["deals"])


async def start_on_each(store: str) -> None:
    """Start the process on each deal, from where an earlier program came to."""
    began, first, told = perf_counter(), [0.0, 0.0], [0]

    def progress(far: Backfill) -> None:
        if far.started and not first[0]:
            first[:] = perf_counter(), far.started
        # The first time at once: from there on new ones are started.
        if far.started and (told[0] == 0 or far.last * TOLD // far.highest > told[0]):
            told[0] = far.last * TOLD // far.highest
            tell(far)

    def tell(far: Backfill) -> None:
        now = perf_counter()
        say(
            to_first=(first[0] or now) - began,
            seconds=now - (first[0] or now),
            started=far.started,
            since_first=far.started - first[1],
            already=far.already,
            done=far.last / max(1, far.highest),
        )

    async with Runtime.open(store, processes=[tidy]) as runtime:
        far = await runtime.start_each(tidy, progress=progress)
        await runtime.settled()
        tell(far)


async def look(store: str) -> None:
    """Count what is there."""
    async with Runtime.open(store, processes=[tidy]) as runtime:
        say(**await runtime.read(counts))


def counts(connection: Any) -> dict[str, int]:
    return {name: int(connection.execute(text).fetchone()[0]) for name, text in COUNTS.items()}


COUNTS: Final = {
    "deals": "SELECT count(*) FROM deal",
    "companies": "SELECT count(*) FROM company",
    "instances": "SELECT count(*) FROM instance",
    "completed": "SELECT count(*) FROM instance WHERE state = 'completed'",
    "documents": "SELECT count(DISTINCT document_id) FROM instance WHERE document_type = 'deal'",
    "comments": "SELECT count(*) FROM comment",
    "commented": "SELECT count(DISTINCT owner_id) FROM comment WHERE owner_kind = 'deal'",
}


# -- above them --------------------------------------------------------------------------------------------------------

Line = dict[str, float]
Enough = Callable[[Line], bool]


def lines(mode: str, *arguments: str, stop: signal.Signals | None = None, when: Enough = bool) -> Iterator[Line]:
    """What a program tells; once it is far enough it gets a signal, and what it still tells comes too."""
    command = [sys.executable, "-m", "benchmarks.imports", f"--{mode}", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        sent = False
        for text in child.stdout:
            line: Line = orjson.loads(text)
            print(f"\r{mode} {100 * line.get('done', 1):3.0f} %{'':<20}", end="", file=sys.stderr, flush=True)
            yield line
            if stop is not None and not sent and when(line):
                child.send_signal(stop)
                sent = True
    if child.returncode not in (0, *([-stop, INTERRUPTED] if stop is not None else [])):
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")


def imported(store: str, csv: Path, path: Path) -> tuple[list[Line], Line, Line]:
    """Killed halfway; what is left of it; and then to its end."""
    list(lines("import", f"{store}.killed", str(csv), "0.5", stop=signal.SIGKILL))
    (left,) = lines("look", f"{store}.killed")
    for each in path.glob("*.killed*"):
        each.unlink()
    told = list(lines("import", store, str(csv), "2"))
    return told, told[-1], left


def backfilled(store: str) -> tuple[list[list[Line]], Line]:
    """In three parts, the first of which is killed and the second interrupted; and what is there at the end."""
    third, two = (lambda line, part=part: line["done"] >= part for part in (1 / 3, 2 / 3))
    parts = [
        list(lines("backfill", store, stop=signal.SIGKILL, when=third)),
        list(lines("backfill", store, stop=signal.SIGINT, when=two)),
        list(lines("backfill", store)),
    ]
    (found,) = lines("look", store)
    return parts, found


def rate(told: list[Line], key: str, begin: float, end: float) -> float:
    """How much a second came to pass between two parts of the way."""
    within = [line for line in told if begin <= line["done"] <= end]
    first, last = within[0], within[-1]
    return (last[key] - first[key]) / max(last["seconds"] - first["seconds"], 1e-9)


def measure(count: int) -> None:
    with folder() as path:
        rows = deals.write(path / "csv", count)
        store = f"sqlite:///{path}/crm.db"
        told, last, left = imported(store, path / "csv", path)
        check("left of an import that was killed", (left["deals"], left["companies"]), (0, 0))
        check("rows imported", (last["rows"], last["deals"]), (rows, count))
        size = sum(each.stat().st_size for each in path.glob("crm.db*"))
        parts, found = backfilled(store)
        grown = sum(each.stat().st_size for each in path.glob("crm.db*")) - size
    print(f"\r{'':<40}\r", end="", file=sys.stderr, flush=True)
    check("at the end", {name: found[name] for name in COUNTS if name != "companies"}, every(count))
    show(
        f"{count:,} deals imported, and a process started on each",
        ["", "measured"],
        [*rows_of_import(count, told, size), *rows_of_backfill(count, parts, grown)],
        [
            "Nothing was left of the import that was killed. Every deal has one instance, which has ended, and one",
            "comment, though the backfill was killed after a third of the way and interrupted after two.",
        ],
    )


def every(count: int) -> dict[str, int]:
    """What there must be at the end."""
    return {name: count for name in COUNTS if name != "companies"}


def rows_of_import(count: int, told: list[Line], size: int) -> Iterator[tuple[str, str]]:
    last = told[-1]
    yield "import: seconds", f"{last['seconds']:.1f}"
    yield "  rows a second", f"{last['rows'] / last['seconds']:,.0f}"
    yield "  CPU a row, µs", f"{last['cpu'] / last['rows'] * 1e6:.1f}"
    yield (
        "  rate in the second half, to that in the first",
        f"{rate(told, 'done', 0.5, 1) / rate(told, 'done', 0, 0.5):.2f}",
    )
    yield "  memory at the most, MB", f"{max(line['memory'] for line in told) / 1e6:.1f}"
    yield "  store, bytes for each deal", f"{size / count:,.0f}"


def rows_of_backfill(count: int, parts: list[list[Line]], grown: int) -> Iterator[tuple[str, str]]:
    names = ("backfill, until it is killed", "gone on, until it is interrupted", "gone on to its end")
    for name, part in zip(names, parts, strict=True):
        last = part[-1]
        yield f"{name}: had been started before", f"{last['already']:,.0f}"
        yield "  seconds to the first new one", f"{last['to_first']:.1f}"
        yield "  started", f"{last['started']:,.0f}"
        yield "  started a second, from there on", f"{last['since_first'] / max(last['seconds'], 1e-9):,.0f}"
        yield "  memory at the most, MB", f"{max(line['memory'] for line in part) / 1e6:.1f}"
    yield "  store, bytes for each instance and its comment", f"{grown / count:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--deals", type=int, default=1_000_000, help="how many are imported (1,000,000)")
    parser.add_argument("--import", dest="bring_in", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--backfill", help=argparse.SUPPRESS)
    parser.add_argument("--look", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bring_in:
        store, csv, hold = given.bring_in
        run(partial(bring_in, store, csv, float(hold)))
    elif given.backfill:
        run(partial(start_on_each, given.backfill))
    elif given.look:
        run(partial(look, given.look))
    else:
        measure(given.deals)


def run(program: Callable[[], Any]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background it may have been told to ignore it
    try:
        asyncio.run(program())
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None


if __name__ == "__main__":
    main()
