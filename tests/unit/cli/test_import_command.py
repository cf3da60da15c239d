"""`bizproc import`: what is printed, and with which exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.test_app import bizproc
from tests.unit.csv_company import Company

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"


def test_an_import_says_how_many_rows_of_each_file_there_were(run: Run, here: Path) -> None:
    ran = run("import", Company().write(here / "csv"))
    assert (ran.exit_code, ran.stderr) == (0, "")
    words = [line.split() for line in ran.stdout.splitlines()]
    assert words[2:8] == [
        *(["users", "2"], ["companies", "2"], ["contacts", "2"], ["products", "2"]),
        *(["deals", "3"], ["product", "rows", "4"]),
    ]
    assert ran.stdout.splitlines()[-1].startswith("15 rows into sqlite:///bizproc.db in ")


def test_an_import_answers_in_json(run: Run, here: Path) -> None:
    ran = run("import", "--json", Company().write(here / "csv"))
    counts = {"users": 2, "companies": 2, "contacts": 2, "products": 2, "deals": 3, "product_rows": 4}
    assert json.loads(ran.stdout) == {"imported": counts, "skipped": 0, "bad": [], "ignored": []}
    assert ran.stderr == ""


def test_bad_rows_are_told_of_and_nothing_is_imported(run: Run, here: Path) -> None:
    company = Company()
    company.set("deals", 2, "begin_date", "\x1b[31m")
    ran = run("import", company.write(here / "csv"))
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == (
        "bizproc: nothing was imported, for there is 1 bad row. Mend it, or import all others with --skip-bad.\n"
        "deals.csv:2: begin_date: expected a date, as 1996-07-31, got '\\x1b[31m'\n"
        "… and 2 rows that refer to it\n"
    )
    assert json.loads(run("import", Company().write(here / "csv"), "--json").stdout)["skipped"] == 0


def test_bad_rows_can_be_left_out(run: Run, here: Path) -> None:
    company = Company()
    company.set("deals", 2, "begin_date", "x")
    ran = run("import", company.write(here / "csv"), "--skip-bad")
    assert ran.exit_code == 0
    assert ran.stderr.splitlines() == [
        "deals.csv:2: begin_date: expected a date, as 1996-07-31, got 'x'",
        "… and 2 rows that refer to it",
        "Left out: 3 rows.",
    ]
    assert "12 rows into" in ran.stdout


def test_rows_that_are_left_out_are_in_the_json(run: Run, here: Path) -> None:
    company = Company()
    company.set("deals", 2, "begin_date", "x")
    answer = json.loads(run("import", company.write(here / "csv"), "--skip-bad", "--json").stdout)
    assert answer["skipped"] == 3
    assert answer["bad"][0]["file"] == "deals.csv"
    assert answer["bad"][0]["line"] == 2


def test_a_folder_that_cannot_be_read_makes_no_store(run: Run, here: Path) -> None:
    assert run("import", here / "nowhere").exit_code == 2
    assert not (here / "bizproc.db").exists()


def test_files_that_are_not_read_are_told_of(run: Run, here: Path) -> None:
    Company().write(here / "csv")
    (here / "csv" / "people.csv").write_text("id\n")
    assert run("import", here / "csv").stderr == "people.csv: not read, for import does not know this file.\n"


@pytest.mark.skipif(not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set")
def test_northwind_is_imported_by_a_program_of_its_own(here: Path) -> None:
    ran = bizproc("import", str(NORTHWIND), "--json", "--store", "sqlite:///crm.db", cwd=here)
    assert ran.returncode == 0
    assert list(json.loads(ran.stdout)["imported"].values()) == [9, 91, 91, 77, 830, 2155]
