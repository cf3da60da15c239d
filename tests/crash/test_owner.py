"""One owner: it is stopped between two commits and inside one, another comes, and it goes on."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from bizproc.store.connection import connect, roll_back
from bizproc.store.sqlite import driver
from tests.crash.harness import HOUR, Board, Program, Programs, age, eventually, spin
from tests.crash.looking import check_file, check_journals, number

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="knows no signals that stop a process")


QUICK = timedelta(milliseconds=20)


def begun(programs: Programs, store: Path, every: timedelta = QUICK) -> Program:
    return programs.begin("owner_program", store, store.with_name("board"), every // timedelta(milliseconds=1))


def opened(programs: Programs, store: Path, every: timedelta = QUICK) -> Program:
    owner = begun(programs, store, every)
    assert owner.hears() == ["open"], owner.complaint()
    return owner


def stop_between_two_commits(owner: Program, board: Board) -> None:
    owner.stop()
    while board.inside:
        owner.go_on()
        owner.stop()


def check_whole(store: Path, comments: int) -> None:
    assert number(store, "SELECT count(*) FROM comment") == comments
    check_journals(store)
    check_file(store)


def test_a_second_owner_is_refused_at_once_and_told_who_the_first_is(
    programs: Programs, store: Path, board: Board
) -> None:
    first = opened(programs, store)
    second = begun(programs, store)
    word, error, text = second.hears()
    assert (word, error) == ("ended", "StoreInUse")
    assert f"in use by process {first.pid}" in text
    assert second.ends() == 0
    # Nothing of the store was touched on the way: the first goes on as before.
    assert first.does("signal", 1) == ["done", ["did 1"]]
    assert first.does("close") == ["closed"]


@pytest.mark.parametrize("busy", [True, False], ids=["with something to write", "idle"])
def test_an_owner_that_was_stopped_is_replaced_and_when_it_goes_on_is_refused_and_ends(
    programs: Programs, store: Path, board: Board, *, busy: bool
) -> None:
    # A heart that beats quickly notices by itself; with a slow one nobody but the commit can.
    first = opened(programs, store, HOUR if busy else QUICK)
    assert first.does("signal", 1) == ["done", ["did 1"]]
    stop_between_two_commits(first, board)
    age(store)
    if busy:
        first.tell("signal", 2)  # it reads that when it goes on
    second = opened(programs, store)
    assert second.does("signal", 3) == ["done", ["did 1", "did 3"]]

    first.go_on()
    word, error, text = first.hears()
    assert (word, error) == ("ended", "StoreLost")
    assert "was taken over by another program" in text
    assert first.ends() == 0, first.complaint()

    # Nothing of the first came through, and nothing of the second was harmed by its end.
    assert number(store, "SELECT count(*) FROM signal WHERE key = '2'") == 0
    assert second.does("signal", 4) == ["done", ["did 1", "did 3", "did 4"]]
    assert second.does("result") == [3]
    third = begun(programs, store)
    assert third.hears()[1] == "StoreInUse"
    assert second.does("close") == ["closed"]
    check_whole(store, comments=3)


def test_an_owner_that_was_stopped_before_a_commit_it_had_begun_cannot_be_replaced(
    programs: Programs, store: Path, board: Board
) -> None:
    """All is written and the commit is about to run: the write lock is held."""
    first = opened(programs, store)
    board.hold = 1
    first.tell("signal", 1)
    eventually(lambda: bool(board.held), "the owner comes to its commit")
    first.stop()
    check_cannot_be_replaced(programs, store, first)
    board.hold = 0
    first.go_on()
    assert first.hears() == ["done", ["did 1"]]
    check_goes_on(programs, store, first, done=1)


def test_an_owner_that_was_stopped_inside_a_commit_cannot_be_replaced(
    programs: Programs, store: Path, board: Board
) -> None:
    """SQLite itself stands still somewhere in COMMIT."""
    first = opened(programs, store)
    for tries in range(1, 1000):
        first.tell("signal", 1)  # the same each time: it is written once, and looked for in a transaction of its own
        caught = spin(lambda: bool(board.inside), 0.05)
        first.stop()
        # The flag also stands while COMMIT begins or returns: what counts is SQLite's write lock.
        if caught and board.inside and is_write_locked(store):
            print(f"\ncaught inside a commit at try {tries}")
            break
        first.go_on()
        assert first.hears() == ["done", ["did 1"]]
    else:
        raise AssertionError("never caught inside a commit")
    check_cannot_be_replaced(programs, store, first)
    first.go_on()
    assert first.hears() == ["done", ["did 1"]]
    check_goes_on(programs, store, first, done=1)


def is_write_locked(store: Path) -> bool:
    with closing(connect(store, timedelta(), mode="rw")) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except driver().OperationalError:
            return True
        roll_back(connection)
        return False


def check_cannot_be_replaced(programs: Programs, store: Path, owner: Program) -> None:
    age(store)
    word, error, text = begun(programs, store).hears()
    assert (word, error) == ("ended", "StoreInUse")
    assert f"in use by process {owner.pid}: it has stopped inside a write: let it go on" in text


def check_goes_on(programs: Programs, store: Path, owner: Program, done: int) -> None:
    """It is the owner as before, and nothing was lost."""
    assert begun(programs, store).hears()[1] == "StoreInUse"
    for each in range(done + 1, 4):
        assert owner.does("signal", each) == ["done", [f"did {one}" for one in range(1, each + 1)]]
    assert owner.does("result") == [3]
    assert owner.does("close") == ["closed"]
    check_whole(store, comments=3)
