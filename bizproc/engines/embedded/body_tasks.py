"""
The tasks in which bodies of steps run. It knows no instances and no journal: it begins bodies, and says how they ended.

Most bodies that are asked for at the same time share one task. It begins one after the other; one that ends without
having waited for anything has cost no task. With the first that waits, the task is that body's alone, to its end, and
those that are left get tasks of their own. So each body runs in one task from its first line to its last, as asyncio
wants it (`asyncio.timeout`, `asyncio.current_task`), and each in a context of its own.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from types import coroutine as coroutine_of_generator
from typing import Any, Final, Generic, TypeAlias, TypeVar

D = TypeVar("D")

BeginTask: TypeAlias = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]


class Body(ABC, Generic[D]):
    """A body that is to run, or runs."""

    __slots__ = ("cancelled", "task", "value")

    def __init__(self) -> None:
        self.task: asyncio.Task[None] | None = None
        self.cancelled = False
        self.value: D | None = None

    @abstractmethod
    def make(self) -> Coroutine[Any, Any, D]:
        """Its coroutine, not begun."""

    @abstractmethod
    def over(self) -> None:
        """It has ended: `value` is what it returned; None if it was cancelled after it had begun."""

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
        self._ended: Final[deque[Body[D]]] = deque()

    def begin(self, body: Body[D]) -> None:
        """Run a body, not before the next round of the loop."""
        if not self._wanted:
            self._start(self._wanted)
        self._wanted.append(body)

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
                if body.cancelled:
                    continue
                body.task = task
                try:
                    coroutine, context = body.make(), Context()
                    try:
                        waited = context.run(coroutine.send, None)
                    except StopIteration as stop:
                        body.value = stop.value
                    else:
                        self._apart(bodies)
                        body.value = await _driven(coroutine, context, waited)
                finally:
                    body.task = None  # others may have it now
                    self._tell_of(body)
        finally:
            self._apart(bodies)

    def _apart(self, bodies: deque[Body[D]]) -> None:
        """A task for each: of those, too, the first may wait."""
        while bodies:
            self._start(deque([bodies.popleft()]))

    def _tell_of(self, body: Body[D]) -> None:
        """Tell of an end, but not from inside the task, and its context: the process would run there."""
        self._ended.append(body)
        if len(self._ended) == 1:
            self._tell_soon()

    def _tell_soon(self) -> None:
        asyncio.get_running_loop().call_soon(self._tell, context=Context())

    def _tell(self) -> None:
        ended = self._ended
        try:
            while ended:
                ended[0].over()
                ended.popleft()
        finally:
            if ended:  # one who cannot hear must not keep the others from hearing
                ended.popleft()
                if ended:
                    self._tell_soon()


@coroutine_of_generator
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
