"""
One owner: the lock file beside the store, its heartbeat, and how an owner that has stopped is replaced.

The lock is the operating system's, on an open file: free the moment its owner dies, whatever it died of. The file
holds the owner's process id for people to read, and its modification time is the heartbeat: touching it costs no flush.

The lock alone is not the truth, for a stopped process keeps it. The truth is the epoch in `store_owner`, which every
commit checks. It is advanced in a transaction in which the lock file is seen to be one's own. So of any number of
newcomers one wins, and who lost is refused at its next commit, even if it slept through all of this.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakSet

from attrs import frozen

from bizproc.core.errors import StoreFull, StoreInUse, StoreLocked, StoreLost, StoreReadOnly
from bizproc.store.connection import roll_back, write
from bizproc.store.sqlite import driver
from bizproc.store.statements import load
from bizproc.store.trouble import store_error
from bizproc.store.types import moment_text

if TYPE_CHECKING:
    from sqlite3 import Connection

sql = load("bizproc.store", "sql/owner.sql")


@frozen
class Pulse:
    """
    How an owner shows that it is alive.

    Attributes:
        every: How often the heartbeat is touched, at most.
        stopped_after: How old a heartbeat must be for its owner to count as stopped.
    """

    every: timedelta = timedelta(seconds=2)
    stopped_after: timedelta = timedelta(seconds=10)


class Lock:
    """A lock file that this process holds."""

    def __init__(self, store: Path, file: Path, fd: int, pulse: Pulse) -> None:
        self.store = store
        self.file = file
        self._fd: int | None = fd
        self._every = pulse.every.total_seconds()
        self._due = time.monotonic() + self._every
        _held.add(self)

    def beat(self) -> bool:
        """Touch the heartbeat, if it is time to; whether it was."""
        now = time.monotonic()
        if self._fd is None or now < self._due:
            return False
        self._due = now + self._every
        # An owner whose heartbeat cannot be touched may be replaced; that does not stop it from writing until then.
        with suppress(OSError):
            os.utime(self._fd if os.utime in os.supports_fd else self.file)
        return True

    def is_ours(self) -> bool:
        """Whether the file at the path is still the one we hold."""
        return self._fd is not None and _is_at(self._fd, self.file)

    def check(self) -> None:
        """Raise if the file was replaced; to be asked inside the transaction that relies on it."""
        if not self.is_ours():
            raise StoreInUse(path=str(self.store), pid=_signed_at(self.file))

    def release(self) -> None:
        """Let the next one in. The file stays: if it were unlinked, two could each lock a file of this name."""
        if self._fd is not None and self.is_ours():
            with suppress(OSError):
                os.ftruncate(self._fd, 0)
        self.drop()

    def drop(self) -> None:
        """Let go without a word, as the death of the process would."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


class Heart:
    """The heartbeat of an owner that also notices, while it is idle, that it has been replaced."""

    def __init__(self, lock: Lock, check_epoch: Callable[[], None]) -> None:
        self._lock = lock
        self._check_epoch = check_epoch

    def beat(self) -> None:
        """Touch the heartbeat, if it is time to. Raises StoreLost when another owner came, or the store is gone."""
        due = self._lock.beat()
        if due and not self._lock.store.exists():
            detail = "the file is not there any more. What was committed since it went is lost."
            raise StoreLost(path=str(self._lock.store), detail=detail)
        if due and not self._lock.is_ours():
            # Another file at the path is not the truth yet: whoever put it there may fail to advance the epoch.
            with suppress(driver().Error):
                self._check_epoch()


@frozen
class Stopped:
    """An owner that holds its lock and whose heart has stopped."""

    store: Path
    file: Path
    inode: int
    pid: int | None


# A child made by fork shares the parent's locks and would keep them when the parent dies. Closing the child's copy
# leaves the parent's lock alone.
_held: WeakSet[Lock] = WeakSet()


def _drop_in_child() -> None:
    for lock in list(_held):
        lock.drop()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_drop_in_child)


# -- becoming the owner ------------------------------------------------------------------------------------------------


def claim(store: Path, pulse: Pulse) -> Lock | Stopped:
    """
    Take the lock of a store, or find that its owner has stopped.

    Raises:
        StoreInUse: Its owner is alive.
    """
    found = _look(store, pulse)
    if isinstance(found, Stopped):
        # A machine that slept, or whose clock was set, makes every heartbeat look old. An owner that is alive beats at
        # least once in twice its interval (it may have been busy when the first half was over).
        time.sleep(2 * pulse.every.total_seconds())
        found = _look(store, pulse)
    return found


def alive(store: Path, pulse: Pulse) -> int | None:
    """
    The process id of the owner of a store whose heart beats; None where nobody owns it now, or its owner has stopped.

    For words to people: by the time it is read it may be otherwise. The lock is tried only where a file says that there
    is an owner, so that a newcomer hardly ever meets us there.
    """
    try:
        fd = os.open(lock_file(store), os.O_RDWR)
    except OSError:
        return None
    try:
        pid = _signed(fd)
        return None if pid is None or _is_still(fd, pulse) or _lock(fd) else pid
    except OSError:  # Windows: what is locked cannot be read
        return None
    finally:
        os.close(fd)


def take(connection: Connection, check: Callable[[], None], now: datetime) -> int:
    """Begin a new epoch: the commits of all earlier owners are refused from here on."""
    with write(connection):
        check()
        return _advance(connection, now)


def nobody_else() -> None:
    """The check of a store in memory, which nobody else can own."""


