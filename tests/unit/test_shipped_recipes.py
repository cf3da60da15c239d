"""The recipes that ship: each has its entry, its test and its page, which says what the recipe says of itself."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bizproc.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2] / "recipes"
ENTRIES = [
    (project.parent, name, target)
    for project in sorted(ROOT.glob("*/pyproject.toml"))
    for name, target in tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]["bizproc.recipes"].items()
]


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
