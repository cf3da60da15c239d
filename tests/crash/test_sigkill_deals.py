"""
All 830 deals of Northwind are followed up by a program that is killed again and again, in the middle of what it does.

On the data that `BIZPROC_TEST_DATA` names, or, without it, on generated data of the same shape.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import monotonic

import pytest

from tests.crash.deals_program import DEALS, name
from tests.crash.harness import Board, Killer, Program, Programs
from tests.crash.looking import check_file, check_journals, check_nothing_is_left, number, of_each, rows

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="knows no SIGKILL")

AT_THE_START = 6
IN_THE_MIDDLE = 9
TABLES = ("product_row", "comment", "activity")


def folder() -> tuple[str, ...]:
    data = os.environ.get("BIZPROC_TEST_DATA")
    return (str(Path(data) / "data" / "northwind"),) if data else ()


def test_830_deals_are_followed_up_exactly_once_whenever_the_program_is_killed(
    programs: Programs, store: Path, board: Board, killer: Killer
) -> None:
    began = monotonic()
    assert programs.run("deals_program", "prepare", store, *folder()) == [DEALS]
    before = {table: of_each(store, table) for table in TABLES}
    amounts = dict(rows(store, "SELECT id, amount FROM deal"))

    def work() -> Program:
        return programs.begin("deals_program", "work", store, board_file)

    board_file = store.with_name("board")
    for _ in range(AT_THE_START):
        killer.kill(work(), commits=12)
    assert killer.total >= 3
    # Let everything come to rest, and kill it there.
    killer.kill(work(), commits=10**9, way="commits")
    assert number(store, "SELECT count(*) FROM instance WHERE state = 'waiting'") == DEALS
    assert of_each(store, "activity") == before["activity"]

    board.allowed = 1
    for _ in range(IN_THE_MIDDLE):
        killer.kill(work(), commits=8)
    while killer.inside < 3:
        killer.kill(work(), commits=3, way="inside")
    at_last = work()
    (results,) = at_last.last_words(store)

    print(f"{killer}; {board.lives} lives, {monotonic() - began:.1f} s, data: {folder() or 'generated'}")
    assert killer.total >= 10
    assert killer.inside >= 3
    for table in TABLES:
        assert of_each(store, table) == {deal: before[table].get(deal, 0) + 1 for deal in amounts}
    # What the process was told it had made is what there is.
    made = {
        deal: f"{row} {comment} {activity} True"
        for deal, row, comment, activity in rows(
            store,
            "SELECT deal.id, (SELECT max(id) FROM product_row WHERE owner_kind = 'deal' AND owner_id = deal.id), "
            "(SELECT max(id) FROM comment WHERE owner_kind = 'deal' AND owner_id = deal.id), "
            "(SELECT max(id) FROM activity WHERE owner_kind = 'deal' AND owner_id = deal.id) FROM deal",
        )
    }
    assert results == [made[deal] for deal in sorted(made)]
    assert dict(rows(store, "SELECT id, outcome FROM instance")) == {name(deal): f'"{made[deal]}"' for deal in made}
    # Two pieces of 1.25: nothing was added to an amount without its row, or twice.
    assert dict(rows(store, "SELECT id, amount FROM deal")) == {deal: amounts[deal] + 25_000 for deal in amounts}
    assert rows(store, "SELECT DISTINCT stage FROM deal") == [("EXECUTING",)]
    # Product, comment, the wait's beginning and end, activity.
    assert check_journals(store) == 5 * DEALS
    check_nothing_is_left(store)
    check_file(store)
