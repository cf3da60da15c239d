"""Custom fields: how they are made, and what they hold; which there are says `definitions.py`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bizproc.adapters.sql_crm.definitions import custom_fields, definitions
from bizproc.adapters.sql_crm.reading import Runs, exists
from bizproc.adapters.sql_crm.shapes import shape_named, shape_of
from bizproc.core.errors import AlreadyExists, ItemNotFound, UnknownUser, WrongFieldValue
from bizproc.model.booking_fields import booking_settings
from bizproc.model.custom_fields import CustomField, Options
from bizproc.model.fields import BOOKING, CUSTOM_TYPES, TEXT, Field, shown, unknown
from bizproc.model.planned import Booking
from bizproc.store.types import json_text

# -- made --------------------------------------------------------------------------------------------------------------


def add_field(
    connection: Runs, kind: str, code: str, type_: str, label: str, *, multiple: bool, options: Options
) -> CustomField:
    """Define a custom field of a kind of item. See `ports.crm.Crm.add_field`."""
    shape = shape_of(kind)
    code = _text("code", code)
    if not code.isidentifier() or code in shape.fields or code in shape.writable:
        expected = f"a name like `delivery_city`, and not one of {kind}'s own fields"
        raise WrongFieldValue(kind="custom field", field="code", expected=expected, got=shown(code))
    if type_ not in CUSTOM_TYPES or not shape.is_item:
        raise WrongFieldValue(kind=kind, field=code, expected=f"one of {', '.join(CUSTOM_TYPES)}", got=shown(type_))
    if code in definitions(connection, kind):
        raise AlreadyExists(kind=f"custom field of {kind}", field="code", value=code)
    label = _text("label", label).strip() or code
    pairs = _settings(options) if type_ == "booking" else _options(type_, options)
    connection.execute(
        "INSERT INTO custom_field (kind, code, type, label, multiple, options) VALUES (?, ?, ?, ?, ?, ?)",
        (kind, code, type_, label, int(multiple), json_text(pairs)),
    )
    return definitions(connection, kind)[code]


def _text(name: str, value: Any) -> str:
    text: str = Field("custom field", name, TEXT).checked(value)
    return text


def _options(type_: str, options: Options) -> list[list[str]]:
    """A choice has options, and each is told from the others by its code and by its label."""
    if isinstance(options, str):
        expected = "several texts, or codes with their labels"
        raise WrongFieldValue(kind="custom field", field="options", expected=expected, got=shown(options))
    pairs = [[_text("options", code).strip(), _text("options", label).strip()] for code, label in _given(options)]
    if bool(pairs) != (type_ == "choice"):
        expected = "at least one, to choose from" if type_ == "choice" else f"none: a {type_} is not chosen from a list"
        raise WrongFieldValue(kind="custom field", field="options", expected=expected, got=shown(options))
    seen: set[str] = set()
    for code, label in pairs:
        words = {code, label or code}
        if not code or words & seen:
            expected = "codes and labels of which no two are the same, and no code empty"
            raise WrongFieldValue(kind="custom field", field="options", expected=expected, got=shown(code))
        seen |= words
    return [[code, label or code] for code, label in pairs]


def _given(options: Options) -> list[tuple[str, str]]:
    """What was given, one by one: a text that comes twice must not be lost on the way."""
    return list(options.items()) if isinstance(options, Mapping) else [(text, text) for text in options]


def _settings(options: Any) -> list[list[Any]]:
    """The settings of a field that holds bookings stand where the options of a choice do."""
    try:
        settings = booking_settings(options)
    except ValueError as error:
        raise WrongFieldValue(kind="custom field", field="options", expected=str(error), got=shown(options)) from None
    return [["services", dict(settings.services)], *([name, getattr(settings, name)] for name in _SETTINGS)]


_SETTINGS: Final = ("allow_overbooking", "full_day", "zone")


def custom_field(connection: Runs, kind: str, code: str) -> CustomField:
    """One custom field, as it was defined. Raises UnknownField."""
    known = definitions(connection, kind)
    if code not in known:
        raise unknown(kind, f"custom.{code}", known or ("no custom fields",))
    return known[code]


# -- what they hold ----------------------------------------------------------------------------------------------------


def checked_custom(
    connection: Runs,
    kind: str,
    old: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    append: bool,
    imported: bool = False,
) -> Mapping[str, Any]:
    """
    The values of custom fields after those that are given: the others stay, and nothing takes one away.

    What is `imported` may bring along what is booked in a field: the bookings themselves come later.

    Raises UnknownField, WrongFieldValue; UnknownUser, ItemNotFound for what a value points at.
    """
    known = custom_fields(connection, kind)
    values = dict(old)
    for code, value in given.items():
        field = known.get(code)
        if field is None:
            raise unknown(kind, f"custom.{code}", known or ("no custom fields",))
        if field.type is BOOKING and imported and _are_bookings(value):
            values[code] = tuple(value)
            continue
        if field.type is BOOKING:  # not even cleared: bookings are released by an action
            expected = "nothing: book_resource and cancel_booking fill it"
            raise WrongFieldValue(kind=kind, field=field.name, expected=expected, got=shown(value))
        kept = field.checked(value)
        _check_there(connection, field, kept, old.get(code))
        if append and field.multiple:
            kept = tuple(dict.fromkeys((*old.get(code, ()), *kept)))
        values[code] = kept
    return MappingProxyType({code: value for code, value in values.items() if value is not None and value != ()})


def _are_bookings(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(each, Booking) for each in value)


def _check_there(connection: Runs, field: Field, value: Any, old: Any) -> None:
    """What a value points at must be there; what the field held before is not looked at again."""
    if field.refers is None and field.type.name != "link":
        return
    held = old if isinstance(old, tuple) else (old,)
    for each in value if field.multiple else (value,):
        if each is None or each in held:
            continue
        kind, id_ = (field.refers, each) if field.refers is not None else (each.kind, each.id)
        if not exists(connection, shape_named(kind), id_):
            raise UnknownUser(user=id_) if kind == "user" else ItemNotFound(kind=kind, id=id_)
