"""
Why an item fits a filter or not: its tree, with what each condition found.

    ✗ all of
      ✓ amount >= 100            (amount is 250)
      ✗ stage in (NEW, WON)      (stage is LOSE)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from bizproc.rules.filters.literals import text_of, texts_of
from bizproc.rules.filters.operators import Setting
from bizproc.rules.filters.predicates import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Members,
    Not,
    name_of,
    owner_of,
    value_in,
)
from bizproc.rules.filters.rendering import render


@frozen
class Explanation:
    """
    One node of the tree.

    Attributes:
        holds: Whether it holds.
        word: `all of`, `any of` or `not`; empty for a leaf.
        filter: What was asked, as text.
        field: Of a leaf: the path of its field.
        actual: Of a leaf: what was found; of several items, those that fit.
        expected: Of a leaf: what must hold of it.
        parts: Of what it consists.
    """

    holds: bool
    word: str
    filter: str
    field: str = ""
    actual: Any = None
    expected: str = ""
    parts: tuple[Explanation, ...] = ()

    def leaves(self) -> Iterator[Explanation]:
        """All leaves, from left to right."""
        if not self.word:
            yield self
        for part in self.parts:
            yield from part.leaves()

    def reasons(self) -> tuple[Explanation, ...]:
        """
        The leaves that decide: as few as suffice, whatever the others were. Without any of them it would be open.

        Of a filter that does not hold they are the leaves that make it false.
        """
        if not self.word:
            return (self,)
        if self.word == "not":
            return self.parts[0].reasons()
        decisive = [part.reasons() for part in self.parts if part.holds is self.holds]
        one_suffices = self.holds is (self.word == "any of")
        if one_suffices:
            return min(decisive, key=len)
        return tuple(leaf for reasons in decisive for leaf in reasons)

    def __str__(self) -> str:
        return "\n".join(self._lines(0))

    def _lines(self, depth: int) -> Iterator[str]:
        mark = f"{'  ' * depth}{'✓' if self.holds else '✗'}"
        if not self.word:
            yield f"{mark} {self.filter}  ({self.field} is {_shown(self.actual)})"
            return
        yield f"{mark} {self.word}"
        for part in self.parts:
            yield from part._lines(depth + 1)  # noqa: SLF001 - another of this class


def explain(filter: Filter, item: Any, setting: Setting) -> Explanation:
    """See `Filter.explain`."""
    match filter:
        case AllOf(parts):
            explained = tuple([explain(part, item, setting) for part in parts])
            return Explanation(all(each.holds for each in explained), "all of", render(filter), parts=explained)
        case AnyOf(parts):
            explained = tuple([explain(part, item, setting) for part in parts])
            return Explanation(any(each.holds for each in explained), "any of", render(filter), parts=explained)
        case Not(part) if isinstance(part, (AllOf, AnyOf)):
            explained = (explain(part, item, setting),)
            return Explanation(not explained[0].holds, "not", render(filter), parts=explained)
        case _:
            return _leaf(filter, item, setting)


def _leaf(filter: Filter, item: Any, setting: Setting) -> Explanation:
    """A condition, with its "not" where it has one: that is how it was written."""
    asked = filter.part if isinstance(filter, Not) else filter
    if isinstance(asked, Members):
        return _members(filter, asked, item, setting)
    assert isinstance(asked, Condition)
    path = ".".join(asked.path)
    owner = owner_of(item, asked.path, setting)
    value = value_in(owner, asked.path)
    holds = asked.holds_of(owner, value, setting) is (filter is asked)
    text = render(filter)
    return Explanation(holds, "", text, path, value, text.replace(f"{path} ", "", 1))


def _members(filter: Filter, asked: Members, item: Any, setting: Setting) -> Explanation:
    members = list(asked.members(item, setting))
    fitting = tuple(name_of(each) for each in members if asked.part.holds(each, setting))
    holds = (len(fitting) == len(members) if asked.every else bool(fitting)) is (filter is asked)
    path, text = ".".join(asked.path), render(filter)
    return Explanation(holds, "", text, path, fitting, text.replace(f"{path} ", "", 1))


def _shown(value: Any) -> str:
    return texts_of(value) if isinstance(value, tuple) else text_of(value)
