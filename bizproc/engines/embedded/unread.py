"""Signals that an instance has not read, and those that it waits for, as people are told of them. Reads only."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from attrs import frozen

from bizproc.core.codec import Codec
from bizproc.engines.embedded.inspection import key_of
from bizproc.engines.embedded.requests import SignalRequest
from bizproc.store.statements import load
from bizproc.store.types import json_value, moment
from bizproc.triggers.keys import signalled

sql: Final = load("bizproc.engines.embedded", "statements.sql")


@frozen(kw_only=True)
class UnreadSignal:
    """
    A signal that was sent to an instance, and that none of its waits has read.

    Attributes:
        value: What it brings, as it was recorded.
        at: When it was sent.
        posted: A program beside the owner has sent it, and no owner has taken it yet.
    """

    name: str
    value: Any
    at: datetime
    posted: bool = False


def unread(connection: Any, id: str, codec: Codec) -> list[UnreadSignal]:
    """The signals of an instance that it has not read, in the order in which it will. Raises InstanceNotFound."""
    key = key_of(connection, id)
    # What is posted is looked at first: a signal that an owner takes meanwhile may be told twice, and never not at all.
    posted = list(_posted(connection, id, codec))
    kept = connection.execute(sql.unread_signals, {"key": key}).fetchall()
    return [*(UnreadSignal(name=name, value=json_value(value), at=moment(at)) for name, value, at in kept), *posted]


def _posted(connection: Any, id: str, codec: Codec) -> Iterator[UnreadSignal]:
    for request, at in connection.execute(sql.posted_signals).fetchall():
        asked = codec.decode(request)
        if isinstance(asked, SignalRequest) and asked.id == id:
            yield UnreadSignal(name=asked.name, value=json_value(asked.value), at=moment(at), posted=True)


def awaited(connection: Any, id: str) -> list[str]:
    """The names of the signals that an instance waits for now, in alphabetical order. Raises InstanceNotFound."""
    key = key_of(connection, id)
    prefix = signalled(key, "")
    keys = [key for (key,) in connection.execute(sql.awaited_signals, {"key": key})]
    return [key.removeprefix(prefix) for key in keys if key.startswith(prefix)]
