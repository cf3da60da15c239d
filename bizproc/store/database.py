"""
The store as the rest of bizproc sees it: one database, one writer, group commit. No table's meaning is known here.

Works are submitted on the loop's thread, run on the writer's in one transaction with all others that were ready
(`store/group.py`), and heard of again on the loop's:

    loop                                    writer
    submit(a), submit(b)
    flush, once a turn ── [a, b] ──► BEGIN, a.run, b.run, COMMIT
    submit(c), flush ──── [c] ─────► (with whatever else comes until then, the next group)
    a.committed, b.committed ◄────── one wake-up a group

Commit once per turn of the loop: under load the groups fill by themselves, and a lone work waits for nobody. Not on a
timer: every quiet process would pay the whole interval.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen
from sqlalchemy import MetaData

from bizproc.core.errors import StoreError, StoreMissing, StoreUnreadable
from bizproc.ports.commit_observer import CommitObserver
from bizproc.store import owner as ownership
from bizproc.store.connection import connect, roll_back, snapshot
from bizproc.store.copies import check_copy, copy_into, files_of
from bizproc.store.group import Group, Refused, Work
from bizproc.store.opening import MIGRATIONS, Schema, locate, look, prepare
from bizproc.store.owner import Heart, Lock, Pulse, Stopped
from bizproc.store.reader import Reader
from bizproc.store.schema import SCHEMA, metadata
from bizproc.store.sharing import borrow
from bizproc.store.transaction import Savepoint, Transaction
from bizproc.store.trouble import naming
from bizproc.store.writer import Inline, Lost, Place, Report, Settled, Troubled, Writer, WriterThread

if TYPE_CHECKING:
    from sqlite3 import Connection

__all__ = ["CommitObserver", "Database", "Pulse", "Savepoint", "Transaction", "Work"]

T = TypeVar("T")

# Shorter than an owner's heart may be silent: who waits for another program's lock must not look stopped.
BUSY = timedelta(seconds=2)


class Database:
    """
    An open store. Everything but `open` is called on the loop's thread.

    Attributes:
        path: The file, or `:memory:`; for people.
        file: The file; None for a store in memory.
        epoch: The number of this ownership; 0 for one who only reads.
        pending: How many works were submitted and have neither been committed nor refused.
        on_trouble: Told when works are being kept because the store cannot be written at present, and, with None, when
            that is over. StoreLost is for good.
    """

    def __init__(
        self, path: Path | None, connection: Connection, lock: Lock | None, epoch: int, settings: _Settings
    ) -> None:
        self.path = str(path or ":memory:")
        self.epoch = epoch
        self.pending = 0
        self.on_trouble: Callable[[StoreError | None], None] | None = None
        self.file = path
        self._connection = connection
        self._lock = lock
        self._settings = settings
        self._group = Group(connection, self.path, epoch, settings.clock, settings.observer)
        heart = None if lock is None else Heart(lock, self._group.check_epoch)
        self._writer = Writer(self._group, heart, self._report, self._died)
        self._place: Place | None = None
        self._reader: Reader | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: Callable[[Callable[[], None]], object] | None = None
        self._collected: list[Work] = []
        self._outbox: deque[Report | _Answer] = deque()
        self._refusing: StoreError | None = None
        self._killed = False
        self._gone = False  # killed, and its lock is free

    # -- opening -------------------------------------------------------------------------------------------------------

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Callable[[], datetime],
        observer: CommitObserver | None = None,
        threaded: bool = True,
        owner: bool = True,
        tables: Sequence[MetaData] = (metadata,),
        schema: int = SCHEMA,
        migrations: Path = MIGRATIONS,
        pulse: Pulse = Pulse(),  # noqa: B008  frozen
        busy: timedelta = BUSY,
        previous: Database | None = None,
    ) -> Database:
        """
        Open a store, and become its owner. Blocks.

        Args:
            url: `sqlite:///relative.db`, `sqlite:////absolute.db` or `sqlite:///:memory:`.
            clock: The time, aware; read once a group.
            observer: Told of each commit; tests crash there.
            threaded: False runs everything on the loop's thread, in an order that is always the same.
            owner: False only reads.
            tables: Each room's tables.
            schema: The number of the schema they make up.
            migrations: Where the migrations up to that number are.
            pulse: How an owner shows that it is alive.
            busy: How long to wait for another program's lock on the database.
            previous: A store in memory that was abandoned or crashed: go on with what it had committed.

        Raises:
            StoreInUse: It has an owner.
            StoreMissing: There is none, and `owner` is False.
            StoreUnreadable, StoreNewer, StoreDamaged, StoreReadOnly, StoreLocked, StoreFull: It cannot be opened, and
                was left as it was found.
        """
        settings = _Settings(clock, observer, threaded, Schema(tables, schema, migrations), pulse, busy)
        path = locate(url)
        with naming(str(path or url)):
            if path is None:
                return cls._open_memory(settings, previous)
            if not owner:
                return cls._open_guest(path, settings)
            return cls._open_file(path, settings)

    @classmethod
    def _open_file(cls, path: Path, settings: _Settings) -> Database:
        look(path, settings.busy, settings.schema)
        claimed = ownership.claim(path, settings.pulse)
        lock = claimed if isinstance(claimed, Lock) else None
        connection = None
        try:
            connection = connect(path, settings.busy)
            if isinstance(claimed, Stopped):
                lock = ownership.replace(claimed, connection, settings.pulse, settings.clock())
            assert lock is not None
            prepare(connection, path, settings.schema, lock.check)
            return cls(path, connection, lock, ownership.take(connection, lock.check, settings.clock()), settings)
        except BaseException:
            if connection is not None:
                connection.close()
            if lock is not None:
                lock.release()
            raise

    @classmethod
    def _open_memory(cls, settings: _Settings, previous: Database | None) -> Database:
        connection = connect(None, settings.busy) if previous is None else previous.inherit()
        nobody = ownership.nobody_else
        prepare(connection, None, settings.schema, nobody)
        return cls(None, connection, None, ownership.take(connection, nobody, settings.clock()), settings)

    @classmethod
    def _open_guest(cls, path: Path, settings: _Settings) -> Database:
        found = look(path, settings.busy, settings.schema)
        if found is None:
            raise StoreMissing(path=str(path.absolute()))
        if found != settings.schema.number:
            detail = f"it has schema {found}, and this bizproc reads {settings.schema.number}. Its owner migrates it."
            raise StoreUnreadable(path=str(path), detail=detail)
        return cls(path, connect(path, settings.busy, mode="rw"), None, 0, settings)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to write. Works submitted before are written now."""
        self._loop = loop
        self._wake = loop.call_soon_threadsafe if self._settings.threaded else loop.call_soon
        if not self._settings.threaded:
            self._place = Inline(self._writer, loop.call_later)
        elif self.epoch:
            self._place = WriterThread(self._writer, None if self._lock is None else self._settings.pulse.every)
        if self._settings.threaded and self.file is not None:
            self._reader = Reader(partial(connect, self.file, self._settings.busy, mode="rw"))
        if self._place is not None:
            self._place.start()
        if self._collected:
            loop.call_soon(self._flush)

    # -- writing -------------------------------------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether nothing is pending."""
        return self.pending == 0

    @property
    def dead(self) -> bool:
        """Whether nothing will be written any more: it crashed, was abandoned or closed, or has another owner."""
        return self._gone or self._refusing is not None

    def submit(self, work: Work) -> None:
        """Have this work done in the next group."""
        if not self.epoch:
            raise RuntimeError("a store opened with owner=False only reads")
        if self._killed:
            return
        if self._refusing is not None:
            self._require_loop().call_soon(work.failed, self._refusing)
            return
        self.pending += 1
        self._collected.append(work)
        if len(self._collected) == 1 and self._loop is not None:
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        works, self._collected = self._collected, []
        if works and not self._killed and self._place is not None:
            self._place.hand(works)

    # -- reading -------------------------------------------------------------------------------------------------------

    def read(self, function: Callable[[Connection], T]) -> asyncio.Future[T]:
        """
        What a function finds in what is committed by now; all that it reads is of one moment, and it writes nothing.

        It runs on the reader's thread; in memory, and where nothing is threaded, on the writer's.
        """
        return self._elsewhere(partial(_in_snapshot, function))

    def undone(self, function: Callable[[Transaction], T]) -> asyncio.Future[T]:
        """
        What a function finds in a transaction in which it may write, and which is undone: nothing of it is ever there.

        It holds the lock for writing as long as it runs; an owner's on the writer's thread, between two groups.
        """
        attempt = partial(_undone, function, self._settings.clock, self.path)
        return self._elsewhere(attempt, here=self._place is not None)

    def backup(self, path: Path) -> asyncio.Future[Path]:
        """
        Copy the store, as it is now, to a file that does not exist yet, and its files. Writing goes on meanwhile.

        The copy is checked before it gets its name. Raises StoreDamaged where it is not whole.
        """
        return self._elsewhere(partial(_copied, path, None if self.file is None else files_of(self.file)))

    def owner(self) -> int | None:
        """The process id of whoever owns the store at this moment; None where nobody does, or its owner has stopped."""
        return None if self.file is None else ownership.alive(self.file, self._settings.pulse)

    def _elsewhere(self, function: Callable[[Connection], T], *, here: bool = False) -> asyncio.Future[T]:
        """On the reader's thread where there is one; `here` on the writer's."""
        future: asyncio.Future[T] = self._require_loop().create_future()
        if self._killed:
            return future  # nobody is there who could answer
        if self._reader is not None and not here:
            self._reader.run(partial(self._answer, future, function, self._reader.connection))
        elif self._place is not None:
            self._place.run(partial(self._answer, future, function, lambda: self._connection))
        else:
            future.set_exception(StoreError(f"{self.path} is closed."))
        return future

    def _answer(
        self, future: asyncio.Future[T], function: Callable[[Connection], T], connection: Callable[[], Connection]
    ) -> None:
        """On the reader's thread, or on the writer's between two groups."""
        try:
            with naming(self.path):
                value = function(connection())
        except BaseException as error:  # noqa: BLE001  it belongs to who asked
            self._report(_Answer(future, None, error))
        else:
            self._report(_Answer(future, value, None))

    # -- what the writer reports ---------------------------------------------------------------------------------------

    def _report(self, report: Report | _Answer) -> None:
        """On any thread. One wake-up of the loop a report, and a report covers a group."""
        self._outbox.append(report)
        if self._wake is not None:
            # Without a loop nobody is there to be told; `close` still delivers.
            with suppress(RuntimeError):
                self._wake(self._deliver)

    def _deliver(self) -> None:
        while self._outbox and not self._killed:
            match self._outbox.popleft():
                case Settled(works, refused):
                    self._settle(works, refused)
                case Troubled(error):
                    self._tell(error)
                case Lost(error):
                    self._refusing = error
                    self._tell(error)
                case _Answer() as answer:
                    answer.give()

    def _settle(self, works: Sequence[Work], refused: Refused) -> None:
        for place, work in enumerate(works):
            self.pending -= 1
            try:
                if place in refused:
                    work.failed(refused[place])
                else:
                    work.committed()
            except Exception as error:  # noqa: BLE001  one who cannot hear must not keep the others from hearing
                self._complain(work, error)

    def _tell(self, error: StoreError | None) -> None:
        if self.on_trouble is None:
            return
        try:
            self.on_trouble(error)
        except Exception as complaint:  # noqa: BLE001  the works must hear all the same
            self._complain("on_trouble", complaint)

    def _complain(self, who: object, error: Exception) -> None:
        message = f"{who!r} raised when the store told it what had happened"
        self._require_loop().call_exception_handler({"message": message, "exception": error})

    # -- the end -------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Write what was submitted, tell how that went, and let the next owner in. Blocks."""
        if self._place is not None:
            self._flush()
            self._place.stop()
            self._place = None
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        self._deliver()
        if self._refusing is None:
            self._refusing = StoreError(f"{self.path} is closed.")
        if not self._killed:
            self._connection.close()
        if self._lock is not None:
            self._lock.release()

    def abandon(self) -> None:
        """
        As if the process had died here: what is not committed is undone, nobody is told, the lock is free.

        A store in memory keeps what was committed for `open(..., previous=...)`.
        """
        self._group.abandoned = True
        if self._place is not None:
            self._place.stop()
        self._writer.die()
        if self._reader is not None:
            self._reader.close(forget=True)

    def _died(self) -> None:
        """On the writer's thread: the process has died, for all that anybody can see."""
        self._killed = True
        self._outbox.clear()
        self._collected = []
        if self.file is not None:
            self._connection.close()
        if self._lock is not None:
            self._lock.drop()
        self._gone = True

    def inherit(self) -> Connection:
        """The content of a store in memory, for the one that goes on with it."""
        if not self._killed or self.file is not None:
            raise RuntimeError("only a store in memory that has crashed or was abandoned can be gone on with")
        return self._connection

    def _require_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("the store has not been started: call start(loop) first")
        return self._loop


@frozen
class _Settings:
    clock: Callable[[], datetime]
    observer: CommitObserver | None
    threaded: bool
    schema: Schema
    pulse: Pulse
    busy: timedelta


@frozen(eq=False)
class _Answer:
    """What a read found."""

    future: asyncio.Future[Any]
    value: Any
    error: BaseException | None

    def give(self) -> None:
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.value)
        else:
            self.future.set_exception(self.error)


def _in_snapshot(function: Callable[[Connection], T], connection: Connection) -> T:
    with snapshot(connection):
        return function(connection)


def _undone(
    function: Callable[[Transaction], T], clock: Callable[[], datetime], path: str, connection: Connection
) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        return function(Transaction(connection, clock(), path, partial(borrow, connection)))
    finally:
        roll_back(connection)


def _copied(path: Path, files: Path | None, connection: Connection) -> Path:
    return copy_into(connection, path, check=check_copy, files=files)
