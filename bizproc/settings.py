"""
Settings: what a project says about its store, its processes and its CRM.

They come from `bizproc.toml` and `BIZPROC_*` variables.

It reads and checks; it opens nothing. Whoever assembles a runtime is given the result.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import evolve, fields_dict, frozen

from bizproc.core.errors import SettingsError
from bizproc.model.languages import LANGUAGES

FILE: Final = "bizproc.toml"
PREFIX: Final = "BIZPROC_"


@frozen(kw_only=True)
class Settings:
    """
    All settings, checked.

    Attributes:
        store: URL of the store.
        processes: Modules in which processes are looked for.
        time_zone: The portal's zone, whose days are counted (D19).
        currency: ISO 4217 code of items that name none.
        language: What values are printed in: `en` or `fr`.
        keep_in_memory: How many waiting instances stay in memory.
        poison_protection: Whether an instance that seems to bring the program down is run alone, and at last set aside.
    """

    store: str = "sqlite:///bizproc.db"
    processes: tuple[str, ...] = ()
    time_zone: str = "UTC"
    currency: str = "EUR"
    language: str = "en"
    keep_in_memory: int = 1000
    poison_protection: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The portal's zone."""
        return ZoneInfo(self.time_zone)


def read(folder: Path, environment: Mapping[str, str]) -> Settings:
    """
    The settings of a project: its `bizproc.toml`, and where that is silent `BIZPROC_STORE` and the like.

    Raises:
        SettingsError: A setting is unknown or wrong; says which, and where.
    """
    given = {
        name: environment[PREFIX + name.upper()]
        for name in fields_dict(Settings)
        if PREFIX + name.upper() in environment
    }
    read_texts = {name: _from_text(name, text) for name, text in given.items()}
    settings = _merged(Settings(), read_texts, "the environment")
    path = folder / FILE
    return _merged(settings, _parsed(path), FILE) if path.is_file() else settings


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(where=FILE, detail=f"it is not TOML: {error}.") from None


def _from_text(name: str, text: str) -> Any:
    kind = type(getattr(Settings(), name))
    if kind is tuple:
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind is int:
        try:
            return int(text)
        except ValueError:
            raise SettingsError(where=PREFIX + name.upper(), detail=f"expected a whole number, got {text!r}.") from None
    return text


def _merged(settings: Settings, given: Mapping[str, Any], where: str) -> Settings:
    for name, value in given.items():
        known = fields_dict(Settings)
        if name not in known:
            raise SettingsError(where=where, detail=f"there is no setting {name!r}. Known: {', '.join(known)}.")
        settings = evolve(settings, **{name: _checked(name, value, where)})
    return settings


def _checked(name: str, value: Any, where: str) -> Any:
    default = getattr(Settings(), name)
    if isinstance(default, tuple):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise SettingsError(where=where, detail=f"{name}: expected a list of texts, got {value!r}.")
        return tuple(value)
    if type(value) is not type(default):
        raise SettingsError(where=where, detail=f"{name}: expected {_word(default)}, got {value!r}.")
    if name == "time_zone":
        _check_zone(value, where)
    if name == "language" and value not in LANGUAGES:
        raise SettingsError(where=where, detail=f"language: expected one of {', '.join(LANGUAGES)}, got {value!r}.")
    if name == "keep_in_memory" and value < 0:
        raise SettingsError(where=where, detail=f"{name}: expected 0 or more, got {value}.")
    return value


def _check_zone(value: str, where: str) -> None:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise SettingsError(
            where=where, detail=f"time_zone: there is no time zone {value!r}; write one like 'Europe/Paris'."
        ) from None


def _word(default: Any) -> str:
    if isinstance(default, bool):
        return "true or false"
    return "a whole number" if isinstance(default, int) else "a text"
