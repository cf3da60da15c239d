"""`bizproc settle`: what it refuses, and what it leaves to the next `serve`. What it does is in tests/crash."""

from __future__ import annotations

from pathlib import Path

from tests.unit.cli.conftest import Run


def prepared(run: Run, company: object) -> None:
    assert run("import", ".").exit_code == 0


def test_it_must_be_said_which(run: Run, here: Path) -> None:
    ran = run("settle", "tea-1", "0")
    assert ran.exit_code == 2
    assert "say --sent or --again" in ran.stderr


def test_without_a_store_there_is_nothing_to_settle(run: Run, here: Path) -> None:
    ran = run("settle", "tea-1", "0", "--sent")
    assert ran.exit_code == 2
    assert "there is no store" in ran.stderr
