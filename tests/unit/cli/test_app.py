"""The group of commands: help, version, what becomes of mistakes and of errors, where the store is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bizproc import cli
from bizproc.cli import app, ps_command
from tests.unit.cli.conftest import Run

COMMANDS = [
    *(
        "init",
        "demo",
        "import",
        "export",
        "serve",
        "start",
        "ps",
        "show",
        "signal",
        "cancel",
        "terminate",
        "retry",
        "fork",
    ),
    *("skip-wait", "settle", "doctor", "check", "diagram", "recipes", "backup", "completion", "actions"),
]


def bizproc(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line as a program of its own."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("BIZPROC_")} | environment
    env["PYTHONPATH"] = str(Path(cli.__file__).parents[2])
    command = [sys.executable, "-m", "bizproc.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, check=False, timeout=60)


def test_help_names_every_command_and_shows_examples(run: Run) -> None:
    ran = run("--help")
    assert ran.exit_code == 0
    words = [line.split()[0] for line in ran.output.splitlines() if line.startswith("  ") and line[2] != " "]
    assert [word for word in words if word in COMMANDS] == COMMANDS
    for name in ("demo", "import", "serve", "start", "ps", "show", "signal", "actions"):
        assert f"  bizproc {name}" in ran.output


@pytest.mark.parametrize("arguments", [[], ["recipes"]])
def test_a_group_alone_prints_its_help_as_it_is(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert (ran.exit_code, ran.stderr) == (2, "")
    assert ran.stdout == run(*arguments, "--help").stdout
    assert ran.stdout.startswith("Usage: bizproc ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_and_the_options_that_all_have(run: Run, name: str) -> None:
    ran = run(name, "--help")
    assert ran.exit_code == 0
    for part in (f"\n    bizproc {name}", "\n  Example", "--store", "--processes", "--json"):
        assert part in ran.output
    assert "\\b" not in ran.output


def test_every_command_can_be_loaded_and_is_described() -> None:
    context = click.Context(app.main)
    assert app.main.list_commands(context) == COMMANDS
    for name in COMMANDS:
        command = app.main.get_command(context, name)
        assert command is not None
        assert command.help
        assert app.COMMANDS[name]


def test_help_loads_no_database(here: Path) -> None:
    code = (
        "import sys\n"
        "from bizproc.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(*sorted({'sqlalchemy', 'sqlite3', 'pysqlite3', 'alembic', 'asyncio', 'rich'} & sys.modules.keys()))"
    )
    env = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here, env=env)
    assert ran.stdout.splitlines()[-1] == ""


def test_the_version_is_the_projects(run: Run) -> None:
    ran = run("--version")
    assert ran.exit_code == 0
    assert ran.output.startswith("bizproc, version ")


def test_an_unknown_command_is_one_line_with_those_that_there_are(run: Run) -> None:
    ran = run("shw")
    assert (ran.exit_code, ran.stderr) == (
        2,
        "bizproc: there is no command 'shw'. Did you mean show? See `bizproc --help`.\n",
    )
    ran = run("xyz")
    assert ran.exit_code == 2
    assert ran.stderr == (
        f"bizproc: there is no command 'xyz'. There are: {', '.join(COMMANDS)}. See `bizproc --help`.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ps", "--status", "done"], "bizproc: Invalid value for '--status': 'done' is not one of"),
        (["ps", "--limit", "0"], "bizproc: Invalid value for '--limit'"),
        (["ps", "--nope"], "bizproc: No such option '--nope'"),
        (["import"], "bizproc: Missing argument 'DIR'."),
        (["show"], "bizproc: Missing argument 'ID'."),
        (["ps", "--document", "5"], "bizproc: --document: expected a kind of item and an id, as deal:5, got '5'."),
        (["ps", "--document", "Dael:5"], "bizproc: there is no kind of item 'Dael'. Known: "),
    ],
)
def test_a_wrong_use_is_one_line_and_exit_code_2(run: Run, arguments: list[str], said: str) -> None:
    ran = run(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(said)
    assert ran.stderr.count("\n") == 1


def test_what_nobody_expected_shows_a_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ps_command, "setup_of", lambda _: 1 / 0)
    assert isinstance(run("ps").exception, ZeroDivisionError)


def test_a_stop_from_the_keyboard_is_no_traceback(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ps_command, "setup_of", stop)
    ran = run("ps")
    assert ran.exit_code == 130
    assert ran.stderr.strip() == "bizproc: stopped."


# -- where the store is ------------------------------------------------------------------------------------------------


def store_of(run: Run, *arguments: str) -> str:
    """The store that is looked for, and not there."""
    said = run("ps", *arguments).stderr
    assert said.startswith("bizproc: there is no store ")
    return str(said.split()[5])


def test_the_store_is_the_flags_then_the_files_then_the_environments(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store_of(run) == "sqlite:///bizproc.db"
    monkeypatch.setenv("BIZPROC_STORE", "sqlite:///environment.db")
    assert store_of(run) == "sqlite:///environment.db"
    (here / "bizproc.toml").write_text("store = 'sqlite:///file.db'")
    assert store_of(run) == "sqlite:///file.db"
    assert store_of(run, "--store", "sqlite:///flag.db") == "sqlite:///flag.db"


def test_options_may_stand_before_the_command(run: Run) -> None:
    assert "sqlite:///before.db" in CliRunner().invoke(cli.main, ["--store", "sqlite:///before.db", "ps"]).stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("stor = 'x'", "bizproc.toml: there is no setting 'stor'. Known: store,"),
        ("store = 3", "bizproc.toml: store: expected a text, got 3."),
        ("store = = 3", "bizproc.toml: it is not TOML:"),
        ("language = 'la'", "bizproc.toml: language: expected one of en, fr, got 'la'"),
        ("time_zone = 'Mars'", "bizproc.toml: time_zone: there is no time zone 'Mars'"),
    ],
)
def test_a_wrong_setting_is_one_line(run: Run, here: Path, text: str, said: str) -> None:
    (here / "bizproc.toml").write_text(text)
    ran = run("ps")
    assert ran.exit_code == 2
    assert ran.stderr.startswith(f"bizproc: {said}")
    assert ran.stderr.count("\n") == 1


@pytest.mark.parametrize("source", ["--store", "BIZPROC_STORE", "bizproc.toml"])
def test_a_store_that_is_none_is_mended_where_it_was_named(
    run: Run, here: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    arguments = ["--store", "crm.db"] if source == "--store" else []
    monkeypatch.setenv("BIZPROC_STORE", "crm.db" if source == "BIZPROC_STORE" else "sqlite:///environment.db")
    if source == "bizproc.toml":
        (here / "bizproc.toml").write_text("store = 'crm.db'")
    ran = run("ps", *arguments)
    assert ran.exit_code == 2
    name = f"{source}: store" if source == "bizproc.toml" else source
    assert ran.stderr.startswith(f"bizproc: {name}: expected sqlite:///crm.db, ")
    others = {"--store", "BIZPROC_STORE", "bizproc.toml"} - {source}
    assert not any(other in ran.stderr for other in others)


# -- as a program ------------------------------------------------------------------------------------------------------


def test_python_runs_the_package_as_it_runs_the_command(here: Path) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith("BIZPROC_")}
    env["PYTHONPATH"] = str(Path(cli.__file__).parents[2])
    command = [sys.executable, "-m", "bizproc", "show"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=here, env=env, check=False, timeout=60)
    assert ran.returncode == 2
    assert ran.stderr == "bizproc: Missing argument 'ID'. See `python -m bizproc show --help`.\n"


def test_a_mistake_of_a_program_of_its_own_is_one_line(here: Path) -> None:
    ran = bizproc("import", "nowhere", cwd=here)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("bizproc: there is no folder nowhere.")
    assert ran.stderr.count("\n") == 1


def test_a_terminal_that_knows_ascii_only_gets_escapes(here: Path) -> None:
    ran = bizproc("actions", cwd=here, BIZPROC_LANGUAGE="fr", PYTHONIOENCODING="ascii", PYTHONUTF8="0", LC_ALL="C")
    assert ran.returncode == 0
    assert "Activit\\xe9" in ran.stdout


def test_a_reader_that_goes_away_is_no_traceback(here: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(Path(cli.__file__).parents[2])}
    command = f"{sys.executable} -m bizproc.cli actions --json | head -n 1"
    ran = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=here, env=env, check=False)  # noqa: S602
    assert ran.stderr == ""


def test_json_is_all_that_is_printed(here: Path) -> None:
    ran = bizproc("actions", "--json", cwd=here)
    assert len(json.loads(ran.stdout)) == 42
