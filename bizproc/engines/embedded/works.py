"""What the engine asks of the writer besides turns: add, load, fire, post, end. Each is one work in a group."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Final, TypeVar

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Event
from bizproc.core.errors import InstanceNotFound, NotResumable, StartRefused, UnknownProcess
from bizproc.core.process import Call
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.deliveries import Arrived, CancelAsked, Delivery, Due, Settled, Signal, SkipAsked
from bizproc.engines.embedded.endings import LIVE, Ending
from bizproc.engines.embedded.journal import verified
from bizproc.engines.embedded.loaded import Attempted, Loaded
from bizproc.engines.embedded.performing import Context, Performed, perform
from bizproc.engines.embedded.posts import Post
from bizproc.engines.embedded.reactions import Reaction, Reactions
from bizproc.engines.embedded.starting import Started
from bizproc.ports.performing import ItemRef
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment, moment_text
from bizproc.triggers.keys import signalled

T = TypeVar("T")
sql: Final = load("bizproc.engines.embedded", "statements.sql")

# How many due timers one group moves: a bound on how long others wait behind a flood of them.
TIMERS_A_GROUP: Final = 500
POSTS_A_GROUP: Final = 500

REWIRE: Final = "rewire"
"""An arrival of this kind: the instance had ended and was retried; what would wake it must be written again."""

UNSTICK: Final = "unstick"
"""An arrival of this kind: the instance was stuck and was retried; what kept it may have been its settings."""


@define(eq=False)
class Run(Asked[T]):
    """Run a function in the transaction."""

    function: Callable[[Transaction], T] = field(kw_only=True)

    def write(self, tx: Transaction) -> T:
        return self.function(tx)


@define(eq=False)
class Reacting(Asked[T]):
    """A work that may bring about something besides itself: it writes with a reaction."""

    reactions: Reactions = field(kw_only=True)


@define(eq=False)
class Add(Reacting["tuple[Started, Reaction]"]):
    """Start a call."""

    call: Call[Any] = field(kw_only=True)
    id: str | None = field(kw_only=True)

    def write(self, tx: Transaction) -> tuple[Started, Reaction]:
        reaction = self.reactions.begin(tx)
        return reaction.start(self.call, self.id), reaction


@define(eq=False)
class Perform(Reacting["tuple[Performed, Reaction]"]):
    """Perform one action outside any process."""

    action: Any = field(kw_only=True)
    context: Context = field(kw_only=True)
    prepared: Any = field(default=None, kw_only=True)

    def write(self, tx: Transaction) -> tuple[Performed, Reaction]:
        performed, reaction = perform(tx, self.action, self.context, self.prepared), self.reactions.begin(tx)
        reaction.to(performed.events, performed.clears)
        return performed, reaction


@define(eq=False)
class Publish(Reacting["Reaction"]):
    """Tell a fact that concerns no item."""

    event: Event = field(kw_only=True)

    def write(self, tx: Transaction) -> Reaction:
        reaction = self.reactions.begin(tx)
        reaction.to([self.event])
        return reaction


@define(eq=False)
class Load(Asked["Loaded | None"]):
    """Read an instance with its journal, in one go; None where it has ended, never was, or waits for its turn."""

    key: int = field(kw_only=True)
    path: str = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> Loaded | None:
        key = {"key": self.key}
        row = tx.execute(sql.instance, key).fetchone()
        if row is None or row[8] not in LIVE or row[13] is not None:
            return None
        tx.write_rows()  # rows that other works of this group left for later
        arrivals = tx.execute(sql.arrivals, key).fetchall()
        rows, chain = verified(self.key, row[1], self.path, tx.execute(sql.journal, key))
        return Loaded(
            key=self.key,
            id=row[1],
            process=row[2],
            version=row[3],
            run=row[4],
            document=None if row[5] is None else ItemRef(row[5], row[6]),
            arguments=row[7],
            state=row[8],
            waits_for=row[9],
            until=row[10],
            rows=rows,
            chain=chain,
            arrivals=[self._delivery(*arrival) for arrival in arrivals if arrival[2] not in (REWIRE, UNSTICK)],
            signals=[Signal(*signal) for signal in tx.execute(sql.unread, key)],
            attempts={
                address: Attempted(count, bool(started), again)
                for address, count, started, again in tx.execute(sql.attempts, key)
            },
            crashes=row[11],
            printed_in=row[12],
            retried=next((id for id, _address, kind, _payload in arrivals if kind == REWIRE), None),
            unstuck=tuple(id for id, _address, kind, _payload in arrivals if kind == UNSTICK),
        )

    def _delivery(self, arrival: int, address: str, kind: str, payload: str | None) -> Delivery:
        if kind == "timer":
            return Due(address, arrival)
        if kind == "cancel":
            return CancelAsked(arrival)
        if kind == "skip":
            return SkipAsked(arrival)
        if kind == "accepted":
            return Settled(address, arrival, self.codec.decode(payload or "null"), None)
        if kind == "refused":
            return Settled(address, arrival, None, self.codec.decode_error(payload or "null"))
        return Arrived(address, arrival, self.codec.decode(payload or "null", Event))


@define(eq=False)
class Fired:
    """Timers and posts that were due, and the moment of the next one."""

    due: list[tuple[int, Due]]
    posts: list[Post]
    next: datetime | None


@define(eq=False)
class Fire(Asked[Fired]):
    """Turn due timers into arrivals, and find the posts that are due, the longest overdue first."""

    now: datetime = field(kw_only=True)

    def write(self, tx: Transaction) -> Fired:
        tx.write_rows()
        due = tx.execute(sql.due_timers, {"now": moment_text(self.now), "batch": TIMERS_A_GROUP}).fetchall()
        fired = [(instance, Due(address, self._move(tx, instance, address))) for _deadline, instance, address in due]
        posts = [
            Post(*row) for row in tx.execute(sql.due_posts, {"now": moment_text(self.now), "batch": POSTS_A_GROUP})
        ]
        for one in posts:
            tx.execute(sql.due_now, (one.id,))
        moments = [tx.execute(each).fetchone()[0] for each in (sql.next_timer, sql.next_post)]
        following = min(filter(None, moments), default=None)
        return Fired(fired, posts, None if following is None else moment(following))

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
        signal = {"key": key, "name": self.name, "value": self.value, "once": self.once, "at": tx.now_text}
        cursor = tx.execute(sql.add_signal, signal)
        if cursor.rowcount == 0:
            return Posted(key, None, wanted=False)  # the same key again
        wanted = tx.execute(sql.subscribers, {"key": signalled(key, self.name)}).fetchone() is not None
        return Posted(key, Signal(int(cursor.lastrowid or 0), self.name, self.value), wanted)


@define(eq=False)
class AskCancel(Reacting["tuple[int, CancelAsked | None, Reaction]"]):
    """Ask an instance to cancel itself; None where it has ended, or ends at once. Raises InstanceNotFound."""

    id: str = field(kw_only=True)

    def write(self, tx: Transaction) -> tuple[int, CancelAsked | None, Reaction]:
        reaction = self.reactions.begin(tx)
        row = tx.execute(sql.same_id, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        key, state, queue = row[0], row[5], row[6]
        if queue is not None:  # it has not begun, and has nothing to clean up
            reaction.end(key, Ending("cancelled"))
        if state not in LIVE or queue is not None:
            return key, None, reaction
        arrival = {"key": key, "address": "", "kind": "cancel", "payload": None}
        return key, CancelAsked(int(tx.execute(sql.add_arrival, arrival).lastrowid or 0)), reaction


@define(eq=False)
class End(Reacting["Reaction | None"]):
    """End an instance from outside, or set it aside; None where it has ended already."""

    key: int = field(kw_only=True)
    ending: Ending = field(kw_only=True)

    def write(self, tx: Transaction) -> Reaction | None:
        row = tx.execute(sql.instance, {"key": self.key}).fetchone()
        if row is None or row[8] not in LIVE:
            return None
        reaction = self.reactions.begin(tx)
        reaction.write_end(self.key, self.ending)
        return reaction


@define(eq=False)
class AskSkip(Asked["tuple[int, SkipAsked]"]):
    """Ask that a wait be over. Raises InstanceNotFound, NotResumable."""

    id: str = field(kw_only=True)

    def write(self, tx: Transaction) -> tuple[int, SkipAsked]:
        row = tx.execute(sql.same_id, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        if row[5] != "waiting":
            raise NotResumable(instance=self.id, state=row[5], detail="there is no wait to skip.")
        if row[6] is not None:
            detail = "it waits for its turn: end the instance that runs before it."
            raise NotResumable(instance=self.id, state=row[5], detail=detail)
        arrival = {"key": row[0], "address": "", "kind": "skip", "payload": None}
        return row[0], SkipAsked(int(tx.execute(sql.add_arrival, arrival).lastrowid or 0))


@define(eq=False)
class Resume(Asked[int]):
    """
    Let an instance that failed or is stuck go on: at the step whose error it failed with, or where it stopped.

    Raises InstanceNotFound, NotResumable, StartRefused.
    """

    id: str = field(kw_only=True)
    only: Callable[[str, int, ItemRef | None], str | None] = field(kw_only=True)
    again: bool = field(default=False, kw_only=True)
    settled: bool = field(default=False, kw_only=True)  # somebody has said what became of a delivery that is unknown

    def write(self, tx: Transaction) -> int:
        row = tx.execute(sql.resumable, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        key, process, version, kind, item, state, failed_at = row
        if state not in ("failed", "stuck"):
            raise NotResumable(instance=self.id, state=state, detail="retry is for one that failed or is stuck.")
        only = self.only(process, version, None if kind is None else ItemRef(kind, item))
        self._see_that_it_is_alone(tx, key, process, only)
        if failed_at is not None:
            self._see_that_it_is_settled(tx, key, state, failed_at)
            self._see_that_nothing_is_repeated(tx, key, state, failed_at)
            tx.execute(sql.forget_from, {"key": key, "address": failed_at})
            tx.execute(sql.end_attempts, (key, failed_at))
        tx.execute(sql.resume, {"key": key, "only": only})
        kind_ = REWIRE if state == "failed" else UNSTICK
        tx.execute(sql.add_arrival, {"key": key, "address": "", "kind": kind_, "payload": None})
        return int(key)

    def _see_that_it_is_settled(self, tx: Transaction, key: int, state: str, failed_at: str) -> None:
        post = tx.execute(sql.unknown_post, {"key": key, "address": failed_at}).fetchone()
        if post is not None and not self.settled:
            detail = f"whether step {failed_at} was sent is unknown: say so, with settle."
            raise NotResumable(instance=self.id, state=state, detail=detail)

    def _see_that_nothing_is_repeated(self, tx: Transaction, key: int, state: str, failed_at: str) -> None:
        after = [address for (address,) in tx.execute(sql.effects_after, {"key": key, "address": failed_at})]
        if after and not self.again:
            steps = ", ".join(after)
            detail = f"steps {steps} were done after step {failed_at} had failed. To do them again: retry(again=True)."
            raise NotResumable(instance=self.id, state=state, detail=detail)

    def _see_that_it_is_alone(self, tx: Transaction, key: int, process: str, only: str | None) -> None:
        existing = None if only is None else tx.execute(sql.same_document, {"only": only}).fetchone()
        if existing is not None and existing[0] != key:
            document = str(only).partition(" ")[2]
            raise StartRefused(process=process, document=document, existing=existing[1], policy="single")


@define(eq=False)
class Suspects:
    """What a start finds after a crash: who has something to do, and who may have brought the program down."""

    ready: list[int]
    suspects: list[int]
    poisoned: list[int]


@define(eq=False)
class Survey(Asked[Suspects]):
    """Find out who has something to do; after a crash, count it against each of them."""

    protect: bool = field(kw_only=True)
    loaded: Collection[tuple[str, int]] = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> Suspects:
        self._take_up_again(tx)
        ready = [key for (key,) in tx.execute(sql.ready)]
        (orderly,) = tx.execute(sql.closed_orderly).fetchone()
        tx.execute(sql.open_again)
        if not self.protect:
            return Suspects(ready, [], [])
        if not orderly:
            for key in ready:
                tx.execute(sql.crashed, (key,))
        counted = {key: (crashes, alone) for key, crashes, alone in tx.execute(sql.suspects)}
        poisoned = [key for key in ready if counted.get(key, (0, 0))[1] >= DEATHS_ALONE]
        suspects = [key for key in ready if key in counted and key not in poisoned]
        return Suspects([key for key in ready if key not in counted], suspects, poisoned)

    def _take_up_again(self, tx: Transaction) -> None:
        """Instances that were set aside because nobody had loaded their process, and now it is loaded."""
        for key, process, version, error in tx.execute(sql.stuck).fetchall():
            missed = isinstance(self.codec.decode_error(error or "null"), UnknownProcess)
            if missed and (process, version) in self.loaded:
                tx.execute(sql.not_stuck, (key,))


# One that was alone in so many crashes is set aside. In how many it is in flight before it runs alone says `suspects`.
DEATHS_ALONE: Final = 2
