"""How instances end, and begin anew: the rows that say so, and the removal of what could still wake them."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import Event
from bizproc.engines.embedded.events import Woken, deliver, listening
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction

sql: Final = load("bizproc.engines.embedded", "statements.sql")

LIVE: Final = frozenset({"running", "waiting", "stuck"})
"""The states of an instance that has not ended."""

STAGE_CHANGED: Final = "stage changed"


@frozen
class Ending:
    """
    How an instance ends.

    Attributes:
        state: `completed`, `failed`, `cancelled`, `terminated`; or `stuck`, which is no end: it can go on.
        outcome, error: The encoded result or error.
        ended_by: What ended it from outside.
        failed_at: The address of the step at which `retry` goes on.
    """

    state: str
    outcome: str | None = None
    error: str | None = None
    ended_by: str | None = None
    failed_at: str | None = None

    @property
    def final(self) -> bool:
        """Whether nothing arrives for it any more."""
        return self.state != "stuck"


def by_action(ended_by: str, codec: Codec) -> Ending:
    """An action of its own ended the instance (D10, D11)."""
    state = "completed" if ended_by == STAGE_CHANGED else "terminated"
    return Ending(state, codec.encode(None), ended_by=ended_by)


@frozen
class Ended:
    """What the end of an instance brings about: those who waited for it, and whose turn it is now."""

    woken: list[Woken]
    next: int | None = None


def end(tx: Transaction, key: int, ending: Ending, codec: Codec, *, quiet: bool = False) -> Ended:
    """
    Write an instance's ending, clear what could wake it, and tell those who wait for it.

    Args:
        tx: The transaction.
        key: The instance.
        ending: How it ends.
        codec: Writes what others are told.
        quiet: It never waited for anything: nothing but a cancellation, that came too late, can be there for it.
    """
    row = {
        "key": key,
        "state": ending.state,
        "outcome": ending.outcome,
        "error": ending.error,
        "ended_by": ending.ended_by,
        "failed_at": ending.failed_at,
    }
    waiting = tx.execute(sql.next_in_queue, {"key": key}).fetchone() if ending.final else None
    tx.execute(sql.end_instance, {**row, "ended_at": tx.now_text if ending.final else None})
    if not ending.final:
        return Ended([])
    if quiet:
        tx.later(sql.forget_arrivals, (key,))
    else:
        clear(tx, key)
    if waiting is not None:
        tx.execute(sql.take_turn, {"key": waiting[0], "now": tx.now_text})
    event = Event("instance.ended", f"instance:{key}", {"state": ending.state})
    told = deliver(tx, event, listening(tx, event), codec)
    return Ended(told, None if waiting is None else waiting[0])


def begin_anew(tx: Transaction, key: int, arguments: str) -> None:
    """Empty an instance's journal; its unread signals stay."""
    clear(tx, key, arrivals=sql.clear_run)
    tx.write_rows()  # the last entries of the old run go with the others
    tx.execute(sql.clear_journal, {"key": key})
    tx.execute(sql.begin_anew, {"key": key, "arguments": arguments})


def clear(tx: Transaction, key: int, *, arrivals: str = sql.clear_arrivals) -> None:
    """Forget all that could wake an instance."""
    tx.write_rows()  # rows left for later are written first, or they would come after
    for text in (sql.clear_timers, sql.clear_subscriptions, arrivals, sql.clear_attempts):
        tx.execute(text, {"key": key})
