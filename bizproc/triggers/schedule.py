"""
Schedules: the moments of a cron expression, in a time zone. Pure; which of them have passed is the engine's affair.

Daylight saving is Debian's: a time of day that does not exist comes once, just after the gap, and one that comes twice
counts once. Where the minute or the hour begins with `*` real time goes on: `*/30 * * * *` is every half hour, always.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import evolve, frozen
from cronsim import CronSim, CronSimError

from bizproc.core.errors import WrongArgument

Missed: TypeAlias = Literal["one", "all", "none"]

FIELDS: Final = 5

_VALUES: Final = (
    ("minute", "from 0 to 59"),
    ("hour", "from 0 to 23"),
    ("day", "from 1 to 31"),
    ("month", "from 1 to 12, or JAN to DEC"),
    ("day of the week", "from 0 to 7, or SUN to SAT"),
)


@frozen
class Schedule:
    """
    When something is to happen again and again.

    Attributes:
        expression: Minute, hour, day of the month, month, day of the week.
        zone: Name of the time zone it is meant in; None for the portal's.
        missed: What becomes of runs that were due while nobody was there: the last of them, all, or none.
    """

    expression: str
    zone: str | None = None
    missed: Missed = "one"

    def within(self, portal: str) -> Schedule:
        """The same with a zone of its own."""
        return self if self.zone is not None else evolve(self, zone=portal)

    def after(self, moment: datetime) -> datetime | None:
        """The first run after a moment, in the schedule's zone; None if there is none for fifty years."""
        moments = CronSim(self.expression, moment.astimezone(ZoneInfo(self.zone or "UTC")))
        # In an hour that comes twice, the times of the first pass may lie behind the moment.
        return next((each for each in moments if each > moment), None)


def schedule(expression: str, zone: str | None, missed: Missed) -> Schedule:
    """
    A schedule.

    Raises:
        WrongArgument: It is no cron expression of five fields, there is no such zone, or `missed` is none of its words.
    """
    if missed not in get_args(Missed):
        raise WrongArgument(process="on.cron", parameter="missed", expected="'one', 'all' or 'none'", got=repr(missed))
    _check_zone(zone)
    text = " ".join(expression.split())
    wrong = _what_is_wrong(text)
    if wrong is not None:
        expected = f"five fields (minute, hour, day, month, day of the week), as '0 9 * * MON-FRI'{wrong.expected}"
        got = f"{expression!r}{wrong.got}"
        raise WrongArgument(process="on.cron", parameter="expression", expected=expected, got=got)
    return Schedule(text, zone, missed)


@frozen
class _Wrong:
    """What an expression lacks, and what it has instead, each to be added to what is said of it."""

    expected: str = ""
    got: str = ""


def _what_is_wrong(text: str) -> _Wrong | None:
    """What keeps a text from being an expression of five fields."""
    fields = text.split()
    if len(fields) != FIELDS:
        return _Wrong()
    for (name, values), field, place in zip(_VALUES, fields, range(FIELDS), strict=True):
        alone = ["*"] * FIELDS
        alone[place] = field
        if not _is_read(" ".join(alone)):
            return _Wrong(f", the {name} {values}", f", whose {name} is {field!r}")
    if not _is_read(text):
        return _Wrong(
            ", the day one that its months have", f", whose day is {fields[2]!r} and whose month {fields[3]!r}"
        )
    return None


def _is_read(text: str) -> bool:
    try:
        CronSim(text, _SOME_DAY)
    except CronSimError:
        return False
    return True


def _check_zone(zone: str | None) -> None:
    try:
        ZoneInfo(zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WrongArgument(
            process="on.cron", parameter="tz", expected="a time zone like 'Europe/Paris'", got=repr(zone)
        ) from None


_SOME_DAY: Final = datetime(2026, 1, 1)  # noqa: DTZ001  only to have the expression read
