"""An outcome: how a command ended, with a value or with an error."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

from attrs import field, frozen

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
