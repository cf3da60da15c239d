"""Moments: anywhere in a long time, and often near a change of clocks somewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from hypothesis import strategies as st

from bizproc.testing.strategies.making import made

_NEAR: Final = (
    datetime(2026, 3, 29, 1, tzinfo=UTC),  # Paris: 02:00 is 03:00
    datetime(2026, 10, 25, 1, tzinfo=UTC),  # Paris: 03:00 is 02:00 again
    datetime(2011, 12, 30, 10, tzinfo=UTC),  # Apia leaves the 30th out
    datetime(2026, 3, 8, 5, tzinfo=UTC),  # Havana: 00:00 is 01:00; New York two hours later
    datetime(2026, 11, 1, 5, tzinfo=UTC),  # Havana: 01:00 is 00:00 again; New York one hour later
    datetime(2026, 4, 4, 15, tzinfo=UTC),  # Lord Howe: back by half an hour
    datetime(2026, 10, 3, 15, 30, tzinfo=UTC),  # and forth
    datetime(2026, 9, 6, 4, tzinfo=UTC),  # Santiago: 00:00 is 01:00
)

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2037, 12, 31, tzinfo=UTC)


def moments(first: datetime = _FIRST, last: datetime = _LAST) -> st.SearchStrategy[datetime]:
    """
    Moments in UTC: many of them, where the bounds allow it, within two days of a change of clocks somewhere.

    Args:
        first: None is before it.
        last: None is behind it.
    """
    bounds = (first.astimezone(UTC).replace(tzinfo=None), last.astimezone(UTC).replace(tzinfo=None))
    # First what is plain, and drawn as one number: an example shrinks to the beginning.
    minutes = made(partial(_later, first.astimezone(UTC)), st.integers(0, (last - first) // timedelta(minutes=1)))
    exact = st.datetimes(*bounds, timezones=st.just(UTC))
    near = [moment for moment in _NEAR if first <= moment <= last]
    if not near:
        return st.one_of(minutes, exact)
    close = made(_later, st.sampled_from(near), st.integers(-48 * 60, 48 * 60))
    return st.one_of(minutes, exact, close.filter(lambda moment: first <= moment <= last))


def _later(moment: datetime, minutes: int) -> datetime:
    return moment + timedelta(minutes=minutes)
