"""
Faults put into the code on purpose: for each there is a test that tells.

A fault is a small change of one file, the kind that a tired hand makes. It is put into a copy of the code, never into
the code itself, and the test that is named beside it must fail there; with the code as it is, it passes. So it is known
of these tests that they can fail, and why.

Where the code has moved on, `old` does not stand in it any more: then the fault is to be written anew, in the new code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import cache_from_source
from pathlib import Path
from shutil import copy2, copytree, ignore_patterns

import pytest
from attrs import frozen

ROOT = Path(__file__).parents[2]

# A fault that makes a test hang is no fault to be seeded. Generous: machines may be busy.
SECONDS = 240


@frozen(kw_only=True)
class Fault:
    """
    A fault.

    Attributes:
        is_: What is wrong then, as the id of the case.
        file: Where.
        old: What stands there, once.
        new: What the fault makes of it.
        test: The test that passes without it and fails with it.
    """

    is_: str
    file: str
    old: str
    new: str
    test: str


FAULTS = (
    # -- rules
    Fault(
        is_="the pointer of a queue is a place and not a member",
        file="bizproc/rules/picks.py",
        old="return (place[state.last] + 1) % len(ring)",
        new="return (state.ring.index(state.last) + 1) % len(ring)",
        test="tests/properties/test_queue_laws.py::test_law_9_the_pointer_is_a_member_and_not_a_place",
    ),
    Fault(
        is_="at the end of an absence one is still absent",
        file="bizproc/rules/absences.py",
        old="return any(start <= at < until for start, until in spans)",
        new="return any(start <= at <= until for start, until in spans)",
        test="tests/properties/test_queue_laws.py::test_law_21_at_the_end_of_an_absence_one_is_there",
    ),
    Fault(
        is_="what is added may end exactly at closing",
        file="bizproc/rules/calendars.py",
        old="            if left < end - start:",
        new="            if left <= end - start:",
        test="tests/properties/test_calendar_laws.py::test_law_5_eight_hours_from_nine_end_at_nine_of_the_next_day",
    ),
    Fault(
        is_="what chance says depends on the Python that runs",
        file="bizproc/rules/picks.py",
        old='int.from_bytes(blake2b(scene.luck.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")',
        new="abs(hash(scene.luck))",
        test="tests/properties/test_queue_laws.py::test_law_3_what_a_seed_gives_depends_on_nothing_else",
    ),
    Fault(
        is_="chance always says the same of the same record",
        file="bizproc/rules/assigning.py",
        old='luck = f"{request.seed}\\0{request.record}"',
        new="luck = request.record",
        test="tests/properties/test_queue_laws.py::test_law_16_another_seed_gives_another_pick",
    ),
    Fault(
        is_="who has left the queue and comes anew is still owed turns",
        file="bizproc/rules/picks.py",
        old="owed = {user: number for user, number in state.owed.items() if user in scene.ring}",
        new="owed = dict(state.owed)",
        test="tests/properties/test_queue_laws.py::test_law_7_only_who_was_absent_from_the_queue_catches_up",
    ),
    Fault(
        is_="of a time that the clocks show twice the second is meant",
        file="bizproc/rules/shifts.py",
        old="    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)",
        new="    moment = local.replace(tzinfo=zone, fold=1).astimezone(UTC)",
        test="tests/properties/test_calendar_laws.py::test_law_8_a_time_on_the_clock_is_the_first_moment_that_shows_it",
    ),
    Fault(
        is_="a night shift goes on into a holiday",
        file="bizproc/rules/calendars.py",
        old="        if spans and self._closed(day + ONE_DAY):",
        new="        if False:",
        test="tests/properties/test_calendar_laws.py::test_law_7_an_exception_wins_over_a_holiday",
    ),
    # -- the driver
    Fault(
        is_="the losers of a race go on",
        file="bizproc/core/driver.py",
        old="            for branch in forked.branches:\n                self._cancel(branch)",
        new="            for branch in forked.branches[index:]:\n                self._cancel(branch)",
        test="tests/unit/core/test_forks.py::test_a_loser_gets_no_answer_any_more",
    ),
    Fault(
        is_="branches that are ready run in the wrong order",
        file="bizproc/core/driver.py",
        old="            branch = ready.popleft()",
        new="            branch = ready.pop()",
        test="tests/unit/core/test_forks.py::test_when_several_could_end_at_once_the_first_argument_wins",
    ),
    Fault(
        is_="what the cleanup of a loser raises is lost",
        file="bizproc/core/driver.py",
        old="            forked.decided = _with_later_error(decided, error, index)",
        new="            pass",
        test="tests/unit/core/test_forks.py::"
        "test_the_first_error_is_the_first_to_be_delivered_and_later_ones_are_notes_on_it",
    ),
    # -- the engine
    Fault(
        is_="a signal that is sent twice counts twice",
        file="bizproc/engines/embedded/works.py",
        old='"value": self.value, "once": self.once,',
        new='"value": self.value, "once": None,',
        test="tests/engine/test_scenarios_signals.py::test_a_signal_sent_twice_with_one_key_counts_once",
    ),
    Fault(
        is_="outcomes of one commit are delivered in the wrong order",
        file="bizproc/engines/embedded/instance.py",
        old="self._mailbox.extendleft(reversed(rest.answers))",
        new="self._mailbox.extendleft(rest.answers)",
        test="tests/engine/test_turns.py::test_a_loser_of_a_race_of_actions_leaves_its_waits_to_nobody",
    ),
    Fault(
        is_="signals that came before a restart are lost",
        file="bizproc/engines/embedded/instance.py",
        old="            self._keep(signal)\n        self._seen_signal",
        new="            pass\n        self._seen_signal",
        test="tests/engine/test_scenarios_signals.py::test_signals_are_first_in_first_out_and_exactly_once",
    ),
    Fault(
        is_="a wait begins anew after a restart, with a new deadline",
        file="bizproc/engines/embedded/instance.py",
        old="settled = progress.waits.keys() | progress.backoffs.keys() | self.bodies.keys()",
        new="settled = progress.backoffs.keys() | self.bodies.keys()",
        test="tests/engine/test_scenarios_waits.py::"
        # Where every turn is a replay it would begin anew without end.
        "test_a_wait_keeps_its_deadline_when_another_one_ends_after_a_restart[live]",
    ),
    Fault(
        is_="a retried instance waits once more from the beginning",
        file="bizproc/engines/embedded/instance.py",
        old='                self._add_timer(turn, address, moment_text(deadline), "wait")',
        new="                self._add_timer(turn, address, moment_text(self._engine.later("
        'getattr(ask.command, "duration", None) or getattr(ask.command, "timeout", None))), "wait")',
        test="tests/engine/test_going_on.py::test_waits_of_other_branches_keep_their_deadline_over_a_retry",
    ),
    Fault(
        is_="a step is tried once too often",
        file="bizproc/engines/embedded/engine.py",
        old="        attempt = instance.progress.attempts.get(address, 0) + 1",
        new="        attempt = instance.progress.attempts.get(address, 0)",
        test="tests/engine/test_scenarios_steps.py::test_a_step_whose_attempts_are_used_up_raises_its_last_error",
    ),
    Fault(
        is_="the key of a step does not say in which run it was asked for",
        file="bizproc/engines/embedded/starting.py",
        old='    return f"{id}/{run}~{address}" if run else f"{id}/{address}"',
        new='    return f"{id}/{address}"',
        test="tests/engine/test_scenarios_steps.py::test_a_step_has_another_key_in_the_next_run",
    ),
    Fault(
        is_="an action that fails leaves behind what it had written",
        file="bizproc/engines/embedded/performing.py",
        old="        with tx.savepoint():\n            value = _value(",
        new="        if tx:\n            value = _value(",
        test="tests/properties/test_queue_laws_in_the_store.py::test_law_13_a_failed_write_uses_up_no_turn",
    ),
    Fault(
        is_="an action that fails tells what it has undone",
        file="bizproc/engines/embedded/performing.py",
        old="        return Performed(None, error, context.codec.encode_error(error), left, None, None, [])",
        new="        return Performed(None, error, context.codec.encode_error(error), events + left, None, None, [])",
        test="tests/properties/test_queue_laws_in_the_store.py::test_law_13_what_was_undone_starts_nothing",
    ),
    # -- the CRM in SQL
    Fault(
        is_="what does not hold of null is not found by its opposite",
        file="bizproc/adapters/sql_crm/filtering.py",
        old='    return Sql(f"({sql.text}) IS NOT 1", sql.parameters, sql.exact)',
        new='    return Sql(f"NOT ({sql.text})", sql.parameters, sql.exact)',
        test="tests/properties/test_filters.py::test_law_9_order_is_false_on_null",
    ),
    Fault(
        is_="what is null is not found as unequal",
        file="bizproc/adapters/sql_crm/filtering.py",
        old="""    return Sql(f"{value.text} {'=' if positive else 'IS NOT'} ?", (written,))""",
        new="""    return Sql(f"{value.text} {'=' if positive else '<>'} ?", (written,))""",
        test="tests/properties/test_filters.py::test_law_8_unequal_includes_null",
    ),
    Fault(
        is_="the first moment of the next day belongs to the day",
        file="bizproc/adapters/sql_crm/filtering.py",
        old='        return _range(value.text, from_, to, "<")',
        new='        return _range(value.text, from_, to, "<=")',
        test="tests/properties/test_filters.py::test_law_17_days_of_23_and_25_hours",
    ),
    Fault(
        is_="the companion of a text is not folded",
        file="bizproc/adapters/sql_crm/shapes.py",
        old='            row += [folded(values[name] or "") for name in names if name in self.companions]',
        new='            row += [values[name] or "" for name in names if name in self.companions]',
        test="tests/properties/test_filters.py::test_law_11_case",
    ),
    Fault(
        is_="who came last leaves the line first",
        file="bizproc/adapters/sql_crm/queues.py",
        old='    "ORDER BY priority, arrived, number LIMIT ?"',
        new='    "ORDER BY priority, arrived DESC, number DESC LIMIT ?"',
        test="tests/contract/test_change_responsible.py::test_what_is_held_is_given_away_when_somebody_has_room",
    ),
    Fault(
        is_="one in the line that cannot be given away fails the action of another",
        file="bizproc/adapters/sql_crm/queues.py",
        old="    except ActionError:\n        del performing.events[told:]",
        new="    except ZeroDivisionError:\n        del performing.events[told:]",
        test="tests/contract/test_change_responsible.py::"
        "test_what_cannot_be_given_away_keeps_its_place_and_harms_nobody_else",
    ),
    Fault(
        is_="room that one line makes is used by no other",
        file="bizproc/adapters/sql_crm/queues.py",
        old="            moved = _release(performing, portal, place) or moved",
        new="            _release(performing, portal, place)",
        test="tests/contract/test_change_responsible.py::"
        "test_room_that_one_line_makes_is_used_by_another_in_the_same_commit",
    ),
    Fault(
        is_="who has to wait behind others uses up a turn",
        file="bizproc/adapters/sql_crm/queues.py",
        old="    elif state is not None:\n        performing.transaction.execute(_SAVE,",
        new="    if state is not None:\n        performing.transaction.execute(_SAVE,",
        test="tests/properties/test_queue_machine.py::test_queues_lived_through[LeastRecent]",
    ),
    Fault(
        is_="a deal has the contacts of a lead with its number",
        file="bizproc/adapters/sql_crm/filtering.py",
        old="""        return Sql(f"{alias}.id IN ({links} AND k.kind = '{shape.table.name}')", among.parameters)""",
        new="""        return Sql(f"{alias}.id IN ({links})", among.parameters)""",
        test="tests/properties/test_filters.py::test_law_19_who_is_listed",
    ),
    Fault(
        is_="an amount that no row can hold is unequal to none",
        file="bizproc/adapters/sql_crm/filtering.py",
        old="        return FALSE if positive else TRUE\n",
        new="        return FALSE\n",
        test="tests/properties/test_filters.py::test_law_15_money_and_numbers_are_exact",
    ),
    Fault(
        is_="what is equal to the last of a page is on no page",
        file="bizproc/adapters/sql_crm/ordering.py",
        old="""        least = ordered("<=" if self.falling else ">=", self""",
        new="""        least = ordered("<" if self.falling else ">", self""",
        test="tests/properties/test_filters.py::test_law_22_total_order",
    ),
    Fault(
        is_="what is done outside any process ends no wait",
        file="bizproc/adapters/sql_crm/waits.py",
        old="completed = 0 AND made_by IS NOT ?",
        new="completed = 0 AND made_by <> ?",
        test="tests/contract/test_waits.py::test_whatever_is_open_ends_the_wait",
    ),
    Fault(
        is_="the card of an older wait of the same instance stays open",
        file="bizproc/adapters/sql_crm/waits.py",
        old='    _close_all(performing, _open_of_instance(performing), "superseded")\n',
        new="",
        test="tests/contract/test_waits.py::test_a_newer_wait_of_the_same_instance_takes_the_place_of_the_older",
    ),
)

QUICK = "the losers of a race go on"


def copied(source: Path, target: Path) -> Path:
    """The code and its tests. With the compiled files, which are as good there: times of change are copied, too."""
    for folder in ("bizproc", "tests"):
        copytree(source / folder, target / folder, ignore=ignore_patterns(".hypothesis"))
    copy2(source / "pyproject.toml", target / "pyproject.toml")
    return target


def put_in(fault: Fault, folder: Path) -> None:
    path = folder / fault.file
    path.write_text(path.read_text("utf-8").replace(fault.old, fault.new), "utf-8")
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def run(folder: Path, tests: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run tests on the code in a folder, wherever else the code is installed. The same examples every time."""
    names = (
        "no:cacheprovider",
        "bizproc.testing.plugin",
        "_hypothesis_pytestplugin",
        "tests.mutations.without_shrinking",
    )
    plugins = [part for name in names for part in ("-p", name)]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-q", "-x", "--tb=short", "--hypothesis-seed=0", *tests],
        cwd=folder,
        # What is installed may name the plugin once more, and a plugin has one name.
        env={**os.environ, "PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.is_)
def test_what_a_fault_changes_stands_in_the_code_once(fault: Fault) -> None:
    found = (ROOT / fault.file).read_text("utf-8").count(fault.old)
    assert found == 1, f"the code has changed: find the fault '{fault.is_}' anew in {fault.file}"


@pytest.mark.parametrize(
    "fault",
    [pytest.param(each, id=each.is_, marks=() if each.is_ == QUICK else pytest.mark.long) for each in FAULTS],
)
def test_a_fault_is_told_by_its_test(fault: Fault, tmp_path: Path) -> None:
    folder = copied(ROOT, tmp_path / "copy")
    put_in(fault, folder)
    done = run(folder, [fault.test])
    # 1 is that a test has failed; with any other number nothing was tested.
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, f"{fault.is_}:\n{done.stdout}\n{done.stderr}"


@pytest.mark.long
def test_without_faults_all_of_these_tests_pass(tmp_path: Path) -> None:
    done = run(copied(ROOT, tmp_path / "copy"), sorted({fault.test for fault in FAULTS}))
    assert done.returncode == pytest.ExitCode.OK, f"{done.stdout}\n{done.stderr}"
