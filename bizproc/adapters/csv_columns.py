"""
The CSV files of the main kinds: which columns they have, and what their cells may hold.

Columns that must stand in a file are those that people know; `further` ones are fields of the model, and stand there
where they are needed to say what the others cannot. Pure: it reads no file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, TypeAlias

from attrs import field, frozen

from bizproc.model.money import CURRENCY_WANTED, exact, is_currency
from bizproc.model.references import LARGEST_ID

Read: TypeAlias = Callable[[str], Any]
"""A value from a cell that is not empty. Raises ValueError: what was expected."""


class _NotGiven:
    def __repr__(self) -> str:
        return "NOT_GIVEN"


NOT_GIVEN: Final = _NotGiven()
"""What an empty cell of a further column holds: another column, or a default, says it."""

AS_STORED: Final = "as_stored"
"""A further column of the main kinds: values that their columns cannot say, as JSON (`{"title": ""}`)."""


# -- what cells may hold -----------------------------------------------------------------------------------------------

_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def text(cell: str) -> str:
    if not cell.strip():
        raise ValueError("a text that says something")
    return cell


def id_(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 19 and 1 <= int(cell) <= LARGEST_ID):
        raise ValueError("a positive whole number")
    return int(cell)


def number(cell: str) -> Decimal:
    if not _NUMBER.fullmatch(cell):
        raise ValueError("a number with a decimal point, as 7 or 7.50")
    return exact(Decimal(cell))


def more_than_zero(cell: str) -> Decimal:
    value = number(cell)
    if value <= 0:
        raise ValueError("more than 0")
    return value


def not_negative(cell: str) -> Decimal:
    value = number(cell)
    if value < 0:
        raise ValueError("0 or more")
    return value


def percent(cell: str) -> Decimal:
    value = number(cell)
    if not 0 <= value <= 100:
        raise ValueError("0 to 100")
    return value


def day(cell: str) -> date:
    try:
        if _DATE.fullmatch(cell):
            return date.fromisoformat(cell)
    except ValueError:  # the 31st of June
        pass
    raise ValueError("a date, as 1996-07-31")


def moment(cell: str) -> date | datetime:
    """A day, or a moment with its distance from UTC."""
    if _DATE.match(cell) and cell[10:11] == "T":
        try:
            found = datetime.fromisoformat(cell)
            if found.utcoffset() is not None:
                return found.astimezone(UTC)
        except (ValueError, OverflowError):  # the last day of all, in a zone where it ends earlier
            pass
        raise ValueError("a date, as 1996-07-31, or a moment, as 1996-07-31T09:00Z")
    return day(cell)


def truth(cell: str) -> bool:
    if cell not in ("Y", "N"):
        raise ValueError("Y or N")
    return cell == "Y"


def currency(cell: str) -> str:
    if not is_currency(cell):
        raise ValueError(CURRENCY_WANTED)
    return cell


# -- files and columns -------------------------------------------------------------------------------------------------


@frozen
class Column:
    """
    One column.

    Attributes:
        read: None for a text that is kept as it stands.
        refers: The kind of item whose id, or ids, it holds.
        required: An empty cell is an error; else it is `empty`.
        stage_of: It holds the code of a stage of this kind.
        many: It holds several.
    """

    name: str
    read: Read | None = None
    refers: str | None = None
    required: bool = False
    empty: Any = None
    stage_of: str | None = None
    many: bool = False


@frozen
class CsvFile:
    """
    One file.

    Attributes:
        kind: Of the items in it; None where its rows have no ids.
        columns: Those that must be there.
        further: Those that may be.
    """

    name: str
    kind: str | None
    columns: tuple[Column, ...]
    further: Mapping[str, Column] = field(factory=dict)

    @property
    def header(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(map(Column, names))


def _refers(name: str, kind: str, *, required: bool = False) -> Column:
    return Column(name, id_, refers=kind, required=required)


ID: Final = Column("id", id_, required=True)

MAIN: Final = (
    CsvFile(
        "users.csv",
        "user",
        (ID, *_texts("first_name", "last_name", "title", "email", "work_phone"), _refers("manager_id", "user")),
    ),
    CsvFile(
        "companies.csv",
        "company",
        (
            *(ID, Column("origin_id"), Column("title", text, required=True)),
            *_texts("phone", "fax", "address", "city", "region", "postal_code", "country"),
            _refers("responsible_id", "user"),
        ),
    ),
    CsvFile(
        "contacts.csv",
        "contact",
        (
            *(ID, *_texts("first_name", "last_name", "post", "phone", "email")),
            *(_refers("company_id", "company"), _refers("responsible_id", "user")),
        ),
    ),
    CsvFile(
        "products.csv",
        "product",
        (
            *(ID, Column("name", text, required=True), *_texts("section", "measure")),
            *(
                Column("price", number, empty=Decimal(0)),
                Column("currency", currency),
                Column("active", truth, empty=True),
            ),
        ),
    ),
    CsvFile(
        "deals.csv",
        "deal",
        (
            *(ID, Column("origin_id"), Column("title", text, required=True), Column("stage_id", stage_of="deal")),
            *(_refers("company_id", "company"), _refers("contact_id", "contact"), _refers("responsible_id", "user")),
            *(Column("currency", currency), Column("opportunity", not_negative, empty=Decimal(0))),
            *(Column("begin_date", day), Column("close_date", day), Column("moved_at", moment)),
            *_texts("delivery_address", "delivery_city", "delivery_country"),
        ),
    ),
)
"""The main kinds, in an order in which what others refer to comes first."""

PRODUCT_ROWS: Final = CsvFile(
    "product_rows.csv",
    None,
    (
        *(_refers("deal_id", "deal", required=True), _refers("product_id", "product", required=True)),
        *(Column("price", number), Column("quantity", more_than_zero, empty=Decimal(1))),
        Column("discount_percent", percent, empty=Decimal(0)),
    ),
)
"""Rows of deals that are what the catalogue says."""

STANDS_FOR: Final[Mapping[str, Mapping[str, str]]] = {
    "user": {"first_name": "name", "title": "post"},
    "company": {"phone": "phones", "fax": "phones"},
    "contact": {"first_name": "name", "phone": "phones", "email": "emails", "company_id": "company_ids"},
    "product": {},
    "deal": {
        "stage_id": "stage",
        "contact_id": "contact_ids",
        "opportunity": "amount",
        **dict.fromkeys(("delivery_address", "delivery_city", "delivery_country"), "custom"),
    },
}
"""By main kind: columns whose field has another name, or that say a part of it."""
