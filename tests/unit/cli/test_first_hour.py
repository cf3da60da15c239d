"""The first hour of somebody new, in a project of `bizproc init`: each command, used well and used wrongly."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import Result
from rich.cells import cell_len

from bizproc import cli
from bizproc.cli import app
from tests.unit.cli.conftest import Run

ROOT = Path(cli.__file__).parents[2]
NARROW = 60

ASK = '''
"""Processes that a newcomer might write next."""

from datetime import timedelta

from bizproc import action, crm, note, process, wait
from bizproc.model import Deal


@action("scoring.score")
async def score(number: int) -> int:
    return number


@process("tea.ask")
async def ask(deal: Deal) -> bool:
    """Ask the client whether this sentence, which is long enough for two, fits on a narrow terminal."""
    points = await score(1)
    await note("asked, with a text that is longer than a narrow terminal is wide", points=points)
    answer = await wait.for_signal("approved", timeout=timedelta(days=3))
    return answer.timed_out


@process("tea.fail")
async def fail() -> None:
    raise ValueError("no luck, and a text that says at length why it is so.")


@process("tea.lose")
async def lose(deal: Deal) -> None:
    await crm.deal.change_stage("LOOSE")
'''


@pytest.fixture
def project(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new project with its data in the store, and a second module."""
    assert run("init", "tea").exit_code == 0
    monkeypatch.chdir(here / "tea")
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(here)])
    Path("ask.py").write_text(ASK, "utf-8")
    settings = Path("bizproc.toml")
    settings.write_text(settings.read_text("utf-8").replace('["tea"]', '["tea", "ask"]'), "utf-8")
    assert run("import", "data").exit_code == 0
    return here / "tea"


def commands() -> Iterator[tuple[str, ...]]:
    """All commands, and those below them."""
    yield ()
    for name in app.COMMANDS:
        with click.Context(app.main) as context:
            found = app.main.get_command(context, name)
        yield (name,)
        yield from ((name, below) for below in getattr(found, "commands", {}))


def help_of(names: tuple[str, ...], width: int) -> str:
    """The help of a command on a terminal of this width."""
    command: click.Command = app.main
    context = command.context_class(command, info_name="bizproc", terminal_width=width, max_content_width=width)
    for name in names:
        assert isinstance(command, click.Group)
        found = command.get_command(context, name)
        assert found is not None
        command = found
        context = command.context_class(command, info_name=name, parent=context)
    with context:
        return command.get_help(context)


@pytest.mark.parametrize("name", list(commands()), ids=" ".join)
def test_each_help_fits_a_narrow_terminal_and_has_an_example(name: tuple[str, ...]) -> None:
    said = help_of(name, NARROW)
    assert [line for line in said.splitlines() if cell_len(line) > NARROW] == []
    assert re.search(rf"^    {' '.join(('bizproc', *name))}(?: |$)", said, re.MULTILINE)
    assert "\\b" not in said


def test_an_example_in_several_lines_is_one_command() -> None:
    wide, narrow = (help_of(("start",), width) for width in (100, 40))
    assert narrow != wide
    assert len(_examples(wide)) == 4
    assert "\\" not in wide
    assert _examples(re.sub(r"\\\n +", "", narrow)) == _examples(wide)


def _examples(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("    bizproc start ")]


def test_the_help_of_a_process_has_an_example_that_starts_it(run: Run, project: Path) -> None:
    assert project.is_dir()
    said = run("start", "tea.follow_up", "--help").stdout
    assert "\n    bizproc start tea.follow_up --document deal:1\n" in said
    assert run("start", "tea.follow_up", "--document", "deal:1").exit_code == 0


