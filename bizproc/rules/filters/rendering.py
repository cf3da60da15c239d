"""
A filter as text (`amount >= 100 and stage in (NEW, WON)`, which `parsing.py` reads) and as Python that can be pasted.

Both say all of it: `parse(render(p)) == p`, and so is what the Python gives.
"""

from __future__ import annotations

from typing import Final

from bizproc.rules.filters.literals import python_of, pythons_of, text_of, texts_of
from bizproc.rules.filters.predicates import AllOf, AnyOf, Condition, Filter, Members, Not, Path

# -- text --------------------------------------------------------------------------------------------------------------

_LISTS: Final = ("in", "any_of", "all_of", "same_set")
_WORDS: Final = {"null": "is null", "empty": "is empty"} | {
    name: f"is {name}" for name in ("today", "yesterday", "before_today", "after_today")
}
_NEGATED: Final = {
    "=": "!=",
    "in": "not in",
    "contains": "not contains",
    "any_of": "none_of",
    "null": "is not null",
    "empty": "is filled",
}
"""Operators that have a word of their own for "not"."""


def render(filter: Filter) -> str:
    """A filter as text."""
    match filter:
        case AllOf(()):
            return "true"
        case AnyOf(()):
            return "false"
        case AllOf(parts):
            return " and ".join([_bracketed(part, AnyOf) for part in parts])
        case AnyOf(parts):
            return " or ".join([render(part) for part in parts])
        case Not(Condition(_, operator, _) as part) if operator in _NEGATED:
            return _condition_text(part, _NEGATED[operator])
        case Not(part):
            return f"not {_bracketed(part, AllOf, AnyOf)}"
        case Members(path, every, part):
            return f"{'.'.join(path)} {'every' if every else 'any'} ({render(part)})"
        case Condition(_, operator, _):
            return _condition_text(filter, _WORDS.get(operator, operator))
        case _:
            return type(filter).__name__


def _bracketed(part: Filter, *kinds: type[AllOf | AnyOf]) -> str:
    text = render(part)
    return f"({text})" if isinstance(part, kinds) and part.parts else text


def _condition_text(condition: Condition, word: str) -> str:
    name, values = ".".join(condition.path), condition.values
    if condition.operator in _LISTS:
        return f"{name} {word} {texts_of(values)}"
    if condition.operator == "between":
        return f"{name} between {' and '.join(map(text_of, values))}"
    return " ".join([name, word, *map(text_of, values)])


# -- Python ------------------------------------------------------------------------------------------------------------

_COMPARED: Final = {"=": "==", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_METHODS: Final = {"in": "is_in", "null": "is_null", "empty": "is_empty"}
_NEGATED_METHODS: Final = {"in": "not_in", "contains": "not_contains", "any_of": "none_of", "empty": "is_filled"}


def python(filter: Filter) -> str:
    """A filter as Python."""
    match filter:
        case AllOf(()):
            return "F.all()"
        case AnyOf(()):
            return "F.any()"
        case AllOf(parts):
            return " & ".join([_operand(part) for part in parts])
        case AnyOf(parts):
            return " | ".join([_operand(part) for part in parts])
        case Not(Condition(path, "=", values)):
            return f"{python_path(path)} != {python_of(values[0])}"
        case Not(Condition(_, operator, _) as part) if operator in _NEGATED_METHODS:
            return _call(part, _NEGATED_METHODS[operator])
        case Not(part):
            return f"~{_operand(part)}"
        case Members(path, every, part):
            return f"{python_path(path)}.{'every' if every else 'any'}({python(part)})"
        case Condition(path, operator, values) if operator in _COMPARED:
            return f"{python_path(path)} {_COMPARED[operator]} {python_of(values[0])}"
        case Condition(_, operator, _):
            return _call(filter, _METHODS.get(operator, operator))
        case _:
            return f"{type(filter).__name__}()"


def _operand(part: Filter) -> str:
    """A part between `&`, `|` and `~`, which bind tighter than comparisons."""
    text = python(part)
    match part:
        case Condition(_, operator, _) if operator not in _COMPARED:
            return text
        case Members() | AllOf(()) | AnyOf(()):
            return text
        case Not(Condition(_, operator, _)) if operator in _NEGATED_METHODS:
            return text
    return f"({text})"


def _call(condition: Condition, method: str) -> str:
    listed = condition.operator in _LISTS
    arguments = pythons_of(condition.values) if listed else ", ".join(map(python_of, condition.values))
    return f"{python_path(condition.path)}.{method}({arguments})"


def python_path(path: Path) -> str:
    """A path as `F` makes it."""
    if path[-2:-1] == ("custom",):
        return f'F{_dotted(path[:-1])}["{path[-1]}"]'
    return f"F{_dotted(path)}"


def _dotted(path: Path) -> str:
    return "".join(f".{step}" for step in path)
