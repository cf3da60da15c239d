"""`ProcessMachine` finds faults that people make, with stories that are short, and lets sound processes live."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, run_state_machine_as_test

from bizproc import Retry, action, crm, gather, new_id, process, wait
from bizproc.model import Activity, Comment, Deal
from bizproc.testing import ProcessMachine, StepTrouble

QUICK = settings(
    max_examples=200,
    stateful_step_count=10,
    deadline=None,
    database=None,
    derandomize=True,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
FEW = settings(QUICK, max_examples=25, stateful_step_count=15)


def story_of(machine: type[ProcessMachine], error: type[BaseException] = AssertionError) -> tuple[list[str], str]:
    """The calls of the story with which a machine fails, without its first and last line; and what it fails with."""
    with pytest.raises(error) as caught:
        run_state_machine_as_test(machine, settings=QUICK)
    notes = "\n".join(getattr(caught.value, "__notes__", ()))
    calls = re.findall(r"^\s*state\.(.*)$", notes, re.MULTILINE)
    checks = {name for name in dir(machine) if hasattr(getattr(machine, name), "hypothesis_stateful_invariant")}
    assert checks
    return [call for call in calls if call.split("(")[0] not in {*checks, "teardown"}], str(caught.value)


# -- state outside of the journal --------------------------------------------------------------------------------------

greeted: set[int] = set()


@process("machine.greets_once")
async def greets_once(deal: Deal) -> None:
    """What was done is remembered in the module: after a crash it is forgotten, and nobody asks the journal."""
    if deal.id not in greeted:
        greeted.add(deal.id)
        await crm.deal.add_comment("Welcome")
    await wait.sleep(timedelta(days=1))


class Greetings(ProcessMachine):
    process = greets_once

    async def setup(self, world: Any) -> None:
        greeted.clear()

    @invariant()
    def a_deal_is_greeted_once(self) -> None:
        for deal in self.find(Deal):
            assert len(self.find(Comment, of=deal)) <= 1


def test_state_kept_in_the_module_is_found_by_a_crash() -> None:
    story, told = story_of(Greetings)
    assert len(story) <= 4 and "start(parameters={})" in story
    assert [call for call in story if call.startswith("crash")]
    assert "stuck" in told


# -- a wait that never ends --------------------------------------------------------------------------------------------


@process("machine.waits_for_ever")
async def waits_for_ever(deal: Deal) -> None:
    """It forgets that nobody may ever approve."""
    approved = await wait.for_signal("approved", bool)
    await crm.deal.change_stage("WON" if approved.value else "LOSE")


class Approvals(ProcessMachine):
    process = waits_for_ever
    signals: ClassVar = {"approved": st.booleans()}

    @invariant()
    def nobody_waits_for_more_than_a_year(self) -> None:
        for status in self.instances(living=True):
            assert self.world.clock.now() - status.started_at < timedelta(days=365), f"{status.id} waits for ever"


def test_a_wait_without_a_timeout_is_found_by_the_clock() -> None:
    story, told = story_of(Approvals)
    assert story == ["start(parameters={})", "let_time_pass(duration=datetime.timedelta(days=366))"]
    assert "waits for ever" in told


# -- one too few -------------------------------------------------------------------------------------------------------


@process("machine.reminds")
async def reminds(deal: Deal, *, times: int) -> None:
    """Reminds so many times, it says; it begins to count at one."""
    for _ in range(1, times):
        await wait.sleep(timedelta(days=1))
        await crm.deal.add_activity("Remind")


class Reminders(ProcessMachine):
    process = reminds

    async def call(self, world: Any, process: Any, parameters: dict[str, Any]) -> Any:
        return process(await world.deal(probability=abs(parameters["times"]) % 4), times=abs(parameters["times"]) % 4)

    @invariant()
    def who_is_done_has_reminded_as_often_as_it_should(self) -> None:
        for status in self.instances():
            if status.state == "completed" and status.document:
                deal = self.run(self.world.get(Deal, status.document.id))
                assert len(self.find(Activity, of=deal)) == deal.probability


def test_an_off_by_one_is_found_with_the_least_number() -> None:
    story, _ = story_of(Reminders)
    assert story == ["start(parameters={'times': 1})"]


# -- a sound process lives ---------------------------------------------------------------------------------------------


@action("machine.score", retry=Retry(attempts=3, first_delay=timedelta(minutes=1)))
async def score(title: str) -> int:
    raise RuntimeError("the body of a step that has an answer does not run")


@process("machine.sound")
async def sound(deal: Deal, *, limit: int = 50, within: timedelta = timedelta(days=7)) -> str:
    points, _ = await gather(score(deal.title), new_id())
    if points < limit:
        return "too few"
    approved = await wait.for_signal("approved", bool, timeout=within)
    if approved.timed_out:
        await crm.deal.add_comment("Nobody has answered")
        return "silence"
    await crm.deal.add_comment("Approved" if approved.value else "Refused")
    reached = await wait.until_stage("WON", timeout=timedelta(days=14))
    return "late" if reached.timed_out else reached.stage or ""


class Sound(ProcessMachine):
    process = sound
    signals: ClassVar = {"approved": st.booleans()}
    steps: ClassVar = {score: st.integers(0, 100)}
    changes: ClassVar = {"amount": st.integers(0, 1000).map(Decimal)}
    may_fail: ClassVar[tuple[type[BaseException], ...]] = (StepTrouble,)

    @invariant()
    def there_is_one_comment_at_most(self) -> None:
        for deal in self.find(Deal):
            assert len(self.find(Comment, of=deal)) <= 1


Sound.TestCase.settings = FEW
TestSound = Sound.TestCase


class SoundReplayed(Sound):
    always_replay = True


SoundReplayed.TestCase.settings = FEW
TestSoundReplayed = SoundReplayed.TestCase


# -- the rules of a machine --------------------------------------------------------------------------------------------


@pytest.fixture
def machine() -> Iterator[Sound]:
    made = Sound()
    yield made
    made.teardown()


def outcomes(machine: ProcessMachine) -> list[tuple[str, str | None]]:
    return [(status.state, status.waits_for) for status in machine.instances()]


def test_a_machine_has_a_rule_for_each_thing_that_can_happen() -> None:
    marks = ("hypothesis_stateful_rule", "hypothesis_stateful_initialize_rule")
    rules = {name for name in dir(Sound) if any(hasattr(getattr(Sound, name), mark) for mark in marks)}
    assert rules == {
        *("begin", "start", "cancel", "crash", "crash_soon", "let_time_pass", "let_time_pass_until_something_is_due"),
        *("send_approved", "change_amount", "change_stage", "score_answers", "score_fails"),
    }


def test_a_pasted_story_does_the_same_again(machine: Sound) -> None:
    state: Any = machine
    state.begin(score=60)
    state.start(parameters={"limit": 60})
    state.crash_soon(behind=True, commits=1)
    state.send_approved(value=True, which=7)
    state.let_time_pass_until_something_is_due(just_before=True)
    assert outcomes(machine) == [("waiting", 'until_stage(stages=["WON"], timeout=14 days)')]
    state.change_stage(value="WON", which=0)
    assert outcomes(machine) == [("completed", None)]


def test_a_step_fails_and_then_answers_late(machine: Sound) -> None:
    state: Any = machine
    state.score_fails(times=2, then=10)
    state.start(parameters={})
    state.let_time_pass(duration=timedelta(hours=1))
    assert outcomes(machine) == [("completed", None)]
    state.score_fails(times=3, then=10)
    state.start(parameters={})
    state.let_time_pass(duration=timedelta(hours=1))
    assert [status.state for status in machine.instances()] == ["completed", "failed"]
    began = machine.world.clock.now()
    state.score_answers(value=10, takes=timedelta(hours=2))
    state.start(parameters={})
    assert machine.world.clock.now() - began == timedelta(hours=2)


class NeverFails(Sound):
    may_fail = ()


def test_a_failure_that_is_not_expected_is_a_fault() -> None:
    state: Any = NeverFails()
    state.score_fails(times=3, then=0)
    state.start(parameters={})
    state.what_holds_for_every_process_holds()
    state.let_time_pass(duration=timedelta(hours=1))
    with pytest.raises(AssertionError, match=r"machine\.sound-2 failed: StepTrouble: the outside is not there") as told:
        state.what_holds_for_every_process_holds()
    state.teardown()
    assert "If an instance may end so, say it: `may_fail = (StepTrouble,)`." in str(told.value)


@process("machine.crashes")
async def crashes(deal: Deal) -> None:
    """It always does."""
    await crm.deal.change_stage({"WON": "LOSE"}[deal.stage])


class Crashes(ProcessMachine):
    process = crashes


def test_a_process_that_always_crashes_is_found_where_nothing_is_said_of_failures() -> None:
    story, told = story_of(Crashes)
    assert story == ["start(parameters={})"]
    assert "machine.crashes-2 failed: KeyError: 'NEW'" in told
    assert 'await crm.deal.change_stage({"WON": "LOSE"}[deal.stage])' in told, "the line is not there"
    assert "driver.py" not in told


class MayCrash(Crashes):
    may_fail = (KeyError,)


def test_a_failure_that_is_named_is_no_fault() -> None:
    state: Any = MayCrash()
    state.start(parameters={})
    state.what_holds_for_every_process_holds()
    assert outcomes(state) == [("failed", None)]
    state.teardown()


def test_a_machine_without_a_process_says_so() -> None:
    with pytest.raises(TypeError, match="Nothing has no process"):
        type("Nothing", (ProcessMachine,), {})()
