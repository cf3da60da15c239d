"""Bookings of people's time, in the booking fields of an item; who may be booked twice (D9)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final

from attrs import evolve, frozen

from bizproc.adapters.sql_crm import history, items
from bizproc.adapters.sql_crm.belongings import add, change, remove, those
from bizproc.adapters.sql_crm.custom import custom_field
from bizproc.adapters.sql_crm.reading import exists, read
from bizproc.adapters.sql_crm.shapes import SHAPES, shape_of
from bizproc.core.errors import ItemNotFound, ResourceBusy, WrongFieldValue
from bizproc.model.booking_fields import OF_THE_USER, BookingSettings, booking_settings, zone_of
from bizproc.model.days import day_of, midnight
from bizproc.model.planned import Booking
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing

_OWN: Final = "owner_kind = ? AND owner_id = ? AND field = ?"
_DAY: Final = timedelta(days=1)


@frozen
class Wanted:
    """What is to be booked."""

    field: str
    start: datetime
    duration: timedelta
    service: str
    users: tuple[int, ...]


def book(performing: Performing, portal: Portal, ref: ItemRef, wanted: Wanted) -> tuple[Booking, ...]:
    """Book, in place of what was booked in this field. See `ports.crm.Crm.book`."""
    tx = performing.transaction
    settings = _settings(performing, ref, wanted.field)
    planned = [_planned(performing, portal, ref, wanted, settings, user) for user in wanted.users]
    if not settings.allow_overbooking:
        _check_free(performing, ref, wanted.field, planned)
    before = {each.user_id: each for each in bookings_in(performing, ref, wanted.field)}
    booked = tuple(_write(performing, each, before.pop(each.user_id, None)) for each in planned)
    for each in before.values():
        remove(tx, each)
    _fill(performing, portal, ref, wanted.field, booked)
    return booked


def cancel(performing: Performing, portal: Portal, ref: ItemRef, code: str) -> tuple[Booking, ...]:
    """Release what is booked in a field; gives it back."""
    _settings(performing, ref, code)
    released = bookings_in(performing, ref, code)
    for each in released:
        remove(performing.transaction, each)
    _fill(performing, portal, ref, code, ())
    return released


def bookings_in(performing: Performing, ref: ItemRef, code: str) -> tuple[Booking, ...]:
    """What is booked in a field of an item."""
    return tuple(those(performing.transaction, "booking", _OWN, ref.kind, ref.id, code))


def _settings(performing: Performing, ref: ItemRef, code: str) -> BookingSettings:
    found = custom_field(performing.transaction, ref.kind, code)
    if found.type != "booking":
        expected = "a field of the type booking"
        raise WrongFieldValue(kind=ref.kind, field=f"custom.{code}", expected=expected, got=f"one of {found.type}")
    if not exists(performing.transaction, shape_of(ref.kind), ref.id):
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    return booking_settings(found.options)


def _planned(
    performing: Performing, portal: Portal, ref: ItemRef, wanted: Wanted, settings: BookingSettings, user: int
) -> Booking:
    start = SHAPES["booking"].fields["start"].checked(wanted.start)
    try:
        end = start + wanted.duration
        if settings.full_day:
            zone = _zone(performing, portal, settings, user)
            day, days = day_of(start, zone), -(-wanted.duration // _DAY)
            start, end = midnight(day, zone), midnight(day + days * _DAY, zone)
    except OverflowError:
        expected = "a time within the calendar"
        raise WrongFieldValue(kind="booking", field="end", expected=expected, got=str(wanted.duration)) from None
    return Booking(
        id=0,
        owner_kind=ref.kind,
        owner_id=ref.id,
        field=wanted.field,
        user_id=user,
        start=start,
        end=end,
        service=wanted.service,
        all_day=settings.full_day,
        made_by=performing.instance,
    )


def _zone(performing: Performing, portal: Portal, settings: BookingSettings, user: int) -> tzinfo:
    name = settings.zone
    if name == OF_THE_USER:
        name = read(performing.transaction, SHAPES["user"], user).time_zone
    return zone_of(name, portal.zone)


def _check_free(performing: Performing, ref: ItemRef, code: str, planned: Iterable[Booking]) -> None:
    """Raises ResourceBusy, with all that is in the way. What the field holds now is not: it is replaced."""
    shape = SHAPES["booking"]
    condition = f"user_id = ? AND end > ? AND start < ? AND NOT ({_OWN})"
    clashes: list[Any] = []
    for each in planned:
        start, end = shape.written(("start", "end"), {"start": each.start, "end": each.end})
        clashes += those(performing.transaction, "booking", condition, each.user_id, start, end, ref.kind, ref.id, code)
    if clashes:
        raise ResourceBusy(kind=ref.kind, field=code, bookings=tuple(clashes))


def _write(performing: Performing, planned: Booking, before: Booking | None) -> Booking:
    """Who was booked in the field already keeps the entry."""
    tx = performing.transaction
    if before is None:
        given = {name: getattr(planned, name) for name in SHAPES["booking"].names if not name.startswith("owner_")}
        made: Booking = add(tx, "booking", ItemRef(planned.owner_kind, planned.owner_id), **{**given, "id": None})
        return made
    text = SHAPES["booking"].fields["service"].checked(planned.service)
    same = evolve(planned, id=before.id, made_by=before.made_by)
    if same == before:
        return before
    changed: Booking = change(
        tx,
        before,
        start=planned.start,
        end=planned.end,
        service=text,
        all_day=planned.all_day,
        made_by=planned.made_by,
    )
    return changed


def _fill(performing: Performing, portal: Portal, ref: ItemRef, code: str, booked: tuple[Booking, ...]) -> None:
    """The item's field shows what is booked: a change of the item like any other."""
    if items.fill_custom(performing, portal, ref, code, booked or None):
        ids = [each.id for each in booked]
        history.emit(performing, f"{ref.kind}.booked", ref, performing.author, field=code, bookings=ids)
