"""
Wait cards: what is seen beside an item while a process waits for days (D2, D3).

A card that is completed tells so (`wait.completed`), and the wait behind it listens to that.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final, cast

from bizproc.adapters.sql_crm import history
from bizproc.adapters.sql_crm.belongings import add, change, those
from bizproc.adapters.sql_crm.reading import Runs
from bizproc.adapters.sql_crm.shapes import CODEC
from bizproc.model.planned import Wait
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing

OUTCOMES: Final = ("time", "client_activity", "skipped", "superseded")
"""Reasons with which the wait itself is over; with any other, only whoever waited has gone."""


def open_wait(performing: Performing, ref: ItemRef, description: str, end: datetime, author: int | None) -> Wait:
    """Show that this step waits. See `ports.crm.Crm.open_wait`."""
    tx = performing.transaction
    own = _of_step(performing)
    if own is not None:
        over = own.completed and own.reason in OUTCOMES
        return own if over else cast("Wait", change(tx, own, completed=False, completed_at=None, reason=None))
    _close_all(performing, _open_of_instance(performing), "superseded")
    made: Wait = add(
        tx,
        "wait",
        ref,
        description=description,
        author_id=author,
        start=performing.now,
        end=end,
        made_by=performing.instance,
        step=performing.key,
    )
    return made


def close_wait(performing: Performing, reason: str) -> None:
    """This step waits no more. Does nothing where that is said already."""
    own = _of_step(performing)
    if own is not None and not own.completed:
        _close(performing, own, reason)


def close_waits(performing: Performing, reason: str) -> None:
    """The instance waits no more."""
    _close_all(performing, _open_of_instance(performing), reason)


def client_active(performing: Performing, refs: Iterable[ItemRef]) -> None:
    """Something is to be done about these items: the waits on them are over, but for those of who did it (D3)."""
    tx: Runs = performing.transaction
    for ref in refs:
        condition = "owner_kind = ? AND owner_id = ? AND completed = 0 AND made_by IS NOT ?"
        _close_all(performing, those(tx, "wait", condition, ref.kind, ref.id, performing.instance), "client_activity")


def pass_on(performing: Performing, ref: ItemRef, other: ItemRef) -> None:
    """What waited on an item waits on another one from now on. See `ports.crm.Crm.pass_on_waits`."""
    tx: Runs = performing.transaction
    for card in those(tx, "wait", "owner_kind = ? AND owner_id = ? AND completed = 0", ref.kind, ref.id):
        change(tx, card, owner_kind=other.kind, owner_id=other.id)


def _of_step(performing: Performing) -> Any:
    return next(iter(those(performing.transaction, "wait", "made_by = ? AND step = ?", *_who(performing))), None)


def _who(performing: Performing) -> tuple[str | None, str]:
    return performing.instance, performing.key


def _open_of_instance(performing: Performing) -> list[Any]:
    return those(performing.transaction, "wait", "made_by = ? AND completed = 0", performing.instance)


def _close_all(performing: Performing, cards: Iterable[Wait], reason: str) -> None:
    for card in cards:
        _close(performing, card, reason)


def _close(performing: Performing, card: Wait, reason: str) -> None:
    change(performing.transaction, card, completed=True, completed_at=performing.now, reason=reason)
    ref, text = ItemRef(card.owner_kind, card.owner_id), card.description
    history.line(performing, ref, "wait_completed", card.author_id, new=CODEC.encode(reason), text=text)
    about = ItemRef("wait", card.id)
    history.emit(performing, "wait.completed", about, card.author_id, reason=reason, item=str(ref))
