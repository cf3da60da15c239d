"""The clock: what time it is, and to be woken at a moment. Not the journalled clock of a process, which is `now()`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """
    Time as the engine sees it.

    Contract: `now` is aware and in UTC, and may be read from any thread. `wake_at` replaces the wake-up asked for
        before; the
    callback comes on the loop's thread, at the moment or later, never earlier. It may come at once, but not inside
    the call.
    """

    def now(self) -> datetime:
        """The moment, in UTC."""

    def wake_at(self, moment: datetime | None, callback: Callable[[], None]) -> None:
        """Call back at `moment`; None: no wake-up is wanted any more."""
