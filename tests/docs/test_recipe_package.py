"""
A recipe's package as teams pass it on: made, built, installed beside bizproc, used twice in a project, and upgraded.

In an environment of its own, by the commands that people type. What each release and each change of a section means
for the instances that live is said before it happens.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.docs.installing import OFFLINE, make_environment

pytest.importorskip("hatchling", reason="packages are built with hatchling, which the lock files have")

ROOT = Path(__file__).resolve().parents[2]

SECTIONS = """
store = "sqlite:///crm.db"

[recipes.new_deals]
recipe = "tea.reminder"
stage = "NEW"
after = "2 days"

[recipes.offers]
recipe = "tea.reminder"
stage = "PREPARATION"
subject = "Ask about the offer"
"""

DEALS = """\
id,origin_id,title,stage_id,company_id,contact_id,responsible_id,currency,opportunity,begin_date,close_date,moved_at,\
delivery_address,delivery_city,delivery_country
1,,Tea for Lyon,NEW,,,,EUR,180.00,,,,,,
2,,Coffee,PREPARATION,,,,EUR,180.00,,,,,,
"""


@frozen
class Team:
    """
    A project with an environment of its own, and beside it the source of a recipe's package.

    Attributes:
        folder: The project's.
        source: The package's, as `bizproc recipes new` has made it.
    """

    folder: Path
    python: Path

    @property
    def source(self) -> Path:
        return self.folder / "tea"

    @property
    def code(self) -> Path:
        return self.source / "bizproc_tea" / "reminder.py"

    def run(self, *command: str | Path, fails: int = 0) -> str:
        """What a module of Python says, on both streams."""
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | OFFLINE
        ran = subprocess.run(
            [self.python, "-m", *command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ran.returncode == fails, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def bizproc(self, *command: str, fails: int = 0) -> str:
        return self.run("bizproc.cli", *command, fails=fails)

    def json(self, *command: str, fails: int = 0) -> Any:
        return json.loads(self.bizproc(*command, "--json", fails=fails))

    def release(self, version: str, *changes: tuple[str, str]) -> None:
        """Build the package with these changes of the first release's code, and install it over the one before."""
        code = self.code.with_suffix(".first").read_text("utf-8")
        for before, after in changes:
            assert before in code
            code = code.replace(before, after)
        self.code.write_text(code, "utf-8")
        project = self.source / "pyproject.toml"
        lines = project.read_text("utf-8").splitlines()
        told = [f'version = "{version}"' if line.startswith("version = ") else line for line in lines]
        project.write_text("\n".join(told) + "\n", "utf-8")
        wheels = self.folder / "wheels" / version
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", wheels],
            cwd=self.source,
            check=True,
            capture_output=True,
        )
        (wheel,) = wheels.glob("*.whl")
        self.run("pip", "install", "--quiet", "--no-deps", "--force-reinstall", wheel)

    def write(self, *changes: tuple[str, str]) -> None:
        """The project's settings, with these changes."""
        text = SECTIONS
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        (self.folder / "bizproc.toml").write_text(text, "utf-8")


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Team:
    """The first release is installed, used twice, recorded, and has an instance of each use."""
    folder = tmp_path_factory.mktemp("team")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "wheels"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    team = Team(folder, make_environment(folder / "environment"))
    (wheel,) = (folder / "wheels").glob("bizproc-*.whl")
    team.run("pip", "install", "--quiet", "--no-deps", wheel)
    team.bizproc("recipes", "new", "tea")
    team.code.with_suffix(".first").write_text(team.code.read_text("utf-8"), "utf-8")
    (folder / "data").mkdir()
    (folder / "data" / "deals.csv").write_text(DEALS, "utf-8")
    team.write()
    team.release("1.0")
    team.bizproc("import", "data")
    team.bizproc("start", "new_deals", "--document", "deal:1", "--id", "new")
    team.bizproc("start", "offers", "--document", "deal:2", "--id", "offer")
    team.bizproc("recipes", "check", "--record")
    return team


@pytest.fixture(autouse=True)
def as_it_was(team: Team) -> Iterator[None]:
    """Each test leaves the first release, and the sections as they were."""
    yield
    team.write()
    if "1.0" not in team.bizproc("recipes", "list"):
        team.release("1.0")


MORE = (
    ('subject: str = "Call back",\n', 'subject: str = "Call back",\n    note: str = "",\n'),
    (
        "        subject: What is to be done then.\n",
        "        subject: What is to be done then.\n        note: What else.\n",
    ),
    ("important=True)\n", "important=True)\n        if note:\n            await crm.deal.add_comment(note)\n"),
)


