"""
Working calendars: when it is open, and moving by working time. Pure: what is asked about is given.

Open time is half-open: it is open at the moment of opening and no longer at that of closing. What is moved by working
time always ends inside open time: eight hours of work from 09:00 at hours of 09:00-17:00 are over at 09:00 of the next
working day, the first moment at which somebody is there again. So moving twice is moving by the sum, without exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Final, TypeAlias
from zoneinfo import ZoneInfo

from attrs import evolve, field, frozen

from bizproc.core.errors import NeverOpen, WrongValue
from bizproc.model.organisation import WorkingHours, parse_hours
from bizproc.rules.shifts import ONE_DAY, Hours, Shift, Shifts, instant, shifts_of, week_of

Span: TypeAlias = tuple[datetime, datetime]

_NOTHING: Final = timedelta(0)
_FURTHEST: Final = 50 * 366
"""In days: a moment farther away is no plan but a mistake, and looking for it would take long."""


def _frozen_days(days: Iterable[date]) -> frozenset[date]:
    return frozenset(days)


def _frozen_exceptions(exceptions: Mapping[date, Shifts]) -> dict[date, tuple[Shift, ...]]:
    return {day: shifts_of(shifts) for day, shifts in sorted(exceptions.items())}


def _known_zone(_calendar: object, _attribute: object, value: str) -> None:
    try:
        ZoneInfo(value)
    except (ValueError, OSError, TypeError, KeyError):  # a zone that is not there is a KeyError, a path is a ValueError
        raise WrongValue(
            action="Calendar", parameter="zone", expected="a name such as 'Europe/Paris'", got=repr(value)
        ) from None


@frozen(kw_only=True)
class Calendar:
    """
    Working hours.

        Calendar(zone="Europe/Paris", hours="mon-fri 09:00-12:30 13:30-18:00", holidays=[date(2026, 12, 25)])

    Attributes:
        zone: Whose clocks and days they are, a name as in the IANA database.
        hours: The shifts that begin on each day of the week, Monday first.
        holidays: Closed from midnight to midnight, also for shifts that began on the evening before.
        exceptions: Days with shifts of their own, instead of the week's; they also win over holidays.
    """

    zone: str = field(default="UTC", validator=_known_zone)
    hours: tuple[tuple[Shift, ...], ...] = field(default="mon-fri 09:00-18:00", converter=week_of)
    holidays: frozenset[date] = field(default=(), converter=_frozen_days)
    exceptions: Mapping[date, tuple[Shift, ...]] = field(factory=dict, converter=_frozen_exceptions, hash=False)

    # -- open or not

    def is_open(self, moment: datetime) -> bool:
        """Whether it is open at a moment."""
        moment = _utc(moment)
        today = moment.astimezone(self._tz).date()
        return any(start <= moment < end for day in _around(today) for start, end in self._spans(day))

    def next_open(self, moment: datetime) -> datetime:
        """This moment if it is open, else the next at which it is, in UTC. Raises NeverOpen."""
        return next(self._pieces(_utc(moment)))[0]

    def works_on(self, day: date) -> bool:
        """Whether a shift begins on a day."""
        return bool(self._spans(day))

    # -- moving

    def add(self, moment: datetime, duration: timedelta) -> datetime:
        """
        The moment by which so much open time has passed, in UTC; always one at which it is open.

        Raises:
            NeverOpen: there is not so much open time, within the next fifty years.
            WrongValue: a duration below 0.
        """
        if duration < _NOTHING:
            raise WrongValue(action="Calendar.add", parameter="duration", expected="0 or more", got=repr(duration))
        left = duration
        for start, end in self._pieces(_utc(moment)):
            if left < end - start:
                return start + left
            left -= end - start
        raise AssertionError  # pieces end by raising

    def between(self, first: datetime, last: datetime) -> timedelta:
        """How much open time lies between two moments; below 0 if the second is earlier. Raises NeverOpen as `add`."""
        first, last = _utc(first), _utc(last)
        if last < first:
            return -self.between(last, first)
        before = takewhile(lambda piece: piece[0] < last, self._pieces(first, until=last))
        return sum((min(end, last) - start for start, end in before), _NOTHING)

    def add_days(self, moment: datetime, days: int) -> datetime:
        """
        The same time on the clock so many working days later, in UTC; always one at which it is open.

        A working day is one on which a shift begins; the small hours of a night shift belong to the day before.
        Counting begins at the moment, or when it next opens; where it is closed at that time on the last day, the next
        opening is meant.

        Raises:
            NeverOpen: there are not so many working days, within the next fifty years.
            WrongValue: days below 0.
        """
        if days < 0:
            raise WrongValue(action="Calendar.add_days", parameter="days", expected="0 or more", got=repr(days))
        if days > _FURTHEST:  # known without looking at each day
            raise NeverOpen(zone=self.zone, moment=str(moment), detail="not within the next fifty years")
        start = self.next_open(moment)
        if days == 0:
            return start
        local = start.astimezone(self._tz).replace(tzinfo=None, fold=0)
        first = next(day for day in _around(local.date()) if any(a <= start < b for a, b in self._spans(day)))
        last = self._working_day(first, days, start)
        return self.next_open(instant(local + (last - first), self._tz))

    def _working_day(self, first: date, count: int, moment: datetime) -> date:
        for day in self._days(first + ONE_DAY, moment):
            count -= self.works_on(day)
            if count == 0:
                return day
        raise AssertionError  # days end by raising

    # -- combining

    def with_holidays(self, days: Iterable[date]) -> Calendar:
        """This calendar with more holidays."""
        return evolve(self, holidays=self.holidays | frozenset(days))

    # -- inside

    @property
    def _tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def _closed(self, day: date) -> bool:
        return day in self.holidays and day not in self.exceptions

    def _shifts(self, day: date) -> tuple[Shift, ...]:
        if day in self.exceptions:
            return self.exceptions[day]
        return () if day in self.holidays else self.hours[day.weekday()]

    def _spans(self, day: date) -> list[Span]:
        """When the shifts are that begin on a day, those that are not empty, in order."""
        spans = [shift.on(day, self._tz) for shift in self._shifts(day)]
        if spans and self._closed(day + ONE_DAY):
            midnight = instant(datetime.combine(day + ONE_DAY, datetime.min.time()), self._tz)
            spans = [(start, min(end, midnight)) for start, end in spans]
        return [(start, end) for start, end in spans if start < end]

    def _pieces(self, moment: datetime, until: datetime | None = None) -> Iterator[Span]:
        """Open time from a moment on, in order, in pieces that do not overlap. Ends at `until`, else by raising."""
        reached = moment
        try:
            for day in self._days(moment.astimezone(self._tz).date() - ONE_DAY, moment, until):
                for start, end in self._spans(day):
                    if end > reached:
                        yield max(start, reached), end
                        reached = end
        except OverflowError:
            raise NeverOpen(zone=self.zone, moment=str(moment), detail="it lies outside the years 1 to 9999") from None

    def _days(self, first: date, moment: datetime, until: datetime | None = None) -> Iterator[date]:
        """Days from `first` on which shifts may begin. Ends behind `until`, else by raising where no more can come."""
        last = None if until is None else until.astimezone(self._tz).date()
        if any(self.hours):
            barren = 0
            for day in (first + number * ONE_DAY for number in range(_FURTHEST)):
                if last is not None and day > last:
                    return
                yield day
                # Each holiday and exception can close one day of a week that is open on one day only; and the clocks
                # may jump over a short shift.
                barren = 0 if self.works_on(day) else barren + 1
                if last is None and barren > 7 * (len(self.holidays) + len(self.exceptions) + 3):
                    break
            else:
                raise NeverOpen(zone=self.zone, moment=str(moment), detail="not within the next fifty years")
        else:
            yield from (day for day in self.exceptions if day >= first and (last is None or day <= last))
            if last is not None:
                return
        raise NeverOpen(zone=self.zone, moment=str(moment), detail="it never opens again")


def calendar_of(hours: WorkingHours, zone: str) -> Calendar:
    """The calendar of working hours as the CRM has them; `zone` is whose they are where they name none."""
    week = [[_shift(begin, end) for begin, end in parse_hours(text)] for text in hours.week]
    return Calendar(zone=hours.time_zone or zone, hours=week, holidays=hours.holidays)


def _shift(begin: int, end: int) -> Shift:
    return Shift(*(time(minute // 60 % 24, minute % 60) for minute in (begin, end)))


def _around(day: date) -> tuple[date, date]:
    """The days on which a shift can have begun that is running on this one."""
    return day - ONE_DAY, day


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None or not 1 < moment.year < 9999:
        expected = "a moment with a zone, in the years 2 to 9998"
        raise WrongValue(action="Calendar", parameter="moment", expected=expected, got=repr(moment))
    return moment.astimezone(UTC)


__all__ = ["Calendar", "Hours", "Shift", "Shifts", "Span", "calendar_of"]
