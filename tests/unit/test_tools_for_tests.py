"""`bizproc.testing` as its users come in: what it shows, what it says without Hypothesis, what the marks take."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import bizproc.testing
from bizproc import on, process
from bizproc.model import Deal, Invoice, Lead, Quote
from bizproc.testing import World

OF_HYPOTHESIS = ["ProcessMachine", "QueueMachine", "StepTrouble", "assert_recipe"]


@process("doors.sees", starts=on.created("deal"))
async def sees(deal: Deal) -> None:
    """It only has to start."""


@process("doors.sees_too", starts=on.created("deal"))
async def sees_too(deal: Deal) -> None:
    """So does this one."""


def test_dir_shows_what_is_there() -> None:
    assert set(bizproc.testing.__all__) <= set(dir(bizproc.testing))
    assert all(getattr(bizproc.testing, name) is not None for name in bizproc.testing.__all__)


def without_hypothesis(code: str) -> subprocess.CompletedProcess[str]:
    program = f"import sys\nsys.modules['hypothesis'] = None\n{code}\n"
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("name", OF_HYPOTHESIS)
def test_what_needs_hypothesis_says_what_to_install_where_it_is_not(name: str) -> None:
    ran = without_hypothesis(f"from bizproc.testing import {name}")
    assert "ExtraMissing" in ran.stderr, ran.stderr
    assert "need packages that are not installed (hypothesis): pip install 'bizproc[test]'" in ran.stderr


@pytest.mark.parametrize("module", ["strategies", "strategies.items"])
def test_strategies_say_so_too(module: str) -> None:
    ran = without_hypothesis(f"import bizproc.testing.{module}")
    assert "strategies need packages that are not installed (hypothesis)" in ran.stderr, ran.stderr


def test_a_world_needs_no_hypothesis() -> None:
    ran = without_hypothesis("from bizproc.testing import World, crash_at_every_await, FakeMail, Late")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.processes([sees])
async def test_the_mark_takes_a_list(world: World) -> None:
    await world.deal()
    assert [each.process for each in await world.instances()] == ["doors.sees"]


@pytest.mark.processes(sees, sees_too)
async def test_the_mark_takes_them_one_by_one(world: World) -> None:
    await world.deal()
    assert sorted(each.process for each in await world.instances()) == ["doors.sees", "doors.sees_too"]


@pytest.mark.processes.with_args(sees)
@pytest.mark.processes([sees_too])
async def test_several_marks_are_added_up(world: World) -> None:
    await world.deal()
    assert len(await world.instances()) == 2


@pytest.mark.parametrize(("kind", "cls"), [("lead", Lead), ("quote", Quote), ("invoice", Invoice), ("deal", Deal)])
async def test_a_world_makes_an_item_of_every_kind(world: World, kind: str, cls: Any) -> None:
    make = getattr(world, kind)
    made = [await make(), await make(title="Tea")]
    assert [each.title for each in made] == [f"A{'n' if kind == 'invoice' else ''} {kind}", "Tea"]
    assert await world.find(cls) == made
