"""`bizproc start PROCESS --preview`: what would be done, in words and as JSON; the store stays as it is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.csv_company import Company

SCORING = """
from bizproc import action, crm, gather, process, wait
from bizproc.model import Deal


@action("tea.score")
async def score(deal: int) -> int:
    raise RuntimeError("it must not run")


@process("tea.scored")
async def scored(deal: Deal) -> str:
    found = await score(deal.id)
    await crm.deal.add_comment(f"score \\x1b[31m{found}")
    answer = await wait.for_signal("answer")
    return f"{answer.value}"


@process("tea.both")
async def both(deal: Deal) -> None:
    await gather(score(deal.id), score(deal.id))
"""


@pytest.fixture
def scoring(here: Path, company: Company) -> Path:
    (here / "tea.py").write_text(SCORING, "utf-8")
    return here


@pytest.mark.usefixtures("company")
def test_it_tells_each_step_with_what_it_would_change(start: Run, here: Path) -> None:
    before = (here / "bizproc.db").read_bytes()
    ran = start("sales.follow_up", "--document", "deal:2", "--discount", "7", "--preview", "--outcomes")
    assert (ran.exit_code, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert lines[0] == "sales.follow_up on deal:2 would do this; nothing of it is done:"
    assert lines[1].startswith("  1. deal.add_product(discount_percent=7, price=18, product=1, quantity=10)")
    assert lines[2].startswith("       product_row ")
    assert " of deal:2 is added: " in lines[2]
    assert any(line.startswith("  It waits for until_stage(") for line in lines)
    assert any(line.startswith("Then, if the time is up (") for line in lines)
    assert any(line.startswith('Then, if deal.change_stage(stage="EXECUTING") (') for line in lines)
    assert lines[-1] == "  It ends: completed, with 'EXECUTING'."
    assert (here / "bizproc.db").read_bytes() == before
    assert start("sales.follow_up", "--document", "deal:2", "--preview").exit_code == 0


@pytest.mark.usefixtures("scoring")
def test_where_a_body_would_run_it_ends_unless_something_is_assumed(run: Run) -> None:
    asked = ("start", "tea.scored", "--document", "deal:2", "--processes", "tea", "--preview")
    ran = run(*asked)
    assert ran.exit_code == 0
    assert ran.stdout.splitlines()[1:] == [
        (
            "  It is followed no further than tea.score(deal=2): it works outside, and is not run: "
            "assume what comes of it, by its name 'tea.score'."
        )
    ]
    ran = run(*asked, "--assume", "tea.score=5", "--assume", "answer=yes", "--outcomes")
    assert ran.exit_code == 0, ran.output
    assert "  1. tea.score(deal=2)  gives 5 (assumed)" in ran.stdout
    assert "\x1b" not in ran.stdout
    assert ran.stdout.endswith("  It ends: completed, with 'yes'.\n")


@pytest.mark.usefixtures("scoring")
def test_branches_that_end_at_the_same_step_are_told_of_once(run: Run) -> None:
    ran = run("start", "tea.both", "--document", "deal:2", "--processes", "tea", "--preview")
    (line,) = ran.stdout.splitlines()[1:]
    assert line.startswith("  It is followed no further than tea.score(deal=2) (2 times): ")


@pytest.mark.usefixtures("company")
def test_as_json(start: Run) -> None:
    ran = start("sales.follow_up", "--document", "deal:2", "--preview", "--outcomes", "--json")
    told = json.loads(ran.stdout)
    assert (told["process"], told["document"], told["ended"]) == ("sales.follow_up", "deal:2", None)
    assert told["steps"][0]["changes"][0]["kind"] == "product_row"
    assert [wait["step"] for wait in told["waits"]] == ["1"]
    assert {name: after["result"] for name, after in told["outcomes"].items()} == {
        "time is up": "",
        'deal.change_stage(stage="EXECUTING")': "EXECUTING",
    }


@pytest.mark.usefixtures("company")
def test_one_that_would_fail_has_exit_code_1(start: Run) -> None:
    ran = start("sales.fail", "--preview")
    assert ran.exit_code == 1
    assert ran.stdout.splitlines()[-1] == "  It ends: failed, ValueError: no luck [bold]."


@pytest.mark.usefixtures("company")
def test_of_many_items_the_first_are_previewed(start: Run) -> None:
    ran = start("sales.follow_up", "--where", "all", "--preview")
    assert ran.exit_code == 0
    assert 1 <= ran.stdout.count("would do this") <= 5


@pytest.mark.usefixtures("company")
def test_what_goes_only_with_a_preview_is_refused_without(start: Run) -> None:
    for flags in (("--outcomes",), ("--assume", "x=1")):
        ran = start("sales.follow_up", "--document", "deal:2", *flags)
        assert ran.exit_code == 2
        assert "--outcomes and --assume go with --preview" in ran.stderr
    ran = start("sales.follow_up", "--document", "deal:2", "--preview", "--assume", "nothing")
    assert ran.stderr == "bizproc: --assume: expected NAME=VALUE, as scoring.score=5, got 'nothing'.\n"
    ran = start("sales.follow_up", "--preview")
    assert "sales.follow_up runs on a deal" in ran.stderr
