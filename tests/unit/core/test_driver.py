"""The driver: values in, commands out, addresses, cancelling, and what passes through it."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Generator, Iterator
from traceback import extract_tb
from typing import Any, cast

import pytest

from bizproc.core.commands import Command, Note, ask, current_instance, driving, running_step, shown
from bizproc.core.driver import Driver
from bizproc.core.errors import Cancelled, NestedStep, NotInProcess
from bizproc.core.outcome import Outcome
from bizproc.core.steps import RunningStep
from bizproc.verbs import gather, shield, this
from tests.unit.core.drive import INSTANCE, Boom, answer, asked, begun, error_of, fail, result, say


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """A coroutine that was never awaited warns in the test that made it."""
    yield
    gc.collect()


# -- values and errors -------------------------------------------------------------------------------------------------


def test_answers_come_out_of_their_awaits_and_what_is_returned_is_the_outcome() -> None:
    async def program() -> list[Any]:
        return [await say("a"), await say("b")]

    driver = begun(program())
    assert asked(driver) == {"0": "a"}
    assert driver.outcome is None
    driver.resume("0", 1)
    assert asked(driver) == {"1": "b"}
    driver.resume("1", None)
    assert result(driver) == [1, None]


def test_a_program_that_asks_for_nothing_ends_as_it_begins() -> None:
    async def program() -> str:
        return "done"

    driver = begun(program())
    assert result(driver) == "done"
    assert driver.coroutines() == []


def test_an_error_is_raised_at_its_await_and_can_be_handled_there() -> None:
    boom = Boom("a")

    async def program() -> object:
        try:
            return await say("a")
        except Boom as error:
            return error

    driver = begun(program())
    fail(driver, "a", boom)
    assert result(driver) is boom


def test_an_error_that_nobody_handles_is_the_outcome_with_the_users_line() -> None:
    async def program() -> None:
        await say("a")
        raise Boom("here")

    driver = begun(program())
    answer(driver, a=1)
    error = error_of(driver)
    assert (type(error), str(error)) == (Boom, "here")
    assert extract_tb(error.__traceback__)[-1].line == 'raise Boom("here")'


def test_commands_of_called_coroutines_are_numbered_with_those_of_their_caller() -> None:
    async def inner() -> Any:
        return await say("b") + await say("c")

    async def program() -> Any:
        await say("a")
        total = await inner()
        await say("d")
        return total

    driver = begun(program())
    seen: list[tuple[str, str]] = []
    for value in (0, 1, 2, 3):
        seen += asked(driver).items()
        driver.resume(next(iter(driver.asks)), value)
    assert seen == [("0", "a"), ("1", "b"), ("2", "c"), ("3", "d")]
    assert result(driver) == 3


def test_only_an_open_command_can_be_answered_and_only_once() -> None:
    async def program() -> None:
        await say("a")
        await say("b")

    driver = begun(program())
    driver.resume("0")
    for address in ("0", "7"):
        with pytest.raises(KeyError, match=address):
            driver.resume(address)
    assert asked(driver) == {"1": "b"}
    driver.resume("1")
    assert result(driver) is None


def test_a_command_given_back_leaves_its_address_to_the_next() -> None:
    async def program() -> Any:
        await say("a")
        old = await say("new?")
        return old, await say("b")

    driver = begun(program())
    answer(driver, a=None)
    driver.give_back("1", value=False)
    assert asked(driver) == {"1": "b"}
    answer(driver, b=2)
    assert result(driver) == (False, 2)


def test_a_command_given_back_in_a_branch_leaves_its_address_to_the_next_of_that_branch() -> None:
    async def branch(name: str) -> None:
        await say(f"{name}?")
        await say(name)

    async def program() -> None:
        await gather(branch("a"), branch("b"))

    driver = begun(program())
    driver.give_back("0.1.0", value=False)
    assert asked(driver) == {"0.0.0": "a?", "0.1.0": "b"}
    driver.resume("0.0.0")
    assert asked(driver) == {"0.1.0": "b", "0.0.1": "a"}
    answer(driver, a=None, b=None)
    assert result(driver) is None


# -- what the engine hears of ------------------------------------------------------------------------------------------


def test_fresh_asks_are_taken_once_in_the_order_in_which_they_were_asked() -> None:
    async def program() -> None:
        await gather(say("a"), say("b"))
        await say("c")

    driver = begun(program())
    assert [ask.address for ask in driver.take_fresh()] == ["0.0.0", "0.1.0"]
    assert driver.take_fresh() == []
    answer(driver, b=1, a=2)
    assert [ask.command.name for ask in driver.take_fresh()] == ["c"]
    answer(driver, c=None)
    assert driver.take_fresh() == driver.take_dropped() == []


def test_what_is_cancelled_before_the_engine_took_it_is_never_heard_of() -> None:
    async def program() -> None:
        await gather(say("a"), say("b"))

    driver = begun(program())
    driver.cancel()
    assert driver.take_fresh() == driver.take_dropped() == []


def test_what_is_cancelled_after_the_engine_took_it_is_dropped() -> None:
    async def program() -> None:
        await gather(say("a"), say("b"))

    driver = begun(program())
    taken = driver.take_fresh()
    answer(driver, a=1)
    driver.cancel()
    assert driver.take_dropped() == taken[1:]
    assert driver.take_dropped() == []
    assert driver.take_fresh() == []


def test_coroutines_are_those_that_have_not_ended_the_main_one_first() -> None:
    async def branch(name: str) -> None:
        await say(name)

    branches = [branch("a"), branch("b"), branch("c")]

    async def program() -> None:
        await gather(branches[0], gather(branches[1], branches[2]))

    main = program()
    driver = begun(main)
    assert [cast("Any", coroutine).__name__ for coroutine in driver.coroutines()] == [
        "program", "branch", "__call__", "branch", "branch",
    ]  # fmt: skip
    assert driver.coroutines()[0] is main
    answer(driver, b=None)
    assert [driver.coroutines()[1], driver.coroutines()[3]] == [branches[0], branches[2]]
    answer(driver, a=None, c=None)
    assert driver.coroutines() == []


# -- where a command may be awaited ------------------------------------------------------------------------------------


async def awaits(command: Command[Any]) -> Any:
    return await command


def test_a_command_awaited_outside_a_process_says_so() -> None:
    coroutine = awaits(Note("hello", {"n": 1}))
    with pytest.raises(
        NotInProcess, match=r"note\(text='hello', n=1\) can be awaited only inside a process\."
    ) as raised:
        coroutine.send(None)
    assert "runtime.perform" in str(raised.value)


def test_a_command_awaited_in_asyncio_says_so() -> None:
    with pytest.raises(NotInProcess, match=r"a\(\) can be"):
        asyncio.run(awaits(say("a")))


def test_a_command_awaited_in_the_body_of_a_step_names_the_step() -> None:
    token = running_step.set(RunningStep("scoring.score", "w-1/0", 1))
    try:
        with pytest.raises(NestedStep, match=r"scoring\.score") as raised:
            asyncio.run(awaits(say("a")))
    finally:
        running_step.reset(token)
    assert raised.value.command == "a()"


def test_a_process_knows_its_instance_and_nobody_else_does() -> None:
    async def program() -> Any:
        before = this()
        await say("a")
        return before, current_instance("x"), driving.instance

    driver = begun(program())
    assert driving.instance is None
    with pytest.raises(NotInProcess, match=r"this\(\)"):
        this()
    answer(driver, a=None)
    assert result(driver) == (INSTANCE, INSTANCE, INSTANCE)
    assert driving.instance is None


def test_a_process_can_be_driven_from_code_that_a_process_runs() -> None:
    # A test world may be advanced from anywhere; the outer process is itself again afterwards.
    async def inner() -> None:
        await say("inner")

    async def program() -> Any:
        driver = Driver(inner(), "another")
        driver.begin()
        driver.resume("0")
        return this(), await say("a")

    driver = begun(program())
    answer(driver, a=1)
    assert result(driver) == (INSTANCE, 1)


def test_a_command_is_shown_as_a_call() -> None:
    assert shown(Note("x", {"n": 1})) == "note(text='x', n=1)"
    assert shown(say("hello")) == "hello()"


def test_commands_can_be_asked_for_by_awaitables_of_the_users_own() -> None:
    class Twice:
        def __await__(self) -> Generator[Command[Any], Any, Any]:
            first = yield from ask(say("a"))
            second = yield from say("b").__await__()
            return first, second

    async def program() -> Any:
        return await Twice()

    driver = begun(program())
    answer(driver, a=1)
    answer(driver, b=2)
    assert result(driver) == (1, 2)


# -- cancelling --------------------------------------------------------------------------------------------------------


def test_a_cancel_is_raised_at_the_current_await_and_what_was_asked_there_is_dropped() -> None:
    log = []

    async def program() -> None:
        try:
            await say("a")
        except Cancelled:
            log.append("cancelled")
            raise

    driver = begun(program())
    driver.cancel()
    assert log == ["cancelled"]
    assert type(error_of(driver)) is Cancelled


def test_a_cancel_is_no_exception_that_user_code_swallows_by_accident() -> None:
    async def program() -> None:
        try:
            await say("a")
        except Exception:  # noqa: BLE001  that is the point
            await say("never")

    driver = begun(program())
    driver.cancel()
    assert type(error_of(driver)) is Cancelled


def test_cleanup_may_await_and_a_second_cancel_does_not_disturb_it() -> None:
    log = []

    async def program() -> None:
        try:
            await say("a")
        finally:
            log.append(await say("tidy"))
            log.append(await say("lock"))

    driver = begun(program())
    driver.cancel()
    assert asked(driver) == {"1": "tidy"}
    driver.cancel()
    assert asked(driver) == {"1": "tidy"}
    answer(driver, tidy=1)
    driver.cancel()
    answer(driver, lock=2)
    assert log == [1, 2]
    assert type(error_of(driver)) is Cancelled


def test_cleanup_may_fork_again_and_its_branches_are_not_cancelled() -> None:
    async def program() -> None:
        try:
            await say("a")
        finally:
            await gather(say("tidy"), say("lock"))

    driver = begun(program())
    driver.cancel()
    driver.cancel()
    assert asked(driver) == {"1.0.0": "tidy", "1.1.0": "lock"}
    answer(driver, lock=None, tidy=None)
    assert type(error_of(driver)) is Cancelled


def test_user_code_that_catches_a_cancel_goes_on() -> None:
    async def program() -> Any:
        try:
            await say("a")
        except Cancelled:
            return await say("b")

    driver = begun(program())
    driver.cancel()
    answer(driver, b="kept")
    assert result(driver) == "kept"


def test_an_error_in_cleanup_takes_the_place_of_the_cancel() -> None:
    async def program() -> None:
        try:
            await say("a")
        finally:
            raise Boom("tidying")

    driver = begun(program())
    driver.cancel()
    error = error_of(driver)
    assert type(error) is Boom
    assert type(error.__context__) is Cancelled


def test_a_cancel_after_the_end_changes_nothing() -> None:
    async def program() -> int:
        return 1

    driver = begun(program())
    driver.cancel()
    assert result(driver) == 1


def test_a_cancel_before_the_first_line_runs_none() -> None:
    log = []

    async def program() -> None:
        log.append("began")

    driver = Driver(program(), INSTANCE)
    driver.cancel()
    assert type(error_of(driver)) is Cancelled
    driver.cancel()
    driver.begin()
    assert log == []
    assert type(error_of(driver)) is Cancelled
    assert driver.coroutines() == []


def test_a_process_that_cancels_itself_is_cancelled() -> None:
    async def program() -> None:
        raise Cancelled

    assert type(error_of(begun(program()))) is Cancelled


# -- what passes through -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [SystemExit, GeneratorExit, asyncio.CancelledError])
def test_whatever_else_user_code_raises_is_its_outcome(kind: type[BaseException]) -> None:
    async def program() -> None:
        await say("a")
        raise kind

    driver = begun(program())
    driver.resume("0")
    assert driver.outcome is not None
    assert isinstance(driver.outcome.error, kind)


def test_an_interrupt_in_user_code_passes_through_and_leaves_the_thread_as_it_was() -> None:
    async def program() -> None:
        await say("a")
        raise KeyboardInterrupt

    async def drive() -> tuple[object, Driver]:
        driver = begun(program())
        with pytest.raises(KeyboardInterrupt):
            driver.resume("0")
        return asyncio.get_running_loop(), driver

    with asyncio.Runner() as runner:
        loop, driver = runner.run(drive())
        assert loop is runner.get_loop()
    assert driving.instance is None
    assert driver.outcome is None


def test_an_interrupt_in_one_branch_leaves_the_others_their_answers() -> None:
    async def interrupted() -> None:
        raise KeyboardInterrupt

    async def program() -> None:
        await gather(interrupted(), say("a"))

    driver = Driver(program(), INSTANCE)
    with pytest.raises(KeyboardInterrupt):
        driver.begin()
    driver.cancel()
    driver.cancel()
    assert driver.asks == {}


# -- size --------------------------------------------------------------------------------------------------------------


def test_a_loop_of_ten_thousand_forks_that_end_at_once_does_not_grow_the_stack() -> None:
    async def nothing() -> None: ...

    async def program() -> int:
        for _ in range(5_000):
            await gather()
            await gather(nothing(), nothing())
        await say("a")
        return 10_000

    driver = begun(program())
    assert asked(driver) == {"10000": "a"}
    answer(driver, a=None)
    assert result(driver) == 10_000


def test_forks_may_be_nested_deeper_than_the_stack() -> None:
    depth = 3_000

    async def down(levels: int) -> int:
        if levels == 0:
            await say("bottom")
            return 0
        (below,) = await gather(down(levels - 1))
        return below + 1

    driver = begun(down(depth))
    assert len(driver.coroutines()) == depth + 1
    answer(driver, bottom=None)
    assert result(driver) == depth

    driver = begun(down(depth))
    driver.cancel()
    assert type(error_of(driver)) is Cancelled


def test_thousands_of_branches_that_never_began_are_cancelled_by_the_first_error() -> None:
    async def at_once() -> None:
        raise Boom("at once")

    async def branch() -> None:
        await say("never")

    async def program() -> None:
        await gather(at_once(), *[branch() for _ in range(5_000)])

    assert type(error_of(begun(program()))) is Boom


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_an_outcome_gives_its_value_or_raises_its_error() -> None:
    assert Outcome(1).get() == 1
    assert Outcome(None).ok
    boom = Boom("x")
    failed: Outcome[int] = Outcome(error=boom)
    assert not failed.ok
    with pytest.raises(Boom) as raised:
        failed.get()
    assert raised.value is boom


def test_outcomes_are_equal_by_value_and_by_what_their_errors_say() -> None:
    assert Outcome(1) == Outcome(1) != Outcome(2)
    assert Outcome(error=Boom("x")) == Outcome(error=Boom("x")) != Outcome(error=Boom("y"))
    assert Outcome(None) != Outcome(error=Boom("x"))


def test_a_shield_gives_the_value_of_what_it_shields() -> None:
    async def program() -> Any:
        return await shield(say("a"))

    driver = begun(program())
    assert asked(driver) == {"0.0.0": "a"}
    answer(driver, a=5)
    assert result(driver) == 5
