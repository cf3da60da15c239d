"""All open deals of the Northwind set, where it is at hand, from the quote to the money."""

from __future__ import annotations

import os
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from bizproc import F
from bizproc.model import Activity, Deal, Invoice, Order, ProductRow, Quote
from bizproc.testing import World
from bizproc_billing.quote_to_cash import quote_to_cash
from bizproc_billing.tests.office import office

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"
RECIPE = quote_to_cash(template="paper")
CENT = Decimal("0.01")

pytestmark = pytest.mark.skipif(
    not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set"
)


async def due(world: World, deal: Deal) -> Decimal:
    """What the rows of a deal come to, each rounded to the cent."""
    rows = await world.find(ProductRow, of=deal)
    exact = [row.price * row.quantity * (100 - row.discount_percent) / 100 for row in rows]
    return sum((each.quantize(CENT, ROUND_HALF_UP) for each in exact), Decimal(0))


@pytest.mark.no_crash("a month of 21 deals at every commit takes an hour")
async def test_every_open_deal_comes_to_its_money(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    await world.runtime.import_folder(NORTHWIND)
    await office(world)
    deals = await world.find(Deal, F.semantics == "process")
    expected = {deal.id: await due(world, deal) for deal in deals}

    previews = [await world.preview(RECIPE(deal)) for deal in deals]
    assert [preview.ended for preview in previews] == [None] * len(deals)
    assert (await world.find(Invoice), world.mail.sent) == ([], [])

    runs = [await world.start(RECIPE(deal)) for deal in deals]
    assert len(world.mail.sent) == len(world.payments.links) == len(deals)
    for place, link in enumerate(world.payments.links):
        if place % 3 == 0:  # these pay at once, others after a week or a month
            await world.payments.pay(link)
    await world.advance(days=8)
    for place, link in enumerate(world.payments.links):
        if place % 3 == 1:
            await world.payments.pay(link)
    await world.advance(days=22)
    overdue = await world.find(Activity, F.subject.contains("is not paid") & (F.completed == False))  # noqa: E712
    for place, link in enumerate(world.payments.links):
        if place % 3 == 2:
            await world.payments.pay(link)

    assert [await run.result() for run in runs] == ["paid"] * len(deals)
    invoices = await world.find(Invoice)
    assert {invoice.deal_id: invoice.amount for invoice in invoices} == expected
    assert {invoice.stage for invoice in invoices} == {"PAID"}
    assert {quote.stage for quote in await world.find(Quote)} == {"APPROVED"}
    assert {order.owner_id: order.amount for order in await world.find(Order) if order.owner_kind == "invoice"} == {
        invoice.id: invoice.amount for invoice in invoices
    }
    reminders = [mail for mail in world.mail.sent if mail.subject.startswith("Reminder")]
    assert len(world.mail.sent) == len(deals) + len(reminders)
    with capsys.disabled():
        print(
            f"\n{len(deals)} deals, {len(invoices)} invoices, together {sum(expected.values())} {deals[0].currency}; "
            f"{len(world.mail.sent)} mails, {len(reminders)} of them reminders; {len(overdue)} were given to somebody"
        )
