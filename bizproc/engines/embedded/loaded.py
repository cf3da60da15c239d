"""An instance as the store has it: all that is needed to bring it back."""

from __future__ import annotations

from attrs import define, frozen

from bizproc.engines.embedded.deliveries import Delivery, Signal
from bizproc.engines.embedded.journal import Chain, Recorded
from bizproc.ports.performing import ItemRef


@frozen
class Attempted:
    """A step that was tried and has not ended: how often, whether a body was running, when it is tried again."""

    count: int
    started: bool
    again_at: str | None


@define(eq=False, kw_only=True)
class Loaded:
    """
    What the store has of an instance.

    Attributes:
        rows, chain: Its journal, and where the next row continues it.
        arrivals, signals: What has arrived for it and was not taken, the oldest first.
        attempts: Its steps that were tried and have not ended, by address.
        crashes: How often in a row the program died while it had something to do.
        printed_in: In which language and zone it has printed values; None while it has not.
        retried: The arrival that says that it had ended and goes on: what would wake it must be written again.
        unstuck: The arrivals that say that it was stuck and goes on.
        adopted: Its arguments with the settings of today, where it goes on with these.
    """

    key: int
    id: str
    process: str
    version: int
    run: int
    document: ItemRef | None
    arguments: str
    state: str
    waits_for: str | None
    until: str | None
    rows: list[Recorded]
    chain: Chain
    arrivals: list[Delivery]
    signals: list[Signal]
    attempts: dict[str, Attempted]
    crashes: int
    printed_in: str | None
    retried: int | None
    unstuck: tuple[int, ...] = ()
    adopted: str | None = None
