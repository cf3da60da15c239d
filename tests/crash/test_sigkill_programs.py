"""
Mixed programs (steps, sleeps, signals, gathers, races, retries, children, sagas, loops, cancels) under random kills.

Nothing done to the CRM is lost or repeated. What bodies of steps do outside is never lost, and repeated with the same
key only. Every instance comes to what it must come to.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from tests.crash.harness import Board, Killer, Programs
from tests.crash.looking import check_file, check_journals, check_nothing_is_left, number, of_each, rows
from tests.crash.mixed import EFFECTS, PROGRAMS, name_of, program_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="knows no SIGKILL")


@pytest.mark.parametrize(
    ("instances", "kills"), [(24, 8), pytest.param(200, 50, marks=pytest.mark.long)], ids=["few", "many"]
)
def test_mixed_programs_come_to_their_end_whenever_the_program_is_killed(
    programs: Programs, store: Path, board: Board, killer: Killer, instances: int, kills: int
) -> None:
    began = monotonic()
    board_file, file = store.with_name("board"), store.with_name("effects")
    file.touch()
    assert programs.run("programs_program", "prepare", store, instances) == [instances]

    while killer.total < kills:
        # New ones come with every life: so each kill finds some that begin and some that are far.
        board.allowed = min(instances, (killer.total + 1) * instances // kills + 1)
        program = programs.begin("programs_program", "work", store, board_file, instances, **{EFFECTS: str(file)})
        killer.kill(program, commits=10)
    board.allowed = instances
    at_last = programs.begin("programs_program", "work", store, board_file, instances, **{EFFECTS: str(file)})
    (results,) = at_last.last_words(store)

    told = read_effects(file)
    # A stubborn step reaches out three times in any case.
    repeated = sum(times - (3 if word == "stubborn" else 1) for words in told.values() for word, times in words.items())
    print(f"{killer}; {monotonic() - began:.1f} s; {instances} instances, {repeated} outside effects repeated")
    assert killer.total >= kills
    for deal, result in enumerate(results, start=1):
        check_one(store, deal, result, told)
    check_journals(store)
    check_nothing_is_left(store)
    check_file(store)
    assert number(store, "SELECT count(*) FROM signal WHERE consumed = 0 AND name = 'number'") == 0
    assert number(store, "SELECT count(*) FROM instance WHERE state NOT IN ('completed', 'cancelled')") == 0


def read_effects(file: Path) -> dict[str, Counter[str]]:
    """The words told outside, by key. A body that was killed while it wrote has written all of its line, or nothing."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for line in file.read_text("utf-8").splitlines():
        key, _, word = line.partition(" ")
        found[key][word] += 1
    return found


def check_one(store: Path, deal: int, result: Any, told: dict[str, Counter[str]]) -> None:
    program, name = program_of(deal), name_of(deal)
    who = f"{name} ({program.process.name}) returned {result!r}"
    assert program.result(result, deal), who
    comments = [text for (text,) in rows(store, "SELECT text FROM comment WHERE owner_id = ? ORDER BY id", deal)]
    assert sorted(comments) == sorted(program.comments(result)), who
    if program.process.name == "mixed.undoes":
        assert comments == list(program.comments(result)), who
    assert of_each(store, "product_row").get(deal, 0) == program.products, who
    assert of_each(store, "activity").get(deal, 0) == program.activities, who
    check_told(deal, told, who)


def check_told(deal: int, told: dict[str, Counter[str]], who: str) -> None:
    """One key means one word, and one word of an instance has one key."""
    program, name = program_of(deal), name_of(deal)
    # A child's id is the key of the step that started it.
    keys = [key for key in told if key.startswith((f"{name}/", f"{name}."))]
    words = Counter[str]()
    for key in keys:
        assert len(told[key]) == 1, f"{who}: {key} was used for {told[key]}"
        words.update(told[key].keys())
    assert all(times == 1 for times in words.values()), f"{who}: told with several keys: {words}"
    assert set(program.told) <= set(words) <= {*program.told, *program.perhaps}, who
    if program.at_most_once:
        assert all(times == 1 for key in keys for times in told[key].values()), who


def test_every_kind_of_program_is_run_by_the_small_test() -> None:
    assert len({program_of(deal).process.name for deal in range(1, 25)}) == len(PROGRAMS)
