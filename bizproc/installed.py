"""
Recipes that are installed (entry points `bizproc.recipes`), and what a project uses of them (`[recipes.NAME]`).

One that cannot be loaded stops no other: it stands in the list with what was wrong. Nothing here opens a store.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterable, Mapping
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any, Final

from attrs import evolve, field, frozen

from bizproc.core.errors import BizprocError, RecipeUnusable, SettingsError, WrongArgument
from bizproc.core.near import meant, nearest
from bizproc.core.process import Process
from bizproc.recipe import Recipe, use
from bizproc.settings import FILE, Settings

GROUP: Final = "bizproc.recipes"


@frozen(kw_only=True)
class Installed:
    """
    A recipe that a distribution offers.

    Attributes:
        name: Of the entry point, and of the recipe.
        distribution, version: Whose it is.
        recipe: What was loaded, or None.
        error: Why it could not be, or "".
        traceback: Of that error.
    """

    name: str
    distribution: str
    version: str
    recipe: Recipe[...] | None = None
    error: str = ""
    traceback: str = field(default="", repr=False)


@frozen(kw_only=True)
class Use:
    """
    A section of the settings, built.

    Attributes:
        name: Of the section, and of the process.
        settings: The values of all settings.
    """

    name: str
    installed: Installed
    settings: Mapping[str, Any]
    process: Process[..., Any]


@frozen
class Uses:
    """The uses of a project, and those that cannot be run, each with the reason."""

    found: tuple[Use, ...] = ()
    troubles: tuple[RecipeUnusable, ...] = ()

    @property
    def processes(self) -> list[Process[..., Any]]:
        return [each.process for each in self.found]


def installed_recipes(names: Iterable[str] | None = None) -> list[Installed]:
    """All recipes that are installed, or those of these names; in the order of names. Nothing is raised."""
    wanted = None if names is None else set(names)
    points = [each for each in _points() if wanted is None or each[1].name in wanted]
    offered: dict[str, list[tuple[Distribution, EntryPoint]]] = {}
    for distribution, point in sorted(points, key=lambda each: (each[1].name, each[0].name)):
        offered.setdefault(point.name, []).append((distribution, point))
    return [_installed(*one, offered[one[1].name]) for several in offered.values() for one in several]


def names_installed() -> list[str]:
    """The names of all recipes that are installed, whether they can be loaded or not."""
    return sorted({point.name for _, point in _points()})


def instead_of(name: str) -> str:
    """What somebody may have meant who wrote this name, as a sentence."""
    names = names_installed()
    return meant(name, names) or f"Installed: {', '.join(names) or 'none'}."


def uses_of(settings: Settings) -> Uses:
    """
    What a project uses.

    A recipe that is not installed, or cannot be loaded, is a trouble, and the others run. A wrong setting is the
    project's own mistake.

    Raises:
        SettingsError: A setting of a section is wrong, or two distributions have the recipe it names.
    """
    if not settings.recipes:
        return Uses()
    known: dict[str, list[Installed]] = {}
    for each in installed_recipes(str(section.get("recipe")) for section in settings.recipes.values()):
        known.setdefault(each.name, []).append(each)
    found: list[Use] = []
    troubles: list[RecipeUnusable] = []
    for name, section in settings.recipes.items():
        offered = [_own(section["recipe"])] if ":" in section["recipe"] else known.get(section["recipe"], [])
        if len(offered) > 1:
            raise SettingsError(where=FILE, detail=f"[recipes.{name}]: {offered[0].error}")
        if offered and offered[0].recipe is not None:
            found.append(_used(name, section, offered[0], offered[0].recipe))
        else:
            why = offered[0].error if offered else f"it is not installed. {instead_of(section['recipe'])}"
            troubles.append(RecipeUnusable(use=name, recipe=section["recipe"], detail=why))
    return Uses(tuple(found), tuple(troubles))


def _own(place: str) -> Installed:
    """A recipe of the project itself: `module:function`."""
    told = Installed(name=place, distribution="", version="")
    try:
        recipe = EntryPoint(place, place, GROUP).load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as of one that is installed
        return evolve(told, error=_told(error), traceback="".join(traceback.format_exception(error)))
    if not isinstance(recipe, Recipe):
        return evolve(told, error=f"{place} is no recipe.")
    return evolve(told, name=recipe.name, recipe=recipe)


def _used(name: str, section: Mapping[str, Any], installed: Installed, recipe: Recipe[...]) -> Use:
    try:
        values = recipe.parse({key: value for key, value in section.items() if key != "recipe"})
        process = use(recipe, name=name, **values)
    except WrongArgument as error:
        raise SettingsError(where=FILE, detail=f"[recipes.{name}]: {_wrong(recipe, error)}") from error
    except BizprocError as error:
        raise SettingsError(where=FILE, detail=f"[recipes.{name}]: {error}") from error
    return Use(name=name, installed=installed, settings=values, process=process)


def _wrong(recipe: Recipe[...], error: WrongArgument) -> str:
    """What is wrong with a section, in the words of whoever wrote it."""
    names = [each.name for each in recipe.settings]
    if error.process == recipe.name and error.parameter not in names:
        near = nearest(error.parameter, names)
        hint = f"Did you mean {near}?" if near else f"It has: {', '.join(names) or 'none'}."
        return f"{recipe.name} has no setting {error.parameter}. {hint}"
    if error.got == "nothing":
        return f"{error.parameter} has to be given: {error.expected}."
    return f"{error.parameter}: expected {error.expected}, got {error.got}."


def _points() -> list[tuple[Distribution, EntryPoint]]:
    """The entry points of each distribution once: the first of a name on the path is the one that is imported."""
    seen: set[str] = set()
    found = []
    for each in distributions():
        name = re.sub(r"[-_.]+", "-", each.name or "").lower()
        if name in seen:
            continue
        seen.add(name)
        found += [(each, point) for point in each.entry_points if point.group == GROUP]
    return found


def _installed(
    distribution: Distribution, point: EntryPoint, offered: list[tuple[Distribution, EntryPoint]]
) -> Installed:
    told = Installed(name=point.name, distribution=distribution.name, version=distribution.version)
    if len(offered) > 1:
        names = " and ".join(f"{each.name} {each.version}" for each, _ in offered)
        error = f"two distributions have a recipe of this name, {names}: uninstall one of them."
        return evolve(told, error=error)
    try:
        recipe = point.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever is wrong with it is shown, and stops no other
        return evolve(told, error=_told(error), traceback="".join(traceback.format_exception(error)))
    if not isinstance(recipe, Recipe):
        return evolve(told, error=f"its entry point, {point.value}, leads to no recipe.")
    if recipe.name != point.name:
        return evolve(told, error=f"its entry point, {point.value}, leads to a recipe called {recipe.name}.")
    return evolve(told, recipe=recipe)


def _told(error: BaseException) -> str:
    return f"it cannot be loaded: {type(error).__name__}: {error}".splitlines()[0]
