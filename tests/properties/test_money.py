"""Laws of money (D21): exact until rounded once, half up, to the digits of the currency."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from bizproc.model.money import digits_of, exact, net_price, rounded, row_sum, tax_of

numbers = st.decimals(min_value=-(10**7), max_value=10**7, allow_nan=False, allow_infinity=False)
prices = st.decimals(min_value=0, max_value=10**7, allow_nan=False, places=7)
quantities = st.decimals(min_value=Decimal("0.0001"), max_value=10**4, allow_nan=False, places=4)
discounts = st.decimals(min_value=0, max_value=100, allow_nan=False, places=3)
currencies = st.sampled_from(["EUR", "USD", "JPY", "KRW", "KWD", "TND", "CLF", "UYW"])


@given(value=prices, currency=currencies)
def test_rounding_is_half_up_and_at_most_half_a_unit_away(value: Decimal, currency: str) -> None:
    unit = Fraction(1, 10 ** digits_of(currency))
    amount = rounded(value, currency)
    assert Fraction(amount) % unit == 0
    assert -unit / 2 < Fraction(amount) - Fraction(value) <= unit / 2


@given(value=prices, currency=currencies)
def test_rounding_is_symmetric_and_done_once(value: Decimal, currency: str) -> None:
    amount = rounded(value, currency)
    assert rounded(-value, currency) == -amount
    assert rounded(amount, currency) == amount


@given(price=prices, quantity=quantities, discount=discounts, currency=currencies)
def test_a_row_is_exact_until_it_is_rounded(
    price: Decimal, quantity: Decimal, discount: Decimal, currency: str
) -> None:
    true = Fraction(price) * Fraction(quantity) * (1 - Fraction(discount) / 100)
    unit = Fraction(1, 10 ** digits_of(currency))
    assert Fraction(row_sum(price, quantity, discount, currency)) == (true / unit + Fraction(1, 2)) // 1 * unit
    assert Fraction(net_price(price, discount)) == Fraction(price) * (1 - Fraction(discount) / 100)


@given(price=prices, quantity=quantities, discount=discounts, currency=currencies)
def test_the_threads_context_changes_nothing(
    price: Decimal, quantity: Decimal, discount: Decimal, currency: str
) -> None:
    wide = row_sum(price, quantity, discount, currency), net_price(price, discount)
    with localcontext() as narrow:
        narrow.prec = 2
        assert (row_sum(price, quantity, discount, currency), net_price(price, discount)) == wide
        assert exact(price) == price


@given(sum_=st.integers(0, 10**9), rate=st.integers(0, 100))
def test_tax_inside_a_sum_is_less_than_tax_on_top_of_it(sum_: int, rate: int) -> None:
    inside = tax_of(Decimal(sum_), Decimal(rate), "EUR", included=True)
    assert 0 <= inside <= tax_of(Decimal(sum_), Decimal(rate), "EUR", included=False)
    assert tax_of(Decimal(sum_), None, "EUR", included=True) == 0


@given(value=numbers)
def test_what_is_kept_is_the_very_number(value: Decimal) -> None:
    try:
        assert exact(value).as_tuple() == value.as_tuple()
    except ValueError:
        assert value.as_tuple().exponent < -40  # type: ignore[operator]  # finite
