"""Custom fields: what whoever runs the CRM adds to a kind of item. Their values stand in the item's `custom`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from attrs import field, frozen

CustomType: TypeAlias = Literal[
    "text",
    "integer",
    "truth",
    "number",
    "day",
    "moment",
    "time",
    "choice",
    "user",
    "file",
    "phone",
    "email",
    "web",
    "im",
    "money",
    "address",
    "url",
    "link",
    "booking",
]
"""What a custom field can hold."""

Options: TypeAlias = Mapping[str, Any] | Sequence[str]
"""Of a choice: codes with labels, or texts that are both. Of a field that holds bookings: its settings, by name."""

NO_OPTIONS: Final[Mapping[str, Any]] = MappingProxyType({})


@frozen(kw_only=True)
class CustomField:
    """
    A custom field of a kind of item.

    Attributes:
        code: What it is called in code: `custom={"city": "Lyon"}`.
        label: What people read.
        multiple: It holds several values.
        options: Of a choice: what can be chosen, by code, with what people read. Of a field that holds bookings: its
            settings, as `BookingSettings` has them.
    """

    kind: str
    code: str
    type: str
    label: str = ""
    multiple: bool = False
    options: Mapping[str, Any] = field(default=NO_OPTIONS, hash=False)
