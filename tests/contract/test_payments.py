"""The port of payments: one suite for the page, Stripe and the fake; then Stripe's own ways."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from bizproc.adapters.payments import PagePayments, provider_of
from bizproc.adapters.payments.stripe import StripePayments
from bizproc.core.errors import SendDelayed, SendRefused
from bizproc.ports.payments import PAYMENTS, NotGenuine, Paid, PaymentAsked, PaymentProvider
from bizproc.settings import PaymentSettings
from bizproc.testing.papers import FakePayments
from tests.contract.stripe_stand_in import KEY, SECRET, StripeStandIn, event, signed, stripe_stand_in

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
ASKED = PaymentAsked(
    token="token-1", title="1/1", sum=Decimal("145.00"), currency="EUR", page="http://crm.test/pay/token"
)


@pytest.fixture
def stand_in() -> Iterator[StripeStandIn]:
    with stripe_stand_in() as stripe:
        yield stripe


def stripe_at(url: str, **more: Any) -> StripePayments:
    keys = {"stripe_key": KEY, "stripe_webhook_secret": SECRET, **more}
    return StripePayments(PaymentSettings(provider="stripe", stripe_url=url, **keys))


@pytest.fixture
def stripe(stand_in: StripeStandIn) -> StripePayments:
    return stripe_at(stand_in.url)


@pytest.fixture(params=["page", "stripe", "fake"])
def provider(request: pytest.FixtureRequest, stripe: StripePayments) -> PaymentProvider:
    providers: dict[str, PaymentProvider] = {"page": PagePayments(), "stripe": stripe, "fake": FakePayments()}
    return providers[request.param]


def genuine(provider: PaymentProvider) -> tuple[Mapping[str, str], bytes]:
    """News of a payment as the provider sends them."""
    if isinstance(provider, FakePayments):
        return {"signature": "genuine"}, provider.links[0].encode()
    body = event("token-1", created=AT)
    return signed(body, AT), body


# -- the contract ------------------------------------------------------------------------------------------------------


async def test_a_payment_gets_a_link(provider: PaymentProvider) -> None:
    made = await provider.send(ASKED, "key")
    assert provider.name == PAYMENTS
    assert made.url.startswith(("http://", "https://"))
    assert made.provider in ("page", "stripe", "fake")


async def test_a_payment_that_is_asked_for_twice_has_one_link(provider: PaymentProvider) -> None:
    assert provider.deduplicates
    assert await provider.send(ASKED, "key") == await provider.send(ASKED, "key")


async def test_several_steps_that_ask_for_one_payment_get_one_link(provider: PaymentProvider) -> None:
    assert (await provider.send(ASKED, "one")).url == (await provider.send(ASKED, "two")).url


async def test_payments_have_links_of_their_own(provider: PaymentProvider) -> None:
    other = evolve(ASKED, token="token-2", title="2/1", page="http://crm.test/pay/other")
    assert (await provider.send(ASKED, "one")).url != (await provider.send(other, "two")).url


@pytest.mark.parametrize("headers", [{}, {"stripe-signature": ""}, {"signature": "forged"}])
async def test_news_that_are_not_the_providers_are_not_genuine(
    provider: PaymentProvider, headers: Mapping[str, str]
) -> None:
    await provider.send(ASKED, "key")
    with pytest.raises(NotGenuine):
        provider.heard(headers, event("token-1", created=AT), NOW)


async def test_news_say_which_payment_was_paid_and_always_the_same(provider: PaymentProvider) -> None:
    await provider.send(ASKED, "key")
    if isinstance(provider, PagePayments):
        return  # nobody tells of it
    headers, body = genuine(provider)
    (paid,) = provider.heard(headers, body, NOW)
    assert (paid.token, paid.sum, paid.currency, paid.at) == ("token-1", Decimal("145.00"), "EUR", NOW)
    assert provider.heard(headers, body, NOW) == (paid,)


def test_the_settings_choose_the_provider() -> None:
    assert isinstance(provider_of(PaymentSettings()), PagePayments)
    assert isinstance(provider_of(PaymentSettings(provider="stripe")), StripePayments)


# -- Stripe: links -----------------------------------------------------------------------------------------------------


async def test_stripe_is_asked_for_a_price_and_a_link_that_can_be_paid_once(
    stripe: StripePayments, stand_in: StripeStandIn
) -> None:
    """Stripe's pages "Create a price" and "Create a payment link" show requests with these names."""
    made = await stripe.send(ASKED, "key")
    assert (made.url, made.provider, made.reference) == ("https://buy.stripe.test/1", "stripe", "plink_1")
    assert stand_in.prices == [{"unit_amount": "14500", "currency": "eur", "product_data[name]": "1/1"}]
    assert stand_in.links == [
        {
            "line_items[0][price]": "price_1",
            "line_items[0][quantity]": "1",
            "restrictions[completed_sessions][limit]": "1",
            "metadata[bizproc_payment]": "token-1",
            "payment_intent_data[metadata][bizproc_payment]": "token-1",
            "after_completion[type]": "redirect",
            "after_completion[redirect][url]": "http://crm.test/pay/token",
        }
    ]


