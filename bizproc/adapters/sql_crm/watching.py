"""
Watching what actions change, for previews: in a transaction that will be undone, and the triggers with it.

Triggers, and not the events that actions emit: they see every row, whoever writes it.
"""

# ruff: noqa: S608 - the names in these texts are those of the model's tables

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

from bizproc.adapters.sql_crm.shapes import SHAPES, Shape
from bizproc.ports.performing import LocalTransaction
from bizproc.ports.watching import Change
from bizproc.store.types import json_value

_HISTORY: Final = "history_event"
"""It tells of changes, and is none."""

# SQLite's functions take a hundred arguments.
_AT_ONCE: Final = 50

_STAMPS: Final = frozenset({"id", "created_at", "updated_at", "created_by", "modified_by", "at", "made_by"})
_OWNER: Final = frozenset({"owner_kind", "owner_id"})


class SqlWatch:
    """The triggers of one transaction. Everything it makes is temporary, and undone with the transaction."""

    def __init__(self, tx: LocalTransaction) -> None:
        self._tx = tx
        self._seen = 0
        tx.execute("CREATE TEMP TABLE watched (place INTEGER PRIMARY KEY, what TEXT, kind TEXT, id INTEGER, old TEXT)")
        for kind, shape in SHAPES.items():
            if kind != _HISTORY:
                for text in _triggers(kind, shape):
                    tx.execute(text)

    def take(self) -> Sequence[Change]:
        """See `Watch`."""
        rows = self._tx.execute("SELECT * FROM watched WHERE place > ? ORDER BY place", (self._seen,)).fetchall()
        if rows:
            self._seen = rows[-1][0]
        return list(self._changes(rows))

    def _changes(self, rows: Sequence[tuple[Any, ...]]) -> Iterator[Change]:
        """One a row of the CRM, however often it was written."""
        first: dict[tuple[str, int], tuple[str, Any]] = {}
        for _, what, kind, id, old in rows:
            first.setdefault((kind, id), (what, old))
        for (kind, id), (what, old) in first.items():
            shape = SHAPES[kind]
            before = None if what == "added" else shape.item(value for part in json_value(old) for value in part)
            row = self._tx.execute(f"{shape.select} WHERE id = ?", (id,)).fetchone()
            after = None if row is None else shape.item(row)
            change = _change(shape, id, before, after)
            if change is not None:
                yield change


def _triggers(kind: str, shape: Shape) -> Iterator[str]:
    parts = [shape.names[begin : begin + _AT_ONCE] for begin in range(0, len(shape.names), _AT_ONCE)]
    arrays = (f"json_array({', '.join(f'old.{name}' for name in part)})" for part in parts)
    old = f"json_array({', '.join(arrays)})"
    for what, when, row, value in (
        ("added", "INSERT", "new", "NULL"),
        ("changed", "UPDATE", "old", old),
        ("removed", "DELETE", "old", old),
    ):
        yield (
            f"CREATE TEMP TRIGGER watch_{what}_{kind} AFTER {when} ON main.{shape.table.name} BEGIN "
            f"INSERT INTO watched (what, kind, id, old) VALUES ('{what}', '{kind}', {row}.id, {value}); END"
        )


def _change(shape: Shape, id: int, before: Any, after: Any) -> Change | None:
    item = after if after is not None else before
    if item is None:
        return None  # it was made and taken away again
    what: Literal["added", "changed", "removed"] = (
        "added" if before is None else "removed" if after is None else "changed"
    )
    fields = {
        name: (getattr(before, name, None), getattr(after, name, None))
        for name in shape.names
        if name not in _STAMPS and not (name in _OWNER and what != "changed")
    }
    usual: Mapping[str, Any] = shape.defaults
    different = {
        name: pair
        for name, pair in fields.items()
        if pair[0] != pair[1] and not (what != "changed" and pair[what == "added"] == usual.get(name))
    }
    if what == "changed" and not different:
        return None
    owner = f"{item.owner_kind}:{item.owner_id}" if hasattr(item, "owner_kind") else None
    return Change(
        what, getattr(item, "type", shape.kind) if shape.kind == "smart_item" else shape.kind, id, owner, different
    )
