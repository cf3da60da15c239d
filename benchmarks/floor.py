"""
The floor: a sketch of the least that any engine of this kind must do for a step.

It is no engine: it checks nothing and recovers nothing. A process is a coroutine, the body of a step a task of asyncio.
A step writes one row, append-only: where it stands, its name, its arguments as JSON and their hash, its result as JSON,
the moment; the process gets the result read back from that text, as a replay would give it. One thread writes; all
rows that are ready are one transaction, flushed once (WAL, `synchronous=FULL`); after it the loop is woken once, and
the processes go on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import Any, Final

import orjson

from benchmarks.harness import Figures, Watch, check, gaps, in_turn, show
from bizproc.store.sqlite import driver

INSTANCES: Final = 200
STEPS: Final = 20
ALONE: Final = 500

SCHEMA: Final = """
CREATE TABLE journal (lsn INTEGER PRIMARY KEY, instance INTEGER NOT NULL, position INTEGER NOT NULL,
                      name TEXT NOT NULL, arguments TEXT NOT NULL, hash BLOB NOT NULL, outcome TEXT NOT NULL,
                      at TEXT NOT NULL) STRICT;
CREATE UNIQUE INDEX journal_position ON journal (instance, position);
"""
APPEND: Final = (
    "INSERT INTO journal (instance, position, name, arguments, hash, outcome, at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def connect(path: Path) -> Any:
    """A connection to a new database, as durable as a store."""
    connection = driver().connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(SCHEMA)
    return connection


class Step:
    """A step that a process awaits."""

    __slots__ = ("argument", "body")

    def __init__(self, body: Callable[[int], Coroutine[Any, Any, Any]], argument: int) -> None:
        self.body = body
        self.argument = argument

    def __await__(self) -> Generator[Step, Any, Any]:
        return (yield self)


class Instance:
    """A process that runs."""

    __slots__ = ("coroutine", "key", "position", "result")

    def __init__(self, key: int, coroutine: Coroutine[Step, Any, int]) -> None:
        self.key = key
        self.coroutine = coroutine
        self.position = 0
        self.result: int | None = None


class Floor:
    """Runs coroutines; used on one loop."""

    def __init__(self, path: Path) -> None:
        self.commits = 0
        self.connection = connect(path)
        self.instances: list[Instance] = []
        self._loop = asyncio.get_running_loop()
        self._running = 0
        self._idle = asyncio.Event()
        self._rows: list[tuple[Any, ...]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[Instance, Any]] = []
        self._queue: SimpleQueue[tuple[list[tuple[Any, ...]], list[tuple[Instance, Any]]] | None] = SimpleQueue()
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def start(self, coroutine: Coroutine[Step, Any, int]) -> None:
        """Begin to run a coroutine, once that is on disk."""
        instance = Instance(len(self.instances), coroutine)
        self.instances.append(instance)
        self._running += 1
        self._write(instance, "started", "{}", "null", None)

    async def settled(self) -> None:
        """Wait until all have ended, and that is on disk."""
        await self._idle.wait()

    def close(self) -> None:
        self._queue.put(None)
        self._thread.join()
        self.connection.close()

    def _resume(self, instance: Instance, value: Any) -> None:
        try:
            step = instance.coroutine.send(value)
        except StopIteration as stop:
            instance.result = stop.value
            self._write(instance, "ended", "{}", orjson.dumps(stop.value).decode(), None)
        else:
            # The loop itself keeps no task alive.
            task = self._loop.create_task(self._run(instance, step))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _run(self, instance: Instance, step: Step) -> None:
        arguments = orjson.dumps({"number": step.argument}).decode()
        outcome = orjson.dumps(await step.body(step.argument)).decode()
        self._write(instance, "score", arguments, outcome, orjson.loads(outcome))

    def _write(self, instance: Instance, name: str, arguments: str, outcome: str, value: Any) -> None:
        digest = blake2b(arguments.encode(), digest_size=8).digest()
        at = datetime.now(UTC).isoformat()
        self._rows.append((instance.key, instance.position, name, arguments, digest, outcome, at))
        self._waiting.append((instance, value))
        instance.position += 1
        if len(self._rows) == 1:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._queue.put((self._rows, self._waiting))
        self._rows, self._waiting = [], []

    def _serve(self) -> None:
        """On the writer's thread."""
        while (item := self._queue.get()) is not None:
            rows, waiting = item
            try:
                while (more := self._queue.get_nowait()) is not None:
                    rows += more[0]
                    waiting += more[1]
            except Empty:
                pass
            self.connection.execute("BEGIN IMMEDIATE")
            self.connection.executemany(APPEND, rows)
            self.connection.execute("COMMIT")
            self.commits += 1
            self._loop.call_soon_threadsafe(self._committed, waiting)

    def _committed(self, waiting: list[tuple[Instance, Any]]) -> None:
        for instance, value in waiting:
            if instance.result is None:
                self._resume(instance, value)
            else:
                self._running -= 1
        if not self._running:
            self._idle.set()


