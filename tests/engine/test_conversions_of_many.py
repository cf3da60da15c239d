"""Conversions by the hundred: nothing is lost on the way, to the last cent. On Northwind, where it is at hand."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bizproc import Runtime, crm, process
from bizproc.model import Company, Contact, Conversion, Deal, Invoice, Lead, Product, ProductRow, Quote

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"


@process("many.bill")
async def bill(deal: Deal) -> Conversion:
    return await crm.deal.convert(quote=True, invoice=True)


@process("many.win")
async def win(lead: Lead, *, product: int, quantity: int) -> Conversion:
    made = await crm.lead.convert(deal=True, contact=True, company=True)
    await crm.deal(made.deal_id or 0).add_product(product, quantity=quantity)
    return made


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[Runtime]:
    async with Runtime.open(f"sqlite:///{path / 'crm.db'}") as runtime:
        yield runtime


def by_owner(rows: list[ProductRow]) -> dict[tuple[str, int], list[tuple[Any, ...]]]:
    found: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        said = (row.product_id, row.name, row.price, row.quantity, row.discount_percent, row.sum, row.currency)
        found[row.owner_kind, row.owner_id].append(said)
    return found


@pytest.mark.skipif(not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set")
async def test_the_open_deals_of_northwind_are_billed_to_the_last_cent(tmp_path: Path) -> None:
    async with opened(tmp_path) as runtime:
        await runtime.import_folder(NORTHWIND)
        open_deals = [deal for deal in await runtime.find(Deal) if not deal.closed]
        runs = [await runtime.start(bill(deal)) for deal in open_deals]
        made = [await run.result() for run in runs]
        rows = by_owner(await runtime.find(ProductRow))
        quotes = {quote.id: quote for quote in await runtime.find(Quote)}
        invoices = {invoice.id: invoice for invoice in await runtime.find(Invoice)}
        assert {deal.id: deal for deal in open_deals}.items() <= {d.id: d for d in await runtime.find(Deal)}.items()
    assert len(open_deals) == len(quotes) == len(invoices) == 21
    for deal, conversion in zip(open_deals, made, strict=True):
        quote, invoice = quotes[conversion.quote_id or 0], invoices[conversion.invoice_id or 0]
        own = rows["deal", deal.id]
        assert own == rows["quote", quote.id] == rows["invoice", invoice.id] != []
        total = sum((row[5] for row in own), Decimal(0))
        assert deal.amount == quote.amount == invoice.amount == total
        assert (quote.deal_id, quote.company_id, quote.contact_ids) == (deal.id, deal.company_id, deal.contact_ids)
        assert (invoice.deal_id, invoice.company_id) == (deal.id, deal.company_id)
        assert quote.custom == invoice.custom == deal.custom


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.long)])
async def test_leads_are_converted_one_by_one_and_none_is_lost(tmp_path: Path, count: int) -> None:
    random = Random(count)
    async with opened(tmp_path) as runtime:
        for price in ("0.333", "18.00", "1.005"):
            await runtime.perform(crm.product.create(name=price, price=Decimal(price)))
        products = [product.id for product in await runtime.find(Product)]
        leads = await asyncio.gather(
            *(
                runtime.perform(
                    crm.lead.create(
                        title=f"Lead {number}",
                        company_title=f"Company {number}",
                        name="Ann",
                        last_name=str(number),
                        phones=[str(number)],
                    )
                )
                for number in range(count)
            )
        )
        wanted = [(random.choice(products), random.randint(1, 9)) for _ in leads]
        runs = await asyncio.gather(
            *(
                runtime.start(win(lead, product=product, quantity=quantity))
                for lead, (product, quantity) in zip(leads, wanted, strict=True)
            )
        )
        made = await asyncio.gather(*(run.result() for run in runs))
        now: dict[Any, dict[int, Any]] = {
            cls: {item.id: item for item in await runtime.find(cls)} for cls in (Lead, Deal, Contact, Company)
        }
        rows = by_owner(await runtime.find(ProductRow))
    assert [len(items) for items in now.values()] == [count] * 4
    for lead, conversion, (product, quantity) in zip(leads, made, wanted, strict=True):
        deal, contact = now[Deal][conversion.deal_id or 0], now[Contact][conversion.contact_id or 0]
        company, converted = now[Company][conversion.company_id or 0], now[Lead][lead.id]
        assert (company.title, contact.title) == (lead.company_title, f"Ann {lead.last_name}")
        assert (deal.lead_id, deal.contact_ids, deal.company_id) == (lead.id, (contact.id,), company.id)
        assert (converted.status, converted.contact_ids, contact.phones) == ("CONVERTED", (contact.id,), lead.phones)
        (row,) = rows["deal", deal.id]
        assert (row[0], row[3], row[5]) == (product, quantity, deal.amount)
