"""Opening: what a new store is like, and that what is not ours is named and left as it was found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bizproc.core.errors import (
    StoreDamaged,
    StoreError,
    StoreLocked,
    StoreNewer,
    StoreReadOnly,
    StoreUnreadable,
)
from bizproc.store.connection import connect
from bizproc.store.database import Database
from bizproc.store.opening import APPLICATION_ID
from bizproc.store.schema import SCHEMA, metadata
from bizproc.store.sharing import borrow
from bizproc.store.sqlite import driver
from tests.unit.store.notes import Note, clock, program, run, started, texts, url

SOON = timedelta(milliseconds=10)


def opened(path: Path, **options: object) -> Database:
    return Database.open(url(path), clock=clock, busy=SOON, **options)  # type: ignore[arg-type]


def pragma(database: Database, name: str) -> object:
    return database._connection.execute(f"PRAGMA {name}").fetchone()[0]


def contents(folder: Path) -> dict[str, bytes]:
    """
    All that is data.

    The index of a log is none, every reader rebuilds it; nor is an empty log, which SQLite leaves by a damaged file.
    """
    found = {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}
    return {name: data for name, data in found.items() if data or not name.endswith("-wal")}


# -- a new store -------------------------------------------------------------------------------------------------------


def test_a_new_store_is_durable_shrinkable_and_signed(tmp_path: Path) -> None:
    database = opened(tmp_path / "crm.db")
    settings = {
        "journal_mode": "wal",
        "synchronous": 2,
        "auto_vacuum": 2,
        "foreign_keys": 1,
        "recursive_triggers": 0,
        "application_id": APPLICATION_ID,
        "user_version": SCHEMA,
    }
    assert {name: pragma(database, name) for name in settings} == settings
    database.close()


def test_a_new_store_has_all_tables_and_they_are_strict(tmp_path: Path) -> None:
    database = opened(tmp_path / "crm.db")
    rows = database._connection.execute("SELECT name, strict FROM pragma_table_list WHERE name NOT LIKE 'sqlite_%'")
    assert dict(rows.fetchall()) == dict.fromkeys(metadata.tables, 1)
    database.close()


def test_the_tables_are_those_that_sqlalchemy_makes(tmp_path: Path) -> None:
    """Their statements are written down once, and run for each store."""
    made = connect(None, timedelta(seconds=1))
    with borrow(made) as shared:
        metadata.create_all(shared)
    Database.open(url(tmp_path / "crm.db"), clock=clock).close()
    opened = connect(tmp_path / "crm.db", timedelta(seconds=1))
    everything = "SELECT type, name, tbl_name, sql FROM sqlite_schema"
    assert opened.execute(everything).fetchall() == made.execute(everything).fetchall()
    opened.close()
    made.close()


def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    path.touch()
    opened(path).close()
    assert path.stat().st_size > 0


def test_a_store_whose_making_was_cut_short_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    connection = connect(path, SOON)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    database = opened(path)
    assert (pragma(database, "auto_vacuum"), pragma(database, "user_version")) == (2, SCHEMA)
    database.close()


def test_what_was_committed_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    async def test() -> None:
        database = started(url(tmp_path / "crm.db"))
        note = Note("kept")
        database.submit(note)
        await note
        database.close()
        again = started(url(tmp_path / "crm.db"))
        assert again.epoch == database.epoch + 1
        assert await texts(again) == ["kept"]
        again.close()

    run(test())


def test_one_store_has_one_lock_under_all_its_names(tmp_path: Path) -> None:
    database = opened(tmp_path / "crm.db")
    (tmp_path / "other.db").symlink_to(tmp_path / "crm.db")
    with pytest.raises(StoreError, match="is in use"):
        opened(tmp_path / "other.db")
    database.close()


# -- what is not ours --------------------------------------------------------------------------------------------------


def text_file(path: Path) -> None:
    path.write_text("Not a database.\n" * 100)


def foreign(path: Path) -> None:
    connection = driver().connect(path)
    connection.execute("CREATE TABLE recipe (name)")
    connection.close()


def foreign_with_wal(path: Path) -> None:
    connection = driver().connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE recipe (name)")
    connection.close()


def foreign_with_a_log_that_a_crash_left(path: Path) -> None:
    connection = driver().connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE recipe (name)")
    log = path.with_name("crm.db-wal").read_bytes()
    connection.close()
    path.with_name("crm.db-wal").write_bytes(log)
    path.with_name("crm.db-shm").touch()


def signed_by_another(path: Path) -> None:
    connection = driver().connect(path)
    connection.execute("PRAGMA application_id = 42")
    connection.close()


def newer(path: Path) -> None:
    opened(path, schema=SCHEMA + 7).close()
    path.with_name("crm.db.lock").unlink()


def truncated(path: Path) -> None:
    opened(path).close()
    path.with_name("crm.db.lock").unlink()
    os.truncate(path, 20_000)


def cut_inside_its_first_page(path: Path) -> None:
    opened(path).close()
    path.with_name("crm.db.lock").unlink()
    os.truncate(path, 1_000)


def overwritten(path: Path) -> None:
    opened(path).close()
    path.with_name("crm.db.lock").unlink()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3_000)


@pytest.mark.parametrize(
    ("made", "error", "says"),
    [
        (text_file, StoreUnreadable, r"crm\.db is not a bizproc store: file is not a database \(SQLITE_NOTADB\)"),
        (foreign, StoreUnreadable, r"another program's database \(application id 0; it holds recipe\)"),
        (foreign_with_wal, StoreUnreadable, r"another program's database \(application id 0; it holds recipe\)"),
        (foreign_with_a_log_that_a_crash_left, StoreUnreadable, r"another program's database"),
        (signed_by_another, StoreUnreadable, r"another program's database \(application id 42; it is empty\)"),
        (newer, StoreNewer, rf"has schema {SCHEMA + 7}, and this bizproc knows schema {SCHEMA} at most"),
        (truncated, StoreDamaged, r"is damaged: database disk image is malformed \(SQLITE_CORRUPT\)"),
        (cut_inside_its_first_page, StoreDamaged, r"is damaged: .* \(SQLITE_"),
        (overwritten, StoreDamaged, r"is damaged: .* \(SQLITE_CORRUPT\)"),
    ],
)
def test_what_cannot_be_opened_is_named_and_left_as_it_was_found(
    made: Callable[[Path], None], error: type[StoreError], says: str, tmp_path: Path
) -> None:
    made(tmp_path / "crm.db")
    before = contents(tmp_path)
    with pytest.raises(error, match=says):
        opened(tmp_path / "crm.db")
    assert contents(tmp_path) == before


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUnreadable, match="it is a folder"):
        opened(tmp_path)


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreReadOnly, match=r"there is no folder .*nowhere\. Make it first"):
        opened(tmp_path / "nowhere" / "crm.db")
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_another_program_is_writing_to_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    opened(path).close()
    shell = connect(path, SOON)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreLocked, match=r"database is locked \(SQLITE_BUSY\)"):
        opened(path)
    shell.execute("ROLLBACK")
    shell.close()
    opened(path).close()  # the one that failed holds no lock


READ_ONLY = """
import os, sys
from bizproc.core.errors import StoreError
from bizproc.store.database import Database
from bizproc.store.sqlite import driver
from tests.unit.store.notes import clock

driver()  # while the interpreter's folders can still be read
if os.geteuid() == 0:
    os.setuid(65534)
try:
    Database.open("sqlite:///" + sys.argv[1], clock=clock)
except StoreError as error:
    print(type(error).__name__, error)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that others may enter. Not one of pytest's: each pytest that begins, in tests too, closes theirs."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "stores").mkdir()
        yield folder / "stores"
        (folder / "stores").chmod(0o755)


@pytest.mark.skipif(sys.platform == "win32", reason="has other permissions")
@pytest.mark.parametrize("closed", ["the file", "the folder", "the folder of a new store"])
def test_what_may_not_be_written_is_read_only(closed: str, open_folder: Path) -> None:
    folder = open_folder
    path = folder / "crm.db"
    if closed != "the folder of a new store":
        opened(path).close()
        path.with_name("crm.db.lock").unlink()
    folder.chmod(0o777 if closed == "the file" else 0o555)
    if path.exists():
        path.chmod(0o444 if closed == "the file" else 0o666)
    before = contents(folder)
    done = program(READ_ONLY, path)
    assert done.stdout.startswith(f"StoreReadOnly {path} cannot be written: "), done.stdout + done.stderr
    assert contents(folder) == before
