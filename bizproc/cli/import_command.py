"""`bizproc import DIR`: read a folder of CSV files into the store."""

from __future__ import annotations

import asyncio
from pathlib import Path
from time import perf_counter

import click

from bizproc.adapters.csv_files import ImportReport
from bizproc.cli.bars import bar
from bizproc.cli.output import console, counted, print_json, say, table, warn
from bizproc.cli.setup import Setup, common_options, setup_of


@click.command("import")
@common_options
@click.option("--skip-bad", is_flag=True, help="Leave out bad rows, and those that refer to them; import all others.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, folder: Path, *, skip_bad: bool) -> None:
    r"""
    Read a folder of CSV files into the store, all in one transaction.

    It reads users.csv, companies.csv, contacts.csv, products.csv, deals.csv, product_rows.csv, and for every other
    kind a file with its name (stages.csv, activities.csv), whose columns are the model's fields: what `export` writes.
    UTF-8, commas, a header line. Rows may refer to what the store holds. If a row is bad, it is told of with its file
    and line, and nothing is imported. No process is started.

    \b
    Example:
      bizproc import ./northwind --store sqlite:///crm.db
    """
    from bizproc.adapters.sql_crm import bulk

    setup = setup_of(context)
    bulk.look(folder)  # before a store is made for nothing
    began = perf_counter()
    report = asyncio.run(_import(setup, folder, skip_bad=skip_bad))
    _tell(report, setup, perf_counter() - began)


async def _import(setup: Setup, folder: Path, *, skip_bad: bool) -> ImportReport:
    from bizproc.runtime import Runtime

    async with Runtime.open_asleep(setup.store, settings=setup.settings) as runtime:
        with bar(setup) as progress:
            return await runtime.import_folder(folder, skip_bad=skip_bad, progress=progress)


def _tell(report: ImportReport, setup: Setup, seconds: float) -> None:
    if setup.json:
        bad = [{"file": row.file, "line": row.line, "reason": row.reason} for row in report.bad]
        print_json({"imported": report.counts, "skipped": report.skipped, "bad": bad, "ignored": report.ignored})
        return
    for line in report.lines:
        warn(line)
    if report.skipped:
        warn(f"Left out: {counted(report.skipped, 'row')}.")
    for name in report.ignored:
        warn(f"{name}: not read, for import does not know this file.")
    out = console()
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in report.counts.items()]
    out.print(table(("imported", "rows"), rows, right=("rows",)))
    total = sum(report.counts.values())
    say(f"{counted(total, 'row')} into {setup.store} in {seconds:.1f} s.")
