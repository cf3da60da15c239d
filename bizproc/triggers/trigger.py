"""
Triggers: which events start a process, or end a wait. Pure.

An event fits or not by what it says of itself, and by what the conditions of the trigger find in its item.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import evolve, field, frozen

from bizproc.core.commands import Event
from bizproc.triggers.condition import Seen
from bizproc.triggers.keys import about
from bizproc.triggers.schedule import Schedule


@frozen
class Trigger:
    """
    Some events. Two triggers combine with `|`.

    Attributes:
        events: Names of events that may fit, such as `deal.created`.
        item: Only on this item; None for any.
        fields: Of changes, only those of one of these fields; none for any.
        stages: Of stage events, only into one of these; none for any.
        by_processes: Whether changes made by processes count; None: as the use of the trigger has it (D15).
        where: A `Condition` that the item must meet after the event.
        became: A `Condition` that the item must not have met before, and must meet now.
        while_in_stage: What is started ends when the item leaves the stages.
        muted: Whether changes made by processes start nothing, if `by_processes` says nothing of it (D15).
        any_kind: Its events are about items of whatever kind, and their names begin with none: `message.opened`.
        about: Of such events, only those on this item, as `deal:5`.
        schedule: Runs of a clock instead of events.
        others: Further triggers, any of which may fit.
    """

    events: tuple[str, ...]
    item: int | None = None
    fields: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    by_processes: bool | None = None
    where: Any = None
    became: Any = None
    while_in_stage: bool = False
    muted: bool = False
    any_kind: bool = False
    about: str | None = None
    schedule: Schedule | None = None
    others: tuple[Trigger, ...] = field(default=(), kw_only=True)

    def __or__(self, other: Trigger) -> Trigger:
        if not isinstance(other, Trigger):
            return NotImplemented
        return evolve(self, others=(*self.others, other))

    def alternatives(self) -> tuple[Trigger, ...]:
        """The triggers it is made of."""
        return (evolve(self, others=()), *(each for other in self.others for each in other.alternatives()))

    @property
    def is_conditional(self) -> bool:
        """Whether an event does not say all there is to know."""
        own = self.where is not None or self.became is not None
        return own or any(other.is_conditional for other in self.others)

    def tells_of_any_kind(self, name: str) -> bool:
        """Whether it listens to an event of this name, whatever kind of item that is about."""
        own = self.any_kind and name in self.events
        return own or any(other.tells_of_any_kind(name) for other in self.others)

    def keys(self) -> tuple[str, ...]:
        """What to listen to: no event that fits has none of these keys."""
        own = tuple(self._key(name) for name in self.events)
        return own + tuple(key for other in self.others for key in other.keys())  # noqa: SIM118  not a mapping

    def _key(self, name: str) -> str:
        if self.about is not None:
            return about(self.about, name)
        return name if self.item is None else about(f"{_kind(name)}:{self.item}", name)

    def match(self, event: Event, seen: Seen | None, *, starting: bool) -> Trigger | None:
        """
        The alternative that an event fits, if there is one.

        Args:
            event: What happened.
            seen: The item; None where its conditions were looked at already.
            starting: Whether something is to be started: then changes made by processes may not count (D15).
        """
        if self._fits(event, seen, starting=starting):
            return self
        return next((each for other in self.others if (each := other.match(event, seen, starting=starting))), None)

    def _fits(self, event: Event, seen: Seen | None, *, starting: bool) -> bool:
        return (
            all(check(self, event) for check in _CHECKS)
            and (event.facts.get("by") is None or self._counts_processes(starting=starting))
            and (seen is None or self._holds(seen))
        )

    def _counts_processes(self, *, starting: bool) -> bool:
        return not (starting and self.muted) if self.by_processes is None else self.by_processes

    def _holds(self, seen: Seen) -> bool:
        if self.where is not None and not seen.holds(self.where):
            return False
        return self.became is None or (seen.holds(self.became) and not seen.held(self.became))


def _kind(event: str) -> str:
    return event.rpartition(".")[0]


def _has_name(trigger: Trigger, event: Event) -> bool:
    return event.name in trigger.events


def _is_on_item(trigger: Trigger, event: Event) -> bool:
    if trigger.about is not None:
        return event.subject == trigger.about
    return trigger.item is None or event.subject.rpartition(":")[2] == str(trigger.item)


def _changes_field(trigger: Trigger, event: Event) -> bool:
    changes: Any = event.facts.get("changes", {})
    return not trigger.fields or any(name in changes for name in trigger.fields)


def _enters_stage(trigger: Trigger, event: Event) -> bool:
    return not trigger.stages or event.facts.get("stage") in trigger.stages


_CHECKS: tuple[Callable[[Trigger, Event], bool], ...] = (_has_name, _is_on_item, _changes_field, _enters_stage)
