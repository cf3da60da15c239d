"""Which suspended coroutines can be dropped; and that dropping runs no user code, whether they can or not."""

from __future__ import annotations

import asyncio
import contextlib
import dis
import gc
import inspect
import itertools
import json
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, cast

import pytest

from bizproc.core import frames
from bizproc.core.commands import AwaitChild, StartChild
from bizproc.core.driver import Driver
from bizproc.core.frames import can_drop, drop
from bizproc.core.process import process
from bizproc.verbs import Child, attempt, gather, race, saga, shield
from tests.unit.core import test_driver, test_forks
from tests.unit.core.drive import Boom, answer, begun, fail, say

ROOT = Path(__file__).parents[3]

Log = list[str]
Shape = Callable[[Log], Coroutine[Any, Any, Any]]


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """What is finalised in a test is finalised before it is over."""
    yield
    gc.collect()


# -- what user code is made of: whatever would run when the coroutine is closed writes into the log --------------------


@contextmanager
def managed(log: Log) -> Iterator[None]:
    try:
        yield
    finally:
        log.append("ran")


class Managed:
    def __init__(self, log: Log) -> None:
        self.log = log

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self.log.append("ran")

    async def __aenter__(self) -> None: ...

    async def __aexit__(self, *_: object) -> None:
        self.log.append("ran")


@asynccontextmanager
async def async_managed(log: Log) -> AsyncIterator[None]:
    try:
        yield
    finally:
        log.append("ran")


def explode() -> None:
    raise Boom("x")


def numbers(log: Log) -> Generator[int, None, None]:
    try:
        yield 1
        yield 2
    finally:
        log.append("ran")


async def async_numbers(log: Log) -> AsyncIterator[int]:
    try:
        await say("x")
        yield 1
    finally:
        log.append("ran")


def suspended(log: Log) -> Generator[int, None, None]:
    generator = numbers(log)
    next(generator)
    return generator


# -- shapes in which closing would run something -----------------------------------------------------------------------


async def in_try_finally(log: Log) -> None:
    try:
        await say("x")
    finally:
        log.append("ran")


async def in_except_base_exception(log: Log) -> None:
    try:
        await say("x")
    except BaseException:
        log.append("ran")
        raise


async def in_bare_except(log: Log) -> None:
    try:
        await say("x")
    except:
        log.append("ran")
        raise


async def in_except_generator_exit(log: Log) -> None:
    try:
        await say("x")
    except GeneratorExit:
        log.append("ran")
        raise


async def in_except_of_a_choice_made_then(log: Log) -> None:
    def choice() -> type[ValueError]:
        log.append("ran")
        return ValueError

    try:
        await say("x")
    except choice():
        pass


async def in_with(log: Log) -> None:
    with Managed(log):
        await say("x")


async def in_with_of_a_generator(log: Log) -> None:
    with managed(log):
        await say("x")


async def in_async_with(log: Log) -> None:
    async with Managed(log):
        await say("x")


async def in_async_with_of_a_generator(log: Log) -> None:
    async with async_managed(log):
        await say("x")


async def in_second_of_two_managers(log: Log) -> None:
    with Managed(log), Managed([]):
        await say("x")


async def in_async_for_of_a_generator(log: Log) -> None:
    async for _ in async_numbers(log):
        pass


async def in_body_of_async_for(log: Log) -> None:
    async def once() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            log.append("ran")

    async for _ in once():
        await say("x")


async def in_loop_in_try(log: Log) -> None:
    try:
        while True:
            for _ in range(3):
                await say("x")
    finally:
        log.append("ran")


async def in_except_body_in_try(log: Log) -> None:
    try:
        try:
            explode()
        except Boom as error:
            await say(str(error))
    finally:
        log.append("ran")


async def in_finally_body_in_try(log: Log) -> None:
    try:
        try:
            pass
        finally:
            await say("x")
    finally:
        log.append("ran")


async def in_finally_body_after_an_error_in_try(log: Log) -> None:
    try:
        try:
            explode()
        finally:
            await say("x")
    finally:
        log.append("ran")


