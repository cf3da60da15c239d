"""
A month of sales on the Northwind set, where it is at hand, with a thousand leads beside it.

Leads are shared out in order, the absent passed over, and converted by processes; the open deals get a quote and an
invoice each, to the last cent.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bizproc import Runtime, crm, process
from bizproc.model import Company, Contact, Conversion, Deal, Invoice, Lead, Notification, Product, ProductRow, Quote
from bizproc.model.money import rounded

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"
LEADS = 1000
TEAM = tuple(range(1, 10))
AWAY = (3, 7)

pytestmark = pytest.mark.skipif(
    not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set"
)


@process("northwind.share_out")
async def share_out(lead: Lead) -> int | None:
    """The next of the team who is there."""
    done = await crm.lead.change_responsible(list(TEAM), pick="in_order", skip_absent=True, queue_name="northwind")
    return done.user


@process("northwind.win")
async def win(lead: Lead, *, product: int, quantity: int) -> Conversion:
    made = await crm.lead.convert(deal=True, contact=True, company=True)
    await crm.deal(made.deal_id or 0).add_product(product, quantity=quantity, discount_percent=5)
    return made


@process("northwind.bill")
async def bill(deal: Deal) -> Conversion:
    return await crm.deal.convert(quote=True, invoice=True)


@asynccontextmanager
async def northwind(path: Path) -> AsyncIterator[Runtime]:
    """The set in a store of its own."""
    async with Runtime.open(f"sqlite:///{path / 'crm.db'}") as runtime:
        await runtime.import_folder(NORTHWIND)
        yield runtime


async def leads(runtime: Runtime) -> list[Lead]:
    """A thousand, of people who are not customers yet."""
    made = [
        crm.lead.create(title=f"Lead {number}", name="Ann", last_name=f"No. {number}", company_title=f"Firm {number}")
        for number in range(LEADS)
    ]
    return list(await asyncio.gather(*(runtime.perform(each) for each in made)))


async def all_of(runtime: Runtime, *calls: Any) -> list[Any]:
    """Start them all at once; what they return."""
    runs = await asyncio.gather(*(runtime.start(call) for call in calls))
    return list(await asyncio.gather(*(run.result() for run in runs)))


def sums(rows: list[ProductRow]) -> dict[tuple[str, int], Decimal]:
    """What the rows of each item come to, rounded one by one (D21)."""
    found: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for row in rows:
        exact = row.price * (100 - row.discount_percent) / 100 * row.quantity
        assert row.sum == rounded(exact, row.currency)
        found[row.owner_kind, row.owner_id] += row.sum
    return found


async def test_leads_are_shared_out_in_order_and_the_absent_are_passed_over(tmp_path: Path) -> None:
    async with northwind(tmp_path) as runtime:
        several, now = await leads(runtime), runtime.engine.now()
        for user in AWAY:
            await runtime.perform(
                crm.absence.create(user_id=user, start=now - timedelta(hours=1), end=now + timedelta(days=30))
            )
        first = [await (await runtime.start(share_out(lead))).result() for lead in several[:20]]
        rest = await all_of(runtime, *(share_out(lead) for lead in several[20:]))
        there = [user for user in TEAM if user not in AWAY]
        assert first == [there[place % len(there)] for place in range(20)]
        given = Counter(first + rest)
        assert set(given) == set(there)
        assert max(given.values()) - min(given.values()) <= 1  # whoever asked at once: nobody's turn is lost or doubled
        now_with = {lead.id: lead.responsible_id for lead in await runtime.find(Lead)}
        assert now_with == dict(zip((lead.id for lead in several), first + rest, strict=True))
        told = Counter(note.user_id for note in await runtime.find(Notification))
        assert told == given


async def test_a_thousand_leads_become_customers_and_the_customers_there_were_stay(tmp_path: Path) -> None:
    random = Random(LEADS)
    async with northwind(tmp_path) as runtime:
        before = {cls: await runtime.find(cls) for cls in (Deal, Contact, Company)}
        products = [product.id for product in await runtime.find(Product)]
        several = await leads(runtime)
        wanted = [(random.choice(products), random.randint(1, 9)) for _ in several]
        made = await all_of(
            runtime, *(win(lead, product=p, quantity=q) for lead, (p, q) in zip(several, wanted, strict=True))
        )
        after: dict[Any, dict[int, Any]] = {cls: {each.id: each for each in await runtime.find(cls)} for cls in before}
        rows = await runtime.find(ProductRow)
        statuses = Counter(lead.status for lead in await runtime.find(Lead))
    assert statuses == {"CONVERTED": LEADS}
    for cls, there in before.items():
        assert len(after[cls]) == len(there) + LEADS
        assert [after[cls][each.id] for each in there] == there
    of_deals = sums(rows)
    for lead, conversion in zip(several, made, strict=True):
        deal = after[Deal][conversion.deal_id]
        contact, company = after[Contact][conversion.contact_id], after[Company][conversion.company_id]
        assert (deal.lead_id, deal.contact_id, deal.company_id) == (lead.id, contact.id, company.id)
        assert (contact.last_name, company.title) == (lead.last_name, lead.company_title)
        assert deal.amount == of_deals["deal", deal.id] > 0


async def test_the_21_open_deals_get_a_quote_and_an_invoice_that_come_to_their_rows(tmp_path: Path) -> None:
    async with northwind(tmp_path) as runtime:
        await leads(runtime)
        open_deals = [deal for deal in await runtime.find(Deal) if not deal.closed]
        made = await all_of(runtime, *(bill(deal) for deal in open_deals))
        of_items = sums(await runtime.find(ProductRow))
        quotes = {quote.id: quote for quote in await runtime.find(Quote)}
        invoices = {invoice.id: invoice for invoice in await runtime.find(Invoice)}
    assert len(open_deals) == len(quotes) == len(invoices) == 21
    for deal, conversion in zip(open_deals, made, strict=True):
        quote, invoice = quotes[conversion.quote_id], invoices[conversion.invoice_id]
        totals = {of_items[each.item_type, each.id] for each in (deal, quote, invoice)}
        assert totals == {deal.amount} == {quote.amount} == {invoice.amount}
        assert (quote.deal_id, invoice.deal_id) == (deal.id, deal.id)
    assert sum(quote.amount for quote in quotes.values()) == sum(deal.amount for deal in open_deals) > 0
