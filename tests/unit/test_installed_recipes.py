"""What is installed, and what a project uses of it: one that is broken stops no other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bizproc import Runtime, UserQueue, crm
from bizproc.errors import ProcessDefinitionError, SettingsError
from bizproc.installed import installed_recipes, uses_of
from bizproc.model import Comment, User
from bizproc.settings import Settings, read
from bizproc.testing import World
from tests.unit.recipe_packages import NUDGE, write_package


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path, to install into."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    yield folder
    for name in ("tea_recipes", "tea_broken", "tea_more"):
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def project(folder: Path, text: str) -> Settings:
    (folder / "bizproc.toml").write_text(text, "utf-8")
    return read(folder, {})


TWICE = """
[recipes.eu]
recipe = "tea.nudge"
after = "4 hours"
queue = ["user:1", "department:sales"]
[recipes.us]
recipe = "tea.nudge"
text = "Write"
"""


def test_a_recipe_is_found_by_its_entry_point(site: Path) -> None:
    write_package(site, "tea", "tea_recipes", version="1.2")
    (found,) = installed_recipes(["tea.nudge"])
    assert (found.name, found.distribution, found.version) == ("tea.nudge", "tea", "1.2")
    assert found.recipe is not None
    assert not found.error


def test_a_project_uses_a_recipe_twice_under_two_names(site: Path, tmp_path: Path) -> None:
    write_package(site, "tea", "tea_recipes")
    uses = uses_of(project(tmp_path, TWICE))
    assert [each.name for each in uses.processes] == ["eu", "us"]
    assert uses.found[0].settings["queue"] == UserQueue((User(1), uses.found[0].settings["queue"].members[1]))
    assert not uses.troubles


async def test_a_runtime_runs_the_uses_of_its_settings(site: Path, tmp_path: Path) -> None:
    write_package(site, "tea", "tea_recipes")
    settings = project(tmp_path, TWICE)
    async with Runtime.open("sqlite:///:memory:", settings=settings) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        for each in uses_of(settings).processes:
            # Another value than the one that is loaded, and known by the same name.
            await runtime.start(each(deal), id=each.name)
        assert {each.process for each in await runtime.instances()} == {"eu", "us"}


async def test_two_uses_run_beside_each_other_and_through_crashes(site: Path, tmp_path: Path, world: World) -> None:
    write_package(site, "tea", "tea_recipes")
    eu, us = uses_of(project(tmp_path, TWICE.replace('queue = ["user:1", "department:sales"]\n', ""))).processes
    world.use(eu, us)
    deal = await world.deal(title="Tea")
    first, second = await world.start(eu(deal)), await world.start(us(deal))
    await world.advance(hours=5)
    await world.crash()
    assert await first.result() == "Call"
    await world.advance(days=3)
    await world.crash()
    assert await second.result() == "Write"
    assert [each.text for each in await world.find(Comment, of=deal)] == ["Call", "Write"]


def test_one_that_cannot_be_loaded_is_told_with_its_traceback_and_stops_no_other(site: Path, tmp_path: Path) -> None:
    write_package(site, "tea", "tea_recipes")
    write_package(site, "broken", "tea_broken", "raise ValueError('no luck')\n", points="tea.broken = {module}:none")
    found = {each.name: each for each in installed_recipes(["tea.nudge", "tea.broken"])}
    assert found["tea.nudge"].recipe is not None
    assert "ValueError: no luck" in found["tea.broken"].error
    assert "tea_broken.py" in found["tea.broken"].traceback
    uses = uses_of(project(tmp_path, TWICE + '[recipes.bad]\nrecipe = "tea.broken"\n'))
    assert [each.name for each in uses.processes] == ["eu", "us"]
    (trouble,) = uses.troubles
    assert trouble.use == "bad"
    assert "no luck" in str(trouble)


def test_one_whose_module_ends_the_program_is_told_like_any_other(site: Path) -> None:
    write_package(site, "broken", "tea_broken", "raise SystemExit(3)\n", points="tea.broken = {module}:none")
    (found,) = installed_recipes(["tea.broken"])
    assert "SystemExit" in found.error


def test_one_that_is_not_installed_is_a_trouble_and_the_others_run(site: Path, tmp_path: Path) -> None:
    write_package(site, "tea", "tea_recipes")
    uses = uses_of(project(tmp_path, TWICE + '[recipes.gone]\nrecipe = "tea.gone"\n'))
    assert len(uses.processes) == 2
    assert "not installed" in str(uses.troubles[0])


def test_two_distributions_with_one_recipe_are_an_error_that_names_both(site: Path, tmp_path: Path) -> None:
    write_package(site, "tea", "tea_recipes", version="1.2")
    write_package(site, "more_tea", "tea_more", version="3.4")
    assert all("tea 1.2" in each.error and "more_tea 3.4" in each.error for each in installed_recipes(["tea.nudge"]))
    with pytest.raises(SettingsError, match=r"more_tea 3\.4 and tea 1\.2"):
        uses_of(project(tmp_path, TWICE))


@pytest.mark.parametrize(
    ("points", "told"),
    [
        ("tea.nudge = {module}:Deal", "leads to no recipe"),
        ("tea.other = {module}:nudge", "called tea.nudge"),
        ("tea.nudge = {module}:nothing", "AttributeError"),
    ],
)
def test_an_entry_point_that_leads_elsewhere_is_told(site: Path, points: str, told: str) -> None:
    write_package(site, "tea", "tea_recipes", points=points)
    (found,) = installed_recipes(["tea.nudge", "tea.other"])
    assert told in found.error


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ('after = "soon"', "recipes.eu.*after.*as 30m"),
        ("colour = 3", "recipes.eu.*no setting colour.*after, text, queue"),
        ("afer = 3", "recipes.eu.*no setting afer.*mean after"),
        ('queue = ["anna"]', "recipes.eu.*queue.*user:3"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_section_and_its_name(
    site: Path, tmp_path: Path, section: str, told: str
) -> None:
    write_package(site, "tea", "tea_recipes")
    with pytest.raises(SettingsError, match=told):
        uses_of(project(tmp_path, f'[recipes.eu]\nrecipe = "tea.nudge"\n{section}\n'))


@pytest.mark.parametrize(
    "text", ["recipes = 3", "[recipes]\neu = 3", "[recipes.eu]\nafter = 3", "[recipes.eu]\nrecipe = 3"]
)
def test_sections_that_name_no_recipe_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match="recipes"):
        project(tmp_path, text)


def test_two_sections_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOML"):
        project(tmp_path, TWICE + '[recipes.eu]\nrecipe = "tea.nudge"\n')


async def test_a_use_and_a_process_of_one_name_are_refused(site: Path, tmp_path: Path) -> None:
    write_package(site, "tea", "tea_recipes")
    settings = project(tmp_path, TWICE)
    with pytest.raises(ProcessDefinitionError, match="two processes"):
        async with Runtime.open("sqlite:///:memory:", processes=uses_of(settings).processes, settings=settings):
            pass


async def test_instances_of_a_recipe_that_is_gone_are_stuck_and_go_on_when_it_is_back(
    site: Path, tmp_path: Path
) -> None:
    write_package(site, "tea", "tea_recipes")
    settings: Any = project(
        tmp_path, TWICE.replace('queue = ["user:1", "department:sales"]\n', "").replace("4 hours", "0s")
    )
    url = f"sqlite:///{tmp_path / 'tea.db'}"
    async with Runtime.open(url, settings=settings) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        await runtime.start(uses_of(settings).processes[1](deal), id="one")
    write_package(site, "tea", "tea_recipes", points="")
    importlib.invalidate_caches()
    with pytest.warns(UserWarning, match="not installed"):  # noqa: PT031  as it is opened
        async with Runtime.open(url, settings=settings) as runtime:
            instance = runtime.instance("one")
            await runtime.settled()
            await instance.skip_wait()
            await runtime.settled()
            assert (await instance.status()).state == "stuck"
    write_package(site, "tea", "tea_recipes", NUDGE)
    async with Runtime.open(url, settings=settings) as runtime:
        await runtime.settled()
        # Nobody has to ask for it.
        assert (await runtime.instance("one").status()).state == "completed"
