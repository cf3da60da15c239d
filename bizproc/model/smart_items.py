"""
Smart items: items of kinds that whoever runs the CRM defines.

A smart type is a kind of item like any other: its code is what stands where `deal` stands elsewhere
(`crm.item("contract")`, `on.created("contract")`). All smart items share one table and one sequence of ids.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, ClassVar, Final, TypedDict

from attrs import frozen

from bizproc.model.items import StagedFields, StagedItem
from bizproc.model.references import DERIVED, CompanyId, ItemRef
from bizproc.model.showing import as_code

_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,49}")


def is_type_code(text: object) -> bool:
    """Whether a text has the form of a smart type's code."""
    return isinstance(text, str) and _CODE.fullmatch(text) is not None


@frozen(kw_only=True)
class SmartType:
    """
    A kind of item.

    Attributes:
        code: What it is called in code: small letters, digits, underscores.
        title: What people call it.
        parents: Kinds of items that its items can be children of.
        has_stages: Its items move through stages; without, they are in one for good.
        has_pipelines: There can be further pipelines beside the general one.
        has_dates: Its items have a begin and a close date.
        has_client: They have a company and contacts.
        has_observers: They can be followed.
        has_products: They have product rows.
        has_my_company: They belong to one of our companies.
    """

    item_type: ClassVar[str] = "smart_type"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)

    id: Annotated[int, DERIVED]
    code: str = ""
    title: str = ""
    parents: tuple[str, ...] = ()
    has_stages: bool = True
    has_pipelines: bool = True
    has_dates: bool = True
    has_client: bool = True
    has_observers: bool = True
    has_products: bool = True
    has_my_company: bool = True


class SmartTypeFields(TypedDict, total=False):
    """What may be written of a smart type; its code stays."""

    code: str
    title: str
    parents: Sequence[str]
    has_stages: bool
    has_pipelines: bool
    has_dates: bool
    has_client: bool
    has_observers: bool
    has_products: bool
    has_my_company: bool


FLAGS: Final[dict[str, tuple[str, ...]]] = {
    "has_stages": ("stage",),
    "has_pipelines": ("pipeline",),
    "has_dates": ("begin_date", "close_date"),
    "has_client": ("company_id", "contact_id", "contact_ids"),
    "has_observers": ("observer_ids",),
    "has_my_company": ("my_company_id",),
}
"""By flag, the fields that can only be written where it is set."""


class _ItemType:
    """Of the class `smart_item`, of an item the code of its type."""

    def __get__(self, item: Any, owner: object = None) -> str:
        return SMART_ITEM if item is None or not item.type else str(item.type)


SMART_ITEM: Final = "smart_item"
"""What smart items of all types are called together."""


@frozen(kw_only=True)
class SmartItem(StagedItem):
    """
    An item of a smart type.

    Attributes:
        type: The type's code.
        title: The type's title and the item's number, where none was given.
        parents: The items that it is a child of; at most one of a kind.
    """

    item_type: ClassVar[str] = _ItemType()  # type: ignore[assignment]  # a descriptor: it depends on the item
    __repr__ = as_code

    type: Annotated[str, DERIVED] = ""
    begin_date: date | None = None
    close_date: date | None = None
    my_company_id: CompanyId | None = None
    parents: tuple[ItemRef, ...] = ()


class SmartItemFields(StagedFields, total=False):
    """What may be written of a smart item."""

    begin_date: date | None
    close_date: date | None
    my_company_id: CompanyId | None
    parents: Sequence[ItemRef]
