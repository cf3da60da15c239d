"""`bizproc serve`: own a store and run its instances, until somebody stops it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bizproc.cli.finding import processes_of
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import complain
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.core.errors import ExtraMissing, PortTaken, StoreError, StoreInUse

if TYPE_CHECKING:
    from bizproc.cli.serving import Voice
    from bizproc.cli.stopping import Stop
    from bizproc.core.process import Process
    from bizproc.runtime import Runtime, Since

LOOK_EVERY: Final = 0.3
"""Seconds between two looks for what has happened."""

QUIET_FOR: Final = 10
"""So many looks in a row at which nothing has happened are worth a line."""


@click.command()
@common_options
@click.option("--quiet", is_flag=True, help="Say nothing of single instances.")
@click.option(
    "--grace",
    type=click.FloatRange(min=0, max=86_400),
    default=30.0,
    metavar="SECONDS",
    help="How long running steps may take to their end after Ctrl-C.  [30]",
)
@click.pass_context
def command(context: click.Context, *, quiet: bool, grace: float) -> int:
    r"""
    Run the instances of a store until it is stopped, by Ctrl-C or by SIGTERM.

    It owns the store, and makes it if it is not there: one program at a time can. All other commands work beside it.
    Ctrl-C lets running steps finish; a second Ctrl-C stops at once. Whatever stops it, instances go on where they were
    when it is started again. With --json it prints a line of JSON for each thing that happens.

    It also serves the public pages: documents and payments by link, calendars, what mails and providers call. The table
    [web] of bizproc.toml says where; port 0 serves none.

    \b
    Example:
      bizproc serve --processes sales --store sqlite:///crm.db
    """
    from bizproc.cli.serving import Lines, Sentences

    setup = setup_of(context)
    processes = processes_of(setup)
    if not processes:
        raise Mistake(
            "there are no processes to run: name their modules, as `--processes sales`, or in bizproc.toml, as "
            "`processes = ['sales']`."
        )
    if setup.settings.recipes:
        _record(setup)
    voice: Voice = Lines(setup, _now) if setup.json else Sentences(setup, _now, quiet=quiet)
    is_new = not Path(setup.store.removeprefix("sqlite:///")).exists()
    return asyncio.run(_serve(setup, processes, voice, grace, is_new=is_new))


def _record(setup: Setup) -> None:
    """Keep which recipes run, for `bizproc recipes diff`. That it cannot be kept stops nothing."""
    from bizproc.cli.recipes.recording import record
    from bizproc.installed import uses_of

    try:
        record(Path.cwd(), uses_of(setup.settings))
    except Mistake as error:
        complain(error.format_message())


def _now() -> datetime:
    return datetime.now(UTC)


async def _serve(setup: Setup, processes: list[Process[..., Any]], voice: Voice, grace: float, *, is_new: bool) -> int:
    from bizproc.cli.stopping import Stop
    from bizproc.runtime import Runtime, Since

    since = Since(ended_at=_now())
    with Stop(grace) as stop:
        try:
            # The doors open inside the runtime, and close before it does.
            async with (
                Runtime.open(setup.store, processes=processes, recipes=False, settings=setup.settings) as runtime,
                _pages(runtime, setup) as where,
            ):
                voice.begins(processes, await runtime.overview(), is_new=is_new)
                if where is not None:
                    voice.pages(where)
                await _run(runtime, voice, since, stop)
        except PortTaken as error:
            raise Mistake(str(error)) from None
        except StoreInUse as error:
            raise _in_use(setup, error) from None
        except StoreError as error:
            complain(str(error))
            return 1
    voice.ends()
    return 130 if stop.at_once else 0


@asynccontextmanager
async def _pages(runtime: Runtime, setup: Setup) -> AsyncIterator[str | None]:
    """Serve the public pages, where the packages for it are installed; gives where."""
    from bizproc.web.serving import serve_pages

    async with AsyncExitStack() as stack:
        try:
            where = await stack.enter_async_context(serve_pages(runtime, setup.settings))
        except ExtraMissing as error:
            complain(f"no pages are served: {error}")
            where = None
        yield where


def _in_use(setup: Setup, error: StoreInUse) -> Mistake:
    who = "another program" if error.pid is None else f"process {error.pid}"
    return Mistake(
        f"{setup.store} is run by {who} already, and one program at a time can. Stop that one first, or work beside "
        "it: ps, show, start, signal and the like do."
    )


async def _run(runtime: Runtime, voice: Voice, since: Since, stop: Stop) -> None:
    """Until it is stopped; then let running steps finish, for as long as they may."""
    watching = asyncio.create_task(_watch(runtime, voice, since))
    try:
        if await _first(watching, stop.asked.wait()):
            await watching  # raises why it has ended
        voice.stops(runtime.running_steps())
        await _first(asyncio.create_task(runtime.finish()), stop.hurried.wait(), timeout=stop.grace)
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _first(task: asyncio.Task[None], other: Any, timeout: float | None = None) -> bool:
    """Wait for either; whether the task has ended. The other, and a task that is too late, is cancelled."""
    waiting = asyncio.ensure_future(other)
    try:
        done, _ = await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=timeout)
    finally:
        waiting.cancel()
    return task in done


async def _watch(runtime: Runtime, voice: Voice, since: Since) -> None:
    """Say what happens; and that nothing does at the beginning, and when it has been quiet for a while."""
    quiet = QUIET_FOR - 1
    while True:
        idle = runtime.is_idle()
        news = await runtime.news(since)
        since = news.until
        if news.began or news.ended or news.stuck:
            voice.news(news)
            quiet = 0
        elif idle and quiet < QUIET_FOR:
            quiet += 1
            if quiet == QUIET_FOR:
                voice.waits(await runtime.overview())
        await asyncio.sleep(LOOK_EVERY)
