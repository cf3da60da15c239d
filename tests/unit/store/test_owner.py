"""One owner: real processes that hold a store, are killed, stopped and go on."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bizproc.core.errors import StoreInUse
from bizproc.store.connection import connect
from bizproc.store.database import Database, Pulse
from bizproc.store.owner import Lock, Stopped, claim, lock_file
from tests.unit.store.notes import ROOT, clock, run, until, url

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="knows no signals that stop a process")

# Long enough that no owner of these tests looks stopped because the machine is busy; heartbeats are aged by hand.
HOUR = timedelta(hours=1)
QUICK = Pulse(every=timedelta(milliseconds=20), stopped_after=HOUR)


class Owner:
    """A process that runs `owner_program.py`."""

    def __init__(self, path: Path, pulse: Pulse = QUICK) -> None:
        self.path = path
        milliseconds = [str(int(part / timedelta(milliseconds=1))) for part in (pulse.every, pulse.stopped_after)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.unit.store.owner_program", url(path), *milliseconds],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            cwd=ROOT,
        )
        self.pid = self._process.pid

    def tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n")

    def hears(self) -> str:
        """The next line it prints. Lines come one by one, so none waits in a buffer where select does not see it."""
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], 30)
        assert ready, "the owner says nothing"
        return self._process.stdout.readline().strip()

    def does(self, word: str) -> str:
        self.tell(word)
        return self.hears()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self, *, heartbeat: timedelta = 2 * HOUR) -> None:
        """Stop it, wait until it stands still, and let its heart have stopped long ago."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitpid(self.pid, os.WUNTRACED)
        file = lock_file(self.path)
        then = file.stat().st_mtime - heartbeat.total_seconds()
        os.utime(file, (then, then))

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def end(self) -> None:
        with suppress(ProcessLookupError):
            self.go_on()
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()


