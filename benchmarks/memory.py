"""
Memory: of an instance that runs, that waits, that has ended; and of a program that has run for long.

The long run is in fast motion: time is virtual, and goes to the next moment at which something is due. Its instances
sleep, make a step, and begin anew after a while, so that the store stays as it is; so should the program.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.harness import ROOT, Watch, check, folder, resident, show
from bizproc import continue_as_new, wait
from bizproc.adapters.virtual_clock import VirtualClock
from bizproc.core.process import Process, process
from bizproc.core.steps import action
from bizproc.engines.embedded.engine import Options
from bizproc.runtime import Runtime, assemble, open_database
from bizproc.settings import Settings

TICKING: Final = 200
"""How many instances the long run has."""

ANEW: Final = 50
"""After how many steps each of them begins anew."""

GOING = asyncio.Event()
DONE: Final = [0]


@action("benchmark.ticked")
async def ticked() -> None:
    DONE[0] += 1


@action("benchmark.busy")
async def busy() -> None:
    await GOING.wait()


@process("benchmark.ticking", overlap="parallel")
async def ticking() -> None:
    for _ in range(ANEW):
        await wait.sleep(timedelta(days=1))
        await ticked()
    await continue_as_new()


@process("benchmark.live", overlap="parallel")
async def live() -> None:
    await busy()


@process("benchmark.waiting", overlap="parallel")
async def waiting() -> None:
    await wait.for_signal("go")


@process("benchmark.ending", overlap="parallel")
async def ending() -> None:
    await ticked()


@asynccontextmanager
async def runtime(path: Path, clock: VirtualClock, *, keep_in_memory: int = 1000) -> AsyncIterator[Runtime]:
    """A runtime whose time is virtual."""
    database = open_database(f"sqlite:///{path}/bizproc.db", clock, None, threaded=False)
    opened = assemble(database, clock, Settings(), Options(keep_in_memory=keep_in_memory))
    database.start(asyncio.get_running_loop())
    await opened.begin([ticking, live, waiting, ending])
    yield opened
    await opened.engine.close()
    database.close()


def memory() -> int:
    """Bytes in memory, once what is garbage is gone."""
    gc.collect()
    return resident()


# -- one instance ------------------------------------------------------------------------------------------------------


async def of_each(path: Path, what: Process[[], None], count: int, *, keep_in_memory: int) -> float:
    """Bytes for each of so many instances; the first ones, for which much is made but once, are not among them."""
    async with runtime(path, VirtualClock(datetime(2026, 1, 5, tzinfo=UTC)), keep_in_memory=keep_in_memory) as opened:
        warm = 1000
        await _started(opened, what, warm)
        before = memory()
        await _started(opened, what, count)
        grown = memory() - before
        GOING.set()
        await opened.settled()
        GOING.clear()
    return grown / count


async def _started(opened: Runtime, what: Process[[], None], count: int) -> None:
    for _ in range(count // 500):
        await asyncio.gather(*(opened.start(what()) for _ in range(500)))
        if what is not live:
            await opened.settled()
        await asyncio.sleep(0)


# -- the long run ------------------------------------------------------------------------------------------------------


async def long_run(path: Path, steps: int) -> list[tuple[int, int, int, float]]:
    """Steps, bytes in memory, bytes of the store, microseconds of processor a step: at each tenth."""
    clock, found = VirtualClock(datetime(2026, 1, 5, tzinfo=UTC)), []
    async with runtime(path, clock) as opened:
        await asyncio.gather(*(opened.start(ticking()) for _ in range(TICKING)))
        DONE[0] = 0
        for tenth in range(1, 11):
            watch, before = Watch(), DONE[0]
            while DONE[0] < steps * tenth // 10:
                await opened.settled()
                moment = clock.next_wake()
                assert moment is not None
                clock.move_to(moment)
                await opened.settled()
            watch.stop()
            found.append((DONE[0], memory(), stored(path), watch.cpu / (DONE[0] - before) * 1e6))
        check("instances", len(await opened.instances(process=ticking.name)), TICKING)
    return found


def stored(path: Path) -> int:
    return sum(each.stat().st_size for each in path.iterdir())


class Kind(NamedTuple):
    """Instances of one kind: how many are measured, and how many of those that wait stay in memory."""

    title: str
    process: Process[[], None]
    number: int
    keep_in_memory: int = 1000


KINDS: Final = (
    Kind("running, in its step", live, 5000),
    Kind("waiting, in memory", waiting, 5000, 100_000),
    Kind("waiting, its rows alone", waiting, 20_000),
    Kind("ended", ending, 20_000),
)


def in_a_program_of_its_own(number: int) -> float:
    """Bytes for each of a kind: what one kind has given back, the next would take without a trace."""
    command = [sys.executable, "-m", "benchmarks.memory", "--of", str(number)]
    return float(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout)


def print_bytes(number: int) -> None:
    with folder() as path:
        kind = KINDS[number]
        print(asyncio.run(of_each(path, kind.process, kind.number, keep_in_memory=kind.keep_in_memory)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    parser.add_argument(
        "steps", nargs="?", type=int, default=1_000_000, help="how many steps the long run has (1,000,000)"
    )
    parser.add_argument("--of", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.of is not None:
        print_bytes(given.of)
        return
    rows = [(kind.title, f"{in_a_program_of_its_own(number):,.0f}") for number, kind in enumerate(KINDS)]
    show("Bytes of memory for each instance", ["", "bytes"], rows)
    with folder() as path:
        run = asyncio.run(long_run(path, given.steps))
    show(
        f"A long run of {TICKING} instances in fast motion",
        ["steps", "memory, MB", "store, MB", "CPU a step, µs"],
        [(f"{done:,}", f"{held / 1e6:.1f}", f"{stored / 1e6:.1f}", f"{cpu:.0f}") for done, held, stored, cpu in run],
    )


if __name__ == "__main__":
    main()
