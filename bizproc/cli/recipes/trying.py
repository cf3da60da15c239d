"""
`test`: what recipes promise, tried where they are used.

The tests that ship are a package `tests` inside the recipe's own package (`bizproc_tea.tests` of
`bizproc_tea.reminder`), and run by pytest in a program of its own. The contract is held to the project's own settings.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec

from attrs import frozen

from bizproc.installed import Use


@frozen(kw_only=True)
class Tried:
    """
    What came of it.

    Attributes:
        subject: The package whose tests ran, or the use whose settings were tried.
        verdict: `passed`, `failed`, or `none` where no tests ship.
    """

    subject: str
    verdict: str
    detail: str = ""


def package_of(use: Use) -> str:
    """Where the tests of a recipe's distribution are looked for."""
    assert use.installed.recipe is not None
    return f"{use.installed.recipe.function.__module__.partition('.')[0]}.tests"


def run_shipped(uses: Iterable[Use], begins: Callable[[str], None]) -> Iterator[Tried]:
    """
    Run the tests of the packages that these uses are of. What is the project's own is tested with the project.

    Args:
        uses: Each package is tested once.
        begins: Told what is tried next: it may take minutes.
    """
    for package in dict.fromkeys(package_of(use) for use in uses if use.installed.distribution):
        begins(package)
        yield _run(package)


def _run(package: str) -> Tried:
    try:
        there = find_spec(package)
    except (ImportError, ValueError):
        there = None
    if there is None:
        return Tried(subject=package, verdict="none", detail="its distribution ships no tests.")
    plugin = () if entry_points(group="pytest11", name="bizproc") else ("-p", "bizproc.testing.plugin")
    flags = ("-q", "-p", "no:cacheprovider", "--import-mode=importlib", *plugin)
    ran = subprocess.run(  # noqa: S603  a program of ours
        [sys.executable, "-m", "pytest", *flags, "--pyargs", package],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = ran.stdout.strip().splitlines()
    if ran.returncode == 0:
        return Tried(subject=package, verdict="passed", detail=lines[-1] if lines else "")
    return Tried(subject=package, verdict="failed", detail=f"{ran.stdout}{ran.stderr}".strip())


def hold_to_contract(uses: Iterable[Use]) -> list[Tried]:
    """The contract of each use, with its settings."""
    names = [use.name for use in uses]
    if not names:
        return []
    ran = subprocess.run(  # noqa: S603  a program of ours
        [sys.executable, "-m", "bizproc.testing.recipes", *names], capture_output=True, text=True, check=False
    )
    found = [Tried(**json.loads(line)) for line in ran.stdout.splitlines() if line.startswith('{"subject": ')]
    left = names[len(found) :]
    # One that brings the program down says why on stderr.
    return [*found, *(Tried(subject=name, verdict="failed", detail=ran.stderr.strip()) for name in left)]


def lacking() -> str | None:
    """A package that tests need and that is not installed."""
    return next((name for name in ("hypothesis", "pytest") if find_spec(name) is None), None)
