"""What is not bizproc's raises NotDurable at the user's line, says what to write, and leaves nothing scheduled."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from traceback import extract_tb
from typing import Any, cast

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from bizproc.core.driver import Driver
from bizproc.core.errors import Cancelled, NotDurable
from bizproc.core.guard import FORBIDDEN, ForbiddenLoop
from bizproc.verbs import gather, race
from tests.unit.core.drive import answer, asked, begun, error_of, notes_of, result, say

SLEEP = "Write `await wait.sleep(...)`."
TIMEOUT = "Give the wait or the step its `timeout=`."
SEVERAL = "Write `await gather(...)`, or `await start(...)` for a child."
GATHER = "Write `await gather(...)` with bizproc's `gather`."
STEP = "Move it into the body of an @action step, and await the step."


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    """A coroutine that was never awaited warns in the test that made it."""
    yield
    gc.collect()


def in_loop(act: Callable[[], Any]) -> Any:
    """Call this as engines drive: from a callback of a loop. The loop has nothing more to do afterwards than before."""

    async def main() -> Any:
        loop = cast("Any", asyncio.get_running_loop())
        called = loop.create_future()

        def callback() -> None:
            before = len(loop._ready), len(loop._scheduled), len(asyncio.all_tasks(loop))
            try:
                value = act()
                is_back = asyncio.get_running_loop() is loop
                assert is_back
                assert (len(loop._ready), len(loop._scheduled), len(asyncio.all_tasks(loop))) == before
            except BaseException as error:  # noqa: BLE001  it is raised in the test
                called.set_exception(error)
            else:
                called.set_result(value)

        loop.call_soon(callback)
        return await called

    return asyncio.run(main())


def refused(program: Callable[[], Coroutine[Any, Any, Any]]) -> NotDurable:
    """The error of a program, driven inside a loop and outside of any."""
    inside: BaseException = in_loop(lambda: error_of(begun(program())))
    outside = error_of(begun(program()))
    assert isinstance(inside, NotDurable), repr(inside)
    assert isinstance(outside, NotDurable), repr(outside)
    assert (inside.what, inside.instead) == (outside.what, outside.instead)
    return inside


async def nothing() -> None: ...


async def schedules(schedule: Callable[[Coroutine[Any, Any, None]], Awaitable[Any]]) -> None:
    """Hands a coroutine over, and closes it, for it comes to nothing."""
    coroutine = nothing()
    try:
        await schedule(coroutine)
    finally:
        coroutine.close()


async def enters(manager: Any) -> None:
    async with manager:
        await say("never")


async def enters_anyio_timeout() -> None:
    with anyio.move_on_after(1):
        await say("never")


async def enters_anyio_fail_after() -> None:
    with anyio.fail_after(1):
        await say("never")


async def calls_later() -> None:
    asyncio.get_running_loop().call_later(1, print)


async def waits_for_event() -> None:
    await asyncio.Event().wait()


async def waits_for_queue() -> None:
    await asyncio.Queue[int]().get()


async def waits_for_condition() -> None:
    condition = asyncio.Condition()
    await condition.acquire()
    await condition.wait_for(lambda: False)


async def enters_timeout() -> None:
    await enters(asyncio.timeout(1))


async def enters_task_group() -> None:
    await enters(asyncio.TaskGroup())


async def enters_anyio_task_group() -> None:
    await enters(anyio.create_task_group())


async def sleeps_under_anyio() -> None:
    await anyio.sleep(1)


PROGRAMS: list[tuple[Callable[[], Coroutine[Any, Any, Any]], str, str]] = [
    (lambda: asyncio.sleep(1), "asyncio.sleep", SLEEP),
    (lambda: asyncio.sleep(0), "asyncio.sleep", SLEEP),
    (enters_timeout, "asyncio.timeout", TIMEOUT),
    (lambda: enters(asyncio.Timeout(None)), "asyncio.Timeout", STEP),
    (lambda: asyncio.wait_for(say("a"), 1), "asyncio.wait_for", TIMEOUT),
    (lambda: schedules(asyncio.create_task), "asyncio.create_task", SEVERAL),
    (lambda: schedules(asyncio.ensure_future), "asyncio.ensure_future", SEVERAL),
    (lambda: schedules(asyncio.gather), "asyncio.gather", GATHER),
    (enters_task_group, "asyncio.TaskGroup", SEVERAL),
    (lambda: asyncio.to_thread(print), "asyncio.to_thread", STEP),
    (waits_for_event, "asyncio.Event.wait", STEP),
    (waits_for_queue, "asyncio.Queue.get", STEP),
    (waits_for_condition, "asyncio.Condition.wait_for", STEP),
    (sleeps_under_anyio, "anyio.sleep", SLEEP),
    (lambda: anyio.sleep(0), "anyio.sleep", SLEEP),  # noqa: ASYNC115
    (anyio.lowlevel.checkpoint, "anyio.checkpoint", STEP),
    (enters_anyio_task_group, "anyio.TaskGroup", SEVERAL),
    (enters_anyio_timeout, "anyio.move_on_after", TIMEOUT),
    (enters_anyio_fail_after, "anyio.fail_after", TIMEOUT),
    (lambda: anyio.to_thread.run_sync(print), "anyio.run_sync", STEP),
    (calls_later, "asyncio", STEP),
]


@pytest.mark.parametrize(
    ("program", "what", "instead"), PROGRAMS, ids=[f"{i}-{what}" for i, (_, what, _) in enumerate(PROGRAMS)]
)
def test_what_is_not_durable_is_named_with_what_to_write_and_leaves_nothing_scheduled(
    program: Callable[[], Coroutine[Any, Any, Any]], what: str, instead: str
) -> None:
    error = refused(program)
    assert (error.what, error.instead) == (what, instead)
    assert str(error) == (
        f"{what} cannot be used inside a process: it would be lost when the instance leaves memory. {instead}"
    )


def test_a_future_of_somebody_else_is_refused_and_left_as_it_is() -> None:
    def act() -> tuple[BaseException, asyncio.Future[None]]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def program() -> None:
            await future

        return error_of(begun(program())), future

    error, future = in_loop(act)
    assert isinstance(error, NotDurable)
    assert (error.what, error.instead) == ("awaiting a Future", STEP)
    assert not future.done()
    assert future._callbacks is None or future._callbacks == []


def test_the_error_is_raised_at_the_users_line() -> None:
    async def program() -> None:
        await say("a")
        await asyncio.sleep(1)  # this line

    def act() -> BaseException:
        driver = begun(program())
        answer(driver, a=None)
        return error_of(driver)

    error = in_loop(act)
    lines = [frame.line for frame in extract_tb(error.__traceback__) if frame.filename == __file__]
    assert lines[-1] == "await asyncio.sleep(1)  # this line"


def test_a_process_may_catch_it_and_go_on() -> None:
    async def program() -> Any:
        caught = []
        for seconds in (0, 1):
            try:
                await asyncio.sleep(seconds)
            except NotDurable as error:
                caught.append(error.what)
        return caught, await say("a")

    driver = begun(program())
    assert asked(driver) == {"0": "a"}
    answer(driver, a=1)
    assert result(driver) == (["asyncio.sleep", "asyncio.sleep"], 1)


def test_it_is_refused_in_branches_and_in_cleanup_too() -> None:
    async def tidies() -> None:
        try:
            await say("a")
        finally:
            await asyncio.sleep(1)

    async def program() -> None:
        await gather(race(tidies()), say("b"))

    driver = begun(program())
    driver.cancel()
    error = error_of(driver)
    assert type(error) is Cancelled
    assert "asyncio.sleep cannot be used inside a process" in notes_of(error)[0]


def test_bizprocs_commands_need_no_loop_and_touch_none() -> None:
    async def program() -> Any:
        return await gather(say("a"), say("b"))

    def act() -> Any:
        driver = begun(program())
        answer(driver, a=1, b=2)
        return result(driver)

    assert in_loop(act) == act() == (1, 2)


def test_the_loop_is_there_again_between_two_answers() -> None:
    async def program() -> None:
        await say("a")

    async def main() -> None:
        driver = Driver(program(), object())
        driver.begin()
        await asyncio.sleep(0)
        driver.resume("0")
        await asyncio.sleep(0)
        assert result(driver) is None

    asyncio.run(main())


def test_the_stand_in_refuses_whatever_is_asked_of_it() -> None:
    assert isinstance(FORBIDDEN, ForbiddenLoop)
    loop = cast("Any", FORBIDDEN)
    for use in (
        lambda: loop.call_soon(print),
        lambda: hash(loop),
        lambda: loop == 1,
        lambda: loop != 1,
        lambda: {loop: 1},
        lambda: loop.anything,
    ):
        with pytest.raises(NotDurable, match="asyncio cannot be used inside a process"):
            use()


def test_a_module_of_the_users_that_wraps_asyncio_is_user_code() -> None:
    # What is named is what stands in the user's line nearest to the library, wherever the user keeps it.
    names: dict[str, Any] = {"__name__": "shop.helpers", "asyncio": asyncio}
    exec("async def nap():\n    await asyncio.sleep(1)", names)  # noqa: S102  a module of somebody's own
    assert refused(names["nap"]).what == "asyncio.sleep"
