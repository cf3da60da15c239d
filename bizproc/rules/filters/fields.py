"""
`F`: the fields of all kinds of items, to write filters with.

    F.amount >= 100            F.stage.is_in(["NEW", "WON"])        F.company.country == "FR"
    F.contacts.any(F.name == "Ann")                                 F.custom.delivery_city.contains("lyon")

One class for all kinds, so that editors complete; a test holds it equal to the model. Whether an item has the field is
seen when the filter meets its kind. Type checkers see a name that no kind has; at run time it is refused at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeAlias

from bizproc.core.errors import NoSuchField, NoTruthValue, WrongFilter
from bizproc.core.near import nearest
from bizproc.model.fields import fields_of, shown
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.model.texts import composed
from bizproc.rules.filters.predicates import (
    Condition,
    Filter,
    Members,
    Path,
    any_of,
    condition,
    condition_on_list,
    every_of,
)

Value: TypeAlias = Any
"""A text, a number, True or False, a date, a moment, a `Money`, None; where ids are, also an item."""


class _Node:
    """Something that `F` leads to. It is no filter yet, and has no truth value."""

    __slots__ = ("_steps",)

    _steps: Path

    def __init__(self, steps: Path) -> None:
        object.__setattr__(self, "_steps", steps)

    __hash__ = None  # type: ignore[assignment]  # == makes filters

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self!r}: nothing can be set here.")

    def __bool__(self) -> NoReturn:
        raise NoTruthValue(filter=repr(self))

    def __repr__(self) -> str:
        return "".join(["F", *(f".{step}" for step in self._steps)])

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self!r} is no value: make a filter of it.")

    if not TYPE_CHECKING:  # type checkers are to go on saying that there is no such operator

        def _combined(self, _other: object = None) -> NoReturn:
            """`F.closed & …`: a field alone is no condition, even where it is true or false."""
            detail = "this alone is no condition: compare it, or one of its fields, as in (F.closed == True)."
            raise WrongFilter(filter=repr(self), detail=detail)

        __and__ = __rand__ = __or__ = __ror__ = __xor__ = __invert__ = _combined


def path_of(node: _Node) -> Path:
    """The steps from the item to a field, a link or a relation."""
    steps: Path = node._steps  # noqa: SLF001 - under no other name, for every name may be a field's
    return steps


class _Incomparable(_Node):
    """What has to be followed by a field."""

    __slots__ = ()

    def __eq__(self, other: object) -> NoReturn:
        raise WrongFilter(filter=repr(self), detail="this is no field: compare one of its fields, such as its id.")

    def __ne__(self, other: object) -> NoReturn:
        self.__eq__(other)

    __hash__ = None


class Operand(_Node):
    """A field. Operators and methods make filters of it."""

    __slots__ = ()
    __hash__ = None

    # -- equality and order

    def __eq__(self, other: Value) -> Condition:  # type: ignore[override]
        """It is this value, exactly; `== None`: it is null."""
        return self._compared("=", other)

    def __ne__(self, other: Value) -> Filter:  # type: ignore[override]
        """It is not this value; null is not either."""
        return ~self._compared("=", other)

    def __lt__(self, other: Value) -> Condition:
        """It is less, or earlier; false of null, as all comparisons of order."""
        return self._compared("<", other)

    def __le__(self, other: Value) -> Condition:
        """It is this value, or less."""
        return self._compared("<=", other)

    def __gt__(self, other: Value) -> Condition:
        """It is more, or later."""
        return self._compared(">", other)

    def __ge__(self, other: Value) -> Condition:
        """It is this value, or more."""
        return self._compared(">=", other)

    def between(self, first: Value, last: Value) -> Condition:
        """From one value to another, both included."""
        return self._compared("between", first, last)

    def is_in(self, values: Iterable[Value]) -> Condition:
        """It is one of these values; of none: false."""
        return self._listed("in", values)

    def not_in(self, values: Iterable[Value]) -> Filter:
        """It is none of these values; null is none, unless None is among them."""
        return ~self._listed("in", values)

    # -- texts: case does not count; of a list, one value suffices

    def contains(self, text: str) -> Condition:
        """The text is part of it. No character is a wildcard."""
        return self._text("contains", text)

    def not_contains(self, text: str) -> Filter:
        """The text is no part of it."""
        return ~self._text("contains", text)

    def starts_with(self, text: str) -> Condition:
        """It begins with the text."""
        return self._text("starts_with", text)

    def equals_text(self, text: str) -> Condition:
        """It is this text, whatever its case."""
        return self._text("equals_text", text)

    # -- nothing

    def is_null(self) -> Condition:
        """It holds nothing at all: for lists, no value."""
        return self._compared("null")

    def is_empty(self) -> Condition:
        """It is null, a blank text or an empty list. 0 and False are not empty."""
        return self._compared("empty")

    def is_filled(self) -> Filter:
        """It is not empty."""
        return ~self._compared("empty")

    # -- lists

    def any_of(self, values: Iterable[Value]) -> Condition:
        """The list has one of these values, or several; of none: false."""
        return self._listed("any_of", values)

    def all_of(self, values: Iterable[Value]) -> Condition:
        """The list has all of these values, and perhaps more; of none: true."""
        return self._listed("all_of", values)

    def none_of(self, values: Iterable[Value]) -> Filter:
        """The list has none of these values."""
        return ~self._listed("any_of", values)

    def same_set(self, values: Iterable[Value]) -> Condition:
        """The list has these values and no others, in whatever order."""
        return self._listed("same_set", values)

    # -- dates and moments; days are those of the portal's zone

    def on(self, day: date) -> Condition:
        """On this day."""
        return self._compared("on", day)

    def today(self) -> Condition:
        """On the day of the evaluation."""
        return self._compared("today")

    def yesterday(self) -> Condition:
        """On the day before it, which is not the same as up to 24 hours ago (`within_last`)."""
        return self._compared("yesterday")

    def last_days(self, count: int) -> Condition:
        """On one of so many days before today; today is not among them."""
        return self._compared("last_days", count)

    def next_days(self, count: int) -> Condition:
        """On one of so many days after today; today is not among them."""
        return self._compared("next_days", count)

    def before_today(self) -> Condition:
        """On any day before today."""
        return self._compared("before_today")

    def after_today(self) -> Condition:
        """On any day after today."""
        return self._compared("after_today")

    def within_last(self, duration: timedelta) -> Condition:
        """A moment that is past, and not longer ago than this."""
        return self._compared("within_last", self._duration(duration))

    def within_next(self, duration: timedelta) -> Condition:
        """A moment that is to come, within this."""
        return self._compared("within_next", self._duration(duration))

    # -- below

    def _compared(self, operator: str, *values: Value) -> Condition:
        return condition(self._steps, operator, *(_id_or(self._steps, value) for value in values))

    def _listed(self, operator: str, values: Iterable[Value]) -> Condition:
        several = [_id_or(self._steps, each) for each in values] if isinstance(values, (list, tuple, set)) else values
        return condition_on_list(self._steps, operator, several)

    def _text(self, operator: str, text: object) -> Condition:
        if type(text) is not str:
            raise WrongFilter(filter=f"{self!r}.{operator}", detail=f"expected a text, got {shown(text)}.")
        return condition(self._steps, operator, text)

    def _duration(self, duration: object) -> timedelta:
        if type(duration) is not timedelta:
            raise WrongFilter(filter=repr(self), detail=f"expected a timedelta, got {shown(duration)}.")
        return duration


def _id_or(steps: Path, value: Any) -> Any:
    """An item stands for its id, where the field holds ids of such items."""
    kind = getattr(type(value), "item_type", None)
    if not isinstance(kind, str) or not hasattr(value, "id"):
        return value
    if steps[-2:-1] != ("custom",) and kind not in _kinds_in(steps[-1]):
        raise WrongFilter(filter=".".join(steps), detail=f"no such field holds the id of a {kind}.")
    return value.id


@cache
def _kinds_in(name: str) -> frozenset[str]:
    """Of which kinds a field of this name holds ids."""
    found = set()
    for cls in (*NOUNS.values(), *BELONGINGS.values()):
        for many in (name, getattr(cls, "primaries", {}).get(name)):
            field = fields_of(cls).get(many) if many else None
            if field is not None and field.refers is not None:
                found.add(field.refers)
            if name == "id":
                found.add(cls.item_type)
    return frozenset(found)


class Several(_Incomparable):
    """Items that the item lists or owns. They are asked one by one."""

    __slots__ = ()

    def any(self, where: Filter) -> Members:
        """One of them fits, or several; of none: false."""
        return self._members(where, every=False)

    def every(self, where: Filter) -> Members:
        """All of them fit; of none: true."""
        return self._members(where, every=True)

    def _members(self, where: Filter, *, every: bool) -> Members:
        if not isinstance(where, Filter):
            raise WrongFilter(filter=repr(self), detail=f"expected a filter of these items, got {shown(where)}.")
        return Members(self._steps, every, where)


class CustomFields(_Incomparable):
    """The custom fields: `F.custom.code`, or `F.custom["code"]` where the code is a word of Python's."""

    __slots__ = ()

    def __getitem__(self, code: str) -> Operand:
        if type(code) is not str or not code.isidentifier():
            raise NoSuchField(path=repr(self), field=shown(code), hint=" The code of a custom field is a name.")
        steps: Path = self._steps
        return Operand((*steps, composed(code)))

    def __getattr__(self, code: str) -> Operand:
        return self[_no_dunder(self, code)]


