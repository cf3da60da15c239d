"""`bizproc serve` as a program of its own, watched through what it prints. No test waits by the clock."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bizproc import cli

BOUND = 60.0
"""Seconds after which a program that hangs is ended, and its test fails."""


def environment(**more: str) -> dict[str, str]:
    """The environment for a program: it finds this bizproc, hears of no settings, and serves no pages."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("BIZPROC_", "NO_COLOR"))}
    own = {"PYTHONPATH": str(Path(cli.__file__).parents[2]), "PYTHONUNBUFFERED": "1", "BIZPROC_WEB_PORT": "0"}
    return env | own | more


class Serving:
    """A `serve` that runs."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self.program = program
        self.lines: list[str] = []

    @property
    def pid(self) -> int:
        return self.program.pid

    def line(self, fits: Callable[[str], bool]) -> str:
        """The next line that fits; what comes before it is read, too."""
        assert self.program.stdout is not None
        for line in self.program.stdout:
            self.lines.append(line.rstrip("\n"))
            if fits(line):
                return line
        raise AssertionError(f"it has ended ({self.program.wait()}) and said: {self.lines}\n{self.said()}")

    def event(self, event: str, **facts: Any) -> dict[str, Any]:
        """The next thing of this kind that it tells as JSON, with these facts."""
        wanted = {"event": event, **facts}
        found: dict[str, Any] = json.loads(self.line(lambda line: wanted.items() <= json.loads(line).items()))
        return found

    def says(self, text: str) -> str:
        """The next line that holds this text."""
        return self.line(lambda line: text in line)

    def tell(self, number: signal.Signals) -> None:
        self.program.send_signal(number)

    def end(self) -> int:
        """Its exit code, once it has ended; the rest of what it said is read."""
        assert self.program.stdout is not None
        self.lines += self.program.stdout.read().splitlines()
        return self.program.wait(BOUND)

    def said(self) -> str:
        """What it said on stderr, once it has ended."""
        assert self.program.stderr is not None
        return self.program.stderr.read()


@contextmanager
def serving(here: Path, *arguments: str, **more: str) -> Iterator[Serving]:
    """`bizproc serve` in a folder; it ends with the block in any case."""
    command = [sys.executable, "-m", "bizproc.cli", "serve", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=here, env=environment(**more)) as program:
        watchdog = threading.Timer(BOUND, program.kill)
        watchdog.start()
        try:
            yield Serving(program)
        finally:
            watchdog.cancel()
            program.kill()
            for stream in (program.stdout, program.stderr):
                assert stream is not None
                stream.read()
