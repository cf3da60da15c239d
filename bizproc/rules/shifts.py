"""
Hours as people write them, `mon-fri 09:00-12:30 13:30-18:00`, and when they are in a zone. No calendar yet.

A shift begins on a day and ends on it or, where its end is not after its beginning, on the next. Where the clocks jump
over a time, the moment of the jump is meant; of a time that happens twice, the first. So later on the clock is never
earlier in time, and shifts that touch on the clock touch in time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final, TypeAlias

from attrs import field, frozen

from bizproc.core.errors import WrongValue

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

ONE_DAY: Final = timedelta(days=1)
_A_SECOND: Final = timedelta(seconds=1)


def _bare(_shift: object, _attribute: object, value: time) -> None:
    if not isinstance(value, time) or value.tzinfo is not None:
        raise WrongValue(
            action="Shift",
            parameter="start and end",
            expected="times without a zone (the calendar has it)",
            got=repr(value),
        )


@frozen(order=True)
class Shift:
    """
    From `start` to `end` (that moment not included); an `end` that is not later lies on the next day.

    `00:00-00:00` is the whole day.
    """

    start: time = field(validator=_bare)
    end: time = field(validator=_bare)

    @property
    def overnight(self) -> bool:
        """Whether it ends on the day after it began."""
        return self.end <= self.start

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"

    def on(self, day: date, zone: tzinfo) -> tuple[datetime, datetime]:
        """When it is, if it begins on this day: two moments in UTC. A shift that the clocks jump over is empty."""
        last = day + ONE_DAY if self.overnight else day
        return instant(datetime.combine(day, self.start), zone), instant(datetime.combine(last, self.end), zone)


Shifts: TypeAlias = str | Iterable[Shift]
"""Shifts of a day: `09:00-12:30 13:30-18:00`, `closed`, or values."""

Hours: TypeAlias = str | Mapping[str, Shifts] | Iterable[Iterable[Shift]]
"""Hours of a week: `mon-fri 09:00-17:00, sat 10:00-12:00`, a mapping from days, or the shifts of all seven days."""


def instant(local: datetime, zone: tzinfo) -> datetime:
    """The moment, in UTC, of a time on the clocks of a zone. Later on the clock is never earlier in time."""
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None, fold=0) == local:
        return moment
    return _jump(local, zone, moment)


def _jump(local: datetime, zone: tzinfo, after: datetime) -> datetime:
    """The moment at which the clocks jump over a time; `after` is some moment after it. Zones jump at whole seconds."""
    before = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    offset = after.astimezone(zone).utcoffset()
    low, high = 0, int((after - before) / _A_SECOND) + 1
    while high - low > 1:
        middle = (low + high) // 2
        if (after - middle * _A_SECOND).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return (after - low * _A_SECOND).replace(microsecond=0)


# -- as people write them ----------------------------------------------------------------------------------------------


def shifts_of(shifts: Shifts) -> tuple[Shift, ...]:
    """The shifts of one day, in order."""
    if not isinstance(shifts, str):
        return tuple(sorted(shifts))
    words = shifts.split()
    return () if words == ["closed"] else tuple(sorted(_shift(word, shifts) for word in words))


def week_of(hours: Hours) -> tuple[tuple[Shift, ...], ...]:
    """The shifts of each day of a week, Monday first."""
    if isinstance(hours, str):
        hours = dict(_line(line, hours) for line in hours.split(",") if line.strip())
    if isinstance(hours, Mapping):
        return _spread(hours)
    week = tuple(shifts_of(shifts) for shifts in hours)
    if len(week) != len(DAYS):
        raise _wrong("shifts for seven days, Monday first", f"{len(week)} days")
    return week


def _line(line: str, whole: str) -> tuple[str, str]:
    days, _, shifts = line.strip().partition(" ")
    if not shifts:
        raise _wrong("such as 'mon-fri 09:00-17:00, sat 10:00-12:00'", repr(whole))
    return days, shifts


def _spread(hours: Mapping[str, Shifts]) -> tuple[tuple[Shift, ...], ...]:
    week: list[tuple[Shift, ...]] = [()] * len(DAYS)
    for days, shifts in hours.items():
        for day in _days(days):
            week[day] = shifts_of(shifts)
    return tuple(week)


def _days(text: str) -> Iterable[int]:
    first, dash, last = text.strip().lower().partition("-")
    if first not in DAYS or (dash and last not in DAYS):
        raise _wrong(f"a day or a range of {', '.join(DAYS)}", repr(text))
    begin, end = DAYS.index(first), DAYS.index(last or first)
    return [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]


def _shift(word: str, whole: str) -> Shift:
    start, _, end = word.partition("-")
    try:
        return Shift(_time(start), _time(end))
    except ValueError:
        raise _wrong("times such as '09:00-12:30 13:30-18:00', or 'closed'", repr(whole)) from None


def _time(text: str) -> time:
    return time() if text == "24:00" else time.fromisoformat(text)


def _wrong(expected: str, got: str) -> WrongValue:
    return WrongValue(action="Calendar", parameter="hours", expected=expected, got=got)
