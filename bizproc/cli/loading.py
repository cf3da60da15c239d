"""
What `bizproc check` says of processes that can be read, and that `serve` would refuse all the same.

Modules and recipes are loaded as `serve` loads them. What keeps one of them from running is said, and the others go on.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import Any

from attrs import frozen

from bizproc.cli.finding import find_processes, loaded_of
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import stopped
from bizproc.cli.setup import Setup
from bizproc.core.process import Process


@frozen
class Refused:
    """A module, a process or a section of the settings that cannot run, and why."""

    name: str
    why: str

    def __str__(self) -> str:
        return f"{stopped(self.why)} `serve` would not run it."


@frozen
class Loaded:
    """
    What a project loads.

    Attributes:
        processes: All, those that cannot start by themselves among them.
        refused: What is wrong with some.
        whole: Whether all modules were loaded: else nothing can be said of their instances.
    """

    processes: tuple[Process[..., Any], ...] = ()
    refused: tuple[Refused, ...] = ()
    whole: bool = True

    @property
    def accepted(self) -> list[Process[..., Any]]:
        """Those that run."""
        wrong = {each.name for each in self.refused}
        return [process for process in self.processes if process.name not in wrong]


def load(setup: Setup) -> Loaded:
    """
    Load what a project has.

    Raises:
        SettingsError: A setting of a recipe is wrong.
    """
    from bizproc.runtime import refusals

    with redirect_stdout(sys.stderr):  # what modules print must not be taken for our answer
        broken = [each for name in setup.modules for each in _module(name)]
        if broken:
            return Loaded(refused=tuple(broken), whole=False)
        try:
            processes, troubles = loaded_of(setup)
        except Mistake as error:
            return Loaded(refused=(Refused("bizproc.toml", error.message),), whole=False)
    refused = [Refused(each.use, str(each)) for each in troubles]
    refused += [Refused(each.process, str(each)) for each in refusals(processes)]
    return Loaded(tuple(processes), tuple(refused))


def _module(name: str) -> list[Refused]:
    try:
        find_processes([name])
    except Mistake as error:
        return [Refused(name, error.message)]
    return []
