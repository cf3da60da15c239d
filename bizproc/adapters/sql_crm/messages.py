"""Messages: what was sent to clients, what became of it, and what came back. Sending them is a channel's affair."""


# ruff: noqa: S608 - the names in these texts are those of the model's tables; values are always parameters

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final

from bizproc.adapters.sql_crm import history, timeline
from bizproc.adapters.sql_crm.addresses import holders
from bizproc.adapters.sql_crm.reading import Runs, SqlCrmReader, exists, is_id, read
from bizproc.adapters.sql_crm.shapes import SHAPES, shape_of
from bizproc.core.errors import MessageNotFound
from bizproc.model.exclusions import normal_email, normal_phone
from bizproc.model.mailboxes import Mailbox
from bizproc.model.messages import Draft, Message
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity
from bizproc.ports.performing import Performing

_MESSAGE: Final = SHAPES["message"]
_ACTIVITY: Final = SHAPES["activity"]
_MAILBOX: Final = SHAPES["mailbox"]

_WENT_THROUGH: Final = ("sent", "delivered", "failed")
_LONGEST_LINE: Final = 2000
_CALLED: Final = {"email": "E-mail", "sms": "SMS"}


def mailboxes(connection: Runs, user: int) -> tuple[Mailbox, ...]:
    """The mailboxes of a user. See `ports.crm.Crm.mailboxes`."""
    rows = connection.execute(f"{_MAILBOX.select} ORDER BY sort, id")
    found = [_MAILBOX.item(row) for row in rows]
    return tuple(each for each in found if not each.user_ids or user in each.user_ids)


# -- sending -----------------------------------------------------------------------------------------------------------


def post(performing: Performing, ref: ItemRef, draft: Draft) -> Message:
    """Note that a message is about to be sent. See `ports.crm.Crm.post_message`."""
    tx = performing.transaction
    row = tx.execute(f"{_MESSAGE.select} WHERE step = ?", (performing.key,)).fetchone() if performing.key else None
    earlier: Message | None = None if row is None else _MESSAGE.item(row)
    if earlier is not None and earlier.status in _WENT_THROUGH:
        return earlier
    if earlier is not None:
        _drop_activity(tx, earlier)
    shown = _show(performing, ref, draft)
    values = {
        **_MESSAGE.defaults,
        "owner_kind": ref.kind,
        "owner_id": ref.id,
        "channel": draft.channel,
        "provider": draft.provider,
        "sender": draft.sender,
        "recipient": draft.recipient,
        "subject": draft.subject,
        "text": draft.text,
        "links": draft.links,
        "status": "queued",
        "message_id": _name(tx, performing.key, draft),
        "activity_id": shown.id,
        "step": performing.key or None,
        "made_by": performing.instance,
        "created_at": performing.now,
    }
    for name in ("sender", "recipient", "subject", "text"):
        values[name] = _MESSAGE.fields[name].checked(values[name])
    if earlier is None:
        cursor = tx.execute(_MESSAGE.insert, _MESSAGE.row({**values, "id": None}))
        return Message(**{**values, "id": int(cursor.lastrowid)})
    tx.execute(_MESSAGE.update_of(tuple(values)), (*_MESSAGE.written(values, values), earlier.id))
    return Message(**{**values, "id": earlier.id})


def _name(tx: Any, key: str, draft: Draft) -> str | None:
    """A mail's Message-ID: the same at every attempt, another in every store, and nobody reads the key from it."""
    if draft.channel != "email" or not key:
        return None
    digest = hmac.digest(SqlCrmReader(tx).signer().secret, b"message-id\0" + key.encode(), hashlib.sha256)
    domain = draft.sender.rpartition("@")[2].rstrip(">")
    return f"{digest[:16].hex()}@{domain}"


_BIND: Final = "INSERT INTO activity_binding (kind, item, activity) VALUES (?, ?, ?)"
_INSERT_ACTIVITY: Final = (
    f"INSERT INTO activity ({', '.join(_ACTIVITY.names)}, fresh) VALUES ({', '.join('?' * len(_ACTIVITY.names))}, 0)"
)


def _show(performing: Performing, ref: ItemRef, draft: Draft) -> Activity:
    """
    A completed activity beside the item and beside whose address it is.

    Not made as others are: what went out to a client ends no wait.
    """
    bindings = tuple(dict.fromkeys((ref, draft.holder)))
    for each in bindings:
        timeline.touch(performing, each)
    values: dict[str, Any] = {
        **_ACTIVITY.defaults,
        "id": None,
        "owner_kind": ref.kind,
        "owner_id": ref.id,
        "bindings": bindings,
        "kind": draft.channel,
        "subject": draft.subject or draft.recipient,
        "description": draft.shown,
        "direction": "out",
        "client_address": draft.recipient,
        "responsible_id": draft.responsible,
        "author_id": draft.responsible,
        "created_at": performing.now,
        "start": performing.now,
        "end": performing.now,
        "completed": True,
        "completed_at": performing.now,
        "made_by": performing.instance,
    }
    values["subject"] = _ACTIVITY.fields["subject"].checked(values["subject"])
    values["description"] = _ACTIVITY.fields["description"].checked(values["description"])
    cursor = performing.transaction.execute(_INSERT_ACTIVITY, _ACTIVITY.row(values))
    made = Activity(**{**values, "id": cursor.lastrowid})
    for each in bindings:
        performing.transaction.execute(_BIND, (each.kind, each.id, made.id))
        history.emit(
            performing, "activity.created", each, made.author_id, activity=made.id, kind=made.kind, completed=True
        )
    return made


def _drop_activity(tx: Any, message: Message) -> None:
    if message.activity_id is not None:
        tx.execute("DELETE FROM activity_binding WHERE activity = ?", (message.activity_id,))
        tx.execute(_ACTIVITY.delete, (message.activity_id,))


