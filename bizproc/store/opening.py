"""
Opening a store: where it is, whether it is one, and making or migrating it. Looks before it touches.

What is not ours is left as it was found: another program's database, a text file, a store of a newer bizproc, a file
that SQLite calls damaged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen
from sqlalchemy import MetaData, create_mock_engine

from bizproc.core.errors import SettingsError, StoreNewer, StoreReadOnly, StoreUnreadable
from bizproc.store.connection import Mode, connect, write
from bizproc.store.schema import SCHEMA, metadata
from bizproc.store.sharing import BorrowedSQLite

if TYPE_CHECKING:
    from sqlite3 import Connection

# In the file's header, so that `file` and we know whose it is: https://sqlite.org/pragma.html#pragma_application_id
APPLICATION_ID: Final = int.from_bytes(b"bizp", "big")

MIGRATIONS: Final = Path(__file__).with_name("migrations")

_PREFIX: Final = "sqlite:///"


@frozen
class Schema:
    """
    What a store should contain.

    Attributes:
        tables: Each room's tables.
        number: The schema's number; the newest migration bears it.
        migrations: Where the migrations are.
    """

    tables: Sequence[MetaData] = (metadata,)
    number: int = SCHEMA
    migrations: Path = MIGRATIONS


def locate(url: str) -> Path | None:
    """
    The file that a URL names; None for a store in memory.

    Links are followed, so that one store has one lock file under whatever name it is opened.
    """
    if not url.startswith(_PREFIX) or url == _PREFIX:
        raise SettingsError(where=f"store {url!r}", detail=f"expected {_PREFIX}crm.db, or {_PREFIX}/var/lib/crm.db")
    name = url.removeprefix(_PREFIX)
    return None if name == ":memory:" else Path(name).resolve()


def look(path: Path, busy: timedelta, schema: Schema) -> int | None:
    """
    The schema number of a store, read without a write; None where there is none yet.

    Raises:
        StoreUnreadable, StoreNewer, StoreDamaged, StoreReadOnly, StoreLocked: It cannot be opened as a store.
    """
    _check_access(path)
    if not path.exists():
        return None
    connection = connect(path, busy, mode=harmless_mode(path))
    try:
        return recognise(connection, path, schema)
    finally:
        connection.close()


def _check_access(path: Path) -> None:
    if not path.parent.is_dir():
        raise StoreReadOnly(path=str(path), detail=f"there is no folder {path.parent}. Make it first.")
    if path.is_dir():
        raise StoreUnreadable(path=str(path), detail="it is a folder.")
    for needed in (path.parent, path):
        if needed.exists() and not os.access(needed, os.W_OK):
            raise StoreReadOnly(path=str(path), detail=f"{needed} is read-only for this user, or its disk is.")


def harmless_mode(path: Path) -> Mode:
    """
    How to look at a database in write-ahead mode without leaving a trace.

    One that cannot write leaves its empty log behind; one that can removes it, but first moves what a crashed program
    left in its log into the database.
    """
    log = path.with_name(f"{path.name}-wal")
    return "ro" if log.exists() and log.stat().st_size else "rw"


def recognise(connection: Connection, path: Path | None, schema: Schema) -> int | None:
    """The schema number of what is open; None where it is empty."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' LIMIT 3")]
    if application != APPLICATION_ID:
        if application or tables:
            raise StoreUnreadable(path=str(path), detail=_foreign(application, tables))
        return None
    if number > schema.number:
        raise StoreNewer(path=str(path), found=number, known=schema.number)
    return int(number)


def prepare(connection: Connection, path: Path | None, schema: Schema, check: Callable[[], None]) -> None:
    """
    Make the schema what it should be.

    `check` raises if the store is not ours to change; it is asked inside each transaction.
    """
    found = recognise(connection, path, schema)
    if found is None:
        # Heard only before the first table is made, and before the journal's mode is set.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    if path is not None:
        _use_wal(connection, path)
    if found is None:
        _create(connection, schema, check)
    elif found < schema.number:
        from bizproc.store.migrating import migrate  # alembic and mako, only when they are needed

        migrate(connection, path, found, schema.number, schema.migrations, check)


def _use_wal(connection: Connection, path: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise StoreReadOnly(
            path=str(path), detail=f"its file system cannot do write-ahead logging (mode {mode}). Use a local disk."
        )


def _create(connection: Connection, schema: Schema, check: Callable[[], None]) -> None:
    with write(connection):
        check()
        for statement in _making(tuple(schema.tables)):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {schema.number:d}")


# To write these down takes ten times as long as to run them, and tests make stores by the thousand.
@lru_cache(maxsize=8)
def _making(several: tuple[MetaData, ...]) -> tuple[str, ...]:
    """The statements that make the tables."""
    statements: list[str] = []
    dialect = BorrowedSQLite()

    def note(element: Any, *_: object, **__: object) -> None:
        statements.append(str(element.compile(dialect=dialect)))

    writing = create_mock_engine("sqlite://", note)
    for tables in several:
        tables.create_all(writing, checkfirst=False)
    return tuple(statements)


def _foreign(application: int, tables: Sequence[str]) -> str:
    holds = f"it holds {', '.join(tables)}" if tables else "it is empty"
    return f"it is another program's database (application id {application}; {holds}). It was left as it is."