async def in_else_body_in_try(log: Log) -> None:
    try:
        try:
            pass
        except Boom:
            pass
        else:
            await say("x")
    finally:
        log.append("ran")


async def in_except_star_body_in_try(log: Log) -> None:
    try:
        try:
            raise ExceptionGroup("", [Boom("x")])
        except* Boom:
            await say("x")
    finally:
        log.append("ran")


async def in_argument_of_a_call_in_try(log: Log) -> None:
    try:
        max(1, await say("x"))
    finally:
        log.append("ran")


async def in_try_of_its_caller(log: Log) -> None:
    async def inner() -> None:
        await say("x")

    try:
        await inner()
    finally:
        log.append("ran")


async def in_try_of_what_it_calls(log: Log) -> None:
    async def middle() -> None:
        await in_try_finally(log)

    await middle()


async def in_comprehension_in_try(log: Log) -> None:
    try:
        [await say(word) for word in ("x", "y")]
    finally:
        log.append("ran")


async def in_comprehension_over_a_generator(log: Log) -> None:
    [await say("x") for _ in numbers(log)]


async def in_dict_comprehension_over_a_generator(log: Log) -> None:
    {number: await say("x") for number in numbers(log)}


async def in_comprehension_of_what_would_run(log: Log) -> None:
    [await in_try_finally(log) for _ in range(1)]  # type: ignore[func-returns-value]


async def in_for_over_a_generator(log: Log) -> None:
    for _ in numbers(log):
        await say("x")


async def in_for_over_an_enumerated_generator(log: Log) -> None:
    for _ in enumerate(numbers(log)):
        await say("x")


async def in_for_over_zipped_generators(log: Log) -> None:
    for _ in zip((1, 2), numbers(log), strict=True):
        await say("x")


async def in_for_over_a_mapped_generator(log: Log) -> None:
    for _ in map(str, filter(None, itertools.islice(numbers(log), 2))):
        await say("x")


async def in_for_over_chained_generators(log: Log) -> None:
    for _ in itertools.chain(numbers(log), ()):
        await say("x")


async def with_a_generator_in_a_variable(log: Log) -> None:
    generator = suspended(log)
    await say("x")
    del generator


async def with_a_generator_as_a_parameter(log: Log) -> None:
    async def uses(generator: Generator[int, None, None]) -> None:
        await say("x")
        del generator

    await uses(suspended(log))


async def with_a_generator_in_a_list(log: Log) -> None:
    generators = [suspended(log)]
    await say("x")
    del generators


async def with_a_generator_deep_in_containers(log: Log) -> None:
    generators = {"a": (deque([[suspended(log)]]),)}
    await say("x")
    del generators


async def with_a_generator_in_a_closure(log: Log) -> None:
    generator = suspended(log)

    def following() -> int:
        return next(generator)

    await say("x")
    following()


async def with_an_async_generator_in_a_variable(log: Log) -> None:
    generator = async_numbers(log)
    coroutine = anext(cast("Any", generator))
    await coroutine


async def in_a_saga(log: Log) -> None:
    async with saga() as undo:
        log.append("began")
        undo.compensate(say("undo"))
        await say("x")


async def in_a_yield_from_in_try(log: Log) -> None:
    class Custom:
        def __await__(self) -> Generator[Any, Any, Any]:
            try:
                yield from say("x").__await__()
            finally:
                log.append("ran")

    await Custom()


WOULD_RUN: list[Shape] = [
    in_try_finally,
    in_except_base_exception,
    in_bare_except,
    in_except_generator_exit,
    in_except_of_a_choice_made_then,
    in_with,
    in_with_of_a_generator,
    in_async_with,
    in_async_with_of_a_generator,
    in_second_of_two_managers,
    in_async_for_of_a_generator,
    in_body_of_async_for,
    in_loop_in_try,
    in_except_body_in_try,
    in_finally_body_in_try,
    in_finally_body_after_an_error_in_try,
    in_else_body_in_try,
    in_except_star_body_in_try,
    in_argument_of_a_call_in_try,
    in_try_of_its_caller,
    in_try_of_what_it_calls,
    in_comprehension_in_try,
    in_comprehension_over_a_generator,
    in_dict_comprehension_over_a_generator,
    in_comprehension_of_what_would_run,
    in_for_over_a_generator,
    in_for_over_an_enumerated_generator,
    in_for_over_zipped_generators,
    in_for_over_a_mapped_generator,
    in_for_over_chained_generators,
    with_a_generator_in_a_variable,
    with_a_generator_as_a_parameter,
    with_a_generator_in_a_list,
    with_a_generator_deep_in_containers,
    with_a_generator_in_a_closure,
    in_a_yield_from_in_try,
]


