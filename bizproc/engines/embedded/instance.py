"""
One live instance: an actor with a mailbox that takes turns. On the loop's thread only.

It matches the primitives and hands on everything else: local actions to its turn (`turn.py`), bodies of steps to the
engine. It
holds no connection and starts no task.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, assert_never

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
    Visible,
    WaitSignal,
)
from bizproc.core.driver import Ask
from bizproc.core.errors import (
    BizprocError,
    Cancelled,
    JournalTooLong,
    NotJournallable,
    ProcessDefinitionError,
    StepInterrupted,
)
from bizproc.core.frames import can_drop
from bizproc.core.process import Call
from bizproc.core.steps import Step
from bizproc.engines.embedded.bodies import BodyEnded
from bizproc.engines.embedded.children import Leaving, awaited, shields
from bizproc.engines.embedded.deliveries import (
    Arrived,
    CancelAsked,
    Delivery,
    Due,
    Readied,
    Settled,
    Signal,
    SkipAsked,
    StepEnded,
    StepFailed,
)
from bizproc.engines.embedded.endings import Ending
from bizproc.engines.embedded.journal import MAIN, Chain, Entry, entry
from bizproc.engines.embedded.loaded import Attempted, Loaded
from bizproc.engines.embedded.progress import Progress, portal_in, printing_text
from bizproc.engines.embedded.starting import arguments_anew, step_key
from bizproc.engines.embedded.turn import Answer, More, Standing, Turn, Waiting, Whose, sql
from bizproc.ports.performing import ItemRef
from bizproc.store.types import moment, moment_text
from bizproc.triggers.keys import signalled

if TYPE_CHECKING:
    from bizproc.engines.embedded.engine import Engine, StepBody


log: Final = logging.getLogger("bizproc")


class Instance:
    """
    A live instance.

    Attributes:
        key, id: How the store and how people call it.
        progress: Its driver, and what belongs to its open commands.
        unread: Signals that no wait has consumed, by name, the oldest first. There may be very many.
        bodies: The bodies of steps, by address, that run now, or have ended and were not taken yet; None where the
            engine begins none any more.
        after_turn: What is to be done in place of going on, once the turn in flight is committed.
    """

    def __init__(
        self, engine: Engine, key: int, id: str, call: Call[Any], document: ItemRef | None, run: int, standing: Standing
    ) -> None:
        self.key: Final = key
        self.id: Final = id
        self.call: Final = call
        self.document: Final = document
        self.unread: dict[str, deque[Signal]] = {}
        self.bodies: dict[str, StepBody | None] = {}
        self._engine: Final = engine
        self._codec: Final = engine.codec
        self.progress: Final = Progress(id, call, engine.codec, engine.portal, engine.make_driver)
        self.run: Final = run
        self._whose: Final = Whose(
            self,
            key,
            id,
            call.process.name,
            document,
            engine.codec,
            engine.reactions,
            engine.channels,
            self.step_key,
            engine.trace,
        )
        self._standing = standing
        self._chain = Chain()
        self._mailbox: deque[Delivery] = deque()
        self._turn: Turn | None = None
        self._asleep = True
        self.after_turn: Callable[[], None] | None = None
        self._begin_now: list[Ask] = []
        self._begin_later: list[Ask] = []
        self._seen_signal = 0
        self._seen_arrival = 0
        self._crashes = 0
        self._quiet = False
        self._begun = False  # until it has begun here, bodies that are marked as begun were another program's
        # at_most_once steps that were marked by this program: no other can have run their bodies.
        self._marked: set[str] = set()
        self._printing_noted = False
        self._abandoned: set[str] = set()  # what a replay had left, and this program has cleared

    # -- beginning and coming back -------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Run from the first line."""
        self._begun = self._quiet = True
        self.progress.driver.begin()
        self._go(first=self.progress.driver.take_fresh())

    def come_back(self, loaded: Loaded) -> None:
        """
        Come back to where the journal ends, and go on from there.

        Raises:
            ReplayMismatch: The code asks for something else than was recorded.
            NotRestorable: A recorded value cannot be read back.
        """
        progress = self.progress
        self._quiet = False  # nobody knows what it left when it was there before
        if loaded.printed_in is not None:
            progress.portal, self._printing_noted = portal_in(loaded.printed_in), True
        self._chain, self._crashes = loaded.chain, loaded.crashes
        self.unread = {}
        for signal in loaded.signals:
            self._keep(signal)
        self._seen_signal = max((signal.id for signal in loaded.signals), default=self._seen_signal)
        fresh = progress.replay(loaded.rows)
        others = self._forget_attempts_of_others(loaded.attempts)
        self._remember_attempts(loaded.attempts)
        for delivery in loaded.arrivals:
            if not (isinstance(delivery, Due) and delivery.address in others):
                self.receive(delivery)
        self._expect_due_steps()
        if not self._begun:
            self._interrupt(loaded.attempts)
            self._begun = True
        settled = progress.waits.keys() | progress.backoffs.keys() | self.bodies.keys()
        first = [ask for ask in fresh if ask.address not in settled]
        self._go(first, loaded)

    def _forget_attempts_of_others(self, attempts: dict[str, Attempted]) -> list[str]:
        """
        A step that was to be tried again has no entry yet, so other code may ask for something else in its place.

        The timer of the step must not end that. Returns these addresses.
        """
        commands = {address: self.progress.command(address) for address in attempts}
        others = [address for address, one in commands.items() if one is not None and not isinstance(one, Step)]
        for address in others:
            del attempts[address]
            # Before this instance's next turn, which may write a timer of its own there.
            self._engine.forget_attempt(self.key, address)
        return others

    def _remember_attempts(self, attempts: Mapping[str, Attempted]) -> None:
        still_open = {address: one for address, one in attempts.items() if address in self.progress.driver.asks}
        self.progress.attempts = {address: one.count for address, one in still_open.items()}
        self.progress.backoffs = {address: one.again_at for address, one in still_open.items() if one.again_at}

    def _expect_due_steps(self) -> None:
        """A step whose timer has fired is begun when that is taken out of the mailbox, not before."""
        due = {delivery.address for delivery in self._mailbox if isinstance(delivery, Due)}
        self.progress.backoffs.update(
            {address: "" for address in due if isinstance(self.progress.command(address), Step)}
        )

    def _interrupt(self, attempts: Mapping[str, Attempted]) -> None:
        """An at_most_once step whose body may have run is not run again."""
        for address, one in attempts.items():
            command = self.progress.command(address)
            marked_before = one.started and address not in self._marked
            if command is not None and _once(command) and marked_before and address not in self.bodies:
                error = StepInterrupted(name=command.name, step=address)
                encoded = self._codec.encode_error(error)
                self.progress.backoffs[address] = ""
                now = moment_text(self._engine.now())
                self._mailbox.append(StepEnded(address, None, error, encoded, one.count, now))

    # -- the mailbox and the turns -------------------------------------------------------------------------------------

    def receive(self, delivery: Delivery) -> None:
        """Put something into the mailbox, once: what is read from the store may also be on its way."""
        if isinstance(delivery, Signal):
            if delivery.id <= self._seen_signal:
                return
            self._seen_signal = delivery.id
        elif isinstance(delivery, _STORED):
            if delivery.arrival <= self._seen_arrival:
                return
            self._seen_arrival = delivery.arrival
        self._mailbox.append(delivery)

    def body_ended(self, ended: BodyEnded) -> None:
        """As `receive` and `go`, of the end of a body: with less on the way, for this is what happens most."""
        self._mailbox.append(ended)
        if self._turn is None and not self._asleep:
            self._go(first=[])

    def go(self) -> None:
        """Take a turn, if there is anything to be done and none is in flight."""
        if self._turn is None and not self._asleep:
            self._go(first=[])

    def _go(self, first: list[Ask], loaded: Loaded | None = None) -> None:
        """Take a turn. If anything goes wrong in it, nothing of it is written yet, and the instance is set aside."""
        try:
            self._take_turn(first, loaded)
        except (KeyboardInterrupt, SystemExit):
            raise
        except JournalTooLong as error:
            self._turn, self._asleep = None, True
            self._engine.fail(self.key, error)
        except BaseException as error:  # noqa: BLE001  it would vanish in a callback of the loop
            self._turn, self._asleep = None, True
            self._engine.set_aside(self.key, error)

    def _take_turn(self, first: list[Ask], loaded: Loaded | None) -> None:
        self._asleep = False
        progress, mailbox = self.progress, self._mailbox
        turn = Turn(self._whose, self.key, self._chain, self._standing, self._quiet)
        if progress.left or progress.left_branches:
            self._abandon_left(turn)
        if loaded is not None:
            self._take_retry(turn, loaded)
        fresh = first
        if mailbox and isinstance(mailbox[0], Answer):
            fresh = fresh + self._take_answers(turn)
        if self.unread:
            self._hand_over_unread(turn)
        self._admit_all(turn, fresh)
        while mailbox and turn.anew is None:  # the next run finds the others in the store
            self._take(turn, mailbox.popleft())
            self._admit_all(turn)
        if self._begin_now:
            begin, self._begin_now = self._begin_now, []
            for ask in begin:
                self._begin_body(ask)
        self._close(turn)

    def _take_answers(self, turn: Turn) -> list[Ask]:
        """
        What the turn before performed: all of it, as a replay gives it, before anything that it leads to is answered.

        A signal or a moment given to a branch in between would stand behind these answers in the journal. Returns what
        they led to.
        """
        fresh: list[Ask] = []
        while self._mailbox and isinstance(self._mailbox[0], Answer):
            self._take(turn, self._mailbox.popleft())
            self._abandon_dropped(turn)
            for ask in self.progress.driver.take_fresh():
                self.progress.sign(ask)
                fresh.append(ask)
        return fresh

    def _close(self, turn: Turn) -> None:
        """Hand the turn to the writer; one with nothing to write is over."""
        if self.progress.driver.outcome is not None and turn.anew is None:
            turn.ending = self._ending()
        elif self._chain.position >= self._engine.longest_journal and turn.anew is None:
            error = JournalTooLong(instance=self.id, length=self._chain.position)
            turn.ending = Ending("failed", error=self._codec.encode_error(error))
        if self.progress.has_printed and not self._printing_noted:
            # In the commit of the first steps that can depend on it.
            turn.more.statements.append((sql.note_printing, (printing_text(self.progress.portal), self.key)))
            self._printing_noted = True
        turn.busy = bool(self.bodies or self._begin_later)
        if self.progress.waits or self.progress.backoffs:
            turn.waits = self._open_waits()
        if not turn.entries and turn.is_empty() and turn.standing_now() == self._standing:
            self._rest()
            return
        if self._crashes:
            turn.more.statements.append((sql.no_crashes, (self.key,)))
            self._crashes = 0
        self._turn = turn
        self._engine.database.submit(turn)

    def committed(self, turn: Turn) -> None:
        """The turn is on disk: what it brought about may be seen, and what it asked for may begin."""
        if self._asleep:
            self._engine.reactions.ended.discard(self.key)
            return  # another's commit has ended it, or the engine was closed meanwhile
        engine, before = self._engine, self._chain.position
        self._chain, self._standing, self._turn = turn.after, turn.standing_now(), None
        if turn.after.position >= engine.long_journal > before:
            self._warn_of_length()
        if engine.recovery.is_alone(self.key):
            engine.recovery.came_further(self.key)
        if turn.rest is not None:
            self._quiet = turn.is_quiet()
            self._take_up(turn, turn.rest)
        if self.after_turn is not None:
            self.after_turn()
        elif turn.ended is not None:
            engine.ended(self)
        elif self.key in engine.reactions.ended:
            engine.look_again(self)
        elif turn.anew is not None:
            engine.began_anew(self)
        elif engine.always_replay:
            engine.reload(self)
        else:
            self._go_on(turn)

    def _take_up(self, turn: Turn, rest: More) -> None:
        """What the turn itself came to goes before all that has arrived since: so it stands in the journal."""
        self.progress.waits.update(rest.began)
        self._mailbox.extendleft(reversed(rest.answers))
        self._asleep = True  # what is woken by this very turn waits until its answers are taken
        self._engine.written(turn, rest)
        self._asleep = False

    def _go_on(self, turn: Turn) -> None:
        """Begin the bodies that the turn has asked for, and take the next turn, if anything is there to be done."""
        if (
            self._mailbox
            or self.unread
            or (turn.rest is not None and (turn.rest.began or turn.rest.again))
            or self._chain.position >= self._engine.longest_journal
        ):
            self._begin_now, self._begin_later = self._begin_later, []
            self._go(first=[])
        else:
            self._rest()

    def _rest(self) -> None:
        """Nothing is to be written. Most turns end here, for a step: so without a turn that would be empty."""
        for asked in (self._begin_now, self._begin_later):
            if asked:
                for ask in asked:
                    self._begin_body(ask)
                asked.clear()
        if not self.bodies:
            self._engine.resting(self)

    def _warn_of_length(self) -> None:
        advice = "begin anew with continue_as_new, or replays take long"
        log.warning("the journal of instance %s has %d entries: %s", self.id, self._chain.position, advice)

    def failed(self, error: BaseException) -> None:
        """The turn was not written and never will be."""
        self._turn = None
        self._engine.turn_failed(self, error)

    def _begin_body(self, ask: Ask) -> None:
        if self.progress.driver.asks.get(ask.address) is ask:
            self.bodies[ask.address] = self._engine.begin_body(self, ask)

    # -- deliveries ----------------------------------------------------------------------------------------------------

    def _take(self, turn: Turn, delivery: Delivery) -> None:  # noqa: C901  one case for each delivery there is
        match delivery:
            case StepEnded():
                self._end_step(turn, delivery)
            case Answer(ask, value, error):
                if self.progress.driver.asks.get(ask.address) is ask:
                    if ask.address in self.progress.waits:
                        # It had begun before the instance was retried, or for its child, or is late.
                        self._abandon(turn, ask, value, withdraw=False)
                    self.progress.answer(ask.address, value, error)
            case StepFailed():
                self._back_off(turn, delivery)
            case Readied(address, value):
                self._perform_prepared(turn, address, value)
            case Settled(address, arrival, value, error):
                turn.more.statements.append((sql.take_arrival, (arrival,)))
                self._settle(turn, address, value, error)
            case SkipAsked(arrival):
                turn.more.statements.append((sql.take_arrival, (arrival,)))
                self._skip(turn)
            case Due(address, arrival):
                turn.more.statements.append((sql.take_arrival, (arrival,)))
                self._time_is_up(turn, address)
            case Arrived(address, arrival, event):
                turn.more.statements.append((sql.take_arrival, (arrival,)))
                self._hear(turn, address, event)
            case Signal():
                self._keep(delivery)
                self._hand_over(turn, delivery.name)
            case CancelAsked(arrival):
                turn.more.statements.append((sql.take_arrival, (arrival,)))
                self._cancel(turn)
            case _:
                assert_never(delivery)

    def _end_step(self, turn: Turn, ended: StepEnded) -> None:
        address, value, error, encoded, attempts, started_at = ended
        progress = self.progress
        self.bodies.pop(address, None)
        ask = progress.driver.asks.get(address)
        if ask is None:
            return  # cancelled meanwhile
        if address in progress.attempts or address in progress.backoffs or _once(ask.command):
            progress.attempts.pop(address, None)
            progress.backoffs.pop(address, None)
            turn.more.statements.append((sql.end_attempts, (self.key, address)))
        event: Final = "returned" if error is None else "raised"
        turn.entries.append(entry(address, event, ask.noted, encoded, attempts, started_at))
        progress.answer(address, value, error)

    def _back_off(self, turn: Turn, failed: StepFailed) -> None:
        address = failed.address
        self.bodies.pop(address, None)
        if address not in self.progress.driver.asks:
            return
        self.progress.attempts[address] = failed.attempts
        self.progress.backoffs[address] = failed.again_at
        turn.more.statements.append((sql.note_attempt, (self.key, address, failed.attempts, 0, failed.error)))
        self._add_timer(turn, address, failed.again_at, "retry")

    def _perform_prepared(self, turn: Turn, address: str, value: Any) -> None:
        self.bodies.pop(address, None)
        ask = self.progress.driver.asks.get(address)
        if ask is not None:
            ask.prepared = value
            turn.more.actions.append(ask)

    def _settle(self, turn: Turn, address: str, value: Any, error: BaseException | None) -> None:
        ask = self.progress.driver.asks.get(address)
        if ask is not None:
            self._end_wait(turn, ask, value, error)

    def _time_is_up(self, turn: Turn, address: str, *, skipped: bool = False) -> None:
        ask = self.progress.driver.asks.get(address)
        if ask is None:
            return
        command: Any = ask.command
        if isinstance(command, Step):
            self.progress.backoffs.pop(address, None)
            self._begin_later.append(ask)
        elif isinstance(command, WaitSignal):
            self._end_wait(turn, ask, Signalled(timed_out=True))
        elif isinstance(command, Listening):
            self._end_wait(turn, ask, command.skipped() if skipped else command.expired())
        elif isinstance(command, Delivered):
            # What it says of that may stand in the store; what was posted is sent all the same.
            turn.more.actions.append(ask)
            turn.more.late.add(address)
        else:
            self._end_wait(turn, ask, None)

    def _skip(self, turn: Turn) -> None:
        """A person ends the wait that would be over first."""
        waits = self.progress.waits
        skippable = [address for address in waits if isinstance(self.progress.command(address), _SKIPPABLE)]
        timed = {address: when for address in skippable if (when := waits[address]) is not None}
        if skippable:
            first = min(timed, key=lambda address: timed[address]) if timed else skippable[0]
            self._time_is_up(turn, first, skipped=True)

    def _hear(self, turn: Turn, address: str, event: Event) -> None:
        ask = self.progress.driver.asks.get(address)
        if ask is None:
            return
        if isinstance(ask.command, AwaitChild):
            # Its outcome is a row, read in the turn's transaction.
            turn.more.actions.append(ask)
            turn.more.again[address] = self.progress.waits.get(address)
            return
        assert isinstance(ask.command, Listening)
        done = ask.command.accept(event)
        if done is not None:
            self._end_wait(turn, ask, done.value)

    def _hand_over(self, turn: Turn, name: str) -> None:
        """Give the oldest unread signal of this name to the wait that began first, if one is open."""
        for address in self.progress.waits:
            ask = self.progress.driver.asks.get(address)
            if ask is not None and isinstance(ask.command, WaitSignal) and ask.command.signal == name:
                self._consume(turn, ask)
                return

    def _hand_over_unread(self, turn: Turn) -> None:
        """Signals that came while the instance was not in loaded."""
        commands = (self.progress.command(address) for address in self.progress.waits)
        wanted = {command.signal for command in commands if isinstance(command, WaitSignal)}
        for name in sorted(wanted & self.unread.keys(), key=lambda name: self.unread[name][0].id):
            self._hand_over(turn, name)

    def _keep(self, signal: Signal) -> None:
        self.unread.setdefault(signal.name, deque()).append(signal)

    def _consume(self, turn: Turn, ask: Ask) -> bool:
        command: Any = ask.command
        kept = self.unread.get(command.signal)
        if not kept:
            return False
        signal = kept.popleft()
        if not kept:
            del self.unread[command.signal]
        turn.more.statements.append((sql.consume, (signal.id,)))
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
        self._abandon(turn, ask, value)
        if error is None:
            turn.entries.append(
                entry(ask.address, "returned", ask.noted, self._codec.encode(value, ask.command.result_type))
            )
        else:
            turn.entries.append(entry(ask.address, "raised", ask.noted, self._codec.encode_error(error)))
        self.progress.answer(ask.address, value, error)

    def _cancel(self, turn: Turn) -> None:
        if self.progress.cancelling or self.progress.driver.outcome is not None:
            return
        self.progress.cancelling = True
        turn.entries.append(Entry(MAIN, "cancelled"))
        self.progress.driver.cancel()
        self._cancel_children(turn, "", list(self.progress.driver.asks.values()))

    def _cancel_children(self, turn: Turn, prefix: str, asks: list[Ask]) -> None:
        """Of the branch with this prefix; of all runs, if it is the main one. What is shielded goes on."""
        if prefix:
            prefix = self.step_key(prefix)
        places = [key for place in shields(asks) if (key := self.step_key(place)).startswith(prefix)]
        turn.more.leaving.append(Leaving(prefix, tuple(places), awaited(asks)))

    # -- what was asked ------------------------------------------------------------------------------------------------

    def _admit_all(self, turn: Turn, first: Sequence[Ask] = ()) -> None:
        """Deal with new commands, `first` with these; those answered at once bring up others."""
        progress, driver = self.progress, self.progress.driver
        fresh: Sequence[Ask] = first
        while fresh or driver.fresh or driver.dropped or driver.cancelled:
            if driver.fresh:
                fresh = [*fresh, *driver.take_fresh()]
            if driver.dropped or driver.cancelled:
                self._abandon_dropped(turn)
            for ask in fresh:
                if driver.asks.get(ask.address) is ask:
                    if ask.noted is None:
                        progress.sign(ask)
                    self._admit(turn, ask)
            fresh = ()

    def _abandon_dropped(self, turn: Turn) -> None:
        driver = self.progress.driver
        for ask in driver.take_dropped():
            self._abandon(turn, ask)
        cancelled = driver.take_cancelled()
        # All branches at once have been told by the cancellation of the whole.
        if cancelled and self.progress.has_children and not any(leaving.under == "" for leaving in turn.more.leaving):
            asks = list(driver.asks.values())
            for branch in cancelled:
                self._cancel_children(turn, branch.prefix, asks)

    def _admit(self, turn: Turn, ask: Ask) -> None:  # noqa: C901  one case for each command there is
        command: Any = ask.command
        if self.progress.unwritable:
            unwritable = self.progress.unwritable.pop(ask.address, None)
            if unwritable is not None:
                self._refuse(turn, ask, unwritable)
                return
        match command:
            case Step():
                self._admit_step(turn, ask, command)
            case Prepared():
                self._begin_later.append(ask)
            case StartChild(call):
                self._start_child(turn, ask, call)
            case Action() | Listening() | AwaitChild():
                turn.more.actions.append(ask)
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
                turn.more.statements.append(
                    (sql.add_note, (self.key, moment_text(self._engine.now()), text, facts_text))
                )
                self._answer(turn, ask, None)
            case Patched():
                self._answer(turn, ask, True)  # noqa: FBT003
            case ContinueAsNew():
                self._begin_anew(turn, ask, command)
            case _:
                assert_never(command)

    def _start_child(self, turn: Turn, ask: Ask, call: Call[Any]) -> None:
        try:
            self._engine.know(call.process)
        except ProcessDefinitionError as error:
            self._refuse(turn, ask, error)
            return
        self.progress.has_children = True
        turn.more.actions.append(ask)

    def _admit_step(self, turn: Turn, ask: Ask, command: Step[Any]) -> None:
        if command.function.at_most_once and ask.address not in self._marked:
            self._marked.add(ask.address)
            turn.more.statements.append((sql.note_attempt, (self.key, ask.address, 1, 1, None)))
        self._begin_later.append(ask)

    def _admit_signal(self, turn: Turn, ask: Ask, command: WaitSignal[Any]) -> None:
        if self._consume(turn, ask):
            return
        deadline = None if command.timeout is None else self._engine.later(command.timeout)
        self._begin_wait(turn, ask, deadline)
        turn.more.subscriptions.append((signalled(self.key, command.signal), ask.address))

    def _begin_wait(self, turn: Turn, ask: Ask, deadline: datetime | None) -> None:
        text = None if deadline is None else moment_text(deadline)
        self.progress.waits[ask.address] = deadline
        turn.entries.append(entry(ask.address, "began", ask.noted, text))
        if text is not None:
            self._add_timer(turn, ask.address, text, "wait")

    def _take_retry(self, turn: Turn, loaded: Loaded) -> None:
        """What a person's retry has left for the turn in which the instance comes back."""
        taken = loaded.unstuck if loaded.retried is None else (loaded.retried, *loaded.unstuck)
        if taken:
            turn.more.statements += [(sql.take_arrival, (arrival,)) for arrival in taken]
        if loaded.adopted is not None:
            turn.more.statements.append((sql.adopt_settings, (loaded.adopted, self.key)))
        if loaded.retried is not None:
            self._rewire(turn)

    def _rewire(self, turn: Turn) -> None:
        """The instance had ended, and what would have woken it is gone: write it again, with the deadlines of then."""
        for address, deadline in self.progress.waits.items():
            ask = self.progress.driver.asks[address]
            if isinstance(ask.command, WaitSignal):
                turn.more.subscriptions.append((signalled(self.key, ask.command.signal), address))
            elif not isinstance(ask.command, Sleep | SleepUntil):
                turn.more.actions.append(ask)
                turn.more.again[address] = deadline
                continue
            if deadline is not None:
                self._add_timer(turn, address, moment_text(deadline), "wait")

    def _add_timer(self, turn: Turn, address: str, deadline: str, purpose: str) -> None:
        turn.more.statements.append((sql.add_timer, (self.key, address, deadline, purpose)))
        turn.more.timers.append(moment(deadline))

    def _answer(self, turn: Turn, ask: Ask, value: Any) -> None:
        length = self._chain.position + len(turn.entries)
        if length >= self._engine.longest_journal:
            raise JournalTooLong(instance=self.id, length=length)  # or a loop of these would never come to a commit
        encoded = self._codec.encode(value, ask.command.result_type)
        turn.entries.append(entry(ask.address, "returned", ask.noted, encoded))
        self.progress.driver.resume(ask.address, value)

    def _begin_anew(self, turn: Turn, ask: Ask, command: ContinueAsNew) -> None:
        try:
            turn.anew = arguments_anew(self.call, command.parameters, self._codec)
        except BizprocError as error:
            self._refuse(turn, ask, error)

    def _refuse(self, turn: Turn, ask: Ask, error: BaseException) -> None:
        """Raise an error at the call; nothing was done."""
        turn.entries.append(entry(ask.address, "raised", ask.noted, self._codec.encode_error(error)))
        self.progress.answer(ask.address, None, error)

    def _abandon(self, turn: Turn, ask: Ask, answer: Any = None, *, withdraw: bool = True) -> None:
        """
        Nobody waits for this any more: clear what would wake it, and do not do it if it was not done yet.

        `answer` is what it ended with, if it ended by itself.
        """
        address = ask.address
        if ask in turn.more.actions:
            turn.more.actions.remove(ask)
        began = address in self.progress.waits
        attempted = address in self.progress.attempts or address in self.progress.backoffs or _once(ask.command)
        self.progress.forget(ask)
        if began or attempted:
            turn.more.statements += [(sql.end_timer, (self.key, address)), (sql.end_arrivals, (self.key, address))]
        if began and isinstance(ask.command, Listening | WaitSignal | AwaitChild):
            turn.more.statements.append((sql.end_subscriptions, (self.key, address)))
        if began and isinstance(ask.command, Visible):
            turn.more.over.append((address, ask.command, answer))
        if began and withdraw and isinstance(ask.command, Delivered):
            turn.more.statements.append((sql.withdraw, (self.key, address)))
        if attempted:
            turn.more.statements.append((sql.end_attempts, (self.key, address)))
        if address in self.bodies:
            self._engine.cancel_body(self.bodies.pop(address))

    def _abandon_left(self, turn: Turn) -> None:
        """As `_abandon`, after a replay: what was dropped by answers that are on disk, while the rest may not be."""
        asks, branches = self.progress.take_left()
        for ask in asks:
            if ask.address not in self._abandoned:
                self._abandoned.add(ask.address)
                self._clear(turn, ask)
        for prefix, before in branches:
            if prefix not in self._abandoned:
                self._abandoned.add(prefix)
                self._cancel_children(turn, prefix, before)

    def _clear(self, turn: Turn, ask: Ask) -> None:
        where = (self.key, ask.address)
        turn.more.statements += [
            (text, where) for text in (sql.end_timer, sql.end_arrivals, sql.end_subscriptions, sql.end_attempts)
        ]
        if isinstance(ask.command, Visible):
            turn.more.over.append((ask.address, ask.command, None))
        if isinstance(ask.command, Delivered):
            turn.more.statements.append((sql.withdraw, where))
        if ask.address in self.bodies:
            self._engine.cancel_body(self.bodies.pop(ask.address))

    # -- what others ask -----------------------------------------------------------------------------------------------

    def step_key(self, address: str) -> str:
        """The idempotency key of the step at this address: the same on every attempt and after every restart."""
        return step_key(self.id, self.run, address)

    def can_leave(self) -> bool:
        """Whether it waits, and dropping its coroutines would run none of the user's code."""
        return self.is_parked() and all(can_drop(coroutine) for coroutine in self.progress.driver.coroutines())

    def is_between_turns(self) -> bool:
        """Whether no turn is in flight."""
        return self._turn is None

    def is_parked(self) -> bool:
        """Whether nothing can happen before something arrives."""
        return self._turn is None and not self._mailbox and not self.bodies and self.progress.driver.outcome is None

    def leave(self) -> None:
        """Be gone from memory: none of the user's code runs any more."""
        self._asleep = True
        self._mailbox.clear()
        self.progress.drop()

    def begin_again(self) -> None:
        """A fresh driver, to replay into; bodies of steps run on."""
        self.progress.restart()
        self._begin_now, self._begin_later = [], []
        # The store has the others, as rows.
        self._mailbox = deque(one for one in self._mailbox if isinstance(one, StepEnded | StepFailed | Readied))
        self._seen_signal = self._seen_arrival = 0

    def _open_waits(self) -> list[Waiting]:
        asks = self.progress.driver.asks
        waits = [Waiting(asks[address].noted.shown(), _text(when)) for address, when in self.progress.waits.items()]
        backoffs = [
            Waiting(f"retry of {asks[address].noted.shown()}", when or None)
            for address, when in self.progress.backoffs.items()
        ]
        return waits + backoffs

    def _ending(self) -> Ending:
        outcome = self.progress.driver.outcome
        assert outcome is not None
        error = outcome.error
        if error is None:
            try:
                return Ending(
                    "completed", self._codec.encode(outcome.value, self.call.process.result_type, path="result")
                )
            except NotJournallable as refused:
                error = refused
        encoded = self._codec.encode_error(error)
        if isinstance(error, Cancelled) and self.progress.cancelling:
            return Ending("cancelled", error=encoded)
        return Ending("failed", error=encoded, failed_at=self.progress.raised_at(error))


# What a row of the store tells; not a union, that would be made at each delivery.
_STORED: Final = (Due, Arrived, Settled, CancelAsked, SkipAsked)
_SKIPPABLE: Final = (Sleep, SleepUntil, WaitSignal, Listening)


def _once(command: Command[Any]) -> bool:
    return isinstance(command, Step) and command.function.at_most_once


def _text(when: datetime | None) -> str | None:
    return None if when is None else moment_text(when)
