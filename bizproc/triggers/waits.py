"""
Waiting for an event: the wait behind `wait.for_event`.

It looks at nothing when it begins; only what happens after that counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import fields, frozen

from bizproc.core.commands import Done, Event, Listening, Pending, later
from bizproc.triggers.trigger import Trigger


@frozen
class Happened:
    """How a wait for an event ended: with the event, or because time ran out."""

    event: Event | None = None
    timed_out: bool = False


@frozen
class ForEvent(Listening[Happened]):
    """Wait for the next event that fits a trigger."""

    trigger: Trigger
    timeout: timedelta | None = None

    @property
    def name(self) -> str:
        return "for_event"

    def arguments(self) -> Mapping[str, object]:
        return {"trigger": _given(self.trigger), **({} if self.timeout is None else {"timeout": self.timeout})}

    @property
    def result_type(self) -> Any:
        return Happened

    async def begin(self, port: Any) -> Done[Happened] | Pending:
        deadline = None if self.timeout is None else later(port.performing.now, self.timeout)
        return Pending(self.trigger.keys(), deadline, self.trigger if self.trigger.is_conditional else None)

    def accept(self, event: Event) -> Done[Happened] | None:
        # All changes count in a wait, those of processes too, unless the trigger says otherwise (D15).
        # Its conditions have been looked at when it happened, for the item may be another by now.
        return Done(Happened(event)) if self.trigger.match(event, None, starting=False) else None

    def expired(self) -> Happened:
        return Happened(timed_out=True)


def _given(trigger: Trigger) -> dict[str, object]:
    """A trigger as it is compared on replay: what is not as usual, so that what triggers learn later changes none."""
    given = {one.name: getattr(trigger, one.name) for one in fields(Trigger)}
    different = {one.name: given[one.name] for one in fields(Trigger) if given[one.name] != one.default}
    return different | ({"others": [_given(other) for other in trigger.others]} if trigger.others else {})