# -- the workloads, as in `steps.py` -----------------------------------------------------------------------------------


class Effects:
    """What bodies of steps did outside: the moment of each call."""

    def __init__(self) -> None:
        self.moments: list[float] = []

    async def score(self, number: int) -> dict[str, int]:
        self.moments.append(perf_counter())
        return {"n": number}


async def adding(effects: Effects, steps: int) -> int:
    total = 0
    for number in range(steps):
        total += (await Step(effects.score, number))["n"]
    return total


def run(folder: Path, *, instances: int, steps: int) -> Figures:
    """One run: steps a second, microseconds of processor a step, commits, milliseconds between effects."""
    return asyncio.run(_run(folder, instances, steps))


async def _run(folder: Path, instances: int, steps: int) -> Figures:
    effects, floor, watch = Effects(), Floor(folder / "floor.db"), Watch()
    with closing(floor):
        for _ in range(instances):
            floor.start(adding(effects, steps))
        await floor.settled()
        watch.stop()
        (rows,) = floor.connection.execute("SELECT count(*) FROM journal").fetchone()
    check("rows", rows, instances * (steps + 2))
    check("effects", len(effects.moments), instances * steps)
    check("results", {instance.result for instance in floor.instances}, {sum(range(steps))})
    done = instances * steps
    return {
        "steps/s": done / watch.wall,
        "cpu": watch.cpu / done * 1e6,
        "commits": floor.commits,
        **gaps(effects.moments),
    }


def commit(folder: Path, *, count: int = 500) -> Figures:
    """The bare flushed commit: one row, one transaction, nothing around it."""
    with closing(connect(folder / "commit.db")) as connection:
        moments = [perf_counter()]
        for position in range(count):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(APPEND, (0, position, "score", "{}", b"12345678", '{"n":1}', ""))
            connection.execute("COMMIT")
            moments.append(perf_counter())
    return gaps(moments)


def main() -> None:
    many = partial(run, instances=INSTANCES, steps=STEPS)
    alone = partial(run, instances=1, steps=ALONE)
    found = in_turn(3, {"many": many, "alone": alone, "commit": commit})
    together, lone, bare = found["many"], found["alone"], found["commit"]

    def row(what: str, milliseconds: float) -> tuple[str, str, str]:
        return what, f"{milliseconds:.3f}", f"{milliseconds / bare['p50']:.2f}"

    show(
        "The floor: medians of 3 rounds",
        ["", "measured", "in flushed commits"],
        [
            (f"{INSTANCES} × {STEPS}: steps/s", f"{together['steps/s']:,.0f}", ""),
            ("  CPU a step, µs", f"{together['cpu']:.1f}", ""),
            ("  commits", f"{together['commits']:.0f}", ""),
            row(f"one alone, {ALONE} steps: ms a step, p50", lone["p50"]),
            row("  p99", lone["p99"]),
            row("a flushed commit alone: ms, p50", bare["p50"]),
            row("  p99", bare["p99"]),
        ],
    )


if __name__ == "__main__":
    main()
