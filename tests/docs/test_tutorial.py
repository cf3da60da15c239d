"""
The tutorial, done as its reader does it: files written, commands run, in the order of the page, in an empty folder.

A block of `sh` is commands, each a line; a block of `text` after it is what the last of them prints, where `…` and the
ends of lines stand for others. Any other block is a file, named last in the text before it. `bizproc serve` runs on
beside what follows, until the page starts it again.

Quickly, the interpreter of the tests stands for what the page installs. With --long it is installed, without a network:
the new environment sees the packages of the tests, but for bizproc itself.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from attrs import define, frozen

from tests.docs.installing import OFFLINE, share_packages

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tutorial.md"
MOST = 12
SERVE = ".venv/bin/bizproc serve"
BLOCK = re.compile(r"(?P<before>.*?)^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"`([\w/]+\.\w+)`")
PATIENCE = 120
"""Seconds after which something that should have been printed is missed. Nothing waits so long where all is well."""


@frozen
class Step:
    """A file to write, or commands to run and what they print."""

    file: str | None = None
    text: str = ""
    commands: tuple[str, ...] = ()
    prints: tuple[str, ...] = ()


def steps_of(page: str) -> list[Step]:
    steps: list[Step] = []
    for block in BLOCK.finditer(page):
        if block["kind"] == "sh":
            steps.append(Step(commands=tuple(block["text"].splitlines())))
        elif block["kind"] == "text":
            lines = tuple(line for line in block["text"].splitlines() if line.strip() not in ("", "…"))
            steps[-1] = Step(commands=steps[-1].commands, prints=lines)
        else:
            steps.append(Step(NAMED.findall(block["before"])[-1], block["text"]))
    return steps


def test_it_takes_no_more_commands_than_it_says() -> None:
    commands = [command for step in steps_of(PAGE.read_text("utf-8")) for command in step.commands]
    assert 0 < len(commands) <= MOST


def test_it_runs_verbatim(tmp_path: Path) -> None:
    steps = steps_of(PAGE.read_text("utf-8"))
    assert [command.split()[0] for command in steps[0].commands] == ["python3", ".venv/bin/pip"]
    in_place_of_installing(tmp_path / ".venv" / "bin")
    Reader(tmp_path, {"PYTHONPATH": str(ROOT), "PYTEST_PLUGINS": "bizproc.testing.plugin"}).does(steps[1:])


@pytest.mark.long
def test_it_runs_verbatim_with_what_it_installs(tmp_path: Path) -> None:
    (tmp_path / "bizproc").symlink_to(ROOT, target_is_directory=True)
    reader = Reader(tmp_path / "empty", OFFLINE)
    reader.folder.mkdir()
    reader.does(steps_of(PAGE.read_text("utf-8")))


def in_place_of_installing(folder: Path) -> None:
    folder.mkdir(parents=True)
    python = shlex.quote(sys.executable)
    for name, runs in {"python": "", "bizproc": "-m bizproc.cli"}.items():
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec {python} {runs} "$@"\n', "utf-8")
        program.chmod(0o755)


@define
class Reader:
    """Who sits before two terminals, one for `serve`."""

    folder: Path
    more: dict[str, str]
    serving: subprocess.Popen[str] | None = None
    said: Said | None = None

    def does(self, steps: list[Step]) -> None:
        serve_prints: tuple[str, ...] = ()
        try:
            for step in steps:
                if step.file is not None:
                    (self.folder / step.file).write_text(step.text, "utf-8")
                elif SERVE in step.commands:
                    self.stops_serving(serve_prints)
                    serve_prints = step.prints
                    self.serves()
                else:
                    self.runs(step)
            self.stops_serving(serve_prints)
        finally:
            if self.serving is not None:
                self.serving.kill()
                self.serving.wait()

    def runs(self, step: Step) -> None:
        printed = ""
        for command in step.commands:
            ran = subprocess.run(
                ["/bin/sh", "-c", command],
                cwd=self.folder,
                env=self.environment(),
                capture_output=True,
                text=True,
                timeout=600,
                check=False,
            )
            printed = ran.stdout
            assert ran.returncode == 0, f"{command}\n{ran.stdout}{ran.stderr}"
            if command.endswith("-m venv .venv"):
                share_packages(self.folder / ".venv")
        assert_prints(printed, step.prints)

    def environment(self) -> dict[str, str]:
        mine = {key: value for key, value in os.environ.items() if not key.startswith(("BIZPROC_", "PYTEST_"))}
        # `python3` is the interpreter of the tests; wide lines, for a table must not fold.
        path = f"{self.folder / 'programs'}{os.pathsep}{mine.get('PATH', os.defpath)}"
        plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if "PYTEST_PLUGINS" in self.more else {}
        self.makes_python3(self.folder / "programs")
        return {**mine, **plugins, **self.more, "PATH": path, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}

    def makes_python3(self, programs: Path) -> None:
        programs.mkdir(exist_ok=True)
        python3 = programs / "python3"
        if not python3.exists():
            python3.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n', "utf-8")
            python3.chmod(0o755)

    def serves(self) -> None:
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
        assert self.said.begun.wait(PATIENCE)
        assert "Ctrl-C stops it" in self.said.text

    def stops_serving(self, prints: tuple[str, ...]) -> None:
        """Ctrl-C, and what it had said."""
        if self.serving is None:
            return
        assert self.said is not None
        self.serving.send_signal(signal.SIGINT)
        code = self.serving.wait(PATIENCE)
        said = self.said.all()
        self.serving = None
        assert code == 0, said
        assert_prints(said, prints)


class Said:
    """What a program says while other things go on."""

    def __init__(self, program: subprocess.Popen[str]) -> None:
        self.begun = threading.Event()
        self.text = ""
        assert program.stdout is not None
        self._out = program.stdout
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    def all(self) -> str:
        """All of it; the program has ended."""
        self._reading.join(PATIENCE)
        return self.text

    def _read(self) -> None:
        with self._out:
            for line in self._out:
                self.text += line
                self.begun.set()
        self.begun.set()


def assert_prints(printed: str, lines: tuple[str, ...]) -> None:
    rest = printed
    for line in lines:
        assert line.strip() in rest, f"it does not print {line!r}, but:\n{printed}"
        rest = rest[rest.index(line.strip()) :]


def test_a_page_is_read_as_it_is_meant() -> None:
    page = "Write `a.toml` into `b.py`:\n```python\nx\n```\n\n```sh\none\ntwo\n```\n\n```text\n1\n…\n2\n```\n"
    assert steps_of(page) == [Step("b.py", "x\n"), Step(commands=("one", "two"), prints=("1", "2"))]
    with pytest.raises(AssertionError):
        assert_prints("2 1", ("1", "2"))