def replace(stopped: Stopped, connection: Connection, pulse: Pulse, now: datetime) -> Lock:
    """
    Take the place of an owner that has stopped.

    The write lock of the database comes first: while it is held, the stopped owner is not inside a commit, and no
    other newcomer is here. Nothing is touched before.

    Raises:
        StoreInUse: The owner stopped inside a write, came back, or another newcomer was faster.
    """
    _begin(connection, stopped)
    try:
        lock = _swap(stopped, pulse)
        try:
            if _has_owner(connection):
                _advance(connection, now)
            connection.execute("COMMIT")
        except BaseException:
            _swap_back(stopped, lock)
            raise
    finally:
        roll_back(connection)
    _aside(stopped.file).unlink(missing_ok=True)
    return lock


# -- the database's part -----------------------------------------------------------------------------------------------


def _begin(connection: Connection, stopped: Stopped) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except driver().Error as error:
        if isinstance(store_error(error, str(stopped.store)), StoreLocked):
            raise _in_use(stopped, "it has stopped inside a write: let it go on (kill -CONT), or end it.") from error
        raise


def _has_owner(connection: Connection) -> bool:
    """False where the stopped owner did not come to make its tables."""
    return connection.execute(sql.owner_table).fetchone() is not None


def _advance(connection: Connection, now: datetime) -> int:
    # fetchall: SQLite commits nothing while a statement still has rows to give.
    ((epoch,),) = connection.execute(sql.take, {"pid": os.getpid(), "now": moment_text(now)}).fetchall()
    return int(epoch)


# -- the file's part ---------------------------------------------------------------------------------------------------


def lock_file(store: Path) -> Path:
    """The lock file of a store."""
    return store.with_name(f"{store.name}.lock")


def _look(store: Path, pulse: Pulse) -> Lock | Stopped:
    found = None
    while found is None:
        found = _try(store, lock_file(store), pulse)
    return found


def _try(store: Path, file: Path, pulse: Pulse) -> Lock | Stopped | None:
    """The lock, or who has it; None where the file was replaced between opening and locking it."""
    fd = _open(store, file)
    lock = Lock(store, file, fd, pulse)
    free = _lock(fd)
    if not lock.is_ours():
        lock.drop()
        return None
    if free:
        _sign(fd)
        return lock
    try:
        if not _is_still(fd, pulse):
            raise StoreInUse(path=str(store), pid=_signed(fd))
        return Stopped(store, file, os.fstat(fd).st_ino, _signed(fd))
    finally:
        lock.drop()


def _swap(stopped: Stopped, pulse: Pulse) -> Lock:
    """Put a lock file of our own, locked and signed, in the place of the stopped owner's."""
    if not _is_still_stopped(stopped, pulse):
        raise StoreInUse(path=str(stopped.store), pid=_signed_at(stopped.file))
    ours = stopped.file.with_name(f"{stopped.file.name}.{os.getpid()}")
    fd = _open(stopped.store, ours)
    lock = Lock(stopped.store, stopped.file, fd, pulse)
    _lock(fd)
    _sign(fd)
    try:
        # For a moment there is no file at the path. Who makes one then finds in `take` that it was replaced.
        stopped.file.replace(_aside(stopped.file))
        ours.replace(stopped.file)
    except OSError as error:  # Windows moves no file that is open
        _swap_back(stopped, lock)
        ours.unlink(missing_ok=True)
        raise _in_use(stopped, f"it has stopped, and its lock file cannot be replaced ({error}): end it.") from error
    return lock


def _swap_back(stopped: Stopped, lock: Lock) -> None:
    lock.drop()
    with suppress(FileNotFoundError):
        _aside(stopped.file).replace(stopped.file)


def _aside(file: Path) -> Path:
    return file.with_name(f"{file.name}.stopped")


def _is_still_stopped(stopped: Stopped, pulse: Pulse) -> bool:
    try:
        fd = os.open(stopped.file, os.O_RDONLY)
    except OSError:
        return False
    try:
        return os.fstat(fd).st_ino == stopped.inode and _is_still(fd, pulse)
    finally:
        os.close(fd)


def _is_still(fd: int, pulse: Pulse) -> bool:
    return time.time() - os.fstat(fd).st_mtime > pulse.stopped_after.total_seconds()


def _is_at(fd: int, file: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), file.stat())
    except FileNotFoundError:
        return False
    except OSError:
        return True  # that it cannot be looked at does not say that another is there; each commit checks the epoch


def _open(store: Path, file: Path) -> int:
    try:
        return os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        cls = StoreFull if error.errno in {errno.ENOSPC, errno.EDQUOT} else StoreReadOnly
        raise cls(path=str(store), detail=f"the lock file beside it cannot be opened ({error})") from error


def _sign(fd: int) -> None:
    os.ftruncate(fd, 0)
    os.lseek(fd, 0, os.SEEK_SET)
    os.write(fd, f"{os.getpid()}\n".encode())


def _signed(fd: int) -> int | None:
    """The process id in a lock file; None where its owner has not come to write it."""
    os.lseek(fd, 0, os.SEEK_SET)
    return _pid(os.read(fd, 32))


def _signed_at(file: Path) -> int | None:
    try:
        return _pid(file.read_bytes())
    except OSError:
        return None


def _pid(text: bytes) -> int | None:
    return int(text) if text.strip().isdigit() else None


def _in_use(stopped: Stopped, detail: str) -> StoreInUse:
    return StoreInUse(path=str(stopped.store), pid=stopped.pid, detail=detail)


# -- the operating system's part ---------------------------------------------------------------------------------------

if sys.platform == "win32":
    import msvcrt

    # Windows locks bytes, and a locked byte cannot be read: far behind the process id.
    _BYTE = 2**30

    def _lock(fd: int) -> bool:
        """Lock an open file; whether that was possible at once."""
        os.lseek(fd, _BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(fd: int) -> bool:
        """Lock an open file; whether that was possible at once."""
        try:
            # Not lockf: such a lock is lost when any other descriptor of the file is closed in this process.
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
