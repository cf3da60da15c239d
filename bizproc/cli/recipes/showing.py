"""A recipe in words: its settings, its needs, the actions it uses, and a section to begin with."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, get_args, get_origin

from bizproc.code.files import Unreadable
from bizproc.code.used import actions_used
from bizproc.core.checks import members_of, readable, stripped
from bizproc.core.form import Parameter, plain
from bizproc.installed import Installed
from bizproc.recipe import Recipe
from bizproc.rules.written import is_written, names_users


def actions_of(recipe: Recipe[...]) -> tuple[str, ...]:
    """The actions it uses; none where its code cannot be read."""
    try:
        return actions_used(recipe)
    except Unreadable:
        return ()


def told(recipe: Recipe[...]) -> str:
    """The docstring without its summary and its Args."""
    _, _, rest = inspect.cleandoc(recipe.__doc__ or "").partition("\n")
    return rest.partition("Args:")[0].strip()


def type_of(setting: Parameter) -> str:
    """Its type, as people say it: all that can name users is one word."""
    if not names_users(setting.type):
        return readable(setting.type)
    return "Users | None" if type(None) in members_of(setting.type) else "Users"


def default_of(setting: Parameter) -> str:
    """As it is written in a settings file; "" where there is none."""
    if setting.required or setting.default is None:
        return ""
    return toml(plain(setting.default))


def toml(value: Any) -> str:
    """A value in TOML, as far as people write such."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml, value))}]"
    # A text of JSON without characters outside ASCII escaped is one of TOML.
    return json.dumps(value if isinstance(value, str) else str(value), ensure_ascii=False)


def section(recipe: Recipe[...], use: str) -> str:
    """A section of bizproc.toml to begin with: what must be said, and what may be as comments."""
    lines = [f"[recipes.{use}]", f"recipe = {toml(recipe.name)}"]
    lines += [f"{each.name} = {_example(each.type)}" for each in recipe.settings if each.required]
    optional = [(each, default_of(each)) for each in recipe.settings if not each.required]
    lines += [f"# {each.name} = {default or _example(each.type)}" for each, default in optional]
    return "\n".join(lines)


def name_of_use(recipe: Recipe[...]) -> str:
    """What a first use may be called."""
    return recipe.name.rpartition(".")[2].replace("-", "_")


_EXAMPLES: Final[dict[Any, str]] = {
    bool: "true",
    int: "1",
    float: "1.5",
    str: '"text"',
    Decimal: '"7.50"',
    timedelta: '"4 hours"',
    date: "2026-05-31",
    datetime: "2026-05-31T09:00:00Z",
    time: "09:30:00",
}


def _example(annotation: Any) -> str:
    if names_users(annotation):
        return '["user:1"]'
    members = [stripped(each) for each in members_of(annotation)]
    (first, *_) = [each for each in members if each is not type(None)]
    if is_written(first):
        return _WRITTEN.get(first.__name__, '"user:1"')
    if get_origin(first) is Literal:
        return toml(get_args(first)[0])
    if get_origin(first) in (list, tuple, set, frozenset):
        return f"[{_example(get_args(first)[0])}]"
    return _EXAMPLES.get(first, '"…"')


_WRITTEN: Final = {
    "UserQueue": '["user:1", "department:sales"]',
    "Filter": '"amount >= 100"',
    "Calendar": '"mon-fri 09:00-17:00"',
    "Department": '"department:sales"',
    "Group": '"group:admins"',
}


def as_json(installed: Installed, uses: list[str]) -> dict[str, Any]:
    """For programs."""
    recipe = installed.recipe
    known: dict[str, Any] = {
        "name": installed.name,
        "distribution": installed.distribution,
        "version": installed.version,
        "used_as": uses,
        "error": installed.error or None,
    }
    if recipe is None:
        return known
    return known | {
        "since": recipe.since,
        "summary": recipe.summary,
        "needs": [str(need) for need in recipe.needs],
        "actions": list(actions_of(recipe)),
        "settings": recipe.json_schema(),
    }


def lines(installed: Installed, recipe: Recipe[...]) -> Iterator[str]:
    """For people."""
    yield f"{recipe.name}  ({installed.distribution} {installed.version}, since {recipe.since})"
    yield recipe.summary
    yield from ("", *told(recipe).splitlines()) if told(recipe) else ()
    yield ""
    for each in recipe.settings:
        default = "required" if each.required else f"default: {default_of(each) or 'none'}"
        yield f"  {each.name}: {type_of(each)}  [{default}]"
        yield f"      {each.description}"
    yield f"needs    {', '.join(map(str, recipe.needs)) or 'nothing'}"
    yield f"actions  {', '.join(actions_of(recipe)) or 'none that can be read'}"
    yield ""
    yield from section(recipe, name_of_use(recipe)).splitlines()
