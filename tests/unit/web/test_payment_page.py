"""The page of a payment, and the hook through which providers tell of payments."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bizproc import crm
from bizproc.adapters.payments import PagePayments
from bizproc.adapters.payments.stripe import StripePayments
from bizproc.model import Deal, Payment
from bizproc.model.references import ref_of
from bizproc.ports.payments import PaymentProvider
from bizproc.settings import PaymentSettings
from bizproc.testing import World
from tests.contract.stripe_stand_in import KEY, SECRET, event, signed
from tests.engine.orders import MakeOrder
from tests.engine.paper_templates import our_company, tea_deal
from tests.unit.web.visiting import Visitor, everything

NASTY = "<script>alert(1)</script>\"'&"


@pytest.fixture
def visitor(world: World) -> Visitor:
    return Visitor(world)


def by_page(world: World) -> None:
    taken_by(world, PagePayments())


def by_stripe(world: World) -> None:
    keys = {"stripe_key": KEY, "stripe_webhook_secret": SECRET}
    taken_by(world, StripePayments(PaymentSettings(provider="stripe", **keys)))


def taken_by(world: World, provider: PaymentProvider) -> None:
    """From now on."""
    for outside in (world.outside, world.runtime.outside):
        channels: Any = outside.channels
        channels["payments"] = provider


async def link_to(world: World, deal: Deal, *, status: str = "new") -> str:
    order = await world.perform(MakeOrder(ref_of(deal), (Decimal(145),), status))
    return await world.perform(crm.deal(deal).get_payment_link(order))


async def page_of(world: World, deal: Deal) -> str:
    """The address of our own page, whoever takes the payment."""
    link = await link_to(world, deal)
    sent = getattr(world.payments, "sent", [])
    return sent[-1].payload.page if sent else link


# -- the page ----------------------------------------------------------------------------------------------------------


async def test_a_client_sees_what_is_to_be_paid_and_where_to(world: World, visitor: Visitor) -> None:
    by_page(world)
    await our_company(world)
    page = await visitor.get(await link_to(world, await tea_deal(world)))
    for part in (
        "Payment 1/1",
        "Order 1",
        "Tea Traders",
        "Assam",
        "€12.50",
        "€125.00",
        "To be paid: €145.00",
        "<dt>IBAN</dt><dd>FR76-1</dd>",
    ):
        assert part in page.text, part
    assert "Paid:" not in page.text


async def test_it_shows_no_more_than_that(world: World, visitor: Visitor) -> None:
    by_page(world)
    deal = await tea_deal(world, title="Secret title", comments="Secret comment")
    page = (await visitor.get(await link_to(world, deal))).text
    for secret in ("Secret", "Harbour", "Doe", "+33 1", "Byron"):
        assert secret not in page


async def test_what_people_wrote_is_text_and_nothing_else(world: World, visitor: Visitor) -> None:
    by_page(world)
    await our_company(world, NASTY)
    deal = await world.deal()
    product = await world.product(name=NASTY)
    await world.perform(crm.deal(deal).add_product(product.id))
    page = (await visitor.get(await link_to(world, deal))).text
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;") == 2


async def test_in_french_it_is_french(world: World) -> None:
    by_page(world)
    page = await Visitor(world, language="fr").get(await link_to(world, await world.deal()))
    assert "À payer" in page.text


async def test_of_another_provider_it_leads_there(world: World, visitor: Visitor) -> None:
    page = await visitor.get(await page_of(world, await world.deal()))
    assert '<a class="button" href="https://pay.test/1/1">Pay online</a>' in page.text


async def test_what_was_paid_is_said_to_be(world: World, visitor: Visitor) -> None:
    address = await page_of(world, await world.deal())
    await world.payments.pay("https://pay.test/1/1")
    page = (await visitor.get(address)).text
    assert "Paid: €145.00" in page
    assert "1/7/2030" in page
    assert "Pay online" not in page


async def test_an_order_that_was_cancelled_or_deleted_has_no_page(world: World, visitor: Visitor) -> None:
    by_page(world)
    deal = await world.deal()
    cancelled = await link_to(world, deal, status="cancelled")
    link = await link_to(world, deal)
    assert await visitor.is_not_here(cancelled)
    assert (await visitor.get(link)).status_code == 200
    await world.perform(crm.deal(deal).delete())
    assert await visitor.is_not_here(link)


async def test_other_tokens_open_no_payment(world: World, visitor: Visitor) -> None:
    by_page(world)
    await link_to(world, await world.deal())
    signer = await world.runtime.signer()
    for token in (signer.token("payment", 1), signer.token("pay", 2), signer.token("pay", 1, 1), "1", "x" * 300):
        assert await visitor.is_not_here(f"/pay/{token}")


# -- the hook ----------------------------------------------------------------------------------------------------------


async def stripe_news(world: World, **more: Any) -> tuple[bytes, dict[str, str]]:
    at = int(world.clock.now().timestamp())
    token = (await world.runtime.signer()).token("payment", 1)
    body = event(more.pop("token", token), created=at, **more)
    return body, signed(body, at)


async def test_a_payment_is_recorded_when_stripe_tells_of_it(world: World, visitor: Visitor) -> None:
    await link_to(world, await world.deal())
    by_stripe(world)
    body, headers = await stripe_news(world)
    answer = await visitor.ask("POST", "/hooks/payments", content=body, headers=headers)
    assert (answer.status_code, answer.content) == (204, b"")
    (payment,) = await world.find(Payment)
    assert (payment.paid, payment.provider, payment.reference) == (True, "stripe", "pi_1")


async def test_told_again_and_late_it_is_taken_and_changes_nothing(world: World, visitor: Visitor) -> None:
    await link_to(world, await world.deal())
    by_stripe(world)
    body, headers = await stripe_news(world)
    await visitor.ask("POST", "/hooks/payments", content=body, headers=headers)
    before = await everything(world)
    await visitor.ask("POST", "/hooks/payments", content=body, headers=headers)
    await world.advance(days=3)
    body, headers = await stripe_news(world)
    answer = await visitor.ask("POST", "/hooks/payments", content=body, headers=headers)
    assert answer.status_code == 204
    assert await everything(world) == before


async def test_forged_and_stale_news_are_nowhere(world: World, visitor: Visitor) -> None:
    await link_to(world, await world.deal())
    by_stripe(world)
    body, headers = await stripe_news(world)
    at = int(world.clock.now().timestamp())
    for forged in ({}, {"stripe-signature": "t=1,v1=2"}, signed(body, at, "guess"), signed(body, at - 400)):
        assert await visitor.is_not_here("/hooks/payments", "POST", content=body, headers=forged)
    assert await visitor.is_not_here("/hooks/payments", "POST", content=body + b" ", headers=headers)


async def test_genuine_news_that_fit_nothing_are_taken_and_change_no_payment(world: World, visitor: Visitor) -> None:
    await link_to(world, await world.deal())
    by_stripe(world)
    other = type(await world.runtime.signer())(b"x" * 32)
    signer = await world.runtime.signer()
    for more in (
        {"token": other.token("payment", 1)},  # of another store with the same account
        {"token": signer.token("payment", 99)},
        {"token": signer.token("pay", 1)},
        {"kind": "customer.created"},
        {"payment_status": "unpaid"},
        {"amount_total": 1},
        {"currency": "usd"},
    ):
        body, headers = await stripe_news(world, **more)
        answer = await visitor.ask("POST", "/hooks/payments", content=body, headers=headers)
        assert answer.status_code == 204
        (payment,) = await world.find(Payment)
        assert not payment.paid


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_news_are_posted(world: World, visitor: Visitor, method: str) -> None:
    by_stripe(world)
    body, headers = await stripe_news(world)
    assert await visitor.is_not_here("/hooks/payments", method, content=body, headers=headers)


async def test_where_nobody_tells_of_payments_there_is_no_hook(world: World, visitor: Visitor) -> None:
    by_page(world)
    body, headers = await stripe_news(world)
    assert await visitor.is_not_here("/hooks/payments", "POST", content=body, headers=headers)


async def test_a_body_that_never_ends_is_not_waited_for(world: World, visitor: Visitor) -> None:
    by_stripe(world)
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 65_536
            yield b"x" * 65_536

    assert await visitor.is_not_here("/hooks/payments", "POST", content=endless())
    assert sent < 1_000_000


async def test_a_link_holds_for_as_long_as_the_payment_is_there(world: World, visitor: Visitor) -> None:
    by_page(world)
    link = await link_to(world, await world.deal())
    await world.advance(timedelta(days=1000) + world.clock.now())
    assert (await visitor.get(link)).status_code == 200
