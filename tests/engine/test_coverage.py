"""Coverage of paths: `pytest --bizproc-coverage` says what tests have seen of a process, and what not."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

SALES = """
from datetime import timedelta

from bizproc import action, attempt, crm, gather, process, wait
from bizproc.model import Deal


@action("sales.score")
async def score(title: str) -> int:
    return len(title)


async def tell(deal: Deal, text: str) -> None:
    await crm.deal(deal).add_comment(text)


@process("sales.follow_up", version=2)
async def follow_up(deal: Deal, *, limit: int = 3) -> str:
    points, _ = await gather(
        score(deal.title),
        crm.deal.add_comment("scored"),
    )
    if points < limit:
        await tell(deal, "too few")
        return "no"
    offer = crm.deal.add_comment("an offer")
    await offer
    reached = await wait.until_stage("EXECUTING", timeout=timedelta(days=14))
    if reached.timed_out:
        await crm.deal.add_activity("Call the client back")
        return "escalated"
    answer = await wait.for_signal("answer", timeout=timedelta(days=1))
    await attempt(crm.deal.add_product(99))
    return "silence" if answer.timed_out else "answered"
"""

LINES = {text.strip(): number for number, text in enumerate(SALES.splitlines(), 1)}
STAGE = LINES['reached = await wait.until_stage("EXECUTING", timeout=timedelta(days=14))']
SIGNAL = LINES['answer = await wait.for_signal("answer", timeout=timedelta(days=1))']
CALL = LINES['await crm.deal.add_activity("Call the client back")']

DRAW = ("--processes", "sales", "--coverage", "seen.json")

TESTS = """
from sales import follow_up


async def test_it_is_escalated(world):
    run = await world.start(follow_up(await world.deal(title="Tea")))
    await world.advance(days=15)
    assert await run.result() == "escalated"
"""

MORE = """

async def test_it_is_answered(world):
    deal = await world.deal(title="Tea")
    run = await world.start(follow_up(deal))
    from bizproc import crm
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    await world.crash()
    await run.signal("answer")
    assert await run.result() == "answered"


async def test_it_is_too_little(world):
    run = await world.start(follow_up(await world.deal(title="T")))
    assert await run.result() == "no"
"""


def run(folder: Path, *flags: str, tests: str = TESTS) -> subprocess.CompletedProcess[str]:
    (folder / "sales.py").write_text(SALES)
    (folder / "test_sales.py").write_text(tests)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "bizproc.testing.plugin", *flags]
    paths = os.pathsep.join([str(ROOT), str(folder)])
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def seen(folder: Path, *flags: str, tests: str = TESTS) -> dict[str, Any]:
    ran = run(folder, "--bizproc-coverage=seen.json", *flags, tests=tests)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    found: dict[str, Any] = json.loads((folder / "seen.json").read_text())["sales.follow_up"]["2"]
    return found


def test_what_no_test_has_seen_is_a_hole_with_its_line_and_reason(tmp_path: Path) -> None:
    ran = run(tmp_path, "--bizproc-coverage")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"line {STAGE}  never: stage reached: until_stage" in ran.stdout
    assert f"line {SIGNAL}  never reached: " in ran.stdout
    assert f"line {SIGNAL}  never: timed out: " in ran.stdout
    assert f"line {STAGE}  never: timed out" not in ran.stdout
    assert "never reached: score" not in ran.stdout


def test_the_report_has_lines_and_the_ways_in_which_waits_ended(tmp_path: Path) -> None:
    found = seen(tmp_path)
    assert found["waits"] == {str(STAGE): {"timed_out": 1}}
    assert found["lines"][str(CALL)] == 1 and str(SIGNAL) not in found["lines"]
    assert found["lines"][str(LINES["score(deal.title),"])] == 1
    assert found["lines"][str(LINES['offer = crm.deal.add_comment("an offer")'])] == 1
    assert {hole["line"] for hole in found["holes"]} == {
        *(STAGE, SIGNAL),
        LINES["await crm.deal(deal).add_comment(text)"],
        LINES["await attempt(crm.deal.add_product(99))"],
        LINES["if reached.timed_out:"],  # it always did
    }


def test_what_more_tests_see_is_added_and_few_holes_are_left(tmp_path: Path) -> None:
    found = seen(tmp_path, tests=TESTS + MORE)
    assert found["waits"] == {str(STAGE): {"timed_out": 1, "matched": 1}, str(SIGNAL): {"signalled": 1}}
    assert [hole["why"].split(":")[1].strip() for hole in found["holes"]] == [
        "another final stage",
        "deal deleted",
        "timed out",
    ]
    assert found["lines"][str(LINES["await crm.deal(deal).add_comment(text)"])] == 1


OURS = """

async def test_what_is_held(world):
    from bizproc.crm.holding import holding
    await world.start(holding())
