"""
From an older schema to the one of today: numbered migrations, run with alembic. Imported only when there is one to run.

The schema number is `PRAGMA user_version` and nothing else: alembic's own table of versions would be a second truth. A
copy of the store is put aside first; then all migrations run in one transaction, which the new number ends.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import Script, ScriptDirectory

from bizproc.core.errors import StoreDamaged, StoreError
from bizproc.store.connection import write
from bizproc.store.copies import copy_into, free_name
from bizproc.store.sharing import borrow

if TYPE_CHECKING:
    from sqlite3 import Connection


def migrate(
    connection: Connection, path: Path | None, found: int, wanted: int, migrations: Path, check: Callable[[], None]
) -> None:
    """
    Bring a store from schema `found` to schema `wanted`.

    `migrations` is a folder with the folder `versions`, as alembic has it, whose revisions are schema numbers ("0002").
    `check` raises if the store is not ours to change; it is asked inside the transaction.
    """
    steps = _steps(migrations, found, wanted)
    kept = None if path is None else _put_aside(connection, path, wanted)
    # Rebuilding a table that others refer to would fire their ON DELETE. The pragma is heard outside transactions only.
    connection.execute("PRAGMA foreign_keys = OFF")
    try:
        with write(connection):
            check()
            _run(connection, steps, path, kept)
            _check_references(connection, path)
            connection.execute(f"PRAGMA user_version = {wanted:d}")
    finally:
        connection.execute("PRAGMA foreign_keys = ON")


def _steps(migrations: Path, found: int, wanted: int) -> list[Script]:
    scripts = {int(script.revision): script for script in ScriptDirectory(str(migrations)).walk_revisions()}
    missing = [number for number in range(found + 1, wanted + 1) if number not in scripts]
    if missing:
        raise StoreError(f"there is no migration to schema {missing[0]} in {migrations}: this bizproc is incomplete.")
    return [scripts[number] for number in range(found + 1, wanted + 1)]


def _put_aside(connection: Connection, path: Path, wanted: int) -> Path:
    return copy_into(connection, free_name(path.with_name(f"{path.name}.before-{wanted}")))


def _run(connection: Connection, steps: list[Script], path: Path | None, kept: Path | None) -> None:
    with borrow(connection) as shared, Operations.context(MigrationContext.configure(shared)):
        for step in steps:
            try:
                step.module.upgrade()
            except Exception as error:
                raise StoreError(_failed(path, step, error, kept)) from error


def _failed(path: Path | None, step: Script, error: Exception, kept: Path | None) -> str:
    return (
        f"{path}: migration {step.revision} failed: {error}\n"
        f"The store is as it was before, and {kept} is a copy of it. Go on with the bizproc it was written by."
    )


def _check_references(connection: Connection, path: Path | None) -> None:
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        table, row, parent, _ = broken
        raise StoreDamaged(path=str(path), detail=f"after its migration, row {row} of {table} has no row in {parent}.")
