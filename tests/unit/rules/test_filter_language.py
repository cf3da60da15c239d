"""`F` and the forms of a filter: what people type and read. The laws are in tests/properties/test_filters.py."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc import now
from bizproc.core.codec import Codec
from bizproc.core.errors import (
    BizprocError,
    FilterUnreadable,
    NoSuchField,
    NotRestorable,
    UnknownField,
    WrongFieldValue,
    WrongFilter,
)
from bizproc.model import Company, Deal, Money, User
from bizproc.model.fields import fields_of
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.rules.filters import F, Filter, from_json, parse, render, to_json
from bizproc.rules.filters.fields import Fields, LinkedOperand
from bizproc.rules.filters.relations import link_name, readable, relations_of

DEAL = fields_of(Deal)


def test_f_has_the_fields_links_and_relations_of_the_model_and_no_others() -> None:
    classes = {**NOUNS, **BELONGINGS}
    fields = {name for cls in classes.values() for name in readable(cls)} - {"custom"}
    every = (field for cls in classes.values() for field in readable(cls).values())
    links = {name for name in map(link_name, every) if name is not None}
    relations = {name for kind in classes for name in relations_of(kind)}
    assert not relations & (fields | links), "a name for two things"
    expected = dict.fromkeys(relations - fields, "Several") | dict.fromkeys(links, "Link")
    expected |= {name: "LinkedOperand" if name in links else "Operand" for name in fields} | {"custom": "CustomFields"}
    assert {str(name): annotation for name, annotation in expected.items()} == Fields.__annotations__


def test_what_must_be_awaited_first_is_said_so() -> None:
    with pytest.raises(WrongFilter, match="await now"):
        F.created_at < now()  # noqa: B015


def test_no_field_is_called_as_an_operator() -> None:
    operators = {name for name in vars(LinkedOperand.__mro__[1]) if not name.startswith("_")}
    assert not operators & Fields.__annotations__.keys()


@pytest.mark.parametrize(
    ("filter", "text"),
    [
        ((F.amount >= 100) & F.stage.is_in(["NEW", "WON"]), "amount >= 100 and stage in (NEW, WON)"),
        (F.title.contains("50%"), 'title contains "50%"'),
        (F.emails.is_empty(), "emails is empty"),
        (F.close_date.between(date(2026, 1, 1), date(2026, 2, 1)), "close_date between 2026-01-01 and 2026-02-01"),
        (F.company.country == "FR", "company.country = FR"),
        (~(F.source == "WEB"), "source != WEB"),
        (F.title.not_contains("x") | F.source.is_filled(), "title not contains x or source is filled"),
        ((F.id == 1) & (F.any(F.id == 2, F.id == 3)), "id = 1 and (id = 2 or id = 3)"),
        (~((F.id == 1) & (F.id == 2)), "not (id = 1 and id = 2)"),
        (F.contacts.any(F.last_name == "Moor"), "contacts any (last_name = Moor)"),
        (F.products.every(F.price > Decimal("1.10")), "products every (price > 1.10)"),
        (F.custom.delivery_city == "Lyon", "custom.delivery_city = Lyon"),
        (F.amount > Money(100, "EUR"), "amount > 100 EUR"),
        (F.created_at.within_last(timedelta(hours=25)), "created_at within_last 1 days 1 hours"),
        (F.created_at.on(date(2026, 1, 1)), "created_at on 2026-01-01"),
        (F.created_at.last_days(7), "created_at last_days 7"),
        (F.created_at.today(), "created_at is today"),
        (F.phones.none_of(["+33 1"]), 'phones none_of ("+33 1")'),
        (F.stage == "C1:NEW", "stage = C1:NEW"),
        (F.stage == "null", 'stage = "null"'),
        (F.source == None, "source = null"),  # noqa: E711
        (F.opened == True, "opened = true"),  # noqa: E712
        (F.created_by.email == "a@b", 'created_by.email = "a@b"'),
        (
            F.moved_at >= datetime(2026, 1, 1, 1, tzinfo=UTC),
            "moved_at >= 2026-01-01T01:00:00Z",
        ),
        (F.all(), "true"),
        (F.any(), "false"),
    ],
)
def test_a_filter_and_its_text(filter: Filter, text: str) -> None:
    assert render(filter) == str(filter) == text
    assert parse(text) == filter


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("amount>=100 and stage in (NEW, WON)", "amount >= 100 and stage in (NEW, WON)"),
        ("AMOUNT_IS_NO_FIELD = 1", None),
        ("amount == 1 AND NOT (stage <> 'x' OR title=\"y\")", "amount = 1 and not (stage != x or title = y)"),
        ("amount=-5", "amount = -5"),
        ("amount >= 1e3", "amount >= 1000"),
        ("not not amount = 1", "amount = 1"),
        ("((amount = 1))", "amount = 1"),
        ("stage in ()", "stage in ()"),
        ("stage in (NEW,)", "stage in (NEW)"),
        ("stage not in ('a b')", 'stage not in ("a b")'),
        ("source is not null", "source is not null"),
        ("source is not filled", "source is empty"),
        ("moved_at > 2026-01-01T03:00:00+02:00", "moved_at > 2026-01-01T01:00:00Z"),
        ("created_at within_next 1 day", "created_at within_next 1 days"),
        (r"title = 'it\'s \u00e9'", 'title = "it\'s é"'),
        ('title = "a\nb"', r'title = "a\nb"'),
        ("title = Tee", "title = Tee"),
        ("id = 1 and id = 2 or id = 3 and id = 4", "id = 1 and id = 2 or id = 3 and id = 4"),
    ],
)
def test_a_text_may_be_written_in_other_ways(text: str, same: str | None) -> None:
    if same is None:
        with pytest.raises(FilterUnreadable):
            parse(text)
    else:
        assert render(parse(text)) == same


@pytest.mark.parametrize(
    ("text", "position", "detail"),
    [
        ("", 0, "expected a field, found the end"),
        ("amount", 6, "expected a comparison"),
        ("amount >=", 9, "expected a value"),
        ("amount >= 100 stage = NEW", 14, "expected `and`, `or` or the end, found stage"),
        ("amout = 1", 0, "no kind of item has a field 'amout'. Did you mean amount?"),
        ("company = 1", 0, "company is no field"),
        ("contacts = 1", 9, "expected `any (…)` or `every (…)`"),
        ("title.x = 1", 0, "nothing lies behind title"),
        ("title = 'x", 8, "this quote is not closed"),
        ("title = and", 8, "expected a value (a text, if need be in quotes), found and"),
        ("title like x", 6, "expected a comparison"),
        ("title not like x", 10, "expected `in`, `contains`"),
        ("stage in NEW", 9, "expected (, found NEW"),
        ("stage in (NEW", 13, "expected ), found the end"),
        ("(amount = 1", 11, "expected ), found the end"),
        ("amount > 5 EURO", 11, "expected a currency's code by ISO 4217, like EUR, found EURO"),
        ("amount > 5 ABC", 11, "expected a currency's code by ISO 4217, like EUR, found ABC"),
        ("amount = 1)", 10, "expected `and`, `or` or the end, found )"),
        ("amount between 1 or 2", 17, "expected and, found or"),
        ("title = @x", 8, "'@' means nothing here"),
        ("close_date = 2026-02-30", 13, "expected a date that there is"),
        ("moved_at = 2026-01-01T00:00:00", 0, "a datetime with a time zone"),
        ("amount = 1e999", 0, "at most 15 digits"),
        ("amount = 1e99999999999999999999", 9, "expected a number that there is"),
        ("amount = " + "9" * 200, 9, "fewer digits"),
        ("id = 9223372036854775808", 0, "at most 64 bits"),
        ('title = "\\ud800"', 0, "lone surrogates"),
        ("created_at within_last 3 weeks", 25, "expected one of days, hours, minutes, seconds"),
        ("created_at within_last soon", 23, "expected a duration"),
        ("created_at within_last 99999999999999 days", 23, "expected a duration that there is"),
        ("created_at within_last 1e99999999999999999999 days", 23, "expected a number that there is"),
        ("created_at within_last 5 EUR", 25, "expected one of days, hours, minutes, seconds"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_place(text: str, position: int, detail: str) -> None:
    with pytest.raises(FilterUnreadable) as raised:
        parse(text)
    assert raised.value.position == position
    assert detail in raised.value.detail
    _, shown, mark = str(raised.value).splitlines()
    assert len(mark) <= len(shown) + 1


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "not " * 20_000 + "amount",
        "not (" * 10_000,
        "contacts any (" * 5_000,
        "amount = 1 and " * 7_000,
        "company." * 10_000 + "title = 1",
        "title = '" + "\\" * 99_000,
        "stage in (" + "a," * 49_000,
        "x" * 1_000_000,
        "amount = 1" + " " * 99_000 + "@",
        "\ud800",
        "title = \0",
    ],
)
def test_hostile_texts_are_refused_soon_and_clearly(text: str) -> None:
    with pytest.raises((FilterUnreadable, WrongFilter)):
        parse(text)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(FilterUnreadable):
        assert parse(str(parse(text))) == parse(text)


WORDS = st.sampled_from(
    ["amount", "title", "=", ">=", "1", "x", "and", "or", "not", "(", ")", "in", ",", "is", "null", "'"]
)


@given(st.lists(WORDS, max_size=12).map(" ".join))
def test_any_words_are_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except FilterUnreadable:
        return
    assert parse(render(found)) == found


# -- JSON --------------------------------------------------------------------------------------------------------------


def test_the_json_form_does_not_change() -> None:
    where = (F.amount >= Decimal("1.50")) & ~F.stage.is_in(["NEW", None]) & F.contacts.any(F.name.contains("é"))
    assert to_json(where) == (
        '{"version":1,"where":["and",[">=","amount",{"$decimal":"1.5"}],["not",["in","stage","NEW",null]],'
        '["any","contacts",["contains","name","é"]]]}'
    )
    assert to_json(F.amount == Money(5, "EUR")) == '{"version":1,"where":["=","amount",[5,"EUR"]]}'
    assert to_json(F.moved_at < datetime(2026, 1, 1, tzinfo=UTC)) == (
        '{"version":1,"where":["<","moved_at",{"$datetime":"2026-01-01T00:00:00+00:00"}]}'
    )


def test_an_int_and_its_decimal_are_one_filter() -> None:
    assert (F.amount >= 100) == (F.amount >= Decimal("1E+2"))
    assert to_json(F.amount >= 100) == to_json(F.amount >= Decimal("100.00"))
    assert (F.opened == True) != (F.opened == 1)  # noqa: E712


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"version":2,"where":["=","amount",1]}',
        '{"version":1,"where":[]}',
        '{"version":1,"where":["nope","amount",1]}',
        '{"version":1,"where":["=","amount"]}',
        '{"version":1,"where":["=","amount",1,2]}',
        '{"version":1,"where":["=","amout",1]}',
        '{"version":1,"where":["=","__class__.x",1]}',
        '{"version":1,"where":["=","amount.__init__",1]}',
        '{"version":1,"where":["=","company",1]}',
        '{"version":1,"where":["any","amount",["=","id",1]]}',
        '{"version":1,"where":["=","amount",[1]]}',
        '{"version":1,"where":["=","amount",[1,"euro"]]}',
        '{"version":1,"where":["=","amount",1.5]}',
        '{"version":1,"where":["=","amount",{"a":1}]}',
        '{"version":1,"where":["not"]}',
        '{"version":1,"where":' + '["not",["and",["=","id",1],' * 60 + '["=","id",1]' + "]]" * 60 + "}",
        '{"version":1,"where":' + '["or",["=","id",1],["and",["=","id",1],' * 400 + '["=","id",1]' + "]]" * 400 + "}",
        '{"version":1,"where":' + "[" * 100_000,
    ],
)
def test_what_is_no_filter_in_json_is_refused(text: str) -> None:
    with pytest.raises((WrongFilter, NotRestorable)) as raised:
        from_json(text)
    assert str(raised.value)


@pytest.mark.parametrize("value", ["5", '"soon"', "null", '{"$duration":"-P1D"}'])
def test_a_duration_in_json_is_checked_when_the_filter_meets_its_kind(value: str) -> None:
    """Not when it is asked: by then it stands in a trigger, and nothing would be started any more."""
    with pytest.raises((WrongFilter, WrongFieldValue, NotRestorable)):
        from_json(f'{{"version":1,"where":["within_last","created_at",{value}]}}').check("deal", fields_of(Deal))


def test_the_journal_refuses_what_is_no_filter() -> None:
    codec = Codec()
    written = codec.encode(F.amount >= 1)
    assert written == (
        '{"$object":["bizproc.rules.filters.predicates:Filter",{"version":1,"where":[">=","amount",1]}]}'
    )
    with pytest.raises(NotRestorable):
        codec.decode(written.replace(">=", "=>"))
    with pytest.raises(NotRestorable):
        codec.decode('{"version":1,"where":["=>","amount",1]}', Filter)


# -- F -----------------------------------------------------------------------------------------------------------------


def test_a_name_that_no_kind_has_is_refused_at_once() -> None:
    anything: Any = F
    with pytest.raises(NoSuchField, match=r"F has no field 'amuont'\. Did you mean amount\?"):
        anything.amuont  # noqa: B018
    with pytest.raises(NoSuchField, match=r"F\.company has no field 'x'"):
        anything.company.x  # noqa: B018
    with pytest.raises(NoSuchField):
        F.custom["not a name"]
    assert not hasattr(anything, "amuont")
    assert not hasattr(anything, "__len__")
    with pytest.raises(AttributeError):
        anything.amount = 5


def test_what_is_not_finished_is_no_value() -> None:
    for node in (F, F.amount, F.company, F.contacts, F.custom):
        with pytest.raises(TypeError):
            pickle.dumps(node)
        with pytest.raises(TypeError):
            copy.copy(node)
        with pytest.raises(TypeError):
            hash(node)
        with pytest.raises(BizprocError):
            bool(node)


def test_an_item_stands_for_its_id() -> None:
    assert (F.company_id == Company(id=5)) == (F.company_id == 5)
    assert F.responsible_id.is_in([User(3), 4]) == F.responsible_id.is_in([3, 4])
    assert F.observer_ids.any_of([User(3)]) == F.observer_ids.any_of([3])
    with pytest.raises(WrongFilter, match="no such field holds the id of a user"):
        F.company_id == User(3)  # noqa: B015


def test_a_filter_meets_its_kind() -> None:
    (F.amount >= 1).check("deal", DEAL)
    with pytest.raises(UnknownField, match="deal has no field 'phones'"):
        F.phones.is_empty().check("deal", DEAL)
    with pytest.raises(UnknownField, match="company has no field 'stage'"):
        (F.company.stage == "NEW").check("deal", DEAL)
    with pytest.raises(UnknownField, match="contact has no field 'amount'"):
        F.contacts.any(F.amount >= 1).check("deal", DEAL)
    with pytest.raises(UnknownField, match="'deals'"):
        F.deals.any(F.amount >= 1).check("deal", DEAL)
    with pytest.raises(UnknownField, match=r"custom\.city"):
        (F.custom.city == "x").check("deal", DEAL, {})
    with pytest.raises(WrongFieldValue, match="one of process, success"):
        (F.semantics == "sucess").check("deal", DEAL)
    with pytest.raises(WrongFieldValue, match="number of days from 1"):
        F.created_at.last_days(0).check("deal", DEAL)
    with pytest.raises(WrongFilter, match="amounts of several currencies"):
        F.amount.between(Money(1, "EUR"), Money(1, "USD")).check("deal", DEAL)
    with pytest.raises(WrongFilter, match="use ==, !=, is_in, not_in, is_null"):
        F.opened.contains("x").check("deal", DEAL)


def test_custom_fields_that_are_not_known_yet_are_left_for_later() -> None:
    where = (F.custom.city == 5) & (F.amount >= 1)
    assert where.check("deal", DEAL) == where
    with pytest.raises(WrongFieldValue):
        where.check("deal", DEAL, {"city": DEAL["title"]})