"""


def test_processes_that_come_with_bizproc_are_not_for_its_users_to_test(tmp_path: Path) -> None:
    seen(tmp_path, tests=TESTS + OURS)
    assert json.loads((tmp_path / "seen.json").read_text()).keys() == {"sales.follow_up"}


def test_replays_and_crashes_count_nothing_twice(tmp_path: Path) -> None:
    smooth = seen(tmp_path, tests=TESTS + MORE)
    assert seen(tmp_path, "--bizproc-always-replay", tests=TESTS + MORE) == smooth
    crashed = seen(tmp_path, "--bizproc-crash")  # many worlds, and each counts
    assert crashed["lines"].keys() == seen(tmp_path)["lines"].keys()
    assert crashed["holes"] == seen(tmp_path)["holes"]


def test_a_run_that_has_seen_too_little_fails(tmp_path: Path) -> None:
    ran = run(tmp_path, "--bizproc-coverage-fail-under=80")
    assert ran.returncode == 1
    assert "FAIL: tests have seen" in ran.stdout and "1 passed" in ran.stdout
    assert run(tmp_path, "--bizproc-coverage-fail-under=30").returncode == 0


def test_the_drawing_reads_the_report(tmp_path: Path) -> None:
    seen(tmp_path)
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "bizproc.cli",
            "diagram",
            "sales.follow_up",
            "--processes",
            "sales",
            "--coverage",
            "seen.json",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Tests have seen 5 of 8 steps" in ran.stdout


BRANCHES = """
from bizproc import crm, process, wait
from bizproc.model import Deal


@process("sales.branches")
async def branches(deal: Deal, *, limit: int = 3) -> str:
    said = "much"
    if deal.amount > limit:
        said = "more"
    if limit == 1:
        said = "one"
    else:
        said = "others"
    try:
        weight = 1 / limit
    except ZeroDivisionError:
        weight = 0
    match limit:
        case 0:
            return "nothing"
        case 3:
            said = "three"
    while weight > 5:
        weight -= 1
    if (
        await wait.for_signal("answer", type=int)
    ).value == 1:
        return "yes"
    return said
"""

ONE_WAY = """
from decimal import Decimal
from branches import branches


async def test_much(world):
    run = await world.start(branches(await world.deal(title="T", amount=Decimal(5))))
    await run.signal("answer", 2)
    assert await run.result() == "three"
"""

ANOTHER_WAY = """

async def test_nothing(world):
    assert await (await world.start(branches(await world.deal(title="T"), limit=0))).result() == "nothing"


async def test_yes(world):
    run = await world.start(branches(await world.deal(title="T"), limit=1))
    await run.signal("answer", 1)
    assert await run.result() == "yes"
"""


@pytest.mark.parametrize("traced", [False, True], ids=["alone", "beside another tracer"])
def test_branches_in_which_nothing_is_awaited_are_seen_by_their_lines(tmp_path: Path, traced: bool) -> None:
    (tmp_path / "branches.py").write_text(BRANCHES)
    other = "import sys\nsys.settrace(lambda *_: None)\n" if traced else ""
    ran = run(tmp_path, "--bizproc-coverage", tests=other + ONE_WAY)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    holes = [line.strip() for line in ran.stdout.splitlines() if line.startswith("  line")]
    assert holes == [
        "line 9  never false: if deal.amount > limit",
        "line 11  never true: if limit == 1",
        "line 17  never handled: except ZeroDivisionError",
        "line 20  never: case 0",
        "line 24  never true: while weight > 5",
        "line 26  never true: if (await wait.for_signal('answer', type=int)).value == 1",
    ]
    ran = run(tmp_path, "--bizproc-coverage=seen.json", tests=other + ONE_WAY + ANOTHER_WAY)
    assert [line.strip() for line in ran.stdout.splitlines() if line.startswith("  line")] == [
        "line 24  never true: while weight > 5",
    ]
    assert json.loads((tmp_path / "seen.json").read_text())["sales.branches"]["1"]["never"]["ends"] == []


def test_a_file_that_is_no_json_is_refused_for_it_may_be_what_is_to_be_tested(tmp_path: Path) -> None:
    ran = run(tmp_path, "--bizproc-coverage", "test_sales.py")
    assert ran.returncode == 4
    assert "ends in .json" in ran.stderr


def test_without_the_option_nothing_is_watched_and_nothing_said(tmp_path: Path) -> None:
    ran = run(
        tmp_path,
        tests=TESTS + "\n\ndef test_off():\n    import sys\n    assert 'bizproc.testing.coverage' not in sys.modules\n",
    )
    assert ran.returncode == 0, ran.stdout
    assert "processes" not in ran.stdout


@pytest.mark.parametrize("flag", ["--bizproc-coverage", "--bizproc-coverage-fail-under=100"])
def test_a_run_without_a_process_has_no_holes(tmp_path: Path, flag: str) -> None:
    ran = run(tmp_path, flag, tests="def test_nothing():\n    pass\n")
    assert ran.returncode == 0
    assert "no process has run" in ran.stdout


WORKERS = ("-p", "xdist.plugin", "--numprocesses", "2", "--dist", "load")

CRASHES = """

def test_it_takes_its_program_along():
    import os
    os._exit(3)
"""


def test_what_workers_have_seen_is_added_up(tmp_path: Path) -> None:
    """Three tests in two programs: as if one had run them all."""
    alone = seen(tmp_path, tests=TESTS + MORE)
    assert seen(tmp_path, *WORKERS, tests=TESTS + MORE) == alone
    least = ("--bizproc-coverage-fail-under", f"{alone['percent'] - 0.1:g}")
    assert run(tmp_path, *WORKERS, *least, tests=TESTS + MORE).returncode == 0
    ran = run(tmp_path, *WORKERS, "--bizproc-coverage-fail-under", "100", tests=TESTS + MORE)
    assert ran.returncode == 1
    assert "FAIL: tests have seen" in ran.stdout


def test_what_a_worker_took_along_is_said_to_be_missing(tmp_path: Path) -> None:
    ran = run(tmp_path, *WORKERS, "--bizproc-coverage", tests=TESTS + CRASHES)
    assert ran.returncode == 1
    assert "workers that ended without a report: 1." in ran.stdout
