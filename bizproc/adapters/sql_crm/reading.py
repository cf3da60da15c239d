"""Reads: an item by its id, items in order, what belongs to one. On whatever connection, in a transaction or not."""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from functools import cache, partial
from itertools import islice
from typing import Any, Protocol, TypeVar

from bizproc.adapters.sql_crm.definitions import custom_fields
from bizproc.adapters.sql_crm.filtering import FALSE, TRUE, Sql, Table, belongs, compiled
from bizproc.adapters.sql_crm.ordering import Order, order_of
from bizproc.adapters.sql_crm.shapes import PARENT, SHAPES, Shape, shape_named
from bizproc.core.errors import ItemNotFound, UnknownItem, WrongArgument
from bizproc.model.agenda import Agenda
from bizproc.model.bills import Bill
from bizproc.model.fields import shown
from bizproc.model.references import BEGINNING, LARGEST_ID, ItemRef
from bizproc.model.tokens import Signer
from bizproc.rules.filters import Filter, Setting
from bizproc.rules.filters.relations import relations_of

T = TypeVar("T")


class Runs(Protocol):
    """What runs a statement: a connection, or the store's transaction."""

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ..., /) -> Any: ...


def shape_of_class(cls: type) -> Shape:
    """The shape of a class that can be read. Raises UnknownItem."""
    shape = SHAPES.get(getattr(cls, "item_type", ""))
    if shape is None:
        known = ", ".join(each.cls.__name__ for each in SHAPES.values())
        raise UnknownItem(kind=getattr(cls, "__name__", str(cls)), known=known)
    return shape


def read(connection: Runs, shape: Shape, id: Any) -> Any:
    """One item. Raises ItemNotFound."""
    row = connection.execute(shape.select_one, (id,)).fetchone() if is_id(id) else None
    if row is None:
        raise ItemNotFound(kind=shape.kind, id=id)
    return shape.item(row)


def exists(connection: Runs, shape: Shape, id: Any) -> bool:
    """Whether there is an item of this id."""
    return is_id(id) and connection.execute(shape.exists, (id,)).fetchone() is not None


def is_id(id: Any) -> bool:
    """Whether a value can be an id at all."""
    return type(id) is int and 0 <= id <= LARGEST_ID


def belonging(connection: Runs, shape: Shape, ref: ItemRef) -> tuple[Any, ...]:
    """All of one noun that belong to an item, in order."""
    return tuple(find(connection, shape, of=ref, order_by="sort" if "sort" in shape.fields else "id"))


def find(
    connection: Runs,
    shape: Shape,
    where: Filter | None = None,
    *,
    of: Any = None,
    order_by: str = "id",
    limit: int | None = None,
    after: Any = None,
    now: datetime = BEGINNING,
    zone: tzinfo = UTC,
) -> list[Any]:
    """
    Items of a kind; of a smart type, only its own.

    Args:
        connection: Where to read.
        shape: Of which kind.
        where: Only those that fit.
        of: Only what belongs to this item (or a reference to it).
        order_by: A field; `-field` for the largest first. Nothing comes last; ties go by id.
        limit: At most so many.
        after: Only what comes behind this item, which need not be there any more.
        now: The moment, for filters that ask for days.
        zone: Whose days are meant.

    Raises:
        UnknownField: no such field to order or to filter by.
        WrongFieldValue, WrongFilter: the filter says nothing about such items.
        WrongArgument: `limit` is no whole number, or `after` no such item.
        CurrencyMismatch: the filter compares amounts of two currencies.
        UnknownItem: what belongs to another kind of thing than `of`.
    """
    customs = cache(partial(custom_fields, connection))
    order = order_of(shape, order_by, lambda: customs(shape.kind))
    most = _most(limit)
    _check_after(shape, order, after)
    conditions = [] if of is None else [_of(shape, ItemRef(of.item_type, of.id) if _is_item(of) else of)]
    if shape.only:
        conditions.append(Sql(shape.only.removeprefix(" AND ")))
    decide: Callable[[Any], bool] | None = None
    if where is not None:
        where = where.check(shape.kind, shape.fields, customs=customs)
        fitting = compiled(where, shape, customs, now, zone)
        conditions += [] if fitting == TRUE else [fitting]
        decide = None if fitting.exact else partial(where.holds, setting=setting(connection, now, zone))
    if order.column is not None and after is not None:
        conditions.append(order.behind(after))
    return _select(connection, shape, conditions, decide, order, most, after)


def _most(limit: object) -> int | None:
    if limit is not None and type(limit) is not int:
        raise WrongArgument(process="find", parameter="limit", expected="a whole number", got=shown(limit))
    return None if limit is None else max(0, min(limit, LARGEST_ID))


def _check_after(shape: Shape, order: Order, after: Any) -> None:
    """By the id alone a reference is enough; any other order needs the item's value."""
    fits = after is None or isinstance(after, shape.cls) or (order.is_by_id and isinstance(after, ItemRef))
    if not fits or (after is not None and not -LARGEST_ID <= after.id <= LARGEST_ID):
        expected = f"the {shape.kind} that was the last of the page before"
        raise WrongArgument(process="find", parameter="after", expected=expected, got=shown(after))


