"""Recipes import the faces of bizproc and nothing behind them: `recipes/` is what anybody could have written."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
FACES = ("bizproc", "bizproc.errors", "bizproc.model", "bizproc.ports", "bizproc.testing", "bizproc.testing.strategies")


def inner_imports(text: str) -> set[str]:
    """The modules of bizproc that a file imports and that are no face."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return {name for name in found if name.partition(".")[0] == "bizproc" and name not in FACES}


def test_what_is_behind_a_face_is_seen() -> None:
    text = "import bizproc.store\nfrom bizproc import crm\nfrom bizproc.core.form import read\nfrom . import bizproc"
    assert inner_imports(text) == {"bizproc.store", "bizproc.core.form"}


@pytest.mark.parametrize("package", sorted(RECIPES.glob("*")) or [None], ids=lambda path: path.name if path else "none")
def test_recipes_import_faces_alone(package: Path | None) -> None:
    if package is None:
        pytest.skip("no packages in recipes/")
    found = {path.name: inner for path in package.rglob("*.py") if (inner := inner_imports(path.read_text("utf-8")))}
    assert found == {}
