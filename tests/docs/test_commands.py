"""
Every command of the pages is typed as it stands there, by a shell, in a folder that is as the page says.

The tutorial's are in `test_tutorial.py`. What installs, or builds an environment, is not run here: it is seen that what
it names is there, and `test_tutorial.py` and `test_package.py` install.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define

from bizproc import Runtime, crm, process
from bizproc.model import Deal
from bizproc.ports.channel import Outside
from bizproc.ports.mail import MAIL
from bizproc.testing import FakeChannel
from tests.docs.reading import COMMANDS, DOCS, EVERY_PAGE, README, RECIPES, ROOT, TUTORIAL, code_of, name_of
from tests.unit.csv_company import Company

HOW_TO = DOCS / "how-to"
PATIENCE: Final = 120
"""Seconds after which a command hangs."""

PREPARING = ("make ", ".venv/bin/pip install ")
"""What builds an environment."""


@define
class Folder:
    """A folder of a reader's, with a terminal in it."""

    path: Path

    @property
    def store(self) -> str:
        return f"sqlite:///{self.path / 'bizproc.db'}"

    def write(self, name: str, text: str) -> None:
        (self.path / name).write_text(text, "utf-8")

    def types(self, command: str) -> str:
        """Type a command; what it prints. One that serves is stopped once it has begun."""
        with subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=self.path,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as program:
            late = threading.Timer(PATIENCE, program.kill)
            late.start()
            assert program.stdout is not None
            printed = program.stdout.readline()
            serves = re.search(r"as process (\d+)\. Ctrl-C stops it", printed)
            if serves:
                os.kill(int(serves[1]), signal.SIGINT)
            assert bool(serves) == bool(re.search(r"bizproc serve\b", command)), printed + program.stdout.read()
            printed += program.stdout.read()
            late.cancel()
        assert program.returncode == 0, f"{command}\n{printed}"
        return printed

    def environment(self) -> dict[str, str]:
        paths = [self.path, ROOT, self.path.parent / "installed", *(path.parent for path in RECIPES.glob("*/*.toml"))]
        return {
            "HOME": str(self.path.parent),
            "PATH": f"{self.path / '.venv' / 'bin'}{os.pathsep}{os.defpath}",
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
            "PYTHONUNBUFFERED": "1",
            "BIZPROC_WEB_PORT": "0",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_PLUGINS": "bizproc.testing.plugin",
        }

    def is_prepared(self) -> None:
        """The programs are there, and the recipes are installed."""
        programs = self.path / ".venv" / "bin"
        programs.mkdir(parents=True)
        for name, module in {"bizproc": "bizproc.cli", "pytest": "pytest"}.items():
            (programs / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m {module} "$@"\n', "utf-8")
            (programs / name).chmod(0o755)
        for file in RECIPES.glob("*/pyproject.toml"):
            project = tomllib.loads(file.read_text("utf-8"))["project"]
            info = (
                self.path.parent / "installed" / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
            )
            info.mkdir(parents=True)
            says = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
            (info / "METADATA").write_text(says, "utf-8")
            points = "".join(
                f"{name} = {target}\n" for name, target in project["entry-points"]["bizproc.recipes"].items()
            )
            (info / "entry_points.txt").write_text(f"[bizproc.recipes]\n{points}", "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "project")
    made.is_prepared()
    return made


# -- how the folder of each page is ------------------------------------------------------------------------------------


def python_of(page: Path) -> list[str]:
    return [each.text for each in code_of(page) if each.kind == "python"]


def settings_of(page: Path) -> str:
    return "\n".join(each.text for each in code_of(page) if each.kind == "toml")


async def deals(runtime: Runtime, *amounts: int) -> None:
    for amount in amounts:
        await runtime.perform(crm.deal.create(title="Tea", amount=amount))


async def of_readme(folder: Folder) -> None:
    company = Company()
    company.rows["deals"] += [f"{number},,Tea,NEW,1,1,1,USD,50.00,,,,,," for number in (4, 5)]
    company.write(folder.path / "DIR")
    folder.write("my_processes.py", python_of(README)[0])


async def of_data(folder: Folder) -> None:
    company = Company()
    company.rows["deals"].append("4,,Tea,NEW,1,1,1,USD,150.00,,,,,,")
    company.write(folder.path / "data")
    folder.write("page.py", "\n".join(python_of(HOW_TO / "bring-data-in.md")))
    folder.write("bizproc.toml", 'processes = ["page"]\n')


START = """
import asyncio, sys, page
from bizproc import Runtime, crm

async def begin():
    async with Runtime.open(sys.argv[1], processes=[page.remind]) as runtime:
        await runtime.start(page.remind(await runtime.perform(crm.deal.create(title="Tea"))))
        await runtime.settled()

asyncio.run(begin())
"""


async def of_changed_code(folder: Folder) -> None:
    """An instance waits that began on the code of before, and that of now is loaded."""
    before, now, _ = python_of(HOW_TO / "change-code-while-instances-live.md")
    folder.write("page.py", before)
    folder.write("begin.py", START)
    folder.types(f"{shlex.quote(sys.executable)} begin.py {folder.store}")
    folder.write("page.py", before.partition("@process")[0] + now)
    folder.write("bizproc.toml", 'processes = ["page"]\n')
    folder.types("bizproc backup copy.db")


async def of_channels(folder: Folder) -> None:
    """`tea-1` does not know what has become of its fourth step, a mail."""
    folder.write("sales.py", python_of(HOW_TO / "channels.md")[0])
    # The first: another shows the same table filled in otherwise.
    folder.write("bizproc.toml", next(each.text for each in code_of(HOW_TO / "channels.md") if each.kind == "toml"))
    mail = FakeChannel(MAIL, deduplicates=False)
    mail.break_off(after=True)

    @process("tea")
    async def tea(deal: Deal) -> None:
        for _ in range(3):
            await crm.deal.add_comment("x")
        await crm.deal.send_email("Tea", "y")

    async with Runtime.open(folder.store, processes=[tea], outside=Outside(channels={MAIL: mail})) as runtime:
        user = await runtime.perform(crm.user.create(name="Ann", email="ann@crm.example"))
        client = await runtime.perform(crm.contact.create(name="Jo", last_name="Ash", emails=["jo@client.example"]))
        deal = await runtime.perform(crm.deal.create(title="Tea", contact_id=client.id, responsible_id=user.id))
        await runtime.start(tea(deal), id="tea-1")
        await runtime.settled()


async def of_waiting(folder: Folder) -> None:
    folder.write("page.py", "\n".join(python_of(HOW_TO / "find-out-why-something-waits.md")[:1]))
    folder.write("bizproc.toml", 'processes = ["page"]\n')
    async with Runtime.open(folder.store) as runtime:
        await deals(runtime, 100, 100, 100, 100, 120)
    folder.types("bizproc start sales.approval --document deal:5")


async def of_tests(folder: Folder) -> None:
    folder.write("test_page.py", "\n".join(python_of(HOW_TO / "test-an-automation.md")))


async def of_exclusions(folder: Folder) -> None:
    folder.write("bizproc.toml", settings_of(RECIPES / "sales" / "docs" / "exclusions.md"))
    async with Runtime.open(folder.store) as runtime:
        await runtime.perform(crm.lead.create(title="The casino of the year"))
        await runtime.perform(crm.lead.create(title="Tea"))


async def of_stale(folder: Folder) -> None:
    folder.write("bizproc.toml", settings_of(RECIPES / "sales" / "docs" / "stale_deal.md"))
    async with Runtime.open(folder.store) as runtime:
        await deals(runtime, 1, 2, 3)


ON: Final[dict[Path, tuple[Callable[[Folder], Coroutine[Any, Any, None]], dict[str, str]]]] = {
    README: (
        of_readme,
        {
            "init": "make test",
            "doctor": "Nothing is wrong",
            "import": "product rows",
            "check": "nothing found",
            "start": "sales.follow_up-1",
            "ps": "until_stage",
            "show sales.follow_up-1": "add_product",
            "actions": "crm.deal",
            "recipes list": "service.booking",
            "recipes show": "first_contact_within",
        },
    ),
    HOW_TO / "bring-data-in.md": (of_data, {"import": "product rows", "--preview": "add_comment", "--limit": "start"}),
    HOW_TO / "change-code-while-instances-live.md": (of_changed_code, {"check": "1 patched"}),
    HOW_TO / "channels.md": (of_channels, {"ps": "tea-1", "show": "bizproc settle tea-1 3 --sent", "settle": "tea-1"}),
    HOW_TO / "find-out-why-something-waits.md": (of_waiting, {"ps": "approved", "show": "sales.approval-1"}),
    HOW_TO / "test-an-automation.md": (
        of_tests,
        {"--bizproc-crash": "4 passed", "--bizproc-always-replay": "4 passed", "--bizproc-coverage": "sales.welcome"},
    ),
    RECIPES / "sales" / "docs" / "exclusions.md": (of_exclusions, {"--preview": "casino"}),
    RECIPES / "sales" / "docs" / "stale_deal.md": (of_stale, {"--preview": "would", "start": "3"}),
}
"""The folder of each page with commands, and what the printed has where the command has the word."""


def commands_of(page: Path) -> list[str]:
    return [command for each in code_of(page) if each.kind in COMMANDS for command in each.commands]


WITH_COMMANDS = [page for page in EVERY_PAGE if page not in (TUTORIAL, DOCS / "design.md") and commands_of(page)]


@pytest.mark.parametrize("page", ON, ids=name_of)
def test_each_command_of_the_page_does_what_it_says(page: Path, folder: Folder) -> None:
    prepare, expected = ON[page]
    asyncio.run(prepare(folder))
    told = dict(expected)
    typed = [command for command in commands_of(page) if not command.startswith(PREPARING)]
    assert typed
    for command in typed:
        printed = folder.types(command)
        for word in [word for word in expected if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", command)]:
            assert expected[word] in printed, f"{command}\n{printed}"
            told.pop(word, None)
    assert not told, "words of no command"


def test_no_page_with_commands_is_left_out() -> None:
    others = [page for page in WITH_COMMANDS if page not in ON]
    assert [name_of(page) for page in others if not all(each.startswith(PREPARING) for each in commands_of(page))] == []


def test_what_is_made_and_installed_is_there() -> None:
    known = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert known is not None
    seen = 0
    for page in WITH_COMMANDS:
        for command in commands_of(page):
            name = command.split()[-1]
            if command.startswith("make "):
                assert name in known[1].split(), f"{name_of(page)}: {command}"
            elif command.startswith(".venv/bin/pip install "):
                assert (ROOT / name.removeprefix("../bizproc/") / "pyproject.toml").is_file(), command
            else:
                continue
            seen += 1
    assert seen >= 6


def test_a_command_that_fails_is_seen(folder: Folder) -> None:
    with pytest.raises(AssertionError, match="no such"):
        folder.types("echo no such; exit 3")
    with pytest.raises(AssertionError):
        folder.types("bizproc serve --processes nowhere_to_be_found")
