"""
A noun and its row: the statements that every noun has, made once, and both directions of coding.

The statements run on the driver's connection; building them with SQLAlchemy for each call costs more than running them.
"""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from attrs import evolve
from sqlalchemy import Table

from bizproc.adapters.sql_crm import tables
from bizproc.core.codec import Codec
from bizproc.model.fields import Field, fields_of, writable
from bizproc.model.items import Item, StagedItem
from bizproc.model.kinds import BELONGINGS, NOUNS, class_of
from bizproc.model.money import digits_of, of_units
from bizproc.model.multi_fields import MultiField
from bizproc.model.references import ItemRef
from bizproc.model.smart_items import SMART_ITEM, SmartItem
from bizproc.model.texts import folded
from bizproc.store.types import (
    MONEY_PLACES,
    decimal_text,
    exact_decimal,
    json_text,
    json_value,
    moment,
    moment_text,
    money_units,
)

Write = Callable[[Any], Any]
Read = Callable[[Any], Any]

CODEC: Final = Codec()


LISTED: Final = ("contact", "company", "department")


class Shape:
    """
    How one noun stands in its table.

    Attributes:
        fields: All of them, in the order of the columns.
        writable: Those that may be written, by the names under which they can be.
        listed: Multiple fields that point at others and are found from there: each has its companion rows in `link`.
        companions: Texts that are searched, and the columns of their folded forms.
        only: The condition that tells the items of one smart type from those of the others.
        is_item, is_staged: What else it has: history and stamps; stages and an amount.
        insert, select, update_of, same_as: Its statements.
        unique: Fields that no two of it share.
        owners: Fields that name its owner, with whom it goes.
        deletable: It can be deleted by itself, though it is no item.
    """

    def __init__(self, cls: Any, table: Table, type_code: str | None = None) -> None:
        self.cls = cls
        self.kind: str = cls.item_type if type_code is None else type_code
        self.table = table
        self.fields: Mapping[str, Field] = _named(fields_of(cls), type_code)
        self.writable: Mapping[str, Field] = _named(writable(cls), type_code)
        self.primaries: Mapping[str, str] = getattr(cls, "primaries", {})
        self.is_item = issubclass(cls, Item)
        self.is_staged = issubclass(cls, StagedItem)
        self.names = tuple(self.fields)
        self.listed = tuple(f for f in self.fields.values() if f.multiple and (f.refers in LISTED or _is_link(f)))
        self.defaults = {name: field.default for name, field in self.fields.items() if name != "id"}
        if type_code is not None:
            self.defaults["type"] = type_code
        self.only = "" if type_code is None else f" AND type = '{type_code}'"  # an identifier
        self._money = tuple(name for name, field in self.fields.items() if field.type.name == "money")
        self._write = {name: _writer(field) for name, field in self.fields.items()}
        self._read = tuple(_reader(field) for field in self.fields.values())
        self.companions: Mapping[str, str] = tables.companions(cls)
        columns = ", ".join(self.names)
        written = self.columns(self.names)
        self.insert = f"INSERT INTO {table.name} ({', '.join(written)}) VALUES ({', '.join('?' * len(written))})"
        self.select = f"SELECT {columns} FROM {table.name}"
        self.select_one = f"{self.select} WHERE id = ?{self.only}"
        self.exists = f"SELECT 1 FROM {table.name} WHERE id = ?{self.only}"
        self.delete = f"DELETE FROM {table.name} WHERE id = ?"
        self.update_of = cache(self._update_of)
        self.same_as = cache(self._same_as)
        self.unique: tuple[tuple[str, ...], ...] = getattr(cls, "unique", ())
        self.owners: tuple[str, ...] = getattr(cls, "owners", ())
        self.deletable: bool = getattr(cls, "deletable", False)

    def _same_as(self, names: tuple[str, ...]) -> str:
        same = " AND ".join(f"{name} IS ?" for name in names)
        return f"SELECT 1 FROM {self.table.name} WHERE {same} AND id IS NOT ?"

    def pointing_at(self, kind: str) -> tuple[Field, ...]:
        """The fields that can hold an item of this kind."""
        return tuple(
            field
            for field in self.fields.values()
            if not field.derived and (field.refers == kind or (_is_link(field) and self.kind != kind))
        )

    def _update_of(self, names: tuple[str, ...]) -> str:
        columns = self.columns(names)
        return f"UPDATE {self.table.name} SET {', '.join(f'{name} = ?' for name in columns)} WHERE id = ?"

    def columns(self, names: Iterable[str]) -> tuple[str, ...]:
        """The columns of some fields, their companions behind them: in the order of `written`."""
        several = tuple(names)
        return (*several, *(self.companions[name] for name in several if name in self.companions))

    def row(self, values: Mapping[str, Any]) -> list[Any]:
        """The values of all fields as they stand in the table."""
        return self.written(self.names, values)

    def written(self, names: Iterable[str], values: Mapping[str, Any]) -> list[Any]:
        """The values of some fields as they stand in the table, their companions behind them."""
        row = self.stored(names, values)
        if self.companions:
            row += [folded(values[name] or "") for name in names if name in self.companions]
        return row

    def stored(self, names: Iterable[str], values: Mapping[str, Any]) -> list[Any]:
        """The values of some fields as they stand in the table, without companions."""
        write = self._write
        return [write[name](values[name]) for name in names]

    def read(self, name: str, stored: Any) -> Any:
        """The value of a field, from how it stands in the table; an amount as ten-thousandths."""
        return self._read[self.names.index(name)](stored)

    def item(self, row: Iterable[Any]) -> Any:
        """The noun of a row."""
        values: dict[str, Any] = {
            name: None if value is None else read(value)
            for name, read, value in zip(self.names, self._read, row, strict=True)
        }
        for name in self._money:
            units = values[name]
            if units is not None:
                values[name] = amount_of(units, values.get("currency") or "")
        return self.cls(**values)


