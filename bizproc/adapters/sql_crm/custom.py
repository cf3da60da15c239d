"""Custom fields: which there are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from bizproc.adapters.sql_crm.reading import Runs, custom_fields
from bizproc.adapters.sql_crm.shapes import shape_of
from bizproc.core.errors import AlreadyExists, WrongFieldValue
from bizproc.model.fields import CUSTOM_TYPES, TEXT, Field, shown, unknown
from bizproc.store.types import json_text


def add_field(
    connection: Runs, kind: str, code: str, type_: str, label: str, *, multiple: bool, options: Iterable[str]
) -> Field:
    """Define a custom field of a kind of item."""
    shape = shape_of(kind)
    code = Field("custom field", "code", TEXT).checked(code)
    if not code.isidentifier() or code in shape.writable:
        expected = f"a name like `delivery_city`, and not one of {kind}'s own fields"
        raise WrongFieldValue(kind="custom field", field="code", expected=expected, got=shown(code))
    if type_ not in CUSTOM_TYPES or not shape.is_item:
        raise WrongFieldValue(kind=kind, field=code, expected=f"one of {', '.join(CUSTOM_TYPES)}", got=shown(type_))
    if code in custom_fields(connection, kind):
        raise AlreadyExists(kind=f"custom field of {kind}", field="code", value=code)
    connection.execute(
        "INSERT INTO custom_field (kind, code, type, label, multiple, options) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, code, type_, label or code, int(multiple), json_text(list(options))),
    )
    return custom_fields(connection, kind)[code]


def checked_custom(
    connection: Runs, kind: str, old: Mapping[str, Any], given: Mapping[str, Any], *, append: bool
) -> Mapping[str, Any]:
    """
    The values of custom fields after those that are given: the others stay, and nothing takes one away.

    Raises UnknownField, WrongFieldValue.
    """
    known = custom_fields(connection, kind)
    values = dict(old)
    for code, value in given.items():
        field = known.get(code)
        if field is None:
            raise unknown(kind, f"custom.{code}", known or ("no custom fields",))
        kept = field.checked(value)
        if append and field.multiple:
            kept = tuple(dict.fromkeys((*old.get(code, ()), *kept)))
        values[code] = kept
    return MappingProxyType({code: value for code, value in values.items() if value is not None and value != ()})
