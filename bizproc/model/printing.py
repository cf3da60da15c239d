"""
The print version of values: what people read in place of ids, codes and numbers (`actions.md`, 0.7).

Pure: what users, items, stages and entries of lists are called is asked of a `look`, and language and zone are given.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeAlias
from urllib.parse import quote

from attrs import field, frozen

from bizproc.core.errors import NotPrintable
from bizproc.model import languages
from bizproc.model.details import Address
from bizproc.model.fields import CUSTOM_REFERS, TEXT, Field, fields_of, shown, unknown, writable
from bizproc.model.files import File
from bizproc.model.items import Item
from bizproc.model.money import Money, exact
from bizproc.model.multi_fields import MultiField
from bizproc.model.planned import Booking
from bizproc.model.portal import Portal
from bizproc.model.references import LARGEST_ID, ItemRef
from bizproc.model.users import User

Look: TypeAlias = Callable[[str, Any], str]
"""
What something is called, given its kind of noun and its key; nothing for what is not there.

The key is an id, but of a stage (kind of item, code) and of an entry of a list (`reference`) (list, code).
"""

NAMED: Final = ("title", "full_name")
"""What some nouns have beside their fields, and can be read and printed as one."""


ASK: Final = (
    "What it is called is the CRM's to say, as of this moment: "
    '`await crm.deal(5).get_data("responsible_id", print_version=True)`.'
)


def nobody_asked(kind: str, key: Any) -> NoReturn:
    """A `look` for where there is no CRM to ask."""
    what = f"{kind} {key[1] if isinstance(key, tuple) else key}"
    raise NotPrintable(what=what, instead=ASK)


@frozen(kw_only=True)
class Printer:
    """
    Prints values, in one language and zone.

    Attributes:
        portal: Whose language and zone.
        look: What others are called.
        in_data: As "Get CRM data" prints: amounts without their symbol, currencies by name, users without their number,
            several phones and the like parted by semicolons.
    """

    portal: Portal = field(factory=Portal)
    look: Look = nobody_asked
    in_data: bool = False

    # -- of a field

    def of_field(self, field: Field, value: Any, currency: str = "") -> str:
        """
        The value of a field.

        Args:
            field: Says what the value is.
            value: As the field keeps it.
            currency: In which an amount is, where it is one.
        """
        if value is None:
            return ""
        if not field.multiple:
            return self._one(field, value, currency)
        parted_by = "; " if self.in_data and field.type.name == "multi_field" else ", "
        return _joined(parted_by, (self._one(field, each, currency) for each in value))

    def _one(self, field: Field, value: Any, currency: str) -> str:
        refers = field.refers or CUSTOM_REFERS.get(field.type.name)
        if refers is not None:
            return self._referred(refers, value)
        if field.list is not None:
            return in_line(self.look("reference", (field.list, value))) if value else ""
        if field.type.name == "money":
            return self._amount(value, currency, symbol=not self.in_data)
        if field.type.name == "url":
            return url_link(value)
        match field.name:
            case "stage":
                return in_line(self.look("stage", (field.kind, value))) if value else ""
            case "pipeline":
                return in_line(self.look("pipeline", value))
            case "semantics":
                return languages.semantics(self.language, value)
            case "currency" if self.in_data:
                return languages.currency_name(self.language, value)
        return self.value(value)

    def _referred(self, kind: str, id: Any) -> str:
        name = in_line(self.look(kind, id))
        match kind:
            case "file":
                return file_link(id, name) if name else ""
            case "user":
                return self._user(name, id) if name else ""
            case _:
                return name

    def _user(self, name: str, id: int) -> str:
        return name if self.in_data else f"{name} [{id}]".lstrip()

    def _amount(self, value: Decimal, currency: str, *, symbol: bool = True) -> str:
        return languages.amount(self.language, _sound(value), currency, symbol=symbol)

    # -- by itself

    def value(self, value: Any) -> str:
        """A value by what it is. Raises NotPrintable."""
        match value:
            case None:
                return ""
            case str():
                return str(value)
            case bool():
                return languages.yes_or_no(self.language, value=value)
            case int():
                return str(_small(value))
            case Decimal():
                return languages.number(self.language, _sound(value))
            case datetime():
                return languages.moment(self.language, self._local(value))
            case date():
                return languages.day(self.language, value)
            case time():
                return languages.time_of_day(self.language, value)
            case _:
                return self._composed(value)

    def _composed(self, value: Any) -> str:
        match value:
            case tuple() | list():
                return _joined(", ", map(self.value, value))
            case Money():
                return self._amount(value.amount, value.currency)
            case MultiField():
                return f"{languages.label(self.language, value.type)}: {in_line(value.value)}"
            case Address():
                return self._address(value)
            case ItemRef():
                return self._referred(value.kind, value.id)
            case _:
                return self._noun(value)

    def _noun(self, value: Any) -> str:
        match value:
            case User():
                return self._user(in_line(value.title), value.id)
            case File():
                return file_link(value.id, value.name)
            case Booking():
                return self._booking(value)
            case _:
                name = called(value)
                return in_line(name) if name is not None else _unprintable(value)

    def _booking(self, booking: Booking) -> str:
        who = self._referred("user", booking.user_id)
        days = booking.all_day
        start, end = (self.value(self._local(each).date() if days else each) for each in (booking.start, booking.end))
        return _joined(", ", (who, f"{start} – {end}", in_line(booking.service)))

    def _address(self, address: Address) -> str:
        country = address.country or languages.country_name(self.language, address.country_code)
        city = f"{address.postal_code} {address.city}"
        parts = (address.line_1, address.line_2, city, address.region, address.province, country)
        return _joined(", ", map(in_line, parts))

    def _local(self, moment: datetime) -> datetime:
        if moment.utcoffset() is None:
            raise NotPrintable(what=repr(moment), instead="Give it a time zone: it is no moment without one.")
        try:
            return moment.astimezone(self.portal.zone)
        except OverflowError:  # at the very ends of the calendar there are zones in which it is no moment any more
            return moment

    @property
    def language(self) -> str:
        """The portal's language."""
        return self.portal.language


