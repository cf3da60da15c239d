"""
The fields of a noun, read off its class: what each holds, what it points at, who may write it.

`Field.checked` gives a value as the model keeps it, or says what was expected. It looks at the value alone: whether a
user, a stage or a product exists is the CRM's to say.
"""

from __future__ import annotations

import re
import types
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import attrs
from attrs import frozen

from bizproc.core.checks import described
from bizproc.core.errors import UnknownField, WrongFieldValue
from bizproc.model.details import Address
from bizproc.model.money import CURRENCY_WANTED, Money, exact, is_currency
from bizproc.model.multi_fields import MULTI_FIELD_TYPES, MultiField
from bizproc.model.organisation import WEEKDAYS, parse_hours
from bizproc.model.references import LARGEST_ID, NOT_STORED, Derived, ItemRef, Listed, Refers
from bizproc.model.texts import composed


class Unfit(Exception):
    """What was expected instead."""


@frozen
class FieldType:
    """
    What a field, or each element of a multiple one, holds.

    Attributes:
        name: `text`, `integer`, `number`…: adapters and custom fields go by it.
        check: Gives the value as it is kept; raises Unfit.
    """

    name: str
    check: Callable[[Any], Any]


@frozen
class Field:
    """
    One field.

    Attributes:
        kind: Of which noun.
        multiple: It holds a tuple.
        optional: It can be None.
        refers: The kind of item whose id it holds, or None.
        derived: Nobody writes it.
        default: What it holds when nothing was written.
        list: The list whose code it holds, or None.
    """

    kind: str
    name: str
    type: FieldType
    multiple: bool = False
    optional: bool = False
    refers: str | None = None
    derived: bool = False
    default: Any = None
    list: str | None = None

    def checked(self, value: Any) -> Any:
        """The value as the field keeps it. Raises WrongFieldValue."""
        try:
            return self._several(value) if self.multiple else self._single(value)
        except Unfit as unfit:
            raise WrongFieldValue(kind=self.kind, field=self.name, expected=str(unfit), got=shown(value)) from None

    def _single(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):  # a single field takes the first of a list
            value = value[0] if value else None
        if value is not None:
            return self._element(value)
        if self.optional:
            return None
        if self.type.name == "text":
            return ""
        raise Unfit(f"{self.type.name}, and not nothing")

    def _several(self, value: Any) -> tuple[Any, ...]:
        """Without duplicates, in order; nothing is an empty list, and a single value a list of one."""
        if value is None:
            return ()
        several = value if isinstance(value, (list, tuple, set, frozenset)) else (value,)
        return tuple(dict.fromkeys(kept for kept in map(self._element, several) if kept is not None))

    def _element(self, value: Any) -> Any:
        if self.refers is not None and getattr(value, "item_type", None) == self.refers:
            value = value.id  # an item stands for its id
        return self.type.check(value)


def shown(value: object) -> str:
    """A wrong value as an error shows it: any text, in characters that can be printed."""
    return described(value).encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")


# -- types -------------------------------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    if type(value) is not str:
        raise Unfit("a text")
    return sound(value)


def sound(text: str) -> str:
    """A text that every store can hold, composed (Unicode's form NFC). Raises Unfit."""
    if "\0" in text:
        raise Unfit("a text without NUL characters")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Unfit("a text without lone surrogates (decode what it came from with errors='replace')") from None
        return composed(text)
    return text


def _currency(value: Any) -> str:
    if type(value) is not str or not is_currency(value):
        raise Unfit(CURRENCY_WANTED)
    return value


def _integer(value: Any) -> int:
    if type(value) is not int:
        raise Unfit("an integer")
    if not -LARGEST_ID <= value <= LARGEST_ID:
        raise Unfit("an integer of at most 64 bits")
    return value


def _truth(value: Any) -> bool:
    if type(value) is not bool:
        raise Unfit("True or False")
    return value


def _number(value: Any) -> Decimal:
    if type(value) is not int and not isinstance(value, Decimal):
        raise Unfit("a Decimal or an int")
    try:
        return exact(value)
    except ValueError as error:
        raise Unfit(str(error)) from None


