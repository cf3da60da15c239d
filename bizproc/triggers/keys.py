"""
The keys under which waits subscribe and events look for them. A key is plain text; equal texts meet.

Who waits is found by equality on an index, so it costs the same with ten subscriptions and with a hundred thousand.
"""

from __future__ import annotations

from bizproc.core.commands import Event


def keys_of(event: Event) -> tuple[str, ...]:
    """
    The keys of an event, from the particular to the general.

    `deal.stage_changed` on `deal:5` has `deal:5/deal.stage_changed`, `deal:5` and `deal.stage_changed`.
    """
    return (about(event.subject, event.name), event.subject, event.name)


def about(subject: str, name: str) -> str:
    """The key of one kind of event on one subject."""
    return f"{subject}/{name}"


def ending(instance: int) -> str:
    """The key under which a parent waits for the end of an instance."""
    return about(f"instance:{instance}", ENDED)


def signalled(instance: int, name: str) -> str:
    """The key under which an instance waits for a signal."""
    return about(f"instance:{instance}", f"signal:{name}")


def sent(name: str) -> str:
    """The name of the event that a signal to the runtime is."""
    return f"{_SENT}{name}"


def is_sent(event: str) -> bool:
    """Whether the event of this name is a signal to the runtime."""
    return event.startswith(_SENT)


_SENT = "signal:"


RUNTIME = "runtime"
"""The subject of what concerns no item."""

ENDED = "instance.ended"
