"""
Which CSV files there are, and in which order they are read: those of the main kinds, and one for every other noun.

The columns of other nouns, and the further columns of the main ones, are the model's fields: made here of each noun's
shape, so that a new noun needs no line. A cell holds what people would write: a text, a number, `Y` or `N`, a date, a
moment with its zone. What is no such thing (lists, multi-fields, custom fields, references) is JSON, as it stands in
the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import orjson

from bizproc.adapters.csv_columns import (
    AS_STORED,
    MAIN,
    NOT_GIVEN,
    PRODUCT_ROWS,
    STANDS_FOR,
    Column,
    CsvFile,
    day,
    moment,
    number,
    truth,
)
from bizproc.adapters.sql_crm.shapes import SHAPES, Shape
from bizproc.core.errors import BizprocError, WrongFieldValue
from bizproc.model.fields import Field
from bizproc.model.kinds import BELONGINGS
from bizproc.model.references import LARGEST_ID
from bizproc.model.smart_items import SMART_ITEM

OTHER_ROWS: Final = "other_product_rows.csv"
STAMPS: Final = ("created_at", "updated_at", "created_by", "modified_by", "last_activity_at", "moved_by")
"""Of the main kinds: when and by whom."""

_FOLLOW: Final = frozenset({"semantics", "closed", "pipeline", "tax"})
"""Of deals: what follows from the stage, and from the rows."""

_MOST_DEEP: Final = 40


def plural(kind: str) -> str:
    """The name of a kind's file, without `.csv`."""
    if kind.endswith("s"):
        return kind
    if kind.endswith("y") and kind[-2:-1] not in "aeiou":
        return f"{kind[:-1]}ies"
    return f"{kind}es" if kind.endswith(("x", "ch", "sh")) else f"{kind}s"


# -- cells -------------------------------------------------------------------------------------------------------------


def is_json(field: Field) -> bool:
    """Whether it stands as JSON in the store, and so in its cell."""
    return field.multiple or field.type.name in ("custom", "anything", "reference")


def reader(shape: Shape, field: Field) -> Callable[[str], Any]:
    """From a cell that is not empty to a value as the model keeps it. Raises ValueError."""
    plain = _json_of(shape, field) if is_json(field) else _PLAIN.get(field.type.name, _same)
    unchecked = field.type.name in ("anything", "custom")  # custom fields are known to the store only

    def read(cell: str) -> Any:
        value = plain(cell)
        if unchecked:
            return value
        try:
            return field.checked(value)
        except WrongFieldValue as wrong:
            raise ValueError(wrong.expected) from None

    return read


def _same(cell: str) -> str:
    return cell


def _integer(cell: str) -> int:
    digits = cell.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        raise ValueError("a whole number")
    return int(cell)


def _moment(cell: str) -> datetime:
    found = moment(cell)
    if not isinstance(found, datetime):
        raise ValueError("a moment, as 1996-07-31T09:00Z")
    return found


_PLAIN: Final[Mapping[str, Callable[[str], Any]]] = {
    "integer": _integer,
    "truth": truth,
    "number": number,
    "money": number,
    "day": day,
    "moment": _moment,
}


def _json_of(shape: Shape, field: Field) -> Callable[[str], Any]:
    example = "a list in JSON, as [1, 2]" if field.multiple else "JSON, as an export writes it"
    alone = field.multiple and field.type.name in ("integer", "multi_field")

    def read(cell: str) -> Any:
        if alone and cell[:1] != "[":
            return (_integer(cell) if field.type.name == "integer" else cell,)  # one, as people write it
        try:
            tree = _parsed(cell)
            value = shape.read(field.name, orjson.dumps(tree).decode())
        except (ValueError, TypeError, AttributeError, KeyError, BizprocError):
            raise ValueError(example) from None
        return value

    return read


def _parsed(cell: str) -> Any:
    """JSON that names no class but the model's. Raises ValueError."""
    tree = orjson.loads(cell)
    _see_that_it_is_plain(tree, 0)
    return tree


def _see_that_it_is_plain(tree: Any, depth: int) -> None:
    if depth > _MOST_DEEP:
        raise ValueError("JSON that is not nested so deeply")
    if isinstance(tree, dict):
        for key, value in tree.items():
            if key in _NAMES_A_CLASS and not (
                isinstance(value, list) and str(value[:1]).startswith("['bizproc.model.")
            ):
                raise ValueError("JSON without classes")
            _see_that_it_is_plain(value, depth + 1)
    elif isinstance(tree, list):
        for value in tree:
            _see_that_it_is_plain(value, depth + 1)


_NAMES_A_CLASS: Final = frozenset({"$object", "$enum", "$named", "$error"})


