"""`bizproc start PROCESS --where FILTER`: start a process on each item that fits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from bizproc.cli.bars import bar
from bizproc.cli.mistakes import Mistake
from bizproc.cli.named import check_filter
from bizproc.cli.output import print_json, say, warn
from bizproc.cli.setup import Setup, check_that_store_exists
from bizproc.cli.steering import attached
from bizproc.core.errors import FilterUnreadable, StoreInUse, Unanswered, WrongFilter
from bizproc.model.kinds import NOUNS
from bizproc.model.smart_items import SMART_ITEM

if TYPE_CHECKING:
    from bizproc.core.process import Process
    from bizproc.rules.filters import Filter
    from bizproc.runtime import Backfill, Runtime

ALL = "all"
"""Every item that there is."""


def parse_where(text: str) -> Filter | None:
    """The filter that is meant; None for all items. Raises Mistake."""
    from bizproc.rules.filters import parse

    if text.strip() == ALL:
        return None
    try:
        return parse(text)
    except (FilterUnreadable, WrongFilter) as error:
        raise Mistake(f"--where: {str(error).splitlines()[0]}") from None


def kind_of(process: Process[..., Any]) -> str | None:
    """The kind of items that it runs on, if they are of one."""
    return next((kind for kind, cls in NOUNS.items() if cls is process.form.document and kind != SMART_ITEM), None)


async def start_each(
    setup: Setup,
    processes: list[Process[..., Any]],
    process: Process[..., Any],
    parameters: dict[str, Any],
    where: Filter | None,
    limit: float | None,
) -> int:
    """Start it on each, with progress; say what came of it. The exit code."""
    from bizproc.runtime import Runtime

    if process.form.document is None:
        raise Mistake(f"{process.name} runs on no document: --where has nothing to choose from.")
    check_that_store_exists(setup)
    try:
        async with Runtime.open(setup.store, processes=processes, recipes=False, settings=setup.settings) as runtime:
            done = await _each(setup, runtime, process, parameters, where, limit)
            await runtime.settled()
    except StoreInUse:
        async with attached(setup) as runtime:
            done = await _each(setup, runtime, process, parameters, where, limit)
    _tell(setup, process, done)
    return 0


async def _each(
    setup: Setup,
    runtime: Runtime,
    process: Process[..., Any],
    parameters: dict[str, Any],
    where: Filter | None,
    limit: float | None,
) -> Backfill:
    await check_filter(runtime, kind_of(process), where)
    last: list[Backfill] = []
    try:
        with bar(setup) as told:

            def progress(so_far: Backfill) -> None:
                last[:] = [so_far]
                if told is not None:
                    told(_counts(so_far), so_far.last, so_far.highest)

            return await runtime.start_each(process, where, limit_per_second=limit, progress=progress, **parameters)
    except (asyncio.CancelledError, Unanswered):
        counts = _counts(last[0]) if last else "nothing was started"
        warn(f"{process.name}: stopped on the way; {counts}. The same command goes on from there.")
        raise


def _counts(done: Backfill) -> str:
    parts = [f"{done.started:,} started"]
    if done.already:
        parts.append(f"{done.already:,} had been started before")
    if done.refused:
        parts.append(f"{done.refused:,} refused")
    return ", ".join(parts)


def _tell(setup: Setup, process: Process[..., Any], done: Backfill) -> None:
    if setup.json:
        refusals = [{"document": each.document, "existing": each.existing} for each in done.refusals]
        counts = {"started": done.started, "already": done.already, "refused": done.refused}
        print_json({"process": process.name, **counts, "refusals": refusals})
        return
    for refusal in done.refusals:
        warn(str(refusal))
    if done.refused > len(done.refusals):
        warn(f"… and {done.refused - len(done.refusals):,} more were refused.")
    say(f"{process.name}: {_counts(done)}.")
