"""Custom fields: which there are, and what they hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import asdict

from bizproc.adapters.sql_crm.reading import Runs
from bizproc.adapters.sql_crm.shapes import shape_of
from bizproc.core.errors import AlreadyExists, WrongFieldValue
from bizproc.model.custom import CustomField, booking_settings
from bizproc.model.fields import BOOKING, CUSTOM_TYPES, TEXT, Field, shown, unknown
from bizproc.store.types import json_text, json_value


def add_field(
    connection: Runs,
    kind: str,
    code: str,
    type_: str,
    label: str,
    *,
    multiple: bool,
    options: Iterable[str] | Mapping[str, Any],
) -> Field:
    """Define a custom field of a kind of item; the options of one that holds bookings are its settings."""
    shape = shape_of(kind)
    code = Field("custom field", "code", TEXT).checked(code)
    if not code.isidentifier() or code in shape.writable:
        expected = f"a name like `delivery_city`, and not one of {kind}'s own fields"
        raise WrongFieldValue(kind="custom field", field="code", expected=expected, got=shown(code))
    if type_ not in CUSTOM_TYPES or not shape.is_item:
        raise WrongFieldValue(kind=kind, field=code, expected=f"one of {', '.join(CUSTOM_TYPES)}", got=shown(type_))
    if code in custom_fields(connection, kind):
        raise AlreadyExists(kind=f"custom field of {kind}", field="code", value=code)
    kept = _settings(kind, code, options) if type_ == "booking" else list(options)
    connection.execute(
        "INSERT INTO custom_field (kind, code, type, label, multiple, options) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, code, type_, label or code, int(multiple), json_text(kept)),
    )
    return custom_fields(connection, kind)[code]


def _settings(kind: str, code: str, options: Any) -> dict[str, Any]:
    try:
        settings = booking_settings(options)
    except ValueError as error:
        raise WrongFieldValue(kind=kind, field=f"{code}.options", expected=str(error), got=shown(options)) from None
    return {**asdict(settings), "services": dict(settings.services)}


def custom_field(connection: Runs, kind: str, code: str) -> CustomField:
    """One custom field, by its code. Raises UnknownField."""
    code = code.removeprefix("custom.")
    row = connection.execute(
        "SELECT type, label, multiple, options FROM custom_field WHERE kind = ? AND code = ?", (kind, code)
    ).fetchone()
    if row is None:
        raise unknown(kind, f"custom.{code}", custom_fields(connection, kind) or ("no custom fields",))
    type_, label, multiple, options = row
    given = json_value(options)
    kept = given if isinstance(given, dict) else tuple(given)
    return CustomField(kind=kind, code=code, type=type_, label=label, multiple=bool(multiple), options=kept)


def custom_fields(connection: Runs, kind: str) -> dict[str, Field]:
    """The custom fields of a kind of item, by code."""
    rows = connection.execute("SELECT code, type, multiple FROM custom_field WHERE kind = ? ORDER BY code", (kind,))
    return {
        code: Field(kind, f"custom.{code}", CUSTOM_TYPES[type_], multiple=bool(multiple), optional=True)
        for code, type_, multiple in rows
    }


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
        if field.type is BOOKING:  # not even cleared: bookings are released by an action
            expected = "nothing: book_resource and cancel_booking fill it"
            raise WrongFieldValue(kind=kind, field=field.name, expected=expected, got=shown(value))
        kept = field.checked(value)
        if append and field.multiple:
            kept = tuple(dict.fromkeys((*old.get(code, ()), *kept)))
        values[code] = kept
    return MappingProxyType({code: value for code, value in values.items() if value is not None and value != ()})
