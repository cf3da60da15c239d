"""A clock that moves only when told. The fake of `ports/clock.py`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

BEGINNING = datetime(2030, 1, 7, 9, tzinfo=UTC)
"""Where time begins unless a test says otherwise: a Monday, at nine."""


class VirtualClock:
    """Time as a test wants it."""

    def __init__(self, start: datetime = BEGINNING) -> None:
        self._now = start
        self._wake: tuple[datetime, Callable[[], None]] | None = None

    def now(self) -> datetime:
        """The moment that was last set."""
        return self._now

    def wake_at(self, moment: datetime | None, callback: Callable[[], None]) -> None:
        """Remember when somebody wants to be woken."""
        self._wake = None if moment is None else (moment, callback)

    def next_wake(self) -> datetime | None:
        """When somebody wants to be woken next; never before now."""
        return None if self._wake is None else max(self._wake[0], self._now)

    def move_to(self, moment: datetime) -> None:
        """Set the time, forwards only, and wake who wanted to be woken by then."""
        if moment < self._now:
            raise ValueError(f"time moves forwards: {moment} is before {self._now}")
        self._now = moment
        if self._wake is not None and self._wake[0] <= moment:
            (_, callback), self._wake = self._wake, None
            callback()
