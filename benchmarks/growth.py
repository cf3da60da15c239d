"""
Growth: whether what is done costs more in a store that has come to hold more.

One thing grows at a time: instances that wait, the journal of the one that is looked at, items of the CRM, processes
that are loaded, and instances that wait for a stage of other deals. Each store is filled by a program that is killed
then; another opens it and takes the figures. Every figure should be the same in all sizes, but the first signal after
a kill, for which the journal is read once.
"""

from __future__ import annotations

import argparse
import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from math import log2
from pathlib import Path
from time import perf_counter
from typing import Any, Final, NamedTuple

import orjson

from benchmarks import deals
from benchmarks.harness import ROOT, Figures, check, folder, show
from bizproc import crm, on, wait
from bizproc.core.process import Process, process
from bizproc.core.steps import action
from bizproc.model import Deal
from bizproc.runtime import Instance, Runtime

SIGNALS: Final = 50
STEPS: Final = 200
CHANGES: Final = 50
ADDED: Final = 100
"""How often each thing is done; see `quick`."""

WAVE: Final = 1000
PATIENCE: Final = timedelta(seconds=30)

RAN: Final[list[float]] = []
"""The moments at which steps ran."""


@action("benchmark.noted")
async def noted(number: int) -> int:
    RAN.append(perf_counter())
    return number


@process("benchmark.subject", overlap="parallel")
async def subject(*, steps: int) -> str:
    """The one that is looked at: a journal, then a step for each signal, then steps one after the other."""
    for number in range(steps):
        await noted(number)
    for number in range(SIGNALS + 1):
        await wait.for_signal("go")
        await noted(number)
    for number in range(STEPS):
        await noted(number)
    return "done"


@process("benchmark.parked", overlap="parallel")
async def parked() -> None:
    await wait.for_signal("go")


@process("benchmark.on_stage", overlap="parallel")
async def on_stage(deal: Deal) -> None:  # noqa: ARG001  what is waited for
    await wait.until_stage("APOLOGY")
    await noted(0)


PROCESSES: Final = (subject, parked, on_stage)


def others(count: int) -> list[Process[..., Any]]:
    """So many processes more, each of which a lead would start."""
    return [_other(number) for number in range(count)]


def _other(number: int) -> Process[..., Any]:
    @process(f"benchmark.other_{number}", starts=on.created("lead"), overlap="parallel")
    async def other() -> None:
        await noted(number)

    return other


# -- what grows --------------------------------------------------------------------------------------------------------

Fill = Callable[[Runtime, int, Path], Awaitable[None]]


async def nothing(_runtime: Runtime, _size: int, _path: Path) -> None:
    """It grows elsewhere."""


async def that_wait(runtime: Runtime, size: int, _path: Path) -> None:
    for begun in range(0, size, WAVE):
        await asyncio.gather(*(runtime.start(parked()) for _ in range(min(WAVE, size - begun))))
        await runtime.settled()
    check("parked", len(await runtime.instances(process=parked.name, limit=size)), size)


async def items(runtime: Runtime, size: int, path: Path) -> None:
    deals.write(path / "csv", size, stages=deals.OPEN)
    report = await runtime.import_folder(path / "csv")
    check("deals", report.counts["deals"], size)


async def that_wait_for_other_deals(runtime: Runtime, size: int, path: Path) -> None:
    await items(runtime, size, path)
    check("waiting", (await runtime.start_each(on_stage)).started, size)
    await runtime.settled()


