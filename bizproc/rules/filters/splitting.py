"""
A filter for a CRM that can evaluate only part of it: what it is asked, and what is applied to its answer.

What is asked lets through all that fits, and perhaps more (a superset); what is left of it decides.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from attrs import evolve, frozen

from bizproc.rules.filters.predicates import AllOf, AnyOf, Condition, Filter, Members, Not, any_of, every_of

Can: TypeAlias = Callable[[Condition | Members], bool]
"""Whether the other side evaluates a condition (for `Members`: that relation; what is asked of them is asked apart)."""

TRUE: Final = every_of(())
FALSE: Final = any_of(())


@frozen
class Split:
    """
    A filter in two parts: `pushed & residual` is the filter.

    Attributes:
        pushed: What the other side evaluates; `TRUE` if nothing.
        residual: What is applied to what it gives; `TRUE` if nothing.
    """

    pushed: Filter
    residual: Filter


def split(filter: Filter, can: Can) -> Split:
    """Push down as much as can be."""
    parts = filter.parts if isinstance(filter, AllOf) else (filter,)
    pushed = every_of([widened(part, can) for part in parts])
    residual = every_of([part for part in parts if not is_exact(part, can)])
    return Split(pushed, residual)


def is_exact(filter: Filter, can: Can) -> bool:
    """Whether the other side evaluates all of it."""
    match filter:
        case AllOf(parts) | AnyOf(parts):
            return all(is_exact(part, can) for part in parts)
        case Not(part):
            return is_exact(part, can)
        case Members(_, _, part):
            return can(filter) and is_exact(part, can)
        case Condition():
            return can(filter)
    return False


def widened(filter: Filter, can: Can) -> Filter:
    """What holds wherever the filter does, of what can be evaluated."""
    return _bound(filter, can, FALSE, TRUE)


def narrowed(filter: Filter, can: Can) -> Filter:
    """What holds only where the filter does."""
    return _bound(filter, can, TRUE, FALSE)


def _bound(filter: Filter, can: Can, opposite: Filter, unknown: Filter) -> Filter:
    """The filter with `unknown` for what cannot be evaluated; below a Not it is the opposite."""
    match filter:
        case AllOf(parts):
            bounds = [_bound(part, can, opposite, unknown) for part in parts]
            return FALSE if FALSE in bounds else every_of([each for each in bounds if each != TRUE])
        case AnyOf(parts):
            bounds = [_bound(part, can, opposite, unknown) for part in parts]
            return TRUE if TRUE in bounds else any_of([each for each in bounds if each != FALSE])
        case Not(part):
            inner = _bound(part, can, unknown, opposite)
            return TRUE if inner == FALSE else FALSE if inner == TRUE else ~inner
        case Members(_, _, part):
            return evolve(filter, part=_bound(part, can, opposite, unknown)) if can(filter) else unknown
        case Condition():
            return filter if can(filter) else unknown
    return unknown
