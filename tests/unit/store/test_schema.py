"""The engine's tables: what they refuse, and that the questions asked most are answered by an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bizproc.store import schema
from bizproc.store.database import Database
from bizproc.store.sqlite import driver
from tests.unit.store.notes import clock

if TYPE_CHECKING:
    from sqlite3 import Connection


STAYS = "while_in IS NOT NULL AND ended_at IS NULL"


@pytest.fixture
def connection() -> Iterator[Connection]:
    database = Database.open("sqlite:///:memory:", clock=clock)
    yield database._connection
    database.close()


def add_instance(connection: Connection, id: str, only: str | None) -> None:
    connection.execute(
        "INSERT INTO instance (id, process, version, arguments, state, only, started_at) "
        "VALUES (?, 'p', 1, '{}', 'running', ?, '2026-01-31T09:00:00.000000Z')",
        (id, only),
    )


def refused(connection: Connection, sql: str) -> bool:
    try:
        connection.execute(sql)
    except driver().IntegrityError:
        return True
    return False


def test_two_living_instances_cannot_share_an_overlap_key(connection: Connection) -> None:
    add_instance(connection, "a", "p:deal:1")
    add_instance(connection, "b", None)
    add_instance(connection, "c", None)
    with pytest.raises(driver().IntegrityError):
        add_instance(connection, "d", "p:deal:1")
    connection.execute("UPDATE instance SET only = NULL WHERE id = 'a'")
    add_instance(connection, "d", "p:deal:1")


def test_a_position_in_a_journal_is_taken_once(connection: Connection) -> None:
    entry = "INSERT INTO journal (instance, position, address, event, at, crc) VALUES (1, 0, '0', 'returned', '', 0)"
    connection.execute(entry)
    assert refused(connection, entry)


def test_a_signal_sent_twice_with_one_key_counts_once_an_instance(connection: Connection) -> None:
    def send(instance: int, key: str) -> str:
        return f"INSERT INTO signal (instance, name, key, at) VALUES ({instance}, 's', {key}, '')"

    connection.execute(send(1, "'k'"))
    connection.execute(send(2, "'k'"))
    connection.execute(send(1, "NULL"))
    connection.execute(send(1, "NULL"))
    assert refused(connection, send(1, "'k'"))


def test_a_value_of_the_wrong_type_is_refused(connection: Connection) -> None:
    assert refused(connection, "INSERT INTO timer VALUES ('one', '0', '', 'sleep')")


@pytest.mark.parametrize(
    ("question", "index"),
    [
        ("SELECT key FROM instance WHERE state = 'running'", "instance_running"),
        ("SELECT key FROM instance WHERE document_type = 'deal' AND document_id = 7", "instance_document"),
        ("SELECT key FROM instance WHERE process = 'p' AND state = 'waiting'", "instance_process"),
        ("SELECT key FROM instance WHERE ended_at < '2026' ORDER BY ended_at", "instance_ended"),
        ("SELECT key FROM instance WHERE only = 'p:deal:7'", "instance_only"),
        ("SELECT * FROM journal WHERE instance = 1 ORDER BY position", "journal_position"),
        ("SELECT instance FROM timer WHERE deadline <= '2026' ORDER BY deadline, instance", "timer_deadline"),
        ("SELECT instance FROM subscription WHERE key = 'deal:7'", "PRIMARY KEY"),
        ("DELETE FROM subscription WHERE instance = 1 AND address = '3'", "subscription_instance"),
        ("SELECT * FROM arrival WHERE instance = 1 ORDER BY id", "arrival_instance"),
        ("SELECT id FROM signal WHERE instance = 1 AND name = 's' AND consumed = 0 ORDER BY id", "signal_unread"),
        ("SELECT count FROM attempt WHERE instance = 1 AND address = '3'", "PRIMARY KEY"),
        ("SELECT key FROM instance WHERE queue = 'p deal:7' ORDER BY key LIMIT 1", "instance_queue"),
        (f"SELECT key FROM instance WHERE document_type = 'deal' AND document_id = 7 AND {STAYS}", "instance_"),
        ("SELECT text FROM refusal WHERE process = 'p' ORDER BY id DESC", "refusal_process"),
        ("SELECT text FROM instance_log WHERE instance = 1 ORDER BY id", "instance_log_instance"),
    ],
)
def test_what_is_asked_most_is_answered_by_an_index_and_not_sorted(
    connection: Connection, question: str, index: str
) -> None:
    plan = [step for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {question}")]
    # SQLite names the index of a UNIQUE constraint by itself.
    wanted = "sqlite_autoindex_journal_1" if index == "journal_position" else index
    assert len(plan) == 1, plan
    assert plan[0].startswith("SEARCH") or index == "instance_running", plan
    assert wanted in plan[0], plan


def test_the_design_says_what_each_column_of_the_journal_holds() -> None:
    page = (Path(__file__).parents[3] / "docs" / "design.md").read_text("utf-8")
    table = page.partition("A row of the table `journal`:")[2].partition("Values are JSON.")[0]
    told = [name for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", cell)]
    assert told == [column.name for column in schema.journal.columns]
