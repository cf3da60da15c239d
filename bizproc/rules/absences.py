"""
Absences as half-open spans of time: who comes back at noon is there at noon. Which absences there are, others know.

A span that ends where it begins, or before, covers nothing; spans that overlap or touch are one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, tzinfo
from typing import TypeAlias

from bizproc.model.days import midnight
from bizproc.rules.shifts import ONE_DAY

Span: TypeAlias = tuple[datetime, datetime]


def all_day(first: date, last: date, zone: tzinfo) -> Span:
    """Whole days, the last one included, as they are in the member's zone: of 23, 24 or 25 hours."""
    return midnight(first, zone), midnight(last + ONE_DAY, zone)


def away(spans: Iterable[Span], at: datetime) -> bool:
    """Whether a span covers the moment."""
    return any(start <= at < until for start, until in spans)


def back(spans: Iterable[Span], at: datetime) -> datetime:
    """The first moment, from this one on, that no span covers."""
    for start, until in sorted(spans):
        if start <= at < until:
            at = until
    return at
