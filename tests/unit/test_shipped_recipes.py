"""The recipes that ship are users like any other: they import the faces, and say of each recipe what there is."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bizproc.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2] / "recipes"
FACES = {"bizproc", "bizproc.model", "bizproc.errors", "bizproc.testing", "bizproc.ports"}
SOURCES = sorted(ROOT.rglob("bizproc_*/**/*.py"))
ENTRIES = [
    (project.parent, name, target)
    for project in sorted(ROOT.glob("*/pyproject.toml"))
    for name, target in tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]["bizproc.recipes"].items()
]


def imported(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.relative_to(ROOT).as_posix())
def test_recipes_import_the_faces_and_nothing_behind_them(source: Path) -> None:
    ours = {name for name in imported(source) if name.partition(".")[0] == "bizproc"}
    assert ours <= FACES


@pytest.mark.parametrize(("project", "name", "target"), ENTRIES, ids=[name for _, name, _ in ENTRIES])
def test_each_recipe_has_its_entry_its_test_and_a_page_with_all_its_settings(
    project: Path, name: str, target: str
) -> None:
    module, _, attribute = target.partition(":")
    found = getattr(__import__(module, fromlist=[attribute]), attribute)
    assert isinstance(found, Recipe)
    assert found.name == name
    package, _, short = module.partition(".")
    assert (project / package / "tests" / f"test_{short}.py").is_file()
    page = (project / "docs" / f"{short}.md").read_text("utf-8")
    assert found.summary in page
    for setting in found.settings:
        assert f"`{setting.name}`" in page
        assert setting.description in page
    assert all(f"`{need.text}`" in page for need in found.needs)
