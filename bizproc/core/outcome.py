"""An outcome: how a command ended, with a value or with an error. And an attempt, which asks for one."""

from __future__ import annotations

from collections.abc import Awaitable, Generator
from typing import Any, Generic, TypeVar, cast

from attrs import field, frozen

from bizproc.core.commands import Command, ask

T = TypeVar("T")


@frozen
class Outcome(Generic[T]):
    """
    A value or an error.

    Attributes:
        value: What was returned; None where there is an error.
        error: What was raised, or None.
    """

    value: T | None = None
    error: BaseException | None = field(default=None, eq=repr)

    @property
    def ok(self) -> bool:
        """Whether there is a value."""
        return self.error is None

    def get(self) -> T:
        """The value; raises the error where there is one."""
        if self.error is not None:
            raise self.error
        return cast("T", self.value)


@frozen(eq=False)
class Attempt(Generic[T]):
    """
    Something awaitable whose outcome is wanted, whatever it is.

    Not a coroutine around it: what an attempt that never begins would have awaited can be seen, and closed.
    """

    awaitable: Awaitable[T]

    def __await__(self) -> Generator[Any, Any, Outcome[T]]:
        try:
            if isinstance(self.awaitable, Command):
                return Outcome((yield from ask(self.awaitable, attempted=True)))
            return Outcome((yield from self.awaitable.__await__()))
        except Exception as error:  # noqa: BLE001  (that is what it is for)
            return Outcome(error=error)
