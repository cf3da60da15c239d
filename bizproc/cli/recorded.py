"""What the journal recorded, as people read it: without what it needs to restore a value's type."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from bizproc.core.codec import Codec
from bizproc.core.errors import CodecError, WrongFilter
from bizproc.core.form import plain
from bizproc.rules.filters import Filter
from bizproc.rules.saying import saying
from bizproc.triggers.showing import trigger_text

_CODEC: Final = Codec()
_TAGGED: Final = re.compile(r'\{"\$\w+":(?:"[^"\\]*"|-?\d+)\}')
_UNSPACED: Final = re.compile(r"\],(?=\S)")
_NAMED: Final = re.compile(r'(?<=[({,])"(\w+)":')


def restored(value: Any) -> Any:
    """A recorded value in plain JSON: numbers, durations and moments as texts."""
    try:
        return plain(_CODEC.decode(json.dumps(value)))
    except CodecError:  # of a class that is not here
        return _filter_text(value) or value


def _filter_text(value: Any) -> str | None:
    """A filter in words; None for anything else. Arguments name classes as they are read, and not as they are found."""
    match value:
        case {"$object": ["Filter", form]}:
            try:
                return str(Filter.__restored__(_CODEC.decode(json.dumps(form))))
            except (CodecError, WrongFilter):  # of a version that is not here
                return None
    return None


def shown(value: Any) -> str:
    """A recorded value as text; an object by what it says beside what goes without saying."""
    value = restored(value)
    match value:
        case str():
            return value
        case {"$object": [str(label), dict(fields)]} if label != Filter.__name__:
            return f"{label}({', '.join(f'{name}={shown(one)}' for name, one in saying(label, fields).items())})"
        case list() if any(isinstance(one, dict) for one in value):
            return f"[{', '.join(map(shown, value))}]"
        case _:
            return json.dumps(value, ensure_ascii=False, default=str)


def arguments_text(kind: str, name: str, arguments: Mapping[str, Any]) -> str:
    """The arguments of a step; the trigger that an event is waited for with comes first, in words."""
    given = dict(arguments)
    first = []
    if kind == "wait" and name == "for_event" and isinstance(given.get("trigger"), Mapping):
        first.append(trigger_text(given.pop("trigger")))
    return ", ".join([*first, *(f"{key}={shown(value)}" for key, value in given.items())])


def waits_text(waits_for: str | None) -> str:
    """What an instance waits for: `until_stage(stages=["EXECUTING"], timeout=10d)`."""
    if waits_for is None:
        return "something"
    text = _TAGGED.sub(lambda found: shown(json.loads(found[0])), waits_for)
    return _UNSPACED.sub("], ", _NAMED.sub(r"\1=", text)).removeprefix("wait ")
