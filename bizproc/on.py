"""
Triggers as they are typed: `on.created("deal")`, `on.changed("deal", "amount")`. Names, no logic.

Each takes the kind of item, or one item. They combine with `|`. Whether changes made by processes count is said with
`by_processes=`; left out, they count in a wait.
"""

from __future__ import annotations

from typing import Any

from bizproc.triggers.trigger import Trigger

__all__ = [
    "changed",
    "created",
    "deleted",
    "email_opened",
    "incoming",
    "link_clicked",
    "responsible_changed",
    "stage",
]


def created(item: Any, *, by_processes: bool | None = None) -> Trigger:
    """An item of this kind is created."""
    return _trigger(item, "created", by_processes=by_processes)


def changed(item: Any, *fields: str, by_processes: bool | None = None) -> Trigger:
    """A field of the item changes: one of these, or any."""
    return _trigger(item, "updated", fields=fields, by_processes=by_processes)


def deleted(item: Any, *, by_processes: bool | None = None) -> Trigger:
    """The item is deleted."""
    return _trigger(item, "deleted", by_processes=by_processes)


def stage(item: Any, *stages: str, by_processes: bool | None = None) -> Trigger:
    """The item enters one of these stages, or any; being created in one counts."""
    return _trigger(item, "stage_changed", "created", stages=stages, by_processes=by_processes)


def responsible_changed(item: Any, *, by_processes: bool | None = None) -> Trigger:
    """Another person becomes responsible for the item."""
    return _trigger(item, "responsible_changed", by_processes=by_processes)


def email_opened() -> Trigger:
    """A mail that was sent from an item is opened, for the first time."""
    return Trigger(("message.opened",))


def link_clicked() -> Trigger:
    """A link in a mail that was sent from an item is followed; which one is in `event.facts["link"]`."""
    return Trigger(("message.link_clicked",))


def incoming(kind: str | None = None) -> Trigger:
    """Something comes in from the client of an item: `email`, `sms`, `call`…, or anything."""
    return Trigger(("communication.incoming" if kind is None else f"communication.incoming_{kind}",))


def _trigger(item: Any, *happenings: str, **narrowed: Any) -> Trigger:
    kind, id = (item, None) if isinstance(item, str) else (item.item_type, item.id)
    return Trigger(tuple(f"{kind}.{happening}" for happening in happenings), id, **narrowed)
