"""Actions that plan a call or a meeting with the client of an item."""

from __future__ import annotations

from dataclasses import KW_ONLY
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from attrs import frozen

from bizproc.actions.people import first_of
from bizproc.core.action import ItemAction, Target, action_type, option, whole_minutes
from bizproc.core.errors import WrongValue
from bizproc.model.days import day_of
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity
from bizproc.model.users import Users
from bizproc.ports.crm import Crm


@action_type("crm.schedule_call")
class ScheduleCall(ItemAction[Activity]):
    """
    Plan a call to the client: an open activity beside the item and beside whoever is to be called.

    The number is the first phone of the item itself (a lead, contact or company), of its contacts, of its company;
    without any the call is planned all the same. Heading 40.

    Args:
        subject: What it is called; after the client and the day if left out.
        start: When it begins, with a time zone; now if left out.
        end: When it is over, not before it begins; as it begins if left out.
        description: In plain text.
        remind_before: How long before the start the responsible user is reminded, in whole minutes, hours or days; not
            at all if left out.
        responsible: Who calls; the first user, if several. The item's person in charge if left out.
        important: Of high priority.
        complete_on_stage_change: The next change of the item's stage completes it, unless both are in one commit.

    Raises:
        WrongValue: an end before the start, a reminder that is none.
        UnknownUser: no such user.
        ItemNotFound: no such item.
        WrongFieldValue: a text that cannot be stored.
    """

    target: Target
    subject: str | None = option(default=None)
    _: KW_ONLY
    start: datetime | None = option(default=None)
    end: datetime | None = option(default=None)
    description: str = option(default="")
    remind_before: timedelta | None = option(default=None, validator=whole_minutes)
    responsible: Users | None = option(default=None)
    important: bool = option(default=False)
    complete_on_stage_change: bool = option(default=False)

    async def perform(self, port: Crm) -> Activity:
        ref = await port.resolve(self.target.kind, self.target.id)
        found = await port.client_address(ref, "phones")
        client = await _client(port, ref)
        whom = client if found is None else found.holder
        also = () if found is None else (found.holder,)
        plan = _Plan("call", "Call", whom, also, direction="out", client_address="" if found is None else found.value)
        return await _plan(port, ref, self, plan)


@action_type("crm.schedule_meeting")
class ScheduleMeeting(ItemAction[Activity]):
    """
    Plan a meeting with the client: an open activity beside the item and its contact or, without one, its company.

    Heading 41.

    Args:
        subject: What it is called; after the client and the day if left out.
        start: When it begins, with a time zone; now if left out.
        end: When it is over, not before it begins; as it begins if left out.
        description: In plain text.
        remind_before: How long before the start the responsible user is reminded, in whole minutes, hours or days; not
            at all if left out.
        responsible: Who goes there; the first user, if several. The item's person in charge if left out.
        important: Of high priority.
        complete_on_stage_change: The next change of the item's stage completes it, unless both are in one commit.
        location: Where it takes place.

    Raises:
        WrongValue: an end before the start, a reminder that is none.
        UnknownUser: no such user.
        ItemNotFound: no such item.
        WrongFieldValue: a text that cannot be stored.
    """

    target: Target
    subject: str | None = option(default=None)
    _: KW_ONLY
    start: datetime | None = option(default=None)
    end: datetime | None = option(default=None)
    description: str = option(default="")
    remind_before: timedelta | None = option(default=None, validator=whole_minutes)
    responsible: Users | None = option(default=None)
    important: bool = option(default=False)
    complete_on_stage_change: bool = option(default=False)
    location: str = option(default="")

    async def perform(self, port: Crm) -> Activity:
        ref = await port.resolve(self.target.kind, self.target.id)
        client = await _client(port, ref)
        plan = _Plan("meeting", "Meeting", client, (client,), location=self.location)
        return await _plan(port, ref, self, plan)


_Appointment: TypeAlias = ScheduleCall | ScheduleMeeting


@frozen
class _Plan:
    """What calls and meetings do not share."""

    kind: str
    called: str
    whom: ItemRef
    also: tuple[ItemRef, ...]
    direction: str | None = None
    client_address: str = ""
    location: str = ""


async def _client(port: Crm, ref: ItemRef) -> ItemRef:
    """With whom: the item's primary contact or, without one, its company; the item itself if there is neither."""
    if ref.kind in ("contact", "company"):
        return ref
    item = await port.read(ref)
    if item.contact_id is not None:
        return ItemRef("contact", item.contact_id)
    return ref if item.company_id is None else ItemRef("company", item.company_id)


async def _plan(port: Crm, ref: ItemRef, asked: _Appointment, plan: _Plan) -> Activity:
    start, end = _times(asked, port.performing.now)
    reminded_at = None if asked.remind_before is None else _before(asked, start, asked.remind_before)
    subject = asked.subject if asked.subject and asked.subject.strip() else await _subject(port, plan, start)
    made = await port.add_activity(
        ref,
        subject,
        asked.description,
        kind=plan.kind,
        responsible=await first_of(port, asked.responsible),
        important=asked.important,
        complete_on_stage_change=asked.complete_on_stage_change,
        start=start,
        end=end,
        location=plan.location,
        direction=plan.direction,
        client_address=plan.client_address,
        also=plan.also,
    )
    if reminded_at is not None and made.responsible_id is not None:
        await port.notify(ref, made.responsible_id, made.subject, due_at=reminded_at, activity=made.id)
    return made


def _times(asked: _Appointment, now: datetime) -> tuple[datetime, datetime]:
    start = now if asked.start is None else asked.start
    end = start if asked.end is None else asked.end
    if end < start:
        raise _wrong(asked, "end", f"not before the start, {start}", end)
    return start, end


def _before(asked: _Appointment, start: datetime, duration: timedelta) -> datetime:
    try:
        return start - duration
    except OverflowError:
        raise _wrong(asked, "remind_before", "a time within the calendar", duration) from None


def _wrong(asked: _Appointment, parameter: str, expected: str, got: object) -> WrongValue:
    return WrongValue(action=asked.name, parameter=parameter, expected=expected, got=str(got))


async def _subject(port: Crm, plan: _Plan, start: datetime) -> str:
    """After the client and the day."""
    whom: Any = await port.read(plan.whom)
    name = getattr(whom, "title", "") or getattr(whom, "full_name", "") or str(plan.whom)
    return f"{plan.called}: {name}, {day_of(start, port.portal.zone).isoformat()}"
