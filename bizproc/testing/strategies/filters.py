"""
Filters of a kind of item, drawn at random: `filters("deal")`.

They use every field and operator there is, links and relations included, and have been checked against their kind.
Values are drawn from pools of those that tend to go wrong (`pool`), so that filters and items that draw from the same
pools meet often. They shrink to a single condition, and their repr can be pasted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, get_args

from hypothesis import strategies as st

from bizproc.model.fields import Field, fields_of
from bizproc.model.messages import MessageStatus
from bizproc.model.money import Money
from bizproc.model.organisation import WEEKDAYS
from bizproc.model.pipelines import DEFAULT_STAGES
from bizproc.model.planned import WaitReason
from bizproc.rules.filters import Filter, any_of, every_of
from bizproc.rules.filters.operators import DAYS, MOMENTS, ORDER, SETS, TEXTS
from bizproc.rules.filters.predicates import Members, Path, condition, condition_on_list
from bizproc.rules.filters.relations import class_named, link_name, readable, relations_of

_NO_FIELDS: Final[Mapping[str, Field]] = MappingProxyType({})

TEXTS_POOL: Final = (
    *(
        "Tea",
        "tea",
        "TEA",
        "",
        " ",
        "Tea for Lyon",
        "Straße",
        "STRASSE",
        "strasse",
        "ß",
        "ss",
        "e",
        "é",
        "É",
        "e\u0301",
    ),
    *("ΣΊΣΥΦΟΣ", "σίσυφος", "Σ", "σ", "ς", "İ", "i", "I", "ı", "i\u0307", "Москва", "МОСКВА", "50%_\\", "%", "_", "\\"),
    *("'", '"', "null", "true", "and", "\u00a0", "\u2003", "\t\n", "ﬁ", "fi", "ſ", "s", "\u212a", "k", "a\nb", "😀"),
    *("\u0345", "ι", "Å", "\u212b", "A\u030a", "C1:NEW", "NEW", "WON", "EUR", "USD", "10", "9", "-1", "1.10", "1.1"),
)
"""Texts of which two that look different may be the same, or the other way round."""

NUMBERS_POOL: Final = tuple(
    map(
        Decimal,
        "0 1 -1 1.1 1.10 9 10 -9 -10 100 99.9999 0.0001 -0.0001 12.5 12.45 123 -12.5 -12.45 1E+3 0.00005".split(),  # noqa: SIM905
    )
)
INTEGERS_POOL: Final = (0, 1, 2, 3, 4, 5, 9, 10, -1, 100, 2**62)
DAYS_POOL: Final = tuple(date(2026, 3, 29) + timedelta(days=days) for days in (0, 1, -1, 2, -2, 7, -7, 30, -30))
MOMENTS_POOL: Final = tuple(
    datetime(2026, 3, 29, 1, tzinfo=UTC) + timedelta(hours=hours, microseconds=micros)
    for hours in (0, -1, -2, -3, 1, 11, 21, 22, 23, 24, -24, -25, 48, 500)
    for micros in (0, 1, -1)
)
"""Around the night in which summer time begins in Paris."""

CHOICES_POOL: Final = ("S", "M", "L")
"""The options of choices."""

TIMES_POOL: Final = (time(0), time(9), time(9, 0, 0, 1), time(9, 30), time(10), time(23, 59, 59))
MONEY_POOL: Final = tuple(
    Money(Decimal(amount), each) for amount in ("0", "1", "1.10", "-9") for each in ("EUR", "USD")
)

SOUND: Final = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
"""The characters that texts can hold."""

_DURATIONS: Final = (timedelta(0), timedelta(hours=1), timedelta(days=1), timedelta(days=2, microseconds=1))
_COUNTS: Final = (1, 2, 7, 30)
_TEXTS: Final = ("text", "choice", "url", "multi_field")
"""Types of fields that hold texts."""

_CHOICES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "semantics": ("process", "success", "failure", "apology"),
        "currency": ("EUR", "USD", "JPY"),
        "time_zone": ("Europe/Paris", "UTC"),
        "stage": tuple(each.code for each in DEFAULT_STAGES["deal"]),
        "exclusion.type": ("PHONE", "EMAIL"),
        "message.status": get_args(MessageStatus),
        "wait.reason": get_args(WaitReason),
        **dict.fromkeys(WEEKDAYS, ("", "09:00-18:00")),
    }
)
"""By name, or by kind and name: fields that hold only some words."""


def _choices(field: Field) -> tuple[str, ...]:
    return _CHOICES.get(f"{field.kind}.{field.name}") or _CHOICES.get(field.name, ())


def pool(field: Field) -> tuple[Any, ...]:
    """Values that a field, or an element of a multiple one, can hold, without None."""
    if _choices(field):
        return _choices(field)
    if field.name == "probability":
        return (0, 1, 5, 50, 100)
    if field.type.name == "multi_field":
        return tuple(text for text in TEXTS_POOL if text.strip())
    if field.refers is not None or field.name in ("id", "owner_id", "product_id"):
        return (1, 2, 3, 4, 5, 99)
    return {
        "text": TEXTS_POOL,
        "integer": INTEGERS_POOL,
        "number": NUMBERS_POOL,
        "money": NUMBERS_POOL,
        "truth": (False, True),
        "day": DAYS_POOL,
        "moment": MOMENTS_POOL,
        "choice": CHOICES_POOL,
        "time": TIMES_POOL,
        "url": tuple(f"https://a.example/{text}" for text in ("", "Tea", "tea", "Straße")),
        "money_value": MONEY_POOL,
    }.get(field.type.name, ())


def filters(
    item: str, *, custom: Mapping[str, Field] = _NO_FIELDS, max_leaves: int = 8, currencies: bool = False
) -> st.SearchStrategy[Filter]:
    """
    Filters of a kind of item.

    Args:
        item: `deal`, `contact`…
        custom: Its custom fields, by code, if filters are to use them.
        max_leaves: How many conditions a filter may have.
        currencies: Also compare with amounts in a currency; such filters raise CurrencyMismatch on other items.
    """
    leaves = st.one_of(
        conditions(item, custom=custom, currencies=currencies),
        _linked(item, currencies=currencies),
        _related(item, currencies=currencies),
        st.sampled_from([every_of(()), any_of(())]),
    )
    return combined(leaves, max_leaves).map(lambda found: found.check(item, fields_of(class_named(item)), custom))


def combined(leaves: st.SearchStrategy[Filter], max_leaves: int = 8) -> st.SearchStrategy[Filter]:
    """Filters that consist of these."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(lambda part: ~part),
            st.lists(inner, max_size=3).map(every_of),
            st.lists(inner, max_size=3).map(any_of),
        ),
        max_leaves=max_leaves,
    )


