"""The law of amounts (D21), whatever is done to a deal: the sum of its rows' rounded sums, unless set by hand."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizproc import crm
from bizproc.model import ProductRow
from bizproc.model.money import digits_of

prices = st.decimals(min_value=0, max_value=10_000, allow_nan=False, places=5)
quantities = st.decimals(min_value=Decimal("0.001"), max_value=1000, allow_nan=False, places=3)
discounts = st.decimals(min_value=0, max_value=100, allow_nan=False, places=2)
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CLF"])
additions = st.tuples(st.just("add"), prices, quantities, discounts)
by_hand = st.tuples(st.just("amount"), st.sampled_from([Decimal(0), Decimal("12.345"), Decimal(7)]))
recastings = st.tuples(st.just("currency"), currencies)


def half_up(exact: Fraction, digits: int) -> Fraction:
    """Rounded by whole numbers alone: nothing of what is tested."""
    return Fraction((exact * 10**digits * 2 + 1) // 2, 10**digits)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(additions, by_hand, recastings), max_size=8))
def test_the_amount_is_the_sum_of_the_rows_rounded_sums_unless_it_was_set_by_hand(make_office: Any, steps: Any) -> None:
    office = make_office()
    tea = office.do(crm.product.create(name="Tea", price=1))
    deal = office.do(crm.deal.create(title="Tea"))
    manual: Decimal | None = None
    currency = "EUR"
    for kind, *values in steps:
        if kind == "add":
            price, quantity, discount = values
            row = crm.deal(deal).add_product(tea, price=price, quantity=quantity, discount_percent=discount)
            office.do(row)
        elif kind == "amount":
            manual = values[0] or None
            office.do(crm.deal(deal).update({"amount": values[0]}))
        else:
            currency = values[0]
            office.do(crm.deal(deal).update({"currency": currency}))
        digits = digits_of(currency)
        rows = office.reader.find(ProductRow, of=deal)
        for row in rows:
            exact = Fraction(row.price) * Fraction(row.quantity) * (1 - Fraction(row.discount_percent) / 100)
            assert Fraction(row.sum) == half_up(exact, digits)
        now = office.deal(deal)
        assert now.manual_amount == (manual is not None and round_to(manual, digits) > 0)
        if not now.manual_amount:
            assert now.amount == sum(row.sum for row in rows)
        assert -now.amount.as_tuple().exponent == digits


def round_to(value: Decimal, digits: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), context=Context(prec=50, rounding=ROUND_HALF_UP))
