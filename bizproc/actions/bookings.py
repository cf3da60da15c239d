"""Actions on the booking fields of an item."""

from __future__ import annotations

from dataclasses import KW_ONLY
from datetime import datetime, timedelta

from bizproc.core.action import ItemAction, Target, action_type, longer_than_nothing, option
from bizproc.core.errors import NobodyFound
from bizproc.model.planned import Booking
from bizproc.model.references import ItemRef
from bizproc.model.users import Users
from bizproc.ports.crm import Crm


@action_type("crm.book_resource")
class BookResource(ItemAction[tuple[Booking, ...]]):
    """
    Book people's time in a booking field of the item, in place of what was booked in that field.

    One booking for each of them; who is booked again keeps the entry. The settings of the field decide whether somebody
    can be booked twice at a time, and whether whole days are booked. Heading 42; D9.

    Args:
        field: The code of a custom field of the type booking.
        start: From when, with a time zone. Of a field for whole days only the day counts, in the field's zone.
        duration: How long. A field for whole days books as many days as it reaches into.
        service: What for.
        employees: Who is booked. The item's person in charge if left out.

    Raises:
        ResourceBusy: the field forbids overbooking, and somebody is booked at that time already, in whatever field or
            item; `bookings` says where.
        NobodyFound: employees that come to nobody; or none are given, and nobody is in charge.
        WrongValue: a duration of nothing.
        UnknownField: no such custom field.
        WrongFieldValue: a field of another type, an end beyond the calendar, a text that cannot be stored.
        UnknownUser: no such user.
        ItemNotFound: no such item.
    """

    target: Target
    field: str
    _: KW_ONLY
    start: datetime
    duration: timedelta = option(validator=longer_than_nothing)
    service: str | None = option(default=None)
    employees: Users | None = option(default=None)

    async def perform(self, port: Crm) -> tuple[Booking, ...]:
        ref = await port.resolve(self.target.kind, self.target.id)
        users = await self._booked(port, ref)
        if not users:
            raise NobodyFound(action=self.name, parameter="employees", kind=ref.kind, id=ref.id)
        service = self.service or ""
        return await port.book(ref, self.field, start=self.start, duration=self.duration, service=service, users=users)

    async def _booked(self, port: Crm, ref: ItemRef) -> tuple[int, ...]:
        if self.employees is not None:
            return await port.users(self.employees)
        in_charge: int | None = (await port.read(ref)).responsible_id
        return () if in_charge is None else (in_charge,)


@action_type("crm.cancel_booking")
class CancelBooking(ItemAction[tuple[Booking, ...]]):
    """
    Release what is booked in a booking field of the item; gives what was. Nothing booked is no error. Heading 8.

    Args:
        field: The code of a custom field of the type booking.

    Raises:
        UnknownField: no such custom field.
        WrongFieldValue: a field of another type.
        ItemNotFound: no such item.
    """

    target: Target
    field: str

    async def perform(self, port: Crm) -> tuple[Booking, ...]:
        return await port.cancel_booking(await port.resolve(self.target.kind, self.target.id), self.field)


@action_type("crm.bookings")
class Bookings(ItemAction[tuple[Booking, ...]]):
    """
    All bookings of the item, of whatever field, the oldest first.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[Booking, ...]:
        return await port.bookings(await port.resolve(self.target.kind, self.target.id))
