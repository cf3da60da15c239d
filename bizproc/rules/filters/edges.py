"""Edges: what changed between two states of an item. On create the old state is None, on delete the new one."""

from __future__ import annotations

from typing import Any

from bizproc.rules.filters.fields import Operand, path_of
from bizproc.rules.filters.operators import Setting, same
from bizproc.rules.filters.predicates import Filter, owner_of, value_in


def changed(field: Operand, old: Any, new: Any, setting: Setting) -> bool:
    """Whether a field's value is another one. Of an item that is not there it is null."""
    return not same(_value(field, old, setting), _value(field, new, setting))


def became(filter: Filter, old: Any, new: Any, setting: Setting) -> bool:
    """Whether the filter holds now and did not before; of an item that is not there it does not hold."""
    return _holds(filter, new, setting) and not _holds(filter, old, setting)


def _value(field: Operand, item: Any, setting: Setting) -> Any:
    path = path_of(field)
    value = None if item is None else value_in(owner_of(item, path, setting), path)
    return None if value == () else value


def _holds(filter: Filter, item: Any, setting: Setting) -> bool:
    return item is not None and filter.holds(item, setting)
