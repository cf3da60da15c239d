"""Reads: an item by its id, items in order, what belongs to one. On whatever connection, in a transaction or not."""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol, TypeVar

from bizproc.adapters.sql_crm.shapes import PARENT, SHAPES, Shape
from bizproc.core.errors import ItemNotFound, UnknownField, UnknownItem
from bizproc.model.agenda import Agenda
from bizproc.model.bills import Bill
from bizproc.model.references import LARGEST_ID, ItemRef
from bizproc.model.tokens import Signer

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
    return tuple(find(connection, shape.cls, of=ref, order_by="sort" if "sort" in shape.fields else "id"))


def find(
    connection: Runs,
    cls: type[T],
    *,
    of: Any = None,
    order_by: str = "id",
    limit: int | None = None,
    after: int | None = None,
) -> list[T]:
    """
    Items of a class.

    Args:
        connection: Where to read.
        cls: Their class.
        of: Only what belongs to this item (or a reference to it).
        order_by: A field; `-field` for the largest first. Nothing comes last; ties go by id.
        limit: At most so many.
        after: Only those with a larger id.

    Raises:
        UnknownField: no such field to order by.
        UnknownItem: what belongs to another kind of thing than `of`.
    """
    shape = shape_of_class(cls)
    condition, parameters = ("", ()) if of is None else _of(shape, ItemRef(of.item_type, of.id) if _is_item(of) else of)
    if after is not None:
        condition, parameters = f"{condition} {'AND' if condition else 'WHERE'} id > ?", (*parameters, after)
    text = f"{shape.select}{condition} ORDER BY {_order(shape, order_by)}{'' if limit is None else ' LIMIT ?'}"
    rows = connection.execute(text, parameters if limit is None else (*parameters, max(limit, 0)))
    return [shape.item(row) for row in rows]


def referring(connection: Runs, shape: Shape, ref: ItemRef) -> list[int]:
    """The ids of items that point at `ref`, in order."""
    condition, parameters = _of(shape, ref)
    rows = connection.execute(f"SELECT id FROM {shape.table.name}{condition} ORDER BY id", parameters)
    return [id_ for (id_,) in rows]


def _is_item(of: Any) -> bool:
    return hasattr(of, "item_type")


def _of(shape: Shape, ref: ItemRef) -> tuple[str, tuple[Any, ...]]:
    """The condition that holds for what belongs to an item, or points at it."""
    if shape.kind == "activity":
        return " WHERE id IN (SELECT activity FROM activity_binding WHERE kind = ? AND item = ?)", (ref.kind, ref.id)
    if ref.kind == "user" and "owner_id" in shape.fields and "user_id" in shape.fields:
        return " WHERE user_id = ?", (ref.id,)
    if shape.kind == "comment":
        text = (
            " WHERE id IN (SELECT id FROM comment WHERE owner_kind = ? AND owner_id = ? "
            "UNION SELECT comment FROM comment_binding WHERE kind = ? AND item = ?)"
        )
        return text, (ref.kind, ref.id, ref.kind, ref.id)
    if "owner_id" in shape.fields:
        return " WHERE owner_kind = ? AND owner_id = ?", (ref.kind, ref.id)
    parts, parameters = [], []
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
    return f" WHERE ({' OR '.join(parts)}){shape.only}", tuple(parameters)


def _order(shape: Shape, order_by: str) -> str:
    name = order_by.removeprefix("-")
    field = shape.fields.get(name)
    if field is None or field.multiple or field.type.name in ("custom", "anything"):
        raise UnknownField(kind=shape.kind, field=order_by, known=", ".join(shape.fields))
    column = f"CAST({name} AS REAL)" if field.type.name == "number" else name
    direction = " DESC" if order_by.startswith("-") else ""
    return f"{column}{direction} NULLS LAST" if name == "id" else f"{column}{direction} NULLS LAST, id"


class SqlCrmReader:
    """Reads the CRM over a connection of one's own."""

    def __init__(self, connection: Runs) -> None:
        self._connection = connection

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

    def get(self, cls: type[T], id: int) -> T:
        """One item. Raises ItemNotFound."""
        item: T = read(self._connection, shape_of_class(cls), id)
        return item

    def find(
        self,
        cls: type[T],
        *,
        of: Any = None,
        order_by: str = "id",
        limit: int | None = None,
        after: int | None = None,
    ) -> list[T]:
        """Items of a class; `of=deal` gives what belongs to an item. See `find`."""
        return find(self._connection, cls, of=of, order_by=order_by, limit=limit, after=after)
