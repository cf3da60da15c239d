"""Hypothesis strategies for what bizproc works with. Needs `hypothesis`, which the extra `test` brings."""

from bizproc.core.errors import ExtraMissing

try:
    from bizproc.testing.strategies.calendars import absences, calendars
    from bizproc.testing.strategies.filters import filters
    from bizproc.testing.strategies.items import companies, contacts, deals, invoices, leads, products, quotes, users
    from bizproc.testing.strategies.moments import moments
    from bizproc.testing.strategies.parameters import parameters
    from bizproc.testing.strategies.queues import queues
except ModuleNotFoundError as error:
    if error.name != "hypothesis":
        raise
    raise ExtraMissing(what="strategies", extra="test", package="hypothesis") from None

__all__ = [
    "absences",
    "calendars",
    "companies",
    "contacts",
    "deals",
    "filters",
    "invoices",
    "leads",
    "moments",
    "parameters",
    "products",
    "queues",
    "quotes",
    "users",
]
