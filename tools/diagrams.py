"""
Writes the diagrams in the pages of the recipes that ship, from their code: the blocks of Mermaid, and nothing else.

    python -m tools.diagrams

A test keeps them equal.
"""

import re
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

from bizproc.code.mermaid import mermaid
from bizproc.code.used import flows_of

RECIPES = Path(__file__).resolve().parent.parent / "recipes"
BLOCKS = re.compile(r"(?:^```mermaid\n.*?^```\n+)+", re.MULTILINE | re.DOTALL)


def recipe_of(target: str) -> Any:
    """The recipe that an entry point names."""
    module, _, attribute = target.partition(":")
    return getattr(import_module(module), attribute)


def diagrams_of(recipe: Any) -> list[str]:
    """A diagram for each of its processes."""
    return [mermaid(flow) for flow in flows_of(recipe)]


def main() -> None:
    for file in RECIPES.glob("*/pyproject.toml"):
        sys.path.append(str(file.parent))
        points = tomllib.loads(file.read_text("utf-8"))["project"]["entry-points"]["bizproc.recipes"]
        for name, target in points.items():
            page = file.parent / "docs" / f"{name.partition('.')[2]}.md"
            drawn = "".join(f"```mermaid\n{text}```\n\n" for text in diagrams_of(recipe_of(target)))
            before, *after = BLOCKS.split(page.read_text("utf-8"))
            page.write_text(drawn.join([before, *after]), "utf-8")


if __name__ == "__main__":
    main()
