"""
One live instance: an actor with a mailbox that takes turns. On the loop's thread only.

It matches the primitives and hands on everything else: local actions to its turn (`turn.py`), bodies of steps to the engine. It
holds no connection and starts no task.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, assert_never

from attrs import frozen

from bizproc.core.commands import (
    Action,
    AwaitChild,
    Command,
    ContinueAsNew,
    Delivered,
    Event,
    Listening,
    NewId,
    Note,
    Now,
    Patched,
    Prepared,
    RandomNumber,
    Signalled,
    Sleep,
    SleepUntil,
    StartChild,
    WaitSignal,
)
from bizproc.core.driver import Ask, Driver
from bizproc.core.errors import BizprocError, Cancelled, NotJournallable, StepInterrupted
from bizproc.core.frames import can_drop, drop
from bizproc.core.process import Call
from bizproc.core.steps import Step
from bizproc.engines.embedded.deliveries import (
    Arrived,
    CancelAsked,
    Delivery,
    Due,
    Readied,
    Settled,
    Signal,
    StepEnded,
    StepFailed,
)
from bizproc.engines.embedded.endings import Ending
from bizproc.engines.embedded.journal import MAIN, Chain, Entry, Recorded, compare, entry, signature
from bizproc.engines.embedded.starting import arguments_anew
from bizproc.engines.embedded.turn import Answer, Standing, Turn, Waiting, sql
from bizproc.ports.performing import ItemRef
from bizproc.store.types import moment, moment_text
from bizproc.triggers.keys import signalled

if TYPE_CHECKING:
    from bizproc.engines.embedded.engine import Engine


@frozen
class This:
    """What a process can ask about its own instance."""

    id: str
    process: str
    document: Any


@frozen
class Attempted:
    """A step that was tried before and has not ended: how often, whether a body was running, and when it is tried again."""

    count: int
    started: bool
    again_at: str | None


class Instance:
    """
    A live instance.

    Attributes:
        key, id: How the store and how people call it.
        waits: The waits that began and are open, with their deadlines.
        backoffs: Steps that failed and are to be tried again, with the moment.
        attempts: How often the bodies of open steps have run.
        unread: Signals that no wait has consumed, the oldest first.
        bodies: Addresses of the steps whose bodies run now, or have ended and were not taken yet.
        after_turn: What is to be done in place of going on, once the turn in flight is committed.
    """

    def __init__(
        self, engine: Engine, key: int, id: str, call: Call[Any], document: ItemRef | None, run: int, standing: Standing
    ) -> None:
        self.key: Final = key
        self.id: Final = id
        self.call: Final = call
        self.document: Final = document
        self.waits: dict[str, datetime | None] = {}
        self.backoffs: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.unread: list[Signal] = []
        self.bodies: set[str] = set()
        self._engine: Final = engine
        self._codec: Final = engine.codec
        self.run: Final = run
        self._standing = standing
        self._chain = Chain()
        self._mailbox: deque[Delivery] = deque()
        self._turn: Turn | None = None
        self._asleep = True
        self.after_turn: Callable[[], None] | None = None
        self._begin_now: list[Ask] = []
        self._begin_later: list[Ask] = []
        self._dropped: dict[str, Ask] = {}
        self._seen_signal = 0
        self._seen_arrival = 0
        self._cancelling = False
        self._driver = self._new_driver()

    # -- beginning and replay ------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Run from the first line."""
        self._driver.begin()
        self._go(first=self._driver.take_fresh())

    def replay(
        self,
        rows: Sequence[Recorded],
        chain: Chain,
        arrivals: Sequence[Delivery],
        signals: Sequence[Signal],
        attempted: dict[str, Attempted],
    ) -> None:
        """
        Come back to where the journal ends, and go on from there.

        Raises:
            ReplayMismatch: The code asks for something else than was recorded.
            NotRestorable: A recorded value cannot be read back.
        """
        self._chain = chain
        self.unread = list(signals)
        self._seen_signal = max((signal.id for signal in signals), default=self._seen_signal)
        fresh = self._replay_entries(rows)
        self.attempts = {address: one.count for address, one in attempted.items() if address in self._driver.asks}
        self.backoffs = {
            address: one.again_at for address, one in attempted.items() if one.again_at and address in self._driver.asks
        }
        for delivery in arrivals:
            self.receive(delivery)
        due = {delivery.address for delivery in self._mailbox if isinstance(delivery, Due)}
        self.backoffs.update({address: "" for address in due if isinstance(self._command(address), Step)})
        self._interrupt(attempted)
        open_now = [ask for ask in fresh if ask.address not in self.waits and ask.address not in self.backoffs]
        self._go(first=[ask for ask in open_now if ask.address not in self.bodies])

    def _replay_entries(self, rows: Sequence[Recorded]) -> list[Ask]:
        driver = self._driver
        recorded = {row.address: row for row in rows}
        driver.begin()
        self._sign_all(driver, recorded)
        for row in rows:
            self._replay_one(row)
            self._sign_all(driver, recorded)
        self._dropped.clear()
        return list(driver.asks.values())

    def _sign_all(self, driver: Driver, recorded: dict[str, Recorded]) -> None:
        """Note what fresh commands are compared by; answer those that need no entry, which may bring up others."""
        while driver.fresh or driver.dropped:
            for ask in driver.take_dropped():
                self._forget(ask)
                self._dropped[ask.address] = ask
            for ask in driver.take_fresh():
                if self._sign(ask) and isinstance(ask.command, Patched):
                    self._replay_patched(ask, recorded.get(ask.address))

    def _sign(self, ask: Ask) -> bool:
        try:
            ask.noted = signature(ask.command, self._codec)
        except NotJournallable as error:
            # No entry: the same call fails in the same way on every replay.
            self._driver.resume(ask.address, error=error)
            return False
        return True

    def _replay_patched(self, ask: Ask, row: Recorded | None) -> None:
        if row is not None and (row.kind, row.name) != (ask.noted.kind, ask.noted.name):
            self._driver.give_back(ask.address, False)  # noqa: FBT003

    def _replay_one(self, row: Recorded) -> None:
        if row.event == "cancelled":
            self._cancelling = True
            self._driver.cancel()
            return
        ask = self._driver.asks.get(row.address) or self._dropped.get(row.address)
        compare(self.id, row, None if ask is None else ask.noted)
        assert ask is not None
        if row.address not in self._driver.asks:
            return  # it was under way when its branch was cancelled, in the same transaction
        if row.event == "began":
            self.waits[row.address] = None if row.outcome is None else moment(row.outcome)
        elif row.event == "returned":
            value = self._codec.decode(row.outcome or "null", ask.command.result_type)
            self._forget(ask)
            self._driver.resume(row.address, value)
        else:
            self._forget(ask)
            self._driver.resume(row.address, error=self._codec.decode_error(row.outcome or "null"))

    def _interrupt(self, attempted: dict[str, Attempted]) -> None:
        """An at_most_once step whose body may have run is not run again."""
        for address, one in attempted.items():
            command = self._command(address)
            if (
                isinstance(command, Step)
                and command.function.at_most_once
                and one.started
                and address not in self.bodies
            ):
                error = StepInterrupted(name=command.name, step=address)
                encoded = self._codec.encode_error(error)
                self.backoffs[address] = ""
                self._mailbox.append(
                    StepEnded(address, None, error, encoded, one.count, moment_text(self._engine.now()))
                )

    # -- the mailbox and the turns -------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> None:
        """Put something into the mailbox, once: what is read from the store may also be on its way."""
        if isinstance(delivery, Signal):
            if delivery.id <= self._seen_signal:
                return
            self._seen_signal = delivery.id
        elif isinstance(delivery, Due | Arrived | Settled | CancelAsked):
            if delivery.arrival <= self._seen_arrival:
                return
            self._seen_arrival = delivery.arrival
        self._mailbox.append(delivery)

    def go(self) -> None:
        """Take a turn, if there is anything to be done and none is in flight."""
        if self._turn is None and not self._asleep:
            self._go(first=[])

    def _go(self, first: list[Ask]) -> None:
        self._asleep = False
        turn = self._new_turn()
        self._admit_all(turn, first)
        while self._mailbox:
            self._take(turn, self._mailbox.popleft())
            self._admit_all(turn, self._driver.take_fresh())
        begin, self._begin_now = self._begin_now, []
        for ask in begin:
            self._begin_body(ask)
        self._close(turn)

    def _close(self, turn: Turn) -> None:
        """Hand the turn to the writer; one with nothing to write is over."""
        if self._driver.outcome is not None and turn.anew is None:
            turn.ending = self._ending()
        turn.busy = bool(self.bodies or self._begin_later)
        turn.waits = self._open_waits()
        if turn.is_empty() and turn.standing_now() == self._standing:
            self._begin_what_was_asked()
            self._engine.resting(self)
            return
        self._turn = turn
        self._engine.submit(turn)

    def committed(self, turn: Turn) -> None:
        """The turn is on disk: what it brought about may be seen, and what it asked for may begin."""
        self._chain, self._standing = turn.chain, turn.standing_now()
        self.waits.update(turn.began)
        # What the turn itself came to goes before all that has arrived since: so it stands in the journal.
        self._mailbox.extendleft(reversed(turn.answers))
        self._engine.written(turn)
        self._turn = None
        if self.after_turn is not None:
            self.after_turn()
        elif turn.ended is not None:
            self._engine.ended(self)
        elif turn.anew is not None or self._engine.always_replay:
            self._engine.reload(self)
        else:
            self._begin_now, self._begin_later = self._begin_later, []
            self._go(first=[])

    def failed(self, error: BaseException) -> None:
        """The turn was not written and never will be."""
        self._turn = None
        self._engine.turn_failed(self, error)

    def _new_turn(self) -> Turn:
        engine = self._engine
        return Turn(
            self,
            self.key,
            self.id,
            self.document,
            self._chain,
            self._standing,
            self._codec,
            engine.make_port,
            engine.channels,
            self.step_key,
            engine.trace,
        )

    def _begin_what_was_asked(self) -> None:
        asked, self._begin_now = self._begin_now + self._begin_later, []
        self._begin_later = []
        for ask in asked:
            self._begin_body(ask)

    def _begin_body(self, ask: Ask) -> None:
        if self._driver.asks.get(ask.address) is ask:
            self.bodies.add(ask.address)
            self._engine.begin_body(self, ask)

    # -- deliveries ----------------------------------------------------------------------------------------------------

    def _take(self, turn: Turn, delivery: Delivery) -> None:
        match delivery:
            case Answer(ask, value, error):
                if self._driver.asks.get(ask.address) is ask:
                    self._driver.resume(ask.address, value, error)
            case StepEnded():
                self._end_step(turn, delivery)
            case StepFailed():
                self._back_off(turn, delivery)
            case Readied(address, value):
                self._perform_prepared(turn, address, value)
            case Settled(address, arrival, value, error):
                turn.statements.append((sql.take_arrival, (arrival,)))
                self._settle(turn, address, value, error)
            case Due(address, arrival):
                turn.statements.append((sql.take_arrival, (arrival,)))
                self._time_is_up(turn, address)
            case Arrived(address, arrival, event):
                turn.statements.append((sql.take_arrival, (arrival,)))
                self._hear(turn, address, event)
            case Signal():
                self.unread.append(delivery)
                self._hand_over(turn, delivery.name)
            case CancelAsked(arrival):
                turn.statements.append((sql.take_arrival, (arrival,)))
                self._cancel(turn)
            case _:
                assert_never(delivery)

    def _end_step(self, turn: Turn, ended: StepEnded) -> None:
        self.bodies.discard(ended.address)
        ask = self._driver.asks.get(ended.address)
        if ask is None:
            return  # cancelled meanwhile
        attempts, backoff = self.attempts.pop(ended.address, 0), self.backoffs.pop(ended.address, None)
        if attempts or backoff is not None or _once(ask.command):
            turn.statements.append((sql.end_attempts, (self.key, ended.address)))
        event: Final = "returned" if ended.error is None else "raised"
        turn.entries.append(entry(ended.address, event, ask.noted, ended.encoded, ended.attempts, ended.started_at))
        self._driver.resume(ended.address, ended.value, ended.error)

    def _back_off(self, turn: Turn, failed: StepFailed) -> None:
        address = failed.address
        self.bodies.discard(address)
        if address not in self._driver.asks:
            return
        self.attempts[address] = failed.attempts
        self.backoffs[address] = failed.again_at
        turn.statements.append((sql.note_attempt, (self.key, address, failed.attempts, 0, failed.error)))
        self._add_timer(turn, address, failed.again_at, "retry")

    def _perform_prepared(self, turn: Turn, address: str, value: Any) -> None:
        self.bodies.discard(address)
        ask = self._driver.asks.get(address)
        if ask is not None:
            ask.prepared = value
            turn.actions.append(ask)

    def _settle(self, turn: Turn, address: str, value: Any, error: BaseException | None) -> None:
        ask = self._driver.asks.get(address)
        if ask is not None:
            self._end_wait(turn, ask, value, error)

    def _time_is_up(self, turn: Turn, address: str) -> None:
        ask = self._driver.asks.get(address)
        if ask is None:
            return
        command: Any = ask.command
        if isinstance(command, Step):
            self.backoffs.pop(address, None)
            self._begin_later.append(ask)
        elif isinstance(command, WaitSignal):
            self._end_wait(turn, ask, Signalled(timed_out=True))
        elif isinstance(command, Listening):
            self._end_wait(turn, ask, command.expired())
        else:
            self._end_wait(turn, ask, None)

    def _hear(self, turn: Turn, address: str, event: Event) -> None:
        ask = self._driver.asks.get(address)
        if ask is None:
            return
        if isinstance(ask.command, AwaitChild):
            # Its outcome is a row, read in the turn's transaction.
            self._abandon(turn, ask)
            turn.actions.append(ask)
            return
        assert isinstance(ask.command, Listening)
        done = ask.command.accept(event)
        if done is not None:
            self._end_wait(turn, ask, done.value)

    def _hand_over(self, turn: Turn, name: str) -> None:
        """Give the oldest unread signal of this name to the wait that began first, if one is open."""
        for address in self.waits:
            ask = self._driver.asks.get(address)
            if ask is not None and isinstance(ask.command, WaitSignal) and ask.command.signal == name:
                self._consume(turn, ask)
                return

    def _consume(self, turn: Turn, ask: Ask) -> bool:
        command: Any = ask.command
        signal = next((one for one in self.unread if one.name == command.signal), None)
        if signal is None:
            return False
        self.unread.remove(signal)
        turn.statements.append((sql.consume, (signal.id,)))
        try:
            value = self._codec.decode(
                signal.value, Any if command.type is None else command.type, path=f"signal {signal.name}"
            )
        except BizprocError as error:
            self._end_wait(turn, ask, error=error)
        else:
            self._end_wait(turn, ask, Signalled(value))
        return True

    def _end_wait(self, turn: Turn, ask: Ask, value: Any = None, error: BaseException | None = None) -> None:
        """Journal how a wait ended, and give it to the process."""
        self._abandon(turn, ask)
        if error is None:
            turn.entries.append(
                entry(ask.address, "returned", ask.noted, self._codec.encode(value, ask.command.result_type))
            )
        else:
            turn.entries.append(entry(ask.address, "raised", ask.noted, self._codec.encode_error(error)))
        self._driver.resume(ask.address, value, error)

    def _cancel(self, turn: Turn) -> None:
        if self._cancelling or self._driver.outcome is not None:
            return
        self._cancelling = True
        turn.entries.append(Entry(MAIN, "cancelled"))
        self._driver.cancel()

    # -- what was asked ------------------------------------------------------------------------------------------------

    def _admit_all(self, turn: Turn, fresh: list[Ask]) -> None:
        """Deal with new commands; those answered at once bring up others."""
        while fresh or self._driver.dropped:
            for ask in self._driver.take_dropped():
                self._abandon(turn, ask)
            for ask in fresh:
                if ask.address in self._driver.asks and (ask.noted is not None or self._sign(ask)):
                    self._admit(turn, ask)
            fresh = self._driver.take_fresh()

    def _admit(self, turn: Turn, ask: Ask) -> None:
        command: Any = ask.command
        match command:
            case Step():
                self._admit_step(turn, ask, command)
            case Prepared():
                self._begin_later.append(ask)
            case Action() | Listening() | StartChild() | AwaitChild():
                turn.actions.append(ask)
            case Sleep(duration):
                self._begin_wait(turn, ask, self._engine.later(duration))
            case SleepUntil(when):
                self._begin_wait(turn, ask, when)
            case WaitSignal():
                self._admit_signal(turn, ask, command)
            case Now():
                self._answer(turn, ask, self._engine.now())
            case NewId():
                self._answer(turn, ask, self._engine.new_id(self.step_key(ask.address)))
            case RandomNumber():
                self._answer(turn, ask, self._engine.random(self.step_key(ask.address)))
            case Note(text, facts):
                facts_text = self._codec.encode(facts) if facts else None
                turn.statements.append((sql.add_note, (self.key, moment_text(self._engine.now()), text, facts_text)))
                self._answer(turn, ask, None)
            case Patched():
                self._answer(turn, ask, True)  # noqa: FBT003
            case ContinueAsNew():
                turn.anew = arguments_anew(self.call, command.parameters, self._codec)
            case _:
                assert_never(command)

    def _admit_step(self, turn: Turn, ask: Ask, command: Step[Any]) -> None:
        if command.function.at_most_once:
            turn.statements.append((sql.note_attempt, (self.key, ask.address, 1, 1, None)))
        self._begin_later.append(ask)

    def _admit_signal(self, turn: Turn, ask: Ask, command: WaitSignal[Any]) -> None:
        if self._consume(turn, ask):
            return
        deadline = None if command.timeout is None else self._engine.later(command.timeout)
        self._begin_wait(turn, ask, deadline)
        turn.subscriptions.append((signalled(self.key, command.signal), ask.address))

    def _begin_wait(self, turn: Turn, ask: Ask, deadline: datetime | None) -> None:
        text = None if deadline is None else moment_text(deadline)
        self.waits[ask.address] = deadline
        turn.entries.append(entry(ask.address, "began", ask.noted, text))
        if text is not None:
            self._add_timer(turn, ask.address, text, "wait")

    def _add_timer(self, turn: Turn, address: str, deadline: str, purpose: str) -> None:
        turn.statements.append((sql.add_timer, (self.key, address, deadline, purpose)))
        turn.timers.append(moment(deadline))

    def _answer(self, turn: Turn, ask: Ask, value: Any) -> None:
        encoded = self._codec.encode(value, ask.command.result_type)
        turn.entries.append(entry(ask.address, "returned", ask.noted, encoded))
        self._driver.resume(ask.address, value)

    def _abandon(self, turn: Turn, ask: Ask) -> None:
        """Nobody waits for this any more: clear what would wake it."""
        address = ask.address
        began = address in self.waits
        attempted = address in self.attempts or address in self.backoffs or _once(ask.command)
        self._forget(ask)
        if began or attempted:
            turn.statements += [(sql.end_timer, (self.key, address)), (sql.end_arrivals, (self.key, address))]
        if began and isinstance(ask.command, Listening | WaitSignal | AwaitChild):
            turn.statements.append((sql.end_subscriptions, (self.key, address)))
        if began and isinstance(ask.command, Delivered):
            turn.statements.append((sql.withdraw, (self.key, address)))
        if attempted:
            turn.statements.append((sql.end_attempts, (self.key, address)))
        if address in self.bodies:
            self.bodies.discard(address)
            self._engine.cancel_body(self, address)

    def _forget(self, ask: Ask) -> None:
        self.waits.pop(ask.address, None)
        self.backoffs.pop(ask.address, None)
        self.attempts.pop(ask.address, None)

    # -- what others ask -----------------------------------------------------------------------------------------------

    def step_key(self, address: str) -> str:
        """The idempotency key of the step at this address: the same on every attempt and after every restart."""
        run = f".{self.run}" if self.run else ""
        return f"{self.id}{run}/{address}"

    def can_leave(self) -> bool:
        """Whether it waits, and dropping its coroutines would run none of the user's code."""
        return self.is_parked() and all(can_drop(coroutine) for coroutine in self._driver.coroutines())

    def is_between_turns(self) -> bool:
        """Whether no turn is in flight."""
        return self._turn is None

    def is_parked(self) -> bool:
        """Whether nothing can happen before something arrives."""
        return self._turn is None and not self._mailbox and not self.bodies and self._driver.outcome is None

    def leave(self) -> None:
        """Be gone from memory: none of the user's code runs any more."""
        self._asleep = True
        self._mailbox.clear()
        for coroutine in self._driver.coroutines():
            drop(coroutine)

    def begin_again(self) -> None:
        """A fresh driver, to replay into; bodies of steps run on."""
        for coroutine in self._driver.coroutines():
            drop(coroutine)
        self._driver = self._new_driver()
        self.waits.clear()
        self.backoffs.clear()
        self.attempts.clear()
        self._begin_now, self._begin_later = [], []
        # The store has the others, as rows.
        self._mailbox = deque(one for one in self._mailbox if isinstance(one, StepEnded | StepFailed | Readied))
        self._seen_signal = self._seen_arrival = 0

    def _new_driver(self) -> Driver:
        return Driver(self.call.coroutine(), This(self.id, self.call.process.name, self.call.document))

    def _command(self, address: str) -> Command[Any] | None:
        ask = self._driver.asks.get(address)
        return None if ask is None else ask.command

    def _open_waits(self) -> list[Waiting]:
        asks = self._driver.asks
        waits = [Waiting(asks[address].noted.shown(), _text(when)) for address, when in self.waits.items()]
        backoffs = [Waiting(f"retry of {asks[address].noted.shown()}", when or None) for address, when in self.backoffs.items()]
        return waits + backoffs

    def _ending(self) -> Ending:
        outcome = self._driver.outcome
        assert outcome is not None
        error = outcome.error
        if error is None:
            try:
                return Ending(
                    "completed", self._codec.encode(outcome.value, self.call.process.result_type, path="result")
                )
            except NotJournallable as refused:
                error = refused
        if isinstance(error, Cancelled) and self._cancelling:
            return Ending("cancelled", error=self._codec.encode_error(error))
        return Ending("failed", error=self._codec.encode_error(error))


def _once(command: Command[Any]) -> bool:
    return isinstance(command, Step) and command.function.at_most_once


def _text(when: datetime | None) -> str | None:
    return None if when is None else moment_text(when)
