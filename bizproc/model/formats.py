"""
What details and bank details can hold, and the forms of what they hold: what was expected instead, or None.

Only what has one form everywhere is looked at; numbers of taxes and registers differ from country to country.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

from bizproc.model.fields import Unfit, sound

_BIC: Final = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")
_IBAN: Final = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def unfit(value: Any) -> str | None:
    """What any field of details can hold instead, if it cannot hold this."""
    if isinstance(value, (bool, int, date)) or (isinstance(value, Decimal) and value.is_finite()):
        return None
    if not isinstance(value, str):
        return "a text, a number, a truth or a date"
    try:
        sound(value)
    except Unfit as error:
        return str(error)
    return None


def malformed(code: str, value: Any) -> str | None:
    """What a field must hold instead, if this has not the field's form. What is blank has none."""
    form = _FORMS.get(code)
    return None if form is None or not isinstance(value, str) or not value.strip() else form(_bare(value))


def _bare(value: str) -> str:
    """Without what is only for the eye."""
    return "".join(value.split()).upper()


def _iban(text: str) -> str | None:
    """ISO 13616: the check digits come to 1 modulo 97, letters counting from 10."""
    if _IBAN.fullmatch(text) is None:
        return "an IBAN: two letters, two digits and 11 to 30 more of both"
    number = "".join(str(int(each, 36)) for each in text[4:] + text[:4])
    return None if int(number) % 97 == 1 else "an IBAN whose check digits are right"


def _bic(text: str) -> str | None:
    """ISO 9362."""
    return None if _BIC.fullmatch(text) else "a BIC of 8 or 11 characters, such as DEUTDEFF"


_FORMS: Final[Mapping[str, Callable[[str], str | None]]] = MappingProxyType({"iban": _iban, "swift": _bic, "bic": _bic})
"""By the code of a field."""
