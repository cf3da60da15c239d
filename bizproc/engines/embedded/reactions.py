"""
What the events of a commit bring about in that same commit: instances end, waits are woken, processes start.

In this order for each event, so that what a change ends does not live beside what it starts. On the writer's thread;
the loop hears of it with the commit (`Engine.reacted`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from typing import Any, Final, TypeAlias

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Event
from bizproc.core.errors import LoopRefused, StartRefused, StoreError, WrongArgument
from bizproc.core.process import Call, Process
from bizproc.engines.embedded.endings import LIVE, Ending, end
from bizproc.engines.embedded.events import Woken, deliver, listening, nobody_listens
from bizproc.engines.embedded.looking import Looking, Sight, is_about, ref_of_subject
from bizproc.engines.embedded.performing import MakePort, close_waits
from bizproc.engines.embedded.rules import Rules
from bizproc.engines.embedded.starting import NOBODY, Origin, Started, insert
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import json_value
from bizproc.triggers.keys import RUNTIME
from bizproc.triggers.trigger import Trigger

MakeSetting: TypeAlias = Callable[[Any], Any]

sql: Final = load("bizproc.engines.embedded", "statements.sql")
log: Final = logging.getLogger("bizproc")

DELETED: Final = "document deleted"
STAGE_LEFT: Final = "stage left"

MOST_CAUSES: Final = 10
"""A start that more causes than these lead to is taken for a loop (D15)."""

# Of refusals so many are kept: whoever looks wants the latest.
MOST_REFUSALS: Final = 10_000


@define(eq=False)
class Reactions:
    """
    What all reactions of an engine share.

    Attributes:
        make_port: Gives the CRM in a transaction.
        make_setting: Gives what conditions are looked at in, from such a port.
        rules: What starts by itself; replaced as a whole when processes are loaded.
        ended: Instances that a commit of another has ended, and whose own turn may still be on its way.
    """

    codec: Codec
    make_port: MakePort
    make_setting: MakeSetting
    rules: Rules = field(factory=Rules)
    ended: set[int] = field(factory=set)

    def begin(self, tx: Transaction, own: int | None = None) -> Reaction:
        """The reaction to one work; `own` is the instance whose turn it is."""
        return Reaction(self, tx, own)

    def is_over(self, tx: Transaction, key: int) -> bool:
        """Whether an instance was ended by another's commit, so that its turn must not be written."""
        if key not in self.ended:
            return False
        row = tx.execute(sql.state_of, {"key": key}).fetchone()
        if row is None or row[0] not in LIVE:
            return True
        self.ended.discard(key)  # what had ended it was undone
        return False


