"""
Items, drawn at random: `deals()`, `leads()`, `quotes()`, `invoices()`, `contacts()`, `companies()` and the like.

They are values of the model, as a process gets its document: nothing is written into any store. A few fields at a time
have another value than their default, one that a CRM could hold, and what follows from other fields follows: a deal in
`WON` is closed.
Examples shrink to fields that have their defaults, which an item does not print: `Deal(id=1, stage='WON')`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final, TypeVar, cast

from hypothesis import strategies as st

from bizproc.model import Company, Contact, Deal, Invoice, Lead, MultiField, Product, Quote, StagedItem, User
from bizproc.model.fields import Field, fields_of
from bizproc.model.lists import LISTS
from bizproc.model.multi_fields import MULTI_FIELD_TYPES
from bizproc.model.pipelines import DEFAULT_STAGES
from bizproc.model.texts import composed
from bizproc.testing.strategies.making import made
from bizproc.testing.strategies.moments import moments

T = TypeVar("T")

_IDS: Final = st.integers(1, 50)
_CURRENCIES: Final = st.sampled_from(["EUR", "USD", "JPY", "CHF"])
_ZONES: Final = st.sampled_from(["UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu"])
_DAYS: Final = st.dates(date(2000, 1, 1), date(2037, 12, 31))


def in_cents(cents: int) -> Decimal:
    """`Decimal('5')` and not `Decimal('5.00')`: as the store gives it back."""
    return Decimal(cents // 100) if cents % 100 == 0 else Decimal(cents).scaleb(-2).normalize()


def texts(most: int = 30) -> st.SearchStrategy[str]:
    """Texts that a CRM can hold: any characters but NUL, lone surrogates and other control characters."""
    return st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=most).map(composed)


def amounts() -> st.SearchStrategy[Decimal]:
    """Amounts of money, small ones and large ones, in cents."""
    whole = made(Decimal, st.integers(0, 1_000_000_000))  # first: an example shrinks to it
    return st.one_of(whole, made(in_cents, st.integers(0, 100_000_000_000)))


def deals(**fields: Any) -> st.SearchStrategy[Deal]:
    """
    Deals.

    Args:
        fields: Values, or strategies, for fields that are not to be any: `deals(stage="NEW", amount=amounts())`.
    """
    return items_of(Deal, fields)


def leads(**fields: Any) -> st.SearchStrategy[Lead]:
    """Leads; `fields` as with `deals`."""
    return items_of(Lead, fields)


def quotes(**fields: Any) -> st.SearchStrategy[Quote]:
    """Quotes; `fields` as with `deals`."""
    return items_of(Quote, fields)


def invoices(**fields: Any) -> st.SearchStrategy[Invoice]:
    """Invoices; `fields` as with `deals`."""
    return items_of(Invoice, fields)


def contacts(**fields: Any) -> st.SearchStrategy[Contact]:
    """Contacts; `fields` as with `deals`."""
    return items_of(Contact, fields)


def companies(**fields: Any) -> st.SearchStrategy[Company]:
    """Companies; `fields` as with `deals`."""
    return items_of(Company, fields)


def products(**fields: Any) -> st.SearchStrategy[Product]:
    """Products of the catalogue; `fields` as with `deals`."""
    return items_of(Product, fields)


def users(**fields: Any) -> st.SearchStrategy[User]:
    """Users; `fields` as with `deals`."""
    return items_of(User, fields)


def items_of(cls: type[T], fields: Mapping[str, Any] | None = None) -> st.SearchStrategy[T]:
    """Items of a class, with these values or strategies for some of the fields."""
    always: dict[str, st.SearchStrategy[Any]] = {"id": _IDS}
    if issubclass(cls, StagedItem):
        always["stage"] = st.sampled_from([stage.code for stage in DEFAULT_STAGES.get(cls.item_type, ())] or [""])
    for name, given in (fields or {}).items():
        always[name] = given if isinstance(given, st.SearchStrategy) else st.just(given)
    others = {
        name: _values(field)
        for name, field in fields_of(cast("Any", cls)).items()
        if name not in always and _varies(field)
    }
    # A field's name and value are one element of one list, so that an example loses both at once when it shrinks.
    pairs = [st.tuples(st.just(name), strategy) for name, strategy in others.items()]
    some = st.lists(st.one_of(pairs), max_size=_MOST, unique_by=itemgetter(0))
    return _item(cls, always, some, frozenset(fields or ()))


@st.composite
def _item(
    draw: st.DrawFn,
    cls: type[T],
    always: Mapping[str, st.SearchStrategy[Any]],
    some: st.SearchStrategy[list[tuple[str, Any]]],
    given: frozenset[str],
) -> T:
    """An item some of whose fields have not their default."""
    values = {name: draw(strategy) for name, strategy in always.items()} | dict(draw(some))
    follows = {name: value for name, value in _following(cls, values).items() if name not in given}
    return cls(**values | follows)


_MOST: Final = 8
"""Fields that have not their default, in one item: what people write of one is not more, and can still be read."""


def _varies(field: Field) -> bool:
    """Whether it is anybody's to say: what a field follows from, and which custom fields there are, is not."""
    return field.type.name != "custom" and (not field.derived or field.type.name == "moment")


def _values(field: Field) -> st.SearchStrategy[Any]:
    one = _single(field)
    return made(tuple, st.lists(one, max_size=3, unique=True)) if field.multiple else one


def _single(field: Field) -> st.SearchStrategy[Any]:
    if field.refers is not None:
        return _IDS
    if field.list is not None:
        return st.sampled_from(list(LISTS[field.list]))
    return _BY_NAME[field.name] if field.name in _BY_NAME else _by_type(field)


def _by_type(field: Field) -> st.SearchStrategy[Any]:
    match field.type.name:
        case "integer":
            return st.integers(0, 100)
        case "truth":
            return st.booleans()
        case "number":
            return made(in_cents, st.integers(0, 100_00))
        case "money":
            return amounts()
        case "day":
            return _DAYS
        case "moment":
            return moments()
        case "multi_field":
            return st.builds(MultiField, texts(12).filter(str.strip), st.sampled_from(MULTI_FIELD_TYPES[field.name]))
        case "text":
            return texts()
        case _:
            return st.just(field.default)


_BY_NAME: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "price": amounts(),
    "currency": _CURRENCIES,
    "time_zone": _ZONES,
    "type": st.sampled_from([1, 2, 3, 4, 7]),  # of a product; the types of the others are lists
    "pipeline": st.just(0),  # that of the stages above
}


def _following(cls: type[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What follows from the fields."""
    # No item was changed before it was made.
    times = [name for name in _TIMES if name in values]
    follows: dict[str, Any] = dict(zip(times, sorted(values[name] for name in times), strict=True))
    if issubclass(cls, StagedItem):
        semantics = {stage.code: stage.semantics for stage in DEFAULT_STAGES.get(cls.item_type, ())}
        meaning = semantics.get(values["stage"], "process")
        follows |= {"semantics": meaning, "closed": meaning != "process"}
        if meaning == "process" and "closed_at" in values:
            follows["closed_at"] = None
    return follows


_TIMES: Final = ("created_at", "moved_at", "updated_at", "last_activity_at")
