"""
Who takes payments.

    page.py      a page of our own, which says what to transfer, and where to
    stripe.py    Stripe, through its public HTTP interface; needs httpx (the extra `payments`)
"""

from __future__ import annotations

from typing import Any

from bizproc.adapters.payments.page import PagePayments
from bizproc.core.errors import ExtraMissing
from bizproc.ports.channel import Outside
from bizproc.ports.payments import PaymentProvider
from bizproc.settings import PaymentSettings, Settings

__all__ = ["PagePayments", "outside_of", "provider_of"]


def outside_of(settings: Settings, _files: Any, _signer: Any) -> Outside:
    """Who takes payments, as the settings have it. Raises ExtraMissing."""
    provider = provider_of(settings.payments)
    return Outside(channels={provider.name: provider})


def provider_of(settings: PaymentSettings) -> PaymentProvider:
    """The provider that the settings name. Raises ExtraMissing."""
    if settings.provider == "page":
        return PagePayments()
    try:
        from bizproc.adapters.payments.stripe import StripePayments
    except ImportError as error:
        raise ExtraMissing(what="payments by Stripe", extra="payments", package=error.name or "?") from None
    return StripePayments(settings)
