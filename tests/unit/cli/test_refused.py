"""`bizproc check` loads as `serve` does, and says what that would refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

TEA = """
from bizproc import on, process
from bizproc.model import Deal

@process("tea.one"{options})
async def one(deal: Deal{more}) -> None: ...

@process("tea.two")
async def two() -> None: ...
"""


@pytest.mark.parametrize(
    ("options", "more", "says"),
    [
        (', starts=on.created("lead")', "", "its trigger tells of the kind 'lead'"),
        (', starts=on.created("deal")', ", *, word: str", "give word a default"),
        (', overlap="singel"', "", "Did you mean 'single'?"),
        (', starts="deal"', "", "starts= is a trigger"),
    ],
)
def test_what_serve_refuses_is_found(run: Run, here: Path, options: str, more: str, says: str) -> None:
    (here / "tea.py").write_text(TEA.replace("{options}", options).replace("{more}", more), "utf-8")
    ran = run("check", "--processes", "tea")
    assert ran.exit_code == 1
    assert f"{says}" in ran.stdout
    assert "`serve` would not run it." in ran.stdout
    (refused,) = json.loads(run("check", "--processes", "tea", "--json").stdout)["refused"]
    assert says in refused["why"]
    assert run("serve", "--processes", "tea").exit_code == 2


def test_what_serve_runs_is_passed(run: Run, here: Path) -> None:
    (here / "tea.py").write_text(TEA.replace("{options}", ', starts=on.created("deal")').replace("{more}", ""), "utf-8")
    assert run("check", "--processes", "tea").exit_code == 0


def test_a_section_of_a_recipe_that_cannot_run_is_found(run: Run, here: Path) -> None:
    (here / "bizproc.toml").write_text('processes = ["sales"]\n[recipes.soon]\nrecipe = "no.such"\n', "utf-8")
    ran = run("check")
    assert ran.exit_code == 1
    assert "[recipes.soon] cannot run: no.such: it is not installed." in ran.stdout
