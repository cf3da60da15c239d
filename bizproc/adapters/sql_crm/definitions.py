"""Which custom fields there are: as they were defined, and as values are checked. They are made in `custom.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from bizproc.model.custom_fields import CustomField
from bizproc.model.fields import CUSTOM_REFERS, CUSTOM_TYPES, Field, FieldType, Unfit
from bizproc.store.types import json_value

if TYPE_CHECKING:
    from bizproc.adapters.sql_crm.reading import Runs


def definitions(connection: Runs, kind: str) -> dict[str, CustomField]:
    """The custom fields of a kind of item, by code, as they were defined."""
    rows = connection.execute(
        "SELECT code, type, label, multiple, options FROM custom_field WHERE kind = ? ORDER BY code", (kind,)
    )
    return {
        code: CustomField(
            kind=kind, code=code, type=type_, label=label, multiple=bool(multiple), options=_stored(options)
        )
        for code, type_, label, multiple, options in rows
    }


def _stored(text: str) -> Mapping[str, Any]:
    return MappingProxyType(dict(json_value(text)))


def custom_fields(connection: Runs, kind: str) -> dict[str, Field]:
    """The custom fields of a kind of item, by code, as values are checked."""
    return {code: _field(each) for code, each in definitions(connection, kind).items()}


def _field(defined: CustomField) -> Field:
    type_ = CUSTOM_TYPES[defined.type]
    return Field(
        defined.kind,
        f"custom.{defined.code}",
        FieldType(type_.name, _chosen(defined.options)) if defined.type == "choice" else type_,
        multiple=defined.multiple,
        optional=True,
        refers=CUSTOM_REFERS.get(defined.type),
        list=f"{_LIST}{defined.kind}.{defined.code}" if defined.type == "choice" else None,
    )


_LIST: Final = "custom."
"""With the kind and the code behind it: the list that the options of a choice are, where people read their labels."""


def option_label(connection: Runs, list_: str, code: str) -> str | None:
    """What people read of an option; None where the list is of another sort, or has no such option."""
    if not list_.startswith(_LIST):
        return None
    kind, _, field = list_.removeprefix(_LIST).partition(".")
    defined = definitions(connection, kind).get(field)
    return None if defined is None else defined.options.get(code)


def _chosen(options: Mapping[str, str]) -> Callable[[Any], str | None]:
    """A choice takes a code, or what people read in its place; a blank text is no choice."""
    by_label = {label: code for code, label in options.items()}

    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            raise Unfit(f"one of {', '.join(options)}")
        text = value.strip()
        if not text:
            return None
        if text in options:
            return text
        if text not in by_label:
            raise Unfit(f"one of {', '.join(options)}")
        return by_label[text]

    return check
