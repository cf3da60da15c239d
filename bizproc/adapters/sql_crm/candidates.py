"""Those among whom a queue picks, as the store knows them in this transaction: absences, hours, loads."""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from attrs import frozen

from bizproc.adapters.sql_crm.people import named
from bizproc.adapters.sql_crm.reading import Runs
from bizproc.adapters.sql_crm.shapes import SHAPES, shape_of
from bizproc.model.days import day_of
from bizproc.model.organisation import Absence, WorkingHours
from bizproc.model.portal import Portal
from bizproc.ports.performing import Performing
from bizproc.rules.absences import Span, all_day
from bizproc.rules.calendars import Calendar, calendar_of
from bizproc.rules.queues import Policy, UserQueue
from bizproc.rules.roster import Candidate, Roster
from bizproc.store.types import json_text, moment_text

_ABSENCE: Final = SHAPES["absence"]
_HOURS: Final = SHAPES["working_hours"]

_USERS: Final = "SELECT id, active, time_zone FROM user WHERE id IN (SELECT value FROM json_each(?))"
_ABSENT: Final = f'{_ABSENCE.select} WHERE user_id IN (SELECT value FROM json_each(?)) AND "end" > ? ORDER BY start, id'
_OWN_HOURS: Final = f"{_HOURS.select} WHERE user_id IN (SELECT value FROM json_each(?)) OR user_id IS NULL"
_ACTIVITIES: Final = (
    "SELECT responsible_id, count(*) FROM activity "
    "WHERE completed = 0 AND responsible_id IN (SELECT value FROM json_each(?)) GROUP BY responsible_id"
)
# All day lasts until the end of the day on which an absence ends, in whatever zone that is.
_A_DAY_IN_ANY_ZONE: Final = timedelta(hours=26 + 24)


@frozen
class _Member:
    active: bool
    zone: str


def roster_of(performing: Performing, portal: Portal, kind: str, queue: UserQueue, policy: Policy) -> Roster:
    """The members of a queue, in its order; only what the policy asks for is looked up."""
    tx, at = performing.transaction, performing.now
    ids = named(tx, queue.members)
    several = json_text(ids)
    known = {
        id_: _Member(bool(active), zone or str(portal.zone)) for id_, active, zone in tx.execute(_USERS, (several,))
    }
    absences = _absences(tx, several, known, at) if policy.skip_absent else {}
    hours = _hours(tx, several, known, queue)
    counts = queue.capacity is not None or policy.pick == "least_loaded"
    loads = dict(tx.execute(_loads(kind, queue.load), (several,)).fetchall()) if counts else {}
    return tuple(
        Candidate(
            user=id_,
            active=known[id_].active,
            absences=tuple(absences.get(id_, ())),
            hours=hours.get(id_),
            load=loads.get(id_, 0),
            capacity=queue.capacity_of(id_),
            weight=queue.weight_of(id_),
        )
        for id_ in ids
    )


def _loads(kind: str, load: str) -> str:
    if load == "open_activities":
        return _ACTIVITIES
    shape = shape_of(kind)
    open_ = "closed = 0 AND " if "closed" in shape.fields else ""
    members = "responsible_id IN (SELECT value FROM json_each(?))"
    return f"SELECT responsible_id, count(*) FROM {shape.table.name} WHERE {open_}{members}{shape.only} GROUP BY 1"


def _absences(tx: Runs, several: str, known: Mapping[int, _Member], at: datetime) -> dict[int, list[Span]]:
    found: dict[int, list[Span]] = {}
    for row in tx.execute(_ABSENT, (several, moment_text(at - _A_DAY_IN_ANY_ZONE))).fetchall():
        absence: Absence = _ABSENCE.item(row)
        found.setdefault(absence.user_id, []).append(_span(absence, known[absence.user_id].zone))
    return found


def _span(absence: Absence, zone: str) -> Span:
    if not absence.all_day:
        return absence.start, absence.end
    tz = ZoneInfo(zone)
    return all_day(day_of(absence.start, tz), day_of(absence.end, tz), tz)


def _hours(tx: Runs, several: str, known: Mapping[int, _Member], queue: UserQueue) -> dict[int, Calendar]:
    if isinstance(queue.hours, Calendar):
        return dict.fromkeys(known, queue.hours)
    if not queue.hours:
        return {}
    written = _by_user(_HOURS.item(row) for row in tx.execute(_OWN_HOURS, (several,)).fetchall())
    company = written.get(None, _USUAL)
    return {id_: _calendar(written.get(id_, company), member.zone) for id_, member in known.items()}


def _by_user(several: Iterable[WorkingHours]) -> dict[int | None, WorkingHours]:
    return {each.user_id: each for each in several}


_USUAL: Final = WorkingHours(id=0)
"""Where nobody said when the company works."""

_calendar: Final = lru_cache(maxsize=256)(calendar_of)


def company_calendar(tx: Runs, portal: Portal) -> Calendar:
    """The working hours of the company; the usual ones if nobody said which."""
    row = tx.execute(f"{_HOURS.select} WHERE user_id IS NULL").fetchone()
    hours: Any = _USUAL if row is None else _HOURS.item(row)
    return _calendar(hours, str(portal.zone))
