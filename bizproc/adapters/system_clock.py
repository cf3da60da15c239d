"""The clock of the machine, and wake-ups by the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

# A wall clock may be set while we sleep, and a loop's timers are bounded: look again at least this often.
_LONGEST_SLEEP: Final = timedelta(minutes=1)


class SystemClock:
    """`ports/clock.py` over the machine's wall clock and asyncio."""

    def __init__(self) -> None:
        self._handle: asyncio.TimerHandle | None = None

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def wake_at(self, moment: datetime | None, callback: Callable[[], None]) -> None:
        """Call back at `moment` or a little later."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if moment is not None:
            self._sleep(moment, callback)

    def _sleep(self, moment: datetime, callback: Callable[[], None]) -> None:
        delay = min(max(moment - self.now(), timedelta(0)), _LONGEST_SLEEP)
        self._handle = asyncio.get_running_loop().call_later(delay.total_seconds(), self._look, moment, callback)

    def _look(self, moment: datetime, callback: Callable[[], None]) -> None:
        if self.now() >= moment:
            self._handle = None
            callback()
        else:
            self._sleep(moment, callback)
