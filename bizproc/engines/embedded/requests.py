"""What a guest asks of the owner. Each is a value that is written into the inbox with its types."""

from __future__ import annotations

from typing import Any, TypeAlias

from attrs import frozen


@frozen
class StartRequest:
    """Start a process; the arguments are encoded. Answered with the instance's id."""

    process: str
    version: int
    arguments: str
    id: str | None


@frozen
class PerformRequest:
    """Perform an action. Answered with what it returns."""

    action: Any


@frozen
class SignalRequest:
    """Send a signal; the value is encoded."""

    id: str
    name: str
    value: str
    key: str | None


@frozen
class CancelRequest:
    """Cancel an instance."""

    id: str


@frozen
class TerminateRequest:
    """End an instance."""

    id: str
    reason: str


@frozen
class RetryRequest:
    """Let an instance that failed or is stuck go on."""

    id: str
    again: bool = False


@frozen
class ForkRequest:
    """Fork an instance before a step. Answered with the fork's id."""

    id: str
    step: str
    called: str | None


@frozen
class SkipRequest:
    """End the wait of an instance."""

    id: str


@frozen
class SettleRequest:
    """Say what became of a delivery that is unknown, and let the instance go on."""

    id: str
    step: str
    sent: bool


@frozen
class PublishRequest:
    """Send a signal to whoever listens; the value is encoded."""

    name: str
    value: str


@frozen
class PauseRequest:
    """Let the triggers of a process start nothing, or something again."""

    process: str
    paused: bool


Request: TypeAlias = (
    StartRequest
    | PerformRequest
    | SignalRequest
    | CancelRequest
    | TerminateRequest
    | RetryRequest
    | ForkRequest
    | SkipRequest
    | PublishRequest
    | PauseRequest
    | SettleRequest
)
