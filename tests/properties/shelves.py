"""
Items twice: in a store, to be found with SQL, and in a dict, to be evaluated in memory without any SQL.

What an item holds goes into the store as a write brings it there; in the dict it stays as it was made. Rows are written
past all actions: no value that a field can hold is left out because an action would not make it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from bizproc.adapters.sql_crm import metadata
from bizproc.adapters.sql_crm.definitions import custom_fields
from bizproc.adapters.sql_crm.filtering import Sql, compiled
from bizproc.adapters.sql_crm.reading import find
from bizproc.adapters.sql_crm.shapes import SHAPES, linked_keys, shape_named
from bizproc.core.errors import CurrencyMismatch, WrongFieldValue
from bizproc.model.details import Address
from bizproc.model.fields import Field, fields_of
from bizproc.model.items import Item
from bizproc.model.multi_fields import MultiField
from bizproc.model.references import ItemRef
from bizproc.model.smart_items import SMART_ITEM
from bizproc.rules.filters import Filter, Setting
from bizproc.rules.filters.relations import points_at, relations_of
from bizproc.store.connection import connect
from bizproc.store.sharing import borrow
from bizproc.testing.strategies.filters import MOMENTS_POOL, TEXTS_POOL, pool

NOW: Final = datetime(2026, 3, 29, 12, 30, tzinfo=UTC)
PARIS: Final = ZoneInfo("Europe/Paris")
ZONES: Final[tuple[tzinfo, ...]] = (UTC, PARIS, ZoneInfo("America/St_Johns"), ZoneInfo("Pacific/Kiritimati"))

CUSTOM: Final = {
    "city": ("text", False),
    "count": ("integer", False),
    "flag": ("truth", False),
    "rate": ("number", False),
    "due": ("day", False),
    "seen": ("moment", False),
    "tags": ("text", True),
    "marks": ("integer", True),
    "size": ("choice", False),
    "sizes": ("choice", True),
    "boss": ("user", False),
    "clock": ("time", False),
    "clocks": ("time", True),
    "price": ("money", False),
    "site": ("url", False),
    "mobile": ("phone", False),
    "mobiles": ("phone", True),
    "place": ("address", False),
    "other": ("link", False),
}
"""Custom fields of deals: type, and whether they are multiple."""

_OPTIONS: Final = '[["S","Small"],["M","Medium"],["L","Large"]]'

TYPES: Final = ("contract", "annex")
"""Smart types."""


class Shelf:
    """A store and a dict that hold the same items."""

    def __init__(self, zone: tzinfo = PARIS, now: datetime = NOW) -> None:
        self.zone, self.now = zone, now
        self.connection = connect(None, timedelta(seconds=1))
        with _shared(self.connection) as shared:
            metadata.create_all(shared)
        self.items: dict[str, dict[int, Any]] = {kind: {} for kind in SHAPES}
        for code, (type_, multiple) in CUSTOM.items():
            row = ("deal", code, type_, code, int(multiple), _OPTIONS if type_ == "choice" else "[]")
            self.connection.execute("INSERT INTO custom_field VALUES (?, ?, ?, ?, ?, ?)", row)
        self.custom = custom_fields(self.connection, "deal")

    # -- filling

    def holds(self, *items: Any) -> Shelf:
        """These items and no others."""
        for table in metadata.sorted_tables:
            if table.name != "custom_field":
                self.connection.execute(f"DELETE FROM {table.name}")
        for kind in self.items:
            self.items[kind].clear()
        for item in items:
            self.put(item)
        return self

    def put(self, item: Any) -> None:
        """One more item."""
        kind = type(item).item_type
        shape = SHAPES[kind]
        self.items[kind][item.id] = item
        values = {name: _stored(field, getattr(item, name), self.custom) for name, field in shape.fields.items()}
        extra = (0,) if kind == "activity" else ()
        insert = shape.insert
        row = shape.row(values)
        if extra:  # the column that only activities have stands last in the table, and here first among the values
            insert = (
                f"INSERT INTO activity (fresh, {', '.join(shape.names)}) VALUES ({', '.join('?' * (len(row) + 1))})"
            )
        self.connection.execute(insert, (*extra, *row))
        for field in shape.listed:
            for to_kind, id_ in linked_keys(field, values[field.name]):
                link = "INSERT INTO link (to_kind, to_id, kind, item) VALUES (?, ?, ?, ?)"
                self.connection.execute(link, (to_kind, id_, shape.table.name, item.id))
        if kind == "activity":
            for ref in item.bindings:
                bind = "INSERT OR IGNORE INTO activity_binding (kind, item, activity) VALUES (?, ?, ?)"
                self.connection.execute(bind, (ref.kind, ref.id, item.id))

    def take(self, kind: str, id: int) -> None:
        """One item less."""
        del self.items[kind][id]
        self.connection.execute(f"DELETE FROM {SHAPES[kind].table.name} WHERE id = ?", (id,))

    # -- asking

    def found(self, where: Filter | None, kind: str = "deal", **options: Any) -> list[int]:
        """The ids that SQL finds."""
        shape = shape_named(kind)
        return [item.id for item in find(self.connection, shape, where, now=self.now, zone=self.zone, **options)]

    def fitting(self, where: Filter, kind: str = "deal") -> list[int]:
        """The ids of the items that fit, evaluated in memory."""
        checked = self.checked(where, kind)
        return [id_ for id_, item in sorted(self.of(kind).items()) if checked.holds(item, self.setting)]

    def both(self, where: Filter, kind: str = "deal") -> list[int]:
        """What both find, which must be the same."""
        in_memory = self.fitting(where, kind)
        assert self.found(where, kind) == in_memory
        return in_memory

    def all(self, kind: str = "deal") -> list[int]:
        """All ids."""
        return sorted(self.of(kind))

    def of(self, kind: str) -> Mapping[int, Any]:
        """The items of a kind, by id; of a smart type only its own."""
        if kind in self.items:
            return self.items[kind]
        return {id_: item for id_, item in self.items[SMART_ITEM].items() if item.type == kind}

    def checked(self, where: Filter, kind: str = "deal") -> Filter:
        custom = self.custom if kind == "deal" else {}
        return where.check(kind, shape_named(kind).fields, custom, self._customs)

    def sql(self, where: Filter, kind: str = "deal") -> Sql:
        """The condition that SQL is asked."""
        return compiled(self.checked(where, kind), shape_named(kind), self._customs, self.now, self.zone)

    def _customs(self, kind: str) -> Mapping[str, Field]:
        return self.custom if kind == "deal" else {}

    @property
    def setting(self) -> Setting:
        return Setting(self.now, self.zone, lambda kind, id_: self.items[kind].get(id_), self._linked)

    def _linked(self, ref: ItemRef, name: str) -> list[Any]:
        relation = relations_of(ref.kind)[name]
        owner, others = self.of(ref.kind)[ref.id], self.items[relation.kind]
        belongs: dict[str, Callable[[Any], bool]] = {
            "listed": lambda other: other.id in getattr(owner, str(relation.field)),
            "owned": lambda other: (other.owner_kind, other.owner_id) == (ref.kind, ref.id),
            "bound": lambda other: ref in other.bindings,
            "pointing": lambda other: any(
                {ref, ref.id} & set(value if isinstance(value := getattr(other, field.name), tuple) else (value,))
                for field in points_at(SHAPES[relation.kind].fields, ref.kind)
            ),
        }
        return [other for other in others.values() if belongs[relation.way](other)]


@contextmanager
def _shared(connection: Any) -> Iterator[Any]:
    shared = borrow(connection)
    try:
        yield shared
    finally:
        shared.close()


def _stored(field: Field, value: Any, custom: Mapping[str, Field]) -> Any:
    """A value as a write leaves it."""
    if field.name == "custom":
        return {code: custom[code].checked(each) for code, each in value.items() if each is not None}
    if value is None or field.type.name in ("reference", "anything"):
        return value
    return field.checked(value)


def outcome(function: Callable[[], Any]) -> Any:
    """What a function gives, or that it raised for currencies."""
    try:
        return function()
    except CurrencyMismatch:
        return CurrencyMismatch


# -- shelves at random -------------------------------------------------------------------------------------------------

_COUNTS: Final = {"user": 3, "company": 4, "contact": 5, "product": 4, "deal": 30, "product_row": 20, "activity": 8}
_COUNTS_OF_REST: Final = {
    "comment": 4,
    "history_event": 4,
    "lead": 6,
    "quote": 4,
    "invoice": 4,
    "smart_item": 8,
    "details": 4,
    "bank_details": 4,
    "department": 3,
    "absence": 3,
    "order": 4,
    "payment": 4,
    "message": 4,
}
SHELVES: Final = 40


@cache
def shelf(number: int) -> Shelf:
    """One of many shelves, always the same for the same number."""
    random = Random(number)
    made = Shelf(ZONES[number % len(ZONES)], random.choice((NOW, *MOMENTS_POOL)))
    for kind, count in {**_COUNTS, **_COUNTS_OF_REST}.items():
        for id_ in range(1, count + 1):
            made.put(_item(random, kind, id_, made.custom))
    return made


_OWNERS: Final = ("deal", "deal", "contact", "company", "contract", "order")
_PARENTS: Final = ("deal", "company", "contract")


def _item(random: Random, kind: str, id_: int, custom: Mapping[str, Field]) -> Any:
    cls = SHAPES[kind].cls
    values = {name: _value(random, field) for name, field in fields_of(cls).items()}
    values["id"] = id_
    if "owner_kind" in values:
        values["owner_kind"] = "order" if kind == "payment" else random.choice(_OWNERS)
    if kind == "department":
        values["code"] = f"D{id_}"  # no two share one
    if kind == "message" and values["step"] is not None:
        values["step"] = f"w-{id_}/0"  # likewise
    if kind == SMART_ITEM:
        values["type"] = random.choice(TYPES)
        refs = (ItemRef(random.choice(_PARENTS), random.randint(1, 4)) for _ in range(3))
        values["parents"] = tuple(dict.fromkeys(refs))
    if "bindings" in values:
        refs = (ItemRef(random.choice(("deal", "contact")), random.randint(1, 5)) for _ in range(3))
        values["bindings"] = tuple(dict.fromkeys(refs))
    if "custom" in values:
        values["custom"] = _custom_values(random, custom) if issubclass(cls, Item) and kind == "deal" else {}
    return cls(**values)


def _custom_values(random: Random, custom: Mapping[str, Field]) -> dict[str, Any]:
    values = {code: _value(random, field) for code, field in custom.items()}
    return {code: value for code, value in values.items() if value is not None and value != ()}


def _value(random: Random, field: Field) -> Any:
    if field.optional and random.random() < 0.3:
        return None
    if field.multiple:
        return _several(random, field)
    if field.type.name == "anything":
        return random.choice((None, 1, "x"))
    if field.type.name == "custom":
        return {}
    if field.type.name in ("address", "link"):
        return Address(city="Lyon") if field.type.name == "address" else ItemRef("deal", 1)
    values = [each for each in pool(field) if _can_hold(field, each)]
    return random.choice(values) if field.type.name != "text" or random.random() < 0.7 else _text(random, field, values)


def _several(random: Random, field: Field) -> tuple[Any, ...]:
    if field.type.name == "reference":
        return ()
    values: Iterable[Any] = random.sample(list(pool(field)), random.randint(0, 3))
    if field.type.name == "multi_field":
        return tuple(MultiField(value, "WORK" if field.name != "ims" else "OTHER") for value in values)
    return tuple(dict.fromkeys(values))


def _text(random: Random, field: Field, values: list[Any]) -> Any:
    if len(values) < len(TEXTS_POOL):  # one that knows its words
        return random.choice(values)
    return "".join(random.choice(TEXTS_POOL) for _ in range(3))


def _can_hold(field: Field, value: Any) -> bool:
    try:
        field.checked(value)
    except WrongFieldValue:
        return False
    exponent = value.as_tuple().exponent if isinstance(value, Decimal) else 0
    return field.type.name != "money" or exponent in range(-4, 5)
