"""Journals recorded by each release replay on today's code."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bizproc import Process, __version__, gather, process, wait
from bizproc.model import Deal
from bizproc.testing import World, assert_replays, save_journal
from tests.journals.recorded_processes import PROCESSES, before, prints, stays_open, values
from tools.record_journals import JOURNALS, record

RELEASES = sorted(path.name for path in JOURNALS.iterdir() if path.is_dir() and path.name[0].isdigit())


def told(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted(folder.rglob("*.json"))]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("one", PROCESSES, ids=lambda one: one.name)
def test_what_a_release_has_recorded_replays(one: Process[..., Any], release: str) -> None:
    assert assert_replays(one, JOURNALS / release) >= 1


def test_this_release_has_recorded_every_process_and_every_kind_of_command() -> None:
    recorded = told(JOURNALS / __version__)
    assert {one["process"] for one in recorded} == {one.name for one in PROCESSES}
    kinds = {entry["kind"] for one in recorded for entry in one["journal"] if "kind" in entry}
    assert kinds == {
        *("action", "step", "wait", "sleep", "until", "signal"),
        *("now", "new_id", "random", "note", "patched", "start", "child"),
    }
    events = {entry["event"] for one in recorded for entry in one["journal"]}
    assert events == {"began", "returned", "raised", "cancelled"}
    assert {one["state"] for one in recorded} == {"waiting", "completed", "failed", "cancelled"}


def test_what_is_recorded_today_replays_too(tmp_path: Path) -> None:
    record(tmp_path / "today")
    for one in PROCESSES:
        assert assert_replays(one, tmp_path) >= 1
    assert len(told(tmp_path)) == len(told(JOURNALS / __version__))


def test_no_folder_of_a_machine_stands_in_them() -> None:
    for path in JOURNALS.rglob("*.json"):
        assert "traceback" not in path.read_text("utf-8"), path


# -- what does not replay is told --------------------------------------------------------------------------------------


def test_other_code_is_told_with_the_file_and_the_step() -> None:
    @process("recorded.open")
    async def other(deal: Deal) -> None:
        await gather(wait.sleep(timedelta(days=401)), wait.for_signal("never"))

    with pytest.raises(AssertionError, match=r"open\.begun\.json: instance open cannot replay step 0\.0\.0") as raised:
        assert_replays(other, JOURNALS)
    assert "400d" in str(raised.value)


def test_a_patch_that_was_taken_away_is_told() -> None:
    with pytest.raises(AssertionError, match=r"behind\.begun\.json: "):
        assert_replays(before, JOURNALS)


def test_another_result_is_told() -> None:
    async def same(**given: Any) -> list[Any]:
        return [*(await values.function(**given)), "more"]

    async def fails(**given: Any) -> list[Any]:
        await values.function(**given)
        raise ValueError("at the end")

    for function, expected in ((same, "its result was"), (fails, "it was completed, and fails now")):
        one: Process[..., Any] = Process(function, values.name, form=values.form)
        with pytest.raises(AssertionError, match=rf"values-given\.end\.json: {expected}"):
            assert_replays(one, JOURNALS)


def test_one_that_ends_where_it_waited_is_told() -> None:
    async def ends(_deal: Any) -> None:
        """It would not wait any more."""

    one: Process[..., Any] = Process(ends, stays_open.name, form=stays_open.form)
    with pytest.raises(AssertionError):
        assert_replays(one, JOURNALS)


def test_parameters_that_are_others_are_told() -> None:
    @process("recorded.values")
    async def other(*, price: bool = True) -> None:
        """Takes something else."""

    with pytest.raises(AssertionError, match="its call cannot be restored"):
        assert_replays(other, JOURNALS)


def test_no_journal_at_all_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"has no journal of recorded\.prints version 1"):
        assert_replays(prints, tmp_path)


async def test_a_user_saves_a_journal_and_replays_it(world: World, tmp_path: Path) -> None:
    @process("saved")
    async def saved(*, name: str = "Ada") -> str:
        answer = await wait.for_signal("go", str)
        return f"{name} {answer.value}"

    run = await world.start(saved(name="Grace"), id="one")
    await save_journal(world.runtime, "one", tmp_path / "saved" / "one.json")
    await run.signal("go", "on")
    await save_journal(world.runtime, "one", tmp_path / "saved" / "one-ended.json")
    assert assert_replays(saved, tmp_path) == 2
    found = json.loads((tmp_path / "saved" / "one-ended.json").read_text("utf-8"))
    assert (found["process"], found["state"], found["result"]) == ("saved", "completed", "Grace on")
    assert [entry["name"] for entry in found["journal"]] == ["go", "go"]
