"""
What all contestants share: the phases of a workload, the body of a step, what is checked and what is told.

It needs the standard library alone. A script has an `Engine`, and `play` runs one phase of it:

- `run`: so many instances of so many steps, measured;
- `park`: so many instances that wait for a signal; some are woken one by one; then the program waits to be killed;
- `wake`: the same store opened again, and a signal for the first that waits and for the last;
- `begin`: as `run`, but once a share of the effects is done the program kills itself, and its servers with it;
- `resume`: the same store opened again; what was begun is finished, and the effects are counted, those run twice too.

A step returns a small dict, and notes that it ran: its effect. Those of `begin` and `resume` are lines of a file that
is no part of any store, so that what the engine forgot is still there.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Final

SPAN: Final = 100_000
"""A step's number is that of its instance times this, and its place there: one argument, as small as any."""

PARKED: Final = 2_000_000
"""Instances that wait have numbers from here on."""

WARM: Final = 1_000_000
"""The number of an instance that runs before anything is measured; of one that waits it is this more."""

SIGNALS: Final = 100
"""So many are woken one by one, or fewer where that takes long."""

PATIENCE: Final = 30.0
"""Seconds."""


class Engine(ABC):
    """What a script does with its engine. Instances have numbers, and all that is asked of them goes by these."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.servers: list[int] = []
        """Programs of the engine that die with this one when it is killed."""

    @abstractmethod
    async def open(self) -> None:
        """Be ready to run instances, and recover what is on the store."""

    @abstractmethod
    async def close(self) -> None: ...

    async def run(self, instances: int, steps: int) -> list[int]:
        """Run so many to their ends; their results."""
        await self.start(range(instances), steps)
        return await self.results(range(instances))

    @abstractmethod
    async def start(self, numbers: Sequence[int], steps: int) -> None:
        """Start instances; they are on disk when this returns."""

    @abstractmethod
    async def results(self, numbers: Sequence[int]) -> list[int]:
        """Wait for the ends of instances that were started by this program or by one before."""

    async def counted(self, instances: int, steps: int) -> dict[str, float]:
        """What else is found once all have ended."""
        return {}


class WaitingEngine(Engine):
    """One whose instances can wait for a signal: all but the floor."""

    @abstractmethod
    async def park(self, numbers: Sequence[int]) -> None:
        """Start instances that wait for a signal; all of them wait when this returns."""

    @abstractmethod
    async def signal(self, number: int) -> None:
        """Wake one."""


# -- what bodies of steps do -------------------------------------------------------------------------------------------


class Effects:
    """What steps did outside, as this program sees it, and in a file where there is one."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.woken: dict[int, float] = {}
        self.file: int | None = None
        self.fatal: int | None = None
        """After so many the program dies."""
        self.servers: list[int] = []

    def note(self, number: int) -> None:
        self.moments.append(perf_counter())
        if self.file is not None:
            os.write(self.file, b"%011d\n" % number)
        if self.fatal is not None and len(self.moments) >= self.fatal:
            for each in (*self.servers, os.getpid()):
                os.kill(each, signal.SIGKILL)


EFFECTS: Final = Effects()


def scored(number: int) -> dict[str, int]:
    """The body of a step."""
    EFFECTS.note(number)
    return {"n": number % SPAN}


def ran_on(number: int) -> None:
    """The body of the step behind a signal."""
    EFFECTS.woken.setdefault(number, perf_counter())


# -- the phases --------------------------------------------------------------------------------------------------------


