"""What is told of a change: its lines of history, and its events. Decides nothing about what changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bizproc.adapters.sql_crm.shapes import CODEC
from bizproc.core.commands import Event
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing

Changes = Mapping[str, tuple[Any, Any]]
"""By field, its old and its new value."""

_LINE: Final = (
    "INSERT INTO history_event (owner_kind, owner_id, kind, field, old, new, text, author_id, made_by, at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def line(
    performing: Performing,
    ref: ItemRef,
    kind: str,
    author: int | None,
    *,
    field: str | None = None,
    old: str | None = None,
    new: str | None = None,
    text: str = "",
) -> None:
    """
    Write one line of history; `old` and `new` are encoded already.

    Left for the end of the transaction: nobody reads history inside one.
    """
    tx = performing.transaction
    tx.later(_LINE, (ref.kind, ref.id, kind, field, old, new, text, author, performing.instance, tx.now_text))


def changed(performing: Performing, ref: ItemRef, changes: Changes, author: int | None) -> None:
    """Tell that fields of an item have changed: one line each, and one event."""
    for name, (old, new) in changes.items():
        line(performing, ref, "changed", author, field=name, old=CODEC.encode(old), new=CODEC.encode(new))
    emit(performing, f"{ref.kind}.updated", ref, author, changes={name: list(pair) for name, pair in changes.items()})


def emit(performing: Performing, name: str, ref: ItemRef, author: int | None, **facts: Any) -> None:
    """Emit an event about an item; its facts say by which instance and in whose name."""
    performing.emit(Event(name, f"{ref.kind}:{ref.id}", {**facts, "by": performing.instance, "author": author}))
