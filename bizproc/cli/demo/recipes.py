"""
The recipes that are installed, as far as the demonstration can use them: they run beside its own follow-up.

A recipe is left out, and its reason said, if it cannot be loaded, if it reaches out to providers or needs what the
company has not got, or if it has settings that nobody can guess. Those that ask for a queue get all sales people.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from attrs import frozen

from bizproc import Process, UserQueue
from bizproc.cli.demo.company import USERS
from bizproc.core.errors import BizprocError
from bizproc.core.form import REQUIRED
from bizproc.installed import Installed, installed_recipes
from bizproc.recipe import use
from bizproc.runtime import Runtime, Status


@frozen
class Chosen:
    """
    What of the installed recipes runs.

    Attributes:
        processes: Under the names of their recipes.
        left_out: Why each of the others does not.
    """

    processes: tuple[Process[..., Any], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def choose() -> Chosen:
    """All that start by themselves and need no more than a queue."""
    processes, left_out = [], []
    for one in installed_recipes():
        made = _made(one)
        if isinstance(made, str):
            left_out.append((one.name, made))
        else:
            processes.append(made)
    return Chosen(tuple(processes), tuple(left_out))


def _made(one: Installed) -> Process[..., Any] | str:
    """The process, or why there is none."""
    if one.recipe is None:
        return f"it cannot be loaded: {one.error}"
    wanted = [need.text for need in one.recipe.needs if need.kind in ("provider", "secret", "field", "template")]
    if wanted:
        return f"it needs {', '.join(wanted)}"
    required = {setting.name: setting.type for setting in one.recipe.settings if setting.default is REQUIRED}
    unknown = [name for name, type_ in required.items() if type_ is not UserQueue]
    if unknown:
        return f"it needs to be told: {', '.join(unknown)}"
    team = UserQueue(tuple(range(1, len(USERS) + 1)))
    try:
        process = use(one.recipe, name=one.name, **dict.fromkeys(required, team))
    except BizprocError as error:
        return str(error)
    return process if process.starts is not None else "it is started by hand"


async def what_they_did(store: str, chosen: Chosen) -> list[tuple[str, int, int, int, int]]:
    """Of each recipe: how many instances it had, and how many of them completed, wait, or came to another end."""
    async with Runtime.attach(store) as runtime:
        return [_counted(one.name, await runtime.instances(process=one.name)) for one in chosen.processes]


def _counted(name: str, instances: list[Status]) -> tuple[str, int, int, int, int]:
    states = Counter(status.state for status in instances)
    completed, waiting = states["completed"], states["waiting"]
    return name, len(instances), completed, waiting, len(instances) - completed - waiting
