"""
Many instances that wait for a signal, and what it takes to wake one. Run by `test_parked.py`.

    python -m tests.crash.parked_program park STORE COUNT     park them, say what memory that took, wait to be killed
    python -m tests.crash.parked_program wake STORE COUNT     open the store, signal one, and say what that took
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from bizproc import Runtime, process, wait
from bizproc.store import database
from tests.crash.harness import live, say, url

WAVE = 1000


@process("crash.parked", overlap="parallel")
async def parked() -> str:
    got = await wait.for_signal("go", str)
    return f"woken by {got.value}"


class Counted:
    """
    What SQLite does for a store.

    Attributes:
        written: The statements run on the writer's connection, in order.
        read: Those run on the reader's; how often depends on time, for there the inbox is looked at now and then.
        steps: How often a statement went round a loop: once a row that is looked at, whatever becomes of it.
    """

    def __init__(self) -> None:
        self.written: list[str] = []
        self.read: set[str] = set()
        self.steps = 0
        connect: Any = database.__dict__["connect"]
        tells: list[Callable[[str], None]] = [self.written.append, self.read.add]

        def connected(*arguments: Any, **options: Any) -> Any:
            connection = connect(*arguments, **options)
            connection.set_trace_callback(tells.pop(0))
            connection.set_progress_handler(self._step, 1)
            return connection

        database.__dict__["connect"] = connected

    def _step(self) -> int:
        self.steps += 1
        return 0

    def taken(self) -> dict[str, Any]:
        """What was done since this was last asked."""
        found = {"written": list(self.written), "read": sorted(self.read), "steps": self.steps}
        self.written.clear()
        self.read.clear()
        self.steps = 0
        return found


def memory() -> int:
    """Bytes in memory, once what is garbage is gone."""
    gc.collect()
    if sys.platform == "linux":
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def name(number: int) -> str:
    return f"parked-{number}"


async def park(store: str, count: int) -> None:
    async with Runtime.open(store, processes=[parked]) as runtime:
        first = await runtime.start(parked(), id="first")
        await first.signal("go", "the first")
        await first.result()
        before, began = memory(), perf_counter()
        for begun in range(0, count, WAVE):
            numbers = range(begun, min(begun + WAVE, count))
            await asyncio.gather(*(_started(runtime.start(parked(), id=name(number))) for number in numbers))
        await runtime.settled()
        say({"seconds": perf_counter() - began, "before": before, "after": memory()})
        await asyncio.Event().wait()


async def _started(starting: Awaitable[object]) -> None:
    await starting


async def wake(store: str, count: int) -> None:
    counted, began = Counted(), perf_counter()
    async with Runtime.open(store, processes=[parked]) as runtime:
        await runtime.settled()
        opened, opening = perf_counter() - began, counted.taken()
        woken = runtime.instance(name(count // 2))
        began = perf_counter()
        await woken.signal("go", "the test")
        result = await woken.result()
        seconds, waking = perf_counter() - began, counted.taken()
        say(
            {
                "opened": opened,
                "opening": opening,
                "seconds": seconds,
                "waking": waking,
                "result": result,
                "memory": memory(),
            }
        )
        states = [status.state for status in await runtime.instances(status="waiting")]
        say(len(states))


if __name__ == "__main__":
    live()
    match sys.argv[1:]:
        case ["park", path, count]:
            asyncio.run(park(url(Path(path)), int(count)))
        case ["wake", path, count]:
            asyncio.run(wake(url(Path(path)), int(count)))
