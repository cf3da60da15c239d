"""
Forks: one command that becomes several branches. The driver answers it; engines never see it.

A fork needs no entry of its own in the journal: which branch won or failed first follows from the order of the
branches' own outcomes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from inspect import iscoroutine
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from attrs import frozen

from bizproc.core.commands import Command
from bizproc.core.outcome import Attempt

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Body: TypeAlias = Coroutine[Any, Any, Any]
Mode: TypeAlias = Literal["gather", "race", "shield"]


@frozen
class Winner(Generic[T]):
    """The branch of a race that ended first."""

    index: int
    value: T


@frozen(eq=False)
class Fork(Command[T_co]):
    """
    Several branches at once.

    Attributes:
        mode: `gather` waits for all, `race` for the first, `shield` for its only branch, which is not cancelled.
        branches: Each makes the coroutine of one branch; called when that branch starts.
        limit: How many run at a time; None for all.
    """

    kind = "fork"
    mode: Mode
    branches: Sequence[Callable[[], Body]]
    limit: int | None = None

    @property
    def name(self) -> str:
        return self.mode


def branch(awaitable: Awaitable[Any]) -> Callable[[], Body]:
    """How to start a branch from something awaitable."""
    return _Once(awaitable) if iscoroutine(awaitable) else _Awaiting(awaitable)


@frozen(eq=False)
class _Awaiting(Generic[T]):
    """A branch over anything else."""

    awaitable: Awaitable[T]

    async def __call__(self) -> T:
        return await self.awaitable


@frozen(eq=False)
class _Once:
    """A branch over a coroutine that exists already, so that one that never starts can be closed."""

    coroutine: Body

    def __call__(self) -> Body:
        return self.coroutine


def close_unstarted(starts: Sequence[Callable[[], Body]]) -> None:
    """Close coroutines that will never run: they would warn when they are collected."""
    for start in starts:
        if isinstance(start, _Once):
            close(start.coroutine)
        elif isinstance(start, _Awaiting):
            close(start.awaitable)


def close(awaitable: object) -> None:
    """Close the coroutines in something that will never be awaited."""
    if iscoroutine(awaitable):
        awaitable.close()
    elif isinstance(awaitable, Fork):
        close_unstarted(awaitable.branches)
    elif isinstance(awaitable, Attempt):
        close(awaitable.awaitable)
