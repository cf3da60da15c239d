"""The recipe `sales.win_back`: clients whose deal was lost are asked again, when some time has passed."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from bizproc import F, Filter, Process, crm, note, now, on, process, recipe
from bizproc.model import Company, Contact, Deal, Lead, Users, normal_email, normal_phone
from bizproc_sales.settings import cron, whole


@recipe("sales.win_back", since="1.0")
def win_back(
    *,
    after_months: int = 6,
    title: str = "Win back",
    responsible: Users | None = None,
    at_most: int = 20,
    at: str = "0 6 * * MON-FRI",
    only: Filter | None = None,
) -> Process[Any, int]:
    """
    Some months after a deal was lost, make a repeat lead of its client: once per client and period.

    Not while a new deal of the client is open, and not if the client is on the exclusion list. What was lost more than
    two periods ago is over.

    Args:
        after_months: How long after the loss; also the period within which a client is asked once.
        title: What the leads are called.
        responsible: Who gets them; whoever has the deal if left out.
        at_most: How many leads are made in one run; the others follow in the next.
        at: When it looks for such deals, as a cron expression.
        only: Which of the deals that were lost; all if left out.
    """
    months = whole("sales.win_back", "after_months", after_months, most=120)
    when = cron("sales.win_back", "at", at)

    lost_deals = LOST if only is None else LOST & only

    @process("sales.win_back", starts=on.cron(when))
    async def ask_again() -> int:
        """Look through the deals that were lost a period ago. Gives how many leads were made."""
        today = await now()
        period_ago, two_periods_ago = months_before(today, months), months_before(today, 2 * months)
        lost = await crm.deal.find(lost_deals & F.moved_at.between(two_periods_ago, period_ago), order_by="moved_at")
        leads = await crm.lead.find(F.created_at > period_ago)
        open_deals = await crm.deal.find(F.semantics == "process")
        busy = set(clients_of(leads)) | set(clients_of(open_deals))

        made = 0
        for deal in lost:
            clients = list(clients_of([deal]))
            if made >= at_most:
                break
            if not clients or busy.intersection(clients) or await is_excluded(deal):
                continue
            await crm.deal(deal).create_repeat_lead(title, responsible=responsible)
            busy.update(clients)
            made += 1
        await note("clients are asked again", leads=made, lost_deals=len(lost))
        return made

    return ask_again


LOST = F.semantics.is_in(["failure", "apology"])


def clients_of(items: Iterable[Deal | Lead]) -> Iterator[tuple[str, int]]:
    """The contacts and the companies of deals or leads."""
    for item in items:
        yield from (("contact", id) for id in item.contact_ids)
        if item.company_id is not None:
            yield "company", item.company_id


async def is_excluded(deal: Deal) -> bool:
    """Whether one of the deal's clients is on the exclusion list with a phone or an address."""
    contacts = await crm.contact.find(F.id.is_in(deal.contact_ids))
    companies = await crm.company.find(F.id == deal.company_id)
    return await crm.exclusion.find_first(F.value.is_in(addresses_of([*contacts, *companies]))) is not None


def addresses_of(clients: Iterable[Contact | Company]) -> list[str]:
    """Phones and e-mail addresses as the exclusion list has them."""
    phones = [normal_phone(phone.value) for client in clients for phone in client.phones]
    emails = [normal_email(email.value) for client in clients for email in client.emails]
    return phones + emails


def months_before(moment: datetime, months: int) -> datetime:
    """The same day of an earlier month; its last day where it is shorter."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
