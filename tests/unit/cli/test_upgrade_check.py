"""`bizproc check` with a store: whether the live instances go on on the code there is now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run

OLD = """
from datetime import timedelta
from bizproc import note, process, wait

@process("slow")
async def slow(*, days: int = 3) -> None:
    await note("begins")
    await wait.sleep(timedelta(days=days))
    await note("ends")
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bizproc.toml").write_text('processes = ["slow_ones"]\n')
    (tmp_path / "slow_ones.py").write_text(OLD)
    for number in range(7):
        assert run("start", "slow", "--id", f"s-{number}").exit_code == 0
    return tmp_path


@pytest.fixture(autouse=True)
def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is read anew by each command, as by each program."""
    import sys

    monkeypatch.delitem(sys.modules, "slow_ones", raising=False)


def change(project: Path, old: str, new: str) -> None:
    import importlib
    import sys

    text = (project / "slow_ones.py").read_text()
    assert old in text
    (project / "slow_ones.py").write_text(text.replace(old, new))
    sys.modules.pop("slow_ones", None)
    importlib.invalidate_caches()


def test_unchanged_code_fits(run: Run, project: Path) -> None:
    ran = run("check")
    assert ran.exit_code == 0
    assert ran.stdout.splitlines() == ["1 process in 1 file: nothing found.", "7 instances: 7 compatible."]


def test_a_mismatch_is_told_once_with_its_instances_and_its_arguments(run: Run, project: Path) -> None:
    change(project, "timedelta(days=days)", "timedelta(days=days + 1)")
    ran = run("check")
    assert ran.exit_code == 1
    assert ran.stdout.count("would be stuck") == 1
    assert "slow 1: 7 instances would be stuck: s-0, s-1, s-2, s-3, s-4 and 2 more" in ran.stdout
    assert "duration 3d → 4d" in ran.stdout
    assert "7 instances: 7 mismatch." in ran.stdout


def test_as_json_every_instance_is_there(run: Run, project: Path) -> None:
    change(project, 'note("begins")', 'note("starts")')
    ran = run("check", "--json")
    upgrade = json.loads(ran.stdout)["upgrade"]
    assert upgrade["counts"] == {"mismatch": 7}
    assert [one["id"] for one in upgrade["instances"]] == [f"s-{number}" for number in range(7)]
    assert {one["step"] for one in upgrade["instances"]} == {"0"}


def test_a_process_that_is_gone_is_told(run: Run, project: Path) -> None:
    change(project, '@process("slow")', '@process("slower")')
    ran = run("check")
    assert ran.exit_code == 1
    assert "slow 1: 7 instances would be stuck, for their process is not here: s-0, " in ran.stdout
    assert "\n    No process is called slow. If it was renamed, " in ran.stdout


def test_paths_alone_are_only_read(run: Run, project: Path) -> None:
    ran = run("check", "slow_ones.py")
    assert ran.stdout.splitlines() == ["1 process in 1 file: nothing found."]


def test_a_store_that_is_named_must_be_there(run: Run, project: Path) -> None:
    ran = run("check", "--store", "sqlite:///nowhere.db")
    assert ran.exit_code == 2
    assert "there is no store" in ran.stderr
