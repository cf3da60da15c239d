"""
The tutorial, done as its reader does it: files written, commands run, in the order of the page, in an empty folder.

A block of `sh` is commands, each a line; a block of `text` right below is what they print, line by line, but for what
`…` stands for: in a line anything, as a line any others. Where the text before such a block speaks of the first
terminal, it is what `bizproc serve` has said there since. Any other block is a file, named last in the text before it.
`bizproc serve` runs on beside what follows, until the page starts it again.

Quickly, the interpreter of the tests stands for what the page installs. With --long it is installed, from the folder
and from the wheel, without a network: into an environment that has what the page asks for, in the versions that are
pinned, and nothing else.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from attrs import define, field, frozen

from tests.docs.installing import OFFLINE, ROOT, bring, build_wheel

PAGE = ROOT / "docs" / "tutorial.md"
MOST = 12
SERVE = ".venv/bin/bizproc serve"
INSTALL = ".venv/bin/pip install ../bizproc pytest"
BLOCK = re.compile(r"(?P<before>.*?)^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w/]+\.\w+)`")
PATIENCE = 120
"""Seconds after which something that should have been printed is missed. Nothing waits so long where all is well."""


@frozen
class Step:
    """A file to write, or commands to run and what they print, or what the first terminal says meanwhile."""

    file: str | None = None
    text: str = ""
    commands: tuple[str, ...] = ()
    prints: str = ""


def steps_of(page: str) -> list[Step]:
    steps: list[Step] = []
    for block in BLOCK.finditer(page):
        last_words = block["before"].rstrip().rpartition("\n\n")[2]
        if block["kind"] == "sh":
            steps.append(Step(commands=tuple(block["text"].splitlines())))
        elif block["kind"] == "text" and "first terminal" in " ".join(last_words.split()):
            steps.append(Step(prints=block["text"]))
        elif block["kind"] == "text":
            assert not last_words, "what commands print stands right below them"
            steps[-1] = Step(commands=steps[-1].commands, prints=block["text"])
        else:
            steps.append(Step(NAMED.findall(block["before"])[-1], block["text"]))
    return steps


def pattern_of(text: str) -> re.Pattern[str]:
    """What is printed where the page shows this text."""
    lines = [
        r"(?:.*\n)*?" if line.strip() == "…" else ".*".join(map(re.escape, line.rstrip().split("…"))) + r" *\n"
        for line in text.splitlines()
    ]
    return re.compile("".join(lines))


def assert_prints(printed: str, text: str) -> None:
    assert pattern_of(text).fullmatch(printed), f"the page shows\n{text}\nand printed is\n{printed}"


def test_it_takes_no_more_commands_than_it_says() -> None:
    text = PAGE.read_text("utf-8")
    commands = [command for step in steps_of(text) for command in step.commands]
    assert 0 < len(commands) <= MOST
    numbers = ("nine", "ten", "eleven", "twelve")
    assert f"It takes {numbers[len(commands) - 9]} commands" in text


def test_it_shows_what_each_command_prints_but_for_installing() -> None:
    steps = steps_of(PAGE.read_text("utf-8"))
    assert all(step.prints for step in steps[1:] if step.commands)
    assert sum(bool(step.prints) and not step.commands for step in steps) == 1


def test_it_runs_verbatim(tmp_path: Path) -> None:
    steps = steps_of(PAGE.read_text("utf-8"))
    assert steps[0].commands == ("python3 -m venv .venv", INSTALL)
    reader = Reader(tmp_path / "empty", {"PYTHONPATH": str(ROOT), "PYTEST_PLUGINS": "bizproc.testing.plugin"})
    in_place_of_installing(reader.folder / ".venv" / "bin")
    reader.does(steps[1:])


@pytest.mark.long
@pytest.mark.parametrize("what", ["the folder", "the wheel"])
def test_it_runs_verbatim_with_what_it_installs(what: str, tmp_path: Path) -> None:
    if find_spec("hatchling") is None:
        pytest.skip("what is installed is built with hatchling, which the lock files have")
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    reader = Reader(tmp_path / "empty", OFFLINE)
    if what == "the wheel":  # beside the folder there is the wheel, and no source
        wheel = build_wheel(tmp_path)
        reader.instead = {INSTALL: INSTALL.replace("bizproc", wheel.name)}
        reader.found = ("pytest", *needs)
    else:
        (tmp_path / "bizproc").symlink_to(ROOT, target_is_directory=True)
        reader.found = ("pytest", "hatchling", *needs)
    reader.does(steps_of(PAGE.read_text("utf-8")))
    names = {path.name for path in reader.folder.glob(".venv/lib/python*/site-packages/*")}
    assert {"bizproc", "alembic", "pytest"} <= names
    assert not names & {"hypothesis", "httpx", "jinja2", "uvicorn"}, "it is empty but for what the page asks for"
    assert not list(reader.home.iterdir()), "nothing is written into the reader's home"


def in_place_of_installing(folder: Path) -> None:
    folder.mkdir(parents=True)
    python = shlex.quote(sys.executable)
    for name, runs in {"python": "", "bizproc": "-m bizproc.cli"}.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {python} {runs} "$@"\n', "utf-8")
        program.chmod(0o755)


@define
class Reader:
    """
    Who sits before two terminals, one for `serve`.

    Attributes:
        instead: Commands of the page that are others here.
        found: What pip finds, in place of an index: it is in the new environment already.
    """

    folder: Path
    more: dict[str, str]
    instead: dict[str, str] = field(factory=dict)
    found: tuple[str, ...] = ()
    serving: subprocess.Popen[str] | None = None
    said: Said | None = None

    @property
    def home(self) -> Path:
        return self.folder.parent / "home"

    def __attrs_post_init__(self) -> None:
        self.folder.mkdir()
        self.home.mkdir()

    def does(self, steps: list[Step]) -> None:
        try:
            for step in steps:
                if step.file is not None:
                    (self.folder / step.file).write_text(step.text, "utf-8")
                elif SERVE in step.commands:
                    assert step.commands == (SERVE,)
                    self.stops_serving()
                    self.serves(step.prints)
                elif step.commands:
                    self.runs(step)
                else:
                    assert self.said is not None
                    self.said.goes_on_with(step.prints)
            self.stops_serving()
        finally:
            if self.serving is not None:
                self.serving.kill()
                self.serving.wait()

    def runs(self, step: Step) -> None:
        printed = ""
        for command in step.commands:
            ran = subprocess.run(
                ["/bin/sh", "-c", self.instead.get(command, command)],
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            printed += ran.stdout
            assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
            if command.endswith("-m venv .venv"):
                bring(self.folder / ".venv", *self.found)
        if step.prints:
            assert_prints(printed, step.prints)

    def environment(self) -> dict[str, str]:
        """That of a new machine; `python3` is the interpreter of the tests."""
        programs = self.folder.parent / "programs"
        self.makes_python3(programs)
        path = f"{programs}{os.pathsep}{os.defpath}"
        plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if "PYTEST_PLUGINS" in self.more else {}
        mine = {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
        return {**mine, **plugins, **self.more}

    def makes_python3(self, programs: Path) -> None:
        programs.mkdir(exist_ok=True)
        python3 = programs / "python3"
        if not python3.exists():
            python3.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', "utf-8")
            python3.chmod(0o755)

    def serves(self, prints: str) -> None:
        program, *arguments = SERVE.split()
        self.serving = subprocess.Popen(
            [self.folder / program, *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = Said(self.serving)
        self.said.goes_on_with(prints)

    def stops_serving(self) -> None:
        """Ctrl-C."""
        if self.serving is None:
            return
        assert self.said is not None
        self.serving.send_signal(signal.SIGINT)
        code = self.serving.wait(PATIENCE)
        said = self.said.all()
        self.serving = None
        assert code == 0, said


class Said:
    """What a program says while other things go on."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self.text = ""
        self._seen = 0
        self._more = threading.Condition()
        assert program.stdout is not None
        self._out = program.stdout
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def goes_on_with(self, text: str) -> None:
        """It has said, or will say, just this after what was looked at before."""
        wanted = pattern_of(text)
        with self._more:
            self._more.wait_for(lambda: wanted.fullmatch(self.text, self._seen), PATIENCE)
            assert_prints(self.text[self._seen :], text)
            self._seen = len(self.text)

    def all(self) -> str:
        """All of it; the program has ended."""
        self._reading.join(PATIENCE)
        return self.text

    def _read(self) -> None:
        with self._out:
            for line in self._out:
                with self._more:
                    self.text += line
                    self._more.notify_all()


