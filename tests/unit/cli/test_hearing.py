"""`bizproc check` says what triggers listen to and the store does not have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.csv_company import Company

TEA = """
from bizproc import on, process


@process("tea.one", starts={starts})
async def one() -> None:
    return None
"""


def checked(run: Run, here: Path, starts: str) -> tuple[int, list[dict[str, object]], str]:
    (here / "tea.py").write_text(TEA.replace("{starts}", starts), "utf-8")
    told = run("check", "--processes", "tea", "--json")
    return told.exit_code, json.loads(told.stdout)["unheard"], run("check", "--processes", "tea").stdout


@pytest.mark.parametrize(
    ("starts", "what", "name", "hint"),
    [
        ('on.stage("deal", "WONN")', "the stage of a deal,", "WONN", "Did you mean 'WON'?"),
        ('on.stage("deal", "WON", "Z") | on.created("lead")', "the stage of a deal,", "Z", "There are: "),
        ('on.created("dael")', "the kind of item", "dael", "Did you mean 'deal'?"),
    ],
)
def test_a_trigger_that_would_never_hear_anything_is_told_of(
    run: Run, here: Path, company: Company, starts: str, what: str, name: str, hint: str
) -> None:
    assert company
    code, (found,), text = checked(run, here, starts)
    assert code == 1
    assert (found["process"], found["what"], found["name"]) == ("tea.one", what, name)
    assert f"tea.one: its trigger listens to {what} {name!r}, which is not in the store. {hint}" in text


@pytest.mark.parametrize(
    "starts",
    [
        'on.stage("deal", "WON", "LOSE") | on.stage("lead")',
        'on.signal("night") | on.cron("0 2 * * *")',
        'on.email_opened() | on.incoming("sms")',
        'on.created("activity") | on.changed("company")',
    ],
)
def test_one_that_can_hear_is_not(run: Run, here: Path, company: Company, starts: str) -> None:
    assert company
    assert checked(run, here, starts)[:2] == (0, [])
