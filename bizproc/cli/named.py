"""
Names that somebody typed, and what there is: where a name is nothing's, the answer says what may have been meant.

An empty answer to a misspelt question looks like an answer.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any, Final

import attrs
from attrs import frozen

from bizproc.cli.mistakes import Mistake
from bizproc.cli.setup import Setup
from bizproc.core.errors import InstanceNotFound
from bizproc.core.near import hint, meant
from bizproc.rules.filters.predicates import AllOf, AnyOf, Condition, Filter, Members, Not

if TYPE_CHECKING:
    from bizproc.core.process import Process
    from bizproc.runtime import Runtime

RECENT: Final = 1_000
"""So many instances, the newest, a misspelt id is compared with."""


# -- processes and instances -------------------------------------------------------------------------------------------


async def check_process(runtime: Runtime, setup: Setup, name: str) -> None:
    """Raises Mistake where neither the store nor the project's modules have a process of this name."""
    known = set(await runtime.process_names())
    if name not in known:
        known |= {process.name for process in _processes(setup)}
    if name not in known:
        raise Mistake(f"there is no process {name!r}, neither in the store nor in the modules. {hint(name, known)}")


def _processes(setup: Setup) -> list[Process[..., Any]]:
    """The processes of the project. What its modules print is no part of an answer."""
    from bizproc.cli.finding import processes_of

    with redirect_stdout(sys.stderr):
        return processes_of(setup)


async def with_hint(runtime: Runtime, error: InstanceNotFound) -> InstanceNotFound:
    """The same error, with the ids that may have been meant."""
    ids = [status.id for status in await runtime.instances(limit=RECENT)]
    told = meant(error.instance, ids)
    return attrs.evolve(error, hint=f" {told}") if told else error


# -- filters -----------------------------------------------------------------------------------------------------------


async def check_filter(runtime: Runtime, kind: str | None, where: Filter | None) -> None:
    """
    Raises Mistake where a filter names a stage or a pipeline that the store does not have.

    The kind is that of the items that are chosen from; None where they are of several.
    """
    from bizproc.model import Pipeline, Stage

    named = list(_named_in(where, kind))
    if not named:
        return
    stages = await runtime.find(Stage)
    pipelines = {str(each.id) for each in await runtime.find(Pipeline)} | {str(each.pipeline) for each in stages}
    for field, of, name in named:
        known = pipelines if field == "pipeline" else {each.code for each in stages if of in (None, each.kind)}
        if name not in known:
            whose = "" if of is None else f" of a {of}"
            raise Mistake(f"--where: there is no {field} {name!r}{whose}. {hint(name, known)}")


def _named_in(where: Filter | None, kind: str | None) -> Iterator[tuple[str, str | None, str]]:
    """The stages and pipelines that a filter names: which of the two, of which kind if that is plain, and the name."""
    match where:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _named_in(part, kind)
        case Not(part):
            yield from _named_in(part, kind)
        case Members(part=part):
            yield from _named_in(part, None)
        case Condition(path, "=" | "in", values) if path[-1] in ("stage", "pipeline"):
            of = kind if len(path) == 1 else None
            yield from ((path[-1], of, str(value)) for value in values if value is not None)
        case _:
            return


# -- what a process knows by name --------------------------------------------------------------------------------------


@frozen
class Known:
    """
    The names that stand in the code of a process.

    Attributes:
        signals: That it waits for.
        steps: Its steps and actions.
        all_seen: Whether there can be no others: nothing is computed, and nothing stands in another file.
    """

    signals: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    all_seen: bool = False


def known_of(process: Process[..., Any]) -> Known:
    """What can be seen; nothing of what cannot be read."""
    from bizproc.code.files import Unreadable
    from bizproc.code.flow import Act, every_part
    from bizproc.code.source import flow_of_process

    try:
        acts = [part for part in every_part(flow_of_process(process).body) if isinstance(part, Act)]
    except Unreadable:
        return Known()
    asked = [each for act in acts for each in act.asks]
    return Known(
        frozenset(name for kind, name in asked if kind == "signal" and name is not None),
        frozenset(name for kind, name in asked if kind in ("step", "action") and name is not None),
        all(act.asks or act.kind == "undo" for act in acts)
        and not any(name is None for kind, name in asked if kind in _NAMING),
    )


_NAMING: Final = ("signal", "step", "action")


def check_signal(setup: Setup, process: str, version: int, name: str) -> None:
    """Raises Mistake where the code of the process is here, and plainly waits for no signal of this name."""
    if not setup.modules and not setup.settings.recipes:
        return
    try:
        same = [each for each in _processes(setup) if (each.name, each.version) == (process, version)]
    except Mistake:  # what is wrong with the code is no reason to keep a signal back
        return
    for each in same:
        known = known_of(each)
        if known.all_seen and name not in known.signals:
            raise Mistake(f"{process} waits for no signal {name!r}. {hint(name, known.signals)}")


def check_assumed(process: Process[..., Any], names: Sequence[str], say: Callable[[str], None]) -> None:
    """Raises Mistake for a name that no step and no signal has; says so where the code does not show all names."""
    known = known_of(process)
    for name in names:
        if name in known.signals | known.steps:
            continue
        said = f"--assume: {process.name} has no step and no signal {name!r}"
        if known.all_seen:
            raise Mistake(f"{said}. {hint(name, known.signals | known.steps)}")
        say(f"{said} that its code shows; if it has none, this says nothing.")
