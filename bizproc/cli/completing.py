"""
What a shell completes: names of processes, ids of instances, names of actions, flags of a start form.

click does the rest. Whatever goes wrong here gives no words: a shell is no place to complain in. Modules of processes
are loaded, as every command does that runs one; what they print is dropped.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from functools import wraps
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from bizproc.cli.setup import is_there, setup_of

SHELLS: Final = ("bash", "zsh", "fish")

VARIABLE: Final = "_BIZPROC_COMPLETE"

MOST: Final = 200
"""So many instances, the newest, are looked among."""

_Words = Callable[[click.Context], Iterable[str]]
_Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem[Any]]]


def _completing(words: _Words) -> _Complete:
    @wraps(words)
    def complete(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[Any]]:
        return [CompletionItem(word) for word in quietly(words, context) if word.startswith(incomplete)]

    return complete


def quietly(words: _Words, context: click.Context) -> list[str]:
    """The words; none where they cannot be found."""
    nowhere = io.StringIO()
    try:
        with redirect_stdout(nowhere), redirect_stderr(nowhere):
            return sorted({word for word in words(context) if word.isprintable()})
    except Exception:  # noqa: BLE001  a broken module, a store that is no store
        return []


@_completing
def process_names(context: click.Context) -> Iterable[str]:
    from bizproc.cli.finding import processes_of

    return [process.name for process in processes_of(setup_of(context))]


@_completing
def instance_ids(context: click.Context) -> Iterable[str]:
    setup = setup_of(context)
    return asyncio.run(_newest(setup.store)) if is_there(setup.store) else []


async def _newest(store: str) -> list[str]:
    from bizproc.runtime import Runtime

    async with Runtime.attach(store) as runtime:
        return [each.id for each in await runtime.instances(limit=MOST)]


@_completing
def action_names(_: click.Context) -> Iterable[str]:
    from bizproc.cli.catalogue import catalogue

    return [name for entry in catalogue() for name in entry.names]
