"""How steps are shown to people: `deal.add_product(product=7, price=18)`, `until_stage(stages=["WON"])`, `14d`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from bizproc.core.form import duration_text
from bizproc.rules.saying import saying
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
    return ", ".join(
        change for name in names for change in _changes(name, then.get(name, _LEFT_OUT), now.get(name, _LEFT_OUT))
    )


_LEFT_OUT: Final = object()


def _changes(name: str, then: Any, now: Any) -> Iterator[str]:
    """Of values with many fields those that differ, each by itself: `queue.members [1, 2] → [1, 2, 3]`."""
    if then == now and type(then) is type(now):
        return
    before, after = _fields(then), _fields(now)
    if before is None or after is None or before[0] != after[0]:
        yield f"{name} {_said(then)} → {_said(now)}"
        return
    fields, others = before[1], after[1]
    for each in (*fields, *(other for other in others if other not in fields)):
        yield from _changes(f"{name}.{each}", fields.get(each, _LEFT_OUT), others.get(each, _LEFT_OUT))


def _fields(value: Any) -> tuple[str, Mapping[str, Any]] | None:
    """The fields of an object or a mapping, with the name of the object's class."""
    match value:
        case {"$object": [str(label), dict(fields)]}:
            return label, fields
        case dict() if not any(key.startswith("$") for key in value):
            return "", value
        case _:
            return None


def _said(value: Any) -> str:
    return "(left out)" if value is _LEFT_OUT else _value(value)


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


def _object(label: str, form: Any) -> str:
    """An object by what it says; one with a form of its own by that."""
    if not isinstance(form, dict):
        return f"{label}({_value(form)})"
    return f"{label}({', '.join(f'{key}={_value(one)}' for key, one in saying(label, form).items())})"


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
    "$dict": lambda pairs: "{" + ", ".join(f"{_value(key)}: {_value(one)}" for key, one in pairs) + "}",
    "$object": lambda pair: _object(*pair),
}
