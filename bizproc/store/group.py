"""
Group commit: many works, one transaction, one flush to disk. Knows no thread, no loop and no queue.

First all works run one after the other. Most of the time none raises, and the group costs one BEGIN, one look at the
epoch and one COMMIT. If one raises, everything is undone and run again, this time each work under a savepoint of its
own: however many raise then, each is undone alone, and the others are not run a third time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from bizproc.core.errors import StoreLost
from bizproc.ports.commit_observer import CommitObserver
from bizproc.store.connection import roll_back
from bizproc.store.sharing import borrow
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.trouble import named, naming

if TYPE_CHECKING:
    from sqlite3 import Connection

    import sqlalchemy

sql = load("bizproc.store", "sql/owner.sql")


class Work(Protocol):
    """
    Something to be done inside a group's transaction.

    Attributes:
        patient: Whether the work is kept and run again when the store cannot be written at present (no room, locked,
            read-only). One that is not is told at once.
    """

    @property
    def patient(self) -> bool: ...

    def run(self, tx: Transaction) -> None:
        """
        On the writer's thread; it must not wait for the loop. What it raises undoes this work alone.

        May run more than once, for its group may be undone: only what the last run wrote is kept.
        """

    def committed(self) -> None:
        """On the loop's thread, after the commit, in the order of submission."""

    def failed(self, error: BaseException) -> None:
        """On the loop's thread, in the order of submission: the work was undone and will not run again."""


Refused = Mapping[int, BaseException]
"""Which works of a group raised, by their place in it, and what."""

NOBODY: Refused = MappingProxyType({})


class Killed(BaseException):
    """The process has died here, for all that the database knows: an observer raised, or it was abandoned."""


class Group:
    """Commits one group after another over one connection."""

    def __init__(
        self,
        connection: Connection,
        path: str,
        epoch: int,
        clock: Callable[[], datetime],
        observer: CommitObserver | None,
    ) -> None:
        self.abandoned = False
        self._connection = connection
        self._path = path
        self._epoch = epoch
        self._clock = clock
        self._observer = observer
        self._borrowed: sqlalchemy.Connection | None = None

    def commit(self, works: Sequence[Work]) -> Refused:
        """
        Run the works and commit them.

        Raises:
            StoreFull, StoreLocked, StoreReadOnly: nothing was written; the same works can be committed later.
            StoreLost: another owner has come; nothing will be written any more.
            Killed: no one must hear of this group.
        """
        with naming(self._path):
            now = self._clock()
            try:
                self._together(works, now)
            except _Raised as raised:
                return self._apart(works, now, dict(raised.refused))
            return NOBODY

    def check_epoch(self) -> None:
        """Raise StoreLost if another owner has come."""
        (epoch,) = self._connection.execute(sql.epoch).fetchone()
        if epoch != self._epoch:
            raise StoreLost(path=self._path, detail="nothing more is committed here. Stop one of the two programs.")

    def _together(self, works: Sequence[Work], now: datetime) -> None:
        with self._transaction(now) as tx:
            connection = tx.connection
            for place, work in enumerate(works):
                try:
                    work.run(tx)
                    if tx.trouble is not None or not connection.in_transaction:
                        tx.check()
                except BaseException as error:
                    tx.notice(error)
                    raise _Raised({place: named(error, self._path)}) from error
            try:
                tx.write_rows()
            except Exception as error:
                # Whose row it was shows when each writes its own.
                tx.notice(error)
                raise _Raised({}) from error

    def _apart(self, works: Sequence[Work], now: datetime, refused: dict[int, BaseException]) -> Refused:
        while True:
            try:
                self._one_by_one(works, now, refused)
            except _Raised as raised:
                refused.update(raised.refused)
            else:
                return refused

    def _one_by_one(self, works: Sequence[Work], now: datetime, refused: dict[int, BaseException]) -> None:
        with self._transaction(now) as tx:
            for place, work in enumerate(works):
                if place in refused:
                    continue
                try:
                    with tx.savepoint():
                        work.run(tx)
                        tx.write_rows()
                    tx.check()
                except BaseException as error:
                    tx.notice(error)
                    if not tx.connection.in_transaction:
                        # It took the others with it: once more, without it.
                        raise _Raised({place: error}) from error
                    refused[place] = named(error, self._path)

    @contextmanager
    def _transaction(self, now: datetime) -> Iterator[Transaction]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            # The write lock is held from here to the commit, so one look is enough.
            self.check_epoch()
            yield Transaction(self._connection, now, self._path, self._borrow)
            self._observed_commit()
        finally:
            roll_back(self._connection)

    def _observed_commit(self) -> None:
        if self._observer is None:
            self._commit()
            return
        try:
            self._observer.before_commit()
        except BaseException as crash:
            raise Killed from crash
        self._commit()
        try:
            self._observer.after_commit()
        except BaseException as crash:
            raise Killed from crash

    def _commit(self) -> None:
        if self.abandoned:
            raise Killed
        self._connection.execute("COMMIT")

    def _borrow(self) -> sqlalchemy.Connection:
        if self._borrowed is None:
            self._borrowed = borrow(self._connection)
        return self._borrowed


class _Raised(Exception):
    """Works raised: the transaction is undone and begun again without them."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
