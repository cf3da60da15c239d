"""
Copies of a store, made by SQLite from one consistent state. Never by opening the file as a file.

A plain open() and close() of the database in a process that also has it open through SQLite drops SQLite's locks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
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


def copy_into(connection: Connection, target: Path, *, check: Check | None = None, files: Path | None = None) -> Path:
    """
    Write a compact copy of the store to a file that does not exist yet, and of the files in a folder beside it.

    It has its name only when it is complete and on disk, files included, and when `check` has nothing against it.
    """
    target = target.absolute()
    _check_name(target)
    if not target.parent.is_dir():
        raise StoreReadOnly(path=str(target), detail=f"there is no folder {target.parent}. Make it first.")
    _see_that_nothing_is_there(target)
    part, beside = _part_of(target), _part_of(files_of(target))
    _remove_parts(part, beside)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        _flush(part)
        if check is not None:
            check(connection, part)
        # A file is on disk before a commit names it: all that the copy names is there by now.
        if files is not None and files.is_dir():
            _copy_contents(files, beside)
            beside.rename(files_of(target))
        part.rename(target)
        _flush(target.parent)
    finally:
        _remove_parts(part, beside)
    return target


def _see_that_nothing_is_there(target: Path) -> None:
    """Raises StoreError."""
    if target.exists() or target.is_symlink():
        raise StoreError(f"{target} exists: a copy of a store overwrites nothing. Choose another name.")
    files = files_of(target)
    if files.exists() or files.is_symlink():
        why = f"{target} does not, so they may be what a copy has left that did not come to its end"
        raise StoreError(f"{files} exists: a copy of a store overwrites nothing. {why}. Choose another name.")


def _remove_parts(part: Path, beside: Path) -> None:
    part.unlink(missing_ok=True)
    if beside.exists():
        shutil.rmtree(beside)


def _copy_contents(source: Path, target: Path) -> None:
    """Those that have their name; what is being written or swept meanwhile is named by no row of the copy."""
    target.mkdir()
    for path in source.glob("??/*"):
        copy = target / path.parent.name / path.name
        copy.parent.mkdir(exist_ok=True)
        with suppress(FileNotFoundError):
            shutil.copy2(path, copy)
            _flush(copy)
    for folder in [*target.iterdir(), target]:
        _flush(folder)


def _check_name(target: Path) -> None:
    """Looking whether it is there fails where it cannot have such a name, or lies where nobody may look."""
    for path in (target, files_of(target), _part_of(target), _part_of(files_of(target))):
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


def number_of_files(store: Path) -> int:
    """How many files lie beside a store."""
    return sum(1 for _ in files_of(store).glob("??/*"))


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
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
