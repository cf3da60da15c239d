"""Which SQLite the process uses, and when it is loaded."""

from __future__ import annotations

from contextlib import closing
from types import SimpleNamespace

import pytest

from bizproc.store import sqlite
from bizproc.store.sqlite import OldSQLite, driver
from tests.unit.store.notes import program


def test_importing_the_store_loads_no_database() -> None:
    source = "import sys, bizproc.store.database; print([m for m in sys.modules if m in ('pysqlite3', 'sqlite3')])"
    done = program(source)
    assert done.stdout.strip() == "[]", done.stderr


def test_one_module_is_chosen_once() -> None:
    assert driver() is driver()


def test_what_sqlite_takes_as_it_is_comes_back_as_it_was() -> None:
    with closing(driver().connect(":memory:")) as connection:
        row = None, b"\x00hash", b"", "text", 7, 0.5, bytearray(b"bytes")
        (found,) = connection.execute("SELECT ?, ?, ?, ?, ?, ?, ?", row)
    assert found == row
    assert list(map(type, found)) == [type(None), bytes, bytes, str, int, float, bytes]


def _chosen(monkeypatch: pytest.MonkeyPatch, *, bundled: bool, version: tuple[int, int, int]) -> object:
    standard = SimpleNamespace(
        sqlite_version_info=version, sqlite_version=".".join(map(str, version)), register_adapter=lambda *_: None
    )
    newer = SimpleNamespace(register_adapter=lambda *_: None)
    monkeypatch.setattr(sqlite, "find_spec", lambda _: object() if bundled else None)
    monkeypatch.setattr(sqlite, "import_module", {"sqlite3": standard, "pysqlite3": newer}.__getitem__)
    return {id(standard): "standard", id(newer): "bundled"}[id(driver.__wrapped__())]


def test_the_bundled_one_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _chosen(monkeypatch, bundled=True, version=(3, 99, 0)) == "bundled"


def test_a_safe_standard_one_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _chosen(monkeypatch, bundled=False, version=(3, 51, 3)) == "standard"


def test_an_old_standard_one_serves_with_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(OldSQLite, match=r"SQLite 3\.40\.1.*Install `pysqlite3`"):
        assert _chosen(monkeypatch, bundled=False, version=(3, 40, 1)) == "standard"
