"""`bizproc import DIR`: read a folder of CSV files into the store."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import click

from bizproc.adapters import csv_files
from bizproc.adapters.csv_files import ImportReport, Progress
from bizproc.cli.output import console, print_json, say, table, warn
from bizproc.cli.setup import Setup, common_options, setup_of


@click.command("import")
@common_options
@click.option("--skip-bad", is_flag=True, help="Leave out bad rows, and those that refer to them; import all others.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, folder: Path, *, skip_bad: bool) -> None:
    r"""
    Read a folder of CSV files into the store, all in one transaction.

    It reads users.csv, companies.csv, contacts.csv, products.csv, deals.csv and product_rows.csv, or those of them that
    are there: UTF-8, commas, a header line. Their rows may refer to what the store holds. If a row is bad, it is told
    of with its file and line, and nothing is imported. No process is started.

    \b
    Example:
      bizproc import ./northwind --store sqlite:///crm.db
    """
    setup = setup_of(context)
    csv_files.look(folder)  # before a store is made for nothing
    began = perf_counter()
    report = asyncio.run(_import(setup, folder, skip_bad=skip_bad))
    _tell(report, setup, perf_counter() - began)


async def _import(setup: Setup, folder: Path, *, skip_bad: bool) -> ImportReport:
    from bizproc.runtime import Runtime

    async with Runtime.open_asleep(setup.store, settings=setup.settings) as runtime:
        with _bar(shown=sys.stderr.isatty() and not setup.json) as progress:
            return await runtime.import_folder(folder, skip_bad=skip_bad, progress=progress)


@contextmanager
def _bar(*, shown: bool) -> Iterator[Progress | None]:
    """A progress bar on stderr, over the bytes of all files."""
    if not shown:
        yield None
        return
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console(sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None)

        def progress(file: str, done: int, total: int) -> None:
            bar.update(task, description=file if done < total else "finishing", completed=done, total=total)

        yield progress


def _tell(report: ImportReport, setup: Setup, seconds: float) -> None:
    if setup.json:
        bad = [{"file": row.file, "line": row.line, "reason": row.reason} for row in report.bad]
        print_json({"imported": report.counts, "skipped": report.skipped, "bad": bad, "ignored": report.ignored})
        return
    for line in report.lines:
        warn(line)
    if report.skipped:
        warn(f"Left out: {report.skipped:,} {'row' if report.skipped == 1 else 'rows'}.")
    for name in report.ignored:
        warn(f"{name}: not read, for import does not know this file.")
    out = console()
    rows = [(name.replace("_", " "), f"{count:,}") for name, count in report.counts.items()]
    out.print(table(("imported", "rows"), rows, right=("rows",)))
    total = sum(report.counts.values())
    say(f"{total:,} rows into {setup.store} in {seconds:.1f} s.")
