"""
Parked: many instances that wait for a signal. What they cost in memory, and how soon one runs on after a restart.

One process parks them and is killed. Another opens the store, and sends signals: memory and times should not depend on
how many wait.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import orjson

from benchmarks.harness import ROOT, Watch, check, folder, resident, show
from bizproc import wait
from bizproc.core.process import process
from bizproc.core.steps import action
from bizproc.runtime import Runtime
from bizproc.settings import Settings

WAVE: Final = 2000
"""How many are started at a time."""

SIGNALLED: Final = 50
"""How many are woken one by one after the first."""

RAN_ON: Final[list[float]] = []


@action("benchmark.ran_on")
async def ran_on() -> None:
    RAN_ON.append(perf_counter())


@process("benchmark.parked", overlap="parallel")
async def parked() -> str:
    await wait.for_signal("go")
    await ran_on()
    return "done"


# -- the two processes -------------------------------------------------------------------------------------------------


def say(**found: float) -> None:
    """Tell the process above what was found."""
    print(orjson.dumps(found).decode(), flush=True)


async def park(store: str, count: int) -> None:
    """Park them all, and wait to be killed."""
    async with Runtime.open(store, processes=[parked]) as runtime:
        # One that goes all the way: what is imported and compiled for the first is no cost of the others.
        first = await runtime.start(parked())
        await first.signal("go")
        check("result", await first.result(timeout=timedelta(seconds=30)), "done")
        before = memory()
        watch = Watch()
        filled = before
        for begun in range(0, count, WAVE):
            async with asyncio.timeout(60):
                await asyncio.gather(*(runtime.start(parked()) for _ in range(min(WAVE, count - begun))))
                await runtime.settled()
            filled = memory() if not begun else filled
        watch.stop()
        after = memory()
        check("parked", await runtime.read(waiting), count)
        say(seconds=watch.wall, cpu=watch.cpu, before=before, filled=filled, after=after)
        await asyncio.to_thread(sys.stdin.read)


async def restart(store: str, count: int) -> None:
    """Open the store again; signal one, and then some more."""
    empty = memory()
    began = perf_counter()
    async with Runtime.open(store, processes=[parked]) as runtime:
        opened = perf_counter() - began
        number = max(1, count // (SIGNALLED + 1))
        # The first instance of the store has ended.
        names = [f"{parked.name}-{2 + place * number}" for place in range(min(SIGNALLED + 1, count))]
        took = [await woken(runtime, name) for name in names]
        check("woken", await runtime.read(waiting), count - len(names))
        others = sorted(took[1:] or took)
        say(
            opened=opened,
            empty=empty,
            memory=memory(),
            first=took[0],
            to_first=took[0] + opened,
            p50=others[len(others) // 2],
            longest=others[-1],
        )


async def woken(runtime: Runtime, name: str) -> float:
    """Seconds from a signal to the body of the next step."""
    RAN_ON.clear()
    instance = runtime.instance(name)
    since = perf_counter()
    await instance.signal("go")
    check("result", await instance.result(timeout=timedelta(seconds=30)), "done")
    check("effects", len(RAN_ON), 1)
    return RAN_ON[0] - since


def waiting(connection: Any) -> int:
    """How many wait."""
    (count,) = connection.execute("SELECT count(*) FROM instance WHERE state = 'waiting'").fetchone()
    return int(count)


def memory() -> int:
    """Bytes in memory, once what is garbage is gone."""
    gc.collect()
    return resident()


# -- above them --------------------------------------------------------------------------------------------------------


def run(arguments: Sequence[str], *, kill: bool) -> dict[str, float]:
    """What this script finds in a process of its own; that is killed then, or ends."""
    command = [sys.executable, "-m", "benchmarks.parked", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        line = child.stdout.readline()
        if kill:
            child.kill()
    if not line:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    found: dict[str, float] = orjson.loads(line)
    return found


def size(path: Path) -> int:
    return sum(each.stat().st_size for each in path.iterdir())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parked", description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=100_000, help="how many are parked (100,000)")
    parser.add_argument("--park", metavar="STORE", help=argparse.SUPPRESS)
    parser.add_argument("--restart", metavar="STORE", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.park:
        asyncio.run(park(given.park, given.count))
    elif given.restart:
        asyncio.run(restart(given.restart, given.count))
    else:
        measure(given.count)


def measure(count: int) -> None:
    with folder() as path:
        store = f"sqlite:///{path}/bizproc.db"
        before = run([str(count), "--park", store], kill=True)
        stored = size(path)
        after = run([str(count), "--restart", store], kill=False)
    grown, counted = before["after"] - before["filled"], max(1, count - WAVE)
    show(
        f"{count:,} instances parked on a signal",
        ["", "measured"],
        [
            ("seconds to park all", f"{before['seconds']:.1f}"),
            ("  parked a second", f"{count / before['seconds']:,.0f}"),
            ("  CPU for each, µs", f"{before['cpu'] / count * 1e6:.0f}"),
            ("memory before, MB", f"{before['before'] / 1e6:.1f}"),
            (f"  with the first {WAVE:,}, which fill what stays in memory", f"{before['filled'] / 1e6:.1f}"),
            ("  with all", f"{before['after'] / 1e6:.1f}"),
            (f"  bytes for each after the first {WAVE:,}", f"{grown / counted:,.0f}"),
            ("store, bytes for each", f"{stored / count:,.0f}"),
            ("killed; opened again: ms", f"{after['opened'] * 1000:.1f}"),
            ("  memory then, MB (before it was opened)", f"{after['memory'] / 1e6:.1f} ({after['empty'] / 1e6:.1f})"),
            ("the first signal → its next step, ms", f"{after['first'] * 1000:.2f}"),
            ("  from the beginning of opening, ms", f"{after['to_first'] * 1000:.1f}"),
            (f"the next {SIGNALLED}: signal → next step, ms, p50", f"{after['p50'] * 1000:.2f}"),
            ("  the longest", f"{after['longest'] * 1000:.2f}"),
        ],
        [f"{Settings().keep_in_memory:,} stay in memory, those that came last; of the others only rows."],
    )


if __name__ == "__main__":
    main()
