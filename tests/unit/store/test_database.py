"""Works, groups and reads: what is committed together, what is undone, who hears of it and when."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from bizproc.core.errors import SettingsError, StoreError, StoreMissing, StoreReadOnly
from bizproc.store.database import Database, Transaction
from bizproc.store.schema import instance_log
from bizproc.store.sqlite import driver
from tests.unit.store.notes import INSERT, NOW, Note, clock, raises, run, started, texts, until, url

if TYPE_CHECKING:
    from sqlite3 import Connection

Opened = Callable[[], Database]


@pytest.fixture(params=["file", "file, inline", "memory", "memory, inline"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    """Each kind of store: called inside a loop, it opens one and starts it."""
    kind: str = request.param
    address = url(tmp_path / "crm.db") if kind.startswith("file") else "sqlite:///:memory:"
    return lambda: started(address, threaded="inline" not in kind)


class Commits:
    """An observer that counts, and crashes where it is told to."""

    def __init__(self, before: int | None = None, after: int | None = None) -> None:
        self.count = 0
        self._crash_before = before
        self._crash_after = after

    def before_commit(self) -> None:
        self.count += 1
        if self.count == self._crash_before:
            raise KeyboardInterrupt

    def after_commit(self) -> None:
        if self.count == self._crash_after:
            raise KeyboardInterrupt


@contextmanager
def holding(database: Database) -> Iterator[threading.Event]:
    """While inside, the writer of a threaded store is inside a work; the event lets it go on sooner."""
    entered, let_go = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        entered.set()
        let_go.wait(30)

    database.submit(Note("holding", then=hold))
    database._flush()
    entered.wait(30)
    try:
        yield let_go
    finally:
        let_go.set()


# -- committing --------------------------------------------------------------------------------------------------------


def test_a_work_is_committed_and_then_told_so(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        note = Note("one")
        database.submit(note)
        assert (database.pending, note.settled) == (1, False)
        await note
        assert database.idle
        assert await texts(database) == ["one"]
        database.close()

    run(test())


def test_works_of_one_turn_of_the_loop_share_one_commit_and_are_told_in_their_order(tmp_path: Path) -> None:
    async def test() -> None:
        commits, heard = Commits(), list[tuple[str, str]]()
        database = started(url(tmp_path / "crm.db"), observer=commits)
        works = [Note(str(number), heard=heard) for number in range(50)]
        for work in works:
            database.submit(work)
        for work in works:
            await work
        assert commits.count == 1
        assert heard == [(str(number), "committed") for number in range(50)]
        assert await texts(database) == [str(number) for number in range(50)]
        database.close()

    run(test())


def test_what_is_submitted_while_a_group_is_written_becomes_the_next_group(tmp_path: Path) -> None:
    async def test() -> None:
        commits = Commits()
        database = started(url(tmp_path / "crm.db"), observer=commits)
        works = [Note(str(number)) for number in range(5)]
        with holding(database):
            for work in works:
                database.submit(work)
                await asyncio.sleep(0)
        for work in works:
            await work
        assert commits.count == 2
        database.close()

    run(test())


def test_a_group_has_one_reading_of_the_clock(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        readings = list[object]()
        works = [Note(str(number), then=lambda tx: readings.append((tx.now, tx.now_text))) for number in range(3)]
        for work in works:
            database.submit(work)
        await works[-1]
        assert readings == [(NOW, "2026-01-31T09:00:00.000000Z")] * 3
        database.close()

    run(test())


def test_works_submitted_before_the_start_are_written_after_it() -> None:
    async def test() -> None:
        database = Database.open("sqlite:///:memory:", clock=clock)
        note = Note("early")
        database.submit(note)
        database.start(asyncio.get_running_loop())
        await note
        database.close()

    run(test())


def test_without_threads_the_order_of_events_is_always_the_same() -> None:
    async def test() -> list[tuple[str, str]]:
        heard = list[tuple[str, str]]()
        database = started("sqlite:///:memory:", threaded=False)
        database.submit(Note("one", heard=heard, then=lambda _: heard.append(("one", "runs"))))
        asyncio.get_running_loop().call_soon(heard.append, ("loop", "goes on"))
        assert heard == []
        await until(lambda: database.idle)
        database.close()
        return heard

    assert run(test()) == run(test()) == [("one", "runs"), ("loop", "goes on"), ("one", "committed")]


# -- a work that raises ------------------------------------------------------------------------------------------------


def test_a_work_that_raises_is_undone_alone(opened: Opened) -> None:
    async def test() -> None:
        database, heard = opened(), list[tuple[str, str]]()
        works = [
            Note("a", heard=heard),
            Note("b", heard=heard, then=raises(ValueError("no"))),
            Note("c", heard=heard, later=True),
            Note("d", heard=heard, then=raises(KeyError("no"))),
            Note("e", heard=heard),
        ]
        for work in works:
            database.submit(work)
        await until(lambda: database.idle)
        assert [outcome for _, outcome in heard] == ["committed", "ValueError", "committed", "KeyError", "committed"]
        assert sorted(await texts(database)) == ["a", "c", "e"]
        with pytest.raises(ValueError, match="no"):
            await works[1]
        with pytest.raises(KeyError):
            await works[3]
        database.close()

    run(test())


def test_however_many_raise_no_work_runs_more_than_twice(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        works = [Note(str(n), then=raises(ValueError()) if n % 2 else None) for n in range(40)]
        for work in works:
            database.submit(work)
        for work in works[::2]:
            await work
        assert max(work.runs for work in works) == 2
        assert await texts(database) == [str(n) for n in range(0, 40, 2)]
        assert [type(work._done.exception()) for work in works[1::2]] == [ValueError] * 20
        database.close()

    run(test())


def leave_signal(id: int, tx: Transaction) -> None:
    tx.later("INSERT INTO signal (id, instance, name, at) VALUES (?, 1, 's', '')", (id,))


def test_a_row_left_for_later_that_does_not_fit_fails_the_work_it_came_from(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        works = [Note(str(number), then=partial(leave_signal, number // 2)) for number in range(4)]
        for work in works:
            database.submit(work)
        await until(lambda: database.idle)
        errors = [work._done.exception() for work in works]
        assert [type(error) for error in errors] == [type(None), driver().IntegrityError] * 2
        assert await texts(database) == ["0", "2"]
        database.close()

    run(test())


def test_a_work_that_ends_the_transaction_is_refused(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        works = [Note("a"), Note("b", then=lambda tx: tx.execute("ROLLBACK")), Note("c")]
        for work in works:
            database.submit(work)
        await works[0]
        await works[2]
        with pytest.raises(RuntimeError, match="BEGIN, COMMIT and ROLLBACK belong to the group"):
            await works[1]
        assert await texts(database) == ["a", "c"]
        database.close()

    run(test())


def test_one_who_raises_when_told_does_not_keep_the_others_from_hearing(opened: Opened) -> None:
    class Deaf(Note):
        def committed(self) -> None:
            raise ValueError("deaf")

    async def test() -> None:
        database, complaints = opened(), list[dict[str, Any]]()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        hearing = Note("b")
        database.submit(Deaf("a"))
        database.submit(hearing)
        await hearing
        assert database.idle
        assert [str(complaint["exception"]) for complaint in complaints] == ["deaf"]
        database.close()

    run(test())


# -- savepoints and rows for later -------------------------------------------------------------------------------------


def in_transaction(opened: Opened, work: Callable[[Transaction], object]) -> list[str]:
    """The texts that are there after this work."""

    async def test() -> list[str]:
        database = opened()
        note = Note("first", then=work)
        database.submit(note)
        await note
        found = await texts(database)
        database.close()
        return found

    return run(test())


def write(tx: Transaction, text: str) -> None:
    tx.execute(INSERT, (1, tx.now_text, text))


def leave(tx: Transaction, text: str) -> None:
    tx.later(INSERT, (1, tx.now_text, text))


class Undo(Exception):
    """Raised on purpose."""


@contextmanager
def undone(tx: Transaction) -> Iterator[None]:
    """A savepoint that is undone at its end."""
    with suppress(Undo), tx.savepoint():
        yield
        raise Undo


def test_a_savepoint_undoes_what_was_done_inside_it_and_nothing_else(opened: Opened) -> None:
    def work(tx: Transaction) -> None:
        with undone(tx):
            write(tx, "undone")
        with tx.savepoint():
            write(tx, "kept")

    assert in_transaction(opened, work) == ["first", "kept"]


def test_savepoints_nest(opened: Opened) -> None:
    def work(tx: Transaction) -> None:
        with tx.savepoint():
            write(tx, "outer")
            with undone(tx):
                write(tx, "inner")
            with tx.savepoint():
                write(tx, "other")

    assert in_transaction(opened, work) == ["first", "outer", "other"]


def test_rows_left_for_later_inside_a_savepoint_that_is_undone_are_dropped(opened: Opened) -> None:
    def work(tx: Transaction) -> None:
        leave(tx, "before")
        with undone(tx):
            leave(tx, "inside")
            tx.later("INSERT INTO nowhere VALUES (?)", (1,))
        leave(tx, "after")

    assert in_transaction(opened, work) == ["first", "before", "after"]


def test_rows_from_before_that_are_written_inside_a_savepoint_are_not_lost_with_it(opened: Opened) -> None:
    def work(tx: Transaction) -> None:
        leave(tx, "before")
        with tx.savepoint():
            leave(tx, "outer")
            with undone(tx):
                leave(tx, "inside")
                tx.write_rows()
                leave(tx, "again")
                tx.write_rows()
                leave(tx, "and again")
            leave(tx, "behind")
        with tx.savepoint():
            tx.write_rows()
        leave(tx, "after")

    assert in_transaction(opened, work) == ["first", "before", "outer", "behind", "after"]


def test_sqlalchemy_runs_inside_the_same_transaction(opened: Opened) -> None:
    def work(tx: Transaction) -> None:
        with undone(tx):
            tx.sqlalchemy.execute(instance_log.insert().values(instance=1, at=tx.now, text="undone"))
            tx.sqlalchemy.commit()
        found = tx.sqlalchemy.execute(sqlalchemy.select(instance_log.c.at, instance_log.c.text)).all()
        assert found == [(NOW, "first")]
        tx.sqlalchemy.execute(instance_log.insert().values(instance=1, at=tx.now, text="second", facts={"a": 1}))
        tx.sqlalchemy.rollback()
        assert tx.connection.in_transaction

    assert in_transaction(opened, work) == ["first", "second"]


# -- reading -----------------------------------------------------------------------------------------------------------


def test_a_read_sees_one_moment_and_writes_nothing(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        with pytest.raises(StoreReadOnly):
            await database.read(lambda c: c.execute("DELETE FROM instance_log"))
        note = Note("still writing")
        database.submit(note)
        await note
        assert await texts(database) == ["still writing"]
        database.close()

    run(test())


def test_a_read_does_not_wait_for_the_writer(tmp_path: Path) -> None:
    async def test() -> None:
        database = started(url(tmp_path / "crm.db"))
        with holding(database):
            assert await texts(database) == []
        database.close()

    run(test())


def test_what_a_read_raises_reaches_who_asked(opened: Opened) -> None:
    def fail(connection: Connection) -> None:
        raise LookupError("nothing there")

    async def test() -> None:
        database = opened()
        with pytest.raises(LookupError, match="nothing there"):
            await database.read(fail)
        database.close()

    run(test())


def test_a_guest_reads_beside_the_owner_and_cannot_write(tmp_path: Path) -> None:
    async def test() -> None:
        address = url(tmp_path / "crm.db")
        database, guest = started(address), started(address, owner=False)
        note = Note("seen")
        database.submit(note)
        await note
        assert await texts(guest) == ["seen"]
        with pytest.raises(RuntimeError, match="only reads"):
            guest.submit(Note("not mine"))
        guest.close()
        database.close()

    run(test())


def test_a_guest_needs_a_store_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match=r"there is no store at .*crm\.db$"):
        Database.open(url(tmp_path / "crm.db"), clock=clock, owner=False)
    assert list(tmp_path.iterdir()) == []


# -- copies ------------------------------------------------------------------------------------------------------------


def test_a_backup_is_a_store_with_what_was_committed(opened: Opened, tmp_path: Path) -> None:
    async def test() -> None:
        database = opened()
        note = Note("kept")
        database.submit(note)
        await note
        assert await database.backup(tmp_path / "copy.db") == tmp_path / "copy.db"
        database.close()
        copy = started(url(tmp_path / "copy.db"))
        assert await texts(copy) == ["kept"]
        copy.close()

    run(test())


def test_a_backup_overwrites_nothing(opened: Opened, tmp_path: Path) -> None:
    async def test() -> None:
        database = opened()
        (tmp_path / "copy.db").write_text("mine")
        with pytest.raises(StoreError, match="overwrites nothing"):
            await database.backup(tmp_path / "copy.db")
        database.close()

    run(test())
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_a_backup_that_fails_leaves_no_file(opened: Opened, tmp_path: Path) -> None:
    async def test() -> None:
        database = opened()
        with pytest.raises(StoreReadOnly):
            await database.backup(tmp_path / "nowhere" / "copy.db")
        database.close()

    run(test())
    assert not (tmp_path / "nowhere").exists()


# -- the end -----------------------------------------------------------------------------------------------------------


def test_closing_writes_what_was_submitted_and_tells(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        note = Note("last")
        database.submit(note)
        database.close()
        assert note.settled
        assert database.idle
        database.close()

    run(test())


def test_a_work_submitted_after_the_close_is_told_so(opened: Opened) -> None:
    async def test() -> None:
        database = opened()
        database.close()
        note = Note("too late")
        database.submit(note)
        with pytest.raises(StoreError, match="is closed"):
            await note

    run(test())


def test_an_abandoned_store_tells_nobody_and_loses_what_was_not_committed(tmp_path: Path) -> None:
    async def test() -> None:
        address = url(tmp_path / "crm.db")
        database, heard = started(address), list[tuple[str, str]]()
        note = Note("kept")
        database.submit(note)
        await note
        with holding(database) as let_go:
            lost = Note("lost", heard=heard)
            database.submit(lost)
            database._flush()
            database._group.abandoned = True
            let_go.set()
            database.abandon()
        again = started(address)
        assert await texts(again) == ["kept"]
        database.submit(Note("ignored", heard=heard))
        await asyncio.sleep(0)
        assert database.dead
        assert heard == []
        again.close()

    run(test())


@pytest.mark.parametrize("threaded", [True, False])
def test_an_abandoned_store_in_memory_can_be_gone_on_with(threaded: bool) -> None:
    async def test() -> None:
        database = started("sqlite:///:memory:", threaded=threaded)
        note = Note("kept")
        database.submit(note)
        await note
        database.submit(Note("lost"))
        database.abandon()
        again = started("sqlite:///:memory:", threaded=threaded, previous=database)
        assert again.epoch == database.epoch + 1
        assert await texts(again) == ["kept"]
        again.close()

    run(test())


def test_a_store_in_memory_that_lives_cannot_be_gone_on_with() -> None:
    database = Database.open("sqlite:///:memory:", clock=clock)
    with pytest.raises(RuntimeError, match="crashed or was abandoned"):
        Database.open("sqlite:///:memory:", clock=clock, previous=database)
    database.close()


@pytest.mark.parametrize("kind", ["file", "file, inline", "memory", "memory, inline"])
@pytest.mark.parametrize(("crash", "found"), [({"before": 2}, ["one"]), ({"after": 2}, ["one", "two"])])
def test_a_crash_at_a_commit_is_the_end_and_nobody_hears(
    kind: str, crash: dict[str, int], found: list[str], tmp_path: Path
) -> None:
    async def test() -> None:
        address = url(tmp_path / "crm.db") if kind.startswith("file") else "sqlite:///:memory:"
        threaded = "inline" not in kind
        heard = list[tuple[str, str]]()
        database = started(address, threaded=threaded, observer=Commits(**crash))
        first = Note("one")
        database.submit(first)
        await first
        database.submit(Note("two", heard=heard))
        await until(lambda: database.dead)
        database.submit(Note("three", heard=heard))
        for _ in range(3):
            await asyncio.sleep(0)
        previous = {} if kind.startswith("file") else {"previous": database}
        again = started(address, threaded=threaded, **previous)
        assert await texts(again) == found
        assert heard == []
        again.close()
        database.close()

    run(test())


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["crm.db", "sqlite://", "sqlite:///", "postgresql://host/crm", "sqlite:/crm.db"])
def test_an_address_that_is_none_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(SettingsError, match=r"expected sqlite:///crm\.db"):
        Database.open(address, clock=clock)


def test_a_path_is_taken_as_it_is_whatever_it_contains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ["a b.db", "what?.db", "50%41#.db"]:
        Database.open(f"sqlite:///{name}", clock=clock).close()
        assert (tmp_path / name).exists()
