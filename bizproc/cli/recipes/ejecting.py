"""
`eject`: a recipe's source becomes the project's own, and the sections that use it name the copy.

The name of each use stays, so its instances go on. The copy is one module; what it imports of its own package it goes
on importing from there.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

from attrs import frozen

from bizproc.cli.mistakes import Mistake
from bizproc.code.files import Unreadable, read_text
from bizproc.code.used import file_of
from bizproc.recipe import Recipe
from bizproc.settings import FILE

_HEADER: Final = re.compile(r"^\s*\[")
_LINE: Final = re.compile(r"^(?P<before>\s*recipe\s*=\s*)(?P<quote>[\"'])(?P<name>[^\"']*)(?P=quote)(?P<after>.*)$")


@frozen
class Ejected:
    """What was written: the module, the sections that name it now, and what it goes on importing."""

    path: Path
    uses: tuple[str, ...]
    imports: tuple[str, ...]


def eject(recipe: Recipe[...], folder: Path) -> Ejected:
    """
    Copy the source, and rewrite the sections.

    Raises:
        Mistake: there is a file in the way, or the sections cannot be rewritten; then nothing was written.
    """
    source = file_of(recipe)
    module = recipe.name.replace(".", "_").replace("-", "_")
    path, settings = folder / f"{module}.py", folder / FILE
    if path.exists():
        raise Mistake(f"{path} is there already: it would be written over. Move it away first.")
    try:
        text, imports = _standing_alone(read_text(source), recipe)
        told, uses = _rewritten(settings.read_text("utf-8") if settings.exists() else "", recipe, module)
    except Unreadable as error:
        raise Mistake(f"the source of {recipe.name} cannot be read: {source}: {error.why}.") from None
    try:
        path.write_text(text, "utf-8")
        if uses:
            settings.write_text(told, "utf-8")
    except OSError as error:
        raise Mistake(f"{error.filename} cannot be written: {error.strerror}.") from None
    return Ejected(path, uses, imports)


def _standing_alone(text: str, recipe: Recipe[...]) -> tuple[str, tuple[str, ...]]:
    """The source with relative imports written out, and the modules of its own package that it imports."""
    package = (recipe.function.__module__ or "").rpartition(".")[0]
    lines = text.splitlines(keepends=True)
    own: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = package.rsplit(".", node.level - 1)[0] if node.level > 1 else package
            name = ".".join(filter(None, (base, node.module)))
            line = lines[node.lineno - 1]
            lines[node.lineno - 1] = re.sub(r"from\s+\.+\s*[\w.]*", f"from {name}", line, count=1)
            own.append(name)
        elif package and (node.module or "").split(".")[0] == package.split(".")[0]:
            own.append(node.module or "")
    return "".join(lines), tuple(dict.fromkeys(own))


def _rewritten(text: str, recipe: Recipe[...], module: str) -> tuple[str, tuple[str, ...]]:
    """The settings file with the copy's name in each section that uses the recipe."""
    place = f"{module}:{recipe.function.__name__}"
    lines, uses, section = text.splitlines(keepends=True), [], ""
    for number, line in enumerate(lines):
        if _HEADER.match(line):
            section = line.strip().strip("[]").removeprefix("recipes.").strip("\"' ")
        found = _LINE.match(line.rstrip("\r\n"))
        if found and found["name"] == recipe.name and section:
            end = line[len(line.rstrip("\r\n")) :]
            lines[number] = f'{found["before"]}"{place}"{found["after"]}{end}'
            uses.append(section)
    return "".join(lines), tuple(uses)
