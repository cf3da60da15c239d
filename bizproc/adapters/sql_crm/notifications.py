"""What users are told."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.model.planned import Notification
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing

_NOTIFICATION: Final = SHAPES["notification"]


def notify(
    performing: Performing,
    ref: ItemRef,
    user: int,
    text: str,
    *,
    due_at: datetime | None = None,
    activity: int | None = None,
) -> Notification:
    """Tell a user something about an item: now, or at a moment."""
    values: dict[str, Any] = {
        **_NOTIFICATION.defaults,
        "id": None,
        "owner_kind": ref.kind,
        "owner_id": ref.id,
        "user_id": user,
        "text": text,
        "due_at": performing.now if due_at is None else due_at,
        "activity_id": activity,
        "created_at": performing.now,
    }
    cursor = performing.transaction.execute(_NOTIFICATION.insert, _NOTIFICATION.row(values))
    return Notification(**{**values, "id": cursor.lastrowid})