def _select(
    connection: Runs,
    shape: Shape,
    conditions: Sequence[Sql],
    decide: Callable[[Any], bool] | None,
    order: Order,
    limit: int | None,
    after: Any,
) -> list[Any]:
    text = f"{shape.select}{' WHERE ' if conditions else ''}{' AND '.join(each.text for each in conditions)}"
    parameters = [value for each in conditions for value in each.parameters]
    if order.column is not None:
        text = f"{text} ORDER BY {order.sql()}"
        if limit is not None and decide is None:
            text, parameters = f"{text} LIMIT ?", [*parameters, limit]
    rows = connection.execute(text, parameters)
    items = map(shape.item, rows) if decide is None else filter(decide, map(shape.item, rows))
    return order.of(items, after, limit) if order.column is None else list(islice(items, limit))


def setting(connection: Runs, now: datetime, zone: tzinfo) -> Setting:
    """What a filter that is evaluated in memory looks up. Links are read once."""

    @cache
    def link(kind: str, id: int) -> Any:
        shape = shape_named(kind)
        row = connection.execute(shape.select_one, (id,)).fetchone()
        return None if row is None else shape.item(row)

    def linked(ref: ItemRef, name: str) -> list[Any]:
        owner, relation = shape_named(ref.kind), relations_of(ref.kind)[name]
        shape = SHAPES[relation.kind]
        table = owner.table.name

        def own(field: str) -> str:
            return f"(SELECT o.{field} FROM {table} o WHERE o.id = ?1)"

        members = belongs(relation, owner, Table(shape, shape.table.name), "?1", own)
        rows = connection.execute(f"{shape.select} WHERE {members} ORDER BY id", (ref.id,))
        return [shape.item(row) for row in rows]

    return Setting(now, zone, link, linked)


def referring(connection: Runs, shape: Shape, ref: ItemRef) -> list[int]:
    """The ids of items that point at `ref`, in order."""
    condition = _of(shape, ref)
    rows = connection.execute(
        f"SELECT id FROM {shape.table.name} WHERE {condition.text} ORDER BY id", condition.parameters
    )
    return [id_ for (id_,) in rows]


def _is_item(of: Any) -> bool:
    return hasattr(of, "item_type")


def _of(shape: Shape, ref: ItemRef) -> Sql:
    """The condition that holds for what belongs to an item, or points at it."""
    if not -LARGEST_ID <= ref.id <= LARGEST_ID:
        return FALSE
    if shape.kind == "activity":
        return Sql("id IN (SELECT activity FROM activity_binding WHERE kind = ? AND item = ?)", (ref.kind, ref.id))
    if ref.kind == "user" and "owner_id" in shape.fields and "user_id" in shape.fields:
        return Sql("user_id = ?", (ref.id,))
    if shape.kind == "comment":
        text = (
            "id IN (SELECT id FROM comment WHERE owner_kind = ? AND owner_id = ? "
            "UNION SELECT comment FROM comment_binding WHERE kind = ? AND item = ?)"
        )
        return Sql(text, (ref.kind, ref.id, ref.kind, ref.id))
    if "owner_id" in shape.fields:
        return Sql("owner_kind = ? AND owner_id = ?", (ref.kind, ref.id))
    parts: list[str] = []
    parameters: list[Any] = []
    if any(field.refers == ref.kind for field in shape.listed):
        parts.append("id IN (SELECT item FROM link WHERE to_kind = ? AND to_id = ? AND kind = ?)")
        parameters += [ref.kind, ref.id, shape.table.name]
    if any(field.refers is None for field in shape.listed):
        parts.append("id IN (SELECT item FROM link WHERE to_kind = ? AND to_id = ? AND kind = ?)")
        parameters += [f"{PARENT}{ref.kind}", ref.id, shape.table.name]
    for field in shape.fields.values():
        if field.refers == ref.kind and not (field.multiple or field.derived):
            parts.append(f"{field.name} = ?")
            parameters.append(ref.id)
    if not parts:
        raise UnknownItem(kind=ref.kind, known=f"none that a {shape.kind} belongs to is called so")
    return Sql(f"({' OR '.join(parts)}){shape.only}", tuple(parameters))


class SqlCrmReader:
    """
    Reads the CRM over a connection of one's own.

    `now` and `zone` are for filters that ask for days.
    """

    def __init__(self, connection: Runs, now: datetime = BEGINNING, zone: tzinfo = UTC) -> None:
        self._connection = connection
        self._now = now
        self._zone = zone

    def signer(self) -> Signer:
        """What signs the tokens in links."""
        (secret,) = self._connection.execute("SELECT secret FROM portal_secret").fetchone()
        return Signer(bytes.fromhex(secret))

    def bill(self, payment: int) -> Bill:
        """What a client sees of a payment. Raises ItemNotFound."""
        from bizproc.adapters.sql_crm.payments import bill

        return bill(self._connection, payment)

    def agenda(self, user: int, now: datetime) -> Agenda:
        """What a user has to be at, and to do. Raises ItemNotFound."""
        from bizproc.adapters.sql_crm.agendas import agenda

        return agenda(self._connection, user, now)

    def contents(self) -> frozenset[str]:
        """The SHA-256 of all contents that a file of the drive names."""
        return frozenset(sha for (sha,) in self._connection.execute("SELECT sha256 FROM file"))

    def get(self, cls: type[T], id: int) -> T:
        """One item. Raises ItemNotFound."""
        item: T = read(self._connection, shape_of_class(cls), id)
        return item

    def find(
        self,
        cls: type[T],
        where: Filter | None = None,
        *,
        of: Any = None,
        order_by: str = "id",
        limit: int | None = None,
        after: Any = None,
    ) -> list[T]:
        """Items of a class; `of=deal` gives what belongs to an item. See `find`."""
        return find(
            self._connection,
            shape_of_class(cls),
            where,
            of=of,
            order_by=order_by,
            limit=limit,
            after=after,
            now=self._now,
            zone=self._zone,
        )
