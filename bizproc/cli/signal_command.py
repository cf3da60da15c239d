"""`bizproc signal ID NAME [VALUE]`: send a signal to an instance."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, NoReturn

import click

from bizproc.cli.completing import instance_ids
from bizproc.cli.mistakes import Mistake
from bizproc.cli.named import check_signal
from bizproc.cli.output import complain, print_json, say, warn
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.cli.steering import Steered, at_rest, attached, ended, look, steer, waits_in_store

if TYPE_CHECKING:
    from bizproc.runtime import Instance


@click.command()
@common_options
@click.option("--key", metavar="KEY", help="A name for this signal: the same key twice counts once.")
@click.argument("id_", metavar="ID", shell_complete=instance_ids)
@click.argument("name")
@click.argument("value", required=False)
@click.pass_context
def command(context: click.Context, id_: str, name: str, value: str | None, key: str | None) -> int:
    r"""
    Send a signal to an instance; it has it at once, or when it comes to wait for it.

    VALUE is JSON: a number, true, a text in quotes, {"by": 2}. Beside a running `serve` the command returns when that
    has written the signal (it waits 10 seconds for it at most). Without one the signal is kept in the store until
    somebody runs it. An instance that has ended takes no signal: exit code 1. Where the code of its process is here,
    and waits for no signal of this name, nothing is sent. One that waits for other signals at the moment keeps this one
    for later, and that is said; `bizproc show` lists what was not read.

    \b
    Examples:
      bizproc signal tea-1 approved '{"by": 2}'
      bizproc signal tea-1 answer '"yes"' --key mail-4711
    """
    setup = setup_of(context)
    return asyncio.run(_signal(setup, id_, name, parse_value(value), key))


async def _signal(setup: Setup, id_: str, name: str, value: Any, key: str | None) -> int:
    async with attached(setup) as runtime:
        status = await look(runtime.instance(id_))
        if status is not None and ended(status) and status.state != "stuck":
            complain(f"instance {id_} has ended ({status.state}): the signal would be lost, and was not sent.")
            return 1
        if status is not None:
            check_signal(setup, status.process, status.version, name)
            await _say_what_it_waits_for(runtime.instance(id_), name)
        steered = await steer(runtime, id_, lambda instance: instance.signal(name, value, key=key), at_rest)
    if steered.error is not None:
        raise steered.error
    _tell(setup, steered, name)
    return 0


async def _say_what_it_waits_for(instance: Instance[Any], name: str) -> None:
    """A signal that is read later, or never, is none that somebody who misspelt it wanted to send."""
    awaited = await instance.awaited_signals()
    if awaited and name not in awaited:
        names = ", ".join(awaited)
        warn(f"{instance.id} waits for other signals at the moment ({names}): {name} is kept until it waits for it.")


def _tell(setup: Setup, steered: Steered, name: str) -> None:
    if setup.json:
        print_json(steered.as_json())
        return
    text = f"{steered.id} has the signal {name}." if steered.done else f"{steered.id}: the signal {name}"
    say(text if steered.done else waits_in_store(setup, text))


def parse_value(text: str | None) -> Any:
    """The value of a signal. Raises Mistake."""
    if text is None:
        return None
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise Mistake("VALUE must be JSON: it is nested too deeply.") from None
    except ValueError as error:
        if text.isprintable() and len(text) < 40:
            raise Mistake(f"VALUE must be JSON, and a text stands in quotes: '{json.dumps(text)}'.") from None
        raise Mistake(f"VALUE must be JSON: {error}.") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
