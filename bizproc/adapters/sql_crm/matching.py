"""Nouns found by the exact values of their fields, and items by what they point at. Comparisons are filters' affair."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bizproc.adapters.sql_crm.reading import Runs, read, referring
from bizproc.adapters.sql_crm.shapes import SHAPES, Shape, shape_of
from bizproc.model.fields import unknown
from bizproc.model.kinds import NOUNS
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.smart_items import SMART_ITEM


def matching(connection: Runs, kind: str, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """All of a kind whose fields hold these values. See `ports.crm.Crm.matching`."""
    shape = shape_of(kind)
    conditions, parameters = ["1"], []
    for name, value in values.items():
        condition, own = _holds(shape, name, value)
        conditions.append(condition)
        parameters += own
    text = f"{shape.select} WHERE {' AND '.join(conditions)}{shape.only} ORDER BY id"
    return tuple(shape.item(row) for row in connection.execute(text, parameters))


def _holds(shape: Shape, name: str, value: Any) -> tuple[str, list[Any]]:
    field = shape.fields.get(name)
    if field is None or field.multiple or field.type.name in ("custom", "anything"):
        raise unknown(shape.kind, name, (each.name for each in shape.fields.values() if not each.multiple))
    kept = field.checked(value)
    if kept is None:
        return f"{name} IS NULL", []
    return f"{name} = ?", shape.stored((name,), {name: kept})


def pointing_at(connection: Runs, ref: ItemRef) -> tuple[ItemRef, ...]:
    """All items that point at an item. See `ports.crm.Crm.pointing_at`."""
    found: list[ItemRef] = []
    for kind in NOUNS:
        shape = SHAPES[kind]
        if shape.is_item and shape.pointing_at(ref.kind):
            found += [_ref(connection, shape, id_) for id_ in referring(connection, shape, ref)]
    return tuple(found)


def _ref(connection: Runs, shape: Shape, id_: int) -> ItemRef:
    """Of a smart item, by the code of its type."""
    return ref_of(read(connection, shape, id_)) if shape.kind == SMART_ITEM else ItemRef(shape.kind, id_)
