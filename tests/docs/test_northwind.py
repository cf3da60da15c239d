"""
The month at Northwind: what the run says is what the pages show, line by line.

Where the set is not at hand, the run is made on a company of the same shape: its own checks hold there too.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from bizproc.testing import World
from tests.docs.reading import DOCS, OF_RECIPES, code_of, name_of
from tools.northwind import make_up, run

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"
PAGE = DOCS / "northwind.md"
SHOWING = [page for page in OF_RECIPES if "northwind.md" in page.read_text("utf-8")]
"""Pages of recipes that show a part of it."""


def shown_on(page: Path) -> list[str]:
    return [block.text for block in code_of(page) if block.kind == "text"]


@pytest.mark.skipif(not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set")
async def test_the_page_shows_what_the_run_says() -> None:
    async with World.open() as world:
        said = await run(world, NORTHWIND)
    assert ["\n".join([*said, ""])] == shown_on(PAGE)


async def test_it_runs_on_any_company_of_that_shape(tmp_path: Path) -> None:
    make_up(tmp_path)
    async with World.open() as world:
        said = await run(world, tmp_path)
    (shown,) = shown_on(PAGE)
    assert shape_of("\n".join(said)) == shape_of(shown)


def shape_of(text: str) -> list[str]:
    """A run without its numbers."""
    return re.sub(r"[\d,.]*\d", "N", text).splitlines()


@pytest.mark.parametrize("page", SHOWING, ids=name_of)
def test_what_the_page_of_a_recipe_shows_of_it_stands_there(page: Path) -> None:
    (whole,) = shown_on(PAGE)
    assert shown_on(page)
    assert [part for part in shown_on(page) if f"\n{part}" not in whole] == []


def test_three_recipes_show_their_part() -> None:
    assert [page.stem for page in SHOWING] == ["quote_to_cash", "lead_distribution", "stale_deal"]
    assert all(number in PAGE.read_text("utf-8") for number in ("only 4 deals", "3, 7 and 14"))
