"""
Ctrl-C and SIGTERM, for a command that runs until it is stopped.

The first asks it to stop, the second hurries it, and what does not end then is ended.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Final, Self

GIVE_UP: Final = 5.0
"""Seconds after which a program that was hurried and has not ended is ended. The store survives that at any moment."""

_STOPPED: Final = 130


class Stop:
    """
    While its block runs, signals are heard here.

    The handlers are Python's own, not the loop's: code that blocks the loop must not keep a second Ctrl-C from working.

    Attributes:
        grace: Seconds between the first signal and hurry.
        asked, hurried: Somebody wants it to stop; at once.
    """

    SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, grace: float) -> None:
        self.grace = grace
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._count = 0
        self._timer: threading.Timer | None = None

    @property
    def at_once(self) -> bool:
        """Whether somebody did not want to wait for running steps."""
        return self._count > 1

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._before = {each: signal.signal(each, self._heard) for each in self.SIGNALS}
        return self

    def __exit__(self, cls: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def forget(self) -> None:
        """The program has come to its end by itself."""
        if self._timer is not None:
            self._timer.cancel()

    def _heard(self, _signal: int, _frame: FrameType | None) -> None:
        self._count += 1
        self._tell(self.asked if self._count == 1 else self.hurried)
        if self._count == 1:
            self._end_after(self.grace + GIVE_UP)
        elif self._count == 2:
            self._end_after(GIVE_UP)
        else:
            os._exit(_STOPPED)

    def _tell(self, event: asyncio.Event) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(event.set)

    def _end_after(self, seconds: float) -> None:
        """A step that swallows its cancellation, or blocks, must not keep the program alive."""
        self.forget()
        self._timer = threading.Timer(seconds, os._exit, (_STOPPED,))
        self._timer.daemon = True
        self._timer.start()
