"""Reads outside a turn: a second connection on a thread of its own. It never writes, and never waits for the writer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from bizproc.store.trouble import naming

if TYPE_CHECKING:
    from sqlite3 import Connection

T = TypeVar("T")


class Reader:
    """Runs functions over its own connection, one after the other. The connection is made when it is first needed."""

    def __init__(self, connect: Callable[[], Connection], path: str) -> None:
        self._connect = connect
        self._path = path
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bizproc-reader")

    def read(self, loop: asyncio.AbstractEventLoop, function: Callable[[Connection], T]) -> asyncio.Future[T]:
        return loop.run_in_executor(self._thread, self._run, function)

    def close(self) -> None:
        """Let reads that have begun end; forget the others."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _run(self, function: Callable[[Connection], T]) -> T:
        with naming(self._path):
            if self._connection is None:
                self._connection = self._connect()
            return function(self._connection)
