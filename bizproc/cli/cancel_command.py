"""`bizproc cancel ID...`: ask instances to cancel themselves."""

from __future__ import annotations

import asyncio

import click

from bizproc.cli.setup import common_options, setup_of
from bizproc.cli.steering import ended, ids_argument, steer_each, tell


@click.command()
@common_options
@ids_argument
@click.pass_context
def command(context: click.Context, ids: tuple[str, ...]) -> int:
    r"""
    Ask instances to cancel themselves: their cleanup runs.

    One that has ended stays as it is. One that is stuck is cancelled when it goes on (`terminate` ends it now). Without
    a running `serve` this is kept in the store until somebody runs it.

    \b
    Example:
      bizproc cancel tea-1 tea-2
    """
    setup = setup_of(context)
    steered = asyncio.run(steer_each(setup, ids, lambda instance: instance.cancel(), ended))
    return tell(setup, steered, "the cancellation")
