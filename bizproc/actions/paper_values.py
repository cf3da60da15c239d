"""What a template of documents can name: the item and all around it, as people read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import evolve, field, frozen

from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.details import ADDRESS_TYPES, Address, BankDetails, ClientDetails, DetailsTemplate
from bizproc.model.fields import Field
from bizproc.model.kinds import class_of
from bizproc.model.money import Money
from bizproc.model.printing import Printer, currency_of, in_line, readable
from bizproc.model.products import ProductRow
from bizproc.model.users import User
from bizproc.ports.crm import Crm

Values = dict[str, Any]

_UNPRINTED: Final = ("custom", "anything")


@frozen(kw_only=True)
class Party:
    """
    Somebody in a document, with their details.

    Attributes:
        company: The company, or contact; None if there is none.
        details, bank: What papers say of them.
    """

    company: Any = None
    details: ClientDetails | None = None
    bank: BankDetails | None = None


@frozen(kw_only=True)
class About:
    """
    What a document is about, as it is now.

    Attributes:
        custom: The custom fields of kinds of items.
        templates: All templates of details: what a party has no details for is empty, not unknown.
        own: What the document itself says: its number, date, title.
        given: What the caller gives beside it, or in its place.
    """

    item: Any
    rows: tuple[ProductRow, ...]
    company: Party
    contact: Party
    mine: Party
    responsible: User | None
    custom: Mapping[str, Mapping[str, Field]]
    templates: tuple[DetailsTemplate, ...]
    own: Mapping[str, Any]
    given: Mapping[str, Any] = field(factory=dict)


async def printed_values(port: Crm, about: About) -> Values:
    """The values as texts. Printed twice: first to hear whose names are wanted, then with these names."""
    wanted: dict[tuple[str, Any], None] = {}

    def note(kind: str, key: Any) -> str:
        wanted[kind, key] = None
        return ""

    _Printing(Printer(portal=port.portal, look=note), about).values()
    names = await port.names(tuple(wanted))
    return _Printing(Printer(portal=port.portal, look=lambda kind, key: names.get((kind, key), "")), about).values()


class _Printing:
    """Prints what a document is about."""

    def __init__(self, printer: Printer, about: About) -> None:
        self._printer = printer
        self._data = evolve(printer, in_data=True)  # users without their number
        self._about = about

    def values(self) -> Values:
        """All of them; what is given goes in place of what was found."""
        about = self._about
        item = self._noun(type(about.item), about.item)
        values: Values = {
            "item": item,
            about.item.item_type: item,
            "company": self._noun(Company, about.company.company),
            "contact": self._noun(Contact, about.contact.company),
            "my_company": self._noun(Company, about.mine.company),
            "responsible": self._noun(User, about.responsible),
            "rows": [self._row(place, row) for place, row in enumerate(about.rows, start=1)],
            **self._party("company", about.company),
            **self._party("contact", about.contact),
            **self._party("my_company", about.mine),
            **{name: self._given(value) for name, value in about.own.items()},
        }
        for name, value in about.given.items():
            _put(values, name.split("."), self._given(value))
        return values

    def _noun(self, cls: Any, noun: Any) -> Values:
        """All fields of a noun; of none, empty texts."""
        kind = cls.item_type if noun is None else noun.item_type
        fields = {name: evolve(each, kind=kind) for name, each in readable(class_of(kind)).items()}
        values: Values = {
            name: "" if noun is None else self._field(each, getattr(noun, name), currency_of(noun))
            for name, each in fields.items()
            if each.type.name not in _UNPRINTED
        }
        if "custom" in fields:
            values["custom"] = {
                code: "" if noun is None else self._field(each, noun.custom.get(code), currency_of(noun))
                for code, each in self._about.custom.get(kind, {}).items()
            }
        return values

    def _field(self, field: Field, value: Any, currency: str) -> str:
        """As people read it on paper: no marks for links, no numbers of users; amounts with their currency."""
        if value in (None, ()):
            return ""
        if field.type.name == "money":
            return self._printer.of_field(field, value, currency)
        if field.type.name == "url" or field.name == "currency":
            return in_line(str(value))
        if field.refers == "file":
            ids: Iterable[Any] = value if field.multiple else (value,)
            return ", ".join(in_line(self._printer.look("file", id_)) for id_ in ids)
        if field.type.name == "multi_field":
            return ", ".join(in_line(each.value) for each in value)
        return self._data.of_field(field, value, currency)

    def _row(self, place: int, row: ProductRow) -> Values:
        amounts = {name: Money(getattr(row, name), row.currency) for name in ("price", "net_price", "sum", "tax")}
        numbers = {name: getattr(row, name) for name in ("quantity", "discount_percent", "tax_rate")}
        texts = {"name": row.name, "measure": row.measure, "number": place}
        return {name: self._printer.value(value) for name, value in {**texts, **numbers, **amounts}.items()}

    def _party(self, name: str, party: Party) -> Values:
        codes = {code: "" for each in self._about.templates for code in each.fields}
        bank = {code: "" for each in self._about.templates for code in each.bank_fields}
        details = {} if party.details is None else party.details.fields
        addresses = {} if party.details is None else party.details.addresses
        return {
            f"{name}_details": {
                **codes,
                **{code: self._given(value) for code, value in details.items()},
                "addresses": {kind: self._printer.value(Address(**addresses.get(kind, {}))) for kind in ADDRESS_TYPES},
            },
            f"{name}_bank": {
                **bank,
                **{code: self._given(value) for code, value in (party.bank.fields if party.bank else {}).items()},
            },
        }

    def _given(self, value: Any) -> Any:
        """A value of the caller's own: texts, and what they are in."""
        match value:
            case Mapping():
                return {str(name): self._given(each) for name, each in value.items()}
            case list() | tuple():
                return [self._given(each) for each in value]
            case _:
                return self._data.value(value)


def _put(values: Values, path: list[str], value: Any) -> None:
    """`company.title` goes into what there is of the company."""
    for name in path[:-1]:
        inner = values.get(name)
        values[name] = inner = dict(inner) if isinstance(inner, Mapping) else {}
        values = inner
    values[path[-1]] = value
