"""The forms of details: what an IBAN and a BIC must look like, and what any field can hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bizproc.model.formats import malformed, unfit

IBANS = (
    "FR7630006000011234567890189",
    "DE89370400440532013000",
    "GB29NWBK60161331926819",
    "NO9386011117947",
    "MT84MALT011000012345MTLCAST001S",
)


@pytest.mark.parametrize("iban", IBANS)
def test_an_iban_fits_however_it_is_spaced(iban: str) -> None:
    spaced = " ".join(iban[at : at + 4] for at in range(0, len(iban), 4))
    assert [malformed("iban", text) for text in (iban, spaced, spaced.lower(), f" {iban}\n")] == [None] * 4


@given(st.sampled_from(IBANS), st.integers(2, 14), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_always_found(iban: str, at: int, digit: str) -> None:
    assume(iban[at].isdigit() and iban[at] != digit)
    assert malformed("iban", iban[:at] + digit + iban[at + 1 :]) is not None


@given(st.sampled_from(IBANS), st.integers(4, 13))
def test_two_digits_that_changed_places_are_always_found(iban: str, at: int) -> None:
    one, two = iban[at], iban[at + 1]
    assume(one != two and one.isdigit() and two.isdigit())
    assert malformed("iban", iban[:at] + two + one + iban[at + 2 :]) is not None


@given(st.sampled_from(["iban", "swift", "bic", "vat_id"]), st.text(max_size=5000))
def test_any_text_fits_or_is_told_what_was_expected(code: str, text: str) -> None:
    expected = malformed(code, text)
    assert expected is None or expected


GOOD: list[Any] = ["", "x", True, 5, Decimal("1.5"), date(2026, 1, 5)]
BAD: list[Any] = [None, 1.5, ["x"], {"a": 1}, b"x", "a\0b", "\ud800", Decimal("NaN")]


@pytest.mark.parametrize("value", GOOD)
def test_a_field_holds_texts_numbers_truths_and_dates(value: Any) -> None:
    assert unfit(value) is None


@pytest.mark.parametrize("value", BAD)
def test_a_field_holds_nothing_else(value: Any) -> None:
    assert unfit(value)
