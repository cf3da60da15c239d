"""Previews: what a process would do, followed as far as anybody wants, in transactions that are undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, Protocol, TypeVar

from attrs import evolve, field, fields, frozen

from bizproc.core.checks import check_value
from bizproc.core.commands import Action, Command
from bizproc.core.errors import ActionError
from bizproc.core.process import Call
from bizproc.engines.embedded.rehearsal import (
    Done,
    Outcome,
    PreviewStep,
    PreviewStop,
    PreviewWait,
    Rehearsed,
    SignalSent,
    Stage,
    TimeUp,
    rehearse,
)
from bizproc.model.references import ItemRef, ref_of
from bizproc.store.database import Transaction
from bizproc.store.types import moment_text

T = TypeVar("T")


@frozen(kw_only=True)
class Preview:
    """
    What a process would do if it were started now. Nothing of it was done.

    Attributes:
        process, document: What would be started.
        happened: What is assumed to have happened at its waits so far.
        at: The moment up to which it is followed.
        steps: What it would do, in order.
        waits: The waits that would be open then.
        stops: Branches that cannot be followed further, each with the reason.
        ended: How it would have ended: `completed`, `failed`, `terminated`; None while it goes on.
        ended_by: What ended it from outside.
        result, error: What it would return, or raise.
    """

    process: str
    document: ItemRef | None
    happened: tuple[str, ...]
    at: datetime
    steps: tuple[PreviewStep, ...]
    waits: tuple[PreviewWait, ...]
    stops: tuple[PreviewStop, ...]
    ended: str | None
    ended_by: str | None
    result: Any
    error: str | None
    _rehearsal: Rehearsing = field(repr=False, eq=False, alias="_rehearsal")

    async def after(
        self, action: Command[Any] | None = None, *, signal: str | None = None, value: Any = None
    ) -> Preview:
        """
        What it would do next: after the time of the wait that would be over first, or after something that happens.

        Args:
            action: What somebody does, as `crm.deal(5).change_stage("EXECUTING")`.
            signal: The name of a signal that is sent to it.
            value: What that signal brings.

        Raises:
            WrongArgument: That cannot happen there: it has ended, or does not wait for this.
            ActionError: The action cannot do its work.
        """
        if action is not None:
            return await self._rehearsal.after(Done(_an_action(action)), action.name)
        if signal is not None:
            return await self._rehearsal.after(SignalSent(signal, value), f"signal {signal}")
        return await self._rehearsal.after(TimeUp(), TIME_IS_UP)

    async def outcomes(self) -> dict[str, Preview]:
        """
        What it would do next, for each way in which its waits may end, as far as these can be told.

        These are: the time of the first is up; somebody moves the item to a stage that is waited for, if that can be
        done; a signal comes whose value is assumed (`assume={"approved": True}`).
        """
        found = {}
        for name, outcome in self._rehearsal.outcomes.items():
            with suppress(ActionError):  # a stage of another pipeline
                found[name] = await self._rehearsal.after(outcome, name)
        return found


TIME_IS_UP = "time is up"


class PreviewHost(Protocol):
    """The runtime, as a rehearsal sees it. What it has is told in `runtime.py`."""

    def stage(self, call: Call[Any]) -> Stage:
        """What a preview of this call needs."""

    async def undone(self, function: Callable[[Transaction], T]) -> T:
        """What a function finds in a transaction that is undone."""


@frozen(eq=False)
class Rehearsing:
    """A rehearsal that can be gone on with: it is done again from its beginning, with one thing more that happens."""

    runtime: PreviewHost
    call: Call[Any]
    assumed: Mapping[Any, Any]
    moment: datetime | None
    path: tuple[Outcome, ...] = ()
    happened: tuple[str, ...] = ()
    outcomes: Mapping[str, Outcome] = field(factory=dict)

    async def after(self, outcome: Outcome, name: str) -> Preview:
        return await evolve(self, path=(*self.path, outcome), happened=(*self.happened, name)).preview()

    async def preview(self) -> Preview:
        beginning, found = await self.runtime.undone(self._rehearse)
        known = {one.name: getattr(found, one.name) for one in fields(Rehearsed) if one.name != "outcomes"}
        return Preview(
            process=self.call.process.name,
            document=None if self.call.document is None else ref_of(self.call.document),
            happened=self.happened,
            **known,
            _rehearsal=evolve(self, moment=beginning, outcomes=found.outcomes),
        )

    def _rehearse(self, tx: Transaction) -> tuple[datetime, Rehearsed]:
        if self.moment is not None:  # what comes after a preview begins when that one did
            tx.now, tx.now_text = self.moment, moment_text(self.moment)
        beginning = tx.now
        return beginning, rehearse(tx, self.call, self.runtime.stage(self.call), self.assumed, self.path)


class AnyChannel(Mapping[str, Any]):
    """A guest does not know which channels the owner has."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _an_action(action: Any) -> Action[Any]:
    checked: Action[Any] = check_value(action, Action, process="Preview.after", parameter="action")
    return checked
