"""`bizproc ps`: list instances."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import click

from bizproc.cli.completing import process_names
from bizproc.cli.documents import parse_document
from bizproc.cli.named import check_process
from bizproc.cli.output import console, moment_text, print_json, say, table
from bizproc.cli.recorded import waits_text
from bizproc.cli.setup import Setup, check_that_store_exists, common_options, setup_of
from bizproc.core.errors import ItemNotFound
from bizproc.model.kinds import class_of

if TYPE_CHECKING:
    from bizproc.model.references import ItemRef
    from bizproc.runtime import Runtime, Status

STATES: Final = ("running", "waiting", "completed", "failed", "cancelled", "terminated", "stuck")
MOST: Final = 100


@click.command()
@common_options
@click.option("--process", metavar="NAME", shell_complete=process_names, help="Only of this process.")
@click.option("--status", type=click.Choice(STATES), metavar="STATE", help=f"Only in this state: {', '.join(STATES)}.")
@click.option("--document", metavar="KIND:ID", help="Only on this item, as deal:5.")
@click.option(
    "--limit", type=click.IntRange(1, 10**9), metavar="N", help=f"Only the newest N.  [{MOST}; with --json: all]"
)
@click.pass_context
def command(
    context: click.Context, process: str | None, status: str | None, document: str | None, limit: int | None
) -> None:
    r"""
    List instances, the newest last.

    \b
    Example:
      bizproc ps --process sales.follow_up --status waiting
    """
    setup = setup_of(context)
    ref = None if document is None else parse_document(document)
    most = limit if limit is not None or setup.json else MOST + 1
    statuses = asyncio.run(_list(setup, {"process": process, "status": status, "document": ref, "limit": most}))
    if setup.json:
        print_json([as_json(each) for each in statuses])
        return
    if not statuses:
        chosen = process is not None or status is not None or document is not None
        say(f"No instance in {setup.store} fits." if chosen else f"No instances in {setup.store}.")
        return
    _print(setup, statuses if limit is not None else statuses[-MOST:], more=limit is None and len(statuses) > MOST)


async def _list(setup: Setup, which: dict[str, Any]) -> list[Status]:
    from bizproc.runtime import Runtime

    check_that_store_exists(setup)
    async with Runtime.attach(setup.store) as runtime:
        found = await runtime.instances(**which)
        if not found:
            await _check_names(runtime, setup, which["process"], which["document"])
        return found


async def _check_names(runtime: Runtime, setup: Setup, process: str | None, document: ItemRef | None) -> None:
    """Raises Mistake, ItemNotFound: nothing was found, for what was asked for is not there."""
    if process is not None:
        await check_process(runtime, setup, process)
    if document is not None:
        item = await runtime.get(class_of(document.kind), document.id)
        if item.item_type != document.kind:
            raise ItemNotFound(kind=document.kind, id=document.id)


def _print(setup: Setup, statuses: list[Status], *, more: bool) -> None:
    out = console()
    zone = setup.settings.zone
    rows = [(e.id, e.process, e.document, e.state, _why(e), moment_text(e.until, zone)) for e in statuses]
    headers = ("id", "process", "document", "state", "why", f"until ({zone})")
    out.print(table(headers, rows, whole=("id", "state")))
    if more:
        out.print(f"These are the newest {MOST}. Older ones: --limit, or one of the filters.")


def _why(status: Status) -> str | None:
    """What it waits for, or by what it was ended."""
    if status.state == "waiting":
        return waits_text(status.waits_for)
    return status.error.class_name if status.error is not None else status.ended_by


def as_json(status: Status) -> dict[str, Any]:
    """How an instance stands, for JSON."""
    error = status.error
    return {
        "id": status.id,
        "process": status.process,
        "version": status.version,
        "document": status.document and str(status.document),
        "state": status.state,
        "waits_for": status.waits_for,
        "until": status.until,
        "ended_by": status.ended_by,
        "started_at": status.started_at,
        "ended_at": status.ended_at,
        "error": error and {"class": error.class_name, "text": error.text, "step": error.step},
    }
