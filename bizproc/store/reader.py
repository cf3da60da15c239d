"""Reads outside a turn: a second connection on a thread of its own. It never writes, and never waits for the writer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlite3 import Connection

    from bizproc.store.writer import Errand


class Reader:
    """Does errands one after the other, over a connection that is made when it is first needed."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self._connect = connect
        self._connection: Connection | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="bizproc-reader")

    def run(self, errand: Errand) -> None:
        """Have this done on the reader's thread."""
        self._thread.submit(errand)

    def connection(self) -> Connection:
        """For the errand: the reader's connection."""
        if self._connection is None:
            self._connection = self._connect()
        return self._connection

    def close(self, *, forget: bool = False) -> None:
        """Let what was begun end, and what was asked for too, unless it is to be forgotten."""
        self._thread.shutdown(wait=True, cancel_futures=forget)
        if self._connection is not None:
            self._connection.close()
            self._connection = None
