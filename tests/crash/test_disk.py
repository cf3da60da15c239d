"""
A store in trouble: no room, read-only, locked, cut short, damaged. A clear error, nothing half-written, and on it goes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bizproc.store.connection import connect
from tests.crash.disk_program import COMMENTS
from tests.crash.harness import Board, Program, Programs, seed
from tests.crash.looking import check_file, check_journals, check_nothing_is_left, number, rows

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="knows no limits on files, and no SIGKILL")

WRITERS = 3
DAMAGES = 12
NAMED = {"StoreDamaged", "StoreUnreadable", "StoreNewer", "StoreReadOnly", "InstanceStuck", "InstanceNotFound"}


def begun(programs: Programs, store: Path, under: Sequence[str] = ()) -> Program:
    return programs.begin("disk_program", store, programs.folder / "board", under=under)


def opened(programs: Programs, store: Path, under: Sequence[str] = ()) -> Program:
    program = begun(programs, store, under)
    assert program.hears() == ["open"], program.complaint()
    return program


def refused(programs: Programs, store: Path, under: Sequence[str] = ()) -> tuple[str, str]:
    """The class and the text of the error with which the store cannot be opened."""
    program = begun(programs, store, under)
    word, error, text = program.hears()
    assert word == "ended"
    assert program.ends() == 0, program.complaint()
    return error, text


def everything_of(store: Path) -> dict[str, str]:
    """What the store's files hold."""
    files = [store, store.with_name(f"{store.name}-wal")]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files if file.exists()}


def all_passed(count: int = WRITERS) -> list[str]:
    return [f"passed {each}" for each in range(1, count + 1)]


# -- no room -----------------------------------------------------------------------------------------------------------


def check_pauses_and_goes_on(program: Program, board: Board, *, no_room: Sequence[Any], room: Sequence[Any]) -> None:
    assert program.does("start", WRITERS) == ["started"]
    program.does(*no_room)
    # While the disk is full the bodies of three steps end. What they came to cannot be written: it is kept.
    board.allowed = 1
    trouble, text, tried = program.does("troubled")
    assert trouble == "StoreFull"
    assert "crm.db" in text
    # An action tried by hand is told so at once; nothing of it is kept.
    assert tried[0] == "StoreFull", tried
    assert tried[1] == text or "crm.db" in tried[1]
    comments, states = program.does("look")
    assert comments < WRITERS * COMMENTS
    assert set(states.values()) == {"running"}
    program.does(*room)
    assert program.does("over") == ["over"]
    assert program.does("results") == all_passed()
    assert program.does("perform") == ["performed"]
    comments, states = program.does("look")
    assert comments == WRITERS * COMMENTS + 1
    assert set(states.values()) == {"completed"}
    assert sorted(program.does("bodies")) == ["1", "2", "3"], "a body ran again, although nobody died"


def check_whole(store: Path) -> None:
    assert len(rows(store, "SELECT DISTINCT text FROM comment WHERE text NOT LIKE 'by hand%'")) == COMMENTS
    assert number(store, "SELECT count(*) FROM comment") == WRITERS * COMMENTS + 1
    assert check_journals(store) == WRITERS * (COMMENTS + 1)
    check_nothing_is_left(store)
    check_file(store)


def test_instances_pause_while_no_file_may_grow_and_go_on_when_it_may(
    programs: Programs, store: Path, board: Board
) -> None:
    program = opened(programs, store)
    size = max(file.stat().st_size for file in (store, store.with_name("crm.db-wal")))
    check_pauses_and_goes_on(program, board, no_room=("limit", size + 200_000), room=("unlimit",))
    assert program.does("close") == ["closed"]
    check_whole(store)


def test_a_program_that_is_killed_while_there_is_no_room_loses_nothing(
    programs: Programs, store: Path, board: Board
) -> None:
    program = opened(programs, store)
    assert program.does("start", WRITERS) == ["started"]
    size = max(file.stat().st_size for file in (store, store.with_name("crm.db-wal")))
    program.does("limit", size + 100_000)
    board.allowed = 1
    assert program.does("troubled")[0] == "StoreFull"
    program.kill()
    again = opened(programs, store)
    assert again.does("results") == all_passed()
    assert again.does("perform") == ["performed"]
    assert again.does("close") == ["closed"]
    check_whole(store)


