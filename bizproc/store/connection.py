"""One connection to a store, with the settings that every connection has. Knows no table and checks no owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from bizproc.store.sqlite import driver

if TYPE_CHECKING:
    # Types only: the driver's copy of the module mirrors the standard one.
    from sqlite3 import Connection

# More than bizproc has statements, so that none is prepared twice.
CACHED_STATEMENTS = 512

Mode = Literal["ro", "rw", "rwc"]


def connect(path: Path | None, busy: timedelta, *, mode: Mode = "rwc") -> Connection:
    """
    A connection in autocommit: BEGIN and COMMIT are ours.

    Args:
        path: The file, absolute; None for a store in memory.
        busy: How long a statement waits for another program's lock.
        mode: `ro`, `rw`, or `rwc` to create a file that is not there yet.
    """
    connection = driver().connect(
        ":memory:" if path is None else f"{path.as_uri()}?mode={mode}",
        uri=path is not None,
        isolation_level=None,
        timeout=busy.total_seconds(),
        cached_statements=CACHED_STATEMENTS,
        # A connection is used by one thread at a time, but opened on one, used on another and closed on a third.
        check_same_thread=False,
    )
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA recursive_triggers = OFF")  # some builds of SQLite have them on
    connection.execute("PRAGMA synchronous = FULL")
    return cast("Connection", connection)


@contextmanager
def snapshot(connection: Connection) -> Iterator[None]:
    """Reads inside see one state, and writes are refused."""
    connection.execute("PRAGMA query_only = ON")
    connection.execute("BEGIN")
    try:
        yield
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        connection.execute("PRAGMA query_only = OFF")


@contextmanager
def write(connection: Connection) -> Iterator[None]:
    """One transaction that holds the write lock from its beginning; what is raised inside undoes it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        roll_back(connection)


def roll_back(connection: Connection) -> None:
    """End a transaction that is open; SQLite ends it by itself at some errors (a full disk is one)."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
