"""
A turn: what one instance writes between two commits. Built on the loop's thread, run on the writer's, read on the loop's again.

It may run more than once (a group that was undone is run again), so `run` begins from what it was given, and sets
anew what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias, TypeVar

from attrs import define, field, frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import Action, AwaitChild, Done, Event, Listening, Pending
from bizproc.core.driver import Ask
from bizproc.core.errors import StoreError
from bizproc.engines.embedded.children import look
from bizproc.engines.embedded.events import Woken, deliver
from bizproc.engines.embedded.journal import Chain, Entry, entry
from bizproc.engines.embedded.starting import Started, insert
from bizproc.ports.performing import ItemRef, Performing
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment_text

T = TypeVar("T")
MakePort: TypeAlias = Callable[[Performing], Any]

sql: Final = load("bizproc.engines.embedded", "statements.sql")


@frozen
class Answer:
    """What a local action or check came to; it stands in the journal already."""

    ask: Ask
    value: Any
    error: BaseException | None


@define
class Standing:
    """What an instance does between its turns, as the store knows it."""

    state: str = "running"
    waits_for: str | None = None
    until: str | None = None


@define
class Waiting:
    """An open wait as people are told of it."""

    what: str
    deadline: str | None


@frozen
class Ending:
    """How an instance ends with a turn; one that is not `final` is set aside and can go on."""

    state: str
    outcome: str | None = None
    error: str | None = None
    ended_by: str | None = None
    final: bool = True


class Owner(Protocol):
    """Who takes the turn."""

    def committed(self, turn: Turn) -> None:
        """The turn is on disk."""

    def failed(self, error: BaseException) -> None:
        """The turn was not written and never will be."""


@define(eq=False)
class Turn:
    """
    The writes of one instance, in order.

    Attributes:
        key, name, document: Whose turn it is.
        chain: Where its journal stands before the turn, and after the run, behind it.
        entries: Outcomes that were delivered already, and waits that began.
        statements: Other rows; they are written just before the commit, in whatever order.
        timers: The deadlines among them.
        subscriptions: Key and address; written at once, so that nothing that happens in this group is missed.
        actions: Local actions and checks to perform, in the order in which they were asked.
        busy: Whether step bodies run, or are to begin, once it is committed.
        waits: The waits that are open then, but for those that begin in the run.
        ending: How the instance ends, if it does.
        answers, began, woken, started, ended: After the run: what the actions came to, the waits that began with their
            deadlines, who was woken, the children that were added, and how the instance ended after all.
    """

    owner: Owner
    key: int
    name: str
    document: ItemRef | None
    chain: Chain
    standing: Standing
    codec: Codec
    make_port: MakePort
    step_key: Callable[[str], str]
    trace: list[str] | None = None
    entries: list[Entry] = field(factory=list)
    statements: list[tuple[str, tuple[Any, ...]]] = field(factory=list)
    timers: list[datetime] = field(factory=list)
    subscriptions: list[tuple[str, str]] = field(factory=list)
    actions: list[Ask] = field(factory=list)
    busy: bool = False
    waits: list[Waiting] = field(factory=list)
    ending: Ending | None = None
    anew: str | None = None
    answers: list[Answer] = field(factory=list)
    began: dict[str, datetime | None] = field(factory=dict)
    woken: list[Woken] = field(factory=list)
    started: list[Started] = field(factory=list)
    ended: Ending | None = None
    patient: bool = True
    _from: Chain = field(init=False)
    _began_waits: list[Waiting] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self._from = self.chain

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (
            self.entries
            or self.actions
            or self.statements
            or self.subscriptions
            or self.ending
            or self.anew is not None
        )

    # -- on the writer's thread ----------------------------------------------------------------------------------------

    def run(self, tx: Transaction) -> None:
        """Write it all into the group's transaction."""
        self.answers, self.began, self.woken, self.started, self._began_waits = [], {}, [], [], []
        self.ended = self.ending
        self.chain = self._from.copy()
        for one in self.entries:
            self._append(tx, one)
        for text, row in self.statements:
            tx.later(text, row)
        for key, address in self.subscriptions:
            tx.execute(sql.subscribe, {"key": key, "instance": self.key, "address": address})
        for ask in self.actions:
            if self.ended is None:
                self._perform(tx, ask)
        self._leave(tx)

    def committed(self) -> None:
        """The turn is on disk."""
        self.owner.committed(self)

    def failed(self, error: BaseException) -> None:
        """The turn was not written and never will be."""
        self.owner.failed(error)

    def _append(self, tx: Transaction, one: Entry) -> None:
        if self.trace is not None:
            self.trace.append(f"{self.name} step {one.address or '(all)'} {one.event} {one.name or ''}".rstrip())
        tx.later(sql.append, self.chain.row(self.key, one, tx.now_text))

    def _perform(self, tx: Transaction, ask: Ask) -> None:
        """One local action or check, under its savepoint: what it raises undoes it alone, and is its outcome."""
        performed = perform(tx, ask.command, self._context(ask.address))
        if isinstance(performed.value, Pending):
            self._begin_waiting(tx, ask, performed.value)
        else:
            event: Final = "returned" if performed.error is None else "raised"
            self._append(tx, entry(ask.address, event, ask.noted, performed.encoded))
            self.answers.append(Answer(ask, performed.value, performed.error))
        self.woken += deliver(tx, performed.events, self.codec)
        if performed.ended_by is not None:
            state = "completed" if performed.ended_by == STAGE_CHANGED else "terminated"
            self.ended = Ending(state, self.codec.encode(None), ended_by=performed.ended_by)

    def _context(self, address: str) -> Context:
        def primitive(tx: Transaction, command: Any) -> Any:
            if isinstance(command, AwaitChild):
                return look(tx, command, self.codec)
            started = insert(tx, command.call, self.step_key(address), self.codec, parent=(self.key, address))
            self.started.append(started)
            return started.id

        return Context(self.codec, self.make_port, self.name, self.step_key(address), self.document, primitive)

    def _begin_waiting(self, tx: Transaction, ask: Ask, pending: Pending) -> None:
        address = ask.address
        deadline = None if pending.deadline is None else moment_text(pending.deadline)
        self._append(tx, entry(address, "began", ask.noted, deadline))
        for key in pending.keys:
            tx.execute(sql.subscribe, {"key": key, "instance": self.key, "address": address})
        if deadline is not None:
            tx.later(sql.add_timer, (self.key, address, deadline, "wait"))
        self.began[address] = pending.deadline
        self._began_waits.append(Waiting(ask.noted.shown(), deadline))

    def _leave(self, tx: Transaction) -> None:
        """What the store is to say of the instance until its next turn."""
        if self.ended is not None:
            self.woken += end(tx, self.key, self.ended, self.codec)
        elif self.anew is not None:
            begin_anew(tx, self.key, self.anew)
        else:
            standing = self._standing()
            if standing != self.standing:
                tx.later(sql.set_state, (standing.state, standing.waits_for, standing.until, self.key))

    def _standing(self) -> Standing:
        waits = self.waits + self._began_waits
        if self.busy or self.answers or not waits:
            return Standing()
        deadlines = [wait.deadline for wait in waits if wait.deadline is not None]
        return Standing("waiting", ", ".join(wait.what for wait in waits), min(deadlines, default=None))

    def standing_now(self) -> Standing:
        """After the commit: what the store says of the instance."""
        return self._standing()


