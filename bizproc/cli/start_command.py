"""
`bizproc start PROCESS`: start a process, run it until it waits, and say for what.

The flags of the start form become known when the process is: they are parsed by a second command, made of the form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import click
from click.shell_completion import CompletionItem

from bizproc.cli.completing import process_names, quietly
from bizproc.cli.documents import parse_document
from bizproc.cli.each import parse_where, start_each
from bizproc.cli.finding import newest, processes_of
from bizproc.cli.mistakes import Mistake
from bizproc.cli.numbers import FiniteRange
from bizproc.cli.output import complain, print_json, say, stopped, warn
from bizproc.cli.preview import Wanted, parse_assumed, preview_each, preview_one
from bizproc.cli.setup import Setup, check_that_store_exists, common_options, setup_of
from bizproc.cli.standing import RESULTLESS, sentence, stands
from bizproc.cli.steering import at_rest, attached, watched
from bizproc.core.errors import ItemNotFound, StoreInUse, WrongArgument

if TYPE_CHECKING:
    from bizproc.core.form import Parameter
    from bizproc.core.process import Call, Process
    from bizproc.runtime import Instance, Runtime, Status


class _Start(click.Command):
    """A command that completes the flags of the process, too."""

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:
        flags = quietly(_flags_of_process, ctx)
        return [
            *super().shell_complete(ctx, incomplete),
            *(CompletionItem(f) for f in flags if f.startswith(incomplete)),
        ]


def _flags_of_process(context: click.Context) -> Iterator[str]:
    name = context.params.get("process")
    if name is not None:
        found = newest(processes_of(setup_of(context)), name)
        yield from map(_flag, found.form.parameters)


@click.command(
    cls=_Start,
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    options_metavar="[OPTIONS] [FLAGS OF THE START FORM]",
)
@common_options
@click.option("--document", metavar="KIND:ID", help="The item that the process runs on, as deal:5.")
@click.option("--where", metavar="FILTER", help="Start one on each item that fits; `all` for every item.")
@click.option(
    "--limit-per-second",
    "limit",
    type=FiniteRange(0, min_open=True),
    metavar="N",
    help="With --where: start no more than so many a second.",
)
@click.option("--id", "id_", metavar="ID", help="A name for the instance; the same again gives the same instance.")
@click.option("--preview", "preview", is_flag=True, help="Only tell what it would do, up to its first wait.")
@click.option("--outcomes", is_flag=True, help="With --preview: also what comes after each end of that wait.")
@click.option(
    "--assume",
    multiple=True,
    metavar="NAME=VALUE",
    help="With --preview: what a step gives or a signal brings, as scoring.score=5.",
)
@click.option("--help", "help_", is_flag=True, help="Show this; after a process, its flags.")
@click.argument("process", required=False, shell_complete=process_names)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
@click.pass_context
def command(
    context: click.Context,
    process: str | None,
    document: str | None,
    id_: str | None,
    where: str | None,
    limit: float | None,
    assume: tuple[str, ...],
    flags: tuple[str, ...],
    *,
    preview: bool,
    outcomes: bool,
    help_: bool,
) -> int:
    r"""
    Start a process, and run it until it waits.

    It opens the store, starts the process, runs until nothing is ready, and says what is waited for. Beside a running
    `serve` that one starts and runs it. Flags come from the start form of the process: `bizproc start PROCESS --help`
    shows them. Exit code 1 if the instance failed.

    With --where it starts one on each item that there is and fits. Stopped by Ctrl-C and called again with the same
    flags, it goes on from there; no item gets two. Items on which one runs already are counted, and left alone.

    With --preview nothing is done: it tells each step with what it would change, send and start. No body of an @action
    runs: the preview ends there, unless it is told what comes of it (--assume). With --where the first 5 items count.

    \b
    Examples:
      bizproc start sales.follow_up --document deal:5 --discount 7
      bizproc start sales.follow_up --document deal:5 --preview --outcomes
      bizproc start sales.follow_up --where all --limit-per-second 50
      bizproc start sales.follow_up --where "amount >= 100 and stage in (NEW, WON)"
    """
    if process is None:
        if help_:
            click.echo(context.get_help())
            return 0
        raise click.UsageError("say which process to start: bizproc start PROCESS", context)
    if process.startswith("-"):
        raise click.UsageError(f"{process} stands before the process: write bizproc start PROCESS {process} …", context)
    setup = setup_of(context)
    processes = processes_of(setup)
    wanted = newest(processes, process)
    form = _form_command(wanted)
    if help_:
        with click.Context(form, info_name=f"bizproc start {wanted.name}") as form_context:
            click.echo(form.get_help(form_context))
        return 0
    parameters = _parse(wanted, form, flags)
    if (outcomes or assume) and not preview:
        raise click.UsageError("--outcomes and --assume go with --preview", context)
    wish = Wanted(outcomes=outcomes, assume=parse_assumed(assume)) if preview else None
    if where is not None:
        if document is not None or id_ is not None:
            raise click.UsageError("--where starts several: leave --document and --id out", context)
        if wish is not None:
            return asyncio.run(preview_each(setup, processes, wanted, parameters, parse_where(where), wish))
        return asyncio.run(start_each(setup, processes, wanted, parameters, parse_where(where), limit))
    if limit is not None:
        raise click.UsageError("--limit-per-second goes with --where", context)
    if wish is not None:
        _check_document(wanted, document)
        make_call = partial(_call, process=wanted, parameters=parameters, document=document)
        return asyncio.run(preview_one(setup, processes, make_call, wish))
    return asyncio.run(_start(setup, processes, wanted, parameters, document, id_))


# -- the start form ----------------------------------------------------------------------------------------------------

_OURS: Final = frozenset(
    {
        *("--json", "--processes", "--store", "--document", "--where", "--limit-per-second", "--id", "--help"),
        *("--preview", "--outcomes", "--assume"),
    }
)


def _flag(parameter: Parameter) -> str:
    """Its flag; one that is a flag of `start` itself has `form-` before it."""
    return parameter.flag if parameter.flag not in _OURS else f"--form-{parameter.flag.removeprefix('--')}"


def _form_command(process: Process[..., Any]) -> click.Command:
    """The start form of a process as a command: a flag for each of its lines."""
    from bizproc.core.form import plain

    options: list[click.Parameter] = []
    for parameter in process.form.parameters:
        # `--important` alone is as good as `--important yes`.
        alone: dict[str, Any] = {"is_flag": False, "flag_value": "yes"} if parameter.type is bool else {}
        told = parameter.description
        default = "required" if parameter.required else f"default: {_default(plain(parameter.default))}"
        options.append(
            click.Option(
                [_flag(parameter), parameter.name],
                multiple=True,
                **alone,
                metavar=_type_of(parameter),
                help=f"{told}  [{default}]" if told else f"[{default}]",
            )
        )
    document = "" if process.form.document is None else " --document KIND:ID"
    return click.Command(
        process.name,
        params=options,
        help=process.form.summary,
        options_metavar=f"{document.strip()} [FLAGS]".strip(),
        epilog=f"\b\nExample:\n  {_example(process)}\n\n{_MORE_FLAGS}",
    )


_MORE_FLAGS: Final = "The flags that all commands have, and --id: bizproc start --help."


def _example(process: Process[..., Any]) -> str:
    """How it is started, with as few words as it takes."""
    wanted = process.form.document
    document = [] if wanted is None else ["--document", f"{getattr(wanted, 'item_type', 'deal')}:1"]
    flags = [f"{_flag(each)} {each.name.upper()}" for each in process.form.parameters if each.required]
    return " ".join(["bizproc start", process.name, *document, *flags])


def _default(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _type_of(parameter: Parameter) -> str:
    from bizproc.core.checks import readable

    return "yes|no" if parameter.type is bool else readable(parameter.type)


def _parse(process: Process[..., Any], form: click.Command, flags: tuple[str, ...]) -> dict[str, Any]:
    """The parameters that these flags give. Raises Mistake."""
    known = ", ".join(map(_flag, process.form.parameters)) or "none, for it has no start form"
    try:
        context = form.make_context(process.name, list(flags), resilient_parsing=False)
    except click.NoSuchOption as error:
        raise Mistake(f"{process.name} has no flag {error.option_name}. Its flags: {known}.") from None
    except click.UsageError as error:
        text = error.format_message().rstrip(".")
        raise Mistake(f"{process.name}: {text[:1].lower()}{text[1:]}. Its flags: {known}.") from None
    given = {name: values for name, values in context.params.items() if values}
    try:
        return process.form.parse(
            {name: values[0] if len(values) == 1 else list(values) for name, values in given.items()}
        )
    except WrongArgument as error:
        raise Mistake(f"{stopped(str(error))} Its flags: {known}.") from None


# -- starting ----------------------------------------------------------------------------------------------------------


async def _start(
    setup: Setup,
    processes: list[Process[..., Any]],
    process: Process[..., Any],
    parameters: dict[str, Any],
    document: str | None,
    id_: str | None,
) -> int:
    from bizproc.runtime import Runtime

    _check_document(process, document)
    if document is not None:
        check_that_store_exists(setup)
    try:
        async with Runtime.open(setup.store, processes=processes, recipes=False, settings=setup.settings) as runtime:
            call = await _call(runtime, process, parameters, document)
            instance = await runtime.start(call, id=id_)
            await runtime.settled()
            status, result = await _standing(instance)
    except StoreInUse:
        async with attached(setup) as runtime:
            call = await _call(runtime, process, parameters, document)
            instance = await runtime.start(call, id=id_)
            await watched(instance, at_rest)
            status, result = await _standing(instance)
    _tell(setup, status, result)
    return 1 if status.state in RESULTLESS else 0


async def _standing(instance: Instance[Any]) -> tuple[Status, Any]:
    status = await instance.status()
    return status, await instance.result() if status.state == "completed" else None


def _check_document(process: Process[..., Any], document: str | None) -> None:
    wanted = process.form.document
    if document is None and wanted is not None:
        kind = getattr(wanted, "item_type", "deal")
        raise Mistake(f"{process.name} runs on a {kind}: say which, as --document {kind}:5.")
    if document is not None and wanted is None:
        raise Mistake(f"{process.name} runs on no document: leave --document out.")


async def _call(
    runtime: Runtime, process: Process[..., Any], parameters: dict[str, Any], document: str | None
) -> Call[Any]:
    if document is None:
        return process(**parameters)
    ref = parse_document(document)
    wanted = process.form.document
    from bizproc.model.kinds import class_of

    cls = class_of(ref.kind)
    if wanted is not None and not issubclass(cls, wanted):
        kind = getattr(wanted, "item_type", wanted.__name__)
        raise Mistake(f"{process.name} runs on a {kind}, and {document} is none.")
    item = await runtime.get(cls, ref.id)
    if item.item_type != ref.kind:
        raise ItemNotFound(kind=ref.kind, id=ref.id)
    return process(item, **parameters)


def _tell(setup: Setup, status: Status, result: Any) -> None:
    if setup.json:
        why = None if status.error is None else {"class": status.error.class_name, "text": status.error.text}
        print_json(
            {
                "id": status.id,
                "process": status.process,
                "document": status.document and str(status.document),
                "state": status.state,
                "waits_for": status.waits_for,
                "until": status.until,
                "result": result,
                "ended_by": status.ended_by,
                "error": why,
            }
        )
    if status.error is not None:
        error = f"{status.error.class_name}: {status.error.text}"
        complain(f"instance {status.id} of {status.process} {stands(status)}: {error}")
        if not setup.json:
            warn(f"More: bizproc show {status.id}")
    elif not setup.json:
        say(sentence(setup, status, result))
