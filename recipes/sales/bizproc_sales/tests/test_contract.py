"""What all recipes of this distribution keep."""

from __future__ import annotations

import re
from importlib.metadata import EntryPoint
from pathlib import Path
from tomllib import loads
from typing import Any

import pytest

from bizproc import F, UserQueue, crm, use
from bizproc.errors import WrongArgument, WrongValue
from bizproc.model import ref_of
from bizproc.testing import World, assert_recipe
from bizproc_sales.audience_sync import audience_sync
from bizproc_sales.exclusions import exclusions
from bizproc_sales.follow_up import follow_up
from bizproc_sales.lead_distribution import lead_distribution
from bizproc_sales.stale_deal import stale_deal
from bizproc_sales.win_back import win_back

RECIPES: Any = (audience_sync, exclusions, follow_up, lead_distribution, stale_deal, win_back)
PROJECT = Path(__file__).parents[2] / "pyproject.toml"


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_the_recipe_keeps_the_contract(recipe: Any) -> None:
    assert_recipe(recipe)


@pytest.mark.skipif(not PROJECT.exists(), reason="installed, without the project's file")
def test_all_recipes_are_entry_points_of_the_distribution() -> None:
    named = loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]["bizproc.recipes"]
    found = {name: EntryPoint(name, value, "bizproc.recipes").load() for name, value in named.items()}
    assert found == {recipe.name: recipe for recipe in RECIPES}


@pytest.mark.skipif(not PROJECT.exists(), reason="installed, without the pages")
@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_its_page_has_its_settings_and_an_example_that_can_be_read(recipe: Any) -> None:
    page = (PROJECT.parent / "docs" / f"{recipe.name.removeprefix('sales.')}.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [each.name for each in recipe.settings]
    assert all(each.description in page for each in recipe.settings)
    (example,) = re.findall(r"^```toml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    for name, section in loads(example)["recipes"].items():
        assert section.pop("recipe") == recipe.name
        use(recipe, name=name, **recipe.parse(section))


@pytest.mark.parametrize(
    ("recipe", "wrong"),
    [
        (audience_sync, {"people": F.name == "Jo", "days": 0}),
        (audience_sync, {"people": F.name == "Jo", "at": "at night"}),
        (exclusions, {"patterns": ["*@spam.example", " "]}),
        (follow_up, {"every": 0}),
        (follow_up, {"until": [""]}),
        (lead_distribution, {"queue": UserQueue([1]), "capacity": -1}),
        (stale_deal, {"queue": UserQueue([1]), "after": 400}),
        (win_back, {"after_months": 0}),
        (win_back, {"at": "sometimes"}),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_its_name(recipe: Any, wrong: dict[str, Any]) -> None:
    with pytest.raises(WrongValue) as caught:
        use(recipe, name="here", **wrong)
    assert caught.value.parameter == list(wrong)[-1]


@pytest.mark.parametrize(
    ("recipe", "kind", "settings"),
    [
        (exclusions, "lead", {"patterns": ["casino"]}),
        (follow_up, "deal", {}),
        (lead_distribution, "lead", {"queue": UserQueue([1])}),
        (stale_deal, "deal", {"queue": UserQueue([1])}),
    ],
)
async def test_only_what_fits_the_filter_starts_it(
    world: World, recipe: Any, kind: str, settings: dict[str, Any]
) -> None:
    world.use(use(recipe, name="ours", only=F.title == "Ours", **settings))
    await world.user(name="Ann")
    ours, _ = [await world.perform(getattr(crm, kind).create(title=title)) for title in ("Ours", "Theirs")]
    assert [each.document for each in await world.instances()] == [ref_of(ours)]


@pytest.mark.parametrize(
    ("recipe", "settings"),
    [(follow_up, {}), (lead_distribution, {"queue": "user:1"}), (stale_deal, {"queue": "user:1"})],
)
def test_a_filter_that_does_not_fit_the_kind_of_item_is_refused_by_its_name(
    recipe: Any, settings: dict[str, Any]
) -> None:
    with pytest.raises(WrongArgument) as caught:
        use(recipe, name="ours", **recipe.parse(settings | {"only": "colour == 'red' and title contains 'Tea'"}))
    assert caught.value.parameter == "only"
    assert "colour" in caught.value.got
