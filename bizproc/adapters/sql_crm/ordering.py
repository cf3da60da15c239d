"""
The order of what is found: by one field, then by id; null is last, whichever way. The same in SQL and in memory.

Texts go by the code points of their folded forms, numbers by their exact size. SQL orders whatever it can
(`Order.sql`); texts without a companion and custom fields are ordered in memory. A page begins behind an item, so that
pages have no gaps, whatever is made or deleted before it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cmp_to_key
from heapq import nsmallest
from typing import Any, Final

from attrs import frozen

from bizproc.adapters.sql_crm.filtering import Sql, before_point, is_negative, ordered
from bizproc.adapters.sql_crm.shapes import Shape
from bizproc.model.fields import Field, unknown
from bizproc.model.texts import folded

_UNORDERED: Final = (
    *("custom", "anything", "reference", "multi_field"),
    *("money_value", "address", "link", "booking"),
)


@frozen
class Order:
    """
    One order.

    Attributes:
        field: By which.
        falling: The largest first.
        column: What stands for it in SQL; None if SQL does not know this order.
    """

    field: Field
    falling: bool
    column: str | None

    @property
    def is_by_id(self) -> bool:
        """Whether it is the order of the ids."""
        return self.field.name == "id"

    # -- in SQL

    def sql(self) -> str:
        """The terms of ORDER BY."""
        assert self.column is not None
        falling = " DESC" if self.falling else ""
        if self.is_by_id:
            return f"{self.column}{falling}"
        nulls = " NULLS LAST" if self.field.optional else ""
        return ", ".join([*(f"{term}{way}{nulls}" for term, way in self._terms(self.column, falling)), "id"])

    def _terms(self, column: str, way: str) -> list[tuple[str, str]]:
        if self.field.type.name != "number":
            return [(column, way)]
        # Canonical decimal texts. Below zero the longer is the smaller, and so is the text that comes later.
        size, below = before_point(column), is_negative(column)
        return [
            (f"CASE WHEN {below} THEN -{size} ELSE {size} END", way),
            (f"CASE WHEN NOT {below} THEN {column} END", way),
            (f"CASE WHEN {below} THEN {column} END", "" if way else " DESC"),
        ]

    def behind(self, item: Any) -> Sql:
        """The condition on what comes behind an item."""
        assert self.column is not None
        sign = "<" if self.falling else ">"
        if self.is_by_id:
            return Sql(f"{self.column} {sign} ?", (item.id,))
        value = self._value(item)
        if value is None:
            return Sql(f"({self.column} IS NULL AND id > ?)", (item.id,))
        beyond = ordered(sign, self.field, self.column, (value,))
        least = ordered("<=" if self.falling else ">=", self.field, self.column, (value,))
        behind = f"{self.column} IS NULL OR {beyond.text} OR ({least.text} AND id > ?)"
        return Sql(f"({behind})", (*beyond.parameters, *least.parameters, item.id))

    # -- in memory

    def of(self, items: Iterable[Any], after: Any, limit: int | None) -> list[Any]:
        """The first items, from one on, in order."""
        if after is not None:
            items = (each for each in items if self._compare(each, after) > 0)
        key = cmp_to_key(self._compare)
        return sorted(items, key=key) if limit is None else nsmallest(limit, items, key=key)

    def _compare(self, one: Any, other: Any) -> int:
        first, second = self._value(one), self._value(other)
        if (first is None) != (second is None):
            return 1 if first is None else -1
        if first is not None and first != second:
            return -1 if (first < second) is not self.falling else 1
        sign = -1 if self.falling and self.is_by_id else 1
        order: int = (one.id > other.id) - (one.id < other.id)
        return sign * order

    def _value(self, item: Any) -> Any:
        """The value that is ordered."""
        name = self.field.name
        value = item.custom.get(name.removeprefix("custom.")) if "." in name else getattr(item, name)
        return folded(value) if isinstance(value, str) and self.field.type.name == "text" else value


def order_of(shape: Shape, order_by: str, custom: Callable[[], Mapping[str, Field]]) -> Order:
    """The order that is named: a field, `custom.code`, or `-field` for the largest first. Raises UnknownField."""
    if not isinstance(order_by, str):
        raise unknown(shape.kind, order_by, shape.fields)
    given = order_by.removeprefix("-")
    name = getattr(shape.cls, "aliases", {}).get(given, given)
    field = shape.fields.get(name)
    if field is None and name.startswith("custom.") and shape.is_item:
        field = custom().get(name.removeprefix("custom."))
    if field is None or field.multiple or field.type.name in _UNORDERED:
        raise unknown(shape.kind, order_by, shape.fields)
    return Order(field, order_by.startswith("-"), _column(shape, field))


def _column(shape: Shape, field: Field) -> str | None:
    if field.name not in shape.fields:
        return None
    if field.type.name != "text":
        return field.name
    return shape.companions.get(field.name)
