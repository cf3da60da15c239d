"""
Payment links of Stripe: a price and a link for it, which can be paid once; and the webhook that tells of the payment.

Stripe deduplicates by the header `Idempotency-Key` for a day. The key is made from what is asked, not from the step:
several steps that ask for one payment get one link.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import httpx
import orjson

from bizproc.core.errors import SendDelayed, SendRefused
from bizproc.model.money import digits_of
from bizproc.ports.payments import PAYMENTS, LinkMade, NotGenuine, Paid, PaymentAsked
from bizproc.settings import PaymentSettings

NAME: Final = "stripe"
PATIENCE: Final = 20.0
"""Seconds that an answer may take."""

TOLERANCE: Final = timedelta(minutes=5)
"""How old a signature may be, and how far ahead Stripe's clock: what is sent again is signed again."""

# Stripe counts these in hundredths, though they have none; and the other way round in thousandths only full tens.
_IN_HUNDREDTHS: Final = ("ISK", "UGX")
_PAID: Final = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
_METADATA: Final = "bizproc_payment"


class StripePayments:
    """Stripe; see `ports/payments.py`."""

    name: Final = PAYMENTS
    deduplicates: Final = True

    def __init__(self, settings: PaymentSettings) -> None:
        self._url = settings.stripe_url.rstrip("/")
        self._key = settings.stripe_key
        self._secret = settings.stripe_webhook_secret

    # -- links

    async def send(self, payload: Any, key: str) -> LinkMade:
        assert isinstance(payload, PaymentAsked)
        if not self._key:
            raise _refused("no key is set: set the variable BIZPROC_PAYMENTS_STRIPE_KEY")
        price = {
            "unit_amount": str(_units(payload.sum, payload.currency)),
            "currency": payload.currency.lower(),
            "product_data[name]": payload.title[:250],
        }
        link = {
            "line_items[0][quantity]": "1",
            "restrictions[completed_sessions][limit]": "1",
            f"metadata[{_METADATA}]": payload.token,
            f"payment_intent_data[metadata][{_METADATA}]": payload.token,
            "after_completion[type]": "redirect",
            "after_completion[redirect][url]": payload.page,
        }
        async with httpx.AsyncClient(
            base_url=self._url, timeout=PATIENCE, headers={"authorization": f"Bearer {self._key}"}
        ) as client:
            made = await _post(client, "/v1/prices", price, payload.token)
            link["line_items[0][price]"] = _text(made, "id")
            made = await _post(client, "/v1/payment_links", link, payload.token)
        return LinkMade(url=_text(made, "url"), provider=NAME, reference=_text(made, "id"))

    # -- news

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Paid, ...]:
        self._check(headers.get("stripe-signature", ""), body, now)
        try:
            event = orjson.loads(body)
            if event["type"] not in _PAID:
                return ()
            paid = _paid(event)
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, OSError):
            return ()  # genuine, but not what we have asked for
        return () if paid is None else (paid,)

    def _check(self, signature: str, body: bytes, now: datetime) -> None:
        """Signed with our secret, and lately. Raises NotGenuine."""
        at = next(_parts(signature, "t"), "")
        if not self._secret or not (at.isascii() and at.isdigit() and len(at) < 15):
            raise NotGenuine
        expected = hmac.new(self._secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in _parts(signature, "v1")):
            raise NotGenuine
        if abs(now.timestamp() - int(at)) > TOLERANCE.total_seconds():
            raise NotGenuine


def _parts(signature: str, name: str) -> Iterator[str]:
    """`t=1,v1=a,v1=b`: while a secret is being replaced there are several signatures."""
    for part in signature.split(",")[:20]:
        key, _, value = part.strip().partition("=")
        if key == name:
            yield value


def _paid(event: Mapping[str, Any]) -> Paid | None:
    session = event["data"]["object"]
    token = session.get("metadata", {}).get(_METADATA)
    if session["payment_status"] != "paid" or not isinstance(token, str):
        return None  # the money is still on its way; or it is not ours
    currency = str(session["currency"]).upper()
    return Paid(
        token=token,
        provider=NAME,
        reference=str(session.get("payment_intent") or session["id"]),
        sum=_amount(int(session["amount_total"]), currency),
        currency=currency,
        at=datetime.fromtimestamp(int(event["created"]), UTC),
    )


# -- amounts -----------------------------------------------------------------------------------------------------------


def _units(amount: Decimal, currency: str) -> int:
    """An amount as Stripe counts it."""
    return int(amount.scaleb(_places(currency)))


def _amount(units: int, currency: str) -> Decimal:
    return Decimal(units).scaleb(-_places(currency))


def _places(currency: str) -> int:
    return 2 if currency in _IN_HUNDREDTHS else digits_of(currency)


# -- HTTP --------------------------------------------------------------------------------------------------------------


async def _post(client: httpx.AsyncClient, path: str, form: Mapping[str, str], token: str) -> Mapping[str, Any]:
    """
    One request.

    Raises:
        SendRefused: Stripe will never do it.
        SendDelayed: Not now.
    """
    asked = "&".join(f"{quote(name)}={quote(value)}" for name, value in sorted(form.items()))
    key = hashlib.sha256(f"{token} {path} {asked}".encode()).hexdigest()
    try:
        answer = await client.post(path, data=form, headers={"idempotency-key": key})
    except httpx.TransportError as error:
        # Whether it arrived or not: with the same key it is done once.
        raise SendDelayed(channel=PAYMENTS, reason=f"Stripe cannot be reached: {type(error).__name__}") from None
    except (httpx.InvalidURL, ValueError) as error:
        raise _refused(f"payments.stripe_url is no address: {error}") from None
    if answer.is_success:
        return _json(answer)
    if answer.status_code in (409, 429) or answer.status_code >= 500:
        raise SendDelayed(channel=PAYMENTS, reason=f"Stripe answers {answer.status_code}")
    raise _refused(f"Stripe answers {answer.status_code}: {_message(answer)}")


def _json(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        found = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise SendDelayed(channel=PAYMENTS, reason="what answers at payments.stripe_url is not Stripe")
    return found


def _message(answer: httpx.Response) -> str:
    try:
        return str(orjson.loads(answer.content)["error"]["message"])[:300]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return answer.reason_phrase


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name)
    if not isinstance(value, str) or (name == "url" and not value.startswith(("https://", "http://"))):
        raise SendDelayed(channel=PAYMENTS, reason=f"Stripe's answer has no {name}")
    return value


def _refused(reason: str) -> SendRefused:
    return SendRefused(channel=PAYMENTS, reason=reason)
