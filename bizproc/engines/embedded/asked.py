"""A work whose result somebody waits for: the form of all works but turns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from attrs import define, field

from bizproc.store.transaction import Transaction

T = TypeVar("T")


def _unheard(error: BaseException) -> None:
    raise error


@define(eq=False)
class Asked(Generic[T]):
    """
    A work whose result goes to `done`, and whose failure to `broken`.

    Attributes:
        ran: Whether it ran in the last group it was part of.
    """

    done: Callable[[T], None]
    broken: Callable[[BaseException], None] = field(default=_unheard, kw_only=True)
    patient: bool = field(default=False, kw_only=True)
    ran: bool = field(default=False, init=False)
    result: Any = field(default=None, init=False)

    def run(self, tx: Transaction) -> None:
        self.result, self.ran = self.write(tx), True

    def write(self, tx: Transaction) -> T:
        """What is done in the transaction."""
        raise NotImplementedError

    def committed(self) -> None:
        self.done(self.result)

    def failed(self, error: BaseException) -> None:
        self.broken(error)
