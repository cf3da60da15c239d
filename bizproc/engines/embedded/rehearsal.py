"""
A rehearsal: what a process would do if it were started now, up to where it waits; and after that, as one says.

It runs in a transaction that is undone: actions perform there as they do in a turn, see what they have written, and
bring about what they would bring about. Nothing of it is ever committed, and nobody hears of it. What works outside
(the body of an @action, the preparation of a document) is not run: the process gets what is assumed of it, or the
rehearsal ends there. What is to be sent is shown, and taken for accepted.

It is no turn: it has no journal, and answers what it performs at once. The same driver runs the same code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from random import Random
from typing import Any, Final, TypeAlias
from uuid import UUID

from attrs import define, evolve, frozen

from bizproc.core.codec import Codec, text_of
from bizproc.core.commands import (
    Action,
    AwaitChild,
    ContinueAsNew,
    Delivered,
    Event,
    Listening,
    NewId,
    Note,
    Now,
    Patched,
    Pending,
    Prepared,
    RandomNumber,
    Signalled,
    Sleep,
    SleepUntil,
    StartChild,
    Verdict,
    Visible,
    WaitSignal,
)
from bizproc.core.driver import Ask
from bizproc.core.errors import WrongArgument
from bizproc.core.process import Call
from bizproc.core.steps import Step
from bizproc.engines.embedded.children import look
from bizproc.engines.embedded.journal import signature
from bizproc.engines.embedded.performing import Context, Over, Performed, Settlement, nowhere, perform
from bizproc.engines.embedded.posts import Post
from bizproc.engines.embedded.progress import Progress
from bizproc.engines.embedded.reactions import Reaction, Reactions
from bizproc.engines.embedded.starting import Origin, document_ref, step_key
from bizproc.engines.embedded.turn import sql
from bizproc.model.portal import Portal
from bizproc.ports.watching import Change, MakeWatch
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment_text

ID: Final = "(preview)"
"""The id of the instance that is rehearsed: none that people may give."""

MOST_STEPS: Final = 1000
"""With more a rehearsal ends: the store waits for it."""


# -- what comes of it --------------------------------------------------------------------------------------------------


@frozen
class PreviewMessage:
    """Something that would be sent: through which channel, and what."""

    channel: str
    payload: Any


@frozen(kw_only=True)
class PreviewStep:
    """
    One step that would be done.

    Attributes:
        address: Where it stands; empty for what somebody else does meanwhile.
        text: The step as people read it.
        value, error: What it would return or raise.
        assumed: Whether that is only assumed.
        changes: The rows of the CRM that would be others.
        messages: What would be sent.
        starts, ends, wakes: Which processes would start, and which instances end, or go on, because of it.
    """

    address: str
    text: str
    value: Any = None
    error: str | None = None
    assumed: bool = False
    changes: tuple[Change, ...] = ()
    messages: tuple[PreviewMessage, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    wakes: tuple[str, ...] = ()


@frozen
class PreviewWait:
    """A wait that would be open in the end, and when it would be over by itself."""

    address: str
    text: str
    until: datetime | None


@frozen
class PreviewStop:
    """Where a branch cannot be followed any further, and why."""

    address: str
    text: str
    why: str


@frozen
class TimeUp:
    """The wait that would be over first is over because its time has come."""


@frozen
class SignalSent:
    """Somebody sends the instance a signal."""

    name: str
    value: Any


@frozen(eq=False)
class Done:
    """Somebody performs an action."""

    action: Action[Any]


Outcome: TypeAlias = TimeUp | SignalSent | Done


@frozen(kw_only=True)
class Rehearsed:
    """
    How a rehearsal ended.

    Attributes:
        at: The moment at its end.
        ended: How the instance would have ended: `completed`, `failed`, `terminated`; None while it goes on.
        ended_by: What ended it from outside.
        outcomes: What could happen next, as far as that can be told, by name.
    """

    at: datetime
    steps: tuple[PreviewStep, ...]
    waits: tuple[PreviewWait, ...]
    stops: tuple[PreviewStop, ...]
    ended: str | None
    ended_by: str | None
    result: Any
    error: str | None
    outcomes: Mapping[str, Outcome]


# -- the rehearsal -----------------------------------------------------------------------------------------------------

Assumed: TypeAlias = Mapping[Any, Any]
"""What steps return or raise: by their function, or by the name of a step or signal."""


@define(eq=False)
class _Told:
    """What a step has brought about besides its value."""

    changes: tuple[Change, ...] = ()
    messages: tuple[PreviewMessage, ...] = ()
    starts: tuple[str, ...] = ()
    ends: tuple[str, ...] = ()
    wakes: tuple[str, ...] = ()


@frozen(kw_only=True)
class Stage:
    """
    What a rehearsal needs of its surroundings.

    Attributes:
        channels: Where delivered actions can send to; nothing is sent.
        make_watch: Gives what sees the changes of a transaction.
    """

    codec: Codec
    reactions: Reactions
    channels: Mapping[str, Any]
    portal: Portal
    make_watch: MakeWatch


def rehearse(tx: Transaction, call: Call[Any], stage: Stage, assumed: Assumed, path: Sequence[Outcome]) -> Rehearsed:
    """
    Rehearse a call, with what happens at each of its first waits. `tx` is to be undone.

    Raises:
        StartRefused: It could not be started now.
        WrongArgument: What is said to happen cannot happen there.
    """
    rehearsal = Rehearsal(tx, call, stage, assumed)
    try:
        rehearsal.begin()
        for outcome in path:
            rehearsal.follow(outcome)
        return rehearsal.rehearsed()
    finally:
        rehearsal.progress.drop()


class Rehearsal:
    """One rehearsal, in one transaction."""

    def __init__(self, tx: Transaction, call: Call[Any], stage: Stage, assumed: Assumed) -> None:
        self.progress: Final = Progress(ID, call, stage.codec, stage.portal)
        self._tx: Final = tx
        self._call: Final = call
        self._codec: Final = stage.codec
        self._stage: Final = stage
        self._reactions: Final = stage.reactions
        self._assumed: Final = assumed
        self._document: Final = document_ref(call)
        self._watch: Final = stage.make_watch(tx)
        self._steps: list[PreviewStep] = []
        self._waits: dict[str, datetime | None] = {}
        self._stops: list[PreviewStop] = []
        self._actions: list[Ask] = []
        self._arrived: list[tuple[str, Event, Exception | None]] = []
        self._ended: tuple[str, str | None] | None = None
        self._key = 0

    def begin(self) -> None:
        """Start it, and run it to where it waits."""
        self._key = self._reactions.begin(self._tx).start(self._call, ID).key
        self._watch.take()
        self.progress.driver.begin()
        self._run()

    def follow(self, outcome: Outcome) -> None:
        """Something happens, and it goes on to where it waits again."""
        if self._ended is not None or self.progress.driver.outcome is not None:
            raise _cannot("an instance that has not ended", "one that has")
        match outcome:
            case TimeUp():
                self._time_is_up()
            case SignalSent(name, value):
                self._receive(name, value)
            case Done(action):
                self._happens(action)
        self._run()

    def rehearsed(self) -> Rehearsed:
        """How it stands."""
        outcome = self.progress.driver.outcome
        ended, ended_by = self._ended or (None, None)
        if outcome is not None and ended is None:
            ended = "completed" if outcome.error is None else "failed"
        asks = self.progress.driver.asks
        waits = tuple(
            PreviewWait(address, asks[address].noted.shown(), until) for address, until in self._waits.items()
        )
        return Rehearsed(
            at=self._tx.now,
            steps=tuple(self._steps),
            waits=() if ended else waits,
            stops=tuple(self._stops),
            ended=ended,
            ended_by=ended_by,
            result=None if outcome is None else outcome.value,
            error=None if outcome is None or outcome.error is None else _error_text(outcome.error),
            outcomes={} if ended else self._outcomes(),
        )

    # -- running -------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Until nothing is left that can be done now."""
        while self._ended is None:
            self._forget_dropped()
            fresh = [ask for ask in self.progress.driver.take_fresh() if self._is_open(ask)]
            if len(self._steps) >= MOST_STEPS:
                self._stop_all(fresh)
                return
            for ask in fresh:
                self.progress.sign(ask)
            for ask in fresh:
                if self._is_open(ask):
                    self._admit(ask)
            if not fresh and not self._do_what_was_asked():
                return

    def _do_what_was_asked(self) -> bool:
        """Perform the actions, and hand over what has arrived; whether there was anything."""
        actions, self._actions = self._actions, []
        answers = [(ask, self._perform(ask)) for ask in actions if self._is_open(ask) and self._ended is None]
        for ask, answer in answers:
            if answer is not None and self._is_open(ask):
                self.progress.answer(ask.address, *answer)
        arrived, self._arrived = self._arrived, []
        for address, event, error in arrived:
            self._hear(address, event, error)
        return bool(actions or arrived)

    def _is_open(self, ask: Ask) -> bool:
        return self.progress.driver.asks.get(ask.address) is ask

    def _forget_dropped(self) -> None:
        driver = self.progress.driver
        driver.take_cancelled()
        for ask in driver.take_dropped():
            self._stops = [stop for stop in self._stops if stop.address != ask.address]
            if ask.address in self._waits:
                self._wait_is_over(ask, None)

    def _stop_all(self, fresh: Iterable[Ask]) -> None:
        for ask in [*fresh, *self._actions]:
            self.progress.sign(ask)
            self._stop(ask, f"more than {MOST_STEPS} steps are not previewed")
        self._actions = []

    def _stop(self, ask: Ask, why: str) -> None:
        self._stops.append(PreviewStop(ask.address, ask.noted.shown(), why))

    def _admit(self, ask: Ask) -> None:  # noqa: C901  one case for each command there is
        command: Any = ask.command
        unwritable = self.progress.unwritable.pop(ask.address, None)
        if unwritable is not None:
            self._answer(ask, error=unwritable)
            return
        match command:
            case Step() | Prepared():
                self._assume(ask)
            case Action() | StartChild() | Listening() | AwaitChild():
                self._actions.append(ask)
            case Sleep(duration):
                self._begin_wait(ask, _after(self._tx.now, duration))
            case SleepUntil(when):
                self._begin_wait(ask, when)
            case WaitSignal(timeout=timeout):
                self._begin_wait(ask, None if timeout is None else _after(self._tx.now, timeout))
            case Now():
                self._answer(ask, self._tx.now)
            case NewId():
                self._answer(ask, UUID(bytes=self._digest(ask), version=4))
            case RandomNumber():
                self._answer(ask, Random(self._digest(ask)).random())  # noqa: S311  not for secrets
            case Note():
                self._answer(ask)
            case Patched():
                self._answer(ask, value=True)
            case ContinueAsNew():
                self._note(ask, _Told())
                self._stop(ask, "it begins anew with these parameters")
            case _:
                raise TypeError(f"{command.name} cannot be previewed")

    def _digest(self, ask: Ask) -> bytes:
        """The same step has the same id and numbers in every preview."""
        return blake2b(f"{self._call.process.name}/{ask.address}".encode(), digest_size=16).digest()

    # -- answers -------------------------------------------------------------------------------------------------------

    def _answer(
        self, ask: Ask, value: Any = None, error: BaseException | None = None, *, assumed: bool = False
    ) -> None:
        self._note(ask, _Told(), value, error, assumed=assumed)
        self.progress.answer(ask.address, value, error)

    def _note(
        self,
        ask: Ask,
        told: _Told,
        value: Any = None,
        error: BaseException | None = None,
        *,
        assumed: bool = False,
    ) -> None:
        text = None if error is None else _error_text(error)
        self._steps.append(_step(ask.address, ask.noted.shown(), told, value, text, assumed=assumed))

    def _assume(self, ask: Ask) -> None:
        """What works outside is not run."""
        command: Any = ask.command
        found = self._assumed_of(command)
        if found is None:
            self._stop(ask, f"it works outside, and is not run: assume what comes of it, by its name {command.name!r}")
        else:
            self._answer(ask, *found, assumed=True)

    def _assumed_of(self, command: Any) -> tuple[Any, BaseException | None] | None:
        keys = [command.function, command.name] if isinstance(command, Step) else [command.name]
        for key in keys:
            if key in self._assumed:
                value = self._assumed[key]
                if isinstance(value, BaseException):
                    return None, value
                # As a live step's: what the process gets is what was written.
                return self._written(value, command.result_type, f"assume {command.name}"), None
        return None

    def _written(self, value: Any, type_: Any, path: str) -> Any:
        return self._codec.decode(self._codec.encode(value, type_, path=path), type_, path=path)

    # -- performing ----------------------------------------------------------------------------------------------------

    def _perform(self, ask: Ask) -> tuple[Any, BaseException | None] | None:
        """One local action or check; None where it has no answer yet."""
        reaction = self._reactions.begin(self._tx, self._key)
        performed = perform(self._tx, ask.command, self._context(ask.address, reaction, ask))
        told = self._react(performed, reaction)
        if isinstance(performed.value, Pending):
            if isinstance(ask.command, Delivered):
                return self._posted(ask, performed, told)
            self._listen(ask, performed.value)
            return None
        self._note(ask, told, performed.value, performed.error)
        if performed.ended_by is not None or reaction.own_ending is not None:
            self._end(performed.ended_by, reaction)
            return None
        return performed.value, performed.error

    def _react(self, performed: Performed, reaction: Reaction) -> _Told:
        """What it brings about, in the CRM and among instances."""
        reaction.to(performed.events, performed.clears)
        self._tx.write_rows()
        own = [one for one in reaction.woken if one.instance == self._key]
        self._arrived += [(one.address, one.event, one.error) for one in own]
        return _Told(
            tuple(self._watch.take()),
            tuple(self._message(post) for post in (performed.post, *performed.follow_ups) if post is not None),
            tuple(_called(started.call) for started in reaction.started),
            tuple(self._id(key) for key in reaction.ended if key != self._key),
            tuple(dict.fromkeys(self._id(one.instance) for one in reaction.woken if one.instance != self._key)),
        )

    def _message(self, post: Post) -> PreviewMessage:
        return PreviewMessage(post.channel, self._codec.decode(post.payload))

    def _id(self, key: int) -> str:
        return str(self._tx.execute(sql.id_of, {"key": key}).fetchone()[0])

    def _end(self, ended_by: str | None, reaction: Reaction) -> None:
        if reaction.own_ending is not None and ended_by is None:
            self._ended = reaction.own_ending.state, reaction.own_ending.ended_by
        else:
            self._ended = "completed", ended_by

    def _posted(self, ask: Ask, performed: Performed, told: _Told) -> tuple[Any, BaseException | None] | None:
        """It would be sent, and is taken for accepted, unless something else is assumed."""
        assert performed.post is not None
        found = self._assumed_of(ask.command)
        if found is None:
            settling = self._codec.decode(performed.post.settling)
            reaction = self._reactions.begin(self._tx, self._key)
            command = Settlement(settling, Verdict("accepted"))
            settled = perform(self._tx, command, self._context(ask.address, reaction))
            more = self._react(settled, reaction)
            told.changes += more.changes
            told.messages += more.messages
            if settled.error is not None:
                self._note(ask, told)
                self._stop(ask, f"what its delivery gives is not known: assume it, by its name {ask.command.name!r}")
                return None
            found = settled.value, None
        self._note(ask, told, *found, assumed=True)
        return found

    def _context(self, address: str, reaction: Reaction, ask: Ask | None = None) -> Context:
        key = step_key(ID, 0, address)

        def primitive(tx: Transaction, command: Any) -> Any:
            if isinstance(command, AwaitChild):
                return look(tx, command, self._codec)
            parent = None if command.detached else (self._key, address)
            return reaction.start(command.call, key, Origin(parent, self._key)).id

        return Context(
            self._codec,
            self._reactions.make_port,
            self._stage.channels,
            ID,
            key,
            self._document,
            (self._key, address),
            primitive,
            self._call.process.name,
            nowhere if ask is None else ask.function,
        )

    # -- waits ---------------------------------------------------------------------------------------------------------

    def _begin_wait(self, ask: Ask, until: datetime | None) -> None:
        if until is not None and until <= self._tx.now:
            self._answer(ask, Signalled(timed_out=True) if isinstance(ask.command, WaitSignal) else None)
        else:
            self._waits[ask.address] = until

    def _listen(self, ask: Ask, pending: Pending) -> None:
        trigger = None if pending.trigger is None else self._codec.encode(pending.trigger)
        for key in pending.keys:
            row = {"key": key, "instance": self._key, "address": ask.address, "trigger": trigger}
            self._tx.execute(sql.subscribe, row)
        self._waits[ask.address] = pending.deadline

    def _wait_is_over(self, ask: Ask, answer: Any) -> _Told:
        self._waits.pop(ask.address, None)
        self._tx.execute(sql.end_subscriptions, (self._key, ask.address))
        if not isinstance(ask.command, Visible):
            return _Told()
        reaction = self._reactions.begin(self._tx, self._key)
        return self._react(perform(self._tx, Over(ask.command, answer), self._context(ask.address, reaction)), reaction)

    def _end_wait(self, ask: Ask, value: Any, error: BaseException | None = None) -> None:
        told = self._wait_is_over(ask, value)
        self._note(ask, told, value, error)
        self.progress.answer(ask.address, value, error)

    def _time_is_up(self) -> None:
        timed = [(until, address) for address, until in self._waits.items() if until is not None]
        if not timed:
            raise _cannot("a wait that is over by itself in the end", self._waiting())
        until, address = min(timed, key=lambda one: one[0])
        self._move_to(until)
        ask = self.progress.driver.asks[address]
        command: Any = ask.command
        if isinstance(command, WaitSignal):
            self._end_wait(ask, Signalled(timed_out=True))
        else:
            self._end_wait(ask, command.expired() if isinstance(command, Listening) else None)

    def _move_to(self, moment: datetime) -> None:
        self._tx.now = max(moment, self._tx.now)
        self._tx.now_text = moment_text(self._tx.now)

    def _receive(self, name: str, value: Any) -> None:
        for address in self._waits:
            ask = self.progress.driver.asks[address]
            if isinstance(ask.command, WaitSignal) and ask.command.signal == name:
                type_ = Any if ask.command.type is None else ask.command.type
                self._end_wait(ask, Signalled(self._written(value, type_, f"signal {name}")))
                return
        raise _cannot(f"a wait for the signal {name}", self._waiting())

    def _happens(self, action: Action[Any]) -> None:
        """Somebody else does something, and what hears of it goes on."""
        reaction = self._reactions.begin(self._tx)
        context = evolve(self._context("", reaction), instance=None, key=f"{ID}/meanwhile", sender=None)
        performed = perform(self._tx, action, context)
        if performed.error is not None:
            raise performed.error
        told = self._react(performed, reaction)
        shown = signature(action, self._codec).shown()
        self._steps.append(_step("", shown, told, performed.value))
        if self._key in reaction.ended:
            row = self._tx.execute("SELECT state, ended_by FROM instance WHERE key = ?", (self._key,)).fetchone()
            self._ended = row[0], row[1]

    def _hear(self, address: str, event: Event, error: Exception | None) -> None:
        ask = self.progress.driver.asks.get(address)
        if ask is None or address not in self._waits or not isinstance(ask.command, Listening):
            return
        done = ask.command.accept(event) if error is None else None
        if error is not None:
            self._end_wait(ask, None, error)
        elif done is not None:
            self._end_wait(ask, done.value)

    def _waiting(self) -> str:
        asks = self.progress.driver.asks
        return ", ".join(asks[address].noted.shown() for address in self._waits) or "no wait at all"

    def _outcomes(self) -> dict[str, Outcome]:
        found: dict[str, Outcome] = {}
        if any(until is not None for until in self._waits.values()):
            found["time is up"] = TimeUp()
        for address in self._waits:
            command: Any = self.progress.driver.asks[address].command
            if isinstance(command, WaitSignal) and command.signal in self._assumed:
                found[f"signal {command.signal}"] = SignalSent(command.signal, self._assumed[command.signal])
            elif isinstance(command, Listening):
                for action in command.imagined():
                    found[signature(action, self._codec).shown()] = Done(action)
        return found


def _step(
    address: str,
    text: str,
    told: _Told,
    value: Any = None,
    error: str | None = None,
    *,
    assumed: bool = False,
) -> PreviewStep:
    return PreviewStep(
        address=address,
        text=text,
        value=value,
        error=error,
        assumed=assumed,
        changes=told.changes,
        messages=told.messages,
        starts=told.starts,
        ends=told.ends,
        wakes=told.wakes,
    )


def _cannot(expected: str, got: str) -> WrongArgument:
    return WrongArgument(process="Preview.after", parameter="outcome", expected=expected, got=got)


def _after(now: datetime, duration: Any) -> datetime | None:
    try:
        moment: datetime = now + duration
    except OverflowError:
        return None
    return moment


def _called(call: Call[Any]) -> str:
    document = document_ref(call)
    return call.process.name if document is None else f"{call.process.name} on {document}"


def _error_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {text_of(error)}"


__all__ = [
    "Change",
    "Done",
    "Outcome",
    "PreviewMessage",
    "PreviewStep",
    "PreviewStop",
    "PreviewWait",
    "Rehearsed",
    "SignalSent",
    "Stage",
    "TimeUp",
    "rehearse",
]