# -- what becomes of it ------------------------------------------------------------------------------------------------


def settle(performing: Performing, id_: int, status: str, reason: str) -> Message | None:
    """Write down what became of a message. See `ports.crm.Crm.settle_message`."""
    tx = performing.transaction
    if not exists(tx, _MESSAGE, id_):
        return None
    message: Message = read(tx, _MESSAGE, id_)
    if message.status in _WENT_THROUGH:
        return message
    refused = status == "refused"
    if refused:
        _drop_activity(tx, message)
    settled = _change(
        performing, message, status=status, reason=reason, activity_id=None if refused else message.activity_id
    )
    ref = ItemRef(settled.owner_kind, settled.owner_id)
    _write_line(performing, ref, settled)
    history.emit(performing, "message.status", ref, None, message=id_, status=status, channel=settled.channel)
    return settled


def _write_line(performing: Performing, ref: ItemRef, message: Message) -> None:
    called = _CALLED.get(message.channel, message.channel)
    match message.status:
        case "sent":
            what = f"{message.recipient}: {message.subject}" if message.subject else message.recipient
            history.line(performing, ref, f"{message.channel}_sent", None, text=what)
        case "refused":
            _error_line(performing, ref, f"{called} to {message.recipient} was not sent: {message.reason}")
        case _:
            _error_line(
                performing, ref, f"Whether {called} to {message.recipient} was sent is unknown: {message.reason}"
            )


def report(performing: Performing, id_: int, status: str, reason: str) -> None:
    """Write down what a provider says later. See `ports.crm.Crm.report_message`."""
    message = one(performing, id_)
    if message.status in ("delivered", "failed") or message.status == status:
        return  # reports come twice, and in any order: nothing comes after the last word
    ref = ItemRef(message.owner_kind, message.owner_id)
    told = _change(performing, message, status=status, reason=reason)
    if status == "failed":
        called = _CALLED.get(message.channel, message.channel)
        _error_line(performing, ref, f"{called} to {message.recipient} was not delivered: {reason}")
    history.emit(performing, "message.status", ref, None, message=id_, status=told.status, channel=told.channel)


def opened(performing: Performing, id_: int) -> None:
    """A mail was opened. See `ports.crm.Crm.opened`."""
    _open(performing, one(performing, id_))


def _open(performing: Performing, message: Message) -> None:
    if message.opened_at is None:
        _change(performing, message, opened_at=performing.now)
        ref = ItemRef(message.owner_kind, message.owner_id)
        history.emit(performing, "message.opened", ref, None, message=message.id, channel=message.channel)


def clicked(performing: Performing, id_: int, link: int) -> str:
    """A link of a mail was followed. See `ports.crm.Crm.clicked`."""
    message = one(performing, id_)
    if not 0 <= link < len(message.links):
        raise MessageNotFound(message=id_)
    target = message.links[link]
    _open(performing, message)  # whoever follows a link has opened it, though images are often not loaded
    if message.clicked_at is None:
        _change(performing, message, clicked_at=performing.now)
    ref = ItemRef(message.owner_kind, message.owner_id)
    history.emit(performing, "message.link_clicked", ref, None, message=id_, link=target, channel=message.channel)
    return target


def one(performing: Performing, id_: Any) -> Message:
    """A message by its id. See `ports.crm.Crm.message`."""
    if not is_id(id_) or not exists(performing.transaction, _MESSAGE, id_):
        raise MessageNotFound(message=id_)
    found: Message = read(performing.transaction, _MESSAGE, id_)
    return found


def _change(performing: Performing, message: Message, **values: Any) -> Message:
    row = (*_MESSAGE.written(values, values), message.id)
    performing.transaction.execute(_MESSAGE.update_of(tuple(values)), row)
    changed: Message = read(performing.transaction, _MESSAGE, message.id)
    return changed


# -- addresses ---------------------------------------------------------------------------------------------------------


def client_addresses(connection: Runs, ref: ItemRef, kind: str) -> tuple[str, ...]:
    """All phones or addresses of a client. See `ports.crm.Crm.client_addresses`."""
    own, *others = (_values(holder, kind) for holder in holders(connection, ref))
    return tuple(dict.fromkeys(own or (value for values in others for value in values)))


def _values(holder: Any, kind: str) -> list[str]:
    return [each.value.strip() for each in getattr(holder, kind, ()) if each.value.strip()]


# -- what comes in, and what goes wrong --------------------------------------------------------------------------------


def is_excluded(connection: Runs, address: str) -> bool:
    """Whether nobody is to be reached there. See `ports.crm.Crm.is_excluded`."""
    values = (normal_email(address), normal_phone(address))
    found = connection.execute("SELECT 1 FROM exclusion WHERE value IN (?, ?) AND value <> ''", values)
    return found.fetchone() is not None


def tell_incoming(performing: Performing, ref: ItemRef, kind: str, activity: int) -> None:
    """Something came in from the client. See `ports.crm.Crm.tell_incoming`."""
    for name in ("communication.incoming", f"communication.incoming_{kind}"):
        history.emit(performing, name, ref, None, kind=kind, activity=activity)


def tell_error(performing: Performing, ref: ItemRef, text: str) -> None:
    """Say that something went wrong. See `ports.crm.Crm.tell_error`."""
    if exists(performing.transaction, shape_of(ref.kind), ref.id):
        _error_line(performing, ref, text)


def _error_line(performing: Performing, ref: ItemRef, text: str) -> None:
    # It may quote what could not be stored.
    sound = text[:_LONGEST_LINE].encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
    history.line(performing, ref, "error", None, text=sound)
