"""The scripts of the comparison with other engines do all of their work, at a small size. Nothing timed is asserted."""

import sys
from pathlib import Path

import pytest

from benchmarks.peers import compare
from benchmarks.peers.compare import measure, run
from benchmarks.peers.contestants import CONTESTANTS, Contestant
from benchmarks.peers.scripts import NotDone, Script
from benchmarks.peers.workloads import COMMIT, CROWD, KILLED, LATE, MANY, ON_CRM, PARKED, WORKLOADS, Figures, Workload

BIZPROC, FLOOR = CONTESTANTS[:2]

pytestmark = [
    pytest.mark.long,  # each begins programs of its own, and kills some
    pytest.mark.skipif(sys.platform != "linux", reason="memory, and how a program ended, are read as Linux tells"),
]


def small(contestant: Contestant, workload: Workload, folder: Path) -> Figures:
    less = workload.scaled(100_000)
    with contestant.store(folder, "small") as url:
        return run(contestant, less, url, folder, less.fatal(0, 1))


@pytest.mark.parametrize("contestant", [BIZPROC, FLOOR], ids=["bizproc", "floor"])
def test_instances_are_run_to_their_ends(contestant: Contestant, tmp_path: Path) -> None:
    assert small(contestant, MANY, tmp_path).keys() == {
        "steps/s",
        "instances/s",
        "cpu",
        "seconds",
        "p50",
        "p99",
        "slowing",
    }


def test_a_bare_commit_is_measured_for_the_floor(tmp_path: Path) -> None:
    assert small(FLOOR, COMMIT, tmp_path).keys() == {"p50", "p99"}


@pytest.mark.parametrize("workload", [PARKED, CROWD], ids=["parked", "crowd"])
def test_waiting_instances_are_woken_before_a_kill_and_after(workload: Workload, tmp_path: Path) -> None:
    found = small(BIZPROC, workload, tmp_path)
    assert found["signals"] == 8  # of ten; the first and the last are woken after the kill
    assert min(found["first"], found["last"]) > 0


@pytest.mark.parametrize("workload", [KILLED, LATE], ids=["killed", "killed late"])
def test_what_a_kill_interrupted_is_finished_and_its_effects_are_counted(workload: Workload, tmp_path: Path) -> None:
    less = workload.scaled(100_000)
    found = small(BIZPROC, workload, tmp_path)
    assert found["before"] == less.fatal(0, 1)
    assert 1 <= found["twice"] <= less.instances  # the kill comes inside of a step
    assert 0 < found["first"] <= found["seconds"]


def test_on_the_crm_nothing_is_done_twice_or_not_at_all(tmp_path: Path) -> None:
    assert small(BIZPROC, ON_CRM, tmp_path)["on the CRM"] == 0


def test_all_workloads_of_an_engine_are_measured_in_each_round_and_kept_to_be_shown_again(tmp_path: Path) -> None:
    _, found = measure(2, [FLOOR], 100_000, patience=600)
    assert {name: len(runs) for name, runs in found.runs["floor"].items()} == {
        workload.name: 2 for workload in WORKLOADS if workload.applies("floor")
    }
    assert found.medians["floor"].keys() == found.runs["floor"].keys()
    assert found.once == []
    compare.write(tmp_path / "new" / "figures.json", compare.as_json(found))
    assert compare.read(tmp_path / "new" / "figures.json") == found


def test_what_takes_an_engine_too_long_is_run_once(tmp_path: Path) -> None:
    first, found = measure(2, [FLOOR], 100_000, patience=0)
    assert (first.rounds, first.once) == (1, [])
    assert {len(runs) for runs in found.runs["floor"].values()} == {1}
    assert {name for _, name in found.once} == found.runs["floor"].keys()
    compare.write(tmp_path / "figures.json", compare.as_json(found))
    assert compare.read(tmp_path / "figures.json") == found


def test_a_script_that_does_not_do_its_work_says_so(tmp_path: Path) -> None:
    arguments = [f"sqlite:///{tmp_path}/store.db", "wake", "10", "0"]
    with (
        Script(BIZPROC.python, BIZPROC.module, tmp_path, arguments) as script,
        pytest.raises(NotDone, match="n-2000000"),
    ):
        script.told()


def test_a_script_that_ends_by_itself_was_not_killed(tmp_path: Path) -> None:
    arguments = [f"sqlite:///{tmp_path}/store.db", "begin", "2", "3", "--fatal", "1000"]
    with (
        Script(BIZPROC.python, BIZPROC.module, tmp_path, arguments) as script,
        pytest.raises(NotDone, match="all had ended before the program could be killed"),
    ):
        script.dies()