async def test_another_sum_is_another_link(stripe: StripePayments, stand_in: StripeStandIn) -> None:
    first = await stripe.send(ASKED, "key")
    second = await stripe.send(evolve(ASKED, sum=Decimal(1)), "key")
    assert first.url != second.url


@pytest.mark.parametrize(
    ("amount", "currency", "units"),
    [("145.00", "EUR", 14500), ("145", "JPY", 145), ("1.500", "KWD", 1500), ("145", "ISK", 14500), ("0.50", "USD", 50)],
)
async def test_amounts_are_counted_as_stripe_does(
    stripe: StripePayments, stand_in: StripeStandIn, amount: str, currency: str, units: int
) -> None:
    await stripe.send(evolve(ASKED, sum=Decimal(amount), currency=currency), "key")
    assert stand_in.prices[0]["unit_amount"] == str(units)
    body = event("token-1", created=AT, amount_total=units, currency=currency.lower())
    (paid,) = stripe.heard(signed(body, AT), body, NOW)
    assert (paid.sum, paid.currency) == (Decimal(amount), currency)


@pytest.mark.parametrize("status", [409, 429, 500, 503])
async def test_what_stripe_cannot_do_now_is_delayed(
    stripe: StripePayments, stand_in: StripeStandIn, status: int
) -> None:
    stand_in.answers = [status]
    with pytest.raises(SendDelayed, match=str(status)):
        await stripe.send(ASKED, "key")
    assert (await stripe.send(ASKED, "key")).reference == "plink_1"


@pytest.mark.parametrize("status", [400, 402, 403, 404])
async def test_what_stripe_refuses_is_refused_in_its_words(
    stripe: StripePayments, stand_in: StripeStandIn, status: int
) -> None:
    stand_in.answers = [status]
    with pytest.raises(SendRefused, match=f"{status}: planned"):
        await stripe.send(ASKED, "key")


async def test_an_amount_that_is_too_small_is_refused(stripe: StripePayments) -> None:
    with pytest.raises(SendRefused, match="at least 50 cents"):
        await stripe.send(evolve(ASKED, sum=Decimal("0.10")), "key")


@pytest.mark.parametrize("key", ["sk_wrong", ""])
async def test_a_wrong_key_is_refused_and_not_shown(stand_in: StripeStandIn, key: str) -> None:
    with pytest.raises(SendRefused) as raised:
        await stripe_at(stand_in.url, stripe_key=key).send(ASKED, "key")
    assert "sk_wrong" not in str(raised.value)
    assert ("401" if key else "BIZPROC_PAYMENTS_STRIPE_KEY") in str(raised.value)


async def test_an_answer_that_is_lost_is_asked_for_again_and_nothing_is_made_twice(
    stripe: StripePayments, stand_in: StripeStandIn
) -> None:
    stand_in.answers = ["cut"]
    with pytest.raises(SendDelayed, match="cannot be reached"):
        await stripe.send(ASKED, "key")
    stand_in.answers = [None, "cut"]
    with pytest.raises(SendDelayed):
        await stripe.send(ASKED, "key")
    assert (await stripe.send(ASKED, "key")).reference == "plink_1"
    assert (len(stand_in.prices), len(stand_in.links)) == (1, 1)


async def test_nobody_there_is_delayed() -> None:
    with pytest.raises(SendDelayed, match="cannot be reached"):
        await stripe_at("http://127.0.0.1:9").send(ASKED, "key")


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"null", b"", {"id": 5}, {"nothing": 1}])
async def test_an_answer_that_is_not_stripes_is_no_link(
    stripe: StripePayments, stand_in: StripeStandIn, answer: Any
) -> None:
    stand_in.answers = [answer]
    with pytest.raises(SendDelayed):
        await stripe.send(ASKED, "key")


async def test_a_link_that_is_no_address_is_none(stripe: StripePayments, stand_in: StripeStandIn) -> None:
    stand_in.answers = [None, {"id": "plink_1", "url": "javascript:alert(1)"}]
    with pytest.raises(SendDelayed, match="no url"):
        await stripe.send(ASKED, "key")


# -- Stripe: news ------------------------------------------------------------------------------------------------------


