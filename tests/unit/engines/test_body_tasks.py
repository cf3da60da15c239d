"""Bodies share a task as long as none of them waits, and nothing of that is to be seen from inside them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Final

from bizproc.engines.embedded.body_tasks import Body, BodyTasks

Make = Callable[[], Coroutine[Any, Any, str]]

Over = Callable[[str | None], object]

COLOR: Final = ContextVar("COLOR", default="none")


class Made(Body[str]):
    """A body made and told of by functions."""

    def __init__(self, make: Make, over: Over) -> None:
        super().__init__()
        self.make_it = make
        self.tell = over

    def make(self) -> Coroutine[Any, Any, str]:
        return self.make_it()

    def over(self) -> None:
        self.tell(self.value)


def begin(tasks: BodyTasks[str], make: Make, over: Over) -> Body[str]:
    body = Made(make, over)
    tasks.begin(body)
    return body


async def run(*makes: Make, cancel: int | None = None) -> list[str | None]:
    """What the bodies returned, in the order in which they ended; the one of this number is cancelled at once."""
    tasks: BodyTasks[str] = BodyTasks(asyncio.get_running_loop().create_task)
    told: list[str | None] = []
    ended = asyncio.Event()

    def over(value: str | None) -> None:
        told.append(value)
        ended.set()

    bodies = [begin(tasks, make, over) for make in makes]
    wanted = len(bodies)
    if cancel is not None:
        bodies[cancel].cancel()
        wanted -= 1
    async with asyncio.timeout(5):
        while len(told) < wanted:
            ended.clear()
            await ended.wait()
    return told


async def task_of_mine() -> str:
    return str(id(asyncio.current_task()))


async def task_after_a_wait() -> str:
    before = asyncio.current_task()
    await asyncio.sleep(0)
    assert asyncio.current_task() is before
    return str(id(before))


async def test_bodies_that_wait_for_nothing_share_a_task() -> None:
    told = await run(task_of_mine, task_of_mine, task_of_mine)
    assert len(set(told)) == 1


async def test_a_body_that_waits_keeps_its_task_and_the_others_get_their_own() -> None:
    told = await run(task_after_a_wait, task_after_a_wait, task_of_mine)
    assert len(set(told)) == 3


async def test_one_that_waits_long_holds_up_nobody() -> None:
    gate = asyncio.Event()

    async def long() -> str:
        await gate.wait()
        return "long"

    async def opening() -> str:
        gate.set()
        return "short"

    assert await run(long, opening) == ["short", "long"]


async def test_a_timeout_may_be_the_first_line_of_a_body() -> None:
    async def limited() -> str:
        async with asyncio.timeout(60):  # noqa: ASYNC100  that is the case in question
            return "in time"

    async def late() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "late"
        return "never"

    assert await run(limited, late, limited) == ["in time", "in time", "late"]


async def test_what_a_body_sets_in_its_context_stays_there() -> None:
    async def setting() -> str:
        COLOR.set("red")
        await asyncio.sleep(0)
        return COLOR.get()

    async def setting_at_once() -> str:
        COLOR.set("blue")
        return COLOR.get()

    async def looking() -> str:
        return COLOR.get()

    assert sorted(map(str, await run(setting_at_once, looking, setting, looking))) == ["blue", "none", "none", "red"]


async def test_who_is_told_is_in_no_task() -> None:
    tasks: BodyTasks[str] = BodyTasks(asyncio.get_running_loop().create_task)
    told: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    begin(tasks, task_of_mine, lambda _value: told.set_result(asyncio.current_task()))
    assert await told is None


async def test_one_who_cannot_hear_keeps_nobody_from_hearing() -> None:
    loop = asyncio.get_running_loop()
    complaints: list[Any] = []
    loop.set_exception_handler(lambda _loop, context: complaints.append(context["exception"]))
    tasks: BodyTasks[str] = BodyTasks(loop.create_task)
    heard: asyncio.Future[str | None] = loop.create_future()
    error = RuntimeError("deaf")

    def deaf(_value: str | None) -> None:
        raise error

    begin(tasks, task_of_mine, deaf)
    begin(tasks, task_of_mine, heard.set_result)
    assert await heard
    assert complaints == [error]


async def test_a_body_that_is_cancelled_before_its_first_line_never_begins() -> None:
    began: list[str] = []

    async def noting() -> str:
        began.append("begun")
        return "ended"

    assert len(await run(task_of_mine, noting, task_of_mine, cancel=1)) == 2
    assert began == []


async def test_a_body_that_cancels_its_own_task_harms_no_other() -> None:
    async def suicidal() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "ended all the same"

    told = await run(suicidal, task_of_mine, task_of_mine)
    assert told[0] == "ended all the same"
    assert len(told) == 3
    assert None not in told


async def test_to_cancel_a_body_that_waits_ends_it_and_no_other() -> None:
    tasks: BodyTasks[str] = BodyTasks(asyncio.get_running_loop().create_task)
    told: dict[str, str | None] = {}
    both = asyncio.Event()

    def telling(name: str) -> Over:
        def over(value: str | None) -> None:
            told[name] = value
            if len(told) == 2:
                both.set()

        return over

    async def forever() -> str:
        await asyncio.Event().wait()
        return "never"

    waiting = begin(tasks, forever, telling("waiting"))
    begin(tasks, task_after_a_wait, telling("other"))
    await asyncio.sleep(0)
    waiting.cancel()
    async with asyncio.timeout(5):
        await both.wait()
    assert told["waiting"] is None
    assert told["other"] is not None
