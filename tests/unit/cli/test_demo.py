"""`bizproc demo`: a month in words, in a store that can be looked at afterwards."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bizproc.cli.demo.company import COMPANIES, orders
from tests.unit.cli.conftest import Run
from tests.unit.recipe_packages import write_package

STORE = ("--store", "sqlite:///demo.db")


def test_the_month_is_told_in_words(run: Run) -> None:
    ran = run("demo", *STORE)
    assert (ran.exit_code, ran.stderr) == (0, "")
    said = " ".join(ran.stdout.split())
    for part in (
        "Mon 07 Jan Harbour Books asks for",
        "is won over: the follow-up ends.",
        "has been silent for ten days.",
        "never answered. The follow-up closes the deal, and ends.",
        "The program is killed.",
        "Two days later it is started again. Five follow-ups wait on",
        "12 follow-ups were started, and 12 samplers offered",
        "bizproc ps --store sqlite:///demo.db",
        "bizproc show deal-3 --store sqlite:///demo.db",
    ):
        assert part in said


def test_it_fits_a_terminal_of_80_columns(run: Run) -> None:
    assert max(map(len, run("demo", *STORE).stdout.splitlines())) <= 80


def test_it_is_the_same_every_time(run: Run) -> None:
    first = run("demo", "--store", "sqlite:///a.db").stdout.replace("a.db", "x.db")
    assert first == run("demo", "--store", "sqlite:///b.db").stdout.replace("b.db", "x.db")


def test_where_it_says_to_look_there_is_something(run: Run) -> None:
    run("demo", *STORE)
    states = {each["id"]: each["state"] for each in json.loads(run("ps", "--json", *STORE).stdout)}
    assert states == {f"deal-{number}": "completed" for number in range(1, 12)} | {"deal-12": "waiting"}
    assert "deal.add_activity(" in run("show", "deal-3", *STORE).stdout


def test_nothing_is_lost_and_nothing_done_twice(run: Run) -> None:
    answer = json.loads(run("demo", "--json", *STORE).stdout)
    assert answer["counts"] == {"follow-ups": 12, "samplers": 12, "calls": 6, "comments": 3, "waiting": 1}
    stages = [deal["stage"] for deal in answer["deals"]]
    silent = [order.number for order in orders() if order.says == "silent"]
    assert [number for number, stage in enumerate(stages, 1) if stage == "LOSE"] == sorted(
        {number for number in silent if number != len(COMPANIES)} | {o.number for o in orders() if o.says == "no"}
    )


def test_a_store_that_holds_something_is_left_alone(run: Run) -> None:
    run("demo", *STORE)
    ran = run("demo", *STORE)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith("bizproc: sqlite:///demo.db holds data already")


def test_a_store_in_memory_would_not_outlive_the_kill(run: Run) -> None:
    assert run("demo", "--store", "sqlite:///:memory:").exit_code == 2


def test_without_a_store_it_makes_a_temporary_one(run: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bizproc.cli.demo_command.mkdtemp", lambda prefix: str(here) + prefix[:0])
    (here / "bizproc.toml").write_text("store = 'sqlite:///mine.db'")
    assert run("demo").exit_code == 0
    assert (here / "demo.db").exists()
    assert not (here / "mine.db").exists()


TEAM = """
from typing import Any

from bizproc import Process, UserQueue, crm, on, process, recipe
from bizproc.model import Deal


@recipe("tea.share", since="1.0")
def share(*, team: UserQueue) -> Process[..., Any]:
    \"\"\"
    Share deals out.

    Args:
        team: Who gets them.
    \"\"\"

    @process("tea.share", starts=on.created("deal", by_processes=True))
    async def run(deal: Deal) -> None:
        \"\"\"One deal.\"\"\"
        await crm.deal.change_responsible(team)

    return run


@recipe("tea.text", since="1.0", needs=("provider.sms",))
def text() -> Process[..., Any]:
    \"\"\"Text somebody.\"\"\"
    return share(team=UserQueue([1]))


@recipe("tea.told", since="1.0")
def told(*, whom: str) -> Process[..., Any]:
    \"\"\"
    Tell somebody.

    Args:
        whom: Who.
    \"\"\"
    return share(team=UserQueue([1]))
"""


def test_recipes_that_are_installed_run_beside_it(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "packages"
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    points = "\n".join(f"tea.{name} = {{module}}:{name}" for name in ("share", "text", "told"))
    write_package(folder, "tea-recipes", "tea_of_the_demo", TEAM, points=points)
    ran = run("demo", *STORE)
    assert (ran.exit_code, ran.stderr) == (0, "")
    said = " ".join(ran.stdout.split())
    assert "12 follow-ups were started, and 12 samplers offered" in said
    assert "tea.share 12 12 0 0" in said
    assert "tea.text is installed and did not run: it needs provider.sms." in said
    assert "tea.told is installed and did not run: it needs to be told: whom." in said
    assert max(map(len, ran.stdout.splitlines())) <= 80
    answer = json.loads(run("demo", "--store", "sqlite:///other.db", "--json").stdout)
    assert answer["recipes"] == [
        {"recipe": "tea.share", "instances": 12, "completed": 12, "waiting": 0, "others": 0},
    ]
