"""
How moments, exact numbers, money and JSON stand in the store: plain functions, and the same as SQLAlchemy types.

Rows of the hot path are written with the functions, rare statements with the types; the texts are the same. No zones
are kept (a moment is a point in time) and no currency (it is a column of its own).
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, InvalidOperation
from typing import Any

import orjson
from sqlalchemy import Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator

# -- moments -----------------------------------------------------------------------------------------------------------

MOMENT_WIDTH = len("2026-01-31T09:00:00.000000Z")


def moment_text(value: datetime) -> str:
    """A moment as UTC text of fixed width, so that the order of texts is the order of time."""
    if value.tzinfo is not UTC:
        value = _in_utc(value)
    if type(value) is not datetime or not value.microsecond:
        return value.isoformat(timespec="microseconds")[: MOMENT_WIDTH - 1] + "Z"
    # Less than half of the time that isoformat takes. It knows no subclasses, and leaves out microseconds that are 0.
    return orjson.dumps(value, option=orjson.OPT_UTC_Z)[1:-1].decode()


def moment(text: str) -> datetime:
    """The moment that `moment_text` wrote."""
    if len(text) != MOMENT_WIDTH or text[-1] != "Z":
        raise ValueError(f"{text!r} is no moment of the store: expected 2026-01-31T09:00:00.000000Z")
    return datetime.fromisoformat(text)


def _in_utc(value: datetime) -> datetime:
    if value.utcoffset() is None:
        raise ValueError(f"{value!r} has no zone: a moment of the store needs one, e.g. datetime.now(UTC)")
    return value.astimezone(UTC)


# -- exact numbers -----------------------------------------------------------------------------------------------------


def decimal_text(value: Decimal | int) -> str:
    """A finite number as canonical text: no exponent, no zeros at the end, no minus before zero."""
    number = _finite(value)
    # Not normalize(): it rounds to the precision of the thread's context.
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _finite(value: Decimal | int) -> Decimal:
    number = value if type(value) is Decimal else Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{value} cannot be stored: a number must be finite")
    return number


def exact_decimal(text: str) -> Decimal:
    """The number that `decimal_text` wrote."""
    return Decimal(text)


# -- money -------------------------------------------------------------------------------------------------------------

MONEY_PLACES = 4
_PLACES = Decimal(1).scaleb(-MONEY_PLACES)
_LARGEST = 2**63 - 1
_SMALLEST = -(2**63)


def money_units(value: Decimal | int) -> int:
    """An amount as whole ten-thousandths, so that it compares and sums in SQL."""
    number = _finite(value)
    try:
        # Not the thread's context: it may be narrower, and it would round without a word.
        context = _exact()
        units = int(number.quantize(_PLACES, context=context).scaleb(MONEY_PLACES, context))
    except Inexact:
        raise ValueError(f"{value} cannot be stored as money: it has more than {MONEY_PLACES} decimals") from None
    except InvalidOperation:
        raise ValueError(f"{value} cannot be stored as money: it does not fit into 64 bits") from None
    if not _SMALLEST <= units <= _LARGEST:
        raise ValueError(f"{value} cannot be stored as money: it does not fit into 64 bits")
    return units


def money(units: int) -> Decimal:
    """The amount that `money_units` wrote, always with four decimals."""
    return Decimal(units).scaleb(-MONEY_PLACES, _exact())


def _exact() -> Context:
    """A fresh context (they carry flags, so they are not shared by threads), wide enough for any 64-bit amount."""
    return _EXACT.copy()


_EXACT = Context(prec=len(str(_LARGEST)), rounding=ROUND_HALF_EVEN, traps=[Inexact, InvalidOperation])


# -- JSON --------------------------------------------------------------------------------------------------------------


def json_text(value: Any) -> str:
    """A plain value as compact JSON."""
    return orjson.dumps(value).decode()


def json_value(text: str) -> Any:
    """The value that `json_text` wrote."""
    return orjson.loads(text)


# -- the same as SQLAlchemy types --------------------------------------------------------------------------------------


class Moment(TypeDecorator[datetime]):
    """An aware datetime as `moment_text`."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else moment_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else moment(value)


class ExactDecimal(TypeDecorator[Decimal]):
    """
    A finite Decimal as `decimal_text`.

    SQLAlchemy's own Numeric goes through float on SQLite. This one does not compare in SQL by size: it is text.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> str | None:
        return None if value is None else decimal_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else exact_decimal(value)


class Money(TypeDecorator[Decimal]):
    """A Decimal of at most four decimals as `money_units`."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | int | None, dialect: Dialect) -> int | None:
        return None if value is None else money_units(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else money(value)


class Json(TypeDecorator[Any]):
    """A plain value as `json_text`; None is NULL, not the JSON null."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json_value(value)
