"""`bizproc export DIR`: write all that the store holds into CSV files."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from bizproc.cli.bars import bar
from bizproc.cli.output import console, counted, print_json, say, table
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.cli.steering import attached

if TYPE_CHECKING:
    from bizproc.runtime import ExportReport


@click.command("export")
@common_options
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, folder: Path) -> None:
    r"""
    Write all that the CRM holds into CSV files, which `import` reads; beside a running `serve`, too.

    DIR must be empty, or not there yet. All files show one moment. users.csv, companies.csv, contacts.csv,
    products.csv, deals.csv and product_rows.csv have the columns that `import` takes, and further ones only where a row
    needs them; other kinds get a file each, with the model's fields. Lists, multi-fields and custom fields are JSON in
    their cell. Instances of processes are not exported: `backup` copies those, too.

    \b
    Example:
      bizproc export ./crm-csv --store sqlite:///crm.db
    """
    setup = setup_of(context)
    began = perf_counter()
    report = asyncio.run(_export(setup, folder))
    _tell(report, setup, folder, perf_counter() - began)


async def _export(setup: Setup, folder: Path) -> ExportReport:
    async with attached(setup) as runtime:
        with bar(setup) as progress:
            return await runtime.export_folder(folder, progress=progress)


def _tell(report: ExportReport, setup: Setup, folder: Path, seconds: float) -> None:
    if setup.json:
        print_json({"folder": str(folder), "exported": report.counts})
        return
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in report.counts.items()]
    console().print(table(("exported", "rows"), rows, right=("rows",)))
    say(f"{counted(sum(report.counts.values()), 'row')} into {folder} in {seconds:.1f} s.")
