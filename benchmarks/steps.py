"""
Steps: many instances at once, and one alone; bizproc beside the floor, in turn, in one go.

A step is a trivial async function that returns a small dict. Every run checks results, rows of the journal and
effects, and counts commits; `--flushes` counts the flushes to disk as well, in runs of their own.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from benchmarks import floor
from benchmarks.floor import ALONE, INSTANCES, STEPS
from benchmarks.harness import Figures, Watch, check, flushes, gaps, in_turn, show
from bizproc.core.process import process
from bizproc.core.steps import action
from bizproc.runtime import Runtime

MOMENTS: Final[list[float]] = []
"""What the bodies of the steps did outside: the moment of each call."""


@action("benchmark.score")
async def score(number: int) -> dict[str, int]:
    MOMENTS.append(perf_counter())
    return {"n": number}


@process("benchmark.adding", overlap="parallel")
async def adding(*, steps: int) -> int:
    total = 0
    for number in range(steps):
        total += (await score(number))["n"]
    return total


def run(folder: Path, *, instances: int, steps: int) -> Figures:
    """One run: steps a second, microseconds of processor a step, commits, milliseconds between effects."""
    return asyncio.run(_run(folder, instances, steps))


async def _run(folder: Path, instances: int, steps: int) -> Figures:
    MOMENTS.clear()
    async with Runtime.open(f"sqlite:///{folder}/bizproc.db", processes=[adding]) as runtime:
        before = await runtime.read(commits)
        watch = Watch()
        async with asyncio.timeout(60):
            await asyncio.gather(*(runtime.start(adding(steps=steps)) for _ in range(instances)))
            await runtime.settled()
        watch.stop()
        written = await runtime.read(commits) - before
        await check_work(runtime, instances, steps)
    done = instances * steps
    return {"steps/s": done / watch.wall, "cpu": watch.cpu / done * 1e6, "commits": written, **gaps(MOMENTS)}


async def check_work(runtime: Runtime, instances: int, steps: int) -> None:
    """Every result, every row, every effect."""
    (rows,) = await runtime.read(lambda connection: connection.execute("SELECT count(*) FROM journal").fetchone())
    check("rows", rows, instances * steps)
    check("effects", len(MOMENTS), instances * steps)
    found = await runtime.instances(process=adding.name)
    check("instances", len(found), instances)
    # Of each a read or two: not within the time that is measured, for the floor has its results at hand.
    results = [await runtime.instance(each.id).result() for each in found]
    check("results", results, [sum(range(steps))] * instances)


def commits(connection: Any) -> int:
    """Commits that wrote rows of instances: one moment each, for the clock is read once a group."""
    (count,) = connection.execute(
        "SELECT count(*) FROM (SELECT at FROM journal UNION SELECT started_at FROM instance UNION "
        "SELECT ended_at FROM instance WHERE ended_at IS NOT NULL)"
    ).fetchone()
    return int(count)


# -- the table ---------------------------------------------------------------------------------------------------------

Runs = dict[str, Callable[[Path], Figures]]


def compare(rounds: int) -> dict[str, Figures]:
    """Medians of bizproc and the floor."""
    runs: Runs = {
        "bizproc, many": partial(run, instances=INSTANCES, steps=STEPS),
        "floor, many": partial(floor.run, instances=INSTANCES, steps=STEPS),
        "bizproc, alone": partial(run, instances=1, steps=ALONE),
        "floor, alone": partial(floor.run, instances=1, steps=ALONE),
        "commit": floor.commit,
    }
    return in_turn(rounds, runs)


def rows(found: dict[str, Figures]) -> list[tuple[str, str, str, str]]:
    many, many_floor = found["bizproc, many"], found["floor, many"]
    lone, lone_floor = found["bizproc, alone"], found["floor, alone"]
    bare = found["commit"]["p50"]

    def row(what: str, ours: float, floors: float, form: str) -> tuple[str, str, str, str]:
        return what, format(ours, form), format(floors, form), f"{ours / floors:.2f}"

    return [
        row(f"{INSTANCES} × {STEPS}: steps/s", many["steps/s"], many_floor["steps/s"], ",.0f"),
        row("  CPU a step, µs", many["cpu"], many_floor["cpu"], ".1f"),
        row("  commits", many["commits"], many_floor["commits"], ".0f"),
        row(f"one alone, {ALONE} steps: ms a step, p50", lone["p50"], lone_floor["p50"], ".3f"),
        row("  p99", lone["p99"], lone_floor["p99"], ".3f"),
        row("  p50 in flushed commits", lone["p50"] / bare, lone_floor["p50"] / bare, ".2f"),
        row("  p99 in flushed commits", lone["p99"] / bare, lone_floor["p99"] / bare, ".2f"),
        row("  CPU a step, µs", lone["cpu"], lone_floor["cpu"], ".1f"),
        row("  commits a step", lone["commits"] / ALONE, lone_floor["commits"] / ALONE, ".2f"),
        ("a flushed commit alone: ms, p50", "", f"{bare:.3f}", ""),
    ]


def flushes_a_step(module: str, steps: int = 200) -> str:
    """Flushes of one instance alone: a run with steps less one without, so that opening does not count."""
    program = "from benchmarks.harness import folder as f; from benchmarks.{} import run\nwith f() as f: run(f, {})"
    long = flushes(["-c", program.format(module, f"instances=1, steps={steps + 3}")])
    short = flushes(["-c", program.format(module, "instances=1, steps=3")])
    return "not counted" if long is None or short is None else f"{(long - short) / steps:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steps", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run; the medians are shown (3)")
    parser.add_argument("--flushes", action="store_true", help="count the flushes to disk too, with strace")
    given = parser.parse_args()
    table = rows(compare(given.rounds))
    if given.flushes:
        table.append(("  flushes a step, alone", flushes_a_step("steps"), flushes_a_step("floor"), ""))
    show(
        f"Steps: medians of {given.rounds} rounds",
        ["", "bizproc", "floor", "bizproc / floor"],
        table,
        ["All work was done: results, rows and effects are counted in every run."],
    )


if __name__ == "__main__":
    main()
