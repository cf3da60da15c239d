"""
A turn: what one instance writes between two commits.

It is built on the loop's thread, run on the writer's, and read on the loop's again.

It may run more than once (a group that was undone is run again), so `run` begins from what it was given, and sets
anew what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, cast

from attrs import define, field, frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import AwaitChild, Delivered, Late, Pending
from bizproc.core.driver import Ask
from bizproc.engines.embedded.children import Leaving, cancel, look
from bizproc.engines.embedded.endings import Ending, begin_anew, by_action, end
from bizproc.engines.embedded.events import Woken, deliver
from bizproc.engines.embedded.journal import Chain, Entry, entry
from bizproc.engines.embedded.performing import Context, MakePort, perform
from bizproc.engines.embedded.posts import Post
from bizproc.engines.embedded.starting import Started, insert
from bizproc.ports.performing import ItemRef
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment_text

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
        leaving: Whose children are to be cancelled.
        entries: Outcomes that were delivered already, and waits that began.
        statements: Other rows; they are written just before the commit, in whatever order.
        timers: The deadlines among them.
        subscriptions: Key and address; written at once, so that nothing that happens in this group is missed.
        actions: Local actions and checks to perform, in the order in which they were asked.
        again: Those of them that are waits which began before, with their deadlines.
        late: Those of them that are deliveries whose verdict has not come in time.
        busy: Whether step bodies run, or are to begin, once it is committed.
        waits: The waits that are open then, but for those that begin in the run.
        ending: How the instance ends, if it does.
        answers, began, woken, started, cancels, posts, ended: After the run: what the actions came to, the waits that
        began
            with their deadlines, who was woken, the children that were added, those that were cancelled with the
            arrivals
            that say so, what is to be sent, and how the instance ended after all.
    """

    owner: Owner
    key: int
    name: str
    document: ItemRef | None
    chain: Chain
    standing: Standing
    codec: Codec
    make_port: MakePort
    channels: Mapping[str, Any]
    step_key: Callable[[str], str]
    trace: list[str] | None = None
    entries: list[Entry] = field(factory=list)
    statements: list[tuple[str, tuple[Any, ...]]] = field(factory=list)
    timers: list[datetime] = field(factory=list)
    subscriptions: list[tuple[str, str]] = field(factory=list)
    leaving: list[Leaving] = field(factory=list)
    actions: list[Ask] = field(factory=list)
    again: dict[str, datetime | None] = field(factory=dict)
    late: set[str] = field(factory=set)
    busy: bool = False
    waits: list[Waiting] = field(factory=list)
    ending: Ending | None = None
    anew: str | None = None
    answers: list[Answer] = field(factory=list)
    began: dict[str, datetime | None] = field(factory=dict)
    woken: list[Woken] = field(factory=list)
    started: list[Started] = field(factory=list)
    cancels: list[tuple[int, int]] = field(factory=list)
    posts: list[Post] = field(factory=list)
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
            or self.leaving
            or self.ending
            or self.anew is not None
        )

    # -- on the writer's thread ----------------------------------------------------------------------------------------

    def run(self, tx: Transaction) -> None:
        """Write it all into the group's transaction."""
        self.answers, self.began, self.woken, self.started, self.posts, self._began_waits = [], {}, [], [], [], []
        self.cancels = []
        self.ended = self.ending
        self.chain = self._from.copy()
        for one in self.entries:
            self._append(tx, one)
        for text, row in self.statements:
            tx.later(text, row)
        for key, address in self.subscriptions:
            tx.execute(sql.subscribe, {"key": key, "instance": self.key, "address": address})
        for branch in self.leaving:
            self.cancels += cancel(tx, self.key, branch)
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
        command = Late(cast("Delivered[Any]", ask.command)) if ask.address in self.late else ask.command
        performed = perform(tx, command, self._context(ask.address), ask.prepared)
        if isinstance(performed.value, Pending):
            self._begin_waiting(tx, ask, performed.value)
        else:
            event: Final = "returned" if performed.error is None else "raised"
            self._append(tx, entry(ask.address, event, ask.noted, performed.encoded))
            self.answers.append(Answer(ask, performed.value, performed.error))
        if performed.post is not None:
            self.posts.append(performed.post)
        self.woken += deliver(tx, performed.events, self.codec)
        if performed.ended_by is not None:
            self.ended = by_action(performed.ended_by, self.codec)

    def _context(self, address: str) -> Context:
        def primitive(tx: Transaction, command: Any) -> Any:
            if isinstance(command, AwaitChild):
                return look(tx, command, self.codec)
            parent = None if command.detached else (self.key, address)
            started = insert(tx, command.call, self.step_key(address), self.codec, parent=parent)
            self.started.append(started)
            return started.id

        return Context(
            self.codec,
            self.make_port,
            self.channels,
            self.name,
            self.step_key(address),
            self.document,
            (self.key, address),
            primitive,
        )

    def _begin_waiting(self, tx: Transaction, ask: Ask, pending: Pending) -> None:
        address = ask.address
        when = self.again.get(address, pending.deadline)
        deadline = None if when is None else moment_text(when)
        if address not in self.again:
            self._append(tx, entry(address, "began", ask.noted, deadline))
        for key in pending.keys:
            tx.execute(sql.subscribe, {"key": key, "instance": self.key, "address": address})
        if deadline is not None:
            tx.later(sql.add_timer, (self.key, address, deadline, "wait"))
        self.began[address] = when
        if address not in self.again:
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
        return Standing("waiting", _in_words(waits), min(deadlines, default=None))

    def standing_now(self) -> Standing:
        """After the commit: what the store says of the instance."""
        return self._standing()


_SHOWN: Final = 3


def _in_words(waits: list[Waiting]) -> str:
    """The first few; who wants all of them looks at the journal."""
    words = ", ".join(wait.what for wait in waits[:_SHOWN])
    return words if len(waits) <= _SHOWN else f"{words} and {len(waits) - _SHOWN} more"
