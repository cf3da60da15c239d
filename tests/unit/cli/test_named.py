"""Names that are misspelt: an error that says what may have been meant, never an empty answer and exit code 0."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizproc.core.near import hint
from tests.unit.cli.conftest import Run
from tests.unit.csv_company import Company

TEA = """
from datetime import timedelta
from bizproc import action, crm, process, wait
from bizproc.model import Deal
from elsewhere import helper

@action("scoring.score")
async def score(deal: int) -> int:
    return deal

@process("tea.ask")
async def ask(deal: Deal) -> bool:
    points = await score(1)
    answer = await wait.for_signal("approved", timeout=timedelta(days=3))
    return answer.timed_out

@process("tea.open")
async def open_(deal: Deal, *, signal: str = "any") -> None:
    await wait.for_signal(signal)

@process("tea.helped")
async def helped(deal: Deal) -> None:
    await helper()
"""


@pytest.fixture(autouse=True)
def project(here: Path, company: Company, run: Run) -> None:
    assert company
    (here / "tea.py").write_text(TEA, "utf-8")
    (here / "elsewhere.py").write_text(
        "from bizproc import wait\n\nasync def helper() -> None:\n    await wait.for_signal('done')\n", "utf-8"
    )
    (here / "bizproc.toml").write_text("processes = ['sales', 'tea']\n", "utf-8")


def refused(run: Run, *arguments: object) -> str:
    """What is said of a name that is nothing's."""
    ran = run(*arguments)
    assert (ran.exit_code, ran.stdout) == (2, ""), ran.output
    assert ran.stderr.count("\n") == 1
    return str(ran.stderr)


def test_a_hint_names_what_is_near_or_else_what_there_is() -> None:
    assert hint("aproved", ["approved", "declined"]) == "Did you mean approved?"
    assert hint("zzz", ["b", "a", "a"]) == "There are: a, b."
    assert hint("zzz", []) == "There are none."
    assert hint("zzz", map(str, range(25))).endswith(" and 5 more.")


def test_ps_of_a_process_that_is_nowhere(run: Run) -> None:
    said = refused(run, "ps", "--process", "sales.folow_up")
    assert said.endswith("Did you mean sales.follow_up?\n")
    assert run("ps", "--process", "sales.greet").exit_code == 0


def test_ps_of_a_process_whose_module_is_gone_lists_its_instances(run: Run, here: Path) -> None:
    assert run("start", "sales.greet", "--name", "Kim").exit_code == 0
    (here / "bizproc.toml").write_text("", "utf-8")
    assert "completed" in run("ps", "--process", "sales.greet").stdout
    assert run("ps", "--process", "sales.greet", "--status", "failed").exit_code == 0
    assert "Did you mean sales.greet?" in refused(run, "ps", "--process", "sales.great")


def test_ps_on_an_item_that_is_not_there(run: Run) -> None:
    assert "there is no deal 999" in refused(run, "ps", "--document", "deal:999")
    assert run("ps", "--document", "deal:1").exit_code == 0


@pytest.mark.parametrize("more", [[], ["--preview"]])
@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("stage = NEWW", "there is no stage 'NEWW' of a deal. Did you mean NEW?"),
        ("amount > 1 and not (stage in (WON, LOOSE))", "there is no stage 'LOOSE' of a deal. Did you mean LOSE?"),
        ("stage != EXECUTTING", "Did you mean EXECUTING?"),
        ("pipeline = 7", "there is no pipeline '7' of a deal. There are: 0."),
        ("stag = NEW", "Did you mean stage"),
        ("phones = 1", "deal has no field 'phones'"),
    ],
)
def test_where_names_what_there_is_not(run: Run, where: str, said: str, more: list[str]) -> None:
    assert said in refused(run, "start", "sales.follow_up", "--where", where, *more)


def test_where_names_what_there_is(run: Run) -> None:
    ran = run("start", "sales.follow_up", "--where", "stage in (NEW, WON) or stage is empty and pipeline = 0")
    assert ran.exit_code == 0


@pytest.mark.parametrize("arguments", [["start"], ["diagram"]])
def test_a_process_that_is_not_found(run: Run, arguments: list[str]) -> None:
    assert refused(run, *arguments, "sales.folow_up").endswith("Did you mean sales.follow_up?\n")


@pytest.mark.parametrize(
    "arguments",
    [
        *(["show"], ["show", "--as-test"], ["cancel"], ["retry"], ["terminate", "--reason", "x"]),
        *(["signal", "tea-11", "approved"], ["fork", "tea-11", "0"], ["settle", "tea-11", "0", "--sent"]),
        ["diagram", "tea.ask", "--instance"],
    ],
    ids=" ".join,
)
def test_an_instance_that_is_not_there(run: Run, arguments: list[str]) -> None:
    assert run("start", "sales.greet", "--name", "Kim", "--id", "tea-1").exit_code == 0
    given = arguments if "tea-11" in arguments else [*arguments, "tea-11"]
    assert "there is no instance tea-11. Did you mean tea-1?" in refused(run, *given)


def test_a_signal_that_its_process_waits_for_nowhere(run: Run) -> None:
    assert run("start", "tea.ask", "--document", "deal:1", "--id", "tea-1").exit_code == 0
    assert refused(run, "signal", "tea-1", "aproved") == (
        "bizproc: tea.ask waits for no signal 'aproved'. Did you mean approved?\n"
    )
    assert run("signal", "tea-1", "approved", "true").exit_code == 0


@pytest.mark.parametrize("process", ["tea.open", "tea.helped"])
def test_a_signal_is_sent_where_its_name_may_be_computed_or_stand_elsewhere(run: Run, process: str) -> None:
    assert run("start", process, "--document", "deal:1", "--id", "tea-1").exit_code == 0
    assert run("signal", "tea-1", "whatever").exit_code == 0


def test_a_signal_is_sent_where_the_code_is_not_here_or_broken(run: Run, here: Path) -> None:
    assert run("start", "tea.ask", "--document", "deal:1", "--id", "tea-1").exit_code == 0
    (here / "tea.py").write_text("raise ValueError", "utf-8")
    assert run("signal", "tea-1", "whatever").exit_code == 0
    (here / "bizproc.toml").write_text("", "utf-8")
    assert run("signal", "tea-1", "whatever").exit_code == 0


def test_what_is_assumed_of_a_step_that_there_is_not(run: Run) -> None:
    start = ("start", "tea.ask", "--document", "deal:1", "--preview")
    assert "Did you mean scoring.score?" in refused(run, *start, "--assume", "scoring.scor=5")
    assert "Did you mean approved?" in refused(run, *start, "--assume", "aproved=true")
    ran = run(*start, "--assume", "scoring.score=5", "--assume", "approved=true")
    assert (ran.exit_code, ran.stderr) == (0, "")


def test_what_is_assumed_of_code_that_is_not_all_seen_is_said_and_done(run: Run) -> None:
    ran = run("start", "tea.helped", "--document", "deal:1", "--preview", "--assume", "done=1")
    assert ran.exit_code == 0
    assert "--assume: tea.helped has no step and no signal 'done' that its code shows" in ran.stderr


def test_a_delivery_is_settled_only_if_it_is_unknown_and_nothing_is_posted(run: Run) -> None:
    assert run("start", "tea.ask", "--document", "deal:1", "--id", "tea-1").exit_code == 0
    assert "whether step 99 was sent is not unknown" in refused(run, "settle", "tea-1", "99", "--sent")
