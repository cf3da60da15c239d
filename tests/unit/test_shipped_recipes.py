"""The recipes that ship: each has its entry, its test and its page, which says what its code says."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from bizproc import Filter
from bizproc.recipe import Recipe
from tools.recipe_pages import loaded, renewed, shipped

ROOT = Path(__file__).resolve().parents[2] / "recipes"
ENTRIES = [
    (project.parent, name, target)
    for project in sorted(ROOT.glob("*/pyproject.toml"))
    for name, target in tomllib.loads(project.read_text("utf-8"))["project"]["entry-points"]["bizproc.recipes"].items()
]
SHIPPED = list(shipped())


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


@pytest.mark.parametrize(("path", "name", "target"), SHIPPED, ids=[name for _, name, _ in SHIPPED])
def test_settings_needs_and_diagram_of_its_page_are_what_the_code_says(path: Path, name: str, target: str) -> None:
    page = path.read_text("utf-8")
    assert page.startswith(f"# {name}\n")
    assert page == renewed(page, loaded(target)), "it is not what the code says: python -m tools.recipe_pages"


BY_HAND = {"service.meeting"}
TOLD_APART_OTHERWISE = {
    "sales.audience_sync": "people",
    "service.booking": "appointment",
}
"""By which setting two uses are told apart, where that is not `only`."""


@pytest.mark.parametrize(("name", "target"), [(name, target) for _, name, target in SHIPPED])
def test_two_uses_of_one_that_starts_by_itself_can_be_told_apart(name: str, target: str) -> None:
    settings = {each.name: each for each in loaded(target).settings}
    if name in TOLD_APART_OTHERWISE:
        assert TOLD_APART_OTHERWISE[name] in settings
    elif name not in BY_HAND:
        assert settings["only"].type == Filter | None
        assert settings["only"].default is None
