"""
What all commands are told: which store, which processes, and whether to answer in JSON.

From flags, before or after the command's name, else from `bizproc.toml`, else from the environment.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from attrs import frozen

from bizproc.cli.mistakes import Mistake

if TYPE_CHECKING:
    from bizproc.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])

_KEY: Final = "bizproc.given"

STORE_PREFIX: Final = "sqlite:///"
STORE_WANTED: Final = f"{STORE_PREFIX}crm.db, or {STORE_PREFIX}/var/lib/crm.db"


@frozen
class Setup:
    """
    What a command is told.

    Attributes:
        store: The store's URL.
        modules: Where processes are looked for.
        json: Answer in JSON.
        store_given: A store was named on the command line.
    """

    settings: Settings
    store: str
    modules: tuple[str, ...]
    json: bool
    store_given: bool = False


def common_options(command: F) -> F:
    """Give a command the options that all have; they reach it as `setup_of(context)`."""
    for option in (
        click.option("--json", is_flag=True, expose_value=False, callback=_take, help="Answer in JSON."),
        click.option(
            "--processes",
            metavar="MODULE",
            multiple=True,
            expose_value=False,
            callback=_take,
            help="A module that holds processes, or several with commas.  [bizproc.toml: processes]",
        ),
        click.option(
            "--store",
            metavar="URL",
            expose_value=False,
            callback=_take,
            help="The store.  [bizproc.toml: store; BIZPROC_STORE; else sqlite:///bizproc.db]",
        ),
    ):
        command = option(command)
    return command


def _take(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        context.meta.setdefault(_KEY, {})[parameter.name] = value


def check_that_store_exists(setup: Setup) -> None:
    """Raises Mistake where there is no store yet, to look at or to find a document in."""
    if not is_there(setup.store):
        raise Mistake(f"there is no store {setup.store} yet: `bizproc import` makes one, or name another with --store.")


def is_there(store: str) -> bool:
    """Whether there can be a store at this URL: not where it names a file that is not there."""
    name = store.removeprefix(STORE_PREFIX)
    return name in (store, ":memory:") or Path(name).exists()


def wants_json(context: click.Context) -> bool:
    """Whether an answer in JSON is wanted, known also where the settings cannot be read."""
    return bool(context.meta.get(_KEY, {}).get("json"))


def given_store(context: click.Context) -> str | None:
    """The store that the command line names."""
    store: str | None = context.meta.get(_KEY, {}).get("store")
    return store


def setup_of(context: click.Context, environment: Mapping[str, str] | None = None) -> Setup:
    """What a command is told. Raises SettingsError."""
    from bizproc.core.errors import SettingsError
    from bizproc.settings import FILE, PREFIX, Settings, read

    given: dict[str, Any] = context.meta.get(_KEY, {})
    folder = Path.cwd()
    settings, in_file = read(folder, os.environ if environment is None else environment), read(folder, {})
    for each in (settings.store, *settings.processes):
        if not each.isascii() and any("\ud800" <= character <= "\udfff" for character in each):
            raise Mistake(f"a setting from the environment is no text in UTF-8: {each!r}.")
    place = "--store" if "store" in given else FILE if in_file.store != Settings().store else f"{PREFIX}STORE"
    store = given.get("store", settings.store)
    if not store.removeprefix(STORE_PREFIX) or not store.startswith(STORE_PREFIX):
        name = "store: " if place == FILE else ""
        raise SettingsError(where=place, detail=f"{name}expected {STORE_WANTED}, got {store!r}.")
    return Setup(
        settings,
        store,
        tuple(name for names in given.get("processes", settings.processes) for name in names.split(",") if name),
        wants_json(context),
        "store" in given,
    )
