"""What is told of a change: its lines of history, and its events. Decides nothing about what changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bizproc.adapters.sql_crm.belongings import add
from bizproc.adapters.sql_crm.reading import exists
from bizproc.adapters.sql_crm.shapes import CODEC, shape_of
from bizproc.core.commands import Event
from bizproc.core.errors import ItemNotFound, UnknownEventType, UnknownItem
from bizproc.model.references import ItemRef
from bizproc.model.timeline import HistoryEvent
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


_EVENT_TYPES: Final = "SELECT code FROM reference WHERE list = 'EVENT_TYPE' ORDER BY sort, id"


def add_event(performing: Performing, ref: ItemRef, type_: str, text: str, author: int | None) -> HistoryEvent:
    """Write a line that says something. See `ports.crm.Crm.add_event`."""
    tx = performing.transaction
    known = [code for (code,) in tx.execute(_EVENT_TYPES)]
    if type_ not in known:
        raise UnknownEventType(type=type_, known=", ".join(known))
    if not shape_of(ref.kind).is_item:
        raise UnknownItem(kind=ref.kind, known="of those that have a history: items")
    if not exists(tx, shape_of(ref.kind), ref.id):
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    made: HistoryEvent = add(
        tx,
        "history_event",
        ref,
        kind="event",
        type=type_,
        text=text,
        author_id=author,
        made_by=performing.instance,
        at=performing.now,
    )
    return made


def emit(performing: Performing, name: str, ref: ItemRef, author: int | None, **facts: Any) -> None:
    """Emit an event about an item; its facts say by which instance and in whose name."""
    performing.emit(Event(name, f"{ref.kind}:{ref.id}", {**facts, "by": performing.instance, "author": author}))