# -- shapes in which it would run nothing, and which leave memory ------------------------------------------------------


async def plain(log: Log) -> None:
    log.append("began")
    await say("x")
    log.append("ran")


async def before_a_try(log: Log) -> None:
    await say("x")
    try:
        log.append("began")
    finally:
        log.append("ran")


async def after_a_try(log: Log) -> None:
    try:
        log.append("began")
    finally:
        log.append("tidied")
    await say("x")
    log.append("ran")


async def after_a_with(log: Log) -> None:
    with Managed([]), contextlib.suppress(Boom):
        log.append("began")
        explode()
    await say("x")
    log.append("ran")


async def after_an_except(log: Log) -> None:
    try:
        explode()
    except Boom:
        log.append("began")
    await say("x")
    log.append("ran")


async def in_loops_and_branches(log: Log) -> None:
    for number in range(3):
        while number == 0:
            match number:
                case 0:
                    await say("x")
                case _:
                    log.append("ran")


async def in_for_over_plain_iterators(log: Log) -> None:
    for _ in zip(enumerate("abc"), map(str, [1, 2, 3]), reversed((1, 2, 3)), strict=True):
        await say("x")
        log.append("ran")


async def in_sub_coroutines(log: Log) -> None:
    async def inner() -> None:
        await say("x")
        log.append("ran")

    async def middle() -> None:
        await inner()
        log.append("ran")

    await middle()
    log.append("ran")


async def with_plain_variables(log: Log) -> None:
    data = {"a": [1, 2, (3,)], "b": {4}}
    data["self"] = [data]

    def uses() -> object:
        return data

    await say("x")
    log.append(str(uses()))


async def with_a_generator_that_is_over(log: Log) -> None:
    for number in numbers([]):
        log.append(str(number))
    await say("x")
    log.append("ran")


async def in_an_awaitable_of_the_users(log: Log) -> None:
    class Custom:
        def __await__(self) -> Generator[Any, Any, Any]:
            yield from say("x").__await__()
            log.append("ran")

    await Custom()


async def in_an_expression(log: Log) -> None:
    log.append(f"ran {[1, await say('x'), {'a': 2}]}")


async def in_a_gather(log: Log) -> None:
    await gather(plain(log), in_sub_coroutines(log))
    log.append("ran")


async def in_a_race_under_a_shield(log: Log) -> None:
    await shield(race(plain(log), say("y")))
    log.append("ran")


async def waiting_for_a_child(log: Log) -> None:
    await Child("w-1", int)
    log.append("ran")


CAN_GO: list[Shape] = [
    plain,
    before_a_try,
    after_a_try,
    after_a_with,
    after_an_except,
    in_loops_and_branches,
    in_for_over_plain_iterators,
    in_sub_coroutines,
    with_plain_variables,
    with_a_generator_that_is_over,
    in_an_awaitable_of_the_users,
    in_an_expression,
    in_a_gather,
    in_a_race_under_a_shield,
    waiting_for_a_child,
]


# -- shapes of which only this is promised: if they go, nothing runs ---------------------------------------------------


async def in_except_of_one_error(log: Log) -> None:
    try:
        await say("x")
    except Boom:
        log.append("ran")


async def in_except_body(log: Log) -> None:
    try:
        explode()
    except Boom as error:
        await say("x")
        log.append(str(error))


async def in_finally_body(log: Log) -> None:
    try:
        log.append("began")
    finally:
        await say("x")
        log.append("ran")


async def in_comprehension(log: Log) -> None:
    [await say(word) for word in ("x", "y")]
    log.append("ran")


async def in_async_comprehension(log: Log) -> None:
    [number async for number in async_numbers(log)]


