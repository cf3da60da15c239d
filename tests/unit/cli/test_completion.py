"""What a shell completes, asked as a shell asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bizproc.cli import app
from bizproc.cli.completing import SHELLS, VARIABLE
from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import environment


@pytest.fixture(autouse=True)
def modules(here: Path) -> None:
    (here / "bizproc.toml").write_text("processes = ['sales']\n", "utf-8")


def completed(here: Path, *words: str) -> list[str]:
    """What is offered for the last of these words."""
    asked = {"COMP_WORDS": " ".join(["bizproc", *words]), "COMP_CWORD": str(len(words)), VARIABLE: "bash_complete"}
    command = [sys.executable, "-m", "bizproc.cli"]
    env = environment(**asked)
    ran = subprocess.run(command, capture_output=True, text=True, cwd=here, env=env, check=False, timeout=60)
    assert ran.stderr == ""
    return [line.partition(",")[2] for line in ran.stdout.splitlines() if line]


def test_commands_and_options_are_completed(here: Path) -> None:
    assert completed(here, "") == list(app.COMMANDS)
    assert completed(here, "sh") == ["show"]
    assert completed(here, "ps", "--st") == ["--store", "--status"]
    assert completed(here, "ps", "--status", "wai") == ["waiting"]
    assert completed(here, "completion", "") == list(SHELLS)


def test_processes_and_the_flags_of_their_form_are_completed(here: Path) -> None:
    assert completed(here, "start", "sales.f") == ["sales.fail", "sales.follow_up"]
    assert completed(here, "ps", "--process", "sales.g") == ["sales.greet"]
    assert completed(here, "start", "sales.follow_up", "--dis") == ["--discount"]
    assert completed(here, "start", "--processes", "nowhere", "sales.f") == []


def test_instances_are_completed(run: Run, here: Path) -> None:
    assert completed(here, "show", "o") == []
    for name in ("one", "other", "third"):
        assert run("start", "sales.greet", "--name", "Kim", "--id", name).exit_code == 0
    assert completed(here, "show", "o") == ["one", "other"]
    assert completed(here, "cancel", "one", "t") == ["third"]


def test_a_broken_module_and_a_store_that_is_none_offer_nothing(here: Path) -> None:
    (here / "sales.py").write_text("print('loud')\nraise ValueError", "utf-8")
    (here / "bizproc.db").write_text("this is no store", "utf-8")
    assert completed(here, "start", "") == []
    assert completed(here, "show", "") == []


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_is_told_how(run: Run, shell: str) -> None:
    ran = run("completion", shell)
    assert ran.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in ran.stdout


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_takes_its_lines(run: Run, here: Path, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (here / "lines").write_text(run("completion", shell).stdout, "utf-8")
    check = subprocess.run([program, "-n", "lines"], cwd=here, capture_output=True, text=True, check=False, timeout=60)
    assert (check.returncode, check.stderr) == (0, ""), check.stderr


def test_without_a_shell_those_that_there_are_stand_in_one_line(run: Run) -> None:
    ran = run("completion")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr == (
        "bizproc: Missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish. See `bizproc completion --help`.\n"
    )


def test_another_shell_is_a_wrong_use(run: Run) -> None:
    assert run("completion", "cmd").exit_code == 2
    assert os.environ.get(VARIABLE) is None
