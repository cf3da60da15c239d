"""
What the engine asks of the writer besides turns: add, load, fire, post, end. Each is one work in a group.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Event
from bizproc.core.errors import InstanceNotFound
from bizproc.core.process import Call
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.deliveries import Arrived, CancelAsked, Delivery, Due, Settled, Signal
from bizproc.engines.embedded.endings import Ending, end
from bizproc.engines.embedded.events import Woken, deliver
from bizproc.engines.embedded.instance import Attempted
from bizproc.engines.embedded.journal import Chain, Recorded, verified
from bizproc.engines.embedded.performing import Context, Performed, perform
from bizproc.engines.embedded.starting import Started, insert
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment, moment_text
from bizproc.triggers.keys import signalled

T = TypeVar("T")
sql: Final = load("bizproc.engines.embedded", "statements.sql")

# How many due timers one group moves: a bound on how long others wait behind a flood of them.
TIMERS_A_GROUP: Final = 500

LIVE: Final = frozenset({"running", "waiting", "stuck"})


@define(eq=False)
class Run(Asked[T]):
    """Run a function in the transaction."""

    function: Callable[[Transaction], T] = field(kw_only=True)

    def write(self, tx: Transaction) -> T:
        return self.function(tx)


@define(eq=False)
class Add(Asked[Started]):
    """Start a call."""

    call: Call[Any] = field(kw_only=True)
    id: str | None = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> Started:
        return insert(tx, self.call, self.id, self.codec)


@define(eq=False)
class Perform(Asked["tuple[Performed, list[Woken]]"]):
    """Perform one action outside any process."""

    action: Any = field(kw_only=True)
    context: Context = field(kw_only=True)
    prepared: Any = field(default=None, kw_only=True)

    def write(self, tx: Transaction) -> tuple[Performed, list[Woken]]:
        performed = perform(tx, self.action, self.context, self.prepared)
        return performed, deliver(tx, performed.events, self.context.codec)


@define(eq=False)
class Loaded:
    """An instance as the store has it: what replay needs."""

    key: int
    id: str
    process: str
    version: int
    run: int
    document: tuple[str, int] | None
    arguments: str
    state: str
    waits_for: str | None
    until: str | None
    rows: list[Recorded]
    chain: Chain
    arrivals: list[Delivery]
    signals: list[Signal]
    attempts: dict[str, Attempted]


@define(eq=False)
class Load(Asked["Loaded | None"]):
    """Read an instance with its journal, in one go; None where it has ended or never was."""

    key: int = field(kw_only=True)
    path: str = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> Loaded | None:
        key = {"key": self.key}
        row = tx.execute(sql.instance, key).fetchone()
        if row is None or row[8] not in LIVE:
            return None
        _key, id, process, version, run, kind, item, arguments, state, waits_for, until = row[:11]
        tx.write_rows()  # rows that other works of this group left for later
        rows, chain = verified(self.key, id, self.path, tx.execute(sql.journal, key))
        return Loaded(
            self.key,
            id,
            process,
            version,
            run,
            None if kind is None else (kind, item),
            arguments,
            state,
            waits_for,
            until,
            rows,
            chain,
            [self._delivery(*arrival) for arrival in tx.execute(sql.arrivals, key)],
            [Signal(*signal) for signal in tx.execute(sql.unread, key)],
            {
                address: Attempted(count, bool(started), again)
                for address, count, started, again in tx.execute(sql.attempts, key)
            },
        )

    def _delivery(self, arrival: int, address: str, kind: str, payload: str | None) -> Delivery:
        if kind == "timer":
            return Due(address, arrival)
        if kind == "cancel":
            return CancelAsked(arrival)
        if kind == "accepted":
            return Settled(address, arrival, self.codec.decode(payload or "null"), None)
        if kind == "refused":
            return Settled(address, arrival, None, self.codec.decode_error(payload or "null"))
        return Arrived(address, arrival, self.codec.decode(payload or "null", Event))


@define(eq=False)
class Fired:
    """Timers that were due, and the moment of the next one."""

    due: list[tuple[int, Due]]
    next: datetime | None


@define(eq=False)
class Fire(Asked[Fired]):
    """Turn due timers into arrivals, the longest overdue first."""

    now: datetime = field(kw_only=True)

    def write(self, tx: Transaction) -> Fired:
        tx.write_rows()
        due = tx.execute(sql.due_timers, {"now": moment_text(self.now), "batch": TIMERS_A_GROUP}).fetchall()
        fired = [(instance, Due(address, self._move(tx, instance, address))) for _deadline, instance, address in due]
        (following,) = tx.execute(sql.next_timer).fetchone()
        return Fired(fired, None if following is None else moment(following))

    def _move(self, tx: Transaction, instance: int, address: str) -> int:
        tx.execute(sql.end_timer, (instance, address))
        row = {"key": instance, "address": address, "kind": "timer", "payload": None}
        return int(tx.execute(sql.add_arrival, row).lastrowid or 0)


@define(eq=False)
class Posted:
    """A signal that was written: what to deliver, and whether a wait is open for it."""

    key: int
    signal: Signal | None
    wanted: bool


@define(eq=False)
class Send(Asked[Posted]):
    """Send a signal to an instance. Raises InstanceNotFound."""

    id: str = field(kw_only=True)
    name: str = field(kw_only=True)
    value: str = field(kw_only=True)
    once: str | None = field(kw_only=True)

    def write(self, tx: Transaction) -> Posted:
        row = tx.execute(sql.same_id, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        key, state = row[0], row[5]
        if state not in LIVE:
            return Posted(key, None, wanted=False)
        cursor = tx.execute(sql.add_signal, {"key": key, "name": self.name, "value": self.value, "once": self.once})
        if cursor.rowcount == 0:
            return Posted(key, None, wanted=False)  # the same key again
        wanted = tx.execute(sql.subscribers, {"key": signalled(key, self.name)}).fetchone() is not None
        return Posted(key, Signal(int(cursor.lastrowid or 0), self.name, self.value), wanted)


@define(eq=False)
class AskCancel(Asked["tuple[int, CancelAsked | None]"]):
    """Ask an instance to cancel itself; None where it has ended. Raises InstanceNotFound."""

    id: str = field(kw_only=True)

    def write(self, tx: Transaction) -> tuple[int, CancelAsked | None]:
        row = tx.execute(sql.same_id, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        if row[5] not in LIVE:
            return row[0], None
        arrival = {"key": row[0], "address": "", "kind": "cancel", "payload": None}
        return row[0], CancelAsked(int(tx.execute(sql.add_arrival, arrival).lastrowid or 0))


@define(eq=False)
class End(Asked["list[Woken] | None"]):
    """End an instance from outside, or set it aside; None where it has ended already."""

    key: int = field(kw_only=True)
    ending: Ending = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> list[Woken] | None:
        row = tx.execute(sql.instance, {"key": self.key}).fetchone()
        if row is None or row[8] not in LIVE:
            return None
        return end(tx, self.key, self.ending, self.codec)
