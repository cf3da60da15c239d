"""
Which SQLite: the one module that every connection of this process comes from. Opens nothing itself.

Two copies of SQLite that open one file in one process lose its locks (POSIX drops all of a process's locks on a file
when any of its descriptors is closed), so the choice is made once and everybody asks here.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType, NoneType
from typing import TypeVar

T = TypeVar("T")

# Older ones can lose pages when two connections write and checkpoint at once: https://sqlite.org/wal.html#walresetbug
SAFE = (3, 51, 3)


class OldSQLite(UserWarning):
    """The SQLite at hand is older than the first safe one."""


@cache
def driver() -> ModuleType:
    """The DB-API module. Imported at the first call, so that importing bizproc loads no database."""
    module = _found()
    # What SQLite takes as it is, the module takes for something to be adapted: it asks each None and each bytes for two
    # methods that they do not have, which takes longer than all else that a row costs. An adapter is found at once.
    for kind in (NoneType, bytes):
        module.register_adapter(kind, _as_it_is)
    return module


def _found() -> ModuleType:
    if find_spec("pysqlite3") is not None:
        return import_module("pysqlite3")
    standard = import_module("sqlite3")
    if standard.sqlite_version_info < SAFE:
        warnings.warn(_old(standard.sqlite_version), OldSQLite, stacklevel=2)
    return standard


def _as_it_is(value: T) -> T:
    return value


def _old(found: str) -> str:
    wanted = ".".join(map(str, SAFE))
    return (
        f"Python's sqlite3 is linked with SQLite {found}; before {wanted}, a checkpoint beside a write can damage the "
        "store. Install `pysqlite3`: it brings a newer one."
    )
