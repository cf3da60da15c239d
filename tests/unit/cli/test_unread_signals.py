"""`show` lists the signals that nobody has read, and `signal` says so when an instance waits for others."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

TEA = """
from datetime import timedelta
from bizproc import process, race, wait

@process("tea.ask")
async def ask(*, other: str = "later") -> None:
    await race(wait.for_signal("approved"), wait.for_signal("declined"))
    await wait.for_signal(other)

@process("tea.sleep")
async def sleep() -> None:
    await wait.sleep(timedelta(days=1))
    await wait.for_signal("later")
"""


@pytest.fixture(autouse=True)
def asked(here: Path, run: Run) -> None:
    """An instance that waits for two signals."""
    (here / "tea.py").write_text(TEA, "utf-8")
    (here / "bizproc.toml").write_text("processes = ['tea']\n", "utf-8")
    assert run("start", "tea.ask", "--id", "tea-1").exit_code == 0


def taken(run: Run) -> None:
    """Somebody runs the store for a moment."""
    assert run("start", "tea.ask", "--id", "another").exit_code == 0


def test_show_lists_signals_that_were_sent_and_not_read(run: Run) -> None:
    assert run("signal", "tea-1", "later", '{"by": 2}').exit_code == 0
    taken(run)
    (signal,) = json.loads(run("show", "tea-1", "--json").stdout)["signals"]
    assert (signal["name"], signal["value"], signal["posted"]) == ("later", {"by": 2}, False)
    assert datetime.now(UTC) - datetime.fromisoformat(signal["at"]) < timedelta(hours=1)
    header, _, row = run("show", "tea-1").stdout.split("\n\n")[-1].splitlines()
    assert header.split() == ["signal,", "not", "read", "value", "sent", "(UTC)"]
    assert row.startswith('later             {"by": 2}  ')


def test_a_signal_that_no_owner_has_taken_yet_is_listed_as_such(run: Run) -> None:
    assert run("signal", "tea-1", "later", '"[bold]\\u001b[31m"').exit_code == 0
    (signal,) = json.loads(run("show", "tea-1", "--json").stdout)["signals"]
    assert signal["posted"] is True
    said = run("show", "tea-1").stdout
    assert said.rstrip().endswith("waits for `bizproc serve`")
    assert "[bold]\\x1b[31m" in said


def test_a_signal_that_was_read_is_listed_no_longer(run: Run) -> None:
    assert run("signal", "tea-1", "approved").exit_code == 0
    taken(run)
    assert json.loads(run("show", "tea-1", "--json").stdout)["signals"] == []
    assert "not read" not in run("show", "tea-1").stdout


def test_a_signal_beside_those_that_are_waited_for_is_sent_with_a_warning(run: Run) -> None:
    ran = run("signal", "tea-1", "later", "5")
    assert ran.exit_code == 0
    assert ran.stderr == (
        "tea-1 waits for other signals at the moment (approved, declined): later is kept until it waits for it.\n"
    )
    assert "later" in ran.stdout
    ran = run("signal", "tea-1", "declined")
    assert (ran.exit_code, ran.stderr) == (0, "")


def test_a_signal_is_sent_without_a_warning_where_no_signal_is_waited_for(run: Run) -> None:
    assert run("start", "tea.sleep", "--id", "tea-2").exit_code == 0
    ran = run("signal", "tea-2", "later")
    assert (ran.exit_code, ran.stderr) == (0, "")
