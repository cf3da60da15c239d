"""A user's agenda as a calendar that others subscribe to (RFC 5545). A pure function."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta, tzinfo
from typing import Any, Final

from icalendar import Alarm, Calendar, Event, Todo

from bizproc.model.agenda import Agenda
from bizproc.model.planned import Booking, Notification
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity

EVENTS: Final = ("call", "meeting")
"""Kinds of activities that have their time; others stand in a calendar if they have a deadline."""

OFTEN: Final = timedelta(minutes=15)
"""How often programs may look for what is new."""


def calendar_of(agenda: Agenda, zone: tzinfo, host: str) -> bytes:
    """
    The calendar.

    Args:
        agenda: Whose, and what stands in it.
        zone: In which days begin.
        host: The name that tells its entries from those of others.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//bizproc//calendar//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", _line(agenda.user.title))
    calendar.add("refresh-interval", OFTEN, parameters={"VALUE": "DURATION"})
    for entry in _entries(agenda, zone, host):
        calendar.add_component(entry)
    made: bytes = calendar.to_ical()
    return made


def _entries(agenda: Agenda, zone: tzinfo, host: str) -> Iterator[Any]:
    reminders: dict[int, list[Notification]] = {}
    for each in agenda.reminders:
        reminders.setdefault(each.activity_id or 0, []).append(each)
    for activity in agenda.activities:
        title = agenda.titles.get(ItemRef(activity.owner_kind, activity.owner_id), "")
        if activity.kind in EVENTS:
            yield _event(activity, title, reminders.get(activity.id, ()), host)
        elif activity.deadline is not None and not activity.completed:
            yield _todo(activity, title, reminders.get(activity.id, ()), host)
    for booking in agenda.bookings:
        yield _booking(booking, agenda.titles, zone, host)


def _event(activity: Activity, title: str, reminders: Sequence[Notification], host: str) -> Any:
    event = Event()
    _describe(event, activity, title, host)
    event.add("dtstart", activity.start)
    if activity.end > activity.start:  # one without a length has no end
        event.add("dtend", activity.end)
    event.add("status", "CONFIRMED")
    _remind(event, reminders)
    return event


def _todo(activity: Activity, title: str, reminders: Sequence[Notification], host: str) -> Any:
    todo = Todo()
    _describe(todo, activity, title, host)
    todo.add("due", activity.deadline)
    todo.add("status", "NEEDS-ACTION")
    _remind(todo, reminders)
    return todo


def _describe(entry: Any, activity: Activity, title: str, host: str) -> None:
    entry.add("uid", f"activity-{activity.id}@{host}")
    entry.add("dtstamp", activity.created_at)
    entry.add("summary", _line(activity.subject))
    description = "\n".join(filter(None, (_line(title), _text(activity.description))))
    if description:
        entry.add("description", description)
    if activity.location:
        entry.add("location", _line(activity.location))
    if activity.important:
        entry.add("priority", 1)


def _remind(entry: Any, reminders: Sequence[Notification]) -> None:
    for each in reminders:
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _line(each.text) or str(entry["summary"]))
        alarm.add("trigger", each.due_at, parameters={"VALUE": "DATE-TIME"})
        entry.add_component(alarm)


def _booking(booking: Booking, titles: Mapping[ItemRef, str], zone: tzinfo, host: str) -> Any:
    event = Event()
    title = titles.get(ItemRef(booking.owner_kind, booking.owner_id), "")
    event.add("uid", f"booking-{booking.id}@{host}")
    event.add("dtstamp", booking.start)
    event.add("summary", _line(f"Booking: {title}"))
    if booking.service:
        event.add("description", _line(booking.service))
    if booking.all_day:
        event.add("dtstart", booking.start.astimezone(zone).date())
        event.add("dtend", booking.end.astimezone(zone).date())
    else:
        event.add("dtstart", booking.start)
        event.add("dtend", booking.end)
    return event


_BREAK: Final = re.compile("\r\n|\r|\x0b|\x0c|\x85|\u2028|\u2029")
_CONTROL: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def _text(text: str) -> str:
    """Several lines; what no calendar may hold is a blank."""
    return _CONTROL.sub(" ", _BREAK.sub("\n", text))


def _line(text: str) -> str:
    return " ".join(_text(text).split())