class Axis(NamedTuple):
    """What grows: from which size on, how many times by ten, and how it comes about."""

    title: str
    base: int
    times: int = 2
    fill: Fill = nothing
    steps: int = 0
    processes: int = 0

    def sizes(self, scale: int) -> list[int]:
        first = max(1, self.base // scale)
        return [first * 10**power for power in range(self.times + 1)]

    def loaded(self, size: int) -> Sequence[Process[..., Any]]:
        return (*PROCESSES, *(others(size) if self.processes else ()))


AXES: Final[Mapping[str, Axis]] = {
    "parked": Axis("instances that wait", 1000, fill=that_wait),
    "journal": Axis("steps in its journal", 100, steps=1),
    "items": Axis("deals", 1000, fill=items),
    "processes": Axis("processes loaded", 10, processes=1),
    "subscriptions": Axis("instances that wait for other deals", 100, times=3, fill=that_wait_for_other_deals),
}

# -- the figures -------------------------------------------------------------------------------------------------------

FIGURES: Final = {
    "open": "opened again after a kill, ms",
    "first": "the first signal then → its next step, ms",
    "signal": "a signal → its next step, ms",
    "step": "a step, one alone, ms",
    "stage": "a stage change → the one that waits for it, ms",
    "add": "add_product, ms",
}


async def fill(store: str, axis: Axis, size: int, path: Path) -> None:
    """Fill a store, start the one that is looked at, and wait to be killed."""
    async with Runtime.open(store, processes=axis.loaded(size)) as runtime:
        await runtime.perform(crm.product.create(name="chair", price=10))
        await axis.fill(runtime, size, path)
        await runtime.start(subject(steps=size if axis.steps else 3), id="subject")
        await runtime.settled()
        check("steps in its journal", len(RAN), size if axis.steps else 3)
        print("filled", flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def measure(store: str, axis: Axis, size: int) -> Figures:
    """Open it, and do each thing so often."""
    loaded = axis.loaded(size)
    began = perf_counter()
    async with Runtime.open(store, processes=loaded) as runtime:
        opened = perf_counter() - began
        one = runtime.instance("subject")
        first = await signalled(runtime, one)
        signals = [await signalled(runtime, one) for _ in range(SIGNALS)]
        # The last signal is followed by the steps.
        check("result", await one.result(timeout=PATIENCE), "done")
        check("steps", len(RAN), 1 + STEPS)
        steps = [after - before for before, after in pairwise(RAN)]
        stages = await staged(runtime)
        added = await adding(runtime)
    found = {"open": opened, "first": first, "signal": quick(signals), "step": quick(steps)}
    return {name: each * 1000 for name, each in {**found, "stage": quick(stages), "add": quick(added)}.items()}


def quick(several: Sequence[float]) -> float:
    """The tenth of a hundred, the fastest first: what other programs take from it grows with nothing here."""
    return sorted(several)[len(several) // 10]


async def signalled(runtime: Runtime, one: Instance[Any]) -> float:
    """Seconds from a signal to the body of the next step."""
    RAN.clear()
    since = perf_counter()
    await one.signal("go")
    await runtime.settled()
    return RAN[0] - since


async def staged(runtime: Runtime) -> list[float]:
    """Seconds from a change of stage to the body of the step of the one that waits for that."""
    found = []
    for number in range(CHANGES):
        deal = await runtime.perform(crm.deal.create(title=f"the one {number}"))
        await runtime.start(on_stage(deal))
        await runtime.settled()
        RAN.clear()
        since = perf_counter()
        await runtime.perform(crm.deal(deal.id).change_stage("APOLOGY"))
        await runtime.settled()
        check("woken", len(RAN), 1)
        found.append(RAN[0] - since)
    return found


async def adding(runtime: Runtime) -> list[float]:
    """Seconds of an action on a deal."""
    deal, found = await runtime.perform(crm.deal.create(title="rows")), []
    for number in range(ADDED):
        since = perf_counter()
        await runtime.perform(crm.deal(deal.id).add_product(1, price=number + 1))
        found.append(perf_counter() - since)
    check("amount", (await runtime.get(Deal, deal.id)).amount, sum(range(ADDED + 1)))
    return found


# -- above them --------------------------------------------------------------------------------------------------------


def one_size(name: str, size: int, rounds: int) -> Figures:
    """Fill a store in a program that is killed, and take the figures in others; the best."""
    with folder() as path:
        store = f"sqlite:///{path}/crm.db"
        with program("fill", name, str(size), store, str(path)) as child:
            line = child.stdout.readline() if child.stdout is not None else b""
            child.kill()
        if line != b"filled\n":
            raise SystemExit(f"{name}, {size}: the store could not be filled")
        return figures_of(name, size, path, rounds)


def figures_of(name: str, size: int, path: Path, rounds: int) -> Figures:
    """Each round on a copy of what was left by the kill."""
    found = []
    for number in range(rounds):
        copy = path / f"round{number}"
        copy.mkdir()
        for each in path.glob("crm.db*"):
            (copy / each.name).write_bytes(each.read_bytes())
        with program("take", name, str(size), f"sqlite:///{copy}/crm.db", str(path)) as child:
            said, _ = child.communicate()
        if child.returncode:
            raise SystemExit(f"{name}, {size} ended with {child.returncode}")
        found.append(orjson.loads(said))
    return {figure: min(each[figure] for each in found) for figure in FIGURES}


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "benchmarks.growth", "--program", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        yield child


Found = dict[str, dict[int, Figures]]


def all_sizes(axes: Sequence[str], scale: int, rounds: int) -> Found:
    found: Found = {}
    for name in axes:
        for size in AXES[name].sizes(scale):
            print(f"\r{size:,} {AXES[name].title:<40}", end="", file=sys.stderr, flush=True)
            found.setdefault(name, {})[size] = one_size(name, size, rounds)
    print(f"\r{'':<60}\r", end="", file=sys.stderr, flush=True)
    return found


def rows(found: Found) -> Iterator[list[str]]:
    """What grows, at which sizes; and a row a figure, with what it is to that at the smallest size."""
    columns = 1 + max(len(by_size) for by_size in found.values())
    for name, by_size in found.items():
        yield _filled([f"{AXES[name].title}:", *(f"{size:,}" for size in by_size)], columns)
        least = by_size[min(by_size)]
        for figure, title in FIGURES.items():
            values = [(figures[figure], figures[figure] / least[figure]) for figures in by_size.values()]
            first, *more = (f"{value:.2f} ({ratio:.2f})" for value, ratio in values)
            yield _filled([f"  {title}", first.partition(" ")[0], *more], columns)


def _filled(row: list[str], columns: int) -> list[str]:
    return [*row, *[""] * (columns - len(row))]


# -- the picture -------------------------------------------------------------------------------------------------------

COLORS: Final = dict(zip(FIGURES, ("#2a6f97", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#5d6d7e"), strict=True))
PANEL: Final = (300, 210)
PLOT: Final = (44, 40, 200, 120)
"""Of a panel: from left, from above, width and height."""
MOST: Final = 5
"""The vertical scale is logarithmic, from a quarter to 2 to this power."""
LEAST: Final = -2


HOW: Final = "how many times as long as in the smallest (flat is good)"


def picture(found: Found) -> str:
    """A panel for each thing that grows, a line for each figure: how many times what it is at the smallest size."""
    across = 3
    down = -(-(len(found) + 1) // across)
    width, height = PANEL[0] * across + 50, PANEL[1] * down + 40
    box, title = f'viewBox="0 0 {width} {height}"', "What is done in a store that grows"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {box} font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="14" y="24" font-size="15" font-weight="bold">{title}: {HOW}</text>',
    ]
    for place, (name, by_size) in enumerate(found.items()):
        x, y = 10 + PANEL[0] * (place % across), 34 + PANEL[1] * (place // across)
        lines += [f'<g transform="translate({x},{y})">', *_panel(AXES[name].title, by_size), "</g>"]
    x, y = 10 + PANEL[0] * (len(found) % across), 34 + PANEL[1] * (len(found) // across)
    lines += [f'<g transform="translate({x},{y})">', *_legend(), "</g>"]
    return "\n".join([*lines, "</svg>", ""])


def _panel(title: str, by_size: Mapping[int, Figures]) -> Iterator[str]:
    left, top, width, height = PLOT
    sizes = list(by_size)
    yield f'<text x="{left}" y="{top - 12}" font-weight="bold">{title}</text>'
    for power in range(LEAST, MOST + 1):
        y = _height(2.0**power)
        stroke = "#888" if power == 0 else "#e3e3e3"
        yield f'<line x1="{left}" y1="{y:.1f}" x2="{left + width}" y2="{y:.1f}" stroke="{stroke}"/>'
        yield f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#666">{2.0**power:g} ×</text>'
    for place, size in enumerate(sizes):
        yield (
            f'<text x="{_across(place, sizes):.1f}" y="{top + height + 18}" text-anchor="middle" fill="#666">'
            f"{size:,}</text>"
        )
    for name, color in COLORS.items():
        least = by_size[sizes[0]][name]
        points = [(_across(place, sizes), _height(by_size[size][name] / least)) for place, size in enumerate(sizes)]
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        yield f'<polyline points="{drawn}" fill="none" stroke="{color}" stroke-width="2" stroke-opacity="0.85"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)


def _across(place: int, sizes: Sequence[int]) -> float:
    left, _, width, _ = PLOT
    return left + 12 + (width - 24) * place / max(1, len(sizes) - 1)


def _height(ratio: float) -> float:
    _, top, _, height = PLOT
    power = min(max(log2(ratio), LEAST), MOST)
    return top + height * (MOST - power) / (MOST - LEAST)


def _legend() -> Iterator[str]:
    for place, (name, color) in enumerate(COLORS.items()):
        y = 46 + 24 * place
        yield f'<line x1="10" y1="{y - 4}" x2="34" y2="{y - 4}" stroke="{color}" stroke-width="3"/>'
        yield f'<text x="42" y="{y}">{FIGURES[name].removesuffix(", ms")}</text>'


# -- all of it ---------------------------------------------------------------------------------------------------------


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often figures are taken; the best are shown (3)")
    parser.add_argument("--picture", type=Path, help="write a picture (SVG) there")
    parser.add_argument("--scale", type=int, default=1, help="so many times smaller, to see whether it runs (1)")
    parser.add_argument("--only", action="append", choices=list(AXES), help="only what grows there")
    parser.add_argument("--program", nargs=5, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.program:
        part_of(*given.program)
        return
    found = all_sizes(given.only or list(AXES), given.scale, given.rounds)
    largest = max(len(by_size) for by_size in found.values())
    columns = ["", *(f"{10**power:,} ×" for power in range(largest))]
    notes = [
        "In brackets what a figure is to that at the smallest size. All was done that is timed.",
        "Of what is done often in a round, the tenth of a hundred, the fastest first.",
    ]
    show(f"What is done in a store that grows: the best of {given.rounds} rounds", columns, rows(found), notes)
    if given.picture:
        given.picture.write_text(picture(found), "utf-8")


def part_of(mode: str, name: str, size: str, store: str, path: str) -> None:
    """One of the programs."""
    if mode == "fill":
        asyncio.run(fill(store, AXES[name], int(size), Path(path)))
    else:
        print(orjson.dumps(asyncio.run(measure(store, AXES[name], int(size)))).decode())


if __name__ == "__main__":
    main()