def conditions(
    kind: str, prefix: Path = (), *, custom: Mapping[str, Field] = _NO_FIELDS, currencies: bool = False
) -> st.SearchStrategy[Filter]:
    """Single conditions on the fields of a kind, at the end of a path."""
    own = [((*prefix, name), field) for name, field in readable(class_named(kind)).items() if name != "custom"]
    own += [((*prefix, "custom", code), field) for code, field in custom.items()]
    return st.sampled_from(own).flatmap(lambda found: _condition(*found, currencies=currencies))


def _linked(kind: str, *, currencies: bool) -> st.SearchStrategy[Filter]:
    fields = readable(class_named(kind)).values()
    links = [(name, str(field.refers)) for field in fields if (name := link_name(field)) is not None]
    links = [(name, refers) for name, refers in links if class_named(refers) is not None]
    if not links:
        return st.nothing()
    return st.sampled_from(links).flatmap(lambda link: conditions(link[1], (link[0],), currencies=currencies))


def _related(kind: str, *, currencies: bool) -> st.SearchStrategy[Filter]:
    relations = list(relations_of(kind).values())
    if not relations:
        return st.nothing()
    return st.sampled_from(relations).flatmap(
        lambda relation: st.builds(
            Members,
            st.just((relation.name,)),
            st.booleans(),
            combined(conditions(relation.kind, currencies=currencies), 2),
        )
    )


