"""
A script of a contestant at work, in a program of its own: what it tells, how it ended, and that nothing of it is left.
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import Final, Self

import orjson

from benchmarks.harness import ROOT
from benchmarks.peers.contestants import restate_server

LIMIT: Final = 600
"""Seconds, after which a script is killed."""


class NotDone(Exception):
    """A script that failed, or did not do its work."""


class Script:
    """
    Runs in a block, and is killed at its end, with the servers that it started.

    It leads a group of its own; the group is killed only while the script is not waited for, so that no other can have
    its number.
    """

    def __init__(self, python: Path, module: str, folder: Path, arguments: list[str]) -> None:
        self._errors = folder / f"errors of {arguments[1]}"
        self._command = [str(python), "-m", f"benchmarks.peers.{module}", *arguments]

    def __enter__(self) -> Self:
        environment = {**os.environ, "RESTATE_SERVER": str(restate_server()), "PYTHONPATH": str(ROOT)}
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._watch = Timer(LIMIT, self.kill)
        self._watch.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._watch.cancel()
        self.kill()
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def kill(self) -> None:
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def told(self) -> dict[str, float]:
        """The figures that it prints."""
        found: dict[str, float] | None = None
        with suppress(orjson.JSONDecodeError):
            found = orjson.loads(self._line())
        if found is None:
            raise NotDone(self._said())
        return found

    def dies(self) -> None:
        """Wait until it is dead, which its output tells: it must have died of a kill. Its servers are left alone."""
        self._line()
        # It is looked at and left as it is: its number, which is that of its group, stays its own.
        ended = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT)
        if ended is None or ended.si_status != signal.SIGKILL or ended.si_code != os.CLD_KILLED:
            raise NotDone(f"it was to be killed, and ended by itself: {self._said()}")

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    def _said(self) -> str:
        return self._errors.read_text("utf-8", "replace").strip()[-800:] or "it ended without a word, or took too long"
