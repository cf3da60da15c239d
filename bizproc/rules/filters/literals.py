"""
The values that a filter compares with: brought into one form when the filter is built, and written as text and Python.

Whether a value fits its field is `checking.py`'s business; here it must only be one that every store can hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Iterable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

from bizproc.core.errors import WrongFilter
from bizproc.model.fields import Unfit, shown, sound
from bizproc.model.money import Money, exact

WORDS: Final = frozenset(
    {
        *(
            "all_of",
            "and",
            "any",
            "any_of",
            "before_today",
            "after_today",
            "between",
            "contains",
            "empty",
            "equals_text",
        ),
        *("every", "false", "filled", "in", "is", "last_days", "next_days", "none_of", "not", "null", "on", "or"),
        *("same_set", "starts_with", "today", "true", "within_last", "within_next", "yesterday"),
    }
)
"""Words of the text form that cannot stand for a text without quotes."""

_BARE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(:[A-Za-z0-9_]+)*")
_LEAST, _MOST = -(2**63), 2**63 - 1
_MANY: Final = 100_000
_UNITS: Final = (("days", 86_400_000_000), ("hours", 3_600_000_000), ("minutes", 60_000_000))


def literal(value: Any, where: str) -> Any:
    """
    A value as a filter keeps it: texts composed, moments in UTC.

    Raises:
        WrongFilter: it is none that can be compared; says why.
    """
    try:
        return _kept(value)
    except Unfit as unfit:
        raise WrongFilter(filter=where, detail=f"expected {unfit}, got {shown(value)}.") from None


def literals(values: Any, where: str) -> tuple[Any, ...]:
    """Several values, each once, in order."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise WrongFilter(filter=where, detail=f"expected a list of values, got {shown(values)}.")
    kept: dict[tuple[str, Any], Any] = {}
    for value in values:
        one = literal(value, where)
        kept.setdefault(told_apart(one), one)
        if len(kept) > _MANY:
            raise WrongFilter(filter=where, detail=f"more than {_MANY:,} values. Filter by a field that they share.")
    return tuple(kept.values())


def told_apart(value: Any) -> Any:
    """A value with its type: 1 and True are two."""
    if isinstance(value, tuple):
        return tuple(map(told_apart, value))
    return type(value) is bool, value


def _kept(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _finite(value)
    if isinstance(value, datetime):
        return _instant(value)
    kind = type(value)
    if kind is str:
        return sound(value)
    if kind is int:
        if not _LEAST <= value <= _MOST:
            raise Unfit("an integer of at most 64 bits")
        return value
    if kind is float:
        raise Unfit(f"an exact number (Decimal({str(value)!r}) says which is meant)" if value == value else "a number")  # noqa: PLR0124
    if value is None or kind in (bool, date, Money):
        return value
    if kind is time and value.tzinfo is None:
        return value.isoformat()  # times of day compare as texts
    if kind is timedelta:
        if not timedelta(0) <= value:
            raise Unfit("a duration that is not negative")
        return value
    if isinstance(value, Awaitable):
        raise Unfit("what it gives when it is awaited, as `F.created_at < await now()`")
    raise Unfit("a text, a number, True or False, a date, a moment, a Money, None or an item")


def _finite(value: Decimal) -> Decimal:
    try:
        return exact(value)
    except ValueError as error:
        raise Unfit(str(error)) from None


def _instant(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise Unfit("a datetime with a time zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise Unfit("a moment of the years 1 to 9999 in UTC") from None


# -- as text -----------------------------------------------------------------------------------------------------------


def text_of(value: Any) -> str:
    """A value in the text form of filters."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case str():
            plain = _BARE.fullmatch(value) is not None and value.lower() not in WORDS
            return value if plain else json.dumps(value, ensure_ascii=False)
        case Decimal():
            return format(value, "f")
        case Money(amount, currency):
            return f"{amount:f} {currency}"
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return _duration_text(value)
        case _:
            return str(value)  # integers and dates


def _duration_text(value: timedelta) -> str:
    rest = value // timedelta(microseconds=1)
    parts: list[str] = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count} {unit}")
    if rest or not parts:
        seconds, micros = divmod(rest, 1_000_000)
        parts.append(f"{seconds}{f'.{micros:06d}'.rstrip('0') if micros else ''} seconds")
    return " ".join(parts)


def texts_of(values: Iterable[Any]) -> str:
    """A list of values in the text form."""
    return f"({', '.join(map(text_of, values))})"


# -- as Python ---------------------------------------------------------------------------------------------------------


def python_of(value: Any) -> str:
    """A value as Python that can be pasted."""
    match value:
        case Decimal():
            return f'Decimal("{value}")'
        case Money(amount, currency):
            return f'Money(Decimal("{amount}"), "{currency}")'
        case datetime():
            clock = [value.hour, value.minute, *((value.second, value.microsecond) if value.microsecond else ())]
            if value.second and not value.microsecond:
                clock.append(value.second)
            return f"datetime({value.year}, {value.month}, {value.day}, {', '.join(map(str, clock))}, tzinfo=UTC)"
        case date():
            return f"date({value.year}, {value.month}, {value.day})"
        case timedelta():
            return f"timedelta(days={value.days}, seconds={value.seconds}, microseconds={value.microseconds})"
        case _:
            return repr(value)


def pythons_of(values: Iterable[Any]) -> str:
    """A list of values as Python."""
    return f"[{', '.join(map(python_of, values))}]"
