"""The recipe `sales.audience_sync`: who is to see advertisements is in the audiences, and nobody else."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from bizproc import Filter, Process, attempt, crm, for_each, note, now, on, process, recipe
from bizproc.model import Contact, normal_email, normal_phone
from bizproc_sales.settings import cron, whole


@recipe("sales.audience_sync", since="1.0", needs=("provider.ads", "field.contact.{field}"))
def audience_sync(
    *,
    people: Filter,
    facebook: str | None = None,
    google: str | None = None,
    days: int = 30,
    field: str = "in_audience_until",
    at: str = "0 3 * * *",
) -> Process[Any, int]:
    """
    Every night, put the contacts that fit a filter into audiences at Facebook and Google, but for those excluded.

    Each is put in for some days, and put in again when these are over and they still fit. So who no longer fits, or
    comes onto the exclusion list, is out at the latest after so many days.

    Args:
        people: Which contacts, as `F.custom.newsletter == True`.
        facebook: The number of the audience at Facebook; none there if left out.
        google: The number of the customer list at Google Ads; none there if left out.
        days: For how many days each is put in: 1 or more.
        field: The custom field of contacts, a date, that says until when they are in.
        at: When it runs, as a cron expression.
    """
    lasts = whole("sales.audience_sync", "days", days, most=3650)
    when = cron("sales.audience_sync", "at", at)

    @process("sales.audience_sync", starts=on.cron(when))
    async def sync() -> int:
        """Put in who is missing. Gives how many were put in."""
        today = (await now()).date()
        fitting = await crm.contact.find(people)
        excluded = {each.value for each in await crm.exclusion.find(None)}
        missing = [each for each in fitting if not is_in(each, today) and excluded.isdisjoint(addresses_of(each))]

        done = 0
        for start in range(0, len(missing), AT_A_TIME):
            several = missing[start : start + AT_A_TIME]
            done += sum(await for_each(put_in, several, limit=10))
            await note("put into audiences", done=done, looked_at=start + len(several), of=len(missing))
        return done

    async def put_in(contact: Contact) -> bool:
        """Whoever has neither phone nor address, or is refused, is looked at again next night."""
        if (await attempt(into_audiences(contact))).error is not None:
            return False
        until = (await now()).date() + timedelta(days=lasts)
        await crm.contact(contact).update({"custom": {field: until}})
        return True

    async def into_audiences(contact: Contact) -> None:
        if facebook is not None:
            await crm.contact(contact).add_to_facebook_audience(facebook, remove_after_days=lasts)
        if google is not None:
            await crm.contact(contact).add_to_google_audience(google, remove_after_days=lasts)

    def is_in(contact: Contact, today: date) -> bool:
        until = contact.custom.get(field)
        return until is not None and until >= today

    return sync


AT_A_TIME = 100
"""How many are put in between two lines of progress."""


def addresses_of(contact: Contact) -> Iterable[str]:
    """Phones and e-mail addresses as the exclusion list has them."""
    phones = [normal_phone(phone.value) for phone in contact.phones]
    return [*phones, *(normal_email(email.value) for email in contact.emails)]
