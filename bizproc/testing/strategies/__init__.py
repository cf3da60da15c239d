"""Hypothesis strategies for what bizproc's rules work on. Needs `hypothesis`, which the extra `test` brings."""

from bizproc.testing.strategies.calendars import absences, calendars, moments
from bizproc.testing.strategies.queues import queues

__all__ = ["absences", "calendars", "moments", "queues"]
