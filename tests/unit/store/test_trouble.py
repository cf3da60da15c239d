"""No room, locked, read-only, damaged: what is kept, what is refused, and that it goes on when it is over."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from bizproc.core.errors import StoreDamaged, StoreError, StoreFull, StoreLocked, StoreReadOnly
from bizproc.store.connection import connect
from bizproc.store.database import Database, Transaction
from tests.unit.store.notes import Note, program, raises, run, started, texts, until, url

SOON = timedelta(milliseconds=10)
Troubles = list[str | None]
Opened = Callable[[], tuple[Database, Troubles]]


@pytest.fixture(params=[True, False], ids=["threaded", "inline"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    threaded: bool = request.param

    def opened() -> tuple[Database, Troubles]:
        database, troubles = started(url(tmp_path / "crm.db"), threaded=threaded, busy=SOON), Troubles()
        database.on_trouble = lambda error: troubles.append(type(error).__name__ if error else None)
        return database, troubles

    return opened


@contextmanager
def no_room(database: Database) -> Iterator[None]:
    """SQLite may not make the file larger: to it, that is a full disk."""
    (pages,) = database._connection.execute("PRAGMA page_count").fetchone()
    database._connection.execute(f"PRAGMA max_page_count = {pages}")
    yield
    database._connection.execute("PRAGMA max_page_count = 1000000")


@contextmanager
def read_only(database: Database) -> Iterator[None]:
    database._connection.execute("PRAGMA query_only = ON")
    yield
    database._connection.execute("PRAGMA query_only = OFF")


@contextmanager
def locked(database: Database) -> Iterator[None]:
    """Another connection is inside a write."""
    other = connect(Path(database.path), SOON, mode="rw")
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


LARGE = "x" * 100_000


@pytest.mark.parametrize(
    ("trouble", "error"), [(no_room, StoreFull), (read_only, StoreReadOnly), (locked, StoreLocked)]
)
def test_patient_works_are_kept_until_it_is_over_and_others_are_told_at_once(
    opened: Opened, trouble: Callable[[Database], Iterator[None]], error: type[StoreError]
) -> None:
    async def test() -> None:
        database, troubles = opened()
        patient, other, hasty = Note(LARGE), Note("second"), Note(LARGE, patient=False)
        with contextmanager(trouble.__wrapped__)(database):  # type: ignore[attr-defined]
            for work in (patient, hasty, other):
                database.submit(work)
            with pytest.raises(error):
                await hasty
            await until(lambda: bool(troubles))
            assert not patient.settled
            assert database.pending == 2
            assert await texts(database) == []
        await patient
        await other
        assert await texts(database) == [LARGE, "second"]
        assert troubles == [error.__name__, None]
        database.close()

    run(test())


def test_a_store_that_has_only_hasty_works_does_not_pause(opened: Opened) -> None:
    async def test() -> None:
        database, troubles = opened()
        with locked(database):
            hasty = Note("hasty", patient=False)
            database.submit(hasty)
            with pytest.raises(StoreLocked, match=r"crm\.db is locked: .*SQLITE_BUSY"):
                await hasty
        assert troubles == []
        database.close()

    run(test())


def test_closing_tries_once_more_and_then_tells(opened: Opened) -> None:
    async def test() -> None:
        database, troubles = opened()
        patient = Note("patient")
        with locked(database):
            database.submit(patient)
            await until(lambda: bool(troubles))
            database.close()
        with pytest.raises(StoreLocked):
            await patient
        assert database.idle

    run(test())


def test_a_work_that_swallows_a_full_disk_is_run_again_all_the_same(opened: Opened) -> None:
    def swallow(tx: Transaction) -> None:
        with pytest.raises(StoreFull), tx.savepoint():
            tx.connection.execute("INSERT INTO instance_log (instance, at, text) VALUES (1, '', ?)", (LARGE * 10,))
        with pytest.raises(StoreFull):  # nothing more is done in what may be no transaction any more
            tx.execute("INSERT INTO instance_log (instance, at, text) VALUES (1, '', 'alone')")

    def once(tx: Transaction) -> None:
        if note.runs == 1:
            swallow(tx)

    note: Note

    async def test() -> None:
        nonlocal note
        database, troubles = opened()
        note = Note("swallows", then=once)
        with no_room(database):
            database.submit(note)
            await until(lambda: bool(troubles))
        await note
        assert note.runs == 2
        assert await texts(database) == ["swallows"]
        database.close()

    run(test())


def test_a_work_that_raised_in_a_group_that_was_not_committed_is_not_judged_yet(opened: Opened) -> None:
    async def test() -> None:
        database, _ = opened()
        wrong = Note("wrong", then=raises(ValueError("wrong")))
        with no_room(database):
            database.submit(wrong)
            database.submit(Note(LARGE))
            hasty = Note("hasty", patient=False)
            database.submit(hasty)
            with pytest.raises(StoreFull):
                await hasty
            assert not wrong.settled
        with pytest.raises(ValueError, match="wrong"):
            await wrong
        assert await texts(database) == [LARGE]
        database.close()

    run(test())


def test_a_page_that_is_damaged_fails_the_works_that_meet_it(opened: Opened, tmp_path: Path) -> None:
    async def test() -> None:
        database, _ = opened()
        note = Note(LARGE)
        database.submit(note)
        await note
        (page,) = await database.read(
            lambda c: c.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'journal'").fetchone()
        )
        database.close()
        damage(tmp_path / "crm.db", page)
        database, _ = opened()
        hurt, fine = Note("hurt", then=lambda tx: tx.execute("SELECT max(lsn) FROM journal").fetchone()), Note("fine")
        database.submit(hurt)
        database.submit(fine)
        with pytest.raises(StoreDamaged, match=r"crm\.db is damaged: .*SQLITE_CORRUPT"):
            await hurt
        await fine
        database.close()

    run(test())


def damage(path: Path, page: int) -> None:
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from tests.unit.store.notes import Note, started, texts, until

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

async def main():
    database, troubles = started(f"sqlite:///{path}"), []
    database.on_trouble = lambda error: troubles.append(error and type(error).__name__)
    first = Note("first")
    database.submit(first)
    await first
    limit(path.with_name("crm.db-wal").stat().st_size + 50_000)
    patient, hasty = Note("x" * 1_000_000), Note("hasty", patient=False)
    for note in (patient, hasty):
        database.submit(note)
    try:
        await hasty
    except Exception as error:
        print(type(error).__name__)
    await until(lambda: troubles)
    limit(resource.RLIM_INFINITY)
    await patient
    print(troubles, [len(text) for text in await texts(database)])
    database.close()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on the size of a file")
def test_a_disk_that_refuses_a_write_is_waited_for(tmp_path: Path) -> None:
    done = program(FULL_DISK, tmp_path / "crm.db")
    assert done.stdout.splitlines() == ["StoreFull", "['StoreFull', None] [5, 1000000]"], done.stderr
