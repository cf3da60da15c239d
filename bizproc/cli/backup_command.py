"""`bizproc backup FILE`: a copy of a live store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bizproc.cli.output import counted, print_json, say
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.cli.steering import attached

if TYPE_CHECKING:
    from bizproc.runtime import Backup


@click.command()
@common_options
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, file: Path) -> None:
    r"""
    Copy the store, as it is at this moment, into a new file; beside a running `serve`, too.

    The copy is one consistent state, and is checked before it gets its name. Files beside the store are copied with it
    (into FILE-files). Nothing is overwritten. To go back to a copy, stop `serve` and name the copy as its --store.

    \b
    Example:
      bizproc backup /backups/crm-monday.db
    """
    setup = setup_of(context)
    made = asyncio.run(_backup(setup, file))
    if setup.json:
        print_json({"file": str(made.path), "bytes": made.size, "files": made.files})
        return
    beside = f" and {counted(made.files, 'file')} beside it" if made.files else ""
    say(f"{made.path}: {made.size:,} bytes{beside}, checked.")


async def _backup(setup: Setup, file: Path) -> Backup:
    async with attached(setup) as runtime:
        return await runtime.backup(file)
