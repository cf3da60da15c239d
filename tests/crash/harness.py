"""
Real programs for the tests of this folder: begun, watched at their commits, stopped, killed, and ended in any case.

Two sides share a `Board`, a page of memory in a file: it outlives the death of the program that wrote on it, so what it
says of a program that was killed is what was so at that moment. The program's side are `live`, `observe`, `UNPROTECTED`
and `quicken`; the test's side are `Programs`, `Program` and `Killer`.

No test ends a process that it did not begin. A program dies with the test: by the end of its input, and on Linux also
by the parent's death signal, which reaches one that has been stopped.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

import orjson

from bizproc.runtime import runtime
from bizproc.settings import Settings
from bizproc.store.database import Database, Pulse
from bizproc.store.owner import lock_file
from tests.crash.looking import unfinished

ROOT: Final = Path(__file__).parents[2]
"""Where programs are run, so that they find `bizproc` and `tests`."""

BOUND: Final = float(os.environ.get("BIZPROC_CRASH_BOUND", "120"))
"""Seconds that anything may take: a bound for what hangs, not a measure."""

HOUR: Final = timedelta(hours=1)


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def eventually(condition: Callable[[], bool], what: str, *, every: float = 0.002) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + BOUND
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {BOUND:g} s in vain: {what}")
        time.sleep(every)


def spin(condition: Callable[[], bool], seconds: float) -> bool:
    """Look without a pause, at most so long; whether it came."""
    end = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > end:
            return False
    return True


Words: TypeAlias = list[Any]
"""One line of what is said."""


# -- the page that both sides see --------------------------------------------------------------------------------------


def _cell(place: int) -> Any:
    """A number on the board."""

    def read(board: Board) -> int:
        return board.page[place]

    def write(board: Board, value: int) -> None:
        board.page[place] = int(value)

    return property(read, write)


class Board:
    """
    What a program and its test tell each other without a word.

    Attributes:
        inside: Whether a commit is running: set before it, taken back after it.
        hold: The test wants the next commit to wait just before it runs; `held`: it does.
        allowed: How far the program may go; what that means is its own affair.
        parked: The program has nothing to do until more is allowed.
        commits: How many commits have come to their end, in all lives.
        lives: How many programs have opened the store.
    """

    inside, hold, held, allowed, parked, commits, lives = map(_cell, range(7))

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(mmap.PAGESIZE))
        with path.open("r+b") as file:
            self.page = memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("Q")


# -- the program's side ------------------------------------------------------------------------------------------------


class Watched:
    """Writes on the board what the store's commits do."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def before_commit(self) -> None:
        while self._board.hold:
            self._board.held = 1
            time.sleep(0.001)
        self._board.held = 0
        self._board.inside = 1

    def after_commit(self) -> None:
        self._board.commits += 1
        self._board.inside = 0


def observe(board: Board) -> None:
    """Have the runtime that this program opens tell the board of its commits."""
    # `Runtime.open` takes no observer: only tests want one.
    board.lives += 1
    opening: Any = runtime
    opening.open_database = partial(opening.open_database, observer=Watched(board))


UNPROTECTED: Final = Settings(poison_protection=False)
"""Who is killed at random has not killed the program."""


def quicken(every: timedelta = timedelta(milliseconds=20), busy: timedelta = timedelta(milliseconds=300)) -> None:
    """
    Have the owner's heart beat fast, and wait shortly for another program's lock.

    It counts as stopped after an hour, so that none does because the machine is busy: tests age the heartbeat by hand.
    """
    opened: Any = Database.open
    Database.open = partial(opened, pulse=Pulse(every, HOUR), busy=busy)  # type: ignore[method-assign]