CUSTOM_FIELDS: Final = CsvFile(
    "custom_fields.csv",
    None,
    (Column("kind", required=True), Column("code", required=True), Column("type", required=True)),
    {
        "label": Column("label"),
        "multiple": Column("multiple", truth, empty=False),
        "options": Column("options", _parsed, empty=()),
    },
)


# -- columns -----------------------------------------------------------------------------------------------------------


def _any_id(cell: str) -> int:
    if not (cell.isascii() and cell.isdigit() and len(cell) <= 19 and int(cell) <= LARGEST_ID):
        raise ValueError("a whole number from 0")
    return int(cell)


def _column(shape: Shape, field: Field) -> Column:
    """The column of a field; an empty cell says nothing."""
    stage_of = shape.kind if shape.is_staged and field.name == "stage" and shape.kind != SMART_ITEM else None
    refers = field.refers if field.refers in SHAPES else None
    read = reader(shape, field)
    return Column(field.name, read, refers, empty=NOT_GIVEN, stage_of=stage_of, many=field.multiple)


def _further(file: CsvFile) -> dict[str, Column]:
    """Of a main kind: the fields that its own columns do not say, or not wholly."""
    shape, names = SHAPES[str(file.kind)], STANDS_FOR[str(file.kind)]
    said = {names.get(name, name) for name in file.header}
    partly = {each for name, each in names.items() if shape.fields[each].multiple or each == "custom"}
    dropped = _FOLLOW if file.kind == "deal" else frozenset()
    further = {
        name: _column(shape, field)
        for name, field in shape.fields.items()
        if (name not in said or name in partly) and name not in dropped
    }
    return further | {AS_STORED: Column(AS_STORED, _object, empty=NOT_GIVEN)}


def _object(cell: str) -> Any:
    value = _parsed(cell)
    if not isinstance(value, dict):
        raise ValueError('JSON, as {"title": ""}')
    return value


def _of_noun(kind: str) -> CsvFile:
    """The file of a noun that has none of its own: an id, and whatever fields are given."""
    shape = SHAPES[kind]
    further = {name: _column(shape, field) for name, field in shape.fields.items() if name != "id"}
    name = OTHER_ROWS if kind == "product_row" else f"{plural(kind)}.csv"
    return CsvFile(name, kind, (Column("id", _any_id, required=True),), further)


def _with_further(file: CsvFile) -> CsvFile:
    return CsvFile(file.name, file.kind, file.columns, _further(file))


def _in_order(files: Mapping[str, CsvFile]) -> Iterator[CsvFile]:
    """What others refer to comes first, as far as they do not refer to each other."""
    seen: set[str] = set()

    def visit(kind: str) -> Iterator[CsvFile]:
        if kind in seen:
            return
        seen.add(kind)
        for column in (*files[kind].columns, *files[kind].further.values()):
            if column.refers in files:
                yield from visit(str(column.refers))
        yield files[kind]

    for kind in files:
        yield from visit(kind)


_mains = {str(file.kind): _with_further(file) for file in MAIN}
_order = dict.fromkeys(("smart_type", "pipeline", "stage", *_mains, *SHAPES))
# Orders have product rows of their own.
_later = ("order", "product_row", *(kind for kind in BELONGINGS if kind not in ("order", "product_row")))

FILES: Final = (
    CUSTOM_FIELDS,
    *_in_order({kind: _mains.get(kind) or _of_noun(kind) for kind in _order if kind not in BELONGINGS}),
    *(_of_noun("order"), _of_noun("product_row"), PRODUCT_ROWS),
    *(_of_noun(kind) for kind in _later[2:]),
)
"""All of them, in the order in which they are read."""

MAIN_KINDS: Final = frozenset(_mains)


# -- from the store to cells -------------------------------------------------------------------------------------------


def moment_cell(text: str) -> str:
    """A moment of the store, without a fraction that says nothing."""
    return f"{text[:19]}Z" if text[19:] == ".000000Z" else text


def padded(text: str, places: int) -> str:
    """A number with so many places after the point at least: 18 is written 18.00."""
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(places, '0')}" if places else text


def cell_writer(field: Field) -> Callable[[Any], str]:
    """From what stands in the store to a cell; amounts are not for it, for they need their currency."""
    if is_json(field):
        return lambda stored: "" if stored in (None, "[]", "{}", "null") else str(stored)
    match field.type.name:
        case "truth":
            return lambda stored: "" if stored is None else "Y" if stored else "N"
        case "moment":
            return lambda stored: "" if stored is None else moment_cell(stored)
        case _:
            return lambda stored: "" if stored is None else str(stored)
