"""
The tasks in which bodies of steps run. It knows no instances and no journal: it begins bodies, and says how they ended.

Most bodies that are asked for at the same time share one task. It begins one after the other; one that ends without
having waited for anything has cost no task. With the first that waits, the task is that body's alone, to its end, and
those that are left get tasks of their own. So each body runs in one task from its first line to its last, as asyncio
wants it (`asyncio.timeout`, `asyncio.current_task`), and each in a context of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar

D = TypeVar("D")
K = TypeVar("K")

BeginTask: TypeAlias = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Body(Generic[D]):
    """A body that is to run, or runs."""

    __slots__ = ("cancelled", "make", "over", "task")

    def __init__(self, make: Callable[[], Coroutine[Any, Any, D]], over: Callable[[Body[D], D | None], None]) -> None:
        self.make: Final = make
        self.over: Final = over
        self.task: asyncio.Task[None] | None = None
        self.cancelled = False

    def cancel(self) -> None:
        """Let it end at its next await, or never begin."""
        self.cancelled = True
        if self.task is not None:
            self.task.cancel()


class BodyTasks(Generic[D]):
    """Runs bodies; on one loop."""

    def __init__(self, begin_task: BeginTask) -> None:
        self._begin_task: Final = begin_task
        self._tasks: Final[set[asyncio.Task[None]]] = set()
        self._wanted: deque[Body[D]] = deque()
        self._ended: Final[deque[tuple[Body[D], D | None]]] = deque()

    def begin(self, make: Callable[[], Coroutine[Any, Any, D]], over: Callable[[Body[D], D | None], None]) -> Body[D]:
        """
        Run a body, not before the next round of the loop.

        Args:
            make: Makes its coroutine.
            over: Told what it returned; None if it was cancelled after it had begun.
        """
        body = Body(make, over)
        if not self._wanted:
            self._start(self._wanted)
        self._wanted.append(body)
        return body

    def cancel(self) -> list[asyncio.Task[None]]:
        """Cancel all that run; their tasks."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        return tasks

    def _start(self, bodies: deque[Body[D]]) -> None:
        task = self._begin_task(self._run(bodies))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, bodies: deque[Body[D]]) -> None:
        """Begin bodies one after the other."""
        if bodies is self._wanted:
            self._wanted = deque()
        task = asyncio.current_task()
        assert task is not None
        try:
            # One that has cancelled its own task has not cancelled the others.
            while bodies and not task.cancelling():
                body = bodies.popleft()
                if not body.cancelled:
                    body.task = task
                    await _Run(self, body, bodies)
        finally:
            self.apart(bodies)

    def apart(self, bodies: deque[Body[D]]) -> None:
        """A task for each: of those, too, the first may wait."""
        while bodies:
            self._start(deque([bodies.popleft()]))

    def ended(self, body: Body[D], value: D | None) -> None:
        """Tell of an end, but not from inside the task, and its context: the process would run there."""
        body.task = None  # others may have it now
        self._ended.append((body, value))
        if len(self._ended) == 1:
            self._tell_soon()

    def _tell_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._tell, context=Context())

    def _tell(self) -> None:
        try:
            while self._ended:
                body, value = self._ended[0]
                body.over(body, value)
                self._ended.popleft()
        finally:
            if self._ended:  # one who cannot hear must not keep the others from hearing
                self._ended.popleft()
                if self._ended:
                    self._tell_soon()


class _Run(Generic[D]):
    """The run of one body inside a task that is shared for now: an awaitable that drives the body's coroutine."""

    __slots__ = ("_bodies", "_body", "_tasks")

    def __init__(self, tasks: BodyTasks[D], body: Body[D], others: deque[Body[D]]) -> None:
        self._tasks: Final = tasks
        self._body: Final = body
        self._bodies: Final = others

    def __await__(self) -> Generator[Any, Any, None]:
        value: D | None = None
        try:
            coroutine, context = self._body.make(), Context()
            try:
                waited = context.run(coroutine.send, None)
            except StopIteration as stop:
                value = stop.value
            else:
                self._tasks.apart(self._bodies)
                value = yield from _driven(coroutine, context, waited)
        finally:
            self._tasks.ended(self._body, value)


def _driven(coroutine: Coroutine[Any, Any, D], context: Context, waited: Any) -> Generator[Any, Any, D]:
    """What the task of asyncio does with a coroutine that waits, in the context of the body."""
    while True:
        try:
            sent = yield waited
        except GeneratorExit:
            context.run(coroutine.close)
            raise
        except BaseException as error:  # noqa: BLE001  thrown in by the task: it is for the body
            step = partial(coroutine.throw, error)
        else:
            step = partial(coroutine.send, sent)
        try:
            waited = context.run(step)
        except StopIteration as stop:
            value: D = stop.value
            return value