@define(eq=False)
class Reaction:
    """
    What one work brings about besides itself.

    Attributes:
        own_ending: How the instance ends whose turn it is; its turn writes that.
        woken, started, ended: Waits, new instances and instances that ended.
        begun: Instances whose turn in a queue it is now.
    """

    _shared: Reactions
    _tx: Transaction
    _own: int | None = None
    own_ending: Ending | None = None
    woken: list[Woken] = field(factory=list)
    started: list[Started] = field(factory=list)
    ended: list[int] = field(factory=list)
    begun: list[int] = field(factory=list)
    _tried: set[tuple[str, str]] = field(factory=set)

    # -- events --------------------------------------------------------------------------------------------------------

    def to(self, events: Sequence[Event], clears: Iterable[tuple[ItemRef, str, bool]] = ()) -> None:
        """React to what an action has told, and end the instances on the items that it clears."""
        for ref, ended_by, spares_own in clears:
            self.end_all_on(ref, ended_by, spares_own=spares_own)
        looking: Looking | None = None
        # What follows from the first event ends waits and begins none, so for the second this is still true.
        unheard = nobody_listens(self._tx, events)
        for place, event in enumerate(events):
            happening = event.name.rpartition(".")[2]
            if happening in _ENDING:
                self._end_by(event, happening)
            if self._tried and happening in _CHANGES and is_about(event, event.subject):
                self._tried = {pair for pair in self._tried if pair[1] != event.subject}
            listeners = {} if unheard else listening(self._tx, event)
            processes = self._shared.rules.by_event.get(event.name)
            if listeners or processes:
                # Most events interest nobody: so far they have cost no more than the questions who listens.
                looking = looking or Looking(events, self._port, self._shared.make_setting)
                sight = looking.at(place)
                self.woken += deliver(self._tx, event, listeners, self._shared.codec, sight)
                self._start_all(processes or (), event, sight)

    def _start_all(self, processes: Iterable[Process[..., Any]], event: Event, sight: Sight) -> None:
        """Start those whose trigger fits; of all events that tell of one change, once."""
        for process in processes:
            pair = (process.name, event.subject)
            if pair not in self._tried and self._try(process, event, sight):
                self._tried.add(pair)

    def _port(self) -> Any:
        return self._shared.make_port(Performing(transaction=self._tx, now=self._tx.now))

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _end_by(self, event: Event, happening: str) -> None:
        ref = ref_of_subject(event.subject)
        if ref is None or event.name != f"{ref.kind}.{happening}":
            return
        if happening == "deleted":
            self.end_all_on(ref, DELETED)
            return
        for key, stages in self._tx.execute(sql.staying, _item(ref)).fetchall():
            if event.facts.get("stage") not in json_value(stages):
                self.end(key, self._terminated(STAGE_LEFT))

    def end_all_on(self, ref: ItemRef, ended_by: str, *, spares_own: bool = False) -> None:
        """All live instances on an item are terminated, or all but the one whose turn it is."""
        for (key,) in self._tx.execute(sql.live_on, _item(ref)).fetchall():
            if not (spares_own and key == self._own):
                self.end(key, self._terminated(ended_by))

    def end(self, key: int, ending: Ending) -> None:
        """An instance ends; the one whose turn it is with its turn, and not if it ends already."""
        if key == self._own:
            self.own_ending = self.own_ending or ending
            return
        self._shared.ended.add(key)
        self.ended.append(key)
        self.write_end(key, ending)

    def write_end(self, key: int, ending: Ending, *, quiet: bool = False) -> None:
        """Write an ending, and take up what it brings about; `quiet` if the instance never waited."""
        ended = end(self._tx, key, ending, self._shared.codec, quiet=quiet)
        self.woken += ended.woken
        if ended.next is not None:
            self.begun.append(ended.next)
        if ending.final and not quiet:
            self.close_waits(key, ending.state)

    def close_waits(self, key: int, reason: str) -> None:
        """Nobody waits any more: what the CRM still shows of an instance's waits is taken away."""
        (id,) = self._tx.execute(sql.id_of, {"key": key}).fetchone()
        self.to(close_waits(self._tx, self._shared.make_port, id, reason))

    def _terminated(self, ended_by: str) -> Ending:
        return Ending("terminated", ended_by=ended_by)

    # -- starts --------------------------------------------------------------------------------------------------------

    def start(self, call: Call[Any], id: str | None, origin: Origin = NOBODY) -> Started:
        """Add an instance, or find it. Raises what `insert` raises, and then nothing of it is to be seen."""
        counts = len(self.woken), len(self.ended), len(self.begun), self.own_ending
        try:
            # Only what replaces writes anything before it may fail.
            with self._tx.savepoint() if call.process.overlap == "replace" else nullcontext():
                started = insert(self._tx, call, id, self._shared.codec, replace=self._replace, origin=origin)
        except Exception:
            self._take_back(*counts)
            raise
        if started.fresh:
            self.started.append(started)
        return started

    def _replace(self, key: int, ended_by: str) -> None:
        if key == self._own:
            self._tx.execute(sql.give_way, {"key": key})
        self.end(key, self._terminated(ended_by))

    def start_by_itself(self, call: Callable[[], Call[Any]], told: Told, id: str | None = None) -> None:
        """Start something that nobody has asked for: if that cannot be, a record says why."""
        try:
            self._check_loop(told)
            self.start(call(), id, Origin(chain=told.chain, stages=told.stages))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  whatever keeps it from starting concerns nobody here
            self._refuse(told, error)

    def _take_back(self, woken: int, ended: int, begun: int, own: Ending | None) -> None:
        self._shared.ended.difference_update(self.ended[ended:])
        del self.woken[woken:], self.ended[ended:], self.begun[begun:]
        self.own_ending = own

    def _try(self, process: Process[..., Any], event: Event, sight: Sight) -> bool:
        """Start a process if its trigger fits. Whether it fitted."""
        told = Told(process, event.name, ref_of_subject(event.subject))
        if process.starts.tells_of_any_kind(event.name) and not _takes(process, told.document):
            return False
        try:
            matched = process.starts.match(event, sight, starting=True)
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  a condition that cannot be asked of this item
            self._refuse(told, error)
            return True
        if matched is None or self.is_paused(process):
            return False
        told.chain = self._chain(event)
        told.stages = _stages(matched, event)
        self.start_by_itself(lambda: _call(process, event, sight), told)
        return True

    def is_paused(self, process: Process[..., Any]) -> bool:
        """Whether its triggers start nothing at present."""
        return self._tx.execute(sql.is_paused, {"process": process.name}).fetchone() is not None

    def _chain(self, event: Event) -> tuple[str, ...]:
        """What has led to this event, and the event."""
        by, what = event.facts.get("by"), f"{event.name} on {event.subject}"
        if by is None:
            return (what,)
        row = self._tx.execute(sql.cause_of, {"id": by}).fetchone()
        before = () if row is None or row[0] is None else tuple(json_value(row[0]))
        return (*before, f"{what} by {by}")

    def _check_loop(self, told: Told) -> None:
        length = len(told.chain)
        if length > MOST_CAUSES:
            raise LoopRefused(process=told.process.name, length=length, most=MOST_CAUSES, chain=told.chain)

    def _refuse(self, told: Told, error: Exception) -> None:
        level = logging.INFO if isinstance(error, StartRefused) else logging.WARNING  # a policy is as it is meant
        log.log(level, "process %s was not started by %s: %s", told.process.name, told.event, error)
        document = told.document
        row = {
            "at": self._tx.now_text,
            "process": told.process.name,
            "document_type": document and document.kind,
            "document_id": document and document.id,
            "event": told.event,
            "reason": _reason(error),
            "existing": error.existing if isinstance(error, StartRefused) else None,
            "text": f"{type(error).__name__}: {error}" if _reason(error) == "error" else str(error),
        }
        newest = int(self._tx.execute(sql.refuse, row).lastrowid or 0)
        self._tx.execute(sql.forget_refusals, {"id": newest - MOST_REFUSALS})