STEPS: list[tuple[str, int]] = [
    ("ps", 0),
    ("show x", 2),
    ("doctor", 0),
    ("import nowhere", 2),
    ("import data", 2),
    ("start", 2),
    ("start tea.follow_up", 2),
    ("start tea.follow_up --document deal:1 --id t1", 0),
    ("start tea.follow_up --document deal:1 --preview", 2),
    ("start tea.ask --document deal:1 --id a1", 0),
    ("start tea.fail --id f1", 1),
    ("start tea.fail --preview", 1),
    ("start tea.lose --document deal:1 --preview", 1),
    ("start tea.lose --document deal:1", 1),
    ("start tea.follow_up --where stage=NEW", 0),
    ("start tea.follow_up --where amount>", 2),
    ("start tea.follow_up --days x --document deal:1", 2),
    ("start tea.follow_up --dayss 1", 2),
    ("ps --status failed", 0),
    ("ps --json", 0),
    ("show t1", 0),
    ("show f1", 0),
    ("show a1 --json", 0),
    ("show t1 --as-test", 0),
    ("signal a1", 2),
    ("signal a1 approved maybe", 2),
    ("signal a1 approved true", 0),
    ("cancel t1", 0),
    ("terminate t1", 2),
    ("terminate t1 --reason enough", 0),
    ("retry t1", 2),
    ("retry f1", 0),
    ("fork a1 1 --id a2", 0),
    ("fork a1 99", 2),
    ("skip-wait a1", 1),
    ("settle a1 0", 2),
    ("settle a1 0 --sent", 2),
    ("check", 0),
    ("check nothing.py", 2),
    ("diagram tea.ask", 0),
    ("diagram tea.ask --svg ask.svg --instance a1", 0),
    ("diagram tea.ask --coverage nothing", 2),
    ("recipes list", 0),
    ("recipes show x", 2),
    ("recipes check", 0),
    ("recipes diff", 0),
    ("recipes eject x", 2),
    ("recipes test x", 2),
    ("backup copy.db", 0),
    ("backup copy.db", 2),
    ("export out", 0),
    ("export out", 2),
    ("completion bash", 0),
    ("completion", 2),
    ("actions add_product", 0),
    ("actions nothing", 2),
    ("demo --store sqlite:///tea.db", 2),
    ("serve --processes nada", 2),
    ("serve --grace x", 2),
    ("init .", 2),
    ("foo", 2),
]


def test_each_command_says_what_came_of_it_in_plain_words_and_by_its_exit_code(run: Run, project: Path) -> None:
    assert project.is_dir()
    for line, code in STEPS:
        ran: Result = run(*line.split())
        assert ran.exception is None or isinstance(ran.exception, SystemExit), (line, ran.exception)
        assert ran.exit_code == code, (line, ran.output)
        # Of an import each bad row has its line.
        assert code != 2 or ran.stderr.count("\n") == 1 or line == "import data", (line, ran.stderr)
        assert code != 2 or (ran.stderr.startswith("bizproc: ") and ran.stdout == ""), (line, ran.output)
        for said in (ran.stdout, ran.stderr):
            assert code == 0 or "Traceback" not in said, (line, said)
            assert not _CARELESS.search(said), (line, said)


_CARELESS = re.compile(r"(?<![./])\.\.(?![./])|\b1 (?:rows|instances|files|steps|uses|branches)\b|\],  |None\.")


def on_terminal(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """The exit code, and what stands on a terminal that is narrow."""
    own, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, NARROW, 0, 0))
    env = {key: value for key, value in os.environ.items() if not key.startswith("BIZPROC_") and key != "COLUMNS"}
    env |= {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"} | environment
    command = [sys.executable, "-m", "bizproc", *arguments]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, cwd=folder, env=env) as ran:
        os.close(theirs)
        said = b""
        while chunk := _read(own):
            said += chunk
    os.close(own)
    return ran.returncode, said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # nobody writes there any more
        return b""


_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_OF_PYTHON = re.compile(r"^  File |^    raise |^ValueError: ")
_COLOURS = re.compile(r"\x1b\[[0-9;]*(?<![0-9])(?:3|4|9|10)[0-9]m")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("import data --store sqlite:///other.db", 0),
        ("doctor", 0),
        ("ps", 0),
        ("show f1", 0),
        ("start tea.ask --document deal:1 --preview --outcomes --assume scoring.score=5 --assume approved=1", 0),
        ("start tea.follow_up --where all", 0),
        ("start tea.folow_up", 2),
        ("recipes list", 0),
    ],
)
def test_on_a_narrow_terminal_nothing_is_wider_and_without_colours_there_are_none(
    run: Run, project: Path, arguments: str, code: int
) -> None:
    run("start", "tea.fail", "--id", "f1")
    run("start", "tea.follow_up", "--document", "deal:1", "--id", "t1")
    exit_code, said = on_terminal(project, *arguments.split(), NO_COLOR="1")
    assert exit_code == code, said
    lines = _ESCAPES.sub("", said).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # What a process raised stands as Python prints it.
    assert [line for line in lines if cell_len(line) > NARROW and not _OF_PYTHON.search(line)] == []
    assert not _COLOURS.search(said)
