"""Steps of one's own: plain functions outside a process, commands inside; when they are tried again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc.core.commands import running_step
from bizproc.core.errors import NestedStep, NotInProcess, ProcessDefinitionError, WrongArgument
from bizproc.core.steps import ONCE, Retry, RunningStep, Step, action, step_key
from bizproc.verbs import gather
from tests.unit.core.drive import Boom, answer, begun, error_of, fail, result, say


@action("scoring.score", retry=Retry(attempts=3), timeout=timedelta(seconds=30))
async def score(company_id: int, *, weight: float = 1.0) -> int:
    """How good a company is."""
    return int(company_id * weight)


@action("scoring.key")
async def own_key() -> str:
    return step_key()


@contextmanager
def body(name: str, key: str) -> Iterator[None]:
    """As if the body of a step ran here."""
    token = running_step.set(RunningStep(name, key, 1))
    try:
        yield
    finally:
        running_step.reset(token)


class Lowest(Random):
    def random(self) -> float:
        return 0.0


class Highest(Random):
    def random(self) -> float:
        return 1.0 - 2**-53


def seconds(retry: Retry, attempts: int, random: Random | None = None) -> list[float]:
    return [retry.delay(attempt, random).total_seconds() for attempt in range(1, attempts + 1)]


# -- calling -----------------------------------------------------------------------------------------------------------


def test_outside_a_process_a_step_is_the_plain_function() -> None:
    assert asyncio.run(as_coroutine(score(21, weight=2.0))) == 42


async def as_coroutine(awaitable: Any) -> Any:
    return await awaitable


def test_outside_a_process_nothing_is_checked_but_what_python_checks() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'wait'"):
        _ = score(1, wait=2)  # type: ignore[call-arg]


def test_inside_a_process_a_step_is_a_command_with_checked_arguments() -> None:
    async def program() -> Any:
        return await score(5)

    driver = begun(program())
    command = driver.asks["0"].command
    assert isinstance(command, Step)
    assert command.function is score
    assert (command.kind, command.name, command.result_type) == ("step", "scoring.score", int)
    assert command.bound == {"company_id": 5, "weight": 1.0}
    driver.resume("0", 42)
    assert result(driver) == 42


def test_a_steps_arguments_are_those_that_differ_from_their_default() -> None:
    async def program() -> None:
        await gather(score(5), score(5, weight=1.0), score(company_id=5, weight=2.0))

    driver = begun(program())
    assert [dict(ask.command.arguments()) for ask in driver.asks.values()] == [
        {"company_id": 5}, {"company_id": 5}, {"company_id": 5, "weight": 2.0},
    ]  # fmt: skip
    driver.cancel()


def test_a_wrong_argument_is_refused_at_the_call_by_name() -> None:
    async def program() -> None:
        await score("five")  # type: ignore[arg-type]

    error = error_of(begun(program()))
    assert isinstance(error, WrongArgument)
    assert str(error) == "scoring.score: parameter company_id: expected int, got 'five' (str)"


def test_a_steps_body_is_run_with_the_arguments_that_were_checked() -> None:
    async def program() -> None:
        await score(21, weight=2.0)

    driver = begun(program())
    command = driver.asks["0"].command
    assert isinstance(command, Step)
    assert asyncio.run(command.function.run(command.bound)) == 42
    driver.cancel()


def test_a_steps_failure_is_raised_at_its_await() -> None:
    async def program() -> str:
        try:
            await score(5)
        except Boom as error:
            return str(error)
        return "no error"

    driver = begun(program())
    fail(driver, "scoring.score", Boom("no score"))
    assert result(driver) == "no score"


def test_a_step_called_in_a_process_and_never_awaited_does_nothing_and_takes_no_address() -> None:
    async def program() -> None:
        _ = score(5)
        await say("a")

    driver = begun(program())
    assert list(driver.asks) == ["0"]
    answer(driver, a=None)


def test_a_step_called_in_the_body_of_a_step_is_refused_and_both_are_named() -> None:
    with body("scoring.outer", "w-1/0"), pytest.raises(NestedStep) as raised:
        _ = score(5)
    assert (raised.value.command, raised.value.step) == ("scoring.score", "scoring.outer")
    assert str(raised.value) == (
        "scoring.score was used inside the body of the step scoring.outer: a step is one unit and holds no other. "
        "Await both in the process."
    )


def test_a_step_keeps_name_and_documentation_of_its_function() -> None:
    assert (score.name, score.__doc__) == ("scoring.score", "How good a company is.")
    assert (score.timeout, score.at_most_once, score.retry) == (timedelta(seconds=30), False, Retry(attempts=3))
    assert own_key.retry is ONCE
    assert ONCE.attempts == 1


# -- its key -----------------------------------------------------------------------------------------------------------


def test_a_steps_body_knows_its_key() -> None:
    with body("scoring.key", "w-1/3.0.2"):
        assert step_key() == "w-1/3.0.2"


def test_there_is_no_key_outside_the_body_of_a_step() -> None:
    with pytest.raises(NotInProcess) as raised:
        step_key()
    assert str(raised.value) == (
        "step_key() can be awaited only inside a process. It is for the body of an @action step."
    )


def test_there_is_no_key_in_a_process_between_steps() -> None:
    async def program() -> str:
        return step_key()

    assert isinstance(error_of(begun(program())), NotInProcess)


# -- definition --------------------------------------------------------------------------------------------------------


def test_an_action_is_an_async_function() -> None:
    def plain() -> None: ...

    with pytest.raises(ProcessDefinitionError) as raised:
        action("scoring.plain")(plain)  # type: ignore[arg-type]
    assert str(raised.value) == "process scoring.plain: an @action is an async function: write `async def`."


def test_an_action_that_runs_at_most_once_is_not_retried() -> None:
    async def pay() -> None: ...

    with pytest.raises(ProcessDefinitionError, match="an at_most_once action cannot be retried"):
        action("bank.pay", retry=Retry(attempts=2), at_most_once=True)(pay)
    once = action("bank.pay", retry=Retry(attempts=1), at_most_once=True)(pay)
    assert once.at_most_once
    assert action("bank.pay", at_most_once=True)(pay).retry is ONCE


# -- trying again ------------------------------------------------------------------------------------------------------


def test_each_delay_is_a_multiple_of_the_one_before_up_to_the_longest() -> None:
    retry = Retry(first_delay=timedelta(seconds=3), factor=2, longest_delay=timedelta(seconds=20))
    assert seconds(retry, 6) == [3, 6, 12, 20, 20, 20]


def test_a_factor_of_one_keeps_the_delay() -> None:
    assert seconds(Retry(first_delay=timedelta(seconds=3), factor=1), 4) == [3, 3, 3, 3]


def test_a_first_delay_above_the_longest_is_the_longest() -> None:
    assert seconds(Retry(first_delay=timedelta(hours=1)), 2) == [300, 300]


def test_no_delay_stays_none() -> None:
    assert seconds(Retry(first_delay=timedelta(0), factor=10.0), 3) == [0, 0, 0]
    assert Retry(first_delay=timedelta(0), factor=10.0).delay(10_000, None) == timedelta(0)


@pytest.mark.parametrize("factor", [2, 2.5, 10**6, 1e300])
def test_many_attempts_and_large_factors_give_the_longest_delay(factor: float) -> None:
    retry = Retry(attempts=10**6, factor=factor)
    for attempt in (65, 1_024, 10**6):
        assert retry.delay(attempt, None) == timedelta(minutes=5)


def test_a_small_factor_reaches_the_longest_delay_in_the_end() -> None:
    retry = Retry(attempts=1_000, factor=1.01)
    assert retry.delay(101, None).total_seconds() == pytest.approx(1.01**100, abs=1e-6)
    assert retry.delay(1_000, None) == timedelta(minutes=5)


def test_jitter_lengthens_by_up_to_its_share_and_never_shortens() -> None:
    retry = Retry(first_delay=timedelta(seconds=10), jitter=0.5)
    assert seconds(retry, 1, Lowest()) == [10]
    assert seconds(retry, 1, Highest()) == [pytest.approx(15)]
    drawn = {retry.delay(1, Random(seed)) for seed in range(100)}
    assert len(drawn) > 90
    assert timedelta(seconds=10) <= min(drawn) <= max(drawn) <= timedelta(seconds=15)


def test_without_random_there_is_no_jitter() -> None:
    assert seconds(Retry(first_delay=timedelta(seconds=10), jitter=0.5), 1) == [10]


def test_not_even_jitter_makes_a_delay_longer_than_the_longest() -> None:
    retry = Retry(first_delay=timedelta(seconds=10), longest_delay=timedelta(seconds=12), jitter=0.5)
    assert seconds(retry, 3, Highest()) == [12, 12, 12]


@given(
    st.builds(
        Retry,
        first_delay=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=1)),
        factor=st.floats(min_value=1, max_value=1e9),
        longest_delay=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=30)),
        jitter=st.floats(min_value=0, max_value=10),
    ),
    st.integers(1, 10_000),
    st.none() | st.randoms(use_true_random=False),
)
def test_delays_never_shrink_and_stay_within_their_bounds(retry: Retry, attempt: int, random: Random | None) -> None:
    delay = retry.delay(attempt, random)
    assert timedelta(0) <= delay <= retry.longest_delay
    assert min(retry.delay(attempt, None), retry.longest_delay) <= delay
    assert retry.delay(attempt, None) <= retry.delay(attempt + 1, None)


def test_attempts_are_counted_with_the_first() -> None:
    retry = Retry(attempts=3)
    assert [retry.again(attempt, Boom()) for attempt in (1, 2, 3, 4)] == [True, True, False, False]
    assert not ONCE.again(1, Boom())


def test_errors_to_give_up_on_and_those_derived_from_them_are_not_tried_again() -> None:
    retry = Retry(give_up_on=(LookupError, Boom))
    assert not retry.again(1, KeyError("x"))
    assert not retry.again(1, Boom())
    assert retry.again(1, ValueError("x"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempts": 0},
        {"attempts": 1.5},
        {"attempts": "3"},
        {"factor": 0.5},
        {"factor": float("nan")},
        {"jitter": -0.1},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError), match=next(iter(wrong))):
        Retry(**wrong)
