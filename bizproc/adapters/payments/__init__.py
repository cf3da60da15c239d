"""
Who takes payments.

    page.py      a page of our own, which says what to transfer, and where to
    stripe.py    Stripe, through its public HTTP interface; needs httpx (the extra `payments`)
"""

from __future__ import annotations

from bizproc.adapters.payments.page import PagePayments
from bizproc.core.errors import ExtraMissing
from bizproc.ports.payments import PaymentProvider
from bizproc.settings import PaymentSettings

__all__ = ["PagePayments", "provider_of"]


def provider_of(settings: PaymentSettings) -> PaymentProvider:
    """The provider that the settings name. Raises ExtraMissing."""
    if settings.provider == "page":
        return PagePayments()
    try:
        from bizproc.adapters.payments.stripe import StripePayments
    except ImportError as error:
        raise ExtraMissing(what="payments by Stripe", extra="payments", package=error.name or "?") from None
    return StripePayments(settings)
