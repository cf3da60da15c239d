"""Money and exact numbers."""

from decimal import Decimal

import pytest

from bizproc.model import money
from bizproc.model.money import digits_of, exact, is_currency, rounded, row_sum, tax_of


@pytest.mark.parametrize(
    ("currency", "digits"), [("EUR", 2), ("USD", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("XYZ", 2)]
)
def test_a_currency_has_the_digits_of_iso_4217(currency: str, digits: int) -> None:
    assert digits_of(currency) == digits


@pytest.mark.parametrize(
    ("value", "currency", "amount"),
    [
        ("0.005", "EUR", "0.01"),
        ("2.675", "EUR", "2.68"),
        ("0.0049999", "EUR", "0.00"),
        ("-0.005", "EUR", "-0.01"),
        ("0.5", "JPY", "1"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "3"),
        ("0.0005", "KWD", "0.001"),
        ("0.00005", "CLF", "0.0001"),
    ],
)
def test_amounts_are_rounded_half_up(value: str, currency: str, amount: str) -> None:
    assert str(rounded(Decimal(value), currency)) == amount


def test_a_row_is_rounded_once_at_its_end() -> None:
    # Rounding the net price first would give 0.10 × 1000.
    assert row_sum(Decimal("0.105"), Decimal(1000), Decimal(5), "EUR") == Decimal("99.75")


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+15", "1E-41"])
def test_numbers_that_are_none_or_too_wide_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="number"):
        exact(Decimal(value))


@pytest.mark.parametrize("value", ["0", "0E+20", "999999999999999", "1E-40", "-1.10"])
def test_numbers_are_kept_exactly(value: str) -> None:
    assert exact(Decimal(value)) == Decimal(value)
    assert exact(7) == 7


def test_an_amount_lies_below_a_hundred_million_million() -> None:
    assert rounded(Decimal("99999999999999.99"), "EUR") == Decimal("99999999999999.99")
    for value in ("99999999999999.995", "100000000000000", "-1E+20"):
        with pytest.raises(ValueError, match="below"):
            rounded(Decimal(value), "EUR")


def test_tax_is_in_the_sum_or_on_top_of_it() -> None:
    assert tax_of(Decimal(120), Decimal(20), "EUR", included=True) == 20
    assert tax_of(Decimal(100), Decimal(20), "EUR", included=False) == 20
    assert tax_of(Decimal(100), Decimal(0), "EUR", included=True) == 0


@pytest.mark.parametrize("code", ["", "eur", "EURO", "E1R", "EU", "ÉUR", "EUR\n"])
def test_a_currency_is_a_code_of_iso_4217(code: str) -> None:
    assert is_currency("EUR")
    assert not is_currency(code)


def test_what_looks_like_a_code_and_is_none_is_no_currency() -> None:
    assert not any(map(is_currency, ("EURO", "EUS", "ABC", "")))


def test_currencies_of_today_and_of_old_data_are_some() -> None:
    assert all(map(is_currency, ("GBP", "PLN", "KWD", "CLF", "DEM", "FRF")))


def test_those_that_are_known_at_once_and_those_with_other_digits_are_babels() -> None:
    assert {*money._USUAL, *money._DIGITS} <= money._codes()
