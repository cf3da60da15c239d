"""`bizproc backup`: a copy that can be worked with; nothing is overwritten, and one that is not whole has no name."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bizproc.store import copies
from bizproc.store.sqlite import driver
from tests.unit.cli.conftest import Run
from tests.unit.csv_company import Company

pytestmark = pytest.mark.usefixtures("company")


def test_a_copy_can_be_worked_with(run: Run, here: Path) -> None:
    ran = run("backup", "copies.db")
    assert (ran.exit_code, ran.stderr) == (0, "")
    size = (here / "copies.db").stat().st_size
    assert ran.stdout == f"{here / 'copies.db'}: {size:,} bytes, checked.\n"
    copy = ("--store", "sqlite:///copies.db", "--processes", "sales")
    assert run("start", "sales.follow_up", "--document", "deal:2", *copy).exit_code == 0
    assert run("export", "out", "--store", "sqlite:///copies.db").exit_code == 0


def test_it_answers_in_json(run: Run, here: Path) -> None:
    answer = json.loads(run("backup", "copy.db", "--json").stdout)
    size = (here / "copy.db").stat().st_size
    assert answer == {"file": str(here / "copy.db"), "bytes": size, "files": 0}


def test_files_beside_the_store_are_copied_with_it(run: Run, here: Path) -> None:
    (here / "bizproc.db-files" / "ab").mkdir(parents=True)
    (here / "bizproc.db-files" / "ab" / "abcd").write_bytes(b"stamp")
    assert json.loads(run("backup", "copy.db", "--json").stdout)["files"] == 1
    assert (here / "copy.db-files" / "ab" / "abcd").read_bytes() == b"stamp"


@pytest.mark.parametrize("at", ["copy2", "rename"])
def test_a_copy_has_its_name_only_when_its_files_are_there(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    """Killed in between, there is no file that looks like a copy."""
    (here / "bizproc.db-files" / "ab").mkdir(parents=True)
    (here / "bizproc.db-files" / "ab" / "abcd").write_bytes(b"stamp")
    seen = []

    def look(*_: object) -> None:
        seen.append((here / "copy.db").exists())
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(*((shutil, "copy2", look) if at == "copy2" else (Path, "rename", look)))
    assert run("backup", "copy.db").exit_code != 0
    assert seen == [False]
    assert not list(here.glob("copy.db*"))


def test_files_that_are_being_written_are_not_copied(run: Run, here: Path) -> None:
    for path in ("half.part", "work/bizproc-1/job.json", "ab/abcd"):
        (here / "bizproc.db-files" / path).parent.mkdir(parents=True, exist_ok=True)
        (here / "bizproc.db-files" / path).write_bytes(b"stamp")
    assert json.loads(run("backup", "copy.db", "--json").stdout)["files"] == 1
    assert sorted(each.name for each in (here / "copy.db-files").iterdir()) == ["ab"]


def test_files_of_a_copy_that_did_not_come_to_its_end_are_said_to_be(run: Run, here: Path) -> None:
    (here / "copy.db-files").mkdir()
    ran = run("backup", "copy.db")
    assert ran.exit_code == 2
    assert "what a copy has left that did not come to its end" in ran.stderr


@pytest.mark.parametrize("name", ["copy.db", "copy.db-files"])
def test_nothing_is_overwritten(run: Run, here: Path, name: str) -> None:
    (here / name).write_text("mine")
    ran = run("backup", "copy.db")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert f"{here / name} exists: a copy of a store overwrites nothing." in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert (here / name).read_text() == "mine"


def test_a_link_that_leads_nowhere_is_not_followed(run: Run, here: Path) -> None:
    (here / "copy.db").symlink_to(here / "elsewhere.db")
    assert run("backup", "copy.db").exit_code == 2
    assert not (here / "elsewhere.db").exists()


def test_a_folder_that_is_not_there_is_not_made(run: Run, here: Path) -> None:
    ran = run("backup", "nowhere/copy.db")
    assert ran.exit_code == 2
    target = here / "nowhere" / "copy.db"
    assert ran.stderr == f"bizproc: {target} cannot be written: there is no folder {target.parent}. Make it first.\n"


@pytest.mark.parametrize("length", [240, 250, 255, 300])
def test_a_name_that_no_file_can_have_is_one_line(run: Run, here: Path, length: int) -> None:
    """Beside it another may have to lie, of a longer name."""
    ran = run("backup", "c" * length)
    refused = ran.exit_code == 2 and ran.stderr.endswith("File name too long. Choose another name.\n")
    assert refused if length > 249 else ran.exit_code == 0
    assert ran.stderr.count("\n") == int(length > 249)
    assert [each.name for each in here.glob("ccc*")] == ([] if refused else ["c" * length])


def test_a_copy_that_is_not_whole_gets_no_name(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[8192:12288] = bytes(4096)
        path.write_bytes(bytes(content))

    monkeypatch.setattr(copies, "_flush", damage)
    ran = run("backup", "copy.db")
    assert ran.exit_code == 2
    assert "damaged" in ran.stderr or "not whole" in ran.stderr
    assert not list(here.glob("copy.db*"))


def test_a_copy_of_another_ownership_gets_no_name(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exchange(path: Path) -> None:
        connection = driver().connect(path)
        connection.execute("UPDATE store_owner SET epoch = 99")
        connection.commit()
        connection.close()

    monkeypatch.setattr(copies, "_flush", exchange)
    ran = run("backup", "copy.db")
    assert ran.exit_code == 2
    assert "the copy is of epoch 99" in ran.stderr
    assert not (here / "copy.db").exists()


def test_what_a_crash_left_of_a_copy_is_replaced(run: Run, here: Path) -> None:
    (here / "copy.db.part").write_text("half")
    assert run("backup", "copy.db").exit_code == 0
    assert not (here / "copy.db.part").exists()


def test_a_store_in_memory_cannot_be_copied_from_outside(run: Run) -> None:
    ran = run("backup", "copy.db", "--store", "sqlite:///:memory:")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: a store in memory belongs to its program alone")


def test_an_export_answers_in_json_and_an_import_takes_it(run: Run, here: Path) -> None:
    answer = json.loads(run("export", "csv2", "--json").stdout)
    assert answer["exported"] == {
        "users": 2,
        "companies": 2,
        "contacts": 2,
        "products": 2,
        "deals": 3,
        "product_rows": 4,
    }
    assert run("import", "csv2", "--store", "sqlite:///new.db").exit_code == 0
    assert sorted(each.name for each in (here / "csv2").iterdir()) == sorted(f"{name}.csv" for name in Company().rows)


def test_an_export_into_a_folder_that_holds_something_is_one_line(run: Run, here: Path) -> None:
    ran = run("export", here / "csv")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == (
        f"bizproc: {here / 'csv'} holds companies.csv, and an export overwrites nothing: name an empty folder.\n"
    )
