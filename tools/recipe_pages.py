"""
Writes into the pages of the recipes that ship what their code says: settings, needs, diagram. All else is prose.

A test keeps the pages equal to it. Run it as `python -m tools.recipe_pages`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from bizproc.cli.recipes.pages import diagram, needs, settings
from bizproc.recipe import Recipe

ROOT = Path(__file__).resolve().parents[1] / "recipes"

_PARTS = (("## Settings", settings), ("## Needs", needs), ("## What it does, step by step", diagram))


def shipped() -> Iterator[tuple[Path, str, str]]:
    """For each recipe its page, its name, and where it is."""
    for project in sorted(ROOT.glob("*/pyproject.toml")):
        points = tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]["bizproc.recipes"]
        for name, target in points.items():
            yield project.parent / "docs" / f"{name.partition('.')[2]}.md", name, target


def loaded(target: str) -> Recipe[...]:
    """The recipe at `module:attribute`."""
    module, _, attribute = target.partition(":")
    found = getattr(import_module(module), attribute)
    assert isinstance(found, Recipe)
    return found


def renewed(page: str, recipe: Recipe[...]) -> str:
    """The page with the parts that the code says; one without needs has no heading for them."""
    for heading, said in _PARTS:
        if heading == "## Needs" and not recipe.needs:
            assert heading not in page
            continue
        part = re.compile(rf"(?<=^{re.escape(heading)}\n\n).*?(?=\n+^## |\n*\Z)", re.MULTILINE | re.DOTALL)
        text = said(recipe)
        page, count = part.subn(lambda _: text, page)  # noqa: B023  called at once
        assert count == 1, f"{recipe.name}: its page has no part {heading!r}"
    return page


def main() -> None:
    sys.path[:0] = [str(path.parent) for path in ROOT.glob("*/pyproject.toml")]
    for path, _, target in shipped():
        before = path.read_text("utf-8")
        after = renewed(before, loaded(target))
        if after != before:
            path.write_text(after, "utf-8")
            print(path.relative_to(ROOT.parent))


if __name__ == "__main__":
    main()