def _percent(value: Any) -> Decimal:
    number = _number(value)
    if not 0 <= number <= 100:
        raise Unfit("a number from 0 to 100")
    return number


def _whole_percent(value: Any) -> int:
    number = _integer(value)
    if not 0 <= number <= 100:
        raise Unfit("an integer from 0 to 100")
    return number


def _time_zone(value: Any) -> str:
    name = _text(value)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Unfit("a time zone's name, like Europe/Paris") from None
    return name


def _hours(value: Any) -> str:
    text = _text(value)
    try:
        parse_hours(text)
    except ValueError as error:
        raise Unfit(str(error)) from None
    return text


def _time(value: Any) -> time:
    if not isinstance(value, time) or value.tzinfo is not None:
        raise Unfit("a time of day without a zone")
    return value


def _money(value: Any) -> Money:
    if not isinstance(value, Money):
        raise Unfit("Money(amount, currency)")
    return Money(_number(value.amount), _currency(value.currency))


def _address(value: Any) -> Address:
    if isinstance(value, Mapping):
        known = {each.name for each in attrs.fields(Address)}
        if not known.issuperset(value):
            raise Unfit(f"an Address, or a mapping of {', '.join(sorted(known))}")
        value = Address(**value)
    if not isinstance(value, Address):
        raise Unfit("an Address")
    return Address(**{name: _text(part) for name, part in attrs.asdict(value).items()})


def _link(value: Any) -> ItemRef:
    if isinstance(value, ItemRef):
        return value
    if isinstance(getattr(value, "item_type", None), str) and isinstance(getattr(value, "id", None), int):
        return ItemRef(value.item_type, value.id)
    raise Unfit("an item, or a reference to one")


def _url(value: Any) -> str:
    text = _text(value).strip()
    if text and not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", text):
        raise Unfit("an address that begins with its scheme, like https://")
    return text


def _filled_by_bookings(_value: Any) -> Any:
    raise Unfit("nothing: book_resource and cancel_booking fill it")


def _day(value: Any) -> date:
    if type(value) is not date:
        raise Unfit("a date (of a datetime, say in which zone: moment.astimezone(zone).date())")
    return value


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise Unfit("a datetime with a time zone")
    return value.astimezone(UTC)


