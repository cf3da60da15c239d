"""Processes, in the modules of a project: every `Process` at their top level. The working directory is importable."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import warn
from bizproc.cli.setup import Setup
from bizproc.core.errors import RecipeUnusable
from bizproc.core.near import meant
from bizproc.core.process import Process

Found = dict[str, Process[..., Any]]


def find_processes(modules: Iterable[str]) -> list[Process[..., Any]]:
    """
    All processes of these modules.

    Raises:
        Mistake: a module is not there, or cannot be loaded, or two processes have one name and version.
    """
    importable_here()
    found: dict[tuple[str, int], tuple[Process[..., Any], str]] = {}
    for name in modules:
        for process in vars(_load(name)).values():
            if not isinstance(process, Process):
                continue
            other, where = found.setdefault((process.name, process.version), (process, name))
            if other is not process:
                raise Mistake(
                    f"{where} and {name} each have a process {process.name!r} of version {process.version}: "
                    "give one of them another name or version."
                )
    return [process for process, _ in found.values()]


def importable_here() -> None:
    """Let modules of the working directory be imported."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def processes_of(setup: Setup) -> list[Process[..., Any]]:
    """
    All processes of a project: of its modules, and of the recipes it uses.

    Of a recipe that cannot run a line is said, and the others are there.

    Raises:
        Mistake: as `find_processes`, or a use has the name of a process.
    """
    processes, troubles = loaded_of(setup)
    for trouble in troubles:
        warn(str(trouble))
    return processes


def loaded_of(setup: Setup) -> tuple[list[Process[..., Any]], tuple[RecipeUnusable, ...]]:
    """The same, with what is wrong with the recipes that cannot run. Raises as `processes_of`."""
    processes = find_processes(setup.modules)
    if not setup.settings.recipes:
        return processes, ()
    importable_here()
    from bizproc.installed import uses_of

    uses = uses_of(setup.settings)
    names = {process.name for process in processes}
    for process in uses.processes:
        if process.name in names:
            raise Mistake(
                f"[recipes.{process.name}] in bizproc.toml, and a module of processes, each have a process "
                f"{process.name!r}: give the section another name."
            )
    return [*processes, *uses.processes], uses.troubles


def newest(processes: Iterable[Process[..., Any]], name: str) -> Process[..., Any]:
    """The newest version of a process. Raises Mistake, with those that there are."""
    processes = list(processes)
    versions = [process for process in processes if process.name == name]
    if versions:
        return max(versions, key=lambda process: process.version)
    if not processes:
        raise Mistake(
            f"there is no process {name!r}, for none was found: name their module, as `--processes sales`, "
            "or in bizproc.toml, as `processes = ['sales']`."
        )
    names = sorted({process.name for process in processes})
    found = f"Found: {', '.join(names)}."
    raise Mistake(f"there is no process {name!r}. {meant(name, names) or found}")


def _load(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise Mistake(
                f"there is no module {name!r} to find processes in: looked in {Path.cwd()} and the installed packages."
            ) from None
        raise _broken(name, error) from error
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from error


def _broken(name: str, error: BaseException) -> Mistake:
    """What is wrong with a project's module is its author's to see, at the line where it is wrong."""
    text = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    where = f"{error.filename}, line {error.lineno}" if isinstance(error, SyntaxError) else _line_of(error)
    return Mistake(f"the module {name!r} cannot be loaded: {text} ({where}).")


def _line_of(error: BaseException) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<frozen")]
    last = next((frame for frame in reversed(frames) if _is_theirs(frame.filename)), frames[-1])
    return f"{last.filename}, line {last.lineno}"


def _is_theirs(file: str) -> bool:
    ours = Path(__file__).parents[1]
    return ours not in Path(file).parents and not file.startswith(sys.base_prefix)
