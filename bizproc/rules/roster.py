"""
What is known of a queue's members at one moment, and who of them can take something. The facts come from elsewhere.

A roster lists each member once, in the order of the queue.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

from attrs import evolve, frozen

from bizproc.core.errors import NeverOpen
from bizproc.model.assignments import Reason
from bizproc.rules.absences import Span, away, back
from bizproc.rules.calendars import Calendar
from bizproc.rules.queues import Policy


@frozen(kw_only=True)
class Candidate:
    """
    A member, as they are now.

    Attributes:
        absences: When they are absent.
        hours: When they can be given something; None: at any time.
        load: How much they have.
        capacity: How much they can have; None: any number.
    """

    user: int
    active: bool = True
    absences: tuple[Span, ...] = ()
    hours: Calendar | None = None
    load: int = 0
    capacity: int | None = None
    weight: int = 1


Roster: TypeAlias = tuple[Candidate, ...]


def obstacle(candidate: Candidate, policy: Policy, at: datetime) -> Reason | None:
    """The first thing that keeps a candidate from taking it at this moment."""
    if not candidate.active:
        return "inactive"
    if policy.skip_absent and away(candidate.absences, at):
        return "absent"
    if candidate.hours is not None and not candidate.hours.is_open(at):
        return "off_hours"
    if candidate.capacity is not None and candidate.load >= candidate.capacity:
        return "full"
    if policy.pick == "weighted" and candidate.weight == 0:
        return "no_weight"
    return None


def somebody_at(roster: Iterable[Candidate], policy: Policy, at: datetime) -> datetime | None:
    """The first moment, from this one on, at which somebody can take it, if loads stay as they are."""
    moments = [free_at(candidate, policy, at) for candidate in roster]
    return min((moment for moment in moments if moment is not None), default=None)


def free_at(candidate: Candidate, policy: Policy, at: datetime) -> datetime | None:
    """The first moment, from this one on, at which a candidate can take it; None: nobody knows."""
    without_time = evolve(candidate, absences=(), hours=None)
    if obstacle(without_time, policy, at) is not None:
        return None
    absences = candidate.absences if policy.skip_absent else ()
    while True:  # each round passes an absence
        present = back(absences, at)
        try:
            at = present if candidate.hours is None else candidate.hours.next_open(present)
        except NeverOpen:
            return None
        if not away(absences, at):
            return at


def with_load(roster: Roster, user: int | None, more: int) -> Roster:
    """The roster where a member has so much more."""
    return tuple(evolve(each, load=each.load + more) if each.user == user else each for each in roster)
