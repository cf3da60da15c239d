"""What settings may be, beyond their types: refused by name when a project names them, not when somebody waits."""

from __future__ import annotations

from collections.abc import Iterable

from bizproc import on
from bizproc.errors import WrongArgument, WrongValue


def whole(recipe: str, setting: str, value: int, *, most: int) -> int:
    """A whole number from 1."""
    if not 1 <= value <= most:
        raise WrongValue(action=recipe, parameter=setting, expected=f"a whole number from 1 to {most}", got=str(value))
    return value


def codes(recipe: str, setting: str, values: Iterable[str]) -> tuple[str, ...]:
    """Codes, or patterns: none of them blank."""
    several = tuple(values)
    if not all(each.strip() for each in several):
        raise WrongValue(action=recipe, parameter=setting, expected="texts that are not blank", got=repr(several))
    return several


def cron(recipe: str, setting: str, expression: str) -> str:
    """A cron expression."""
    try:
        on.cron(expression)
    except WrongArgument as error:
        raise WrongValue(action=recipe, parameter=setting, expected=error.expected, got=error.got) from None
    return expression