# -- fields of a noun in hand ------------------------------------------------------------------------------------------


def readable(cls: Any) -> Mapping[str, Field]:
    """All that can be read of a noun as a field: fields, other names of them, the first of lists, what it is called."""
    named = {name: Field(cls.item_type, name, TEXT, derived=True) for name in NAMED if hasattr(cls, name)}
    return {**named, **writable(cls), **fields_of(cls)}


def field_of(item: Any, name: str) -> tuple[Field, Any]:
    """A field of a noun, and what it holds there; of a custom field only the latter is known. Raises UnknownField."""
    code = name.removeprefix("custom.")
    if code != name and isinstance(item, Item):
        return Field(item.item_type, name, TEXT, optional=True), item.custom.get(code)
    known = readable(type(item))
    if name not in known:
        raise unknown(item.item_type, name, known)
    return known[name], getattr(item, name)


def currency_of(item: Any) -> str:
    """In which the amounts of a noun are."""
    return getattr(item, "currency", None) or ""


def called(noun: Any) -> str | None:
    """What a noun is called; None for what has no name, and for what is no noun."""
    if not hasattr(type(noun), "item_type"):
        return None
    return next((getattr(noun, name) for name in (*NAMED, "name", "subject") if hasattr(noun, name)), None)


# -- texts -------------------------------------------------------------------------------------------------------------

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_BRACKETS: Final = str.maketrans("[]", "()")
_LINKED: Final = re.compile(r"(?:https?|ftp|mailto|tel):", re.IGNORECASE)


def in_line(text: str) -> str:
    """A name in one line: what breaks lines or moves the cursor is a blank."""
    return " ".join(_CONTROL.sub(" ", text).split())


def file_link(id: int, name: str) -> str:
    """The link to a file, as BBCode. Brackets in its name are round: square ones would be marks."""
    return f"[url=/files/{id}]{in_line(name).translate(_BRACKETS) or id}[/url]"


def url_link(address: str) -> str:
    """
    The link to an address, as BBCode.

    What would end the mark early is percent-encoded. A scheme that is no address of anything one could go to
    (`javascript:`) gives no link.
    """
    if not address:
        return ""
    shown_ = in_line(address).translate(_BRACKETS)
    if not _LINKED.match(address):
        return shown_
    target = quote(address, safe="%!#$&'()*+,/:;=?@~-._")
    return f"[url={target}]{shown_}[/url]"


def _joined(parted_by: str, texts: Any) -> str:
    return parted_by.join(text for text in texts if text.strip())


# -- numbers that are none ---------------------------------------------------------------------------------------------


def _sound(value: Decimal) -> Decimal:
    try:
        return exact(value)
    except ValueError as error:
        raise NotPrintable(what=shown(value), instead=f"Expected {error}.") from None


def _small(value: int) -> int:
    if not -LARGEST_ID <= value <= LARGEST_ID:
        raise NotPrintable(what=f"an integer of {value.bit_length()} bits", instead="No field holds one as large.")
    return value


def _unprintable(value: Any) -> NoReturn:
    raise NotPrintable(what=f"a {type(value).__name__}", instead="It is no value that a field holds.")
