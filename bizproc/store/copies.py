"""
Copies of a store, made by SQLite from one consistent state. Never by opening the file as a file.

A plain open() and close() of the database in a process that also has it open through SQLite drops SQLite's locks.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from bizproc.core.errors import StoreError

if TYPE_CHECKING:
    from sqlite3 import Connection


def copy_into(connection: Connection, target: Path) -> Path:
    """
    Write a compact copy of the store to a file that does not exist yet.

    It has its name only when it is complete and on disk.
    """
    if target.exists():
        raise StoreError(f"{target} exists: a copy of a store overwrites nothing. Choose another name.")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        _flush(part)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def free_name(wanted: Path) -> Path:
    """This path, or with a number behind it if there is such a file."""
    path, number = wanted, 1
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.name}.{number}")
    return path


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
