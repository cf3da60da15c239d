"""
What SQLite's error codes mean for the store: its errors by name. Decides nothing about what happens next.

Codes are read, never messages: https://sqlite.org/rescode.html
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bizproc.core.errors import (
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreReadOnly,
    StoreUnreadable,
)

# What passes by itself, or by what somebody does outside: the same work may succeed later.
Passing = (StoreFull, StoreLocked, StoreReadOnly)

_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 8, 10, 11, 13, 14, 26

_BY_CODE: dict[int, type[StoreError]] = {
    _BUSY: StoreLocked,
    _LOCKED: StoreLocked,
    _READONLY: StoreReadOnly,
    _CANTOPEN: StoreReadOnly,
    _FULL: StoreFull,
    _IOERR: StoreDamaged,
    _CORRUPT: StoreDamaged,
    _NOTADB: StoreUnreadable,
}

# Quotas and limits on the size of a file reach SQLite as a write that failed, not as a full disk. pysqlite3 0.6 tells
# SQLITE_IOERR without saying which, so that one counts as refused room too: nothing is lost by trying again later.
_REFUSED_WRITES = (_IOERR, _IOERR | (3 << 8), _IOERR | (19 << 8))  # any, IOERR_WRITE, IOERR_SHMSIZE


def named(error: BaseException, path: str) -> BaseException:
    """The store's own error for what SQLite reports about the file; any other error as it is."""
    known = store_error(error, path)
    if known is None or known is error:
        return error
    known.__cause__ = error
    return known


@contextmanager
def naming(path: str) -> Iterator[None]:
    """What SQLite reports about the file inside is raised as the store's own error."""
    try:
        yield
    except Exception as error:
        known = named(error, path)
        if known is error:
            raise
        raise known from error


def store_error(error: BaseException, path: str) -> StoreError | None:
    """The store's own error, where this is one or SQLite's code means one."""
    if isinstance(error, StoreError):
        return error
    reported: Any = getattr(error, "orig", None) or error  # SQLAlchemy wraps the driver's error
    code = getattr(reported, "sqlite_errorcode", None)
    if code is None:
        return None
    detail = f"{reported} ({reported.sqlite_errorname})"
    if code in _REFUSED_WRITES:
        return StoreFull(path=path, detail=f"{detail}: the disk is full, over its quota, or failing")
    cls = _BY_CODE.get(code & 0xFF)
    if cls is None:
        return None
    return cls(path=path, detail=detail)  # type: ignore[call-arg]


def passing(error: BaseException, path: str) -> StoreError | None:
    """The store's own error, where it is one that passes."""
    known = store_error(error, path)
    return known if isinstance(known, Passing) else None