def _by_code(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(type(key) is str for key in value):
        raise Unfit("a mapping from codes of custom fields to values")
    return types.MappingProxyType(dict(value))


def _as_it_is(value: Any) -> Any:
    return value


def _multi_field(known: tuple[str, ...]) -> FieldType:
    expected = f"a text or a MultiField of type {', '.join(known)}"

    def check(value: Any) -> MultiField | None:
        if isinstance(value, Mapping):
            value = MultiField(value.get("value", ""), value.get("type", known[0]))
        elif type(value) is str:
            value = MultiField(value, known[0])
        if not isinstance(value, MultiField) or value.type not in known or type(value.value) is not str:
            raise Unfit(expected)
        return MultiField(sound(value.value), value.type) if value.value.strip() else None

    return FieldType("multi_field", check)


def _choice(words: tuple[Any, ...]) -> FieldType:
    def check(value: Any) -> Any:
        if value not in words:
            raise Unfit(f"one of {', '.join(map(str, words))}")
        return value

    return FieldType("text", check)


TEXT: Final = FieldType("text", _text)
CURRENCY: Final = FieldType("text", _currency)
INTEGER: Final = FieldType("integer", _integer)
TRUTH: Final = FieldType("truth", _truth)
NUMBER: Final = FieldType("number", _number)
MONEY: Final = FieldType("money", _number)
DAY: Final = FieldType("day", _day)
MOMENT: Final = FieldType("moment", _moment)
CUSTOM: Final = FieldType("custom", _by_code)

REFERENCE: Final = FieldType("reference", _link)
ANYTHING: Final = FieldType("anything", _as_it_is)

BOOKING: Final = FieldType("booking", _filled_by_bookings)

CUSTOM_TYPES: Final = {
    **{each.name: each for each in (TEXT, INTEGER, TRUTH, NUMBER, DAY, MOMENT)},
    "time": FieldType("time", _time),
    "choice": FieldType("choice", _text),
    "user": FieldType("user", _integer),
    "file": FieldType("file", _integer),
    "phone": _multi_field(MULTI_FIELD_TYPES["phones"]),
    "email": _multi_field(MULTI_FIELD_TYPES["emails"]),
    "web": _multi_field(MULTI_FIELD_TYPES["webs"]),
    "im": _multi_field(MULTI_FIELD_TYPES["ims"]),
    "money": FieldType("money_value", _money),
    "address": FieldType("address", _address),
    "url": FieldType("url", _url),
    "link": FieldType("link", _link),
    "booking": BOOKING,
}
"""The types that custom fields can have, by name."""

CUSTOM_REFERS: Final = {"user": "user", "file": "file"}
"""Of those that hold an id, the kind of noun it is of."""

_BY_CLASS: Final = {
    str: TEXT,
    int: INTEGER,
    bool: TRUTH,
    Decimal: NUMBER,
    date: DAY,
    datetime: MOMENT,
    ItemRef: REFERENCE,
}
_BY_NAME: Final = {
    "currency": CURRENCY,
    "time_zone": FieldType("text", _time_zone),
    **dict.fromkeys(WEEKDAYS, FieldType("text", _hours)),
    "tax_rate": FieldType("number", _percent),
    "discount_percent": FieldType("number", _percent),
    "probability": FieldType("integer", _whole_percent),
    **dict.fromkeys(("amount", "tax", "sum", "revenue"), MONEY),
}
"""Fields that hold less than their class says."""


# -- the fields of a class ---------------------------------------------------------------------------------------------


@cache
def fields_of(cls: type) -> Mapping[str, Field]:
    """All fields of a noun, by name, in the order of the class."""
    hints = get_type_hints(cls, include_extras=True)
    stored = (each for each in attrs.fields(cls) if NOT_STORED not in getattr(hints[each.name], "__metadata__", ()))
    return types.MappingProxyType({each.name: _field(cls, each, hints[each.name]) for each in stored})


@cache
def writable(cls: type) -> Mapping[str, Field]:
    """The fields that may be written, and the names under which the first of a list can be."""
    found = {name: field for name, field in fields_of(cls).items() if not field.derived}
    for name, other in getattr(cls, "aliases", {}).items():
        found[name] = found[other]
    for name, many in getattr(cls, "primaries", {}).items():
        found[name] = attrs.evolve(found[many], name=name, multiple=False, optional=True, default=None)
    return types.MappingProxyType(found)


def unknown(kind: str, name: object, known: Iterable[str]) -> UnknownField:
    """The error for a field that the noun has not, or that nobody may write."""
    called = name if type(name) is str else shown(name)
    return UnknownField(kind=kind, field=called, known=", ".join(known))


def _field(cls: Any, attribute: attrs.Attribute[Any], hint: Any) -> Field:
    marks: list[Any] = []
    optional, multiple = False, False
    inner = _unmarked(hint, marks)
    if get_origin(inner) in (Union, types.UnionType):
        optional = True
        (inner,) = (_unmarked(arg, marks) for arg in get_args(inner) if arg is not type(None))
    if get_origin(inner) is tuple:
        multiple = True
        inner = _unmarked(get_args(inner)[0], marks)
    return Field(
        cls.item_type,
        attribute.name,
        _type_of(attribute.name, inner),
        multiple,
        optional,
        next((mark.kind for mark in marks if isinstance(mark, Refers)), None),
        any(isinstance(mark, Derived) for mark in marks),
        None if attribute.default is attrs.NOTHING else attribute.default,
        next((mark.list for mark in marks if isinstance(mark, Listed)), None),
    )


def _unmarked(hint: Any, marks: list[Any]) -> Any:
    while get_origin(hint) is Annotated:
        hint, *found = get_args(hint)
        marks += found
    return hint


def _type_of(name: str, hint: Any) -> FieldType:
    if hint is MultiField:
        return _multi_field(MULTI_FIELD_TYPES[name])
    if get_origin(hint) is Literal:
        return _choice(get_args(hint))
    if name in _BY_NAME:
        return _BY_NAME[name]
    return CUSTOM if get_origin(hint) is abc.Mapping else _BY_CLASS.get(hint, ANYTHING)