async def in_async_for_of_a_class(log: Log) -> None:
    class Counting:
        def __aiter__(self) -> Counting:
            return self

        async def __anext__(self) -> int:
            await say("x")
            raise StopAsyncIteration

    async for _ in Counting():
        log.append("ran")


async def with_a_generator_that_has_not_begun(log: Log) -> None:
    generator = numbers(log)
    await say("x")
    del generator


async def in_an_attempt(log: Log) -> None:
    await attempt(plain(log))
    log.append("ran")


EITHER: list[Shape] = [
    in_except_of_one_error,
    in_except_body,
    in_finally_body,
    in_comprehension,
    in_async_for_of_a_class,
    in_async_comprehension,
    with_a_generator_that_has_not_begun,
    with_an_async_generator_in_a_variable,
    in_an_attempt,
    in_a_saga,
]


def parked(shape: Shape) -> tuple[Driver, Log]:
    """A driver whose program waits, and the log as it was written until then."""
    log: Log = []
    driver = begun(shape(log))
    assert driver.asks, "it does not wait"
    return driver, log


def name_of(shape: Shape) -> str:
    return shape.__name__


@pytest.mark.parametrize("shape", WOULD_RUN, ids=name_of)
def test_a_coroutine_in_which_closing_would_run_user_code_cannot_be_dropped(shape: Shape) -> None:
    driver, log = parked(shape)
    before = list(log)
    assert not all(can_drop(coroutine) for coroutine in driver.coroutines())
    # The shape is what it says: closing it does run something.
    (coroutine,) = driver.coroutines()
    with contextlib.suppress(RuntimeError):
        coroutine.close()
    del driver, coroutine
    gc.collect()
    assert log != before


@pytest.mark.parametrize("shape", CAN_GO, ids=name_of)
def test_all_others_can_be_dropped(shape: Shape) -> None:
    driver, _ = parked(shape)
    assert all(can_drop(coroutine) for coroutine in driver.coroutines())


@pytest.mark.parametrize("shape", [*WOULD_RUN, *CAN_GO, *EITHER], ids=name_of)
def test_dropping_runs_no_user_code_whatever_the_shape(shape: Shape) -> None:
    driver, log = parked(shape)
    before = list(log)
    for coroutine in driver.coroutines():
        drop(coroutine)
    del driver, coroutine
    gc.collect()
    assert log == before


@pytest.mark.parametrize("shape", EITHER, ids=name_of)
def test_what_is_said_to_be_droppable_runs_nothing_when_it_is_closed(shape: Shape) -> None:
    driver, log = parked(shape)
    before = list(log)
    going = [coroutine for coroutine in driver.coroutines() if can_drop(coroutine)]
    for coroutine in driver.coroutines():
        if coroutine in going:
            coroutine.close()
        else:
            drop(coroutine)
    assert log == before


def test_looking_at_a_coroutine_changes_nothing() -> None:
    for shape in (*WOULD_RUN, *CAN_GO):
        driver, log = parked(shape)
        before = list(log)
        for coroutine in driver.coroutines():
            assert can_drop(coroutine) is can_drop(coroutine)
        assert log == before
        for coroutine in driver.coroutines():
            drop(coroutine)


def test_a_coroutine_goes_on_after_it_was_looked_at() -> None:
    log: Log = []
    driver = begun(in_try_finally(log))
    assert not can_drop(driver.coroutines()[0])
    answer(driver, x=None)
    assert log == ["ran"]
    assert driver.outcome is not None


def test_whether_it_can_go_changes_from_await_to_await() -> None:
    async def program() -> None:
        await say("a")
        try:
            await say("b")
        finally:
            await say("c")
        await say("d")

    driver = begun(program())
    seen = []
    for word in "abcd":
        seen.append(can_drop(driver.coroutines()[0]))
        answer(driver, **{word: None})
    assert seen == [True, False, seen[2], True]


def test_a_handler_that_was_left_by_an_error_does_not_count() -> None:
    log: Log = []

    async def program() -> None:
        try:
            await say("a")
        except Boom as error:
            log.append(str(error))
        await say("b")

    driver = begun(program())
    fail(driver, "a")
    assert log == ["a"]
    assert can_drop(driver.coroutines()[0])


