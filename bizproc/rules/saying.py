"""What an object that was recorded says: the fields that differ from what they are without a word. Pure; for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from bizproc.rules.queues import UserQueue

_QUEUE: Final[Mapping[str, Any]] = {each.name: each.default for each in attrs.fields(UserQueue)}


def saying(label: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """
    The fields of a recorded object that say something, in the order in which the class has them, where it is known.

    Args:
        label: What its class is called.
        fields: As they were recorded.
    """
    defaults = _QUEUE if label == UserQueue.__qualname__ else {}
    names = [*(name for name in defaults if name in fields), *(name for name in fields if name not in defaults)]
    return {name: fields[name] for name in names if not _goes_without_saying(fields[name], defaults.get(name))}


def _goes_without_saying(value: Any, default: Any) -> bool:
    if value is None or value is False or value in ("", [], {}):
        return True
    return type(value) is type(default) and bool(value == default)
