"""What stands beside an item: comments and activities."""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from bizproc.adapters.sql_crm import history, tasks, waits
from bizproc.adapters.sql_crm.belongings import add, change, those
from bizproc.adapters.sql_crm.people import check_user
from bizproc.adapters.sql_crm.reading import is_id, read
from bizproc.adapters.sql_crm.shapes import SHAPES, shape_of
from bizproc.core.errors import ItemNotFound, UnknownItem
from bizproc.model.planned import Notification
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity, Comment
from bizproc.ports.performing import Performing

_COMMENT: Final = SHAPES["comment"]
_ACTIVITY: Final = SHAPES["activity"]
_BIND: Final = "INSERT INTO activity_binding (kind, item, activity) VALUES (?, ?, ?)"
# Left for the end of the transaction: until then the activity is one that was made in the same commit.
_SETTLE: Final = "UPDATE activity SET fresh = 0 WHERE id = ?"
_DUE: Final = (
    "SELECT id FROM activity WHERE owner_kind = ? AND owner_id = ? "
    "AND complete_on_stage_change = 1 AND completed = 0 AND fresh = 0 ORDER BY id"
)

_INSERT_ACTIVITY: Final = (
    f"INSERT INTO activity ({', '.join(_ACTIVITY.names)}, fresh) VALUES ({', '.join('?' * len(_ACTIVITY.names))}, ?)"
)


def add_comment(performing: Performing, ref: ItemRef, text: str, author: int | None) -> Comment:
    """Write a comment. See `ports.crm.Crm.add_comment`."""
    text = _COMMENT.fields["text"].checked(text)
    check_user(performing.transaction, author)
    responsible = touch(performing, ref)
    author = responsible if author is None else author
    values = {
        "id": None,
        "owner_kind": ref.kind,
        "owner_id": ref.id,
        "also": (),
        "text": text,
        "author_id": author,
        "created_at": performing.now,
    }
    cursor = performing.transaction.execute(_COMMENT.insert, _COMMENT.row(values))
    return Comment(**{**values, "id": cursor.lastrowid})


def touch(performing: Performing, ref: ItemRef) -> int | None:
    """Note that something happened to an item; gives its person in charge. Raises ItemNotFound."""
    shape = shape_of(ref.kind)
    if not shape.is_item:
        raise UnknownItem(kind=ref.kind, known=f"of those that have a timeline: {', '.join(_with_timeline())}")
    tx = performing.transaction
    text = f"UPDATE {shape.table.name} SET last_activity_at = ? WHERE id = ?{shape.only} RETURNING responsible_id"
    row = tx.execute(text, (tx.now_text, ref.id)).fetchone() if is_id(ref.id) else None
    if row is None:
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    responsible: int | None = row[0]
    return responsible


def _with_timeline() -> list[str]:
    return [kind for kind, shape in SHAPES.items() if shape.is_item]


def add_activity(
    performing: Performing,
    ref: ItemRef,
    *,
    subject: str,
    description: str,
    kind: str,
    responsible: int | None,
    author: int | None,
    important: bool,
    complete_on_stage_change: bool,
    deadline: datetime | None,
    start: datetime | None,
    end: datetime | None,
    location: str,
    direction: str | None,
    client_address: str,
    also: Iterable[ItemRef],
) -> Activity:
    """Make an activity. See `ports.crm.Crm.add_activity`."""
    check_user(performing.transaction, responsible)
    check_user(performing.transaction, author)
    bindings = tuple(dict.fromkeys((ref, *also)))
    in_charge = next(touch(performing, each) for each in bindings)
    responsible = in_charge if responsible is None else responsible
    begins = performing.now if start is None else start
    values: dict[str, Any] = {
        **_ACTIVITY.defaults,
        "id": None,
        "owner_kind": ref.kind,
        "owner_id": ref.id,
        "bindings": bindings,
        "kind": kind,
        "subject": subject,
        "description": description,
        "responsible_id": responsible,
        "author_id": responsible if author is None else author,
        "created_at": performing.now,
        "start": begins,
        "end": begins if end is None else end,
        "deadline": deadline,
        "location": location,
        "direction": direction,
        "client_address": client_address,
        "important": important,
        "complete_on_stage_change": complete_on_stage_change,
        "made_by": performing.instance,
    }
    for name in ("kind", "subject", "description", "start", "end", "deadline", "location", "client_address"):
        values[name] = _ACTIVITY.fields[name].checked(values[name])
    return _write(performing, values)


