"""Posts: rows of the outbox, and how an action's come to be there. Sending them is `outbox.py`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from bizproc.core.codec import Codec
from bizproc.core.commands import Outgoing
from bizproc.core.errors import ChannelMissing
from bizproc.ports.performing import FollowUp, ItemRef
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment_text

sql: Final = load("bizproc.engines.embedded", "statements.sql")


class Post(NamedTuple):
    """A row of the outbox."""

    id: int
    instance: int | None
    address: str | None
    waits: int
    channel: str
    key: str
    payload: str
    settling: str
    document_type: str | None
    document_id: int | None
    state: str
    attempts: int
    again_at: str | None
    verdict: str | None = None

    @property
    def document(self) -> ItemRef | None:
        """The item that the sender's instance runs on."""
        return None if self.document_type is None else ItemRef(self.document_type, self.document_id or 0)


def post(
    tx: Transaction,
    outgoing: Outgoing,
    codec: Codec,
    channels: Mapping[str, Any],
    key: str,
    document: ItemRef | None,
    sender: tuple[int, str] | None,
    *,
    waits: bool,
) -> Post:
    """
    Write a post into the outbox.

    Raises:
        ChannelMissing: No channel of that name is set up.
        NotJournallable: The payload cannot be written.
    """
    row = _row(outgoing, codec, channels, key, document, sender, waits=waits)
    earlier = tx.execute(sql.post_of_key, (key,)).fetchone()
    if earlier is not None:
        return _again(tx, earlier, row)
    return _insert(tx, row, None)


def _row(
    outgoing: Outgoing,
    codec: Codec,
    channels: Mapping[str, Any],
    key: str,
    document: ItemRef | None,
    sender: tuple[int, str] | None,
    *,
    waits: bool,
) -> dict[str, Any]:
    if outgoing.channel not in channels:
        raise ChannelMissing(channel=outgoing.channel, known=", ".join(sorted(channels)) or "none")
    return {
        "instance": sender and sender[0],
        "address": sender and sender[1],
        "waits": int(waits),
        "channel": outgoing.channel,
        "key": key,
        "payload": codec.encode(outgoing.payload, path="payload"),
        "settling": codec.encode(outgoing.settling, path="settling"),
        "document_type": document and document.kind,
        "document_id": document and document.id,
    }


def _insert(tx: Transaction, row: dict[str, Any], at: datetime | None) -> Post:
    again_at = None if at is None or moment_text(at) <= tx.now_text else moment_text(at)
    id = tx.execute(sql.post, {**row, "again_at": again_at, "at": tx.now_text}).lastrowid
    return Post(id=int(id or 0), **row, state="ready", attempts=0, again_at=again_at)


def follow_up(
    tx: Transaction, one: FollowUp, codec: Codec, channels: Mapping[str, Any], key: str, document: ItemRef | None
) -> Post | None:
    """Write a post that is sent later, and belongs to no instance; None where it was written before."""
    outgoing, key = one.outgoing, f"{key}/{one.name}"
    if tx.execute(sql.post_of_key, (key,)).fetchone() is not None:
        return None
    return _insert(tx, _row(outgoing, codec, channels, key, document, None, waits=False), one.at)


def _again(tx: Transaction, earlier: tuple[Any, ...], row: dict[str, Any]) -> Post:
    """The step was retried, and had posted before: what was not accepted is sent again, under the same key."""
    id, _channel, state, verdict = earlier
    if state in ("refused", "unknown", "withdrawn"):
        tx.execute(sql.post_again, {"id": id, **row})
        state = "ready"
    else:
        tx.execute(sql.waited_for, {"id": id, "waits": row["waits"]})  # it may be on its way with nobody waiting
    return Post(id=id, **row, state=state, attempts=0, again_at=None, verdict=verdict)
