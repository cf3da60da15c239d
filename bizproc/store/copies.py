"""
Copies of a store, made by SQLite from one consistent state. Never by opening the file as a file.

A plain open() and close() of the database in a process that also has it open through SQLite drops SQLite's locks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bizproc.core.errors import StoreDamaged, StoreError, StoreReadOnly
from bizproc.store.connection import connect

if TYPE_CHECKING:
    from sqlite3 import Connection


FILES_SUFFIX: Final = "-files"
"""The folder of files beside a store bears the store's name and this."""

Check = Callable[["Connection", Path], None]


def copy_into(connection: Connection, target: Path, *, check: Check | None = None) -> Path:
    """
    Write a compact copy of the store to a file that does not exist yet.

    It has its name only when it is complete and on disk, and when `check` has nothing against it.
    """
    target = target.absolute()
    _check_name(target)
    if not target.parent.is_dir():
        raise StoreReadOnly(path=str(target), detail=f"there is no folder {target.parent}. Make it first.")
    if target.exists() or target.is_symlink() or files_of(target).exists():
        there = target if target.exists() or target.is_symlink() else files_of(target)
        raise StoreError(f"{there} exists: a copy of a store overwrites nothing. Choose another name.")
    part = _part_of(target)
    part.unlink(missing_ok=True)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        _flush(part)
        if check is not None:
            check(connection, part)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
    return target


def _check_name(target: Path) -> None:
    """Looking whether it is there fails where it cannot have such a name, or lies where nobody may look."""
    for path in (target, files_of(target), _part_of(target)):
        try:
            path.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise StoreReadOnly(path=str(target), detail=f"{error.strerror}. Choose another name.") from None


def check_copy(original: Connection, copy: Path) -> None:
    """
    See that a copy is whole: that SQLite finds no fault in it, and that it is of this ownership or a later one.

    Raises:
        StoreDamaged: says what is wrong; the copy is of no use.
    """
    connection = connect(copy, timedelta(0), mode="ro")
    try:
        (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise StoreDamaged(path=str(copy), detail=f"the copy is not whole: {found}.")
        wanted, epoch = _epoch(original), _epoch(connection)
    finally:
        connection.close()
    if epoch > wanted or epoch < 1:
        raise StoreDamaged(path=str(copy), detail=f"the copy is of epoch {epoch}, and the store of epoch {wanted}.")


def _epoch(connection: Connection) -> int:
    ((epoch,),) = connection.execute("SELECT epoch FROM store_owner").fetchall() or [(0,)]
    return int(epoch)


def files_of(store: Path) -> Path:
    """The folder of the files that a store names. It need not be there."""
    return store.with_name(f"{store.name}{FILES_SUFFIX}")


def copy_files(store: Path, copy: Path) -> int:
    """
    Copy the files of a store beside a copy of it; how many there were.

    To be called when the copy is made: a file is on disk before a commit names it, so all that the copy names is there.
    """
    source, target = files_of(store), files_of(copy)
    if not source.is_dir():
        return 0
    shutil.copytree(source, target)
    return sum(1 for each in target.rglob("*") if each.is_file())


def free_name(wanted: Path) -> Path:
    """This path, or with a number behind it if there is such a file."""
    path, number = wanted, 1
    while path.exists():
        number += 1
        path = wanted.with_name(f"{wanted.name}.{number}")
    return path


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _flush(path: Path) -> None:
    fd = os.open(path, os.O_RDWR)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
