"""What holds for all commands: examples that parse, exit codes, no line wider than the terminal."""

from __future__ import annotations

import errno
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bizproc.cli import app
from bizproc.cli.output import table
from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import environment
from tests.unit.csv_company import Company

EXAMPLE = re.compile(r"^ +bizproc (.*)$", re.MULTILINE)


def examples(text: str) -> list[list[str]]:
    """The words of each example; what stands behind them is a shell's."""
    return [shlex.split(re.split(r" >>? ", line)[0], comments=True) for line in EXAMPLE.findall(text)]


def parse(words: list[str]) -> click.Context:
    """Raises UsageError where they do not fit the command."""
    with click.Context(app.main, info_name="bizproc") as group:
        name, command, rest = app.main.resolve_command(group, words)
        assert name is not None
        assert command is not None
        return command.make_context(name, rest, parent=group)


@pytest.mark.parametrize("name", app.COMMANDS)
def test_the_examples_of_a_command_parse(name: str, here: Path) -> None:
    with click.Context(app.main) as group:
        command = app.main.get_command(group, name)
    assert command is not None
    found = examples(command.help or "")
    assert found
    assert {words[0] for words in found} == {name}
    for words in found:
        parse(words)


def test_the_examples_of_the_group_parse(here: Path) -> None:
    found = examples(app.EPILOG)
    assert len(found) > 5
    for words in found:
        parse(words)


def test_an_example_that_would_not_parse_is_told(here: Path) -> None:
    with pytest.raises(click.UsageError):
        parse(["ps", "--no-such-option"])


# -- exit codes --------------------------------------------------------------------------------------------------------


def test_every_exit_code_is_documented(run: Run) -> None:
    shown = re.findall(r"^ +(\d+)  +\w", run("--help").stdout.partition("Exit codes:")[2], re.MULTILINE)
    assert [int(code) for code in shown] == [app.DONE, app.FAILED, app.USAGE, app.STOPPED]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ("start", "sales.greet", "--name", "Kim", "--processes", "sales")),
        (0, ("check", "sales.py")),
        (0, ("actions",)),
        (0, ("completion", "bash")),
        (0, ("doctor", "--processes", "sales")),
        (1, ("start", "sales.fail", "--processes", "sales")),
        (1, ("check", "unsafe.py")),
        (1, ("doctor", "--processes", "nowhere")),
        (2, ("start", "sales.nothing", "--processes", "sales")),
        (2, ("start", "sales.greet", "--processes", "sales")),
        (2, ("ps",)),
        (2, ("check", "nowhere.py")),
        (2, ("--no-such-option",)),
        (2, ("init", ".")),
    ],
)
def test_the_exit_code_says_how_it_went(run: Run, here: Path, code: int, words: tuple[str, ...]) -> None:
    (here / "unsafe.py").write_text(
        "import random\nfrom bizproc import process\n\n\n@process('a')\nasync def a() -> float:\n"
        "    return random.random()\n",
        "utf-8",
    )
    ran = run(*words)
    assert ran.exit_code == code, ran.output
    assert (ran.stderr != "") is ((code != 0 and words[0] not in ("check", "doctor")) or "nowhere.py" in words)


@pytest.mark.parametrize("grace", ["nan", "NaN", "-nan", "inf", "-1", "1e300", "1_0x"])
def test_a_number_that_is_none_is_a_wrong_use(run: Run, grace: str) -> None:
    ran = run("serve", "--grace", grace, "--processes", "sales")
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("bizproc: Invalid value for '--grace'")
    ran = run("start", "sales.greet", "--where", "all", "--limit-per-second", grace, "--processes", "sales")
    assert (ran.exit_code, ran.stdout) == (2, "")


# -- on a terminal -----------------------------------------------------------------------------------------------------


def on_terminal(here: Path, columns: int, *words: str, **more: str) -> str:
    """What a command prints on a terminal of so many columns."""
    ours, theirs = pty.openpty()
    env = environment(TERM="xterm", COLUMNS=str(columns), **more)
    command = [sys.executable, "-m", "bizproc.cli", *words]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, cwd=here, env=env) as program:
        os.close(theirs)
        said = b""
        while chunk := _read(ours):
            said += chunk
        program.wait(60)
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65_536)
    except OSError as error:  # how Linux says that nobody has the other end any more
        if error.errno != errno.EIO:
            raise
        return b""


STYLE = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("words", [("actions",), ("actions", "add_product"), ("ps",), ("doctor",), ("shw",)])
def test_no_line_is_wider_than_the_terminal(company: Company, run: Run, here: Path, words: tuple[str, ...]) -> None:
    assert company
    assert (
        run("start", "sales.follow_up", "--document", "deal:3", "--processes", "sales", "--id", "x" * 90).exit_code == 0
    )
    lines = STYLE.sub("", on_terminal(here, 60, *words)).splitlines()
    assert lines
    assert max(map(len, lines)) <= 60


def test_colours_are_left_out_where_the_environment_says_so(here: Path) -> None:
    coloured = re.compile(r"\x1b\[[0-9;]*3[0-7]")
    assert not coloured.search(on_terminal(here, 80, "actions", NO_COLOR="1"))


def test_a_table_of_nothing_is_printed() -> None:
    assert table((), []).columns == []