def test_a_process_that_calls_another_can_go_while_the_child_runs() -> None:
    @process("test.child")
    async def child() -> int:
        return 1

    async def program() -> int:
        return await child()

    driver = begun(program())
    assert isinstance(driver.asks["0"].command, StartChild)
    assert can_drop(driver.coroutines()[0])
    driver.resume("0", "w-1")
    assert isinstance(driver.asks["1"].command, AwaitChild)
    assert can_drop(driver.coroutines()[0])


def test_what_has_not_begun_or_is_over_or_foreign_is_not_droppable_and_dropping_it_is_harmless() -> None:
    async def nothing() -> None: ...

    class Foreign:
        def __await__(self) -> Iterator[Any]:
            return iter([1])

    async def foreign() -> None:
        await Foreign()  # type: ignore[misc]

    over = nothing()
    with pytest.raises(StopIteration):
        over.send(None)
    suspended_elsewhere = foreign()
    suspended_elsewhere.send(None)
    for coroutine in (nothing(), over, suspended_elsewhere):
        assert not can_drop(coroutine)
        drop(coroutine)


def test_more_variables_than_are_worth_looking_through_stay() -> None:
    async def program(size: int) -> None:
        much = [[number] for number in range(size)]
        await say("x")
        del much

    assert can_drop(begun(program(100)).coroutines()[0])
    assert not can_drop(begun(program(frames._LOOKED_AT)).coroutines()[0])


PROGRAM = """
import gc, sys
from bizproc.core.driver import Driver
from bizproc.core.frames import drop
from bizproc.verbs import note

async def tidies(name):
    try:
        await note("x")
    finally:
        print(name)

kept = []
for name in ("dropped", "let go"):
    driver = Driver(tidies(name), object())
    driver.begin()
    if name == "dropped":
        for coroutine in driver.coroutines():
            drop(coroutine)
    del driver
    gc.collect()
at_the_end = Driver(tidies("at the end"), object())
at_the_end.begin()
for coroutine in at_the_end.coroutines():
    drop(coroutine)
del coroutine
"""


def test_what_was_dropped_does_not_run_even_as_the_program_ends() -> None:
    command = [sys.executable, "-W", "error", "-c", PROGRAM]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    # The one that was just let go shows that there was something to be kept from running.
    assert ended.stdout == "let go\n"
    assert ended.returncode == 0


# -- exception tables --------------------------------------------------------------------------------------------------


def codes_in(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from codes_in(constant)


def codes_of(namespace: object) -> Iterator[CodeType]:
    for value in vars(namespace).values():
        if isinstance(value, FunctionType):
            yield from codes_in(inspect.unwrap(value).__code__)
        elif isinstance(value, type):
            yield from (
                code
                for each in vars(value).values()
                if isinstance(each, FunctionType)
                for code in codes_in(each.__code__)
            )


def test_exception_tables_are_read_as_python_reads_them() -> None:
    modules = [
        asyncio.tasks, asyncio.base_events, asyncio.streams, contextlib, inspect, subprocess, json.decoder, dis,
        sys.modules[__name__], test_driver, test_forks,
    ]  # fmt: skip
    entries = 0
    for module in modules:
        for code in codes_of(module):
            expected = [(each.start, each.end, each.target) for each in dis._parse_exception_table(code)]  # type: ignore[attr-defined]
            assert list(frames._exception_table(code.co_exceptiontable)) == expected, code
            entries += len(expected)
    assert entries > 500


def test_numbers_of_several_digits_are_read() -> None:
    # 4 entries' worth: small, two digits, three digits; bit 7 marks the first digit of an entry and is no part of it.
    table = bytes([0x80 | 1, 2, 3, 0, 0x80 | 0x40 | 1, 2, 5, 0x40 | 1, 0, 7, 0x80 | 4, 5, 0x40 | 1, 0x40 | 0, 1, 0])
    assert list(frames._exception_table(table)) == [(2, 6, 6), (132, 142, 128), (8, 18, 8194)]
    assert list(frames._exception_table(b"")) == []
