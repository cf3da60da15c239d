"""Named SQL: how a file is read, and that every statement of this room fits the tables."""

from __future__ import annotations

from importlib.resources import files

import pytest

from bizproc.store.database import Database
from bizproc.store.statements import Statements, load, parse
from tests.unit.store.notes import NOW

TEXT = """\
-- Statements of the test. Note: not one itself.

-- one: the first
SELECT 1

-- two: the second,
-- on two lines
SELECT 2 -- two: not a head
WHERE 1;
"""


def test_statements_are_found_by_name() -> None:
    sql = Statements("test.sql", parse(TEXT, "test.sql"))
    assert list(sql) == ["one", "two"]
    assert sql.one == sql["one"] == "SELECT 1"
    assert sql.two == "-- on two lines\nSELECT 2 -- two: not a head\nWHERE 1"


def test_a_name_that_is_not_there_is_named_with_its_file() -> None:
    with pytest.raises(AttributeError, match=r"test\.sql has no statement 'three'"):
        _ = Statements("test.sql", parse(TEXT, "test.sql")).three


def test_one_name_for_two_statements_is_refused() -> None:
    with pytest.raises(ValueError, match="two statements are named 'one'"):
        parse("-- one: a\nSELECT 1\n-- one: b\nSELECT 2", "test.sql")


def test_a_name_without_a_statement_is_refused() -> None:
    with pytest.raises(ValueError, match="'one' has no statement"):
        parse("-- one: a\n\n-- two: b\nSELECT 2", "test.sql")


SQL_FILES = sorted(file.name for file in files("bizproc.store").joinpath("sql").iterdir() if file.name.endswith(".sql"))
STATEMENTS = [(file, name) for file in SQL_FILES for name in load("bizproc.store", f"sql/{file}")]


@pytest.mark.parametrize(("file", "name"), STATEMENTS)
def test_every_statement_fits_the_tables(file: str, name: str) -> None:
    database = Database.open("sqlite:///:memory:", clock=lambda: NOW)
    statement = load("bizproc.store", f"sql/{file}")[name]
    parameters = {word.strip("(),")[1:]: None for word in statement.split() if word.startswith(":")}
    assert database._connection.execute(f"EXPLAIN {statement}", parameters).fetchall()
    database.close()
