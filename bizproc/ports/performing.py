"""What an engine gives to an adapter for one performance of an action. Made for one call and dropped after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from attrs import define, field, frozen

from bizproc.core.commands import Event, Outgoing
from bizproc.model.references import ItemRef

__all__ = ["FollowUp", "ItemRef", "LocalTransaction", "Performing"]

Trace: TypeAlias = Callable[[Any, Exception], Awaitable[Any]]
"""What an action leaves behind if it fails: done with a port, and with the error."""

Parameters: TypeAlias = Sequence[Any] | Mapping[str, Any]


class LocalTransaction(Protocol):
    """The store's open transaction, as far as an adapter that keeps its data in the store needs it."""

    @property
    def now_text(self) -> str: ...

    def execute(self, sql: str, parameters: Parameters = ..., /) -> Any:
        """Run one statement now."""

    def later(self, sql: str, row: Sequence[Any], /) -> None:
        """Run it just before the commit: for rows that nobody reads inside the transaction."""

    def savepoint(self) -> AbstractContextManager[None]:
        """What is raised inside undoes what was done inside."""


def _nothing(ended_by: str) -> None:
    """Outside a process there is no instance to end."""


def _nowhere() -> None:
    """Outside a process no function asks."""


def _nothing_on(ref: ItemRef, ended_by: str) -> None:
    """Without an engine there are no instances."""


@frozen
class FollowUp:
    """
    Something to be sent later, whether the instance is still there by then or not.

    Attributes:
        name: Tells it from others of the same step; one of a name is posted once.
        at: When it is to be sent.
    """

    name: str
    outgoing: Outgoing
    at: datetime


@define(kw_only=True, eq=False)
class Performing:
    """
    One performance.

    Attributes:
        transaction: What is written through it commits together with the journal's entry, or not at all.
        now: The moment of that commit, aware, in UTC.
        instance: The id of the instance that performs; None outside a process.
        process: The name of its process.
        function: Asked for the name of the function, of the process's own code, that asked for this; None outside.
        key: The idempotency key of the step: the same at every attempt. Whatever an adapter creates where nothing is
            undone carries it.
        document: The item that the process runs on, or None.
        author: The user whose name changes bear where the action names none; None is the system.
        ending: Ends the instance, see `end`.
        clearing: Ends the instances on an item, see `end_all_on`.
        clearing_others: Ends those on an item but the one that performs, see `end_others_on`.
        events: What was emitted so far, in order.
        follow_ups: What is to be sent later; posted in the same commit, and not at all if the action fails.
        left_behind: What is done if the action fails, see `leave_behind`.
    """

    transaction: LocalTransaction
    now: datetime
    instance: str | None = None
    process: str | None = None
    function: Callable[[], str | None] = _nowhere
    key: str = ""
    document: ItemRef | None = None
    author: int | None = None
    ending: Callable[[str], None] = _nothing
    clearing: Callable[[ItemRef, str], None] = _nothing_on
    clearing_others: Callable[[ItemRef, str], None] = _nothing_on
    events: list[Event] = field(factory=list)
    follow_ups: list[FollowUp] = field(factory=list)
    left_behind: list[Trace] = field(factory=list)

    def emit(self, event: Event) -> None:
        """Tell a fact: it reaches those who wait for it in this very transaction, and is undone with the action."""
        self.events.append(event)

    def follow_up(self, later: FollowUp) -> None:
        """Have something sent later; see `FollowUp`."""
        self.follow_ups.append(later)

    def end(self, ended_by: str) -> None:
        """The instance ends with this commit; no more of its code runs (D10, D11)."""
        self.ending(ended_by)

    def leave_behind(self, trace: Trace) -> None:
        """
        Have something done if the action now fails: a to-do, a line, so that people learn of the failure.

        It is given a port and the error, in the same commit as the failure, after all that the action did was undone.
        What it raises is a note on the error, and nothing more.
        """
        self.left_behind.append(trace)

    def end_all_on(self, ref: ItemRef, ended_by: str) -> None:
        """All instances on an item are terminated with this commit, this one too if it is one of them (D10)."""
        self.clearing(ref, ended_by)

    def end_others_on(self, ref: ItemRef, ended_by: str) -> None:
        """As `end_all_on`, but the one that performs goes on."""
        self.clearing_others(ref, ended_by)
