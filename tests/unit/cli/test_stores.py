"""Stores that cannot be opened: one line, exit code 2, and the file is left as it was."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizproc import cli
from bizproc.store.sqlite import driver
from tests.unit.cli.conftest import Run
from tests.unit.csv_company import Company

STORE = ("--store", "sqlite:///crm.db")
COMMANDS = (["ps"], ["show", "x"], ["import", "csv"], ["start", "sales.greet", "--name", "x", "--processes", "sales"])


@pytest.fixture(autouse=True)
def folder(here: Path) -> Path:
    return Company().write(here / "csv")


def said(run: Run, *arguments: str) -> str:
    ran = run(*arguments, *STORE)
    assert (ran.exit_code, ran.stdout) == (2, ""), ran.output
    assert ran.stderr.count("\n") == 1
    return str(ran.stderr)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_file_that_is_no_database(run: Run, here: Path, command: list[str]) -> None:
    (here / "crm.db").write_text("dear diary")
    assert f"{here / 'crm.db'} is not a bizproc store: file is not a database" in said(run, *command)
    assert (here / "crm.db").read_text() == "dear diary"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_another_programs_database(run: Run, here: Path, command: list[str]) -> None:
    connection = driver().connect(here / "crm.db")
    connection.execute("CREATE TABLE recipe (id)")
    connection.close()
    assert "is another program's database" in said(run, *command)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_store_of_a_newer_bizproc(run: Run, here: Path, command: list[str]) -> None:
    assert run("import", "csv", *STORE).exit_code == 0
    connection = driver().connect(here / "crm.db")
    connection.execute("PRAGMA user_version = 9999")
    connection.close()
    assert "has schema 9999, and this bizproc knows schema" in said(run, *command)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_folder_instead_of_a_file(run: Run, here: Path, command: list[str]) -> None:
    (here / "crm.db").mkdir()
    assert "is not a bizproc store: it is a folder." in said(run, *command)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_url_that_names_no_file(run: Run, command: list[str]) -> None:
    ran = run(*command, "--store", "crm.db")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: --store: expected sqlite:///crm.db")


@pytest.fixture
def owner(run: Run, here: Path) -> Iterator[None]:
    """Another program that owns the store."""
    assert run("import", "csv", *STORE).exit_code == 0
    code = (
        "import asyncio, sys\n"
        "from bizproc import Runtime\n"
        "async def main():\n"
        "    async with Runtime.open('sqlite:///crm.db'):\n"
        "        print('open', flush=True)\n"
        "        await asyncio.to_thread(sys.stdin.read)\n"
        "asyncio.run(main())\n"
    )
    root = str(Path(cli.__file__).parents[2])
    program = [sys.executable, "-c", code]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=here, env={"PYTHONPATH": root}
    ) as ran:
        assert ran.stdout is not None
        assert ran.stdout.readline() == "open\n"
        yield
        assert ran.stdin is not None
        ran.stdin.close()


@pytest.mark.usefixtures("owner")
def test_beside_an_owner_an_import_is_refused_and_a_look_is_not(run: Run) -> None:
    assert "crm.db is in use by process" in said(run, "import", "csv")
    assert run("ps", *STORE).stdout == "No instances in sqlite:///crm.db.\n"


def test_a_store_that_another_program_has_locked(run: Run, here: Path) -> None:
    assert run("import", "csv", *STORE).exit_code == 0
    connection = driver().connect(here / "crm.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        assert "crm.db is locked:" in said(run, "import", "csv")
    finally:
        connection.close()