def test_what_new_has_made_is_installed_used_twice_and_tested(team: Team) -> None:
    (told,) = team.json("recipes", "list")
    assert (told["name"], told["version"], told["used_as"]) == ("tea.reminder", "1.0", ["new_deals", "offers"])
    assert "2 uses of recipes: nothing is missing." in team.bizproc("recipes", "check")
    verdicts = {each["subject"]: each["verdict"] for each in team.json("recipes", "test")}
    assert verdicts == {"bizproc_tea.tests": "passed", "new_deals": "passed", "offers": "passed"}
    assert "What is installed has not changed." in team.bizproc("recipes", "diff")


def test_other_settings_strand_no_instance_and_it_is_said_what_they_mean(team: Team) -> None:
    team.write(('after = "2 days"', 'after = "5 days"\nsubject = "Ring"'))
    for command in (("check",), ("recipes", "check"), ("recipes", "diff")):
        said = team.bizproc(*command)
        assert "new_deals: other settings since (after, subject): 1 instance goes on with those of the start" in said
        assert "offers: other settings" not in said
        assert "2 instances: 2 compatible." in said


def test_a_release_that_fits_is_said_with_all_that_it_changes(team: Team) -> None:
    team.release("1.1", *MORE)
    said = team.bizproc("recipes", "diff").splitlines()
    for use in ("new_deals", "offers"):
        assert f"{use}: tea.reminder bizproc-recipes-tea 1.0 -> tea.reminder bizproc-recipes-tea 1.1" in said
        assert f"{use}: the setting note is new, by default ''" in said
        assert f"{use}: actions: deal.add_comment is new" in said
        assert f"{use}: its code is another" in said
    assert said[-1] == "2 instances: 2 compatible."
    assert not any("other settings" in line for line in said)
    assert "nothing is missing" in team.bizproc("recipes", "check")


def test_a_release_that_does_not_fit_is_said_with_each_instance_before_it_runs(team: Team) -> None:
    team.release(
        "2.0", ("await wait.sleep(after)", 'await crm.deal.add_comment("Seen")\n        await wait.sleep(after)')
    )
    for command in ("diff", "check"):
        said = team.bizproc("recipes", command, fails=1)
        assert "new_deals 1: 1 instance would be stuck: new" in said
        assert "offers 1: 1 instance would be stuck: offer" in said
        assert "the journal recorded  sleep(duration=2d)" in said
        assert 'the code now asks for deal.add_comment(text="Seen")' in said
        assert "2 instances: 2 mismatch." in said


def test_a_release_that_allows_less_is_said_with_the_setting(team: Team) -> None:
    team.release(
        "2.1", ("after <= timedelta(0)", "after <= timedelta(days=2)"), ("more than nothing", "more than that")
    )
    said = team.bizproc("recipes", "diff", fails=2)
    assert "[recipes.new_deals]: after: expected more than that, got 2 days" in said
    team.write(('after = "2 days"', 'after = "3 days"'))
    said = team.bizproc("recipes", "diff", fails=1)
    assert "new_deals 1: 1 instance would be stuck" in said
    assert "settings.after" in said
    assert "2 instances: 1 compatible, 1 unreadable." in said


def test_a_setting_that_is_gone_is_said_of_the_section_that_has_it(team: Team) -> None:
    team.release("3.0", ("subject", "words"))
    said = team.bizproc("recipes", "check", fails=2)
    assert "[recipes.offers]: tea.reminder has no setting subject. It has: stage, after, words, only." in said


@pytest.mark.long
def test_a_release_that_fits_no_instance_is_right_by_itself(team: Team) -> None:
    team.release(
        "2.0", ("await wait.sleep(after)", 'await crm.deal.add_comment("Seen")\n        await wait.sleep(after)')
    )
    assert {each["verdict"] for each in team.json("recipes", "test")} == {"passed"}


@pytest.mark.long
def test_a_release_whose_building_is_not_pure_does_not_pass(team: Team) -> None:
    team.release("4.0", ("    @process(", "    import time\n    time.time()\n\n    @process("))
    verdicts = {each["subject"]: each for each in team.json("recipes", "test", fails=1)}
    assert {each["verdict"] for each in verdicts.values()} == {"failed"}
    assert "time.time" in verdicts["offers"]["detail"]


def test_without_the_package_its_instances_are_said_and_stay(team: Team) -> None:
    team.run("pip", "uninstall", "--quiet", "--yes", "bizproc-recipes-tea")
    said = team.bizproc("recipes", "check", fails=1)
    assert "new_deals (tea.reminder): missing: recipe: it is not installed." in said
    assert "1 instance would be stuck, for their process is not here: offer" in said
    assert {each["id"] for each in team.json("ps")} == {"new", "offer"}