def can_mount() -> bool:
    """Whether a small disk can be mounted, seen by one program only."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    words = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1m none /tmp"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here")
def test_instances_pause_while_the_disk_is_full_and_go_on_when_there_is_room(
    programs: Programs, tmp_path: Path, board: Board
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # The mount is the program's own: it is gone with it.
    mounted = ("unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=4m none "$0" && exec "$@"', str(disk))
    program = opened(programs, disk / "crm.db", mounted)
    check_pauses_and_goes_on(program, board, no_room=("fill",), room=("empty",))
    kept = Path(f"/proc/{program.pid}/root{disk}")
    assert number_of(kept / "crm.db") > 0
    assert program.does("close") == ["closed"]


def number_of(file: Path) -> int:
    return file.stat().st_size


# -- read-only ---------------------------------------------------------------------------------------------------------


def as_anybody() -> tuple[str, ...]:
    """Words under which file modes are heeded: the superuser is above them."""
    if os.geteuid():
        return ()
    words = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode:
        pytest.skip("the superuser may write everywhere")
    return words


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o755), (0o644, 0o555)], ids=["file", "folder"])
def test_a_store_that_may_not_be_written_is_not_opened(
    programs: Programs, store: Path, board: Board, file_mode: int, folder_mode: int
) -> None:
    under = as_anybody()
    folder = store.parent / "folder"
    folder.mkdir()
    store = folder / "crm.db"
    program = opened(programs, store)
    assert program.does("start_marked", "a") == ["started"]
    assert program.does("close") == ["closed"]
    before = everything_of(store)
    store.chmod(file_mode)
    folder.chmod(folder_mode)
    try:
        error, text = refused(programs, store, under)
        assert error == "StoreReadOnly"
        assert str(folder) in text
        assert everything_of(store) == before
    finally:
        folder.chmod(0o755)
        store.chmod(0o644)
    again = opened(programs, store, under)
    assert again.does("signal", "a") == ["sent"]
    assert again.does("results") == ["marker of a"]


# -- locked ------------------------------------------------------------------------------------------------------------


def test_instances_pause_while_another_program_locks_the_file_and_go_on_after_it(
    programs: Programs, store: Path, board: Board
) -> None:
    program = opened(programs, store)
    assert program.does("start", WRITERS) == ["started"]
    with closing(connect(store, timedelta(seconds=5), mode="rw")) as another:
        another.execute("BEGIN IMMEDIATE")
        board.allowed = 1
        trouble, text, tried = program.does("troubled")
        assert trouble == "StoreLocked"
        assert str(store) in text
        assert tried[0] == "StoreLocked"
        assert program.does("look") == [0, {f"writer-{each}": "running" for each in range(1, WRITERS + 1)}]
        another.execute("ROLLBACK")
    assert program.does("over") == ["over"]
    assert program.does("results") == all_passed()
    assert program.does("perform") == ["performed"]
    assert program.does("close") == ["closed"]
    check_whole(store)


def test_a_store_that_is_locked_is_not_opened(programs: Programs, store: Path, board: Board) -> None:
    program = opened(programs, store)
    assert program.does("start_marked", "a") == ["started"]
    assert program.does("close") == ["closed"]
    with closing(connect(store, timedelta(seconds=5), mode="rw")) as another:
        another.execute("BEGIN IMMEDIATE")
        error, text = refused(programs, store)
        assert error == "StoreLocked"
        assert str(store) in text
    again = opened(programs, store)
    assert again.does("signal", "a") == ["sent"]
    assert again.does("results") == ["marker of a"]


# -- cut short ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.9, 0.5, 0.1, 0.0], ids=["nine tenths", "half", "a tenth", "less than a header"])
@pytest.mark.parametrize("torn", [False, True], ids=["between pages", "inside a page"])
def test_a_store_that_was_cut_short_is_named_and_left_as_it_is(
    programs: Programs, store: Path, board: Board, share: float, *, torn: bool
) -> None:
    program = opened(programs, store)
    assert program.does("start_marked", "a", "b") == ["started"]
    assert program.does("close") == ["closed"]
    pages = int(store.stat().st_size / 4096 * share)
    os.truncate(store, pages * 4096 + (1000 if torn else 0) or 50)
    before = everything_of(store)
    for _ in range(2):
        error, text = refused(programs, store)
        assert error in {"StoreDamaged", "StoreUnreadable"}
        assert str(store) in text
        assert everything_of(store) == before


def test_a_log_that_was_cut_short_loses_its_last_commits_and_nothing_else(
    programs: Programs, store: Path, board: Board
) -> None:
    """As after a power failure on a disk that lies: what is left is whole, and goes on from there."""
    program = opened(programs, store)
    assert program.does("start", WRITERS) == ["started"]
    board.allowed = 1
    assert program.does("results") == all_passed()
    program.kill()
    log = store.with_name("crm.db-wal")
    os.truncate(log, int(log.stat().st_size * 0.6))
    again = opened(programs, store)
    assert again.does("results") == all_passed()
    assert again.does("perform") == ["performed"]
    assert again.does("close") == ["closed"]
    check_whole(store)


# -- damaged -----------------------------------------------------------------------------------------------------------


def flip(store: Path, text: bytes) -> None:
    """Change one bit of a text that stands in one place of the file."""
    content = store.read_bytes()
    assert content.count(text) == 1
    place = content.index(text) + len(text) - 1
    with store.open("r+b") as file:
        file.seek(place)
        file.write(bytes([content[place] ^ 1]))


def test_a_flipped_byte_in_a_journal_sets_aside_its_instance_and_no_other(
    programs: Programs, store: Path, board: Board
) -> None:
    program = opened(programs, store)
    assert program.does("start_marked", "a", "b", "c") == ["started"]
    assert program.does("close") == ["closed"]
    flip(store, b'"marker of b"')
    damaged = rows(store, "SELECT * FROM journal WHERE instance = 2 ORDER BY position")

    again = opened(programs, store)
    for name in "abc":
        assert again.does("signal", name) == ["sent"]
    states = {"a": "completed", "b": "stuck", "c": "completed"}
    assert again.does("look") == [2, states]
    first, second, third = again.does("results")
    assert (first, third) == ("marker of a", "marker of c")
    assert second[0] == "InstanceStuck"
    error, text = again.does("journal", "b")
    assert error == "StoreDamaged"
    for said in (text, second[1]):
        assert "row 0 of the journal of instance b is not as it was written" in said
        assert str(store) in said
    # The next program sees the same: nothing was mended and nothing was written over.
    again.kill()
    third_program = opened(programs, store)
    assert third_program.does("look") == [2, states]
    assert third_program.does("close") == ["closed"]
    assert rows(store, "SELECT * FROM journal WHERE instance = 2 ORDER BY position") == damaged

    # Put right by hand, it goes on where it was, with the signal that came meanwhile.
    with store.open("r+b") as file:
        content = file.read()
        file.seek(content.index(b'"marker of b#') + len(b'"marker of b'))
        file.write(b'"')
    last = opened(programs, store)
    assert last.does("retry", "b") == ["retried"]
    assert last.does("results") == ["marker of a", "marker of b", "marker of c"]
    assert last.does("close") == ["closed"]
    check_journals(store)
    check_file(store)


def test_whatever_page_is_damaged_the_error_is_named(programs: Programs, store: Path, board: Board) -> None:
    """What SQLite finds out about a damaged file comes as the store's own error, when it is opened or later."""
    program = opened(programs, store)
    assert program.does("start_marked", "a", "b") == ["started"]
    assert program.does("close") == ["closed"]
    whole = store.read_bytes()
    drawn = seed()
    print(f"\nBIZPROC_CRASH_SEED={drawn}")
    random, found = Random(drawn), Counter[str]()
    for _ in range(DAMAGES):
        # The first bytes of a page say what it is and where its cells are: there SQLite notices most.
        place = random.randrange(len(whole) // 4096) * 4096 + random.randrange(12)
        store.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        program = begun(programs, store)
        found[what_is_found(program, place)] += 1
        program.end()
        for beside in ("crm.db-wal", "crm.db-shm"):
            store.with_name(beside).unlink(missing_ok=True)
    print(f"{DAMAGES} damages: {dict(found)}")


def what_is_found(program: Program, place: int) -> str:
    """The class of the first error while the program opens the store, and uses it."""
    words = program.hears()
    for told in (["signal", "a"], ["perform"], ["look"], ["close"]):
        error = next((word for word in words if isinstance(word, str) and word.startswith(("Store", "Instance"))), None)
        if error is not None:
            assert error in NAMED, (place, words)
            return error
        words = program.does(*told)
    return "nothing"
