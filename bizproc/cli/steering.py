"""
What the commands that steer instances have in common.

Beside an owner they wait until it has done what they want, and say what came of it; without one they say that it waits
in the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click
from attrs import frozen

from bizproc.cli.completing import instance_ids
from bizproc.cli.mistakes import Mistake
from bizproc.cli.named import with_hint
from bizproc.cli.output import complain, complain_of, print_json, say
from bizproc.cli.setup import Setup, check_that_store_exists
from bizproc.cli.standing import GOING_ON, sentence
from bizproc.core.errors import BizprocError, InstanceNotFound, Unanswered

if TYPE_CHECKING:
    from bizproc.core.process import Process
    from bizproc.runtime import Instance, Runtime, Status

PATIENCE: Final = timedelta(seconds=10)
"""How long an owner that is there is waited for."""

REST: Final = 2.0
"""Seconds in which an instance that was steered is watched, so that what came of it can be said."""

_LOOK_EVERY: Final = 0.02

Steer = Callable[["Instance[Any]"], Awaitable[None]]
Rests = Callable[["Status"], bool]


@frozen
class Steered:
    """
    What came of steering one instance.

    Attributes:
        done: Whether an owner has done it; else it waits in the store.
        status: How the instance stands now; None where it is not there yet.
        error: Why it was not done.
    """

    id: str
    done: bool = False
    status: Status | None = None
    error: BizprocError | None = None

    def as_json(self) -> dict[str, Any]:
        error = self.error
        return {
            "id": self.id,
            "done": self.done,
            "state": self.status and self.status.state,
            "error": error and {"class": type(error).__name__, "text": str(error)},
        }


@asynccontextmanager
async def attached(setup: Setup, processes: Iterable[Process[..., Any]] = ()) -> AsyncIterator[Runtime]:
    """The store, beside its owner or without one; with processes that previews are to know."""
    from bizproc.runtime import Runtime

    check_that_store_exists(setup)
    if setup.store.endswith(":memory:"):
        raise Mistake("a store in memory belongs to its program alone: name a file as --store.")
    guest = Runtime.attach(setup.store, processes=processes, settings=setup.settings, patience=PATIENCE)
    async with guest as runtime:
        yield runtime


def at_rest(status: Status) -> bool:
    """It waits, or has ended."""
    return status.state != "running"


def ended(status: Status) -> bool:
    """It does not go on by itself."""
    return status.state not in GOING_ON


@asynccontextmanager
async def beside(setup: Setup) -> AsyncIterator[Runtime]:
    """The store, to be looked at; an instance that is not there is told with those that may have been meant."""
    from bizproc.runtime import Runtime

    check_that_store_exists(setup)
    async with Runtime.attach(setup.store) as runtime:
        try:
            yield runtime
        except InstanceNotFound as error:
            raise await with_hint(runtime, error) from None


async def look(instance: Instance[Any]) -> Status | None:
    """How it stands; None where its start is still on the way to an owner."""
    try:
        return await instance.status()
    except InstanceNotFound:
        return None


async def steer(runtime: Runtime, id: str, how: Steer, until: Rests) -> Steered:
    """Steer one instance, and watch for a moment what comes of it. Raises nothing of ours."""
    instance = runtime.instance(id)
    try:
        await how(instance)
        await runtime.heard()
    except Unanswered as error:
        return Steered(id, status=await look(instance), error=None if error.owner is None else error)
    except InstanceNotFound as error:
        return Steered(id, error=await with_hint(runtime, error))
    except BizprocError as error:
        return Steered(id, error=error)
    return Steered(id, done=True, status=await watched(instance, until))


async def watched(instance: Instance[Any], until: Rests) -> Status | None:
    """How it stands once it rests, or when the time for watching is over."""
    end = asyncio.get_running_loop().time() + REST
    while True:
        status = await look(instance)
        if status is None or until(status) or asyncio.get_running_loop().time() > end:
            return status
        await asyncio.sleep(_LOOK_EVERY)


async def steer_each(setup: Setup, ids: Sequence[str], how: Steer, until: Rests) -> list[Steered]:
    """Steer several instances, one after the other; one that cannot be steered keeps none from it."""
    async with attached(setup) as runtime:
        return [await steer(runtime, id, how, until) for id in dict.fromkeys(ids)]


def tell(setup: Setup, all_: Sequence[Steered], what: str) -> int:
    """Say what came of it, a line an instance; the exit code."""
    if setup.json:
        print_json([each.as_json() for each in all_])
    for each in all_:
        if each.error is not None:
            if isinstance(each.error, Unanswered):
                complain(f"{each.id}: {each.error}")
            else:
                complain_of(each.error)
        elif not setup.json:
            say(_line(setup, each, what))
    codes = [1 if isinstance(each.error, Unanswered) else 2 for each in all_ if each.error is not None]
    return max(codes, default=0)


def _line(setup: Setup, each: Steered, what: str) -> str:
    if not each.done:
        return waits_in_store(setup, f"{each.id}: {what}")
    return each.id if each.status is None else sentence(setup, each.status)


def waits_in_store(setup: Setup, what: str) -> str:
    """Said where nobody is there who could do it."""
    return f"{what} is posted. Nobody runs {setup.store} now: it is done when `bizproc serve` starts."


def ids_argument(command: Any) -> Any:
    """One or several instances."""
    return click.argument("ids", metavar="ID...", nargs=-1, required=True, shell_complete=instance_ids)(command)