def _write(performing: Performing, values: dict[str, Any]) -> Activity:
    tx = performing.transaction
    until_stage = values["complete_on_stage_change"]
    cursor = tx.execute(_INSERT_ACTIVITY, (*_ACTIVITY.row(values), int(until_stage)))
    made = Activity(**{**values, "id": cursor.lastrowid})
    if until_stage:
        tx.later(_SETTLE, (made.id,))
    for each in made.bindings:
        tx.execute(_BIND, (each.kind, each.id, made.id))
        history.emit(
            performing, "activity.created", each, made.author_id, activity=made.id, kind=made.kind, completed=False
        )
    waits.client_active(performing, made.bindings)
    return made


def complete_at_stage_change(performing: Performing, ref: ItemRef, author: int | None) -> None:
    """Complete the open activities that end with their owner's stage, but for those made in this very commit."""
    tx = performing.transaction
    for (activity,) in tx.execute(_DUE, (ref.kind, ref.id)).fetchall():
        complete(performing, read(tx, _ACTIVITY, activity), author)


def complete(performing: Performing, activity: Activity, author: int | None) -> Activity:
    """Complete an activity, and the task that it shows. One that is completed already stays as it is."""
    if activity.completed:
        return activity
    done: Activity = change(performing.transaction, activity, completed=True, completed_at=performing.now)
    for each in done.bindings:
        history.emit(performing, "activity.completed", each, author, activity=done.id, kind=done.kind)
    tasks.complete_task_of(performing, done, author)
    return done


def notify(
    performing: Performing, ref: ItemRef, user: int, text: str, due_at: datetime | None, activity: int | None
) -> Notification:
    """Tell a user something. See `ports.crm.Crm.notify`."""
    check_user(performing.transaction, user)
    made: Notification = add(
        performing.transaction,
        "notification",
        ref,
        user_id=user,
        text=text,
        due_at=performing.now if due_at is None else due_at,
        activity_id=activity,
        created_at=performing.now,
    )
    return made


def unbind(performing: Performing, ref: ItemRef) -> None:
    """The item goes: so do the activities and comments that stand beside nothing else; the others lose it."""
    tx = performing.transaction
    _unbind_comments(tx, ref)
    bound = tx.execute(
        "SELECT activity FROM activity_binding WHERE kind = ? AND item = ?", (ref.kind, ref.id)
    ).fetchall()
    tx.execute("DELETE FROM activity_binding WHERE kind = ? AND item = ?", (ref.kind, ref.id))
    for (id_,) in bound:
        # As the activity has them: in the companion they are found by their items alone.
        left = tuple(sorted((each for each in read(tx, _ACTIVITY, id_).bindings if each != ref), key=_by_kind))
        if not left:
            tx.execute(_ACTIVITY.delete, (id_,))
            continue
        values = {"owner_kind": left[0].kind, "owner_id": left[0].id, "bindings": left}
        tx.execute(_ACTIVITY.update_of(tuple(values)), (*_ACTIVITY.written(values, values), id_))


def _by_kind(ref: ItemRef) -> tuple[str, int]:
    return ref.kind, ref.id


BESIDE: Final = (
    "owner_kind = ? AND owner_id = ? OR id IN (SELECT comment FROM comment_binding WHERE kind = ? AND item = ?)"
)
"""The condition for the comments that stand beside an item, its own and those of others."""


def _unbind_comments(tx: Any, ref: ItemRef) -> None:
    """Its own comments pass to the first item that they also stand beside; the others lose it."""
    beside = those(tx, "comment", BESIDE, ref.kind, ref.id, ref.kind, ref.id)
    tx.execute("DELETE FROM comment_binding WHERE kind = ? AND item = ?", (ref.kind, ref.id))
    for comment in beside:
        left = tuple(each for each in comment.also if each != ref)
        if ItemRef(comment.owner_kind, comment.owner_id) != ref:
            change(tx, comment, also=left)
        elif left:
            heir = left[0]
            change(tx, comment, owner_kind=heir.kind, owner_id=heir.id, also=left[1:])
            own = (heir.kind, heir.id, comment.id)
            tx.execute("DELETE FROM comment_binding WHERE kind = ? AND item = ? AND comment = ?", own)
        else:
            tx.execute(_COMMENT.delete, (comment.id,))
