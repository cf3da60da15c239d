"""Progress bars: on stderr, where somebody looks."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bizproc.cli.output import console
from bizproc.cli.setup import Setup

Told = Callable[[str, int, int], None]
"""Told what is being done, how far it is, and how far it goes."""


@contextmanager
def bar(setup: Setup) -> Iterator[Told | None]:
    """A progress bar; None where nobody looks at it."""
    if setup.json or not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as shown:
        task = shown.add_task("", total=None)

        def told(what: str, done: int, total: int) -> None:
            shown.update(task, description=what if done < total else "finishing", completed=done, total=total)

        yield told
