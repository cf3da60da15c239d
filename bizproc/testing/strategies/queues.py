"""Strategies of assignment queues: queues as values, and what their members are like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from hypothesis import strategies as st

from bizproc.rules.absences import Span
from bizproc.rules.queues import PICKS, Load, Measure, Policy, UserQueue
from bizproc.rules.roster import Candidate, Roster
from bizproc.testing.strategies.calendars import calendars

NOW: Final = datetime(2026, 3, 25, 10, 30, tzinfo=UTC)

_users: Final = st.integers(1, 60)
_numbers: Final = st.integers(0, 5)
_picks: Final = st.sampled_from(PICKS)


def queues(users: st.SearchStrategy[int] = _users) -> st.SearchStrategy[UserQueue]:
    """
    Queues, each option at work in some of them. Their users need not be there.

    Args:
        users: A strategy of the ids of their members.
    """
    return st.lists(users, max_size=8).flatmap(lambda members: _queue_of(tuple(members)))


def _queue_of(members: tuple[int, ...]) -> st.SearchStrategy[UserQueue]:
    numbered = st.dictionaries(st.sampled_from(members), _numbers) if members else st.just({})
    return st.builds(
        UserQueue,
        st.just(members),
        pick=st.none() | _picks,
        skip_absent=st.none() | st.booleans(),
        hours=st.booleans() | calendars(near=NOW),
        capacity=st.none() | _numbers | numbered,
        load=st.sampled_from(get_args(Load)),
        measure=st.sampled_from(get_args(Measure)),
        weights=numbered,
        sticky=st.booleans(),
        nobody=st.sampled_from(["keep", "hold", "error", *members]),
        priority=st.integers(-1, 1),
    )


def policies(
    picks: st.SearchStrategy[str] = _picks, nobody: st.SearchStrategy[str] | None = None
) -> st.SearchStrategy[Policy]:
    """Policies of these picks."""
    return st.builds(
        Policy,
        pick=picks,
        skip_absent=st.booleans(),
        measure=st.sampled_from(get_args(Measure)),
        sticky=st.booleans(),
        nobody=nobody or st.sampled_from(["keep", "hold", "error", "fallback"]),
    )


def spans(near: datetime = NOW) -> st.SearchStrategy[Span]:
    """Absences near a moment, empty ones and such as end or begin at it among them."""
    hours = st.integers(-100, 100)
    return st.tuples(hours, hours).map(lambda two: (near + timedelta(hours=two[0]), near + timedelta(hours=two[1])))


def candidates(user: int, near: datetime = NOW) -> st.SearchStrategy[Candidate]:
    """A member of a queue: absent, busy, gone, or none of it."""
    return st.builds(
        Candidate,
        user=st.just(user),
        active=st.sampled_from([True, True, True, False]),
        absences=st.just(()) | st.lists(spans(near), max_size=3).map(tuple),
        hours=st.none() | st.none() | calendars(near=near),
        load=_numbers,
        capacity=st.none() | _numbers,
        weight=_numbers,
    )


def rosters(near: datetime = NOW, *, least: int = 0, most: int = 7) -> st.SearchStrategy[Roster]:
    """The members of a queue, each once."""
    users = st.lists(_users, min_size=least, max_size=most, unique=True)
    return users.flatmap(lambda ids: st.tuples(*(candidates(user, near) for user in ids)))
