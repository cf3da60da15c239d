"""
What stands in for the event loop while a process runs: every use of it raises `NotDurable` at the user's line.

A process that slept in asyncio would be lost when it leaves memory. Its coroutine is resumed outside of any task, and
this
object is the thread's running loop meanwhile, so `asyncio.sleep`, `asyncio.timeout`, `create_task` and the like fail
before anything is scheduled.
"""

from __future__ import annotations

import sys
from types import CoroutineType, FrameType
from typing import Any, Final, NoReturn

from bizproc.core.errors import NotDurable

_TIMEOUT: Final = "Give the wait or the step its `timeout=`."
_SEVERAL: Final = "Write `await gather(...)`, or `await start(...)` for a child."
_INSTEAD: Final = {
    "sleep": "Write `await wait.sleep(...)`.",
    "timeout": _TIMEOUT,
    "wait_for": _TIMEOUT,
    "fail_after": _TIMEOUT,
    "move_on_after": _TIMEOUT,
    "gather": "Write `await gather(...)` with bizproc's `gather`.",
    "create_task": _SEVERAL,
    "ensure_future": _SEVERAL,
    "TaskGroup": _SEVERAL,
}
_LIBRARIES: Final = ("asyncio", "anyio", "sniffio", "bizproc.core.guard", "bizproc.core.driver")


class ForbiddenLoop:
    """Raises NotDurable whatever is asked of it; `asyncio.current_task` asks for its hash."""

    def __getattr__(self, attribute: str) -> Any:
        refuse()

    def __hash__(self) -> int:  # noqa: PLE0309  it never returns
        refuse()

    def __eq__(self, other: object) -> bool:
        refuse()


FORBIDDEN: Final = ForbiddenLoop()


def refuse() -> NoReturn:
    """Raise NotDurable, naming the function that the process called."""
    raise not_durable(called_from(sys._getframe(1)))  # noqa: SLF001  (the only way to name what the user called)


def not_durable(function: str) -> NotDurable:
    """The error for a library's function, with what to write in its place where that is known."""
    instead = _INSTEAD.get(function.partition(".")[2])
    return NotDurable(what=function) if instead is None else NotDurable(what=function, instead=instead)


def called_from(frame: FrameType | None) -> str:
    """The library function that user code called: the outermost library frame below it."""
    function = "asyncio"
    while frame is not None and (library := _library_of(frame)):
        if library != "bizproc":
            function = _named(frame, library)
        frame = frame.f_back
    return function


def awaited_in(coroutine: object, yielded: object) -> str:
    """The library function that user code awaits, which yielded something that is no command."""
    awaited: Any = coroutine
    while isinstance(awaited, CoroutineType):
        frame = awaited.cr_frame
        assert frame is not None  # it is suspended
        library = _library_of(frame)
        if library not in ("", "bizproc"):
            return _named(frame, library)
        awaited = awaited.cr_await
    return "asyncio.sleep" if yielded is None else f"awaiting a {type(yielded).__name__}"


def _library_of(frame: FrameType) -> str:
    """The first part of the module's name where it is a library's or ours, else ""."""
    module = str(frame.f_globals.get("__name__", ""))
    return module.partition(".")[0] if module.startswith(_LIBRARIES) else ""


def _named(frame: FrameType, library: str) -> str:
    # The whole name: the `wait` of an Event is not asyncio.wait.
    return f"{library}.{frame.f_code.co_qualname.removesuffix('.__aenter__')}"
