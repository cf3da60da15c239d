"""`bizproc init DIR`: a new automation project."""

from __future__ import annotations

import json
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from shlex import quote
from typing import Final
from urllib.parse import unquote, urlsplit

import click

from bizproc.cli.mistakes import Mistake
from bizproc.cli.output import print_json, say
from bizproc.cli.setup import common_options, setup_of
from bizproc.cli.starter import check_name, files_of
from bizproc.settings import FILE

UNKNOWN: Final = "path/to/bizproc"


@click.command("init")
@common_options
@click.option("--name", metavar="NAME", help="What its module is called.  [the name of the folder]")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.pass_context
def command(context: click.Context, folder: Path, name: str | None) -> None:
    r"""
    Make a new project: a process, its test, settings, a README. It runs at once.

    DIR must be empty, or not there yet.

    \b
    Examples:
      bizproc init sales
      bizproc init my-crm --name sales
    """
    setup = setup_of(context)
    name = folder.absolute().name.replace("-", "_") if name is None else name
    _check_folder(folder)  # first, for an installed project has its name
    check_name(name)
    written = _write(folder, files_of(name, quote(source())))
    if setup.json:
        print_json({"folder": str(folder), "name": name, "files": written})
        return
    say(f"{folder} holds a new project: {', '.join(written)}.")
    say("What now:")
    test = f"make test BIZPROC={quote(source())}"
    away = () if folder.absolute() == Path.cwd() else (f"cd {quote(str(folder))}",)
    for line in (*away, test, "make demo", ".venv/bin/bizproc check"):
        say(f"  {line}")
    say(f"Then change {name}.py; README.md says more.")


def _check_folder(folder: Path) -> None:
    """Raises Mistake for one that holds anything, or is none."""
    try:
        if (folder / FILE).is_file():
            raise Mistake(
                f"{folder} holds a project already, with its {FILE}: it was left as it is. "
                "Go on with it, or name a folder that is not there."
            )
        if any(folder.iterdir()):
            raise Mistake(f"{folder} is not empty: a new project overwrites nothing. Name a folder that is not there.")
    except FileNotFoundError:
        return
    except OSError as error:
        raise Mistake(f"{folder} cannot be used: {error.strerror}. Name a folder that is not there.") from None


def _write(folder: Path, files: dict[str, str]) -> list[str]:
    try:
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
    except OSError as error:
        raise Mistake(f"{error.filename}: {error.strerror}. Name a folder that can be written.") from None
    return list(files)


def source() -> str:
    """Where this bizproc came from, for another environment to install it from; a word to be replaced if unknown."""
    try:
        told = _told(distribution("bizproc"))
    except PackageNotFoundError:
        told = None
    if told is not None and told.exists():
        return str(told)
    root = Path(__file__).parents[2]
    return str(root) if (root / "pyproject.toml").is_file() else UNKNOWN


def _told(installed: Distribution) -> Path | None:
    """What pip wrote down: https://packaging.python.org/en/latest/specifications/direct-url/."""
    text = installed.read_text("direct_url.json")
    url = urlsplit(json.loads(text)["url"]) if text else None
    return Path(unquote(url.path)) if url is not None and url.scheme == "file" else None
