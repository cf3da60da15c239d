"""Triggers: which events start a process, or end a wait. Pure: an event fits or not by what it says of itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import field, frozen

from bizproc.core.commands import Event
from bizproc.triggers.keys import about


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
        others: Further triggers, any of which may fit.
    """

    events: tuple[str, ...]
    item: int | None = None
    fields: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    by_processes: bool | None = None
    others: tuple[Trigger, ...] = field(default=(), kw_only=True)

    def __or__(self, other: Trigger) -> Trigger:
        return Trigger(
            self.events,
            self.item,
            self.fields,
            self.stages,
            self.by_processes,
            others=(*self.others, other),
        )

    def keys(self) -> tuple[str, ...]:
        """What to listen to: no event that fits has none of these keys."""
        own = tuple(name if self.item is None else about(f"{_kind(name)}:{self.item}", name) for name in self.events)
        return own + tuple(key for other in self.others for key in other.keys())  # noqa: SIM118  not a mapping

    def fits(self, event: Event, *, by_processes: bool) -> bool:
        """Whether an event is one of these; `by_processes` holds where the trigger says nothing of it."""
        return self._fits(event, by_processes=by_processes) or any(
            other.fits(event, by_processes=by_processes) for other in self.others
        )

    def _fits(self, event: Event, *, by_processes: bool) -> bool:
        return all(check(self, event) for check in _CHECKS) and (
            event.facts.get("by") is None or (by_processes if self.by_processes is None else self.by_processes)
        )


def _kind(event: str) -> str:
    return event.partition(".")[0]


def _has_name(trigger: Trigger, event: Event) -> bool:
    return event.name in trigger.events


def _is_on_item(trigger: Trigger, event: Event) -> bool:
    return trigger.item is None or event.subject.partition(":")[2] == str(trigger.item)


def _changes_field(trigger: Trigger, event: Event) -> bool:
    changes: Any = event.facts.get("changes", {})
    return not trigger.fields or any(name in changes for name in trigger.fields)


def _enters_stage(trigger: Trigger, event: Event) -> bool:
    return not trigger.stages or event.facts.get("stage") in trigger.stages


_CHECKS: tuple[Callable[[Trigger, Event], bool], ...] = (_has_name, _is_on_item, _changes_field, _enters_stage)
