"""What contacts, companies (and leads) have in common: how to reach them, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from attrs import frozen

from bizproc.model.items import Item, ItemFields
from bizproc.model.multi_fields import MultiField

Entered: TypeAlias = Sequence[MultiField | str]
"""Multi-fields as they are given: a bare text has the field's first type."""


@frozen(kw_only=True)
class Reachable(Item):
    """Someone who can be reached. A multi-field's values keep their order."""

    phones: tuple[MultiField, ...] = ()
    emails: tuple[MultiField, ...] = ()
    webs: tuple[MultiField, ...] = ()
    ims: tuple[MultiField, ...] = ()
    address: str = ""
    address_2: str = ""
    city: str = ""
    region: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = ""


class ReachableFields(ItemFields, total=False):
    """What may be written of someone who can be reached."""

    phones: Entered
    emails: Entered
    webs: Entered
    ims: Entered
    address: str
    address_2: str
    city: str
    region: str
    province: str
    postal_code: str
    country: str


def full_name(*parts: str) -> str:
    """The parts of a name that there are."""
    return " ".join(part for part in parts if part)
