"""
Uses of one recipe that start on the same things, and are told apart by nothing.

Only what is sure is said: the same events, and no two conditions that could exclude each other. Runs of a clock are
left out, for what they look at stands in the settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import Any

from attrs import frozen

from bizproc.core.checks import members_of, same
from bizproc.installed import Use
from bizproc.rules.filters import Filter
from bizproc.triggers.trigger import Trigger


@frozen
class Overlapping:
    """
    Two uses that start on the same things.

    Attributes:
        uses: Their names.
        on: The events.
        filters: Settings by which they could be told apart.
    """

    uses: tuple[str, str]
    recipe: str
    on: tuple[str, ...]
    filters: tuple[str, ...] = ()

    def __str__(self) -> str:
        first, second = self.uses
        cure = f"tell them apart by {' or '.join(self.filters)}" if self.filters else "keep one of them"
        return (
            f"{first} and {second} ({self.recipe}): both start on {', '.join(self.on)}, and no filter keeps their "
            f"items apart: what fits both has both at work on it. If that is not meant, {cure}."
        )


def overlapping(uses: Iterable[Use]) -> Iterator[Overlapping]:
    """Each two uses of one recipe of which it is sure."""
    for first, second in combinations(uses, 2):
        if first.installed.name != second.installed.name:
            continue
        on = _shared(first.process.starts, second.process.starts)
        if on:
            yield Overlapping((first.name, second.name), first.installed.name, on, _filters(first))


def _shared(first: Trigger | None, second: Trigger | None) -> tuple[str, ...]:
    if first is None or second is None:
        return ()
    found = [event for one in first.alternatives() for two in second.alternatives() for event in _both(one, two)]
    return tuple(dict.fromkeys(found))


def _both(one: Trigger, two: Trigger) -> Iterator[str]:
    """The events on which both start, whatever they are about."""
    narrowed = ((one.stages, two.stages), (one.fields, two.fields))
    fits = (
        (one.item, one.any_kind, one.about) == (two.item, two.any_kind, two.about)
        and all(not mine or not theirs or set(mine) & set(theirs) for mine, theirs in narrowed)
        and (one.where is None or two.where is None or same(one.where, two.where))
        and same(one.became, two.became)
    )
    if fits:
        yield from (event for event in one.events if event in two.events)


def _filters(use: Use) -> tuple[str, ...]:
    assert use.installed.recipe is not None
    return tuple(each.name for each in use.installed.recipe.settings if _is_filter(each.type))


def _is_filter(annotation: Any) -> bool:
    return Filter in members_of(annotation)