class Fields(_Node):
    """The fields of all kinds of items, the links to others, and the relations to several."""

    __slots__ = ()

    custom: CustomFields

    account_number: Operand
    active: Operand
    activity_id: Operand
    address: Operand
    address_2: Operand
    addresses: Operand
    all_day: Operand
    also: Operand
    amount: Operand
    at: Operand
    author_id: Operand
    bank_fields: Operand
    banking_details: Operand
    begin_date: Operand
    bindings: Operand
    birth_date: Operand
    channel: Operand
    city: Operand
    clicked_at: Operand
    client_address: Operand
    close_date: Operand
    closed: Operand
    closed_at: Operand
    code: Operand
    comment: Operand
    comments: Operand
    company_id: Operand
    company_ids: Operand
    company_title: Operand
    complete_on_stage_change: Operand
    completed: Operand
    completed_at: Operand
    connected: Operand
    contact_id: Operand
    contact_ids: Operand
    content: Operand
    conversion: Operand
    country: Operand
    created_at: Operand
    created_by: LinkedOperand
    currency: Operand
    deadline: Operand
    deal_id: Operand
    department_ids: Operand
    description: Operand
    details_id: Operand
    direction: Operand
    discount_percent: Operand
    due_at: Operand
    email: Operand
    emails: Operand
    employees: Operand
    end: Operand
    export: Operand
    field: Operand
    fields: Operand
    file_id: Operand
    friday: Operand
    has_client: Operand
    has_dates: Operand
    has_my_company: Operand
    has_observers: Operand
    has_pipelines: Operand
    has_products: Operand
    has_stages: Operand
    head_id: Operand
    holidays: Operand
    honorific: Operand
    id: Operand
    important: Operand
    ims: Operand
    industry: Operand
    is_my_company: Operand
    is_return_customer: Operand
    kind: Operand
    kinds: Operand
    last_activity_at: Operand
    last_name: Operand
    lead_id: Operand
    legal_address: Operand
    links: Operand
    list: Operand
    location: Operand
    logo_id: Operand
    made_by: Operand
    manager_id: Operand
    manual_amount: Operand
    measure: Operand
    media_type: Operand
    member_ids: Operand
    message_id: Operand
    mobile_phone: Operand
    modified_by: LinkedOperand
    monday: Operand
    moved_at: Operand
    moved_by: LinkedOperand
    my_company_id: Operand
    name: Operand
    new: Operand
    number: Operand
    number_pattern: Operand
    observer_ids: Operand
    old: Operand
    opened: Operand
    opened_at: Operand
    origin_id: Operand
    originator_id: Operand
    owner_id: Operand
    owner_kind: Operand
    paid: Operand
    paid_at: Operand
    parent_id: Operand
    parents: Operand
    path: Operand
    pdf_id: Operand
    phones: Operand
    photo_id: Operand
    pipeline: Operand
    placeholders: Operand
    post: Operand
    postal_code: Operand
    price: Operand
    probability: Operand
    product_id: Operand
    provider: Operand
    province: Operand
    public_url: Operand
    quantity: Operand
    quote_id: Operand
    read: Operand
    reason: Operand
    recipient: Operand
    reference: Operand
    region: Operand
    responsible_id: Operand
    revenue: Operand
    saturday: Operand
    second_name: Operand
    section: Operand
    selected: Operand
    semantics: Operand
    sender: Operand
    service: Operand
    sha256: Operand
    signature_id: Operand
    size: Operand
    sort: Operand
    source: Operand
    source_description: Operand
    stage: Operand
    stamp_id: Operand
    start: Operand
    status: Operand
    status_description: Operand
    step: Operand
    subject: Operand
    sum: Operand
    sunday: Operand
    system: Operand
    tax: Operand
    tax_included: Operand
    tax_rate: Operand
    template_id: Operand
    terms: Operand
    text: Operand
    thursday: Operand
    time_zone: Operand
    title: Operand
    tuesday: Operand
    type: Operand
    updated_at: Operand
    url: Operand
    user_id: Operand
    user_ids: Operand
    utm_campaign: Operand
    utm_content: Operand
    utm_medium: Operand
    utm_source: Operand
    utm_term: Operand
    value: Operand
    webs: Operand
    wednesday: Operand
    with_address: Operand
    with_stamp: Operand
    work_phone: Operand

    # links: the item that a field points at
    company: Link
    contact: Link
    deal: Link
    details: Link
    file: Link
    head: Link
    lead: Link
    logo: Link
    manager: Link
    my_company: Link
    parent: Link
    photo: Link
    quote: Link
    responsible: Link
    signature: Link
    stamp: Link
    template: Link
    user: Link

    # several: what the item lists, what belongs to it, what points at it
    absences: Several
    activities: Several
    bank_details: Several
    bookings: Several
    client_details: Several
    companies: Several
    contacts: Several
    deals: Several
    departments: Several
    documents: Several
    history_events: Several
    invoices: Several
    leads: Several
    members: Several
    messages: Several
    notifications: Several
    observers: Several
    orders: Several
    payments: Several
    products: Several
    quotes: Several
    smart_items: Several
    tasks: Several
    templates: Several
    users: Several
    waits: Several
    working_hours: Several

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            made = _made_by_name().get(_no_dunder(self, name))
            if made is None:
                raise NoSuchField(path=repr(self), field=name, hint=_hint(name))
            return made((*self._steps, name))


class Link(_Incomparable, Fields):
    """The item that a field points at."""

    __slots__ = ()


class LinkedOperand(Operand, Fields):
    """A field that holds an id, and the item it points at: `F.created_by == 3`, `F.created_by.email`."""

    __slots__ = ()


class Root(_Incomparable, Fields):
    """The class of `F`."""

    __slots__ = ()

    def all(self, *filters: Filter) -> Filter:
        """All of these hold; of none: true."""
        return every_of(filters)

    def any(self, *filters: Filter) -> Filter:
        """One of these holds, or several; of none: false."""
        return any_of(filters)


@cache
def _made_by_name() -> dict[str, type[_Node]]:
    classes = {each.__name__: each for each in (Operand, LinkedOperand, Link, Several, CustomFields)}
    return {name: classes[annotation] for name, annotation in Fields.__annotations__.items()}


def _no_dunder(node: _Node, name: str) -> str:
    """What Python looks for by itself is not here."""
    if name.startswith("__"):
        raise AttributeError(f"{node!r} has no {name}")
    return name


def _hint(name: str) -> str:
    near = nearest(name, _made_by_name())
    return f" Did you mean {near}?" if near else ""


F: Final = Root(())
