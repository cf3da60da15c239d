"""
Recipes import the faces of bizproc and nothing behind them: `recipes/` is what anybody could have written.

Of others they import what Python has and what their distribution asks for; their tests, what tests need. Read from the
files, not from what is installed: recipes are packages of their own, which need not be there.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
PACKAGES = sorted(path.parent for path in RECIPES.glob("*/pyproject.toml"))
FACES = ("bizproc", "bizproc.errors", "bizproc.model", "bizproc.ports", "bizproc.testing", "bizproc.testing.strategies")
OF_TESTS = {"hypothesis", "pytest"}


def imported(text: str) -> set[str]:
    """The modules that a file imports by their full names."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return found


def not_allowed(text: str, others: set[str]) -> set[str]:
    """Modules that are no face of bizproc, none of Python's, and none of these."""
    allowed = sys.stdlib_module_names | others
    return {
        name
        for name in imported(text)
        if name not in FACES and (name.partition(".")[0] == "bizproc" or name.partition(".")[0] not in allowed)
    }


def asked_for(package: Path) -> set[str]:
    """What the distribution asks for, by the names of its packages, and its own."""
    project = tomllib.loads((package / "pyproject.toml").read_text("utf-8"))["project"]
    return {re.split(r"[^\w-]", each)[0] for each in project["dependencies"]} | {f"bizproc_{package.name}"}


def test_what_is_behind_a_face_is_seen() -> None:
    text = "import bizproc.store\nfrom bizproc import crm\nfrom bizproc.core.form import read\nfrom . import bizproc"
    assert not_allowed(text, {"bizproc"}) == {"bizproc.store", "bizproc.core.form"}


def test_what_nobody_asked_for_is_seen() -> None:
    text = "import os.path\nfrom attrs import evolve\nimport httpx"
    assert not_allowed(text, {"httpx"}) == {"attrs"}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_recipes_import_faces_and_what_they_ask_for_alone(package: Path) -> None:
    files = list(package.rglob("*.py"))
    assert files
    for path in files:
        others = asked_for(package) | (OF_TESTS if "tests" in path.parent.parts else set())
        assert not_allowed(path.read_text("utf-8"), others) == set(), path
