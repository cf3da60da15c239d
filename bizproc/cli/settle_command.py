"""`bizproc settle ID STEP --sent|--again`: say what became of a delivery of which nobody knows."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click

from bizproc.cli.completing import instance_ids
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.cli.steering import Steered, at_rest, attached, look, steer, tell
from bizproc.core.errors import NotResumable

if TYPE_CHECKING:
    from bizproc.runtime import Instance


@click.command()
@common_options
@click.argument("id_", metavar="ID", shell_complete=instance_ids)
@click.argument("step")
@click.option("--sent", "how", flag_value="sent", default=None, help="It was sent: the step returns as if told so.")
@click.option("--again", "how", flag_value="again", help="It was not, or may come twice: send it again.")
@click.pass_context
def command(context: click.Context, id_: str, step: str, how: str | None) -> int:
    r"""
    Settle a delivery of which nobody knows whether it was sent.

    The instance that failed at it goes on; one that did not wait for it stays as it is. Look first: at the mail
    server's log, or in the mailbox of the recipient. A mail has the same Message-ID at every attempt; `bizproc show`
    names the step. Without a `serve` the request is kept in the store, and done when `serve` starts.

    \b
    Examples:
      bizproc settle tea-1 3 --sent
      bizproc settle tea-1 3 --again
    """
    if how is None:
        raise click.UsageError("say --sent or --again.", context)
    setup = setup_of(context)
    return tell(setup, [asyncio.run(_settle(setup, id_, step, sent=how == "sent"))], "the settling")


async def _settle(setup: Setup, id_: str, step: str, *, sent: bool) -> Steered:
    async with attached(setup) as runtime:
        return await steer(runtime, id_, partial(_settle_step, step=step, sent=sent), at_rest)


async def _settle_step(instance: Instance[Any], *, step: str, sent: bool) -> None:
    """Asked beforehand, for without an owner nobody would hear its answer."""
    status = await look(instance)
    if status is not None and not any(each.step == step and each.state in _OPEN for each in await instance.sent()):
        detail = f"whether step {step} was sent is not unknown."
        raise NotResumable(instance=instance.id, state=status.state, detail=detail)
    await instance.settle(step, sent=sent)


# What was being sent when its program died becomes unknown when the next one opens the store.
_OPEN: Final = ("unknown", "sending")