def test_a_page_is_read_as_it_is_meant() -> None:
    page = "Write `a.toml` into `b.py`:\n```python\nx\n```\n\n```sh\none\ntwo\n```\n\n```text\n1\n…\n2\n```\n"
    page += "\nIt is so. The first\nterminal says:\n\n```text\n3\n```\n"
    assert steps_of(page) == [
        Step("b.py", "x\n"),
        Step(commands=("one", "two"), prints="1\n…\n2\n"),
        Step(prints="3\n"),
    ]


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("1\n2\n", "2\n1\n"),
        ("1\n", "1\n2\n"),
        ("1\n", "0\n1\n"),
        ("1 …\n", "2 3\n"),
        ("1\n…\n2\n", "1\n"),
        ("done\ndone\n", "done\n"),
        ("a.c\n", "abc\n"),
    ],
)
def test_what_is_not_as_the_page_shows_it_is_seen(shown: str, printed: str) -> None:
    with pytest.raises(AssertionError):
        assert_prints(printed, shown)


def test_what_differs_each_time_may_differ() -> None:
    assert_prints("1\n2  \n", "1\n2\n")
    assert_prints("12:03  begun in 0.3s\nx\ny\nend\n", "…  begun in …s\n…\nend\n")
    assert_prints("1\n2\n", "1\n…\n2\n")
