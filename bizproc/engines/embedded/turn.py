"""
A turn: what one instance writes between two commits.

It is built on the loop's thread, run on the writer's, and read on the loop's again.

It may run more than once (a group that was undone is run again), so `run` begins from what it was given, and sets
anew what it finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol, cast

from attrs import define, field, frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import AwaitChild, Delivered, Late, Pending, Visible
from bizproc.core.driver import Ask
from bizproc.engines.embedded.children import Leaving, cancel, look
from bizproc.engines.embedded.endings import Ending, begin_anew, by_action
from bizproc.engines.embedded.journal import Chain, Entry, entry
from bizproc.engines.embedded.performing import Context, Over, nowhere, perform
from bizproc.engines.embedded.posts import Post
from bizproc.engines.embedded.reactions import Reaction, Reactions
from bizproc.engines.embedded.starting import Origin
from bizproc.ports.performing import ItemRef
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment_text

sql: Final = load("bizproc.engines.embedded", "statements.sql")
log: Final = logging.getLogger("bizproc")


@frozen
class Answer:
    """What a local action or check came to; it stands in the journal already."""

    ask: Ask
    value: Any
    error: BaseException | None


@frozen
class Standing:
    """What an instance does between its turns, as the store knows it."""

    state: str = "running"
    waits_for: str | None = None
    until: str | None = None


RUNNING: Final = Standing()


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


@frozen(eq=False)
class Whose:
    """
    Whose turns they are: the same for all turns of an instance.

    Attributes:
        owner: Who takes them.
        key, name, process, document: The instance.
        codec, reactions, channels: The engine's.
        step_key: Gives the key of a step by its address.
        trace: Where what is journalled is written down, if somebody looks for a commit that went wrong.
    """

    owner: Owner
    key: int
    name: str
    process: str
    document: ItemRef | None
    codec: Codec
    reactions: Reactions
    channels: Mapping[str, Any]
    step_key: Callable[[str], str]
    trace: list[str] | None = None


@define(eq=False)
class Turn:
    """
    The writes of one instance, in order.

    Attributes:
        whose, key: Whose turn it is.
        quiet: Whether it has had no row yet that could wake it, but for arrivals.
        chain: Where its journal stands before the turn, and after the run, behind it.
        leaving: Whose children are to be cancelled.
        entries: Outcomes that were delivered already, and waits that began.
        statements: Other rows; they are written just before the commit, in whatever order.
        timers: The deadlines among them.
        subscriptions: Key and address; written at once, so that nothing that happens in this group is missed.
        over: Visible waits that are over, each with its answer: None where nobody waits any more.
        actions: Local actions and checks to perform, in the order in which they were asked.
        again: Those of them that are waits which began before, with their deadlines.
        late: Those of them that are deliveries whose verdict has not come in time.
        busy: Whether step bodies run, or are to begin, once it is committed.
        waits: The waits that are open then, but for those that begin in the run.
        ending: How the instance ends, if it does.
        answers, began, reaction, cancels, posts, ended: After the run: what the actions came to, the waits that began
            with their deadlines, what else they brought about (children, too), the children that were cancelled with
            the arrivals that say so, what is to be sent, and how the instance ended after all. All of it is empty where
            the instance had been ended by another's commit: then nothing is written.
    """

    whose: Whose
    key: int
    chain: Chain
    standing: Standing
    quiet: bool = False
    entries: list[Entry] = field(factory=list)
    statements: list[tuple[str, tuple[Any, ...]]] = field(factory=list)
    timers: list[datetime] = field(factory=list)
    subscriptions: list[tuple[str, str]] = field(factory=list)
    leaving: list[Leaving] = field(factory=list)
    over: list[tuple[str, Visible[Any], Any]] = field(factory=list)
    actions: list[Ask] = field(factory=list)
    again: dict[str, datetime | None] = field(factory=dict)
    late: set[str] = field(factory=set)
    busy: bool = False
    waits: list[Waiting] = field(factory=list)
    ending: Ending | None = None
    anew: str | None = None
    answers: list[Answer] = field(factory=list)
    began: dict[str, datetime | None] = field(factory=dict)
    reaction: Reaction | None = None
    cancels: list[tuple[int, int]] = field(factory=list)
    posts: list[Post] = field(factory=list)
    ended: Ending | None = None
    patient: bool = True
    _from: Chain = field(init=False)
    _ran: bool = False
    _began_waits: list[Waiting] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self._from = self.chain

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (
            self.entries
            or self.actions
            or self.over
            or self.statements
            or self.subscriptions
            or self.leaving
            or self.ending
            or self.anew is not None
        )

    # -- on the writer's thread ----------------------------------------------------------------------------------------

    def run(self, tx: Transaction) -> None:
        """Write it all into the group's transaction."""
        if self._ran:
            self.answers, self.began, self.posts, self._began_waits, self.cancels = [], {}, [], [], []
            self.reaction = self.ended = None
        self._ran = True
        self.chain = self._from.copy()
        if self.whose.reactions.is_over(tx, self.key):
            return
        self.ended = self.ending
        for one in self.entries:
            self._append(tx, one)
        for text, row in self.statements:
            tx.later(text, row)
        if self._only_tells():
            self._stand(tx)
        else:
            self.reaction = self.whose.reactions.begin(tx, self.key)
            self._write(tx, self.reaction)

    def _only_tells(self) -> bool:
        """Whether it does nothing but write down what was delivered already: most turns do."""
        return not (
            self.actions or self.ending or self.subscriptions or self.over or self.leaving or self.anew is not None
        )

    def _write(self, tx: Transaction, reaction: Reaction) -> None:
        for key, address in self.subscriptions:
            tx.execute(sql.subscribe, {"key": key, "instance": self.key, "address": address, "trigger": None})
        for branch in self.leaving:
            self.cancels += cancel(tx, self.key, branch, reaction)
        for address, wait, answer in self.over:
            self._show_over(tx, address, wait, answer, reaction)
        for ask in self.actions:
            if self.ended is None:
                self._perform(tx, ask, reaction)
        self._leave(tx, reaction)

    def committed(self) -> None:
        """The turn is on disk."""
        self.whose.owner.committed(self)

    def failed(self, error: BaseException) -> None:
        """The turn was not written and never will be."""
        self.whose.owner.failed(error)

    def _append(self, tx: Transaction, one: Entry) -> None:
        if self.whose.trace is not None:
            self.whose.trace.append(
                f"{self.whose.name} step {one.address or '(all)'} {one.event} {one.name or ''}".rstrip()
            )
        tx.later(sql.append, self.chain.row(self.key, one, tx.now_text))

    def _perform(self, tx: Transaction, ask: Ask, reaction: Reaction) -> None:
        """One local action or check, under its savepoint: what it raises undoes it alone, and is its outcome."""
        command = Late(cast("Delivered[Any]", ask.command)) if ask.address in self.late else ask.command
        performed = perform(tx, command, self._context(ask.address, reaction, ask.function), ask.prepared)
        if isinstance(performed.value, Pending):
            self._begin_waiting(tx, ask, performed.value)
        else:
            event: Final = "returned" if performed.error is None else "raised"
            self._append(tx, entry(ask.address, event, ask.noted, performed.encoded))
            self.answers.append(Answer(ask, performed.value, performed.error))
        if performed.post is not None:
            self.posts.append(performed.post)
        self.posts += performed.follow_ups
        reaction.to(performed.events, performed.clears)
        # What it does on purpose goes before what follows from it.
        self.ended = reaction.own_ending
        if performed.ended_by is not None:
            self.ended = by_action(performed.ended_by, self.whose.codec)

    def _show_over(self, tx: Transaction, address: str, wait: Visible[Any], answer: Any, reaction: Reaction) -> None:
        """A wait is over, whatever becomes of what was shown of it: its answer was given already."""
        performed = perform(tx, Over(wait, answer), self._context(address, reaction))
        reaction.to(performed.events)
        if performed.error is not None:
            log.error(
                "instance %s, step %s: its wait is over and still shown",
                self.whose.name,
                address,
                exc_info=performed.error,
            )

    def _context(self, address: str, reaction: Reaction, function: Callable[[], str | None] = nowhere) -> Context:
        def primitive(tx: Transaction, command: Any) -> Any:
            if isinstance(command, AwaitChild):
                return look(tx, command, self.whose.codec)
            parent = None if command.detached else (self.key, address)
            return reaction.start(command.call, self.whose.step_key(address), Origin(parent, self.key)).id

        return Context(
            self.whose.codec,
            self.whose.reactions.make_port,
            self.whose.channels,
            self.whose.name,
            self.whose.step_key(address),
            self.whose.document,
            (self.key, address),
            primitive,
            self.whose.process,
            function,
        )

    def _begin_waiting(self, tx: Transaction, ask: Ask, pending: Pending) -> None:
        address = ask.address
        when = self.again.get(address, pending.deadline)
        deadline = None if when is None else moment_text(when)
        if address not in self.again:
            self._append(tx, entry(address, "began", ask.noted, deadline))
        trigger = None if pending.trigger is None else self.whose.codec.encode(pending.trigger)
        for key in pending.keys:
            row = {"key": key, "instance": self.key, "address": address, "trigger": trigger}
            tx.execute(sql.subscribe, row)
        if deadline is not None:
            tx.later(sql.add_timer, (self.key, address, deadline, "wait"))
        self.began[address] = when
        if address not in self.again:
            self._began_waits.append(Waiting(ask.noted.shown(), deadline))

    def _leave(self, tx: Transaction, reaction: Reaction) -> None:
        """What the store is to say of the instance until its next turn."""
        if self.ended is not None:
            reaction.write_end(self.key, self.ended, quiet=self.is_quiet())
        elif self.anew is not None:
            reaction.close_waits(self.key, "cancelled")
            begin_anew(tx, self.key, self.anew)
        else:
            self._stand(tx)

    def _stand(self, tx: Transaction) -> None:
        standing = self._standing()
        if standing is not self.standing and standing != self.standing:
            tx.later(sql.set_state, (standing.state, standing.waits_for, standing.until, self.key))

    def is_quiet(self) -> bool:
        """After the run: whether the instance has never had a row that could wake it."""
        return self.quiet and not (self.statements or self.subscriptions or self.began)

    def _standing(self) -> Standing:
        if self.busy or self.answers or not (self.waits or self._began_waits):
            return RUNNING
        waits = self.waits + self._began_waits
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
