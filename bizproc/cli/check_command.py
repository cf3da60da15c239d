"""`bizproc check [PATHS]`: what in the code of processes would not replay, and which live instances would not go on."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from bizproc.cli import upgrading
from bizproc.cli.loading import Loaded, load
from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import in_line, print_json
from bizproc.cli.setup import Setup, common_options, is_there, setup_of
from bizproc.code.checking import check_paths
from bizproc.code.report import as_json, lines

if TYPE_CHECKING:
    from bizproc.cli.hearing import Unheard
    from bizproc.runtime import UpgradeReport


@click.command()
@common_options
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...]) -> int:
    r"""
    Read the code of processes, and say what in it would not replay; replay the live instances of the store on it.

    PATHS are files and folders: these are read, and not run. Without them, the modules that processes are found in are
    read, and loaded with the recipes that are used, as `serve` loads them: what that would refuse is said. If there is
    a store, its live instances are replayed on them: nothing is written, no step is run, and a program that runs them
    is not disturbed. Stages and kinds of items that triggers name are looked for in it, too. A line that is right all
    the same says why: `# bizproc: ok (reason)`. Exit code 1 if anything is found, or would be refused, or an
    instance would not go on.

    \b
    Examples:
      bizproc check
      bizproc check sales/ billing.py --json
      bizproc check --store sqlite:///copy.db
    """
    setup = setup_of(context)
    report = check_paths(_existing(paths) if paths else _modules(setup.modules, uses=bool(setup.settings.recipes)))
    loaded = Loaded() if paths and not setup.store_given else load(setup)
    looked = loaded.whole and _has_instances(setup, paths)
    upgrade, unheard = upgrading.check_instances(setup, loaded) if looked else (None, [])
    if setup.json:
        refused = [attrs.asdict(each) for each in loaded.refused]
        print_json(as_json(report) | {"refused": refused} | _of_store(upgrade, unheard))
    else:
        told = [*lines(report), *map(str, loaded.refused), *map(str, unheard)]
        for line in (*told, *(() if upgrade is None else upgrading.lines(upgrade))):
            click.echo(in_line(line))
    return 1 if report.findings or loaded.refused or unheard or not (upgrade is None or upgrade.fits) else 0


def _of_store(upgrade: UpgradeReport | None, unheard: list[Unheard]) -> dict[str, Any]:
    if upgrade is None:
        return {}
    return {"upgrade": upgrading.as_json(upgrade), "unheard": [attrs.asdict(each) for each in unheard]}


def _has_instances(setup: Setup, paths: tuple[Path, ...]) -> bool:
    """Whether there is a store to be looked at: one that was named, or, where no paths were, that of the project."""
    return setup.store_given or (not paths and is_there(setup.store))


def _existing(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise Mistake(f"there is no file or folder {str(path)!r} to check.")
    return paths


def _modules(names: tuple[str, ...], *, uses: bool) -> list[Path]:
    """
    The files of these modules, found and not imported. Code of recipes is its distribution's to check.

    Raises:
        Mistake: there is nothing to check, or a module is not there.
    """
    if not names and not uses:
        raise Mistake(
            "nothing to check: name files or folders, as `bizproc check sales.py`, "
            "or the modules of processes in bizproc.toml, as `processes = ['sales']`."
        )
    return [path for name in names for path in _files_of(name)]


def _files_of(name: str) -> list[Path]:
    folders = [str(Path.cwd()), *sys.path]
    found: list[Path] = []
    parts = name.split(".")
    for depth, _ in enumerate(parts, 1):
        spec = PathFinder.find_spec(".".join(parts[:depth]), folders)
        if spec is None:
            raise Mistake(f"there is no module {name!r} to check: looked in {Path.cwd()} and the installed packages.")
        folders = list(spec.submodule_search_locations or ())
        found = [Path(folder) for folder in folders] or (
            [Path(spec.origin)] if spec.has_location and spec.origin else []
        )
    # Of a package its own file: processes are found at the top level of the modules that are named.
    return [path / "__init__.py" if path.is_dir() and (path / "__init__.py").exists() else path for path in found]
