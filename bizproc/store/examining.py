"""An examination of a store from outside, beside its owner or without one: nothing is written, nothing is mended."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from attrs import frozen

from bizproc.core.errors import StoreDamaged
from bizproc.store.connection import connect, snapshot
from bizproc.store.opening import Schema, harmless_mode, locate, look
from bizproc.store.owner import Pulse, alive
from bizproc.store.schema import SCHEMA
from bizproc.store.statements import load
from bizproc.store.trouble import naming
from bizproc.store.types import moment

if TYPE_CHECKING:
    from sqlite3 import Connection

sql = load("bizproc.store", "sql/examining.sql")

T = TypeVar("T")

BUSY: Final = timedelta(seconds=2)


@frozen(kw_only=True)
class Examined:
    """
    What was found.

    Attributes:
        path: The file; None for a store in memory, of which nothing can be said.
        schema: Its number; None where there is no store yet.
        known: The number that this bizproc knows.
        owner: The process id of the owner that is alive.
        size: Bytes of the file.
        free: Bytes that are free where it lies, or would.
        newest: The newest moment that is written down.
    """

    path: Path | None
    schema: int | None = None
    known: int = SCHEMA
    owner: int | None = None
    size: int = 0
    free: int | None = None
    newest: datetime | None = None


def examine(url: str) -> Examined:
    """
    Look at a store, and see whether it is whole. Blocks, for as long as reading all of the file takes.

    Raises:
        SettingsError: It is no URL of a store.
        StoreUnreadable, StoreNewer, StoreDamaged, StoreReadOnly, StoreLocked: It could not be opened.
    """
    path = locate(url)
    if path is None:
        return Examined(path=None)
    with naming(str(path)):
        schema = look(path, BUSY, Schema())
        free = shutil.disk_usage(path.parent).free
        if schema is None:
            return Examined(path=path, free=free)
        newest = _whole(path)
        owner = alive(path, Pulse())
    return Examined(path=path, schema=schema, owner=owner, size=path.stat().st_size, free=free, newest=newest)


def ask(url: str, question: Callable[[Connection], T]) -> T | None:
    """
    What a function finds in a store, on a connection that only reads; None where there is no store of our schema.

    Raises:
        SettingsError, StoreUnreadable, StoreNewer, StoreDamaged, StoreReadOnly, StoreLocked: As `examine`.
    """
    path = locate(url)
    if path is None:
        return None
    with naming(str(path)):
        if look(path, BUSY, Schema()) != SCHEMA:
            return None
        connection = connect(path, BUSY, mode=harmless_mode(path))
        try:
            with snapshot(connection):
                return question(connection)
        finally:
            connection.close()


def _whole(path: Path) -> datetime | None:
    """The newest moment in a store that SQLite finds no fault in. Raises StoreDamaged."""
    connection = connect(path, BUSY, mode=harmless_mode(path))
    try:
        with snapshot(connection):
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise StoreDamaged(path=str(path), detail=str(found))
            return _newest(connection)
    finally:
        connection.close()


def _newest(connection: Connection) -> datetime | None:
    (at,) = connection.execute(sql.newest).fetchone()
    return None if at is None else moment(at)
