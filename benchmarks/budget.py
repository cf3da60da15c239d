"""
What one step costs, part by part, and beside it the whole. All of it is measured on bizproc's own code.

First the engine runs on one thread (the writer in the loop's own), with clocks around each group and each commit: what
is not the writer's is the loop's. The loop's share is divided by timing its parts by themselves; what remains of it is
what turns, mailboxes and the loop of asyncio take. What two threads cost is measured as the way there and back of a
work that does nothing. `--profile` shows where the time goes inside the parts.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import pstats
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, Final
from unittest.mock import patch

from attrs import define

from benchmarks import steps
from benchmarks.floor import ALONE, INSTANCES, STEPS
from benchmarks.harness import Figures, Watch, folder, in_turn, show
from benchmarks.steps import adding, check_work, score
from bizproc.adapters.system_clock import SystemClock
from bizproc.core.codec import Codec
from bizproc.core.commands import driving
from bizproc.core.driver import Driver
from bizproc.core.steps import Step
from bizproc.engines.embedded.bodies import BodyEnded, run_body, run_function
from bizproc.engines.embedded.body_tasks import Body, BodyTasks
from bizproc.engines.embedded.engine import Options
from bizproc.engines.embedded.journal import signature
from bizproc.runtime import assemble, open_database
from bizproc.settings import Settings
from bizproc.store.database import Database, Transaction
from bizproc.store.group import Group

ROUNDS: Final = 3
TIMES: Final = 5000


# -- the whole, on one thread ------------------------------------------------------------------------------------------


@define
class Clocks:
    """Seconds of commits (it is their observer), of whole groups, and of collecting garbage in and between them."""

    committing: float = 0.0
    writing: float = 0.0
    collecting: float = 0.0
    collecting_in_group: float = 0.0
    in_group: bool = False
    _commit_began: float = 0.0
    _collection_began: float = 0.0

    def before_commit(self) -> None:
        self._commit_began = perf_counter()

    def after_commit(self) -> None:
        self.committing += perf_counter() - self._commit_began

    def collected(self, phase: str, _: object) -> None:
        """What `gc.callbacks` calls."""
        if phase == "start":
            self._collection_began = perf_counter()
        elif self.in_group:
            self.collecting_in_group += perf_counter() - self._collection_began
        else:
            self.collecting += perf_counter() - self._collection_began


@contextmanager
def measuring(clocks: Clocks) -> Iterator[None]:
    """Clocks around the groups, and around the collection of garbage."""
    commit = Group.commit

    def timed(group: Group, works: Any) -> Any:
        since = perf_counter()
        clocks.in_group = True
        try:
            return commit(group, works)
        finally:
            clocks.in_group = False
            clocks.writing += perf_counter() - since

    gc.callbacks.append(clocks.collected)
    try:
        with patch.object(Group, "commit", timed):
            yield
    finally:
        gc.callbacks.remove(clocks.collected)


def on_one_thread(path: Path, *, instances: int, count: int) -> Figures:
    """Microseconds a step of the writer's parts and of the loop's, with the writer on the loop's own thread."""
    return asyncio.run(_on_one_thread(path, instances, count))


async def _on_one_thread(path: Path, instances: int, count: int, profile: cProfile.Profile | None = None) -> Figures:
    steps.MOMENTS.clear()
    clock, clocks = SystemClock(), Clocks()
    database = open_database(f"sqlite:///{path}/bizproc.db", clock, clocks, threaded=False)
    runtime = assemble(database, clock, Settings(), Options())
    database.start(asyncio.get_running_loop())
    await runtime.begin([adding])
    with measuring(clocks):
        clocks.committing = 0.0
        watch = Watch()
        if profile is not None:
            profile.enable()
        await asyncio.gather(*(runtime.start(adding(steps=count)) for _ in range(instances)))
        await runtime.settled()
        if profile is not None:
            profile.disable()
        watch.stop()
    await check_work(runtime, instances, count)
    await runtime.engine.close()
    database.close()
    each = 1e6 / (instances * count)
    return {
        "whole": watch.wall * each,
        "commit": clocks.committing * each,
        "writer": (clocks.writing - clocks.committing - clocks.collecting_in_group) * each,
        "loop": (watch.wall - clocks.writing - clocks.collecting) * each,
        "garbage": (clocks.collecting + clocks.collecting_in_group) * each,
    }


# -- the loop's parts, each by itself ----------------------------------------------------------------------------------


def parts() -> Figures:
    """Microseconds a step of what can be run alone: the least of several rounds, for only other programs add to it."""
    codec = Codec()
    found = [
        {
            "checks": checks(),
            "driver": send_and_address(),
            "codec": signature_and_result(codec),
            "task": asyncio.run(task_with_body(codec)),
        }
        for _ in range(2 * ROUNDS)
    ]
    least = {name: min(each[name] for each in found) for name in found[0]}
    # The task codes its result too: that is the codec's.
    return {**least, "task": max(0.0, least["task"] - result_coded(codec))}


def timed(function: Callable[[], Any]) -> float:
    """Microseconds a call."""
    function()
    since = perf_counter()
    for _ in range(TIMES):
        function()
    return (perf_counter() - since) / TIMES * 1e6


def a_step() -> Step[Any]:
    """A command, as the process makes it."""
    driving.instance = "benchmark"
    try:
        step: Any = score(7)
    finally:
        driving.instance = None
    assert isinstance(step, Step)
    return step


def checks() -> float:
    """Arguments bound and checked, and the command made."""
    return timed(a_step)


