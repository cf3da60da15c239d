"""What stands in a store when nobody runs on it: the CRM's rows, and whether journals and file are whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from bizproc.engines.embedded.journal import verified
from bizproc.store.connection import connect
from bizproc.store.statements import load

sql = load("bizproc.engines.embedded", "statements.sql")


@contextmanager
def opened(store: Path) -> Iterator[Any]:
    with closing(connect(store, timedelta(seconds=5), mode="rw")) as connection:
        yield connection


def rows(store: Path, text: str, *parameters: object) -> list[tuple[Any, ...]]:
    with opened(store) as connection:
        return connection.execute(text, parameters).fetchall()  # type: ignore[no-any-return]


def number(store: Path, text: str, *parameters: object) -> int:
    ((found,),) = rows(store, text, *parameters)
    return int(found)


def of_each(store: Path, table: str, kind: str = "deal") -> dict[int, int]:
    """How many rows of a table each item has."""
    return dict(rows(store, f"SELECT owner_id, count(*) FROM {table} WHERE owner_kind = ? GROUP BY owner_id", kind))


def check_journals(store: Path) -> int:
    """Every journal has its rows in their places, with the checksums they were written with; how many there are."""
    with opened(store) as connection:
        instances = connection.execute("SELECT key, id FROM instance").fetchall()
        # Raises StoreDamaged where a row is not as it was written, or not in its place.
        read = [
            verified(key, id, str(store), connection.execute(sql.journal, {"key": key}))[0] for key, id in instances
        ]
        (every,) = connection.execute("SELECT count(*) FROM journal").fetchone()
    assert sum(map(len, read)) == every
    return int(every)


def check_file(store: Path) -> None:
    """SQLite finds nothing wrong with the file: tables, indexes, references."""
    with opened(store) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def check_nothing_is_left(store: Path) -> None:
    """Nothing waits to wake an instance that has ended."""
    for table in ("timer", "subscription", "arrival", "attempt"):
        assert rows(store, f"SELECT * FROM {table}") == [], table


def unfinished(store: Path) -> list[tuple[Any, ...]]:
    """The instances that have not ended: how each stands, and the last step of its journal."""
    return rows(
        store,
        "SELECT id, process, state, waits_for, error, "
        "(SELECT group_concat(address || ' ' || event || ' ' || ifnull(name, '')) FROM journal WHERE instance = key), "
        "(SELECT group_concat(kind || address) FROM arrival WHERE instance = key), "
        "(SELECT group_concat(address || ' ' || count || ' ' || started) FROM attempt WHERE instance = key), "
        "(SELECT group_concat(address || ' ' || deadline || ' ' || purpose) FROM timer WHERE instance = key) "
        "FROM instance WHERE ended_at IS NULL ORDER BY key",
    )
