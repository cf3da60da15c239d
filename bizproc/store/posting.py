"""Writing beside the owner: one row into a table that is there for it. Everything else belongs to the owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from bizproc.store.connection import connect, write
from bizproc.store.trouble import naming


def insert(path: str, sql: str, row: Mapping[str, Any], busy: timedelta = timedelta(seconds=5)) -> None:
    """
    Write one row, on disk when this returns. Blocks.

    Raises:
        StoreLocked: The owner has held its lock for longer than `busy`.
        StoreReadOnly, StoreFull: It cannot be written.
    """
    with naming(path):
        connection = connect(Path(path), busy, mode="rw")
        try:
            with write(connection):
                connection.execute(sql, row)
        finally:
            connection.close()