@define(eq=False)
class Told:
    """A start that nobody has asked for, as people are told of it."""

    process: Process[..., Any]
    event: str
    document: ItemRef | None = None
    chain: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


_ENDING: Final = frozenset({"deleted", "stage_changed"})
# A change is told by one of these and then by others: of all of them a process is started once.
_CHANGES: Final = frozenset({"created", "updated", "deleted"})


def _item(ref: ItemRef) -> dict[str, Any]:
    return {"kind": ref.kind, "item": ref.id}


def _takes(process: Process[..., Any], item: ItemRef | None) -> bool:
    """Whether a process runs on items of this kind, or on none."""
    kind = getattr(process.form.document, "item_type", None)
    return not isinstance(kind, str) or item is None or kind == item.kind


def _stages(matched: Trigger, event: Event) -> tuple[str, ...]:
    """The stages that what is started lives in."""
    return (matched.stages or (str(event.facts.get("stage")),)) if matched.while_in_stage else ()


def _call(process: Process[..., Any], event: Event, sight: Sight) -> Call[Any]:
    """The call that an event leads to: all parameters have defaults."""
    if event.subject == RUNTIME:
        return _signalled(process, event.facts.get("value"))
    return process() if process.form.document is None else process(sight.item)


def _signalled(process: Process[..., Any], value: Any) -> Call[Any]:
    if isinstance(value, dict):
        return process(**value)
    if value is None:
        return process()
    if process.form.document is None:
        expected = "a mapping that fills in the start form, or nothing"
        raise WrongArgument(process=process.name, parameter="value of the signal", expected=expected, got=repr(value))
    return process(value)


def _reason(error: Exception) -> str:
    if isinstance(error, StartRefused):
        return "overlap"
    return "loop" if isinstance(error, LoopRefused) else "error"
