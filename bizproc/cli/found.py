"""
What the steps of a story found in the CRM: what a test has to put there, so that they find it again.

The journal has what a step read. What stood beside the document, others had put there: tasks, comments and things to do
can be put there again. What else was read is named, for a person to add.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from bizproc.core.codec import Codec
from bizproc.model.planned import Task
from bizproc.model.timeline import Activity, Comment

if TYPE_CHECKING:
    from bizproc.engines.embedded.inspection import Recording
    from bizproc.engines.embedded.journal import Recorded

Element = Task | Comment | Activity

_BESIDE: Final[Mapping[str, tuple[Any, str]]] = {
    "tasks": (tuple[Task, ...], "add_task"),
    "comments": (tuple[Comment, ...], "add_comment"),
    "activities": (tuple[Activity, ...], "add_activity"),
}
"""Verbs that read what can be put there again: what they give, and the verb with which the story itself adds some."""

_OTHERS: Final[Mapping[str, str]] = {
    "products": "add_product",
    "orders": "create_order",
    "documents": "create_document",
    "bookings": "book_resource",
    "find": "create",
}
"""Verbs that read what cannot; and the verb with which the story itself adds some."""

_WAITS: Final = frozenset({"wait", "sleep", "until", "signal"})


@frozen
class Put:
    """Something that others had put beside the document, before this wait was over; None: at the start."""

    element: Element
    before: int | None

    @property
    def at(self) -> datetime:
        """When it was put there."""
        return self.element.created_at

    @property
    def stage(self) -> str | None:
        """Of a task that a process made: the stage of that moment."""
        return self.element.stage if isinstance(self.element, Task) else None


@frozen
class Found:
    """
    What was read in a story.

    Attributes:
        put: What others had put beside the document, in their order.
        missing: Steps that read something else, each with what it is about.
    """

    put: Sequence[Put]
    missing: Sequence[tuple[Recorded, str]]

    @classmethod
    def of(cls, recording: Recording, codec: Codec, known: Iterable[tuple[str, int]]) -> Found:
        """All of it; `known` are the items that the test makes anyway."""
        return cls(list(_put(recording, codec)), list(_missing(recording, codec, frozenset(known))))

    def before(self, position: int | None) -> list[Put]:
        """What is put there before this wait is over."""
        return [each for each in self.put if each.before == position]


def _reads(recording: Recording, verbs: Iterable[str]) -> Iterator[tuple[Recorded, str]]:
    """Steps that read something of the document, or found items, with their verb."""
    document, wanted = recording.call.document, frozenset(verbs)
    for row in recording.rows:
        kind, _, verb = (row.name or "").partition(".")
        if row.kind != "action" or row.event != "returned" or verb not in wanted:
            continue
        target = json.loads(row.arguments or "{}").get("target")
        own = document is not None and kind == document.item_type and target in (None, document.id)
        if own or verb == "find":
            yield row, verb


def _put(recording: Recording, codec: Codec) -> Iterator[Put]:
    found: dict[tuple[str, int], Put] = {}
    for row, verb in _reads(recording, _BESIDE):
        type_, own = _BESIDE[verb]
        ours = _made(recording, own)
        for each in codec.decode(row.outcome or "[]", type_):
            if each.id not in ours and not _is_other_than_to_do(each):
                found.setdefault((verb, each.id), Put(each, _wait_before(recording.rows, row.position)))
    return iter(sorted(found.values(), key=lambda put: (put.at, put.element.id)))


def _is_other_than_to_do(element: Element) -> bool:
    """A mail, a call, what shows a task: it is not made as an activity."""
    return isinstance(element, Activity) and element.kind != "todo"


def _missing(recording: Recording, codec: Codec, known: frozenset[tuple[str, int]]) -> Iterator[tuple[Recorded, str]]:
    for row, verb in _reads(recording, _OTHERS):
        kind = (row.name or "").partition(".")[0]
        made = _made(recording, _OTHERS[verb]) | {id_ for known_kind, id_ in known if known_kind == kind}
        ids = [id_ for id_ in _ids(json.loads(row.outcome or "null")) if id_ not in made]
        if ids:
            yield row, f"it found {len(ids)}: {', '.join(map(str, ids[:5]))}{', …' if ids[5:] else ''}"
    for row, _ in _reads(recording, ["activities"]):
        several = codec.decode(row.outcome or "[]", tuple[Activity, ...])
        kinds = sorted(
            {each.kind for each in several if each.kind not in ("todo", "task") and _is_foreign(each, recording)}
        )
        if kinds:
            yield row, f"it found activities of the kinds {', '.join(kinds)}"


def _is_foreign(activity: Activity, recording: Recording) -> bool:
    return activity.made_by != recording.status.id


def _made(recording: Recording, verb: str) -> set[int]:
    """The ids of what the story itself made with a verb."""
    rows = (row for row in recording.rows if row.event == "returned" and (row.name or "").endswith(f".{verb}"))
    return {id_ for row in rows for id_ in _ids(json.loads(row.outcome or "null"))}


def _ids(outcome: Any) -> Iterator[int]:
    several = outcome if isinstance(outcome, list) else [outcome]
    for each in several:
        if isinstance(each, dict) and isinstance(each.get("id"), int):
            yield each["id"]


def _wait_before(rows: Sequence[Recorded], position: int) -> int | None:
    """The last wait that was over before a row: until then a test can do something."""
    over = (row.position for row in rows if row.kind in _WAITS and row.event == "returned" and row.position < position)
    return max(over, default=None)