def _condition(path: Path, field: Field, *, currencies: bool) -> st.SearchStrategy[Filter]:
    """A condition that says something about the field."""
    made: list[st.SearchStrategy[Filter]] = [st.sampled_from(["null", "empty"]).map(lambda name: condition(path, name))]
    if not pool(field) or (field.multiple and field.type.name == "money_value"):
        return made[0]
    values = _values(field)
    if field.multiple:
        made.append(st.builds(_on_list(path), st.sampled_from(SETS), st.lists(values, max_size=3)))
    else:
        made += _of_one(path, field, values, currencies=currencies)
    if field.type.name in _TEXTS:
        made.append(st.builds(_on_values(path), st.sampled_from(TEXTS), _texts()))
    return st.one_of(made)


def _of_one(
    path: Path, field: Field, values: st.SearchStrategy[Any], *, currencies: bool
) -> list[st.SearchStrategy[Filter]]:
    or_none = st.one_of(values, st.none())
    made: list[st.SearchStrategy[Filter]] = [
        or_none.map(lambda value: condition(path, "=", value)),
        st.builds(_on_list(path), st.just("in"), st.lists(or_none, max_size=3)),
    ]
    if field.type.name != "truth":
        in_order = _texts() if field.type.name in _TEXTS else values
        made.append(st.builds(_on_values(path), st.sampled_from(ORDER[:-1]), in_order))
        made.append(st.builds(_between(path), in_order, in_order))
    if field.type.name in ("day", "moment"):
        made.append(st.sampled_from(DAYS).flatmap(lambda name: _days(path, name)))
    if field.type.name == "moment":
        made.append(st.builds(_on_values(path), st.sampled_from(MOMENTS), st.sampled_from(_DURATIONS)))
    if field.type.name in ("money", "money_value") and currencies:
        amounts = st.builds(Money, st.sampled_from(NUMBERS_POOL), st.sampled_from(["EUR", "USD"]))
        made.append(st.builds(_on_values(path), st.sampled_from(["=", *ORDER[:-1]]), amounts))
    return made


def _days(path: Path, name: str) -> st.SearchStrategy[Filter]:
    if name == "on":
        return st.sampled_from(DAYS_POOL).map(lambda day: condition(path, name, day))
    if name in ("last_days", "next_days"):
        return st.sampled_from(_COUNTS).map(lambda count: condition(path, name, count))
    return st.just(condition(path, name))


def _texts() -> st.SearchStrategy[str]:
    """Of the pool, parts of these, and any."""
    return st.one_of(st.sampled_from(TEXTS_POOL), st.text(SOUND, max_size=3))


def _values(field: Field) -> st.SearchStrategy[Any]:
    """Values that conditions compare the field with."""
    pooled = st.sampled_from(NUMBERS_POOL if field.type.name == "money_value" else pool(field) or (0,))
    if field.type.name == "text" and not _choices(field):
        return st.one_of(pooled, _texts())
    if field.type.name in ("number", "money", "money_value"):
        return st.one_of(pooled, st.decimals(-1000, 1000, places=6, allow_nan=False))
    return pooled


def _on_list(path: Path) -> Callable[[str, list[Any]], Filter]:
    return lambda operator, values: condition_on_list(path, operator, values)


def _on_values(path: Path) -> Callable[[str, Any], Filter]:
    return lambda operator, value: condition(path, operator, value)


def _between(path: Path) -> Callable[[Any, Any], Filter]:
    return lambda first, last: condition(path, "between", first, last)
