"""`bizproc retry ID...`: let instances that failed or are stuck go on."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from bizproc.cli.setup import common_options, setup_of
from bizproc.cli.steering import at_rest, ids_argument, look, steer_each, tell
from bizproc.core.errors import NotResumable

if TYPE_CHECKING:
    from bizproc.runtime import Instance


@click.command()
@common_options
@click.option("--again", is_flag=True, help="Also if steps were done after the error; they may be done again.")
@ids_argument
@click.pass_context
def command(context: click.Context, ids: tuple[str, ...], *, again: bool) -> int:
    r"""
    Let instances that failed or are stuck go on, at the step whose error they failed with.

    They go on with the code that the running `serve` has loaded: restart it first if you repaired the code. Without one
    the request is kept in the store, and done when `serve` starts. Exit code 1 if one of them fails again at once, or
    if the `serve` that is there does not answer within 10 seconds.

    \b
    Example:
      bizproc retry tea-1
    """
    setup = setup_of(context)
    steered = asyncio.run(steer_each(setup, ids, partial(_retry, again=again), at_rest))
    code = tell(setup, steered, "the retry")
    failed = any(each.done and each.status is not None and each.status.error is not None for each in steered)
    return code or int(failed)


async def _retry(instance: Instance[Any], *, again: bool) -> None:
    """Asked beforehand, for without an owner nobody would hear its answer."""
    status = await look(instance)
    if status is not None and status.state not in ("failed", "stuck"):
        detail = "retry is for one that failed or is stuck."
        raise NotResumable(instance=instance.id, state=status.state, detail=detail)
    await instance.retry(again=again)
