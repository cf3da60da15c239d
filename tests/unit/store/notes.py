"""Works that write a text into `instance_log`, and what the tests of the store share around them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Coroutine, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from bizproc.store.database import Database, Transaction

T = TypeVar("T")

ROOT = Path(__file__).parents[3]
"""Where programs of the tests are run, so that they find `bizproc` and `tests`."""

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)
INSERT = "INSERT INTO instance_log (instance, at, text) VALUES (?, ?, ?)"


def clock() -> datetime:
    return NOW


class Note:
    """A work that writes its text and remembers what became of it; awaiting it waits for that."""

    def __init__(
        self,
        text: str,
        *,
        patient: bool = True,
        then: Callable[[Transaction], object] | None = None,
        heard: list[tuple[str, str]] | None = None,
        later: bool = False,
    ) -> None:
        self.text = text
        self.patient = patient
        self.runs = 0
        self._then = then
        self._heard = [] if heard is None else heard
        self._later = later
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def run(self, tx: Transaction) -> None:
        self.runs += 1
        row = (1, tx.now_text, self.text)
        if self._later:
            tx.later(INSERT, row)
        else:
            tx.execute(INSERT, row)
        if self._then is not None:
            self._then(tx)

    def committed(self) -> None:
        self._heard.append((self.text, "committed"))
        self._done.set_result(None)

    def failed(self, error: BaseException) -> None:
        self._heard.append((self.text, type(error).__name__))
        self._done.set_exception(error)

    def __await__(self) -> Generator[Any, None, None]:
        return asyncio.wait_for(self._done, 30).__await__()

    @property
    def settled(self) -> bool:
        return self._done.done()


def raises(error: BaseException) -> Callable[[Transaction], None]:
    def then(tx: Transaction) -> None:
        raise error

    return then


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def run(test: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(test, 60))


def started(address: str, **options: Any) -> Database:
    """An open store whose writer runs on the loop of the test."""
    database = Database.open(address, clock=clock, **options)
    database.start(asyncio.get_running_loop())
    return database


def texts(database: Database) -> Awaitable[list[str]]:
    return database.read(lambda c: [text for (text,) in c.execute("SELECT text FROM instance_log ORDER BY id")])


def program(source: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run this source in a process of its own to its end."""
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something another thread or process does; the test hangs for a minute at most."""
    while not condition():
        await asyncio.sleep(0.005)
