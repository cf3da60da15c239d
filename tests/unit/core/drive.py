"""Driving a coroutine by hand: what the tests of the driver share."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from attrs import frozen

from bizproc.core.commands import Command
from bizproc.core.driver import Driver

INSTANCE = object()
"""What the drivers of these tests drive for."""


@frozen(eq=False)
class Say(Command[Any]):
    """A command that means nothing; the test gives the answer."""

    kind = "say"
    what: str

    @property
    def name(self) -> str:
        return self.what


def say(what: str) -> Say:
    return Say(what)


class Boom(Exception):
    """An error of user code."""


def begun(coroutine: Coroutine[Any, Any, Any]) -> Driver:
    """A driver that has run to the first open commands."""
    driver = Driver(coroutine, INSTANCE)
    driver.begin()
    return driver


def asked(driver: Driver) -> dict[str, str]:
    """The open commands: what is said at which address."""
    return {address: ask.command.name for address, ask in driver.asks.items()}


def answer(driver: Driver, **values: object) -> None:
    """Answer open commands by what they say, one after the other."""
    for what, value in values.items():
        driver.resume(address_of(driver, what), value)


def fail(driver: Driver, what: str, error: BaseException | None = None) -> None:
    """Answer the open command that says `what` with an error."""
    driver.resume(address_of(driver, what), error=error or Boom(what))


def address_of(driver: Driver, what: str) -> str:
    found = [address for address, said in asked(driver).items() if said == what]
    assert len(found) == 1, f"{what} is open {len(found)} times in {asked(driver)}"
    return found[0]


def result(driver: Driver) -> Any:
    """What the main coroutine returned; raises what it raised."""
    assert driver.outcome is not None, f"it has not ended: {asked(driver)}"
    assert not driver.asks, f"it has ended, and these are open: {asked(driver)}"
    return driver.outcome.get()


def error_of(driver: Driver) -> BaseException:
    """What the main coroutine raised."""
    assert driver.outcome is not None, f"it has not ended: {asked(driver)}"
    assert not driver.asks, f"it has ended, and these are open: {asked(driver)}"
    assert driver.outcome.error is not None, f"it returned {driver.outcome.value!r}"
    return driver.outcome.error


def notes_of(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", []))
