"""
What a work sees while it runs: the group's transaction, its savepoints and the rows it leaves for later.

It neither begins nor commits: that is `store/group.py`. Used on one thread only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from bizproc.core.errors import StoreError
from bizproc.store.trouble import passing
from bizproc.store.types import moment_text

if TYPE_CHECKING:
    from sqlite3 import Connection, Cursor
    from types import TracebackType

    import sqlalchemy

Borrow: TypeAlias = "Callable[[], sqlalchemy.Connection]"
Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


class Transaction:
    """
    One open transaction.

    Attributes:
        connection: The driver's connection, in autocommit: a work leaves BEGIN, COMMIT and ROLLBACK to the group.
        now: The moment of the group, aware and in UTC: one reading for all its works.
        now_text: The same, as it stands in the store.
        trouble: What makes the group impossible at present (no room, locked, read-only), even if a work swallowed it.
    """

    __slots__ = ("_borrow", "_open", "_rows", "connection", "now", "now_text", "path", "trouble")

    def __init__(self, connection: Connection, now: datetime, path: str, borrow: Borrow) -> None:
        self.connection = connection
        self.now = now
        self.now_text = moment_text(now)
        self.path = path
        self.trouble: StoreError | None = None
        self._borrow = borrow
        self._rows: dict[str, list[Sequence[Any]]] = {}
        self._open: list[Savepoint] = []

    def execute(self, sql: str, parameters: Parameters = ()) -> Cursor:
        """Run one statement now."""
        if self.trouble is not None:
            # SQLite may have ended the transaction: what runs now would commit by itself.
            raise self.trouble
        try:
            return self.connection.execute(sql, parameters)
        except Exception as error:
            self.notice(error)
            raise

    def later(self, sql: str, row: Sequence[Any]) -> None:
        """
        Run this statement with this row just before the commit, together with all rows given for the same text.

        For rows that nobody reads inside the transaction. One statement's rows keep their order; of two statements
        either may come first.
        """
        rows = self._rows.get(sql)
        if rows is None:
            rows = self._rows[sql] = []
        rows.append(row)

    def savepoint(self) -> Savepoint:
        """`with tx.savepoint(): ...`: what is raised inside undoes what was done inside, and goes on."""
        return Savepoint(self)

    @property
    def sqlalchemy(self) -> sqlalchemy.Connection:
        """SQLAlchemy inside this transaction, for rare statements; its commit and rollback do nothing."""
        return self._borrow()

    # -- for the group -------------------------------------------------------------------------------------------------

    def write_rows(self) -> None:
        """Write what was left for later."""
        rows, self._rows = self._rows, {}
        for savepoint in self._open:
            savepoint.keep(rows)
        for sql, of_one_statement in rows.items():
            if of_one_statement:
                self.connection.executemany(sql, of_one_statement)

    def notice(self, error: BaseException) -> None:
        """Raise the store's error, and remember it, if this one is a trouble that passes."""
        trouble = passing(error, self.path)
        if trouble is None:
            return
        self.trouble = trouble
        if trouble is error:
            raise error
        raise trouble from error

    def check(self) -> None:
        """Raise if the transaction cannot go on, although the work that has just ended did not say so."""
        if self.trouble is not None:
            raise self.trouble
        if not self.connection.in_transaction:
            raise TransactionEnded

    def counts(self) -> dict[str, int]:
        """How many rows are left for later, by statement."""
        return {sql: len(rows) for sql, rows in self._rows.items()}

    def enter(self, savepoint: Savepoint) -> None:
        """A savepoint begins."""
        self._open.append(savepoint)

    def leave(self) -> None:
        """The innermost savepoint is over."""
        self._open.pop()

    def forget(self, counts: dict[str, int], kept: dict[str, list[Sequence[Any]]] | None) -> None:
        """Drop the rows that came after these counts were taken; with `kept`, there are those instead."""
        if kept is not None:
            self._rows = kept
            return
        for sql, rows in self._rows.items():
            del rows[counts.get(sql, 0) :]


class TransactionEnded(RuntimeError):
    """A work ended the group's transaction."""

    def __init__(self) -> None:
        super().__init__("the transaction ended inside a work: BEGIN, COMMIT and ROLLBACK belong to the group")


class Savepoint:
    """What `Transaction.savepoint` gives. A class: cheaper than a generator on the hot path."""

    __slots__ = ("_counts", "_kept", "_tx")

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._kept: dict[str, list[Sequence[Any]]] | None = None

    def __enter__(self) -> None:
        # One name is enough: SQLite's savepoints nest, and the innermost of a name is meant. One text, prepared once.
        self._tx.execute("SAVEPOINT work")
        self._counts = self._tx.counts()
        self._tx.enter(self)

    def keep(self, rows: dict[str, list[Sequence[Any]]]) -> None:
        """Rows are written now that were left for later before this savepoint: to be undone with it, but not lost."""
        if self._kept is None:
            self._kept = {sql: rows[sql][:count] for sql, count in self._counts.items()}

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._tx.leave()
        if error is None:
            self._tx.execute("RELEASE work")
            return
        self._undo()
        self._tx.notice(error)

    def _undo(self) -> None:
        self._tx.forget(self._counts, self._kept)
        # At some errors SQLite undoes the whole transaction, and no savepoint is left.
        if self._tx.connection.in_transaction:
            self._tx.connection.execute("ROLLBACK TO work")
            self._tx.connection.execute("RELEASE work")
