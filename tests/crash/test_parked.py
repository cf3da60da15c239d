"""
Instances that wait for a signal cost their rows, and to open a store or to wake one costs the same however many wait.

Nothing timed is asserted: times and memory are printed, and work is counted.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.crash.harness import Programs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="knows no SIGKILL")

FEW = 100
SLACK = 200
"""Steps of looking into the inbox, which is done now and then: less than to look at each of those that wait."""


def park_and_wake(programs: Programs, folder: Path, count: int) -> dict[str, Any]:
    """Park so many, kill the program, and wake one in another."""
    store = folder / f"{count}.db"
    parking = programs.begin("parked_program", "park", store, count)
    (parked,) = parking.hears()
    parking.kill()
    waking = programs.begin("parked_program", "wake", store, count)
    (woken,) = waking.hears()
    assert woken["result"] == "woken by the test"
    assert waking.hears() == [count - 1]
    assert waking.ends() == 0, waking.complaint()
    grown = parked["after"] - parked["before"]
    print(
        f"\n{count:,} parked in {parked['seconds']:.1f} s; memory {parked['before'] / 1e6:.1f} MB before, "
        f"{parked['after'] / 1e6:.1f} MB after ({grown / count:,.0f} bytes each); "
        f"store {store.stat().st_size / 1e6:.1f} MB. Killed; opened in {woken['opened'] * 1000:.1f} ms "
        f"({work(woken['opening'])}), {woken['memory'] / 1e6:.1f} MB. Signalled, and ended "
        f"in {woken['seconds'] * 1000:.2f} ms ({work(woken['waking'])})"
    )
    found: dict[str, Any] = woken
    return found


@pytest.mark.parametrize("count", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_to_open_a_store_and_to_wake_an_instance_is_the_same_work_however_many_wait(
    programs: Programs, tmp_path: Path, count: int
) -> None:
    few = park_and_wake(programs, tmp_path, FEW)
    many = park_and_wake(programs, tmp_path, count)
    for part in ("opening", "waking"):
        assert plain(many[part]["written"]) == plain(few[part]["written"]), part
        # A level more of a tree is no step; a row more that is looked at is.
        assert many[part]["steps"] <= few[part]["steps"] + SLACK, part


def work(part: dict[str, Any]) -> str:
    return f"{len(part['written'])} statements of the writer, {part['steps']} steps"


def plain(texts: list[str]) -> list[str]:
    """Statements without the numbers and texts in them."""
    return [re.sub(r"'[^']*'|x'[^']*'|\b\d+\b", "?", text) for text in texts]
