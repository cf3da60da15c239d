"""`bizproc start PROCESS --where`: what is printed, and that it goes on when it was stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.cli.programs import BOUND, environment, serving
from tests.unit.csv_company import Company

pytestmark = pytest.mark.usefixtures("company")


def test_one_is_started_on_each(start: Run, run: Run) -> None:
    ran = start("sales.follow_up", "--where", "all", "--discount", "7")
    assert (ran.exit_code, ran.output) == (0, "sales.follow_up: 3 started.\n")
    ran = start("sales.follow_up", "--where", "all", "--discount", "7")
    assert ran.output == "sales.follow_up: 0 started, 3 had been started before.\n"
    assert [each["document"] for each in json.loads(run("ps", "--json").stdout)] == ["deal:1", "deal:2", "deal:3"]


def test_only_those_that_fit_a_filter(start: Run, run: Run) -> None:
    ran = start("sales.follow_up", "--where", "id in (2, 3) and not id = 3")
    assert (ran.exit_code, ran.output) == (0, "sales.follow_up: 1 started.\n")
    assert [each["document"] for each in json.loads(run("ps", "--json").stdout)] == ["deal:2"]
    ran = start("sales.follow_up", "--where", "id in (2, 3) and not id = 3")
    assert ran.output == "sales.follow_up: 0 started, 1 had been started before.\n"
    assert start("sales.follow_up", "--where", "id > 99").output == "sales.follow_up: 0 started.\n"


def test_refused_ones_are_told_of(start: Run) -> None:
    assert start("sales.follow_up", "--document", "deal:2", "--id", "mine").exit_code == 0
    ran = start("sales.follow_up", "--where", "all")
    assert ran.exit_code == 0
    assert ran.stdout == "sales.follow_up: 2 started, 1 refused.\n"
    assert ran.stderr == (
        "sales.follow_up already runs on deal 2 (instance mine), and its overlap policy is 'single'.\n"
    )


def test_it_answers_in_json(start: Run) -> None:
    start("sales.follow_up", "--document", "deal:2", "--id", "mine")
    answer = json.loads(start("sales.follow_up", "--where", "all", "--json").stdout)
    refusals = [{"document": "deal 2", "existing": "mine"}]
    assert answer == {"process": "sales.follow_up", "started": 2, "already": 0, "refused": 1, "refusals": refusals}


def test_a_running_serve_starts_them(start: Run, here: Path) -> None:
    with serving(here, "--processes", "sales", "--json") as program:
        program.event("idle")
        assert start("sales.follow_up", "--where", "all").output == "sales.follow_up: 3 started.\n"
        assert {program.event("started")["document"] for _ in range(3)} == {"deal:1", "deal:2", "deal:3"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sales.greet", "--where", "all", "--name", "x"], "sales.greet runs on no document: --where has nothing to"),
        (["sales.close", "--where", "all", "--id", "x"], "--where starts several: leave --document and --id out."),
        (["sales.close", "--where", "all", "--document", "deal:1"], "--where starts several: leave --document and"),
        (["sales.close", "--document", "deal:1", "--limit-per-second", "2"], "--limit-per-second goes with --where."),
        (["sales.close", "--where", "amount >="], "--where: "),
        (["sales.close", "--where", "amuont > 5"], ""),
        (["sales.close", "--where", "city = Lyon"], ""),
        (["sales.close", "--where", "all", "--limit-per-second", "0"], "Invalid value for '--limit-per-second'"),
        (["sales.close", "--where", "all", "--limit-per-second", "nan"], "Invalid value for '--limit-per-second'"),
    ],
)
def test_a_wrong_use_is_one_line(start: Run, arguments: list[str], said: str) -> None:
    ran = start(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert ran.stderr.startswith(f"bizproc: {said}")
    assert ran.stderr.count("\n") == 1


def test_stopped_from_the_keyboard_it_says_how_far_it_was_and_goes_on_there(here: Path, run: Run) -> None:
    many = Company().only("users", "companies", "contacts", "deals")
    many.rows["deals"] = [f"{id},,Tea {id},NEW,1,1,1,USD,,,,,,," for id in range(10, 40)]
    many.only("deals")
    assert run("import", many.write(here / "more")).exit_code == 0
    slow = ("start", "sales.follow_up", "--where", "all", "--limit-per-second", "1")
    command = [sys.executable, "-m", "bizproc.cli", *slow, "--processes", "sales"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=here, env=environment()) as program:
        watchdog = threading.Timer(BOUND, program.kill)
        watchdog.start()
        assert program.stderr is not None
        while not json.loads(run("ps", "--json").stdout):
            pass
        program.send_signal(signal.SIGINT)
        said = program.stderr.read()
        assert program.wait() == 130
        watchdog.cancel()
    assert "sales.follow_up: stopped on the way; " in said
    assert said.split("The same command goes on from there.")[1].strip() == "bizproc: stopped."
    answer = json.loads(run("start", "sales.follow_up", "--where", "all", "--processes", "sales", "--json").stdout)
    assert answer["started"] + answer["already"] == 33
    assert answer["already"] >= 1
    assert answer["started"] >= 1
