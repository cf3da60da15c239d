"""
Triggers as they are typed: `on.created("deal")`, `on.changed("deal", "amount")`. Names, no logic.

Each takes the kind of item, or one item. They combine with `|`. Whether changes made by processes count is said with
`by_processes=`; left out, they count in a wait.
"""

from __future__ import annotations

from typing import Any

from bizproc.triggers.trigger import Trigger

__all__ = ["changed", "created", "deleted", "payment_paid", "responsible_changed", "stage"]


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


def payment_paid(*, by_processes: bool | None = None) -> Trigger:
    """An order of an item is paid: the event is about that deal or invoice; its facts name `order` and `payment`."""
    return Trigger(("payment.paid",), by_processes=by_processes)


def _trigger(item: Any, *happenings: str, **narrowed: Any) -> Trigger:
    kind, id = (item, None) if isinstance(item, str) else (item.item_type, item.id)
    return Trigger(tuple(f"{kind}.{happening}" for happening in happenings), id, **narrowed)