class Owners(list[Owner]):
    """All processes of a test; ended with it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, pulse: Pulse = QUICK) -> Owner:
        """A process that has begun to open the store."""
        self.append(Owner(self.path, pulse))
        return self[-1]

    def opened(self, pulse: Pulse = QUICK) -> Owner:
        owner = self.begin(pulse)
        assert owner.hears() == "open"
        return owner


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crm.db"


@pytest.fixture
def owners(path: Path) -> Iterator[Owners]:
    owners = Owners(path)
    yield owners
    for owner in owners:
        owner.end()


def opened(path: Path, pulse: Pulse = QUICK) -> Database:
    return Database.open(url(path), clock=clock, pulse=pulse, busy=timedelta(milliseconds=200))


def count(path: Path) -> int:
    connection = connect(path, timedelta(seconds=1), mode="rw")
    (found,) = connection.execute("SELECT count(*) FROM instance_log").fetchone()
    connection.close()
    return int(found)


# -- alive -------------------------------------------------------------------------------------------------------------


def test_a_store_that_has_an_owner_is_in_use_and_says_by_whom(owners: Owners, path: Path) -> None:
    owner = owners.opened()
    with pytest.raises(StoreInUse) as refused:
        opened(path)
    assert refused.value.pid == owner.pid
    assert str(refused.value) == f"{path} is in use by process {owner.pid}: stop that program first."
    assert owner.does("write") == "committed"


def test_a_process_has_a_store_open_once(path: Path) -> None:
    database = opened(path)
    with pytest.raises(StoreInUse, match=f"process {os.getpid()}"):
        opened(path)
    database.close()
    opened(path).close()


def test_an_idle_owner_touches_its_heartbeat(owners: Owners, path: Path) -> None:
    owners.opened()
    os.utime(lock_file(path), (0, 0))
    run(until(lambda: lock_file(path).stat().st_mtime > 0))


def test_a_heartbeat_that_only_looks_old_is_looked_at_twice(owners: Owners, path: Path) -> None:
    """As after a sleep of the whole machine: the owner is alive and beats again soon."""
    owner = owners.opened(Pulse(every=timedelta(milliseconds=100), stopped_after=HOUR))
    os.utime(lock_file(path), (0, 0))
    with pytest.raises(StoreInUse):
        opened(path, Pulse(every=timedelta(seconds=1), stopped_after=HOUR))
    assert owner.does("write") == "committed"


# -- dead --------------------------------------------------------------------------------------------------------------


def test_a_store_is_free_when_it_is_closed(owners: Owners, path: Path) -> None:
    owner = owners.opened()
    owner.tell("close")
    owner._process.wait(30)
    opened(path).close()


def test_a_store_is_free_the_moment_its_owner_is_killed(owners: Owners, path: Path) -> None:
    owner = owners.opened()
    assert owner.does("write") == "committed"
    assert owner.does("hold") == "inside"
    owner.kill()
    opened(path).close()
    assert count(path) == 1


def test_a_child_of_the_owner_does_not_keep_the_lock(owners: Owners, path: Path) -> None:
    owner = owners.opened()
    child = int(owner.does("fork"))
    try:
        owner.kill()
        opened(path).close()
    finally:
        os.kill(child, signal.SIGKILL)


# -- stopped -----------------------------------------------------------------------------------------------------------


def test_an_owner_whose_heart_has_stopped_is_replaced_and_refused_when_it_comes_back(
    owners: Owners, path: Path
) -> None:
    owner = owners.opened()
    assert owner.does("write") == "committed"
    owner.stop()
    newcomer = opened(path)
    assert lock_file(path).read_text() == f"{os.getpid()}\n"
    owner.go_on()
    assert owner.does("write") == "StoreLost"
    assert owner.does("write") == "StoreLost"
    newcomer.close()
    assert count(path) == 1
    assert list(path.parent.glob("crm.db.lock*")) == [lock_file(path)]


def test_an_idle_owner_that_was_replaced_notices_by_itself(owners: Owners, path: Path) -> None:
    owner = owners.opened()
    owner.stop()
    newcomer = opened(path)
    owner.go_on()
    assert owner.does("wait") == "StoreLost"
    newcomer.close()


def test_an_owner_that_stopped_inside_a_write_stays_the_owner(owners: Owners, path: Path) -> None:
    owner = owners.opened()
    assert owner.does("hold") == "inside"
    owner.stop()
    before = lock_file(path).stat()
    with pytest.raises(
        StoreInUse, match=rf"process {owner.pid}: it has stopped inside a write: let it go on"
    ) as refused:
        opened(path)
    assert refused.value.pid == owner.pid
    assert lock_file(path).stat().st_ino == before.st_ino
    owner.go_on()
    assert owner.does("go") == "committed"
    assert owner.does("write") == "committed"
    with pytest.raises(StoreInUse):
        opened(path)


def test_an_owner_that_has_not_been_stopped_for_long_is_not_replaced(owners: Owners, path: Path) -> None:
    owner = owners.opened()
    owner.stop(heartbeat=timedelta())
    with pytest.raises(StoreInUse, match="stop that program"):
        opened(path)


def test_of_several_newcomers_one_becomes_the_owner(owners: Owners) -> None:
    stopped = owners.opened()
    stopped.stop()
    newcomers = [owners.begin() for _ in range(4)]
    words = sorted(newcomer.hears().split()[0] for newcomer in newcomers)
    assert words == ["StoreInUse", "StoreInUse", "StoreInUse", "open"]


def test_a_replacement_that_cannot_be_committed_is_taken_back(
    owners: Owners, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(connection: object, now: object) -> int:
        raise OSError("no room")

    owner = owners.opened()
    owner.stop()
    with monkeypatch.context() as patched:
        patched.setattr("bizproc.store.owner._advance", fail)
        with pytest.raises(OSError, match="no room"):
            opened(path)
    owner.go_on()
    assert owner.does("write") == "committed"
    with pytest.raises(StoreInUse):
        opened(path)


# -- the lock file -----------------------------------------------------------------------------------------------------


def test_a_lock_file_that_was_replaced_before_it_was_locked_is_not_the_lock(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another newcomer puts its own file at the path between our open and our lock."""
    real, swaps = os.open, [1]

    def late(file: Path, *flags: int) -> int:
        fd = real(file, *flags)
        if swaps:
            swaps.pop()
            file.unlink()
            file.touch()
        return fd

    monkeypatch.setattr(os, "open", late)
    lock = claim(path, QUICK)
    assert isinstance(lock, Lock)
    assert lock.is_ours()
    lock.release()


def test_who_took_a_lock_file_that_was_replaced_since_does_not_begin_an_epoch(path: Path) -> None:
    lock = claim(path, QUICK)
    assert isinstance(lock, Lock)
    lock_file(path).unlink()
    other = claim(path, QUICK)
    assert isinstance(other, Lock)
    with pytest.raises(StoreInUse):
        lock.check()
    other.check()
    lock.release()
    other.release()


def test_a_store_whose_owner_stopped_before_it_made_its_tables_can_be_taken(path: Path) -> None:
    lock = claim(path, QUICK)
    assert isinstance(lock, Lock)
    os.utime(lock_file(path), (0, 0))
    assert isinstance(claim(path, QUICK), Stopped)
    opened(path).close()
    lock.release()
