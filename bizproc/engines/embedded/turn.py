"""
A turn: what one instance writes between two commits.

It is built on the loop's thread, run on the writer's, and read on the loop's again.

It may run more than once (a group that was undone is run again), so `run` begins from what it was given, and sets
anew what it finds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final, Protocol, cast

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

_APPEND: Final = sql.append


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
class More:
    """
    What most turns have nothing of: all but the answers of steps. Made when the first of it comes.

    Attributes:
        statements: Rows; they are written just before the commit, in whatever order.
        timers: The deadlines among them.
        subscriptions: Key and address; written at once, so that nothing that happens in this group is missed.
        leaving: Whose children are to be cancelled.
        over: Visible waits that are over, each with its answer: None where nobody waits any more.
        actions: Local actions and checks to perform, in the order in which they were asked.
        again: Those of them that are waits which began before, with their deadlines.
        late: Those of them that are deliveries whose verdict has not come in time.
        answers, began, began_waits, cancels, posts: After the run: what the actions came to, the waits that began with
            their deadlines and as people are told of them, the children that were cancelled with the arrivals that say
            so, and what is to be sent.
    """

    statements: list[tuple[str, tuple[Any, ...]]] = field(factory=list)
    timers: list[datetime] = field(factory=list)
    subscriptions: list[tuple[str, str]] = field(factory=list)
    leaving: list[Leaving] = field(factory=list)
    over: list[tuple[str, Visible[Any], Any]] = field(factory=list)
    actions: list[Ask] = field(factory=list)
    again: dict[str, datetime | None] = field(factory=dict)
    late: set[str] = field(factory=set)
    answers: list[Answer] = field(factory=list)
    began: dict[str, datetime | None] = field(factory=dict)
    began_waits: list[Waiting] = field(factory=list)
    cancels: list[tuple[int, int]] = field(factory=list)
    posts: list[Post] = field(factory=list)

    def forget_the_run(self) -> None:
        """It is run once more."""
        self.answers, self.began, self.began_waits, self.cancels, self.posts = [], {}, [], [], []

    def only_tells(self) -> bool:
        """Whether there is nothing in it to be done, but rows to be written."""
        return not (self.actions or self.subscriptions or self.over or self.leaving)

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return self.only_tells() and not self.statements


@define(eq=False)
class Turn:
    """
    The writes of one instance, in order.

    Attributes:
        whose, key: Whose turn it is.
        chain, standing: Where its journal stands before the turn, and what the store says of the instance.
        quiet: Whether it has had no row yet that could wake it, but for arrivals.
        entries: Outcomes that were delivered already, and waits that began.
        rest: What most turns have nothing of; None where there is nothing of it.
        busy: Whether step bodies run, or are to begin, once it is committed.
        waits: The waits that are open then, but for those that begin in the run.
        ending: How the instance ends, if it does.
        anew: The arguments with which it begins anew, if it does.
        after, reaction, ended: After the run: where the journal stands behind it, what it brought about besides itself
            (children, too), and how the instance ended after all. Where the instance had been ended by another's
            commit, nothing is written.
    """

    whose: Whose
    key: int
    chain: Chain
    standing: Standing
    quiet: bool = False
    entries: list[Entry] = field(factory=list)
    rest: More | None = None
    busy: bool = False
    waits: Sequence[Waiting] = ()
    ending: Ending | None = None
    anew: str | None = None
    after: Chain = field(init=False)
    reaction: Reaction | None = None
    ended: Ending | None = None

    patient: ClassVar = True

    @property
    def more(self) -> More:
        """The rest, to write into."""
        if self.rest is None:
            self.rest = More()
        return self.rest

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        if self.entries or self.ending is not None or self.anew is not None:
            return False
        return self.rest is None or self.rest.is_empty()

    # -- on the writer's thread ----------------------------------------------------------------------------------------

    def run(self, tx: Transaction) -> None:
        """Write it all into the group's transaction."""
        rest, reactions = self.rest, self.whose.reactions
        self.after = self.chain
        self.reaction = self.ended = None
        if rest is not None:
            rest.forget_the_run()
        if self.key in reactions.ended and reactions.is_over(tx, self.key):
            return
        self.ended = self.ending
        self.after = chain = self.chain.copy()
        for one in self.entries:
            tx.later(_APPEND, chain.row(self.key, one, tx.now_text))
        if self.whose.trace is not None:
            self._trace(self.whose.trace, self.entries)
        if rest is not None:
            for text, row in rest.statements:
                tx.later(text, row)
        if self.ending is None and self.anew is None and (rest is None or rest.only_tells()):
            # It does nothing but write down what was delivered already: most turns do.
            self._stand(tx)
        else:
            self.reaction = reactions.begin(tx, self.key)
            self._write(tx, self.more, self.reaction)

    def _write(self, tx: Transaction, more: More, reaction: Reaction) -> None:
        for key, address in more.subscriptions:
            tx.execute(sql.subscribe, {"key": key, "instance": self.key, "address": address, "trigger": None})
        for branch in more.leaving:
            more.cancels += cancel(tx, self.key, branch, reaction)
        for address, wait, answer in more.over:
            self._show_over(tx, address, wait, answer, reaction)
        for ask in more.actions:
            if self.ended is None:
                self._perform(tx, ask, more, reaction)
        self._leave(tx, reaction)

    def committed(self) -> None:
        """The turn is on disk."""
        self.whose.owner.committed(self)

    def failed(self, error: BaseException) -> None:
        """The turn was not written and never will be."""
        self.whose.owner.failed(error)

    def _append(self, tx: Transaction, one: Entry) -> None:
        tx.later(_APPEND, self.after.row(self.key, one, tx.now_text))
        if self.whose.trace is not None:
            self._trace(self.whose.trace, [one])

    def _trace(self, trace: list[str], entries: Sequence[Entry]) -> None:
        name = self.whose.name
        trace += [f"{name} step {one.address or '(all)'} {one.event} {one.name or ''}".rstrip() for one in entries]

    def _perform(self, tx: Transaction, ask: Ask, more: More, reaction: Reaction) -> None:
        """One local action or check, under its savepoint: what it raises undoes it alone, and is its outcome."""
        command = Late(cast("Delivered[Any]", ask.command)) if ask.address in more.late else ask.command
        performed = perform(tx, command, self._context(ask.address, reaction, ask.function), ask.prepared)
        if isinstance(performed.value, Pending):
            self._begin_waiting(tx, ask, more, performed.value)
        else:
            event: Final = "returned" if performed.error is None else "raised"
            self._append(tx, entry(ask.address, event, ask.noted, performed.encoded))
            more.answers.append(Answer(ask, performed.value, performed.error))
        if performed.post is not None:
            more.posts.append(performed.post)
        more.posts += performed.follow_ups
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

    def _begin_waiting(self, tx: Transaction, ask: Ask, more: More, pending: Pending) -> None:
        address = ask.address
        when = more.again.get(address, pending.deadline)
        deadline = None if when is None else moment_text(when)
        if address not in more.again:
            self._append(tx, entry(address, "began", ask.noted, deadline))
        trigger = None if pending.trigger is None else self.whose.codec.encode(pending.trigger)
        for key in pending.keys:
            row = {"key": key, "instance": self.key, "address": address, "trigger": trigger}
            tx.execute(sql.subscribe, row)
        if deadline is not None:
            tx.later(sql.add_timer, (self.key, address, deadline, "wait"))
        more.began[address] = when
        if address not in more.again:
            more.began_waits.append(Waiting(ask.noted.shown(), deadline))

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
        standing = self.standing_now()
        if standing is not self.standing and standing != self.standing:
            tx.later(sql.set_state, (standing.state, standing.waits_for, standing.until, self.key))

    def is_quiet(self) -> bool:
        """After the run: whether the instance has never had a row that could wake it."""
        rest = self.rest
        return self.quiet and (rest is None or not (rest.statements or rest.subscriptions or rest.began))

    def standing_now(self) -> Standing:
        """What the store is to say of the instance; in the run and after it, with what the run has come to."""
        rest = self.rest
        if self.busy or not (self.waits or rest) or (rest is not None and rest.answers):
            return RUNNING
        waits = [*self.waits, *(rest.began_waits if rest is not None else ())]
        if not waits:
            return RUNNING
        deadlines = [wait.deadline for wait in waits if wait.deadline is not None]
        return Standing("waiting", _in_words(waits), min(deadlines, default=None))


_SHOWN: Final = 3


def _in_words(waits: list[Waiting]) -> str:
    """The first few; who wants all of them looks at the journal."""
    words = ", ".join(wait.what for wait in waits[:_SHOWN])
    return words if len(waits) <= _SHOWN else f"{words} and {len(waits) - _SHOWN} more"
