"""`bizproc terminate ID... --reason`: end instances at once."""

from __future__ import annotations

import asyncio

import click

from bizproc.cli.setup import common_options, setup_of
from bizproc.cli.steering import ended, ids_argument, steer_each, tell


@click.command()
@common_options
@click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept with the instance.")
@ids_argument
@click.pass_context
def command(context: click.Context, ids: tuple[str, ...], reason: str) -> int:
    r"""
    End instances at once: no more of their code runs, cleanup neither.

    Without a running `serve` this is kept in the store until somebody runs it, and done first then.

    \b
    Example:
      bizproc terminate tea-1 --reason "ordered by phone"
    """
    setup = setup_of(context)
    steered = asyncio.run(steer_each(setup, ids, lambda instance: instance.terminate(reason), ended))
    return tell(setup, steered, "the termination")