def _named(fields: Mapping[str, Field], type_code: str | None) -> Mapping[str, Field]:
    """The fields, as those of a smart type."""
    if type_code is None:
        return fields
    return MappingProxyType({name: evolve(field, kind=type_code) for name, field in fields.items()})


def _is_link(field: Field) -> bool:
    return field.type.name == "reference" and field.kind not in BELONGINGS


def pointed_at(field: Field, value: Any) -> list[tuple[str, int]]:
    """What a field's value points at, by kind and id."""
    several = value if field.multiple else (value,)
    if _is_link(field):
        return [(ref.kind, ref.id) for ref in several]
    return [] if field.refers is None else [(field.refers, id_) for id_ in several if id_ is not None]


def linked_keys(field: Field, value: Any) -> list[tuple[str, int]]:
    """How what a list points at stands in `link`; a parent apart from the client of the same kind."""
    return [(f"{PARENT}{kind}" if _is_link(field) else kind, id_) for kind, id_ in pointed_at(field, value)]


PARENT: Final = "parent "


def amount_of(units: int, currency: str) -> Decimal:
    """An amount with the digits of its currency, from ten-thousandths."""
    places = digits_of(currency)
    whole, rest = divmod(units, 10 ** (MONEY_PLACES - places))
    # What is no multiple of the currency's unit was stored under other rules: shown as it is.
    return of_units(units, MONEY_PLACES) if rest else of_units(whole, places)


def decimal_json(value: Decimal) -> str:
    """What `CODEC.encode(value)` gives, for the hot path."""
    return f'{{"$decimal":"{value}"}}'


# -- coding ------------------------------------------------------------------------------------------------------------


def _same(value: Any) -> Any:
    return value


def _or_none(write: Write) -> Write:
    return lambda value: None if value is None else write(value)


def _custom_text(custom: Mapping[str, Any]) -> str:
    return CODEC.encode(dict(custom)) if custom else "{}"


def _custom(text: str) -> Mapping[str, Any]:
    return MappingProxyType(CODEC.decode(text) if text != "{}" else {})


def _multi_fields_text(values: Iterable[MultiField]) -> str:
    return json_text([[each.value, each.type] for each in values])


def _multi_fields(text: str) -> tuple[MultiField, ...]:
    return () if text == "[]" else tuple(MultiField(value, type_) for value, type_ in json_value(text))


def _references_text(refs: Iterable[ItemRef]) -> str:
    return json_text([[ref.kind, ref.id] for ref in refs])


def _references(text: str) -> tuple[ItemRef, ...]:
    return tuple(ItemRef(kind, id_) for kind, id_ in json_value(text))


def _ids_text(ids: tuple[int, ...]) -> str:
    return json_text(ids) if ids else "[]"


def _ids(text: str) -> tuple[int, ...]:
    return () if text == "[]" else tuple(json_value(text))


def _days_text(days: Iterable[date]) -> str:
    return json_text([day.isoformat() for day in days])


def _days(text: str) -> tuple[date, ...]:
    return tuple(map(date.fromisoformat, json_value(text)))


_SINGLE: Final[dict[str, tuple[Write, Read]]] = {
    "text": (_same, _same),
    "integer": (_same, _same),
    "truth": (int, bool),
    "number": (decimal_text, exact_decimal),
    "money": (money_units, _same),  # `Shape.item` gives it the digits of its currency
    "day": (date.isoformat, date.fromisoformat),
    "moment": (moment_text, moment),
    "custom": (_custom_text, _custom),
    "anything": (CODEC.encode, CODEC.decode),
}
_MULTIPLE: Final[dict[str, tuple[Write, Read]]] = {
    "integer": (_ids_text, _ids),
    "text": (json_text, lambda text: tuple(json_value(text))),
    "day": (_days_text, _days),
    "multi_field": (_multi_fields_text, _multi_fields),
    "reference": (_references_text, _references),
}


def _writer(field: Field) -> Write:
    write, _ = (_MULTIPLE if field.multiple else _SINGLE)[field.type.name]
    return write if write is _same else _or_none(write)


def _reader(field: Field) -> Read:
    _, read = (_MULTIPLE if field.multiple else _SINGLE)[field.type.name]
    return read


# -- all of them -------------------------------------------------------------------------------------------------------

SHAPES: Final = {kind: Shape(cls, tables.tables[kind]) for kind, cls in {**NOUNS, **BELONGINGS}.items()}
"""Every noun that can be read, by kind; smart items of all types together."""


@cache
def _smart(type_code: str) -> Shape:
    return Shape(SmartItem, tables.tables[SMART_ITEM], type_code)


def shape_of(kind: str) -> Shape:
    """
    The shape of a kind that can be created by itself. Raises UnknownItem.

    What is no other's name is taken for a smart type; whether there is one is not looked at.
    """
    return _smart(kind) if class_of(kind) is SmartItem else SHAPES[kind]


def shape_named(kind: str) -> Shape:
    """As `shape_of`, of what belongs to an item too, and of smart items of all types together. Raises UnknownItem."""
    return SHAPES.get(kind) or shape_of(kind)
