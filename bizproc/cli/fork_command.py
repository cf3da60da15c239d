"""`bizproc fork ID STEP`: a new instance that has done what another one had done before a step."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from bizproc.cli.completing import instance_ids
from bizproc.cli.named import with_hint
from bizproc.cli.output import complain, print_json, say
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.cli.standing import sentence
from bizproc.cli.steering import Steered, at_rest, attached, waits_in_store, watched
from bizproc.core.errors import BizprocError, InstanceNotFound, Unanswered

if TYPE_CHECKING:
    from bizproc.runtime import Runtime


@click.command()
@common_options
@click.option("--id", "id_", metavar="ID", help="A name for the fork; the same again gives the same fork.")
@click.argument("id", metavar="ID", shell_complete=instance_ids)
@click.argument("step", metavar="STEP")
@click.pass_context
def command(context: click.Context, id: str, step: str, id_: str | None) -> int:
    r"""
    Make a new instance that has done what this one had done before a step, and goes on from there by itself.

    `bizproc show ID` lists the steps. This one stays as it is. What it did at the step and after it, the fork does
    again: mails are sent twice. Terminate the one that you do not want. Without a running `serve` the request is kept
    in the store, and done when `serve` starts. Exit code 1 if the fork fails at once.

    \b
    Example:
      bizproc fork tea-1 3 --id tea-1-again
    """
    setup = setup_of(context)
    return _tell(setup, id, step, asyncio.run(_fork(setup, id, step, id_)))


async def _fork(setup: Setup, id: str, step: str, called: str | None) -> Steered:
    async with attached(setup) as runtime:
        return await _fork_on(runtime, id, step, called)


async def _fork_on(runtime: Runtime, id: str, step: str, called: str | None) -> Steered:
    try:
        fork = await runtime.instance(id).fork(step, id=called)
    except Unanswered as error:
        return Steered(called or "", error=None if error.owner is None else error)
    except InstanceNotFound as error:
        return Steered(called or "", error=await with_hint(runtime, error))
    except BizprocError as error:
        return Steered(called or "", error=error)
    return Steered(fork.id, done=True, status=await watched(fork, at_rest))


def _tell(setup: Setup, id: str, step: str, forked: Steered) -> int:
    """Say what came of it; the exit code."""
    if setup.json:
        print_json({**forked.as_json(), "id": forked.id or None, "original": id, "step": step})
    if forked.error is not None:
        complain(str(forked.error))
        return 1 if isinstance(forked.error, Unanswered) else 2
    if not setup.json:
        said = waits_in_store(setup, f"the fork of {id} at step {step}")
        say(said if forked.status is None else sentence(setup, forked.status))
    return int(forked.status is not None and forked.status.error is not None)
