"""Hypothesis strategies for what bizproc works with. Needs `hypothesis`, which the extra `test` brings."""

from bizproc.testing.strategies.calendars import absences, calendars
from bizproc.testing.strategies.filters import filters
from bizproc.testing.strategies.items import companies, contacts, deals, invoices, leads, products, quotes, users
from bizproc.testing.strategies.moments import moments
from bizproc.testing.strategies.parameters import parameters
from bizproc.testing.strategies.queues import queues

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
