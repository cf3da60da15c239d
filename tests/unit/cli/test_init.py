"""`bizproc init`: a new project that runs at once, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bizproc import cli
from bizproc.cli import starter
from tests.unit.cli.conftest import Run

ROOT = Path(cli.__file__).parents[2]


def program(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in the folder of a project, as in an environment that bizproc was installed into."""
    paths = os.pathsep.join([str(ROOT), *sys.path])
    own = {"PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    env = {key: value for key, value in os.environ.items() if not key.startswith("BIZPROC_")} | own
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=env, check=False, timeout=120)


def bizproc(folder: Path, *arguments: str) -> str:
    ran = program(folder, "-m", "bizproc.cli", *arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_new_project_passes_its_tests_and_its_process_runs(run: Run, here: Path) -> None:
    ran = run("init", "tea")
    assert ran.exit_code == 0, ran.stderr
    folder = here / "tea"
    flags = ("-q", "-p", "no:cacheprovider", "-p", "bizproc.testing.plugin", "-W", "error")
    tested = program(folder, "-m", "pytest", *flags)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert "2 passed" in tested.stdout
    assert "nothing found" in bizproc(folder, "check")
    assert "1 row into" in bizproc(folder, "import", "data")
    started = bizproc(folder, "start", "tea.follow_up", "--document", "deal:1", "--id", "one", "--days", "3")
    assert started.startswith("one: tea.follow_up on deal:1 waits for until_stage")
    assert "Send the offer" in bizproc(folder, "show", "one")
    assert (folder / "tea.db").is_file()


def test_what_it_makes_says_what_this_project_says(run: Run, here: Path) -> None:
    assert run("init", "tea").exit_code == 0
    made = tomllib.loads((here / "tea" / "pyproject.toml").read_text("utf-8"))
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert made["project"]["dependencies"] == ["bizproc"]
    assert made["project"]["requires-python"] == ours["project"]["requires-python"]
    assert "unused-awaitable" in made["tool"]["mypy"]["enable_error_code"]
    readme = (here / "tea" / "README.md").read_text("utf-8")
    assert "is in no package index" in readme
    makefile = (here / "tea" / "Makefile").read_text("utf-8")
    for target in ("demo", "test"):
        assert f"make {target} " in readme
        assert f"\n{target}: " in makefile
        assert f"\n{target}: " in (ROOT / "Makefile").read_text("utf-8")


def test_it_says_what_to_do_next(run: Run, here: Path) -> None:
    said = run("init", "tea").stdout
    assert "  cd tea\n" in said
    assert "  make test BIZPROC=" in said
    told = json.loads(run("init", "second", "--json").stdout)
    assert (told["folder"], told["name"]) == ("second", "second")
    assert all((here / "second" / name).is_file() for name in told["files"])


def test_a_hyphen_becomes_an_underscore_and_a_name_may_be_given(run: Run, here: Path) -> None:
    assert run("init", "my-crm").exit_code == 0
    assert (here / "my-crm" / "my_crm.py").is_file()
    assert run("init", "2nd try", "--name", "second").exit_code == 0
    assert (here / "2nd try" / "second.py").is_file()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        *[(name, "a module is named with letters") for name in ("2nd", "a b", "class", "thé", "", "a.b", "_x")],
        *[(name, "there is a module of this name already") for name in ("email", "bizproc", "tests", "click")],
    ],
)
def test_a_name_that_is_none_for_a_module_is_refused_and_nothing_is_made(
    run: Run, here: Path, name: str, why: str
) -> None:
    ran = run("init", "folder", "--name", name)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert why in ran.stderr
    assert "--name sales" in ran.stderr
    assert not (here / "folder").exists()


def test_a_folder_that_holds_something_is_left_as_it_is(run: Run, here: Path) -> None:
    (here / "tea").mkdir()
    (here / "tea" / "mine.txt").write_text("mine")
    ran = run("init", "tea")
    assert ran.exit_code == 2
    assert "tea is not empty" in ran.stderr
    assert [each.name for each in (here / "tea").iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled_and_a_file_is_refused(run: Run, here: Path) -> None:
    (here / "tea").mkdir()
    assert run("init", "tea").exit_code == 0
    ran = run("init", "sales.py", "--name", "other")
    assert (ran.exit_code, "Traceback" in ran.stderr) == (2, False)
    assert ran.stderr.startswith("bizproc: sales.py cannot be used: ")


def test_a_folder_that_has_a_project_says_so_and_it_is_left_as_it_is(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("init", "tea").exit_code == 0
    (here / "tea" / "tea.py").write_text("mine", "utf-8")
    monkeypatch.setattr(starter, "_installed", lambda: frozenset({"tea"}))  # as `pip install --editable` leaves it
    for place in ("tea", "tea/"):
        ran = run("init", place)
        assert (ran.exit_code, ran.stdout) == (2, "")
        assert ran.stderr.startswith("bizproc: tea holds a project already")
    assert (here / "tea" / "tea.py").read_text("utf-8") == "mine"


def test_in_the_folder_itself_there_is_nowhere_to_go_first(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "tea").mkdir()
    monkeypatch.chdir(here / "tea")
    ran = run("init", ".")
    assert ran.exit_code == 0
    assert "  cd " not in ran.stdout


def test_what_tools_leave_behind_is_not_kept_in_git(run: Run, here: Path) -> None:
    assert run("init", "tea").exit_code == 0
    ignored = (here / "tea" / ".gitignore").read_text("utf-8").splitlines()
    for folder in (".hypothesis", ".mypy_cache", ".pytest_cache", ".venv"):
        assert f"/{folder}/" in ignored
