"""`bizproc demo`: a small company through a simulated month."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import attrs
import click

from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import console, print_json, safe, table
from bizproc.cli.setup import common_options, setup_of

if TYPE_CHECKING:
    from rich.console import Console

    from bizproc.cli.demo.month import Month
    from bizproc.cli.demo.story import Story
    from bizproc.model import Deal

WIDTH = 80
RECIPES = ("recipe", "instances", "completed", "waiting", "others")


@click.command()
@common_options
@click.pass_context
def command(context: click.Context) -> None:
    r"""
    A small company through a simulated month, in a few seconds.

    It makes a store of its own (a temporary file, or --store), a dozen deals in it, and starts a process on each that
    follows it. Clients answer or do not, time passes, the program is killed once; it says what happens to whom, and
    where to look. Recipes that are installed run beside it, if they need no provider.

    \b
    Example:
      bizproc demo
    """
    from bizproc.cli.demo.month import DAYS, Month
    from bizproc.cli.demo.recipes import choose, what_they_did
    from bizproc.cli.demo.story import Story

    setup = setup_of(context)
    store = setup.store if setup.store_given else f"sqlite:///{Path(mkdtemp(prefix='bizproc-demo-')) / 'demo.db'}"
    asyncio.run(_check_that_it_is_new(store))
    out = console(most=WIDTH)
    story = Story(lambda line: None if setup.json else out.print(safe(line)))
    story.remark(
        f"A tea merchant, twelve clients, {DAYS} days. Each order is a deal, and a process follows it: it offers a "
        "sampler, waits ten days for an answer, has somebody call, waits ten more, and then gives up. Time is "
        "simulated; the store is a file."
    )
    story.remark("")
    chosen = choose()
    deals, counts = asyncio.run(_run(Month(store, story, chosen.processes)))
    recipes = asyncio.run(what_they_did(store, chosen))
    if setup.json:
        happened = [attrs.asdict(happening) for happening in story.happenings]
        print_json(
            {"store": store, "happened": happened, "counts": counts, "deals": list(map(_as_json, deals))}
            | {"recipes": [dict(zip(RECIPES, each, strict=True)) for each in recipes]}
        )
        return
    out.print()
    rows = [(deal.id, deal.title, f"{deal.amount:,}", deal.stage) for deal in deals]
    out.print(table(("deal", "", "EUR", "stage"), rows, right=("deal", "EUR")))
    out.print()
    story.remark(
        f"{counts['follow-ups']} follow-ups were started, and {counts['samplers']} samplers offered: the kill lost "
        f"none, and none was offered twice. {counts['calls']} calls were asked for. Still waiting: {counts['waiting']}."
    )
    _say_what_recipes_did(out, story, recipes, chosen.left_out)
    _say_where_to_look(out, store)


def _say_what_recipes_did(
    out: Console, story: Story, recipes: list[tuple[str, int, int, int, int]], left_out: tuple[tuple[str, str], ...]
) -> None:
    if recipes:
        out.print()
        out.print(table(RECIPES, recipes, right=RECIPES[1:]))
    if left_out:
        out.print()
    for name, why in left_out:
        story.remark(f"{name} is installed and did not run: {why}.")


async def _run(month: Month) -> tuple[list[Deal], dict[str, int]]:
    deals = await month.run()
    return deals, await month.count()


async def _check_that_it_is_new(store: str) -> None:
    from bizproc.model import Deal
    from bizproc.runtime import Runtime

    if store.endswith(":memory:"):
        raise Mistake("the demonstration is killed once and goes on from its file: name a file as --store.")
    async with Runtime.open_asleep(store) as runtime:
        if await runtime.find(Deal, limit=1) or await runtime.instances(limit=1):
            raise Mistake(f"{store} holds data already, and the demonstration makes its own: name a new file.")


def _as_json(deal: Deal) -> dict[str, Any]:
    return {"id": deal.id, "title": deal.title, "amount": deal.amount, "currency": deal.currency, "stage": deal.stage}


def _say_where_to_look(out: Any, store: str) -> None:
    out.print("\nWhere to look:")
    for command_ in ("ps", "show deal-3", "show deal-12 --json"):
        out.print(f"  bizproc {command_} --store {safe(store)}", soft_wrap=True)
    out.print("The process: bizproc/cli/demo/follow_up.py")
