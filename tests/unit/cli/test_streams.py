"""What reaches a program from outside: arguments that are no text, numbers out of range, output that goes nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import environment

pytestmark = pytest.mark.skipif(os.name == "nt", reason="speaks to the shell")

DEV_FULL = Path("/dev/full")
full = pytest.mark.skipif(not DEV_FULL.exists(), reason="there is no /dev/full here")


def shell(command: str, cwd: Path, **more: str) -> subprocess.CompletedProcess[bytes]:
    """A command line as a shell runs it; `bizproc` stands for the program."""
    command = f'bizproc() {{ "{sys.executable}" -m bizproc.cli "$@"; }}; {command}'
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, cwd=cwd, env=environment(**more), check=False, timeout=60
    )


@pytest.fixture
def store(run: Run, here: Path) -> Path:
    (here / "bizproc.toml").write_text("processes = ['sales']\n", "utf-8")
    assert run("start", "sales.greet", "--name", "Bo", "--id", "one").exit_code == 0
    return here


@pytest.mark.parametrize(
    "arguments",
    [
        r"show $'\xff'",
        r"$'\xff'",
        r"--store $'sqlite:///\xff.db' ps",
        r"ps --process $'caf\xe9'",
        r"ps --document $'deal:\xff'",
        r"ps $'--\xff'",
        r"start $'\xff'",
        r"start sales.greet --name $'\xff'",
        r"start sales.greet $'--\xff' x",
        r"start sales.greet --name x --id $'\xff'",
        r"--processes $'\xff' ps",
        r"signal one $'\xff'",
        r"signal one x $'\xff'",
        r"terminate one --reason $'\xff'",
        r"import $'\xff'",
        r"export $'\xff'",
        r"backup $'\xff'",
        r"actions $'\xff'",
    ],
)
def test_an_argument_that_is_no_text_is_one_line(store: Path, arguments: str) -> None:
    ran = shell(f"bizproc {arguments}", store)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b" is no text in UTF-8: '" in ran.stderr
    assert ran.stderr.count(b"\n") == 1


def test_a_setting_that_is_no_text_is_one_line(store: Path) -> None:
    (store / "bizproc.toml").unlink()
    ran = shell(r"BIZPROC_STORE=$'sqlite:///\xff.db' bizproc ps", store)
    assert ran.returncode == 2
    assert ran.stderr == b"bizproc: a setting from the environment is no text in UTF-8: 'sqlite:///\\udcff.db'.\n"


@pytest.mark.parametrize("limit", ["99999999999999999999", "1" + "0" * 5000, str(2**63)])
def test_a_limit_that_no_store_knows_is_one_line(store: Path, limit: str) -> None:
    ran = shell(f"bizproc ps --limit {limit}", store)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(b"bizproc: Invalid value for '--limit'")
    assert ran.stderr.count(b"\n") == 1


@pytest.mark.parametrize("id_", ["9999999999999999999", str(2**63), "0" * 30])
def test_a_document_that_no_store_knows_is_one_line(run: Run, store: Path, id_: str) -> None:
    ran = run("ps", "--document", f"deal:{id_}")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: --document: expected a kind of item and an id, as deal:5, got ")


@full
@pytest.mark.parametrize("command", ["ps", "ps --json", "actions", "actions --json", "--help", "show one", "--version"])
def test_output_that_cannot_be_written_is_said(store: Path, command: str) -> None:
    ran = shell(f"bizproc {command} >/dev/full", store)
    assert ran.returncode == 1
    assert ran.stderr == b"bizproc: the output cannot be written: No space left on device.\n"


@full
def test_where_nothing_can_be_said_the_exit_code_says_it(store: Path) -> None:
    assert shell("bizproc nope 2>/dev/full", store).returncode == 2
    assert shell("bizproc actions >/dev/full 2>/dev/full", store).returncode == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_a_program_without_streams_does_its_work(store: Path, closed: str) -> None:
    ran = shell(f"bizproc start sales.greet --name Al --id two {closed}", store)
    assert ran.returncode == 0
    assert ran.stderr == b""
    assert b"two" in shell("bizproc ps", store).stdout


def test_no_store_takes_the_place_of_a_closed_stream(store: Path) -> None:
    assert shell("bizproc ps >&- 2>&-; bizproc nope 2>&- >&-", store).returncode == 2
    assert shell("bizproc show one", store).returncode == 0


@pytest.mark.parametrize("command", ["ps", "actions --json", "--help", "show one --json"])
def test_a_reader_that_has_gone_is_no_trouble(store: Path, command: str) -> None:
    ran = shell(f"{{ bizproc {command}; echo $? >code; }} | true", store)
    assert ran.stderr == b""
    assert (store / "code").read_text().strip() in ("0", "1")


def test_without_colours_there_are_none(store: Path) -> None:
    run_in_terminal = "import pty, sys; pty.spawn([sys.executable, '-m', 'bizproc.cli', *sys.argv[1:]])"
    assert shell("bizproc start sales.fail --id broken", store).returncode == 1
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        env = environment(**more) | {"TERM": "xterm-256color", "COLUMNS": "80"}
        program = [sys.executable, "-c", run_in_terminal, "show", "broken"]
        ran = subprocess.run(program, capture_output=True, cwd=store, env=env, check=False, timeout=60)
        assert b"no luck" in ran.stdout
        assert (b"\x1b[31m" in ran.stdout) is coloured


@pytest.mark.parametrize("columns", ["40", "60", "100"])
def test_tables_and_help_are_no_wider_than_the_terminal(store: Path, columns: str) -> None:
    for command in ("ps", "show one", "actions"):
        ran = shell(f"bizproc {command}", store, COLUMNS=columns)
        assert ran.returncode == 0
        assert max(len(line) for line in ran.stdout.decode().splitlines()) <= int(columns)