def send_and_address() -> float:
    """The trap: a coroutine that asks for a command made before, its address, its answer."""
    step = a_step()

    async def asking() -> None:
        while True:
            await step

    driver = Driver(asking(), "benchmark")
    driver.begin()

    def answer() -> None:
        (ask,) = driver.take_fresh()
        driver.resume(ask.address, None)

    took = timed(answer)
    driver.cancel()
    return took


def signature_and_result(codec: Codec) -> float:
    """Arguments as canonical text with their hash; the result written, and read back."""
    step = a_step()
    return timed(lambda: signature(step, codec)) + result_coded(codec)


def result_coded(codec: Codec) -> float:
    result, type_ = {"n": 7}, score.result_type
    return timed(lambda: codec.decode(codec.encode(result, type_), type_))


async def task_with_body(codec: Codec) -> float:
    """A body in the task that it shares with others that are asked for at the same time, and word of its end."""
    step, loop, now = a_step(), asyncio.get_running_loop(), SystemClock().now
    tasks: BodyTasks[BodyEnded] = BodyTasks(loop.create_task)
    left, all_ended = TIMES // INSTANCES * INSTANCES, asyncio.Event()

    class Timed(Body[BodyEnded]):
        def make(self) -> Coroutine[Any, Any, BodyEnded]:
            return run_body(step, "7", "benchmark-1/7", 1, codec, now, None, run_function)

        def over(self) -> None:
            nonlocal left
            left -= 1
            if not left % INSTANCES:
                all_ended.set()

    since = perf_counter()
    while left:
        all_ended.clear()
        for _ in range(INSTANCES):
            tasks.begin(Timed())
        await all_ended.wait()
    return (perf_counter() - since) / (TIMES // INSTANCES * INSTANCES) * 1e6


# -- what two threads cost ---------------------------------------------------------------------------------------------


class Nothing:
    """A work that does nothing."""

    patient = False

    def __init__(self, future: asyncio.Future[None]) -> None:
        self._future = future

    def run(self, tx: Transaction) -> None:
        pass

    def committed(self) -> None:
        self._future.set_result(None)

    def failed(self, error: BaseException) -> None:
        self._future.set_exception(error)


def wake_up() -> float:
    """Microseconds that a group's way to the writer's thread and back takes longer than no way at all."""
    return max(0.0, asyncio.run(_there_and_back(threaded=True)) - asyncio.run(_there_and_back(threaded=False)))


async def _there_and_back(*, threaded: bool, count: int = 500) -> float:
    database = Database.open("sqlite:///:memory:", clock=SystemClock().now, threaded=threaded)
    loop = asyncio.get_running_loop()
    database.start(loop)
    since = perf_counter()
    for _ in range(count):
        future = loop.create_future()
        database.submit(Nothing(future))
        await future
    took = perf_counter() - since
    database.close()
    return took / count * 1e6


# -- the table ---------------------------------------------------------------------------------------------------------


def rows(many: Figures, alone: Figures, apart: Figures, wake: float, whole: dict[str, Figures]) -> list[list[str]]:
    """Both workloads, part by part."""
    together, lone = whole["many"], whole["alone"]
    known = sum(apart.values())
    lines = [
        ("driver: send, address", apart["driver"], apart["driver"]),
        ("checks: arguments bound, command made", apart["checks"], apart["checks"]),
        ("codec: arguments, hash, result both ways", apart["codec"], apart["codec"]),
        ("step body: its part of a task, moment", apart["task"], apart["task"]),
        ("turn and instance: the rest of the loop", many["loop"] - known, alone["loop"] - known),
        ("loop's thread", many["loop"], alone["loop"]),
        ("writer: rows, checksums, SQL", many["writer"], alone["writer"]),
        ("commit, flushed", many["commit"], alone["commit"]),
        ("garbage collection", many["garbage"], alone["garbage"]),
        ("all on one thread", many["whole"], alone["whole"]),
        ("wake-up of two threads, shared by a group", wake / INSTANCES, wake),
        ("end to end, two threads: on the wall", 1e6 / together["steps/s"], 1e6 / lone["steps/s"]),
        ("end to end, two threads: CPU", together["cpu"], lone["cpu"]),
    ]
    return [[what, f"{one:.1f}", f"{other:.1f}"] for what, one, other in lines]


def print_profile(lines: int) -> None:
    """The functions that take most, by themselves; measuring makes small ones look dearer than they are."""
    profile = cProfile.Profile()
    with folder() as path:
        asyncio.run(_on_one_thread(path, INSTANCES, STEPS, profile))
    pstats.Stats(profile, stream=sys.stdout).sort_stats("tottime").print_stats(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budget", description=__doc__)
    parser.add_argument("--profile", action="store_true", help="show the functions that take most")
    parser.add_argument("--lines", type=int, default=40, help="how many (40)")
    given = parser.parse_args()
    if given.profile:
        print_profile(given.lines)
        return
    whole = in_turn(
        ROUNDS,
        {
            "many": lambda path: steps.run(path, instances=INSTANCES, steps=STEPS),
            "many, one thread": lambda path: on_one_thread(path, instances=INSTANCES, count=STEPS),
            "alone": lambda path: steps.run(path, instances=1, steps=ALONE),
            "alone, one thread": lambda path: on_one_thread(path, instances=1, count=ALONE),
            "wake-up": lambda _: {"µs": wake_up()},
        },
    )
    show(
        f"What a step costs, µs: medians of {ROUNDS} rounds",
        ["", f"{INSTANCES} × {STEPS}", "one alone"],
        rows(whole["many, one thread"], whole["alone, one thread"], parts(), whole["wake-up"]["µs"], whole),
    )


if __name__ == "__main__":
    main()
