"""A page of our own: it says what to transfer, and where to. That it was paid is recorded by people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bizproc.ports.payments import PAYMENTS, LinkMade, NotGenuine, Paid, PaymentAsked


class PagePayments:
    """The link is that of our own page."""

    name: Final = PAYMENTS
    deduplicates: Final = True

    async def send(self, payload: Any, key: str) -> LinkMade:
        assert isinstance(payload, PaymentAsked)
        return LinkMade(url=payload.page, provider="page")

    def heard(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[Paid, ...]:
        """Nobody sends news of it."""
        raise NotGenuine
