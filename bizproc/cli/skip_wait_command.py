"""`bizproc skip-wait ID...`: end the wait of an instance as if its time were up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from bizproc.cli.output import complain
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.cli.steering import Steered, attached, ids_argument, look, steer, tell

if TYPE_CHECKING:
    from bizproc.runtime import Runtime, Status


@click.command("skip-wait")
@common_options
@ids_argument
@click.pass_context
def command(context: click.Context, ids: tuple[str, ...]) -> int:
    r"""
    End the wait of an instance that would be over first, as if its time were up.

    It needs a running `serve`: what is meant is the wait that is open now, and when somebody runs the store later it
    may be another one. So without a `serve` nothing is posted: exit code 1.

    \b
    Example:
      bizproc skip-wait tea-1
    """
    setup = setup_of(context)
    steered = asyncio.run(_skip(setup, ids))
    if steered is None:
        complain(f"nobody runs {setup.store} now, and no wait was skipped. Start `bizproc serve`, then say it again.")
        return 1
    return tell(setup, steered, "the skip")


async def _skip(setup: Setup, ids: tuple[str, ...]) -> list[Steered] | None:
    async with attached(setup) as runtime:
        if await runtime.owner() is None:
            return None
        return [await _skip_one(runtime, id) for id in dict.fromkeys(ids)]


async def _skip_one(runtime: Runtime, id: str) -> Steered:
    before = await look(runtime.instance(id))

    def gone_on(status: Status) -> bool:
        return status.state != "running" and _wait_of(status) != (before and _wait_of(before))

    return await steer(runtime, id, lambda instance: instance.skip_wait(), gone_on)


def _wait_of(status: Status) -> tuple[object, ...]:
    return status.state, status.waits_for, status.until
