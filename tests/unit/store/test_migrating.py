"""From an older schema to today's: a copy, one transaction, nothing lost when it fails; and today's chain is whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Integer, MetaData, Table, Text

from bizproc.core.errors import StoreDamaged, StoreError, StoreUnreadable
from bizproc.store.database import Database
from bizproc.store.opening import MIGRATIONS
from bizproc.store.schema import SCHEMA, metadata
from bizproc.store.sqlite import driver
from tests.unit.store.notes import clock, program, url

NEXT = SCHEMA + 1

HEAD = f"""
from alembic import op
from sqlalchemy import Column, Integer, Text
revision, down_revision = "{NEXT:04}", None
def upgrade():
"""

ADD_COLUMN = """
    op.add_column("room", Column("floor", Integer, nullable=False, server_default="0"))
    op.execute("UPDATE room SET floor = 7")
"""

REBUILD = """
    with op.batch_alter_table("room", table_kwargs={"sqlite_strict": True}) as room:
        room.alter_column("name", new_column_name="title")
"""


def rooms() -> MetaData:
    """Tables of a neighbour: a room, and chairs that go with it."""
    tables = MetaData()
    Table("room", tables, Column("id", Integer, primary_key=True), Column("name", Text), sqlite_strict=True)
    sql = "CREATE TABLE chair (room INTEGER REFERENCES room (id) ON DELETE CASCADE)"
    tables.info["more"] = sql
    return tables


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of an older schema with a room and a chair in it."""
    path = tmp_path / "crm.db"
    database = Database.open(url(path), clock=clock, tables=(metadata, rooms()))
    database._connection.execute(rooms().info["more"])
    database._connection.execute("INSERT INTO room VALUES (1, 'kitchen')")
    database._connection.execute("INSERT INTO chair VALUES (1)")
    database.close()
    return path


def migrations(folder: Path, upgrade: str) -> Path:
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / f"{NEXT:04}_next.py").write_text(HEAD + upgrade)
    return versions.parent


def dump(path: Path) -> list[str]:
    connection = driver().connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
    rows = [f"{name}: {row}" for name in tables for row in connection.execute(f"SELECT * FROM {name}")]
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return [*tables, *rows, f"schema {number}"]


def test_an_older_store_is_migrated_and_a_copy_is_put_aside(store: Path, tmp_path: Path) -> None:
    before = dump(store)
    Database.open(url(store), clock=clock, schema=NEXT, migrations=migrations(tmp_path, ADD_COLUMN)).close()
    assert "room: (1, 'kitchen', 7)" in dump(store)
    assert f"schema {NEXT}" in dump(store)
    assert dump(store.with_name(f"crm.db.before-{NEXT}")) == before


def test_a_store_that_is_migrated_is_not_migrated_again(store: Path, tmp_path: Path) -> None:
    folder = migrations(tmp_path, ADD_COLUMN)
    Database.open(url(store), clock=clock, schema=NEXT, migrations=folder).close()
    Database.open(url(store), clock=clock, schema=NEXT, migrations=folder).close()
    assert len(list(tmp_path.glob("crm.db.before-*"))) == 1


def test_a_copy_that_is_there_is_not_overwritten(store: Path, tmp_path: Path) -> None:
    store.with_name(f"crm.db.before-{NEXT}").write_text("precious")
    Database.open(url(store), clock=clock, schema=NEXT, migrations=migrations(tmp_path, ADD_COLUMN)).close()
    assert store.with_name(f"crm.db.before-{NEXT}").read_text() == "precious"
    assert "schema 1" in dump(store.with_name(f"crm.db.before-{NEXT}.2"))


def test_rebuilding_a_table_leaves_the_rows_that_refer_to_it(store: Path, tmp_path: Path) -> None:
    Database.open(url(store), clock=clock, schema=NEXT, migrations=migrations(tmp_path, REBUILD)).close()
    assert {"room: (1, 'kitchen')", "chair: (1,)"} <= set(dump(store))


def test_a_migration_that_fails_leaves_the_store_as_it_was(store: Path, tmp_path: Path) -> None:
    before = dump(store)
    folder = migrations(tmp_path, ADD_COLUMN + "    raise ValueError('no floor')\n")
    with pytest.raises(StoreError, match=rf"migration {NEXT:04} failed: no floor\n.*crm\.db\.before-{NEXT}"):
        Database.open(url(store), clock=clock, schema=NEXT, migrations=folder)
    assert dump(store) == before
    Database.open(url(store), clock=clock).close()  # the older bizproc goes on with it


def test_a_migration_that_breaks_a_reference_is_undone(store: Path, tmp_path: Path) -> None:
    folder = migrations(tmp_path, '    op.execute("DELETE FROM room")\n')
    with pytest.raises(StoreDamaged, match="row 1 of chair has no row in room"):
        Database.open(url(store), clock=clock, schema=NEXT, migrations=folder)
    assert "room: (1, 'kitchen')" in dump(store)


def test_a_gap_in_the_chain_is_named_before_anything_is_done(store: Path, tmp_path: Path) -> None:
    folder = migrations(tmp_path, ADD_COLUMN)
    with pytest.raises(StoreError, match=f"there is no migration to schema {NEXT + 1}"):
        Database.open(url(store), clock=clock, schema=NEXT + 1, migrations=folder)
    assert list(tmp_path.glob("crm.db.before-*")) == []


def test_a_guest_does_not_migrate(store: Path, tmp_path: Path) -> None:
    with pytest.raises(
        StoreUnreadable, match=f"has schema {SCHEMA}, and this bizproc reads {NEXT}. Its owner migrates it"
    ):
        Database.open(url(store), clock=clock, schema=NEXT, migrations=migrations(tmp_path, ADD_COLUMN), owner=False)


def test_a_store_of_today_is_opened_without_alembic(tmp_path: Path) -> None:
    source = (
        "import sys; from bizproc.store.database import Database; from tests.unit.store.notes import clock\n"
        "for _ in range(2): Database.open('sqlite:///' + sys.argv[1], clock=clock).close()\n"
        "print([name for name in ('alembic', 'mako') if name in sys.modules])"
    )
    done = program(source, tmp_path / "crm.db")
    assert done.stdout.strip() == "[]", done.stderr


def test_the_chain_of_migrations_ends_at_the_schema_of_today_without_a_gap() -> None:
    revisions = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]
    assert revisions == [f"{number:04}" for number in range(SCHEMA, 0, -1)]
