"""
What items have in common. An item is frozen: it is what the store held when it was read; a change is an action.

`TypedDict`s say what may be written: all that is not marked as derived. A test holds the two equal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Final, TypeAlias, TypedDict

from attrs import field, frozen

from bizproc.model.pipelines import Semantics
from bizproc.model.references import BEGINNING, DERIVED, CompanyId, ContactId, SourceCode, UserId

Custom: TypeAlias = Mapping[str, Any]
NOTHING: Final[Custom] = MappingProxyType({})


@frozen(kw_only=True)
class Item:
    """
    What every item has.

    Attributes:
        primaries: Names under which the first of a list can be written, and the list.
        aliases: Other names under which fields can be written.
        responsible_id: The person in charge.
        observer_ids: Who else follows it, in order.
        created_by, modified_by: None for a process or an import.
        last_activity_at: When something last happened to it: an activity, a comment.
        opened: Whether everybody may see it.
        origin_id: Its name in the system it came from, `originator_id`.
        custom: The values of its custom fields, by code.
    """

    item_type: ClassVar[str]
    primaries: ClassVar[Mapping[str, str]] = NOTHING
    aliases: ClassVar[Mapping[str, str]] = NOTHING

    id: Annotated[int, DERIVED]
    responsible_id: UserId | None = None
    observer_ids: tuple[UserId, ...] = ()
    created_at: Annotated[datetime, DERIVED] = BEGINNING
    updated_at: Annotated[datetime, DERIVED] = BEGINNING
    created_by: Annotated[UserId | None, DERIVED] = None
    modified_by: Annotated[UserId | None, DERIVED] = None
    last_activity_at: Annotated[datetime, DERIVED] = BEGINNING
    opened: bool = True
    comments: str = ""
    source: SourceCode | None = None
    source_description: str = ""
    originator_id: str | None = None
    origin_id: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_content: str | None = None
    utm_term: str | None = None
    custom: Custom = field(default=NOTHING, hash=False)


class ItemFields(TypedDict, total=False):
    """What may be written of every item."""

    responsible_id: UserId | None
    observer_ids: Sequence[UserId]
    opened: bool
    comments: str
    source: SourceCode | None
    source_description: str
    originator_id: str | None
    origin_id: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_content: str | None
    utm_term: str | None
    custom: Custom


@frozen(kw_only=True)
class StagedItem(Item):
    """
    What moves through the stages of a pipeline and is worth an amount.

    Attributes:
        stage: Its code: `NEW`, or `C1:NEW` in pipeline 1.
        semantics, closed: Follow the stage.
        moved_at, moved_by: When it came to its stage, and who moved it.
        amount: The sum of its rows' sums, unless it was set by hand (`manual_amount`): 0 lets it follow them again.
        tax: The part of the rows' sums that is tax, or comes on top.
        contact_ids: In order; the first is the primary one.
    """

    primaries: ClassVar[Mapping[str, str]] = {"contact_id": "contact_ids"}

    title: str = ""
    stage: str = ""
    semantics: Annotated[Semantics, DERIVED] = "process"
    closed: Annotated[bool, DERIVED] = False
    pipeline: int = 0
    moved_at: Annotated[datetime, DERIVED] = BEGINNING
    moved_by: Annotated[UserId | None, DERIVED] = None
    amount: Decimal = Decimal(0)
    manual_amount: Annotated[bool, DERIVED] = False
    currency: str = "EUR"
    tax: Annotated[Decimal, DERIVED] = Decimal(0)
    company_id: CompanyId | None = None
    contact_ids: tuple[ContactId, ...] = ()

    @property
    def contact_id(self) -> int | None:
        """The primary contact."""
        return self.contact_ids[0] if self.contact_ids else None


class StagedFields(ItemFields, total=False):
    """What may be written of an item that has stages; `contact_id` makes that contact the primary one."""

    title: str
    stage: str
    pipeline: int
    amount: Decimal | int
    currency: str
    company_id: CompanyId | None
    contact_id: ContactId | None
    contact_ids: Sequence[ContactId]
