"""
What the READMEs of the recipe packages tell: their code runs, their sections can be read, and they name each recipe.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from bizproc import use
from tests.docs.reading import BLOCK
from tools.recipe_pages import ROOT, loaded, shipped

PACKAGES = sorted(project.parent for project in ROOT.glob("*/pyproject.toml"))
RECIPES = {name: loaded(target) for _, name, target in shipped()}


def blocks(page: Path, kind: str) -> list[str]:
    return [block["text"] for block in BLOCK.finditer(page.read_text("utf-8")) if block["kind"] == kind]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_python_of_the_readme_runs(package: Path) -> None:
    code = "\n".join(blocks(package / "README.md", "python"))
    assert "use(" in code
    names: dict[str, object] = {}
    exec(compile(code, str(package / "README.md"), "exec"), names)  # noqa: S102  it is ours
    assert [name for name, made in names.items() if getattr(made, "name", None) == name]


@pytest.mark.parametrize(
    "page",
    [*(each / "README.md" for each in PACKAGES), *(path for path, _, _ in shipped())],
    ids=lambda path: path.stem,
)
def test_the_sections_of_the_page_can_be_read(page: Path) -> None:
    sections = blocks(page, "toml")
    assert sections
    for text in sections:
        for name, section in tomllib.loads(text)["recipes"].items():
            recipe = RECIPES[section.pop("recipe")]
            assert use(recipe, name=name, **recipe.parse(section)).name == name


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_the_readme_and_the_one_of_all_name_each_recipe_and_its_page(package: Path) -> None:
    own = (package / "README.md").read_text("utf-8")
    of_all = (ROOT / "README.md").read_text("utf-8")
    here = [(path, name) for path, name, _ in shipped() if path.is_relative_to(package)]
    assert sorted(re.findall(r"^\| \[`([\w.]+)`\]", own, re.MULTILINE)) == sorted(name for _, name in here)
    for path, _ in here:
        assert f"({path.relative_to(package).as_posix()})" in own
        assert f"({path.relative_to(ROOT).as_posix()})" in of_all
