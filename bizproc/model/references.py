"""
How one noun points at another: by kind and id. Also the marks by which the model says what a field points at.

The marks stand in annotations, so that a field's type, what it refers to and whether it can be written are said once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias

from attrs import frozen

# Not the largest that SQLite can hold: behind that one it has no next id to give.
LARGEST_ID: Final = 2**62


@frozen
class ItemRef:
    """An item by kind and id, without its content."""

    kind: str
    id: int

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


def ref_of(item: Any) -> ItemRef:
    """The reference to an item, or to anything that has an `item_type` and an `id`."""
    return ItemRef(item.item_type, item.id)


@frozen
class Refers:
    """Marks a field that holds the id of a `kind`."""

    kind: str


@frozen
class Listed:
    """Marks a field that holds a code of a list (`model/lists.py`)."""

    list: str


@frozen
class Derived:
    """Marks a field that follows from others or from what happened: nobody sets it."""


DERIVED: Final = Derived()


@frozen
class NotStored:
    """Marks a field that only matters where a noun is named in a parameter."""


NOT_STORED: Final = NotStored()

UserId: TypeAlias = Annotated[int, Refers("user")]
CompanyId: TypeAlias = Annotated[int, Refers("company")]
ContactId: TypeAlias = Annotated[int, Refers("contact")]
DealId: TypeAlias = Annotated[int, Refers("deal")]
LeadId: TypeAlias = Annotated[int, Refers("lead")]
QuoteId: TypeAlias = Annotated[int, Refers("quote")]
DepartmentId: TypeAlias = Annotated[int, Refers("department")]
FileId: TypeAlias = Annotated[int, Refers("file")]
DetailsId: TypeAlias = Annotated[int, Refers("details")]
TemplateOfDetailsId: TypeAlias = Annotated[int, Refers("details_template")]

SourceCode: TypeAlias = Annotated[str, Listed("SOURCE")]
HonorificCode: TypeAlias = Annotated[str, Listed("HONORIFIC")]
DealTypeCode: TypeAlias = Annotated[str, Listed("DEAL_TYPE")]
ContactTypeCode: TypeAlias = Annotated[str, Listed("CONTACT_TYPE")]
CompanyTypeCode: TypeAlias = Annotated[str, Listed("COMPANY_TYPE")]
IndustryCode: TypeAlias = Annotated[str, Listed("INDUSTRY")]
EmployeesCode: TypeAlias = Annotated[str, Listed("EMPLOYEES")]

BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for "never in the store": the moment of an item that was only made in memory."""
