"""Phones and addresses that nobody is to be reached at."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypedDict

from attrs import frozen

from bizproc.model.references import BEGINNING, DERIVED


@frozen(kw_only=True)
class Exclusion:
    """
    One phone or e-mail address that is excluded.

    Attributes:
        type: `PHONE` or `EMAIL`.
        value: Normalised: digits with a leading plus where there was one; an address in small letters.
    """

    item_type: ClassVar[str] = "exclusion"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("type", "value"),)
    deletable: ClassVar[bool] = True

    id: Annotated[int, DERIVED]
    type: Literal["PHONE", "EMAIL"] = "PHONE"
    value: str = ""
    comment: str = ""
    created_at: Annotated[datetime, DERIVED] = BEGINNING


class ExclusionFields(TypedDict, total=False):
    """What may be written of an exclusion."""

    type: Literal["PHONE", "EMAIL"]
    value: str
    comment: str


def normal_phone(text: str) -> str:
    """A phone number without what is only for the eye."""
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    return f"+{digits}" if text.strip().startswith("+") and digits else digits


def normal_email(text: str) -> str:
    """An address in small letters, without spaces around it."""
    return text.strip().lower()
