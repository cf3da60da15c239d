"""Strategies of time: working calendars; absences."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from hypothesis import strategies as st

from bizproc.model.organisation import Absence
from bizproc.rules.calendars import Calendar
from bizproc.rules.shifts import Shift

ZONES: Final = (
    "UTC",
    "Europe/Paris",
    "America/New_York",
    "Australia/Lord_Howe",  # clocks move by half an hour
    "Asia/Kathmandu",
    "America/Havana",  # midnight happens twice
    "America/Santiago",  # midnight does not happen
    "Pacific/Apia",  # a whole day did not happen
)

_USERS: Final = st.integers(1, 60)
_SPRING: Final = datetime(2026, 3, 25, tzinfo=UTC)


_times: Final = st.builds(time, st.integers(0, 23), st.sampled_from([0, 0, 15, 30, 59]))


def shifts() -> st.SearchStrategy[Shift]:
    """Shifts, overnight ones and whole days among them."""
    usual = st.sampled_from([Shift(time(9), time(17)), Shift(time(22), time(6)), Shift(time(0), time(0))])
    return st.one_of(st.builds(Shift, _times, _times), usual)


def _days_near(moment: datetime) -> st.SearchStrategy[date]:
    return st.integers(-20, 40).map(lambda days: moment.date() + timedelta(days=days))


@st.composite
def calendars(  # noqa: D417  `draw` is Hypothesis's
    draw: st.DrawFn, *, near: datetime = _SPRING, zones: Iterable[str] = ZONES, never_open: bool = False
) -> Calendar:
    """
    Working calendars that open every week, with holidays and exceptions around a moment.

    Args:
        near: That moment.
        zones: Names of the time zones that they may have; those with odd changes of clocks, if left out.
        never_open: Also such as open on exceptional days alone, or never.
    """
    days = st.lists(shifts(), max_size=2)
    week = st.lists(days, min_size=7, max_size=7)
    return Calendar(
        zone=draw(st.sampled_from(list(zones))),
        hours=draw(week if never_open else week.filter(any)),
        holidays=draw(st.frozensets(_days_near(near), max_size=5)),
        exceptions=draw(st.dictionaries(_days_near(near), days, max_size=3)),
    )


def absences(users: st.SearchStrategy[int] = _USERS, near: datetime = _SPRING) -> st.SearchStrategy[Absence]:
    """
    Absences around a moment, of whole days and of hours, empty ones among them.

    Args:
        users: A strategy of the ids of whom they are.
        near: That moment.
    """
    hours = st.integers(-100, 100)
    return st.builds(
        lambda user, reason, start, length, all_day: Absence(
            id=0,
            user_id=user,
            reason=reason,
            start=near + timedelta(hours=start),
            end=near + timedelta(hours=start + length),
            all_day=all_day,
        ),
        users,
        st.sampled_from(["vacation", "sick", "leave"]),
        hours,
        st.integers(0, 100),
        st.booleans(),
    )
