"""
What each operator means: whether it holds of an actual value, in memory. SQL says the same (`adapters/sql_crm`).

All are two-valued, and null equals only itself. Operators that say "not" are not here: they are `Not` of these.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from types import MappingProxyType
from typing import Any, Final

from attrs import frozen

from bizproc.core.errors import CurrencyMismatch
from bizproc.model.days import day_of, midnight
from bizproc.model.money import Money
from bizproc.model.multi_fields import MultiField
from bizproc.model.references import ItemRef
from bizproc.model.texts import composed, folded


@frozen
class Setting:
    """
    What an evaluation knows beside the item.

    Attributes:
        now: The one reading of the clock.
        zone: Whose days are meant.
        link: By kind and id the item that a field points at; None if it is not there.
        linked: By reference and relation (`contacts`, `products`) the items that belong to one, or that it lists.
    """

    now: datetime
    zone: tzinfo
    link: Callable[[str, int], Any | None]
    linked: Callable[[ItemRef, str], Iterable[Any]]

    @property
    def today(self) -> date:
        """The day in the zone."""
        return day_of(self.now, self.zone)


Holds = Callable[[Any, tuple[Any, ...], Setting], bool]


@frozen
class Operator:
    """
    One operator.

    Attributes:
        name: In the text form, the JSON form and, but for comparisons, in Python.
        takes: How many values: a number, or None for a list of them.
        holds: Of an actual value (a multiple one is a tuple), the operator's values, and the setting.
    """

    name: str
    takes: int | None
    holds: Holds


def actual(value: Any) -> Any:
    """A value of an item as operators compare it."""
    if isinstance(value, str):
        return composed(value)
    if isinstance(value, (list, tuple)):
        return tuple(map(actual, value))
    if isinstance(value, MultiField):
        return composed(value.value)
    return value.isoformat() if isinstance(value, time) else value


# -- equality and order ------------------------------------------------------------------------------------------------


def same(one: Any, other: Any) -> bool:
    """Whether two values are one; 0, False, "" and null are four."""
    if one is None or other is None:
        return one is other
    return (type(one) is bool) == (type(other) is bool) and bool(one == other)


def _equals(value: Any, wanted: tuple[Any, ...], _: Setting) -> bool:
    return same(value, wanted[0])


def _is_in(value: Any, wanted: tuple[Any, ...], _: Setting) -> bool:
    return any(same(value, each) for each in wanted)


def _ordered(compare: Callable[[Any, Any], bool]) -> Holds:
    return lambda value, wanted, _: value is not None and compare(value, wanted[0])


def _between(value: Any, wanted: tuple[Any, ...], _: Setting) -> bool:
    return value is not None and bool(wanted[0] <= value <= wanted[1])


def in_currency(value: Any, currency: Any, wanted: tuple[Any, ...], what: str) -> tuple[Any, ...]:
    """
    The numbers of amounts that are compared with a value in this currency.

    Raises:
        CurrencyMismatch: one is in another.
    """
    if value is None:
        return tuple(each.amount if isinstance(each, Money) else each for each in wanted)
    for each in wanted:
        if isinstance(each, Money) and each.currency != currency:
            raise CurrencyMismatch(what=what, has=str(currency or "no currency"), asked=each.currency)
    return tuple(each.amount if isinstance(each, Money) else each for each in wanted)


# -- texts -------------------------------------------------------------------------------------------------------------


def _text(compare: Callable[[str, str], bool]) -> Holds:
    """Of a text, or of one of several."""

    def holds(value: Any, wanted: tuple[Any, ...], _: Setting) -> bool:
        if value is None:
            return False
        sought = folded(wanted[0])
        return any(compare(folded(each), sought) for each in (value if isinstance(value, tuple) else (value,)))

    return holds


# -- nothing -----------------------------------------------------------------------------------------------------------


def _is_null(value: Any, _: tuple[Any, ...], __: Setting) -> bool:
    return value is None or value == ()


def _is_empty(value: Any, _: tuple[Any, ...], __: Setting) -> bool:
    return value is None or value == () or (isinstance(value, str) and not value.strip())


# -- several values ----------------------------------------------------------------------------------------------------


def _any_of(value: Any, wanted: tuple[Any, ...], _: Setting) -> bool:
    return any(same(each, other) for each in value or () for other in wanted)


def _all_of(value: Any, wanted: tuple[Any, ...], _: Setting) -> bool:
    return all(any(same(each, other) for each in value or ()) for other in wanted)


def _same_set(value: Any, wanted: tuple[Any, ...], setting: Setting) -> bool:
    return _all_of(value, wanted, setting) and _all_of(wanted, tuple(value or ()), setting)


# -- days --------------------------------------------------------------------------------------------------------------

Days = tuple[date | None, date | None]
"""From a day to before another; None where it is open."""

NO_DAYS: Final[Days] = (date.max, date.min)


def days(name: str, wanted: tuple[Any, ...], today: date) -> Days:
    """The days that an operator means."""
    match name:
        case "on":
            return wanted[0], _later(wanted[0], 1)
        case "today":
            return today, _later(today, 1)
        case "yesterday":
            return _later(today, -1) or today, today
        case "last_days":
            return _later(today, -wanted[0]), today
        case "before_today":
            return None, today
    tomorrow = _later(today, 1)
    if tomorrow is None:
        return NO_DAYS
    return tomorrow, _later(tomorrow, wanted[0]) if name == "next_days" else None


def _later(day: date, count: int) -> date | None:
    try:
        return day + timedelta(days=count)
    except OverflowError:
        return None


def begin_of(day: date | None, zone: tzinfo) -> datetime | None:
    """The first moment of a day; None where it lies before or behind all moments."""
    try:
        return None if day is None else midnight(day, zone)
    except OverflowError:
        return None


def _in_days(name: str) -> Holds:
    def holds(value: Any, wanted: tuple[Any, ...], setting: Setting) -> bool:
        if value is None:
            return False
        first, behind = days(name, wanted, setting.today)
        if isinstance(value, datetime):
            return _within(value, begin_of(first, setting.zone), begin_of(behind, setting.zone))
        return _within(value, first, behind)

    return holds


def _within(value: Any, first: Any, behind: Any) -> bool:
    return (first is None or first <= value) and (behind is None or value < behind)


def moments(name: str, wanted: tuple[Any, ...], now: datetime) -> tuple[datetime | None, datetime | None]:
    """The first and the last moment that `within_last` or `within_next` means."""
    try:
        return (now - wanted[0], now) if name == "within_last" else (now, now + wanted[0])
    except OverflowError:
        return (None, now) if name == "within_last" else (now, None)


def _in_moments(name: str) -> Holds:
    def holds(value: Any, wanted: tuple[Any, ...], setting: Setting) -> bool:
        first, last = moments(name, wanted, setting.now)
        return value is not None and (first is None or first <= value) and (last is None or value <= last)

    return holds


# -- all of them -------------------------------------------------------------------------------------------------------

DAYS: Final = ("on", "today", "yesterday", "last_days", "next_days", "before_today", "after_today")
MOMENTS: Final = ("within_last", "within_next")
ORDER: Final = ("<", "<=", ">", ">=", "between")
TEXTS: Final = ("contains", "starts_with", "equals_text")
SETS: Final = ("any_of", "all_of", "same_set")
NOTHING: Final = ("null", "empty")

OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {
        each.name: each
        for each in (
            Operator("=", 1, _equals),
            Operator("in", None, _is_in),
            Operator("<", 1, _ordered(operator.lt)),
            Operator("<=", 1, _ordered(operator.le)),
            Operator(">", 1, _ordered(operator.gt)),
            Operator(">=", 1, _ordered(operator.ge)),
            Operator("between", 2, _between),
            Operator("contains", 1, _text(lambda text, sought: sought in text)),
            Operator("starts_with", 1, _text(str.startswith)),
            Operator("equals_text", 1, _text(str.__eq__)),
            Operator("null", 0, _is_null),
            Operator("empty", 0, _is_empty),
            Operator("any_of", None, _any_of),
            Operator("all_of", None, _all_of),
            Operator("same_set", None, _same_set),
            *(Operator(name, int(name in ("on", "last_days", "next_days")), _in_days(name)) for name in DAYS),
            *(Operator(name, 1, _in_moments(name)) for name in MOMENTS),
        )
    }
)
