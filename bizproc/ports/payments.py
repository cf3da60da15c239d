"""Payments: who makes links under which people pay, and tells that they have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, Protocol

from attrs import frozen

PAYMENTS: Final = "payments"
"""What actions call the channel."""

PURPOSE: Final = "payment"
"""The purpose of the token that goes to a provider with a payment and comes back with its news."""


@frozen(kw_only=True)
class PaymentAsked:
    """
    What a link is wanted for.

    Attributes:
        token: Names the payment, so that nobody else's news is taken for it.
        title: What is paid, for people.
        page: Our own page of it.
    """

    token: str
    title: str
    sum: Decimal
    currency: str
    page: str


@frozen(kw_only=True)
class LinkMade:
    """
    A link under which people pay.

    Attributes:
        provider: Who takes the money.
        reference: What the provider calls the link.
    """

    url: str
    provider: str
    reference: str | None = None


@frozen(kw_only=True)
class Paid:
    """
    News of a payment.

    Attributes:
        token: That went with it.
        reference: What the provider calls the payment; the same in all news of it.
        at: When it was paid.
    """

    token: str
    provider: str
    reference: str
    sum: Decimal
    currency: str
    at: datetime


class NotGenuine(Exception):
    """News that the provider has not sent, or has sent too long ago."""


class PaymentProvider(Protocol):
    """
    A channel (`ports/channel.py`) that deduplicates: it is sent `PaymentAsked` and gives `LinkMade`.

    The same payment asked for again gives the same link, or one that is as good: people pay once.
    """

    @property
    def name(self) -> str: ...

    @property
    def deduplicates(self) -> bool: ...

    async def send(self, payload: Any, key: str) -> LinkMade:
        """Make a link."""

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Paid, ...]:
        """
        What the provider tells; nothing, if it is no news of a payment. Changes nothing.

        Args:
            headers: By their names in small letters.
            body: As it was received.
            now: The time.

        Raises:
            NotGenuine: It is not from the provider.
        """