STAGE_CHANGED: Final = "stage changed"


@frozen
class Context:
    """In whose name something is performed; `run` does what the engine itself must do (children)."""

    codec: Codec
    make_port: MakePort
    instance: str | None
    key: str
    document: ItemRef | None
    primitive: Callable[[Transaction, Any], Any]


@frozen
class Performed:
    """A local action or check that has run: its value or error, that encoded, and what it brought about."""

    value: Any
    error: BaseException | None
    encoded: str | None
    events: list[Event]
    ended_by: str | None


def perform(tx: Transaction, command: Any, context: Context) -> Performed:
    """Run a local action or check under a savepoint of its own; its failure is its outcome, the store's is not."""
    events: list[Event] = []
    ends: list[str] = []
    performing = Performing(
        transaction=tx,
        now=tx.now,
        instance=context.instance,
        key=context.key,
        document=context.document,
        ending=ends.append,
        events=events,
    )
    try:
        with tx.savepoint():
            value = _value(tx, command, context, performing)
            encoded = None if isinstance(value, Pending) else context.codec.encode(value, command.result_type)
    except StoreError:
        raise  # not the action's affair: the whole group waits, or is lost
    except Exception as error:  # noqa: BLE001  whatever an action raises is its outcome
        return Performed(None, error, context.codec.encode_error(error), [], None)
    return Performed(value, None, encoded, events, ends[0] if ends else None)


def _value(tx: Transaction, command: Any, context: Context, performing: Performing) -> Any:
    if isinstance(command, Action):
        return finished(command.perform(context.make_port(performing)), command)
    if isinstance(command, Listening):
        answer = finished(command.begin(context.make_port(performing)), command)
        return answer.value if isinstance(answer, Done) else answer
    return context.primitive(tx, command)


def finished(coroutine: Coroutine[Any, Any, T], command: Action[T] | Listening[T]) -> T:
    """The value of a coroutine that must not suspend: the store's only transaction is open around it."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    coroutine.close()
    raise RuntimeError(
        f"{command.name} suspended inside the store's transaction: a local action may not wait for anything"
    )


def end(tx: Transaction, key: int, ending: Ending, codec: Codec) -> list[Woken]:
    """Write an instance's ending, clear what could wake it, and tell those who wait for it."""
    row = {
        "key": key,
        "state": ending.state,
        "outcome": ending.outcome,
        "error": ending.error,
        "ended_by": ending.ended_by,
    }
    tx.execute(sql.end_instance, {**row, "ended_at": tx.now_text if ending.final else None})
    if not ending.final:
        return []
    clear(tx, key)
    return deliver(tx, [Event("instance.ended", f"instance:{key}", {"state": ending.state})], codec)


def begin_anew(tx: Transaction, key: int, arguments: str) -> None:
    """Empty an instance's journal; its unread signals stay."""
    clear(tx, key)
    tx.write_rows()  # the last entries of the old run go with the others
    tx.execute(sql.clear_journal, {"key": key})
    tx.execute(sql.begin_anew, {"key": key, "arguments": arguments})


def clear(tx: Transaction, key: int) -> None:
    """Forget all that could wake an instance."""
    tx.write_rows()  # rows left for later are written first, or they would come after
    for text in (sql.clear_timers, sql.clear_subscriptions, sql.clear_arrivals, sql.clear_attempts):
        tx.execute(text, {"key": key})
