"""
From an event to the waits it wakes: in the transaction in which it happened, each gets a row of `arrival`.

The row is what recovery sees if the program dies before the instance has taken it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

from bizproc.core.codec import Codec
from bizproc.core.commands import Event
from bizproc.core.errors import StoreError
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.triggers.condition import Seen
from bizproc.triggers.keys import keys_of
from bizproc.triggers.trigger import Trigger

sql: Final = load("bizproc.engines.embedded", "statements.sql")


class Woken(NamedTuple):
    """A wait for which an event has arrived; with an error where it could not be told whether it fits."""

    instance: int
    address: str
    arrival: int
    event: Event
    error: Exception | None = None


Listeners: TypeAlias = dict[tuple[int, str, str | None], None]
"""Instance and address of waits, with the trigger of those whose keys do not say it all."""


def listening(tx: Transaction, event: Event) -> Listeners:
    """Who listens to one of the keys of an event; a wait that listens to several is there once."""
    keys = keys_of(event)
    rows = tx.execute(sql.listeners, keys).fetchall()
    if not rows:
        return {}
    rows.sort(key=lambda row: (keys.index(row[0]), row[1], row[2]))
    return {(instance, address, trigger): None for _, instance, address, trigger in rows}


def nobody_listens(tx: Transaction, events: Sequence[Event]) -> bool:
    """Whether one look at the keys of two events, of which most actions tell, finds nobody."""
    if len(events) != 2:
        return False
    first, second = events
    return tx.execute(sql.any_listener, (*keys_of(first), *keys_of(second))).fetchone() is None


def deliver(tx: Transaction, event: Event, listeners: Listeners, codec: Codec, seen: Seen | None = None) -> list[Woken]:
    """Give an event to those who listen. `seen` is its item, for waits with a condition."""
    if not listeners:
        return []
    payload = codec.encode(event, Event)
    woken = []
    for instance, address, conditional in listeners:
        try:
            if conditional is not None and not _fits(event, seen, conditional, codec):
                continue
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  the condition cannot be asked of this item: the process must know
            woken.append(_refused(tx, instance, address, event, error, codec))
        else:
            woken.append(Woken(instance, address, _arrival(tx, instance, address, "event", payload), event))
    return woken


def _fits(event: Event, seen: Seen | None, trigger: str, codec: Codec) -> bool:
    return _trigger(trigger, codec).match(event, seen, starting=False) is not None


@lru_cache(maxsize=256)
def _trigger(text: str, codec: Codec) -> Trigger:
    trigger: Trigger = codec.decode(text)
    return trigger


def _refused(tx: Transaction, instance: int, address: str, event: Event, error: Exception, codec: Codec) -> Woken:
    payload = codec.encode_error(error)
    return Woken(instance, address, _arrival(tx, instance, address, "refused", payload), event, error)


def _arrival(tx: Transaction, instance: int, address: str, kind: str, payload: Any) -> int:
    row = {"key": instance, "address": address, "kind": kind, "payload": payload}
    return int(tx.execute(sql.add_arrival, row).lastrowid or 0)