def live(hear: Callable[[Words], object] | None = None) -> None:
    """Die with the test that began this program; what it says meanwhile goes to `hear`, on another thread."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

    def listen() -> None:
        for line in sys.stdin:
            if hear is not None:
                hear(orjson.loads(line))
        os._exit(1)

    threading.Thread(target=listen, daemon=True).start()


def say(*words: object) -> None:
    """One line of words, or of what JSON can hold."""
    print(orjson.dumps(words).decode(), flush=True)


# -- the test's side ---------------------------------------------------------------------------------------------------


class Program:
    """One run of a program of this folder."""

    def __init__(self, command: Sequence[str], errors: Path, environment: Mapping[str, str]) -> None:
        self._errors = errors
        with errors.open("ab") as file:
            self._process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                bufsize=1,
                env={**os.environ, **environment},
            )
        self.pid = self._process.pid
        self.since = time.monotonic()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def tell(self, *words: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps(words).decode() + "\n")

    def hears(self) -> Words:
        """The next line it says. Lines come one by one, so none waits in a buffer where select does not see it."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], BOUND)
        line = self._process.stdout.readline() if ready else ""
        assert line, f"the program says nothing.\n{self.complaint()}"
        words: Words = orjson.loads(line)
        return words

    def does(self, *words: object) -> Words:
        self.tell(*words)
        return self.hears()

    def last_words(self, store: Path) -> Words:
        """The line that says it is done, and an exit without an error; else the test says what has not ended."""
        try:
            words = self.hears()
        except AssertionError as silent:
            self.kill()
            raise AssertionError(f"{silent}\nNot ended:\n" + "\n".join(map(str, unfinished(store)))) from None
        assert self.ends() == 0, self.complaint()
        return words

    def ends(self) -> int:
        """Its exit code, when it has ended by itself."""
        return self._process.wait(BOUND)

    def complaint(self) -> str:
        """What it wrote to its standard error."""
        return self._errors.read_text("utf-8", "replace")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it, and wait until it stands still."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        """It is of no more use, whatever it does just now."""
        if not self.ended:
            self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


class Programs:
    """All programs of a test; ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._begun: list[Program] = []

    def begin(self, module: str, *arguments: object, under: Sequence[str] = (), **environment: str) -> Program:
        """Run `tests.crash.<module>`; `under` are the words of a program that runs it."""
        command = [*under, sys.executable, "-X", "faulthandler", "-m", f"tests.crash.{module}", *map(str, arguments)]
        program = Program(command, self.folder / f"{module}.err", environment)
        self._begun.append(program)
        return program

    def run(self, module: str, *arguments: object, **environment: str) -> Words:
        """Run it to its end; the last line it says."""
        program = self.begin(module, *arguments, **environment)
        words = program.hears()
        assert program.ends() == 0, program.complaint()
        return words

    def end(self) -> None:
        for program in self._begun:
            program.end()


def running(folder: Path) -> Iterator[Programs]:
    """For fixtures."""
    programs = Programs(folder)
    try:
        yield programs
    finally:
        programs.end()


def age(store: Path) -> None:
    """Let the heart of the store's owner have stopped long ago."""
    file = lock_file(store)
    then = file.stat().st_mtime - 2 * HOUR.total_seconds()
    os.utime(file, (then, then))


# -- killing -----------------------------------------------------------------------------------------------------------


def seed() -> int:
    """The seed of this run; `BIZPROC_CRASH_SEED=...` chooses it. What the moments meet is never quite the same."""
    return int(os.environ.get("BIZPROC_CRASH_SEED") or time.time_ns() % 1_000_000)


class Killer:
    """
    Kills programs at random moments, and counts.

    Three ways, drawn at random: so long after the program began (which meets programs that are just opening the store),
    after so many commits, and inside a commit, on purpose.

    Attributes:
        kills: How many programs were killed, by the way.
        inside: How many of them died while a commit was running.
        opening: How many had not ended a single commit.
    """

    WAYS: Final = ("moment", "commits", "inside", "inside")

    def __init__(self, board: Board, random: Random) -> None:
        self.kills: Counter[str] = Counter()
        self.inside = 0
        self.opening = 0
        self._board = board
        self._random = random

    @property
    def total(self) -> int:
        return self.kills.total()

    def kill(self, program: Program, *, commits: int, way: str | None = None) -> None:
        """Let the program make up to so many commits, and kill it. It must not have ended before."""
        board, random = self._board, self._random
        way = way or random.choice(self.WAYS)
        before = board.commits
        target = before + random.randint(0 if way == "inside" else 1, commits - 1)
        moment = program.since + random.uniform(0, 1.2) if way == "moment" else float("inf")

        def due() -> bool:
            return board.commits >= target or bool(board.parked) or program.ended or time.monotonic() >= moment

        if way == "moment":
            target = before + commits
        eventually(due, f"{way}: commit {target}; it has come to {board.commits}", every=0.0002)
        if way == "inside":
            # Where a commit takes a tenth of a millisecond, its middle must be looked for without a pause.
            spin(lambda: bool(board.inside or board.parked) or program.ended, BOUND)
            spin(lambda: not board.inside, random.uniform(0, 0.0002))
        else:
            spin(lambda: program.ended, random.uniform(0, 0.003))
        assert not program.ended, f"it ended before it was killed.\n{program.complaint()}"
        program.kill()
        self.kills[way] += 1
        self.inside += board.inside
        self.opening += board.commits == before
        board.inside = board.held = board.parked = 0

    def __str__(self) -> str:
        ways = ", ".join(f"{count} by {way}" for way, count in sorted(self.kills.items()))
        return (
            f"{self.total} kills ({ways}), {self.inside} of them inside a running commit, "
            f"{self.opening} before the first commit of that life; {self._board.commits} commits in all"
        )
