"""How steps are shown to people: `deal.add_product(product=7, price=18)`, `until_stage(stages=["WON"])`, `14d`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from bizproc.core.form import duration_text
from bizproc.store.types import json_value
from bizproc.triggers.showing import trigger_text

_LONGEST: Final = 60


@lru_cache(maxsize=4096)
def readable(kind: str | None, name: str | None, arguments: str | None) -> str:
    """A step as people read it."""
    given: Mapping[str, Any] = json_value(arguments or "{}")
    if kind == "signal":
        return f"signal {name}" + (f" (timeout {_value(given['timeout'])})" if "timeout" in given else "")
    if kind == "child":
        return f"child {given.get('child')}"
    inside = ", ".join(_arguments(kind, name, given))
    return f"start {name}({inside})" if kind == "start" else f"{name}({inside})"


def _arguments(kind: str | None, name: str | None, given: Mapping[str, Any]) -> Iterator[str]:
    """Each with its name; the trigger that an event is waited for with comes first, in words."""
    if kind == "wait" and name == "for_event" and isinstance(given.get("trigger"), Mapping):
        given = dict(given)
        yield trigger_text(given.pop("trigger"))
    yield from (f"{key}={_value(value)}" for key, value in given.items())


def differing(recorded: str | None, asked: str | None) -> str:
    """Which arguments differ, and how: `stage "WON" → "LOSE", amount → 5`."""
    then: Mapping[str, Any] = json_value(recorded or "{}")
    now: Mapping[str, Any] = json_value(asked or "{}")
    names = [*then, *(name for name in now if name not in then)]
    changed = (
        f"{name} {_value(then[name]) if name in then else '(left out)'} → "
        f"{_value(now[name]) if name in now else '(left out)'}"
        for name in names
        if then.get(name, names) != now.get(name, names)
    )
    return ", ".join(changed)


def _value(value: Any) -> str:
    if isinstance(value, dict) and len(value) == 1:
        ((tag, inside),) = value.items()
        if tag in _TAGS:
            return _TAGS[tag](inside)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= _LONGEST else f'"{value[:_LONGEST]}…"'
    return _short(value) if isinstance(value, dict) else str(value)


def _short(value: Mapping[str, Any]) -> str:
    inside = ", ".join(f"{key}: {_value(one)}" for key, one in value.items())
    return f"{{{inside}}}" if len(inside) <= _LONGEST else f"{{{inside[:_LONGEST]}…}}"


def _whole(number: Any) -> int:
    return int(number["$int"], 16) if isinstance(number, dict) else int(number)


_TAGS: Final[Mapping[str, Callable[[Any], str]]] = {
    "$decimal": str,
    "$timedelta": lambda microseconds: duration_text(timedelta(microseconds=_whole(microseconds))),
    "$datetime": lambda text: f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M}",
    "$date": str,
    "$uuid": str,
    "$item": lambda item: f"{item[0]} {item[1]}",
    "$set": lambda members: "{" + ", ".join(map(_value, members)) + "}",
    "$enum": lambda pair: ".".join(map(str, pair)),
    "$object": lambda pair: f"{pair[0]}({', '.join(f'{key}={_value(one)}' for key, one in pair[1].items())})",
}
