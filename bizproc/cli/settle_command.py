"""`bizproc settle ID STEP --sent|--again`: say what became of a delivery of which nobody knows."""

from __future__ import annotations

import asyncio

import click

from bizproc.cli.output import console, safe
from bizproc.cli.setup import Setup, check_that_store_exists, common_options, setup_of


@click.command()
@common_options
@click.argument("id_", metavar="ID")
@click.argument("step")
@click.option("--sent", "sent", flag_value="sent", default=None, help="It was sent: the step returns as if told so.")
@click.option("--again", "sent", flag_value="again", help="It was not, or may come twice: send it again.")
@click.pass_context
def command(context: click.Context, id_: str, step: str, sent: str | None) -> None:
    r"""
    Settle a delivery of which nobody knows whether it was sent, and let the instance that failed at it go on.

    Look first: at the mail server's log, or in the mailbox of the recipient. A mail has the same Message-ID at every
    attempt; `bizproc show` names the step. It is done by the running `serve`.

    \b
    Examples:
      bizproc settle tea-1 3 --sent
      bizproc settle tea-1 3 --again
    """
    if sent is None:
        raise click.UsageError("say --sent or --again.", context)
    setup = setup_of(context)
    asyncio.run(_settle(setup, id_, step, sent=sent == "sent"))
    if not setup.json:
        what = "was sent" if sent == "sent" else "is sent again"
        console().print(safe(f"{id_}: step {step} {what}, and the instance goes on."), soft_wrap=True)


async def _settle(setup: Setup, id_: str, step: str, *, sent: bool) -> None:
    from bizproc.runtime import Runtime

    check_that_store_exists(setup)
    async with Runtime.attach(setup.store, settings=setup.settings) as runtime:
        await runtime.instance(id_).status()
        await runtime.instance(id_).settle(step, sent=sent)
