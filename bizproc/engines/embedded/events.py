"""
From an event to the waits it wakes: in the transaction in which it happened, each gets a row of `arrival`.

The row is what recovery sees if the program dies before the instance has taken it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from bizproc.core.codec import Codec
from bizproc.core.commands import Event
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.triggers.keys import keys_of

sql: Final = load("bizproc.engines.embedded", "statements.sql")


class Woken(NamedTuple):
    """A wait for which an event has arrived."""

    instance: int
    address: str
    arrival: int
    event: Event


def deliver(tx: Transaction, events: Iterable[Event], codec: Codec) -> list[Woken]:
    """Give each event to those who listen to one of its keys; a wait that listens to several gets it once."""
    return [woken for event in events for woken in _deliver_one(tx, event, codec)]


def _deliver_one(tx: Transaction, event: Event, codec: Codec) -> list[Woken]:
    listeners = {row: None for key in keys_of(event) for row in tx.execute(sql.subscribers, {"key": key})}
    if not listeners:
        return []
    payload = codec.encode(event, Event)
    return [
        Woken(instance, address, _arrival(tx, instance, address, payload), event) for instance, address in listeners
    ]


def _arrival(tx: Transaction, instance: int, address: str, payload: str) -> int:
    row = {"key": instance, "address": address, "kind": "event", "payload": payload}
    return int(tx.execute(sql.add_arrival, row).lastrowid or 0)