def test_a_payment_is_named_by_its_intent(stripe: StripePayments) -> None:
    body = event("token-1", created=AT - 60)
    assert stripe.heard(signed(body, AT), body, NOW) == (
        Paid(
            token="token-1",
            provider="stripe",
            reference="pi_1",
            sum=Decimal("145.00"),
            currency="EUR",
            at=datetime(2030, 1, 7, 11, 59, tzinfo=UTC),
        ),
    )


def test_money_that_comes_later_is_told_of_when_it_has_come(stripe: StripePayments) -> None:
    for kind, status, paid in (
        ("checkout.session.completed", "unpaid", 0),
        ("checkout.session.async_payment_succeeded", "paid", 1),
        ("checkout.session.async_payment_failed", "unpaid", 0),
        ("payment_intent.succeeded", "paid", 0),
    ):
        body = event("token-1", created=AT, kind=kind, payment_status=status)
        assert len(stripe.heard(signed(body, AT), body, NOW)) == paid, kind


@pytest.mark.parametrize("late", [299, 300])
def test_a_signature_holds_for_five_minutes(stripe: StripePayments, late: int) -> None:
    body = event("token-1", created=AT)
    assert len(stripe.heard(signed(body, AT - late), body, NOW)) == 1


@pytest.mark.parametrize("late", [301, 86_400, -301])
def test_a_signature_that_is_too_old_or_of_the_future_is_not_genuine(stripe: StripePayments, late: int) -> None:
    body = event("token-1", created=AT)
    with pytest.raises(NotGenuine):
        stripe.heard(signed(body, AT - late), body, NOW)


def test_a_signature_of_another_scheme_is_none(stripe: StripePayments) -> None:
    """
    As Stripe's page on verifying signatures by hand has it.

    A header is `t=…,v1=…,v0=…`, what is signed is the time, a dot and the body, and v0 comes with tests and proves
    nothing.
    """
    body = event("token-1", created=AT)
    signature = hmac.new(SECRET.encode(), f"{AT}.".encode() + body, hashlib.sha256).hexdigest()
    assert len(stripe.heard({"stripe-signature": f"t={AT},v1={signature},v0={'6f' * 32}"}, body, NOW)) == 1
    with pytest.raises(NotGenuine):
        stripe.heard({"stripe-signature": f"t={AT},v1={'52' * 32},v0={signature}"}, body, NOW)


def test_a_body_that_was_changed_is_not_genuine(stripe: StripePayments) -> None:
    body = event("token-1", created=AT)
    headers = signed(body, AT)
    for changed in (body.replace(b"token-1", b"token-2"), body + b" ", b""):
        with pytest.raises(NotGenuine):
            stripe.heard(headers, changed, NOW)


@pytest.mark.parametrize(
    "header",
    ["t=,v1=", "t=1", "v1=a", "t=x,v1=a", "t=9" + "9" * 400 + ",v1=a", "t=²,v1=a", "=,=,=", "," * 5000, "t=1,v1=é"],
)
def test_a_header_that_is_no_signature_is_not_genuine(stripe: StripePayments, header: str) -> None:
    with pytest.raises(NotGenuine):
        stripe.heard({"stripe-signature": header}, b"{}", NOW)


def test_another_secret_or_none_is_not_genuine(stand_in: StripeStandIn) -> None:
    body = event("token-1", created=AT)
    with pytest.raises(NotGenuine):
        stripe_at(stand_in.url).heard(signed(body, AT, "whsec_2"), body, NOW)
    with pytest.raises(NotGenuine):
        stripe_at(stand_in.url, stripe_webhook_secret="").heard(signed(body, AT, ""), body, NOW)


def test_while_a_secret_is_replaced_one_of_the_signatures_is_enough(stripe: StripePayments) -> None:
    body = event("token-1", created=AT)
    old = signed(body, AT, "whsec_0")["stripe-signature"]
    new = signed(body, AT)["stripe-signature"].partition(",")[2]
    assert len(stripe.heard({"stripe-signature": f"{old},{new}"}, body, NOW)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b"{}",
        b'{"type": "checkout.session.completed"}',
        b'{"type": "checkout.session.completed", "data": {"object": null}}',
        event(None, created=AT),
        event("token-1", created=AT, metadata={"bizproc_payment": 5}),
        event("token-1", created=AT, metadata=None),
        event("token-1", created=AT, amount_total=None),
        event("token-1", created=10**18),
    ],
)
def test_what_is_genuine_but_no_payment_of_ours_is_no_news(stripe: StripePayments, body: bytes) -> None:
    assert stripe.heard(signed(body, AT), body, NOW) == ()
