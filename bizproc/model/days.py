"""Calendar days (D19): of the portal's zone, at the same wall-clock time, whatever daylight saving does in between."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo


def day_of(moment: datetime, zone: tzinfo) -> date:
    """The day on which a moment falls in a zone."""
    return moment.astimezone(zone).date()


def midnight(day: date, zone: tzinfo) -> datetime:
    """
    The first moment of a day in a zone, in UTC.

    Where the clocks jump over midnight the day begins at the jump, which is what an offset from before it gives.
    """
    return datetime.combine(day, time(), zone).astimezone(UTC)


def days_later(moment: datetime, days: int, zone: tzinfo) -> datetime:
    """
    The same wall-clock time so many days later (earlier, if negative), in UTC.

    A time that the clocks jump over moves on by the jump; of a time that happens twice the first is meant.
    """
    local = moment.astimezone(zone).replace(tzinfo=None, fold=0) + timedelta(days=days)
    return local.replace(tzinfo=zone).astimezone(UTC)
