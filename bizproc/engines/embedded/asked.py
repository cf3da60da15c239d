"""A work whose result somebody waits for: the form of all works but turns."""

from __future__ import annotations

import asyncio
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


def set_result(future: asyncio.Future[Any], value: Any) -> None:
    """Tell who waits, if anybody still does."""
    if not future.done():
        future.set_result(value)


def set_error(future: asyncio.Future[Any], error: BaseException) -> None:
    """Tell who waits that it went wrong, if anybody still does."""
    if not future.done():
        future.set_exception(error)


def nothing_with(_result: object) -> None:
    """Nothing is to be done with the result of a work."""


def execute(text: str, parameters: Any, tx: Transaction) -> None:
    """A function for `Run`: one statement."""
    tx.execute(text, parameters)