def play(made: Callable[[str], Engine]) -> None:
    """Run the phase that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", help="where to store")
    parser.add_argument("phase", choices=["run", "park", "wake", "begin", "resume"])
    parser.add_argument("instances", type=int)
    parser.add_argument("steps", type=int)
    parser.add_argument("--effects", type=Path, help="a file of effects, for begin and resume")
    parser.add_argument("--fatal", type=int, help="die after so many effects, for begin")
    parser.add_argument("--spare", action="store_true", help="leave servers alone, for begin")
    given = parser.parse_args()
    if given.effects:
        EFFECTS.file = os.open(given.effects, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    asyncio.run(_play(made(given.url), given))


async def _play(engine: Engine, given: argparse.Namespace) -> None:
    began = perf_counter()
    await engine.open()
    match given.phase:
        case "run":
            await run(engine, given.instances, given.steps)
        case "park" if isinstance(engine, WaitingEngine):
            await park(engine, given.instances)
        case "wake" if isinstance(engine, WaitingEngine):
            await wake(engine, given.instances, began)
        case "begin":
            EFFECTS.servers = [] if given.spare else engine.servers
            await begin(engine, given.instances, given.steps, given.fatal)
        case "resume":
            await resume(engine, given.instances, given.steps, began, given.effects)
        case _:
            sys.exit("its instances do not wait for signals")
    await engine.close()


async def run(engine: Engine, instances: int, steps: int) -> None:
    """Run it once small, for all that is done but once, and then measured."""
    await engine.start([WARM], 3)
    await engine.results([WARM])
    EFFECTS.moments.clear()
    wall, cpu = perf_counter(), process_time()
    results = await engine.run(instances, steps)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    check("results", sorted(results), [sum(range(steps))] * instances)
    check("effects", len(EFFECTS.moments), instances * steps)
    between = [(later - earlier) * 1000 for earlier, later in pairwise(EFFECTS.moments)]
    done, tenth = instances * steps, max(1, len(between) // 10)
    say(
        **{"steps/s": done / wall, "instances/s": instances / wall, "cpu": cpu / done * 1e6},
        seconds=wall,
        p50=median(between),
        p99=quantiles(between, n=100)[98],
        slowing=median(between[-tenth:]) / median(between[:tenth]),
    )


async def park(engine: WaitingEngine, count: int) -> None:
    """
    Park them all, wake some, tell it, and wait to be killed.

    Memory is taken between the first 2,000 and all, so that what is kept there up to some number counts but once.
    """
    warm = PARKED + WARM
    await engine.park([warm])
    await _woken(engine, warm)
    numbers = range(PARKED, PARKED + count)
    early = min(2000, count * 2 // 5)
    since = perf_counter()
    await engine.park(numbers[:early])
    seconds = perf_counter() - since
    before = resident()
    since = perf_counter()
    await engine.park(numbers[early:])
    seconds += perf_counter() - since
    grown = resident() - before
    servers = {"servers": sum(map(resident, engine.servers))} if engine.servers else {}
    found, since = list[float](), perf_counter()
    for number in numbers[1 :: max(1, (count - 2) // SIGNALS)][:SIGNALS]:
        if number != numbers[-1] and perf_counter() - since < PATIENCE:
            found.append(await _woken(engine, number) * 1000)
    check("woken", len(EFFECTS.woken), len(found) + 1)
    found.sort()
    say(
        seconds=seconds,
        bytes=grown / (count - early),
        signals=len(found),
        p50=median(found),
        p99=found[int(len(found) * 0.99)],
        **servers,
    )
    await asyncio.Event().wait()


async def wake(engine: WaitingEngine, count: int, began: float) -> None:
    """Wake the first that waits and the last; seconds since before the engine was opened."""
    numbers = [PARKED, PARKED + count - 1]
    await asyncio.gather(*(engine.signal(number) for number in numbers))
    first, last = [await _ran_on(number) - began for number in numbers]
    check("results", await engine.results(numbers), numbers)
    check("woken", sorted(EFFECTS.woken), numbers)
    say(first=first, last=last)


async def begin(engine: Engine, instances: int, steps: int, fatal: int) -> None:
    """Start them all; the step that makes an effect too many kills the program, once all have been started."""
    await engine.start(range(instances), steps)
    EFFECTS.fatal = fatal
    await engine.results(range(instances))
    sys.exit("all had ended before the program could be killed")


async def resume(engine: Engine, instances: int, steps: int, began: float, effects: Path) -> None:
    """Wait for the ends of what another program began."""
    results = await engine.results(range(instances))
    seconds = perf_counter() - began
    check("results", sorted(results), [sum(range(steps))] * instances)
    noted = effects.read_text("ascii").split()  # noqa: ASYNC240  nothing else is left to be done
    size, distinct = len(noted), len(set(noted))
    check("effects", distinct, instances * steps)
    say(
        seconds=seconds,
        first=EFFECTS.moments[0] - began,
        before=size - len(EFFECTS.moments),
        twice=size - distinct,
        **await engine.counted(instances, steps),
    )


async def _woken(engine: WaitingEngine, number: int) -> float:
    """Seconds from a signal to the body of the next step; what comes after that step is waited for, too."""
    since = perf_counter()
    await engine.signal(number)
    took = await _ran_on(number) - since
    check("result", await engine.results([number]), [number])
    return took


async def _ran_on(number: int) -> float:
    """The moment when the step behind a signal ran. Looked for often: it may run on another thread."""
    until = perf_counter() + 120
    while number not in EFFECTS.woken:
        if perf_counter() > until:
            sys.exit(f"the work was not done: instance {number} did not run on within two minutes of its signal")
        await asyncio.sleep(0.001)
    return EFFECTS.woken[number]


# -- what is told ------------------------------------------------------------------------------------------------------


def say(**found: float) -> None:
    print(json.dumps(found), flush=True)


def check(what: str, found: object, wanted: object) -> None:
    """A fast engine that does less is no faster."""
    if found != wanted:
        sys.exit(f"the work was not done: {what}: {str(found)[:200]}, where {str(wanted)[:200]} was expected")


def resident(process: int | None = None) -> int:
    """Bytes in memory of this program, without garbage, or of another."""
    gc.collect()
    statm = Path(f"/proc/{process or 'self'}/statm").read_text("ascii")
    return int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
