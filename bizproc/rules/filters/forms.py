"""
A filter in plain lists, numbered by version: what the journal and JSON hold of it.

    {"version": 1, "where": ["and", [">=", "amount", 100], ["in", "stage", "NEW", "WON"]]}
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from bizproc.core.codec import Codec
from bizproc.core.errors import BizprocError, WrongFilter
from bizproc.model.fields import shown
from bizproc.model.money import Money
from bizproc.rules.filters.fields import F, Operand, Several, path_of
from bizproc.rules.filters.operators import OPERATORS
from bizproc.rules.filters.predicates import (
    AllOf,
    AnyOf,
    Condition,
    Filter,
    Members,
    Not,
    any_of,
    condition,
    condition_on_list,
    every_of,
)

VERSION: Final = 1

_CODEC: Final = Codec()


def to_json(filter: Filter) -> str:
    """A filter as JSON: the same for the same filter, always."""
    return _CODEC.encode(form_of(filter), path="filter")


def from_json(text: str) -> Filter:
    """
    The filter that `to_json` wrote.

    Raises:
        NotRestorable: it is no JSON of the codec's.
        WrongFilter: it is no filter's.
    """
    return filter_of(_CODEC.decode(text, path="filter"))


def form_of(filter: Filter) -> dict[str, Any]:
    """A filter in plain lists."""
    return {"version": VERSION, "where": _tree(filter)}


def _tree(filter: Filter) -> list[Any]:
    match filter:
        case AllOf(parts):
            return ["and", *[_tree(part) for part in parts]]
        case AnyOf(parts):
            return ["or", *[_tree(part) for part in parts]]
        case Not(part):
            return ["not", _tree(part)]
        case Members(path, every, part):
            return ["every" if every else "any", ".".join(path), _tree(part)]
        case Condition(path, operator, values):
            return [operator, ".".join(path), *map(_value, values)]
        case _:
            raise WrongFilter(filter=str(filter), detail="it is none of the predicates that a filter consists of.")


def _value(value: Any) -> Any:
    if isinstance(value, Money):
        return [_number(value.amount), value.currency]
    return _number(value) if isinstance(value, Decimal) else value


def _number(value: Decimal) -> Decimal | int:
    """A number's only spelling: filters that are equal have one form."""
    if value == value.to_integral_value():
        return int(value)
    return Decimal(format(value, "f").rstrip("0"))


def filter_of(form: object) -> Filter:
    """The filter of a form. Raises WrongFilter."""
    match form:
        case {"version": 1, "where": tree}:
            try:
                return _filter(tree)
            except (BizprocError, AttributeError, TypeError, ValueError, RecursionError) as error:
                raise WrongFilter(filter=_part(tree), detail=str(error) or type(error).__name__) from None
        case {"version": int(version)}:
            raise WrongFilter(filter="of JSON", detail=f"version {version} is not known: install a newer bizproc.")
    raise WrongFilter(filter=_part(form), detail="expected a version and a `where`.")


def _part(form: object) -> str:
    text = shown(form)
    return text if len(text) < 80 else f"{text[:79]}…"


def _filter(tree: Any) -> Filter:
    match tree:
        case ["and", *parts]:
            return every_of([_filter(part) for part in parts])
        case ["or", *parts]:
            return any_of([_filter(part) for part in parts])
        case ["not", part]:
            return ~_filter(part)
        case ["any" | "every" as word, str(path), part]:
            end = _end(path)
            if isinstance(end, Several):
                return end.every(_filter(part)) if word == "every" else end.any(_filter(part))
        case [str(operator), str(path), *values] if operator in OPERATORS:
            end = _end(path)
            if isinstance(end, Operand):
                return _condition(end, operator, [_given(value) for value in values])
    raise ValueError(f"{_part(tree)} is no part of a filter.")


def _condition(end: Operand, operator: str, values: list[Any]) -> Condition:
    takes = OPERATORS[operator].takes
    if takes is None:
        return condition_on_list(path_of(end), operator, values)
    if len(values) != takes:
        raise ValueError(f"{operator} takes {takes} values.")
    return condition(path_of(end), operator, *values)


def _given(value: Any) -> Any:
    return Money(*value) if isinstance(value, list) else value


def _end(path: str) -> Any:
    end: Any = F
    for step in path.split("."):
        end = getattr(end, step)
    return end
