"""`bizproc check [PATHS]`: what in the code of processes would not replay."""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path

import click

from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import in_line, print_json
from bizproc.cli.setup import common_options, setup_of
from bizproc.code.checking import Report, check_paths
from bizproc.code.report import as_json, lines


@click.command()
@common_options
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, paths: tuple[Path, ...]) -> int:
    r"""
    Read the code of processes, and say what in it would not replay. Nothing is run.

    PATHS are files and folders; without them, the modules that processes are found in. A line that is right all the
    same says why: `# bizproc: ok (reason)`. Exit code 1 if anything is found.

    \b
    Examples:
      bizproc check
      bizproc check sales/ billing.py --json
    """
    setup = setup_of(context)
    report = check_paths(_existing(paths) if paths else _modules(setup.modules))
    # The check of live instances against this code comes here, beside what was found in the code.
    if setup.json:
        print_json(as_json(report))
    else:
        _print(report)
    return 1 if report.findings else 0


def _print(report: Report) -> None:
    for line in lines(report):
        click.echo(in_line(line))


def _existing(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    for path in paths:
        if not path.exists() and not path.is_symlink():
            raise Mistake(f"there is no file or folder {str(path)!r} to check.")
    return paths


def _modules(names: tuple[str, ...]) -> list[Path]:
    """The files of these modules, found and not imported. Raises Mistake."""
    if not names:
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
