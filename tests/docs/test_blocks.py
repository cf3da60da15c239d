"""
No block of code in a page stands there untested: each is one of a kind and a place that some test looks at.

Here are those that are neither run nor typed: settings, which are read as a project's are, and diagrams.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bizproc import settings, use
from bizproc.recipe import Recipe
from tests.docs.reading import (
    COMMANDS,
    DOCS,
    EVERY_PAGE,
    FENCE,
    HOW_TO,
    LINT,
    OF_RECIPES,
    README,
    RECIPES,
    ROOT,
    TUTORIAL,
    Code,
    code_of,
    name_of,
)
from tests.docs.test_commands import ON, PREPARING
from tests.docs.test_northwind import PAGE as NORTHWIND
from tests.docs.test_northwind import SHOWING
from tests.docs.test_pages import PAGES
from tools.diagrams import diagrams_of, recipe_of

REFERENCE = DOCS / "reference"
DRAWN = {DOCS / "design.md": "6   cli/"}
"""Pictures made of letters, and how they begin."""


def seen_by(page: Path, block: Code) -> str | None:
    """What looks at a block of a page."""
    if page == TUTORIAL:
        return "test_tutorial.py: files, commands, and what they print"
    if block.kind == "python":
        if page in PAGES:
            return "test_pages.py runs it"
        return "tests/unit/code/test_rules.py: found, or not" if page == LINT else None
    if block.kind in COMMANDS:
        if page in DRAWN and block.text.strip().startswith(DRAWN[page]):
            return "here, with the contract of floors"
        typed = page in ON or all(command.startswith(PREPARING) for command in block.commands)
        return "test_commands.py types it" if typed else None
    if block.kind == "text":
        return "made from the code, and kept equal" if page.parent == REFERENCE else of_output(page)
    if block.kind in ("toml", "mermaid", "json"):
        return "here"
    return None


def of_output(page: Path) -> str | None:
    if page in (NORTHWIND, *SHOWING):
        return "test_northwind.py: what the run says"
    return "test_pages.py: printed by the code before it" if page in PAGES else None


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name_of)
def test_each_block_is_looked_at_by_some_test(page: Path) -> None:
    blocks = code_of(page)
    assert len(FENCE.findall(page.read_text("utf-8"))) == 2 * len(blocks), "a fence that is not read as one"
    assert [block for block in blocks if seen_by(page, block) is None] == []


def test_there_are_blocks_of_each_kind_and_in_each_place() -> None:
    """What is looked for is found; a pattern that finds nothing would pass."""
    kinds = {(block.kind, page.parent.name) for page in EVERY_PAGE for block in code_of(page)}
    assert {("python", "how-to"), ("console", "how-to"), ("text", "how-to"), ("toml", "how-to")} <= kinds
    assert {("python", "reference"), ("text", "reference"), ("toml", "reference"), ("sh", "docs")} <= kinds
    assert {("mermaid", "docs"), ("toml", "docs"), ("json", "docs"), ("python", "sales"), ("toml", "sales")} <= kinds
    assert seen_by(README, Code("yaml", "a: 1\n", "")) is None
    assert seen_by(DOCS / "glossary.md", Code("python", "1\n", "")) is None
    assert seen_by(DOCS / "glossary.md", Code("", "bizproc ps\n", "")) is None


def test_the_floors_of_the_design_have_every_room() -> None:
    (shown,) = [block.text for block in code_of(DOCS / "design.md")]
    rooms = {
        path.name for path in (ROOT / "bizproc").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    } - {"__main__.py"}  # `python -m bizproc`: the door of `cli` under another name
    assert {name for name in rooms if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", shown)} == set()
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = [each["layers"] for each in contracts if each["id"] == "floors"]
    held = {name for layer in layers for name in re.findall(r"\w+", layer)}
    assert held | {"__init__"} == {name.removesuffix(".py") for name in rooms}


# -- settings ----------------------------------------------------------------------------------------------------------

SETTINGS = [
    pytest.param(page, block.text, id=f"{name_of(page)}-{number}")
    for page in EVERY_PAGE
    for number, block in enumerate(block for block in code_of(page) if block.kind == "toml")
]


def recipes_of(page: Path) -> dict[str, Recipe[...]]:
    """The recipes that a page may use: those that ship, and its own."""
    found = {name: recipe_of(target) for name, target in entries().items()}
    if page in HOW_TO:
        code: dict[str, Any] = {"__name__": page.stem.replace("-", "_")}
        exec("\n".join(block.text for block in code_of(page) if block.kind == "python"), code)  # noqa: S102  ours
        found |= {each.name: each for each in code.values() if isinstance(each, Recipe)}
    return found


def entries() -> Mapping[str, str]:
    projects = [tomllib.loads(file.read_text("utf-8"))["project"] for file in RECIPES.glob("*/pyproject.toml")]
    return {name: target for each in projects for name, target in each["entry-points"]["bizproc.recipes"].items()}


@pytest.mark.parametrize(("page", "text"), SETTINGS)
def test_settings_that_a_page_shows_are_read(page: Path, text: str, tmp_path: Path) -> None:
    if "[project.entry-points" in text:
        groups = tomllib.loads(text)["project"]["entry-points"]
        assert set(groups) <= {"bizproc.recipes", "bizproc.sms"}
        assert all(re.fullmatch(r"[\w.]+:\w+", target) for group in groups.values() for target in group.values())
        return
    (tmp_path / "bizproc.toml").write_text(text, "utf-8")
    known = recipes_of(page)
    for name, section in settings.read(tmp_path, {}).recipes.items():
        given = dict(section)
        recipe = known[given.pop("recipe")]
        assert use(recipe, name=name, **recipe.parse(given)).name == name


def test_settings_that_are_wrong_are_seen(tmp_path: Path) -> None:
    for wrong in ("[mail]\nhots = 'x'\n", "[recipes.a]\nrecipe = 'billing.document'\ntemplat = 'x'\n"):
        with pytest.raises(Exception, match=r"hots|templat"):
            test_settings_that_a_page_shows_are_read(RECIPES / "README.md", wrong, tmp_path)


def test_what_a_provider_answers_is_json() -> None:
    blocks = [block for page in EVERY_PAGE for block in code_of(page) if block.kind == "json"]
    assert blocks
    assert all(json.loads(block.text) for block in blocks)


# -- diagrams ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in OF_RECIPES if page.parent.name == "docs"], ids=name_of)
def test_the_diagram_of_a_recipe_is_that_of_its_code(page: Path) -> None:
    shown = [block.text for block in code_of(page) if block.kind == "mermaid"]
    package = import_module(f"bizproc_{page.parents[1].name}.{page.stem}")
    (recipe,) = [each for each in vars(package).values() if isinstance(each, Recipe) and each.name.endswith(page.stem)]
    assert shown == diagrams_of(recipe), "run `make reference`"
