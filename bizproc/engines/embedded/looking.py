"""
The item of an event, as it was before and after: asked of the port only when a trigger wants to know.

The CRM knows how an item is now, at the end of an action, and events say what has changed. So the item after an earlier
event is the item now without the changes of the later ones.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Final

from attrs import define, field

from bizproc.core.commands import Event
from bizproc.core.errors import ActionError
from bizproc.engines.embedded.performing import finished
from bizproc.model.references import ItemRef
from bizproc.triggers.condition import Condition


@define(eq=False, slots=False)
class Looking:
    """Looks at the items of the events of one action, each once."""

    events: Sequence[Event]
    _make_port: Callable[[], Any]
    _make_setting: Callable[[Any], Any]
    _items: dict[str, list[tuple[Any, Any]]] = field(factory=dict, init=False)

    @cached_property
    def port(self) -> Any:
        """The CRM, in the transaction of the events."""
        return self._make_port()

    @cached_property
    def setting(self) -> Any:
        """What conditions are looked at in."""
        return self._make_setting(self.port)

    def at(self, place: int) -> Sight:
        """The item of the event at this place."""
        return Sight(self, place)

    def item(self, place: int) -> tuple[Any, Any]:
        """The item before and after the event at this place; None where it was not there."""
        subject = self.events[place].subject
        if subject not in self._items:
            self._items[subject] = self._history(subject)
        return self._items[subject][place]

    def _history(self, subject: str) -> list[tuple[Any, Any]]:
        now = self._now(subject)
        history: list[tuple[Any, Any]] = []
        for event in reversed(self.events):
            after = now
            if is_about(event, subject):
                now = self._before(event, after)
            history.append((now, after))
        return history[::-1]

    def _now(self, subject: str) -> Any:
        ref = ref_of_subject(subject)
        if ref is None:
            return None
        try:
            return finished(self.port.read(ref), _READING)
        except ActionError:
            return None

    def _before(self, event: Event, after: Any) -> Any:
        happening = event.name.rpartition(".")[2]
        if happening == "deleted":
            return event.facts.get("item")
        if happening == "created":
            return None
        changes = event.facts.get("changes")
        if after is None or not changes or happening != "updated":
            return after
        return finished(self.port.before(after, changes), _READING)


@define(eq=False)
class Sight:
    """One event's item. See `triggers.condition.Seen`."""

    looking: Looking
    place: int

    @property
    def item(self) -> Any:
        """The item after the event; one that was deleted by it, as it was at last."""
        before, after = self.looking.item(self.place)
        return before if self._is_deletion() else after

    def holds(self, condition: Condition) -> bool:
        return self._holds(condition, self.item)

    def held(self, condition: Condition) -> bool:
        return self._holds(condition, self.looking.item(self.place)[0])

    def _holds(self, condition: Condition, item: Any) -> bool:
        return item is not None and bool(condition.holds(item, self.looking.setting))

    def _is_deletion(self) -> bool:
        event = self.looking.events[self.place]
        return event.name.endswith(".deleted") and is_about(event, event.subject)


def is_about(event: Event, subject: str) -> bool:
    """Whether an event tells of this item itself, and not of something that belongs to it."""
    return event.subject == subject and event.name.rpartition(".")[0] == subject.rpartition(":")[0]


def ref_of_subject(subject: str) -> ItemRef | None:
    """The item that an event is about; None for what is about no item."""
    kind, _, id = subject.rpartition(":")
    return ItemRef(kind, int(id)) if kind and id.isascii() and id.isdecimal() and kind != "instance" else None


class _Reading:
    name = "reading an item for a trigger"


_READING: Final = _Reading()
