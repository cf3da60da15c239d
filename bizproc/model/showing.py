"""How an item prints itself: as code that makes it again, without what has its default."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import attrs

_FACTORY: Any = attrs.Factory


def as_code(item: Any) -> str:
    """`Deal(id=5, title='Tea')`: the fields that differ from their default. A `__repr__`."""
    given = [(each, getattr(item, each.name)) for each in attrs.fields(type(item))]
    shown = (f"{each.name}={_shown(value)}" for each, value in given if not _is_default(each, value))
    return f"{type(item).__name__}({', '.join(shown)})"


def _is_default(field: Any, value: object) -> bool:
    return not isinstance(field.default, _FACTORY) and type(value) is type(field.default) and value == field.default


def _shown(value: object) -> str:
    # A mapping that cannot be changed prints its class by a name that nobody can import.
    return repr(dict(value)) if isinstance(value, MappingProxyType) else repr(value)
