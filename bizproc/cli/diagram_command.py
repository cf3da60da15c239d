"""`bizproc diagram PROCESS`: a process, drawn from its code."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from bizproc.cli.completing import instance_ids, process_names
from bizproc.cli.finding import newest, processes_of
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import print_json, warn
from bizproc.cli.setup import Setup, common_options, setup_of
from bizproc.cli.steering import beside
from bizproc.code.coverage import WrongCoverage, coverage_marks, read_coverage
from bizproc.code.files import Unreadable
from bizproc.code.flow import Act, Flow, every_part
from bizproc.code.marks import Marks
from bizproc.code.mermaid import mermaid
from bizproc.code.source import flow_of_process
from bizproc.code.standing import standing_marks
from bizproc.code.svg import svg
from bizproc.core.process import Process

if TYPE_CHECKING:
    from bizproc.runtime import JournalStep, Status

_ENDED: Final = frozenset({"completed", "failed", "cancelled", "terminated"})


@click.command()
@common_options
@click.argument("name", metavar="PROCESS", shell_complete=process_names)
@click.option(
    "--svg", "picture", type=click.Path(path_type=Path), metavar="FILE", help="Write a picture into this file."
)
@click.option("--mermaid", "as_text", is_flag=True, help="Print Mermaid text.  [unless --svg]")
@click.option("--instance", metavar="ID", shell_complete=instance_ids, help="Show where this instance stands.")
@click.option(
    "--coverage", type=click.Path(path_type=Path), metavar="FILE", help="Show what tests have seen, by this report."
)
@click.pass_context
def command(
    context: click.Context,
    /,
    name: str,
    *,
    picture: Path | None,
    as_text: bool,
    instance: str | None,
    coverage: Path | None,
) -> None:
    r"""
    Draw a process from its code: what it does, what it waits for, and how that can end.

    \b
    Examples:
      bizproc diagram sales.follow_up
      bizproc diagram sales.follow_up --svg follow_up.svg --instance tea-1
    """
    if instance is not None and coverage is not None:
        raise click.UsageError("--instance and --coverage are two drawings: give one of them.")
    setup = setup_of(context)
    processes = processes_of(setup)
    status, steps = asyncio.run(_look(setup, instance)) if instance is not None else (None, [])
    process = _version(processes, name, status)
    flow = _flow_of(process)
    marks = _marks(flow, coverage, status, steps)
    for remark in marks.remarks:
        warn(remark)
    if picture is not None:
        _write(picture, svg(flow, marks))
    if setup.json:
        print_json(_as_json(flow, marks, mermaid(flow, marks)))
    elif as_text or picture is None:
        click.echo(mermaid(flow, marks), nl=False)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise Mistake(f"--svg: {path} cannot be written: {error.strerror or error}.") from None


def _version(processes: list[Process[..., Any]], name: str, status: Status | None) -> Process[..., Any]:
    """The newest version, or the one that the instance runs. Raises Mistake."""
    if status is None:
        return newest(processes, name)
    if status.process != name:
        raise Mistake(f"instance {status.id} is one of {status.process}, and not of {name}.")
    return newest([each for each in processes if each.version == status.version or each.name != name], name)


def _flow_of(process: Process[..., Any]) -> Flow:
    """The process as it is written. Raises Mistake."""
    try:
        return flow_of_process(process)
    except Unreadable as error:
        file = inspect.unwrap(process.function).__code__.co_filename
        raise Mistake(f"the code of {process.name} cannot be read: {file}, line {error.line}: {error.why}.") from None


async def _look(setup: Setup, id_: str) -> tuple[Status, list[JournalStep]]:
    async with beside(setup) as runtime:
        instance = runtime.instance(id_)
        return await instance.status(), await instance.journal()


def _marks(flow: Flow, coverage: Path | None, status: Status | None, steps: list[JournalStep]) -> Marks:
    if coverage is not None:
        try:
            return coverage_marks(flow, read_coverage(coverage, flow.name, flow.version))
        except WrongCoverage as error:
            raise Mistake(f"--coverage: {error}") from None
    if status is None:
        return Marks()
    title = f"Instance {status.id}: {status.state}"
    return standing_marks(flow, steps, ended=status.state in _ENDED, title=title)


def _as_json(flow: Flow, marks: Marks, text: str) -> dict[str, Any]:
    return {
        "process": flow.name,
        "version": flow.version,
        "mermaid": text,
        "steps": [
            {"line": part.line, "kind": part.kind, "text": part.text, "mark": marks.of.get(part)}
            for part in every_part(flow.body)
            if isinstance(part, Act)
        ],
        "remarks": list(marks.remarks),
    }
