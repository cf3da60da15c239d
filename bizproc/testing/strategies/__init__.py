"""Hypothesis strategies for what bizproc works with. Needs `hypothesis`, which the extra `test` brings."""

from bizproc.testing.strategies.calendars import absences, calendars, moments
from bizproc.testing.strategies.filters import filters
from bizproc.testing.strategies.queues import queues

__all__ = ["absences", "calendars", "filters", "moments", "queues"]
