"""What can arrive for an instance: it waits in its mailbox until the next turn, and is then given to the driver."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from attrs import define, frozen

from bizproc.core.commands import Event
from bizproc.engines.embedded.turn import Answer


class StepEnded(NamedTuple):
    """The body of a step returned or, for the last time, raised. `encoded` is the value or the error."""

    address: str
    value: Any
    error: BaseException | None
    encoded: str
    attempts: int
    started_at: str


@frozen
class StepFailed:
    """The body of a step raised and is to be tried again at `again_at` (fixed-width text)."""

    address: str
    error: str
    attempts: int
    again_at: str


@frozen
class Due:
    """A timer has fired."""

    address: str
    arrival: int


@frozen
class Arrived:
    """An event that a wait listens to."""

    address: str
    arrival: int
    event: Event


@frozen
class Readied:
    """A prepared action has done its work outside; the rest is one commit."""

    address: str
    value: Any


@frozen
class Settled:
    """The fate of something sent is known: the step's value, or its error."""

    address: str
    arrival: int
    value: Any
    error: BaseException | None


@frozen
class CancelAsked:
    """Somebody wants the instance cancelled."""

    arrival: int


@frozen
class SkipAsked:
    """Somebody wants the wait that would be over first to be over now."""

    arrival: int


@define
class Signal:
    """An unread signal; `value` is encoded."""

    id: int
    name: str
    value: str


Delivery: TypeAlias = (
    Answer | StepEnded | StepFailed | Readied | Due | Arrived | Settled | CancelAsked | SkipAsked | Signal
)
