"""The form by which values are compared: one for all that counts as the same. It is never read back."""

from __future__ import annotations

import dataclasses
import enum
from collections import abc
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import attrs

from bizproc.core.codec.classes import declared_fields, own_form_of
from bizproc.core.codec.coder import Coding
from bizproc.core.codec.leaves import LEAVES, write_moment, write_str
from bizproc.core.codec.recording import text_of
from bizproc.core.codec.trees import (
    Tree,
    Write,
    advice,
    each_item,
    each_of_set,
    each_pair,
    each_value,
    ordered,
    refuse,
    tag_of,
)


def canonical_tree(codec: Coding, value: Any) -> Tree:
    """The tree by which a value is compared: kinds that count as the same have one form."""
    kind = type(value)
    if value is None or kind in (bool, str, int, float):
        return codec.describe(value)
    if isinstance(value, Decimal) and not isinstance(value, enum.Enum):  # before what takes longer to ask
        return {"$decimal": _normalised(value)}
    again = partial(canonical_tree, codec)
    if isinstance(value, enum.Enum):
        return {"$enum": [kind.__qualname__, value.name or value.value]}
    if isinstance(value, (list, tuple)):
        return each_item(again, value)
    if isinstance(value, Mapping):
        return _canonical_mapping(again, value)
    if isinstance(value, abc.Set):
        return {"$set": ordered(each_of_set(again, value))}
    if isinstance(value, datetime):
        return {"$datetime": _instant(value)}
    if kind in LEAVES:
        return codec.describe(value)
    if _is_item(kind) and value.id:  # one without an id is named by what it holds, as `Department("sales")`
        return {"$item": [value.item_type, again(value.id)]}
    if isinstance(value, BaseException):
        return {"$error": [kind.__qualname__, text_of(value)]}
    if hasattr(kind, "__journalled__") or attrs.has(kind) or dataclasses.is_dataclass(kind):
        return {"$object": _canonical_object(again, value)}
    return refuse(value, advice(value))


def _canonical_object(again: Write, value: Any) -> Tree:
    kind = type(value)
    if hasattr(kind, "__journalled__"):
        return [own_form_of(kind).__qualname__, again(value.__journalled__())]
    fields = {name: getattr(value, name) for name, *_ in declared_fields(kind)}
    return [kind.__qualname__, each_value(again, fields)]


def _canonical_mapping(again: Write, mapping: Mapping[Any, Any]) -> Tree:
    if all(type(key) is str for key in mapping):
        tree = each_value(again, {write_str(key): item for key, item in mapping.items()})
        if tag_of(tree) is None:
            return tree
    return {"$dict": ordered([list(pair) for pair in each_pair(again, again, mapping.items())])}


def _is_item(kind: type) -> bool:
    return isinstance(getattr(kind, "item_type", None), str) and hasattr(kind, "id")


def _normalised(value: Decimal) -> str:
    """A number's only spelling. Not Decimal.normalize(): that rounds to the context's precision."""
    text = str(value)
    if len(text) <= 20 and text.isdigit():
        return text  # a whole number, as most are
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        return text
    significant = "".join(map(str, digits)).lstrip("0")
    stripped = significant.rstrip("0")
    if not stripped:
        return "0"
    exponent += len(significant) - len(stripped)
    if 0 < exponent <= 20:
        stripped, exponent = stripped + "0" * exponent, 0
    return str(Decimal(f"{'-' if sign else ''}{stripped}E{exponent}"))


def _instant(value: datetime) -> str:
    write_moment(value)
    try:
        return value.astimezone(UTC).isoformat()
    except OverflowError:  # within a day of the first or the last moment there is
        return value.isoformat()
