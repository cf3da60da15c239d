"""Moments, exact numbers, money and JSON as they stand in the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal, localcontext
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table

from bizproc.store.sqlite import driver
from bizproc.store.types import (
    ExactDecimal,
    Json,
    Moment,
    Money,
    decimal_text,
    exact_decimal,
    moment,
    moment_text,
    money,
    money_units,
)

ZONES: st.SearchStrategy[tzinfo] = st.sampled_from(
    [UTC, ZoneInfo("Europe/Paris"), timezone(timedelta(hours=-9, minutes=-30))]
)
# A day from either end of the calendar, beyond which there is no UTC.
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001
AMOUNTS = st.integers(-(2**63), 2**63 - 1)


@given(MOMENTS)
def test_a_moment_comes_back_as_the_same_moment_in_utc(value: datetime) -> None:
    assert moment(moment_text(value)) == value.astimezone(UTC)
    assert moment(moment_text(value)).tzinfo is UTC


@given(MOMENTS, MOMENTS)
def test_the_order_of_texts_is_the_order_of_time(one: datetime, other: datetime) -> None:
    assert (moment_text(one) < moment_text(other)) == (one.astimezone(UTC) < other.astimezone(UTC))


def test_a_moment_has_a_fixed_width() -> None:
    assert moment_text(datetime(26, 1, 2, tzinfo=UTC)) == "0026-01-02T00:00:00.000000Z"
    assert moment_text(datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=ZoneInfo("Asia/Tokyo"))) == "2026-01-01T18:04:05.000006Z"


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        moment_text(datetime(2026, 1, 2))  # noqa: DTZ001


@pytest.mark.parametrize("text", ["", "2026-01-02", "2026-01-02T00:00:00Z", "2026-01-02T00:00:00.000000+00:00"])
def test_what_is_not_a_moment_of_the_store_is_not_read_as_one(text: str) -> None:
    with pytest.raises(ValueError, match="no moment of the store"):
        moment(text)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_any_finite_number_comes_back_equal_whatever_the_context(value: Decimal) -> None:
    with localcontext(prec=3):
        assert exact_decimal(decimal_text(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False), st.integers(0, 30))
def test_equal_numbers_have_one_text(value: Decimal, zeros: int) -> None:
    sign, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    padded = Decimal((sign, digits + (0,) * zeros, exponent - zeros))
    assert decimal_text(padded) == decimal_text(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1.10"), "1.1"),
        (Decimal("-0"), "0"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-7"), "0.0000001"),
        (Decimal("-12.500"), "-12.5"),
        (100, "100"),
    ],
)
def test_a_number_has_no_exponent_and_no_zeros_at_its_end(value: Decimal | int, text: str) -> None:
    assert decimal_text(value) == text


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        decimal_text(Decimal(value))
    with pytest.raises(ValueError, match="finite"):
        money_units(Decimal(value))


@given(AMOUNTS)
def test_any_amount_that_fits_comes_back_equal_whatever_the_context(units: int) -> None:
    with localcontext(prec=3):
        assert money_units(money(units)) == units


@given(AMOUNTS, AMOUNTS)
def test_amounts_compare_as_their_units_do(one: int, other: int) -> None:
    assert (money(one) < money(other)) == (one < other)


def test_money_is_counted_in_ten_thousandths() -> None:
    assert money_units(Decimal("12.5")) == 125_000
    assert money_units(Decimal("12.500000")) == 125_000
    assert money_units(-3) == -30_000
    assert str(money(125_000)) == "12.5000"


@pytest.mark.parametrize("value", ["0.00001", "-1.23456", "1E-30", "123456789012345.00001"])
def test_money_of_more_than_four_decimals_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="more than 4 decimals"):
        money_units(Decimal(value))


@pytest.mark.parametrize("value", ["922337203685477.5808", "-922337203685477.5809", "1E+20", "1E+1000"])
def test_money_beyond_64_bits_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="64 bits"):
        money_units(Decimal(value))


def test_the_types_write_what_the_functions_write() -> None:
    table = Table(
        "t",
        MetaData(),
        Column("at", Moment),
        Column("number", ExactDecimal),
        Column("amount", Money),
        Column("facts", Json),
        sqlite_strict=True,
    )
    values = {
        "at": datetime(2026, 1, 2, tzinfo=UTC),
        "number": Decimal("0.1"),
        "amount": Decimal("1.5"),
        "facts": {"a": [1, None, "é"]},
    }
    engine = sqlalchemy.create_engine("sqlite://", module=driver())
    with engine.begin() as connection:
        table.create(connection)
        connection.execute(table.insert(), [values, dict.fromkeys(values)])
        stored = connection.exec_driver_sql("SELECT * FROM t").all()
        assert stored[0] == ("2026-01-02T00:00:00.000000Z", "0.1", 15000, '{"a":[1,null,"é"]}')
        assert stored[1] == (None, None, None, None)
        read = [dict(row) for row in connection.execute(table.select()).mappings()]
        assert read == [values, dict.fromkeys(values)]
    engine.dispose()
