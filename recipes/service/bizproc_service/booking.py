"""The recipe `service.booking`: what is booked is what the deal says, at any time and whatever becomes of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bizproc import F, Process, attempt, crm, now, on, printed, process, recipe, saga, wait
from bizproc.errors import ResourceBusy, UnknownField, WrongArgument
from bizproc.model import Deal, Users


@recipe(
    "service.booking",
    since="1.0",
    needs=(
        "field.deal.{appointment}",
        "field.deal.{field}",
        "provider.sms",
    ),
)
def booking(
    *,
    appointment: str = "appointment",
    field: str = "booking",
    duration: timedelta = timedelta(hours=1),
    service: str | None = None,
    employees: Users | None = None,
    remind: timedelta = timedelta(days=1),
    confirmation: str = "Your appointment is booked: {when}",
    reminder: str = "We look forward to seeing you: {when}",
) -> Process[..., Any]:
    """
    Book somebody's time for a deal's appointment, confirm it by SMS, remind of it; release it when lost or moved.

    Who fills in the appointment books it, who changes it moves it, who empties it releases it, and so does a lost deal.

    Args:
        appointment: The deal's custom field that says when: of the type moment.
        field: The deal's custom field that holds the booking; it should forbid overbooking.
        duration: How long an appointment takes.
        service: What it is booked for.
        employees: Who is booked; the deal's person in charge if left out.
        remind: How long before it the client is reminded.
        confirmation: What the client is told when it is booked; {when} is filled in.
        reminder: What the client is told before it; {when} is filled in.
    """
    if not timedelta(0) < duration <= timedelta(days=31):
        raise WrongArgument(
            process="service.booking", parameter="duration", expected="up to 31 days", got=str(duration)
        )
    if not timedelta(0) <= remind <= timedelta(days=365):
        raise WrongArgument(process="service.booking", parameter="remind", expected="up to 365 days", got=str(remind))
    try:
        changed = on.changed("deal", f"custom.{appointment}", "pipeline", by_processes=True)
    except UnknownField:
        expected = "the code of a custom field of deals"
        raise WrongArgument(
            process="service.booking", parameter="appointment", expected=expected, got=repr(appointment)
        ) from None
    lost = F.semantics.is_in(["failure", "apology"])

    # Each change begins anew with the deal as it is: what waited to remind of the old appointment is over.
    @process("service.booking", starts=changed | on.became("deal", lost) | on.became("deal", ~lost), overlap="replace")
    async def keep_booked(deal: Deal) -> str:
        """See that what is booked is the deal's appointment."""
        deal = await crm.deal.read()
        begins: datetime | None = deal.custom.get(appointment)
        booked = deal.custom.get(field) or ()
        wanted = begins is not None and deal.semantics in {"process", "success"}

        if booked and (not wanted or any(each.start != begins for each in booked)):
            await crm.deal.cancel_booking(field)
            booked = ()
        if begins is None or not wanted or begins <= await now():
            return "nothing to book"

        async with saga() as undo:  # cancelled by a person, or failed: nothing stays booked
            undo.compensate(crm.deal.cancel_booking(field))
            if not booked:
                try:
                    await crm.deal.book_resource(
                        field, start=begins, duration=duration, service=service, employees=employees
                    )
                except ResourceBusy as busy:
                    await crm.deal.add_activity("Find another time: this one is taken", str(busy), important=True)
                    return "taken"
                await tell(confirmation, begins)
            if await now() >= begins - remind:
                return "booked"
            await wait.until(begins - remind)
            if await now() < begins:
                await tell(reminder, begins)
            return "reminded"

    return keep_booked


async def tell(text: str, begins: datetime) -> None:
    """By SMS; where that cannot be, somebody is to call."""
    told = await attempt(crm.deal.send_sms(text.replace("{when}", printed(begins))))
    if told.error is not None:
        await crm.deal.schedule_call("Tell the client when the appointment is", description=str(told.error))
