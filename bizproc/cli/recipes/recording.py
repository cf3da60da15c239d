"""
What a project ran last: `bizproc.recipes.json`, beside `bizproc.toml`, and how that differs from what is installed.

`bizproc serve` writes it when it begins, and `bizproc recipes check --record`. It belongs into version control: then an
upgrade is seen in review.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from attrs import frozen

from bizproc.cli.mistakes import Mistake
from bizproc.cli.recipes.showing import actions_of
from bizproc.code.used import file_of
from bizproc.core.checks import readable
from bizproc.core.form import plain
from bizproc.installed import Use, Uses

FILE: Final = "bizproc.recipes.json"
_FORMAT: Final = 1


def as_recorded(use: Use) -> dict[str, Any]:
    """What is kept of a use."""
    recipe = use.installed.recipe
    assert recipe is not None
    return {
        "recipe": recipe.name,
        "distribution": use.installed.distribution,
        "version": use.installed.version,
        "settings": {
            each.name: {"type": readable(each.type), "default": None if each.required else repr(plain(each.default))}
            for each in recipe.settings
        },
        "needs": [str(need) for need in recipe.needs],
        "actions": list(actions_of(recipe)),
        "code": _hash(file_of(recipe)),
    }


def _hash(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def record(folder: Path, uses: Uses) -> None:
    """
    Keep what is used now. Of a use that cannot run, what was kept stays.

    Raises:
        Mistake: the file cannot be written.
    """
    kept = recorded(folder)
    gone = {each.use: kept[each.use] for each in uses.troubles if each.use in kept}
    now = {**gone, **{each.name: as_recorded(each) for each in uses.found}}
    path = folder / FILE
    if now == kept or (not now and not path.exists()):
        return
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE
    beside = path.with_suffix(".new")
    try:
        beside.write_bytes(orjson.dumps({"format": _FORMAT, "uses": now}, option=options))
        beside.replace(path)
    except OSError as error:
        raise Mistake(f"{path} cannot be written: {error.strerror or error}.") from None


def recorded(folder: Path) -> dict[str, dict[str, Any]]:
    """
    What was kept, by the name of the use.

    Raises:
        Mistake: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        told = orjson.loads(path.read_bytes())
    except (OSError, ValueError):
        told = None
    kept = told.get("uses") if isinstance(told, dict) and told.get("format") == _FORMAT else None
    if not isinstance(kept, dict) or not all(isinstance(each, dict) for each in kept.values()):
        raise Mistake(f"{path} cannot be read: delete it, and `bizproc recipes check --record` writes it anew.")
    return kept


@frozen
class Change:
    """
    One thing that is another.

    Attributes:
        breaks: It cannot run. (A section that does not fit any more is an error before anything is compared.)
    """

    use: str
    what: str
    breaks: bool = False


def changes(kept: Mapping[str, Mapping[str, Any]], uses: Uses) -> list[Change]:
    """What is installed now, against what was kept."""
    found = [Change(each.use, f"cannot run: {each.recipe}: {each.detail}", breaks=True) for each in uses.troubles]
    now = {each.name: each for each in uses.found}
    found += [
        Change(name, f"is used no longer; its instances are stuck until it is back{_renamed(name, kept, uses)}")
        for name in kept
        if not _is(name, uses)
    ]
    for name, use in now.items():
        if name not in kept:
            found.append(Change(name, f"is new: {use.installed.name}"))
        else:
            found += _changed(name, kept[name], as_recorded(use))
    return found


def _renamed(name: str, kept: Mapping[str, Mapping[str, Any]], uses: Uses) -> str:
    """A section of another name that is new and uses the same recipe may be it."""
    new = [
        each.name for each in uses.found if each.name not in kept and each.installed.name == kept[name].get("recipe")
    ]
    if not new:
        return ""
    return f". Its recipe is used as {' and '.join(new)} now: an instance belongs to the name that it began with"


def _is(name: str, uses: Uses) -> bool:
    return any(each.name == name for each in uses.found) or any(each.use == name for each in uses.troubles)


def _changed(use: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    was, is_ = _release(before), _release(now)
    if was != is_:
        yield Change(use, f"{was} -> {is_}")
    yield from _of_settings(use, before.get("settings", {}), now["settings"])
    for what in ("needs", "actions"):
        old, new = set(before.get(what, ())), set(now[what])
        yield from (Change(use, f"{what}: {each} is new") for each in sorted(new - old))
        yield from (Change(use, f"{what}: {each} is gone") for each in sorted(old - new))
    if before.get("code") != now["code"]:
        yield Change(use, "its code is another")


def _release(of: Mapping[str, Any]) -> str:
    from_ = f"{of['distribution']} {of.get('version')}" if of.get("distribution") else "(the project's own copy)"
    return f"{of.get('recipe')} {from_}"


def _of_settings(use: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    for name in sorted(before.keys() | now.keys()):
        if name not in now:
            yield Change(use, f"the setting {name} is gone")
        elif name not in before:
            yield Change(use, f"the setting {name} is new, {_default(now[name]['default'])}")
        else:
            for part in ("type", "default"):
                was, is_ = before[name].get(part), now[name][part]
                if was != is_:
                    yield Change(use, f"the setting {name}: {part} {was or 'none'} -> {is_ or 'none'}")


def _default(text: str | None) -> str:
    return "and required" if text is None else f"by default {text}"
