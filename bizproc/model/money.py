"""
Exact numbers and money (D21).

Unit prices, quantities and rates are exact; sums and amounts are rounded half up to the digits of their currency.
Nothing here looks at the thread's decimal context, which may be narrower.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from functools import cache
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from bizproc.core.errors import CurrencyMismatch

Number: TypeAlias = Decimal | int
"""What a parameter that is a number takes; kept as a Decimal."""

# ISO 4217, the minor units that are not 2.
_DIGITS: Final = {
    **dict.fromkeys(
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ],
        0,
    ),
    **dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3),
    **dict.fromkeys(["CLF", "UYW"], 4),
}
# Known without Babel, whose loading takes about as long as all else that a short command does.
_USUAL: Final = frozenset({"CHF", "EUR", "GBP", "USD"})
_UNITS: Final = {digits: Decimal(1).scaleb(-digits) for digits in range(5)}

# Wide enough for the product of three of the widest numbers that `exact` lets through, so that only quantize rounds.
_EXACT: Final = Context(prec=400, rounding=ROUND_HALF_UP)
_MOST_BEFORE_POINT: Final = 15
_MOST_AFTER_POINT: Final = 40
_HUNDRED: Final = Decimal(100)

LARGEST_AMOUNT: Final = Decimal(10) ** 14
"""Amounts lie below it: as ten-thousandths they fit into 64 bits, and so do sums of many."""


def digits_of(currency: str) -> int:
    """How many digits after the point amounts of a currency have."""
    return _DIGITS.get(currency, 2)


CURRENCY_WANTED: Final = "a currency's code by ISO 4217, like EUR"


def is_currency(code: str) -> bool:
    """Whether a text is a code of ISO 4217; those of currencies that are no more are some, for old data have them."""
    return code in _USUAL or code in _codes()


@cache
def _codes() -> frozenset[str]:
    from babel.core import get_global

    return frozenset(get_global("all_currencies"))


def exact(value: Number) -> Decimal:
    """
    A number as it is kept: exact.

    Raises:
        ValueError: it is not finite, or wider than any real price or quantity; says which.
    """
    number = value if type(value) is Decimal else Decimal(value)
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("a finite number")
    if digits != (0,) and (number.adjusted() >= _MOST_BEFORE_POINT or exponent < -_MOST_AFTER_POINT):
        raise ValueError(
            f"a number of at most {_MOST_BEFORE_POINT} digits before the point and {_MOST_AFTER_POINT} after it"
        )
    return number


def rounded(value: Decimal, currency: str) -> Decimal:
    """
    An amount: half up to the currency's digits.

    Raises:
        ValueError: it is too large for an amount.
    """
    try:
        amount = value.quantize(_UNITS[digits_of(currency)], context=_EXACT)
    except InvalidOperation:
        amount = LARGEST_AMOUNT
    if amount.copy_abs() >= LARGEST_AMOUNT:
        raise ValueError(f"an amount below {LARGEST_AMOUNT:,f}")
    return amount


def net_price(price: Decimal, discount_percent: Decimal) -> Decimal:
    """A unit's price after discount, exact."""
    return _EXACT.multiply(price, _EXACT.subtract(_HUNDRED, discount_percent)).scaleb(-2, _EXACT)


def row_sum(price: Decimal, quantity: Decimal, discount_percent: Decimal, currency: str) -> Decimal:
    """What a row comes to: price × quantity × (1 − discount), exact until it is rounded once, at the end."""
    product = _EXACT.multiply(price, quantity)
    if discount_percent:
        product = net_price(product, discount_percent)
    return rounded(product, currency)


def tax_of(sum_: Decimal, rate: Decimal | None, currency: str, *, included: bool) -> Decimal:
    """The tax in (or on) a sum, rounded like it."""
    if not rate or not sum_:
        return rounded(Decimal(0), currency)
    base = _EXACT.add(_HUNDRED, rate) if included else _HUNDRED
    return rounded(_EXACT.divide(_EXACT.multiply(sum_, rate), base), currency)


def of_units(units: int, places: int) -> Decimal:
    """So many units of so many places after the point: 1234 units of 2 places are 12.34."""
    return Decimal(units).scaleb(-places, _EXACT)


# -- amounts with their currency ---------------------------------------------------------------------------------------


def _amount(value: Any) -> Decimal:
    if type(value) is not int and type(value) is not Decimal:
        raise ValueError("an amount of money: a Decimal or an int")
    return exact(value)


def _currency(_: Any, __: Any, code: Any) -> None:
    if type(code) is not str or not is_currency(code):
        raise ValueError(CURRENCY_WANTED)


@frozen(order=False)
class Money:
    """
    An amount in a currency, as filters compare and custom fields hold it. Exact; not rounded.

    Amounts of two currencies have no order: comparing them raises CurrencyMismatch.

    Raises:
        ValueError: it is no amount, or no currency.
    """

    amount: Decimal = field(converter=_amount)
    currency: str = field(validator=_currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._comparable(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._comparable(other)

    def __gt__(self, other: Money) -> bool:
        return self.amount > self._comparable(other)

    def __ge__(self, other: Money) -> bool:
        return self.amount >= self._comparable(other)

    def _comparable(self, other: Money) -> Decimal:
        if other.currency != self.currency:
            raise CurrencyMismatch(what=str(self), has=self.currency, asked=other.currency)
        return other.amount

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"
