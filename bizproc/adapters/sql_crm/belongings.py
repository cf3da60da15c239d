"""Rows of what belongs to an item: written and changed as they are. What they mean stands in a file for each."""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import evolve

from bizproc.adapters.sql_crm.reading import Runs
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.model.references import ItemRef

_TEXTS = ("title", "subject", "description", "text", "service", "number")


def add(connection: Runs, kind: str, ref: ItemRef, /, **given: Any) -> Any:
    """Write one; gives it back with its id. Raises WrongFieldValue for a text or a moment that cannot be stored."""
    shape = SHAPES[kind]
    values = {**shape.defaults, "id": None, "owner_kind": ref.kind, "owner_id": ref.id, **given}
    for name in given:
        if name in _TEXTS or shape.fields[name].type.name == "moment":
            values[name] = shape.fields[name].checked(values[name])
    cursor = connection.execute(shape.insert, shape.row(values))
    return shape.cls(**{**values, "id": cursor.lastrowid})


def change(connection: Runs, one: Any, **values: Any) -> Any:
    """Write some of its fields; gives it back as it is then."""
    shape = SHAPES[one.item_type]
    names = tuple(values)
    connection.execute(shape.update_of(names), (*shape.written(names, values), one.id))
    return evolve(one, **values)


def remove(connection: Runs, one: Any) -> None:
    """It is gone."""
    connection.execute(SHAPES[one.item_type].delete, (one.id,))


def those(connection: Runs, kind: str, condition: str, *parameters: Any) -> list[Any]:
    """All for which a condition holds, the oldest first."""
    rows = connection.execute(_those(kind, condition), parameters).fetchall()
    return [SHAPES[kind].item(row) for row in rows]


@cache
def _those(kind: str, condition: str) -> str:
    return f"{SHAPES[kind].select} WHERE {condition} ORDER BY id"
