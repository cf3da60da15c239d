"""The laws of filters: what they mean, in memory and in SQL. One test a law, and a few more where one would be long."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Context, Decimal
from functools import partial
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st

from bizproc import crm
from bizproc.adapters.sql_crm.shapes import shape_named
from bizproc.core.codec import Codec, argument_hash
from bizproc.core.errors import CurrencyMismatch, NoTruthValue, WrongFieldValue, WrongFilter
from bizproc.model import Company, Contact, Deal, ItemRef, Lead, Money, MultiField, ProductRow
from bizproc.model.days import day_of, midnight
from bizproc.model.fields import fields_of
from bizproc.rules.filters import (
    Explanation,
    F,
    Filter,
    any_of,
    became,
    changed,
    every_of,
    from_json,
    parse,
    split,
    to_json,
)
from bizproc.rules.filters.operators import ORDER, same
from bizproc.rules.filters.predicates import (
    DEEPEST,
    AllOf,
    AnyOf,
    Condition,
    Members,
    Not,
    condition,
    condition_on_list,
)
from bizproc.rules.filters.relations import readable
from bizproc.rules.filters.splitting import Can
from bizproc.store.types import moment, moment_text
from bizproc.testing.strategies import filters
from bizproc.testing.strategies.filters import (
    DAYS_POOL,
    MOMENTS_POOL,
    NUMBERS_POOL,
    SOUND,
    TEXTS_POOL,
    pool,
)
from tests.contract.conftest import Office
from tests.properties.shelves import NOW, PARIS, SHELVES, ZONES, Shelf, outcome, shelf

SETTINGS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
KINDS = (
    *(*("deal",) * 9, *("product_row",) * 3, "contact", "company", "user", "product", "activity", "history_event"),
    *("lead", "quote", "invoice", "smart_item", "contract", "details", "department", "order"),
)

FIRST = datetime(1970, 1, 2)  # noqa: DTZ001 - Hypothesis adds the zone

shelves = st.integers(0, SHELVES - 1).map(shelf)
texts = st.one_of(
    st.sampled_from(TEXTS_POOL),
    st.lists(st.sampled_from(TEXTS_POOL), max_size=3).map("".join),
    st.text(SOUND, max_size=5),
)
deal_filters = filters("deal", custom=shelf(0).custom)
now_and_then = st.one_of(st.sampled_from(MOMENTS_POOL), st.datetimes(FIRST, timezones=st.just(UTC)))
ONE = Shelf()
"""A shelf that each test fills for itself."""


def deals(**columns: Sequence[Any]) -> Shelf:
    """Deals 1, 2, 3… with these values."""
    rows = zip(*columns.values(), strict=True)
    made = (Deal(id=id_, **dict(zip(columns, row, strict=True))) for id_, row in enumerate(rows, start=1))
    return ONE.holds(*made)


# -- logic -------------------------------------------------------------------------------------------------------------


@st.composite
def telling_apart(draw: st.DrawFn, on: Shelf, kind: str, where: Filter) -> Filter:
    """A filter, or one together with what one of the items holds: drawn alone, most fit all of them or none."""
    several = readable(shape_named(kind).cls).values()
    fields = [each for each in several if each.type.name in COMPARED and not each.multiple]
    amounts = [each for each in fields if each.type.name == "money"]
    field = draw(st.sampled_from([*fields, *amounts * 4]))
    value = getattr(on.of(kind)[draw(st.sampled_from(on.all(kind)))], field.name, None)
    if value is None:
        near = condition((field.name,), "null")
    elif field in amounts and draw(st.booleans()):
        sum_ = Money(value, draw(st.sampled_from(["EUR", "USD"])))
        near = condition((field.name,), draw(st.sampled_from(["=", *ORDER[:-1]])), sum_)
    else:
        operator = draw(st.sampled_from(["=", "in", *ORDER[:-1]])) if field.type.name != "truth" else "="
        path = (field.name,)
        near = condition_on_list(path, "in", [value]) if operator == "in" else condition(path, operator, value)
    return draw(
        st.sampled_from([where, near, where | near, where & near, ~near & where, ~(near | where), near & ~where])
    )


COMPARED = ("text", "integer", "number", "money", "truth", "day", "moment")


def met_where_sql_and_memory_agree(examples: int) -> Counter[str]:
    """Looks at so many filters; gives how often they found some items, all or none, or raised."""
    met = Counter[str]()

    @settings(SETTINGS, max_examples=examples)
    @given(on=shelves, data=st.data())
    def agree(on: Shelf, data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(KINDS))
        custom = on.custom if kind == "deal" else {}
        drawn = data.draw(filters(kind, custom=custom, currencies=data.draw(st.booleans())))
        where = data.draw(telling_apart(on, kind, drawn))
        found, fitting = outcome(lambda: on.found(where, kind)), outcome(lambda: on.fitting(where, kind))
        assert found == fitting
        raises = found is CurrencyMismatch
        what = "raises" if raises else "some" if 0 < len(found) < len(on.all(kind)) else "all or none"
        met[what] += 1
        event(what)

    agree()
    return met


def test_law_1_equivalence() -> None:
    """Law 1. Rows from SQL are the rows that evaluation in memory gives, for all filters."""
    met = met_where_sql_and_memory_agree(400)
    assert met.total() >= 400
    assert met["some"] >= 80, "hardly any filter tells items apart"


@pytest.mark.long
def test_law_1_equivalence_of_thousands() -> None:
    """Law 1. As above, ten thousand times."""
    met = met_where_sql_and_memory_agree(10_000)
    assert met.total() >= 10_000
    assert met["some"] >= 3_000
    assert met["raises"] >= 50


@settings(SETTINGS, max_examples=100)
@given(on=shelves, p=deal_filters)
def test_law_2_partition(on: Shelf, p: Filter) -> None:
    """Law 2. What fits and what does not are all, and nothing is both."""
    yes, no = on.both(p), on.both(~p)
    assert not set(yes) & set(no)
    assert sorted(yes + no) == on.all()


@settings(SETTINGS, max_examples=80)
@given(on=shelves, p=deal_filters, q=deal_filters)
def test_law_3_de_morgan(on: Shelf, p: Filter, q: Filter) -> None:
    """Law 3. not(p and q) is not p or not q, and the other way round."""
    assert on.both(~(p & q)) == on.both(~p | ~q)
    assert on.both(~(p | q)) == on.both(~p & ~q)


@settings(SETTINGS, max_examples=80)
@given(on=shelves, p=deal_filters, q=deal_filters)
def test_law_4_double_negation_idempotence_absorption(on: Shelf, p: Filter, q: Filter) -> None:
    """Law 4. not not p is p; p and p is p; p or p and q is p."""
    assert ~~p == p
    assert on.both(Not(Not(p))) == on.both(p) == on.both(AllOf((p, p))) == on.both(AnyOf((p, p)))
    assert on.both(p | (p & q)) == on.both(p) == on.both(p & (p | q))


@settings(SETTINGS, max_examples=80)
@given(on=shelves, p=deal_filters, q=deal_filters, r=deal_filters)
def test_law_5_commutative_and_associative(on: Shelf, p: Filter, q: Filter, r: Filter) -> None:
    """Law 5. The order of parts says nothing; of nothing `all` is true and `any` false."""
    assert on.both(p & q & r) == on.both(r & (q & p))
    assert on.both(p | q | r) == on.both(r | (q | p))
    assert on.both(F.all()) == on.all()
    assert on.both(F.any()) == []
    assert F.all(p) == F.any(p) == p


@pytest.mark.parametrize("how", ["not", "and or"])
def test_law_5_a_hundred_deep(how: str) -> None:
    """Law 5. A hundred levels compile, evaluate, and come back from all forms; one more is refused."""
    on, inside = shelf(0), F.stage.is_in(["NEW", "WON"])
    deep, negated = inside & F.all(inside, F.id > 0), False  # what is around it says nothing, so that it decides
    while deep.depth < DEEPEST:
        if how == "not" and deep.depth % 2:
            deep, negated = ~deep, not negated
        else:
            deep = deep | (F.id < 0) if deep.depth % 2 else deep & (F.id > 0)
    assert deep.depth == DEEPEST
    assert on.both(deep) == on.both(~inside if negated else inside) != []
    assert parse(str(deep)) == deep == from_json(to_json(deep)) == Codec().decode(Codec().encode(deep, Filter), Filter)
    assert Codec().canonical(deep)
    assert evaluated(repr(deep)) == deep
    with pytest.raises(WrongFilter, match="nested more than 100 deep"):
        Not(deep)


def test_law_5_relations_are_nested_four_deep() -> None:
    """Law 5. Each relation multiplies the items that are looked at: a filter must not run for ever."""
    far: Filter = F.id > 0
    for step in (F.contacts, F.deals, F.contacts):
        far = step.any(far)
    assert shelf(0).both(far)
    far = F.deals.any(far)
    with pytest.raises(WrongFilter, match="nested more than 100 deep"):
        F.contacts.any(far)
    path: Any = F.responsible
    for _ in range(10):
        path = path.manager
    with pytest.raises(WrongFilter, match="more than 10 steps"):
        path.email.is_empty()


def test_law_5_any_number_side_by_side() -> None:
    """Law 5. Depth counts, width does not."""
    on = shelf(0)
    many = [F.amount == amount for amount in range(5000)]
    assert on.both(any_of(many)) == on.both(F.amount.is_in(list(range(5000))))
    assert on.both(every_of([~each for each in many])) == on.both(F.amount.not_in(list(range(5000))))
    assert on.both(any_of([F.title.contains(str(number)) for number in range(2000)])) == on.both(
        F.any(*(F.title.contains(str(digit)) for digit in range(10)))
    )


# -- equality and order ------------------------------------------------------------------------------------------------

FIELDS = [
    *(("deal", name) for name in ("title", "source", "responsible_id", "amount", "opened", "close_date", "moved_at")),
    *(("deal", name) for name in ("probability", "company_id", "contact_id")),
    *(("product", name) for name in ("price", "tax_rate", "code")),
    *(("company", name) for name in ("revenue", "type")),
]


@st.composite
def field_and_values(draw: st.DrawFn, *, ordered: bool = False) -> tuple[str, Any, list[Any]]:
    """A kind, a field of it as F has it, and values for it."""
    among = [each for each in FIELDS if not ordered or each[1] != "opened"]
    kind, name = draw(st.sampled_from(among))
    values = st.sampled_from(pool(readable(shape_named(kind).cls)[name]))
    return kind, getattr(F, name), draw(st.lists(values, min_size=1, max_size=4))


@settings(SETTINGS, max_examples=60)
@given(on=shelves, drawn=field_and_values())
def test_law_6_in_nothing(on: Shelf, drawn: tuple[str, Any, list[Any]]) -> None:
    """Law 6. Nothing is in an empty list, null neither; everything is not in it."""
    kind, field, _ = drawn
    assert on.both(field.is_in([]), kind) == []
    assert on.both(field.not_in([]), kind) == on.all(kind)


@settings(SETTINGS, max_examples=60)
@given(on=shelves, drawn=field_and_values())
def test_law_7_in_with_null(on: Shelf, drawn: tuple[str, Any, list[Any]]) -> None:
    """Law 7. In [a, None] is a or null."""
    kind, field, values = drawn
    either = every_of([F.any(*(field == value for value in values), field.is_null())])
    assert on.both(field.is_in([*values, None]), kind) == on.both(either, kind)
    assert on.both(field.not_in([*values, None]), kind) == on.both(~either, kind)


@settings(SETTINGS, max_examples=60)
@given(on=shelves, drawn=field_and_values())
def test_law_8_unequal_includes_null(on: Shelf, drawn: tuple[str, Any, list[Any]]) -> None:
    """Law 8. x != v is not(x == v), and null rows are among them."""
    kind, field, (value, *_) = drawn
    assert on.both(field != value, kind) == on.both(~(field == value), kind)
    assert set(on.both(field.is_null(), kind)) <= set(on.both(field != value, kind))
    assert on.both(field == None, kind) == on.both(field.is_null(), kind)  # noqa: E711


@settings(SETTINGS, max_examples=100)
@given(on=shelves, drawn=field_and_values(ordered=True))
def test_law_9_order_is_false_on_null(on: Shelf, drawn: tuple[str, Any, list[Any]]) -> None:
    """Law 9. Of a value exactly one of <, =, > holds, and of null none; so not(x < v) is x >= v and the nulls."""
    kind, field, (value, *more) = drawn
    less, equal, more_than = (on.both(each, kind) for each in (field < value, field == value, field > value))
    null = on.both(field.is_null(), kind)
    assert sorted(less + equal + more_than + null) == on.all(kind)
    assert on.both(field <= value, kind) == sorted(less + equal)
    assert on.both(~(field < value), kind) == sorted([*on.both(field >= value, kind), *null])
    for other in more:
        assert on.both(field.between(value, other), kind) == on.both((field >= value) & (field <= other), kind)


FOUR = {"count": 0, "flag": False, "city": ""}


@pytest.mark.parametrize("held", [*FOUR, None])
def test_law_10_zero_false_blank_and_null_are_four(held: str | None) -> None:
    """Law 10. 0, False, "" and null are four values; empty are null, blank texts and []."""
    custom = {} if held is None else {held: FOUR[held]}
    assert not any(same(one, other) for one, other in combinations((0, False, "", None), 2))
    on = ONE.holds(Deal(id=1, custom=custom, contact_ids=()), Deal(id=2, title=" \t\u00a0\u2003", contact_ids=(1,)))
    for code, value in FOUR.items():
        field = F.custom[code]
        assert (1 in on.both(field == value)) is (code == held)
        assert (1 in on.both(field.is_null())) is (code != held)
        assert 1 in on.both(field.is_in([value, None]))
        assert (1 in on.both(field.is_empty())) is (code != held or value == "")
    for code, other in product(FOUR, FOUR.values()):
        if type(other) is not type(FOUR[code]):
            with pytest.raises(WrongFieldValue):
                on.found(F.custom[code] == other)
    assert on.both(F.title.is_empty()) == [1, 2]
    assert on.both(F.title.is_null()) == []
    assert on.both(F.contact_ids.is_empty()) == on.both(F.contact_ids.is_null()) == [1]


@given(text=texts)
def test_law_10_blank_is_what_has_nothing_but_blanks(text: str) -> None:
    """Law 10. A text is blank in SQL where it is in Python, for every character that is a blank."""
    blanks = "".join(chr(code) for code in range(0x3100) if chr(code).isspace())
    on = deals(title=[text, blanks, f"{blanks}x", ""])
    assert on.both(F.title.is_empty()) == [id_ for id_, item in on.items["deal"].items() if not item.title.strip()]
    assert {2, 4} <= set(on.both(F.title.is_empty()))


# -- texts -------------------------------------------------------------------------------------------------------------


def caseless(text: str) -> str:
    """Unicode's canonical caseless form (D145), said once more."""
    for _ in range(2):
        text = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFC", text)


def with_text(several: Sequence[str]) -> Shelf:
    """The same texts in a field that has a companion, one that has none, a custom field, and a multi-field."""
    made: list[Any] = []
    for id_, text in enumerate(several, start=1):
        made.append(Deal(id=id_, title=text, comments=text, custom={"city": text}, company_id=id_))
        made.append(Company(id=id_, title=text, phones=(MultiField(text, "WORK"),) if text.strip() else ()))
    return ONE.holds(*made)


WITH_TEXT = (F.title, F.comments, F.custom.city, F.company.title)


@settings(SETTINGS, max_examples=150)
@given(data=st.lists(texts, min_size=1, max_size=6), sought=texts)
@example(data=["STRASSE", "Straße", "ΣΊΣΥΦΟΣ", "σίσυφοσ", "МОСКВА", "İ"], sought="straße")
@example(data=["ΣΊΣΥΦΟΣ"], sought="σίσυφος")
@example(data=["İstanbul", "istanbul"], sought="i\u0307STANBUL")
def test_law_11_case(data: list[str], sought: str) -> None:
    """Law 11. == is exact; the operators on texts compare folded forms, in both engines, by bytes."""
    on = with_text(data)
    want = caseless(sought)
    folds = {id_: caseless(text) for id_, text in enumerate(data, start=1)}
    exact = [id_ for id_, text in enumerate(data, start=1) if nfc(text) == nfc(sought)]
    for field in WITH_TEXT:
        assert on.both(field == sought) == exact
        assert on.both(field.contains(sought)) == [id_ for id_, text in folds.items() if want in text]
        assert on.both(field.not_contains(sought)) == [id_ for id_, text in folds.items() if want not in text]
        assert on.both(field.starts_with(sought)) == [id_ for id_, text in folds.items() if text.startswith(want)]
        assert on.both(field.equals_text(sought)) == [id_ for id_, text in folds.items() if text == want]
        asked = on.sql(field.contains(sought)).text
        assert "LIKE" not in asked
    assert on.sql(F.title.contains(sought)).exact, "the companion says all"
    phones = [id_ for id_, text in folds.items() if want in text and data[id_ - 1].strip()]
    assert on.both(F.company.phones.contains(sought)) == phones


@settings(SETTINGS, max_examples=100)
@given(several=st.lists(texts, min_size=3, max_size=3))
def test_law_11_equal_texts_are_an_equivalence(several: list[str]) -> None:
    """Law 11. equals_text is reflexive, symmetric and transitive."""
    on = with_text(several)
    same = {(a, b) for a in (1, 2, 3) for b in on.both(F.title.equals_text(several[a - 1]))}
    assert {(a, a) for a in (1, 2, 3)} <= same
    assert all((b, a) in same for a, b in same)
    assert all((a, d) in same for a, b in same for c, d in same if b == c)


def nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


@settings(SETTINGS, max_examples=100)
@given(data=st.lists(texts, min_size=1, max_size=4), sought=texts)
def test_law_12_unicode_normal_form(data: list[str], sought: str) -> None:
    """Law 12. Composed or decomposed: of data and of what is sought, it makes no difference."""
    results = []
    for form in ("NFC", "NFD"):
        on = with_text([unicodedata.normalize(form, text) for text in data])
        for literal in ("NFC", "NFD"):
            text = unicodedata.normalize(literal, sought)
            asked = [each for f in WITH_TEXT for each in (f == text, f.contains(text), f < text, f.starts_with(text))]
            asked += [each for f in WITH_TEXT for each in (f.equals_text(text), f.is_in([text]), f.between("e", text))]
            asked += [F.company.phones.any_of([text]), F.company.phones.contains(text)]
            results.append([on.both(each) for each in asked])
    assert all(each == results[0] for each in results)


@settings(SETTINGS, max_examples=100)
@given(data=st.lists(st.text("50%_\\*?[]a", max_size=6), max_size=6), sought=st.text("50%_\\*?[]a", max_size=4))
@example(data=["50%_\\", "50x_\\", "500_\\", "50%x\\"], sought="50%_\\")
def test_law_13_wildcards_are_literal(data: list[str], sought: str) -> None:
    """Law 13. No character is a wildcard."""
    on = with_text(data)
    for field in WITH_TEXT:
        assert on.both(field.contains(sought)) == [id_ for id_, text in enumerate(data, start=1) if sought in text]
        starts = [id_ for id_, text in enumerate(data, start=1) if text.startswith(sought)]
        assert on.both(field.starts_with(sought)) == starts


# -- types -------------------------------------------------------------------------------------------------------------

BUILT: list[Callable[[], Any]] = [
    lambda: F.amount == Decimal("NaN"),
    lambda: F.amount < Decimal("sNaN"),
    lambda: F.amount >= Decimal("Infinity"),
    lambda: F.amount == 1.5,
    lambda: F.amount == float("nan"),  # noqa: PLW0177
    lambda: F.id == 2**63,
    lambda: F.id == -(2**63) - 1,
    lambda: F.id.is_in([1, 2**63]),
    lambda: F.title == "\ud800",
    lambda: F.title.contains("a\0b"),
    lambda: F.phones.any_of(["\0"]),
    lambda: F.created_at == datetime(2026, 1, 1),  # noqa: DTZ001
    lambda: F.title == b"x",
    lambda: F.title.contains(5),  # type: ignore[arg-type]
    lambda: F.stage.is_in("NEW"),
    lambda: F.created_at.within_last(5),  # type: ignore[arg-type]
    lambda: F.company_id == Deal(id=1),
    lambda: F.company == 5,
]


@pytest.mark.parametrize("number", range(len(BUILT)))
def test_law_14_values_are_checked_when_a_filter_is_built(number: int) -> None:
    """Law 14. NaN, ∞, floats, integers beyond 64 bits, lone surrogates, NUL and naive moments are refused at once."""
    with pytest.raises(WrongFilter) as raised:
        BUILT[number]()
    assert "expected" in str(raised.value) or "field" in str(raised.value)


WRONG_VALUES = {
    "text": [1, True, Decimal(1), date(2026, 1, 1)],
    "integer": ["1", True, Decimal(1), date(2026, 1, 1)],
    "number": ["1", True, date(2026, 1, 1), Money(Decimal(1), "EUR")],
    "money": ["1", True, date(2026, 1, 1)],
    "truth": ["true", 1, 0, Decimal(0)],
    "day": ["2026-01-01", 1, datetime(2026, 1, 1, tzinfo=UTC)],
    "moment": ["2026-01-01T00:00:00Z", 1, date(2026, 1, 1)],
}


@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_law_14_types_are_checked_against_the_kind(data: st.DataObject, kind: str) -> None:
    """Law 14. A text against a number is an error, not an affinity; a truth is no integer."""
    cls = shape_named(kind).cls
    fields = [each for each in readable(cls).values() if each.type.name in WRONG_VALUES and not each.multiple]
    field = data.draw(st.sampled_from(fields))
    value = data.draw(st.sampled_from(WRONG_VALUES[field.type.name]))
    operand = getattr(F, field.name)
    several = [operand == value, operand != value, operand.is_in([None, value])]
    several += [] if field.type.name == "truth" else [operand < value, operand.between(value, value)]
    for where in several:
        with pytest.raises(WrongFieldValue, match=f"{kind}.{field.name}: expected"):
            where.check(kind, fields_of(cls))


def test_law_14_no_truth_value() -> None:
    """Law 14. `and`, `or`, `not`, `if` and chains are refused, and the error says what to write."""
    p, q, nothing = F.amount >= 1, F.title == "x", F.amount
    for wrong in (lambda: p and q, lambda: p or q, lambda: not p, lambda: 1 < F.amount < 5, lambda: bool(nothing)):
        with pytest.raises(NoTruthValue, match=r"use &, \|, ~"):
            wrong()
    with pytest.raises(NoTruthValue):
        assert F.amount in [5, 6]


# -- money and numbers -------------------------------------------------------------------------------------------------

decimals = st.one_of(
    st.sampled_from(NUMBERS_POOL),
    st.decimals(-(10**6), 10**6, places=4, allow_nan=False),
    st.decimals(-20, 20, places=40, allow_nan=False),
)
amounts = st.decimals(-(10**9), 10**9, places=4, allow_nan=False)
custom_numbers = st.one_of(decimals, decimals.map(lambda each: each.normalize(Context(prec=80))))


@settings(SETTINGS, max_examples=150)
@given(held=st.lists(st.tuples(amounts, decimals), min_size=1, max_size=8), value=decimals)
@example(
    held=[(Decimal("1.10"), Decimal("1.10")), (Decimal(10), Decimal(10)), (Decimal(9), Decimal(9))],
    value=Decimal("1.1"),
)
@example(
    held=[(Decimal("-9.5"), Decimal("-9.5")), (Decimal(-10), Decimal(-10)), (Decimal(0), Decimal(0))],
    value=Decimal("-9.45"),
)
@example(held=[(Decimal("0.0001"), Decimal("0.00005")), (Decimal(0), Decimal(0))], value=Decimal("0.00005"))
def test_law_15_money_and_numbers_are_exact(held: list[tuple[Decimal, Decimal]], value: Decimal) -> None:
    """Law 15. Decimals compare exactly: 1.10 is 1.1, 10 is more than 9, and no digit is lost."""
    on = ONE.holds(*(row(id_, sum=sum_, price=price) for id_, (sum_, price) in enumerate(held, start=1)))
    compared: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda a, b: a < b,
        "<=": lambda a, b: a <= b,
        ">": lambda a, b: a > b,
        ">=": lambda a, b: a >= b,
        "=": lambda a, b: a == b,
    }
    for place, name in enumerate(("sum", "price")):
        for operator, compare in compared.items():
            true = [id_ for id_, each in enumerate(held, start=1) if compare(each[place], value)]
            where = Condition((name,), operator, (value,))
            assert on.both(where, "product_row") == true
            assert on.both(~where, "product_row") == [id_ for id_ in on.all("product_row") if id_ not in true]


@settings(SETTINGS, max_examples=100)
@given(held=st.lists(custom_numbers, max_size=6), value=custom_numbers, other=custom_numbers)
@example(held=[Decimal("7.50"), Decimal("1E+2"), Decimal("-0")], value=Decimal("7.5"), other=Decimal(100))
@example(held=[Decimal("999999999999999." + "9" * 40)], value=Decimal("999999999999999." + "9" * 39), other=Decimal(0))
@example(held=[Decimal("1E-40"), Decimal("-1E-40")], value=Decimal("1E-40"), other=Decimal("2E-40"))
def test_law_15_custom_numbers_are_exact(held: list[Decimal], value: Decimal, other: Decimal) -> None:
    """Law 15. However a custom number was spelt, it compares exactly; what SQL lets through is decided in memory."""
    on, rate = (
        ONE.holds(*(Deal(id=id_, custom={"rate": each}) for id_, each in enumerate(held, start=1))),
        F.custom.rate,
    )
    expected: list[tuple[Filter, Callable[[Decimal], bool]]] = [
        (rate < value, lambda each: each < value),
        (rate <= value, lambda each: each <= value),
        (rate > value, lambda each: each > value),
        (rate >= value, lambda each: each >= value),
        (rate == value, lambda each: each == value),
        (rate != value, lambda each: each != value),
        (rate.is_in([value, other]), lambda each: each in (value, other)),
        (rate.is_in([value, None]), lambda each: each == value),
        (rate.between(value, other), lambda each: value <= each <= other),
    ]
    for where, fits in expected:
        assert on.both(where) == [id_ for id_, each in enumerate(held, start=1) if fits(each)]


def test_law_15_custom_numbers_and_days_that_do_not_fit_are_not_read() -> None:
    """Law 15. SQL itself leaves out the deals whose custom number or day is another one, or that have none."""
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 2))
    made = (Deal(id=id_, custom={"rate": Decimal(id_), "due": day}) for id_, day in enumerate(days, start=1))
    on = ONE.holds(*made, Deal(id=4))
    for where, ids in (
        (F.custom.rate == 2, [2]),
        (F.custom.rate > Decimal("2.001"), [3]),
        (F.custom.rate < Decimal("1.999"), [1]),
        (F.custom.rate.between(2, 3), [2, 3]),
        (F.custom.rate.is_in([1, 2]), [1, 2]),
        (F.custom.due == days[1], [2]),
        (F.custom.due != days[1], [1, 3, 4]),
        (F.custom.due >= days[1], [2, 3]),
        (~(F.custom.due >= days[1]), [1, 4]),
    ):
        sql = on.sql(where)
        rows = on.connection.execute(f"SELECT id FROM deal WHERE {sql.text} ORDER BY id", sql.parameters)
        assert [id_ for (id_,) in rows] == on.both(where) == ids


def row(id_: int, **values: Any) -> ProductRow:
    return ProductRow(id=id_, owner_kind="deal", owner_id=1, **values)


@settings(SETTINGS, max_examples=100)
@given(held=st.lists(st.tuples(amounts, st.sampled_from(["EUR", "USD", None])), max_size=6), value=decimals)
def test_law_15_currencies_do_not_compare(held: list[tuple[Decimal, str]], value: Decimal) -> None:
    """Law 15. An amount in another currency is an error, unless the filter is decided without it."""
    rows = enumerate(held, start=1)
    on = ONE.holds(*(Company(id=id_, revenue=amount, currency=currency) for id_, (amount, currency) in rows))
    asked = F.revenue >= Money(value, "EUR")
    mixed = any(currency != "EUR" for _, currency in held)
    euros = [id_ for id_, (amount, currency) in enumerate(held, start=1) if currency == "EUR" and amount >= value]
    for where in (asked, ~~asked, asked & F.all()):
        expected = CurrencyMismatch if mixed else euros
        assert outcome(partial(on.found, where, "company")) == expected
        assert outcome(partial(on.fitting, where, "company")) == expected
    assert on.both((F.currency == "EUR") & asked, "company") == euros
    assert on.both(asked & (F.currency == "EUR"), "company") == euros
    assert on.both(F.any(F.currency != "EUR", asked), "company") == sorted(
        [*euros, *(id_ for id_, (_, currency) in enumerate(held, start=1) if currency != "EUR")]
    )
    with pytest.raises(CurrencyMismatch):
        assert Money(1, "EUR") < Money(2, "USD")


# -- moments and days --------------------------------------------------------------------------------------------------


@settings(SETTINGS, max_examples=100)
@given(moments=st.lists(now_and_then, min_size=1, max_size=6), value=now_and_then, minutes=st.integers(-1439, 1439))
def test_law_16_instants(moments: list[datetime], value: datetime, minutes: int) -> None:
    """Law 16. The same instant in another offset is the same; text order is the order of time, to the microsecond."""
    shown = value.astimezone(timezone(timedelta(minutes=minutes)))
    on = deals(moved_at=moments)
    assert on.both(F.moved_at == shown) == [id_ for id_, each in enumerate(moments, start=1) if each == value]
    assert on.both(F.moved_at < shown) == [id_ for id_, each in enumerate(moments, start=1) if each < value]
    assert (F.moved_at == shown) == (F.moved_at == value)
    assert to_json(F.moved_at == shown) == to_json(F.moved_at == value)
    kept = [moment_text(each) for each in moments]
    assert sorted(kept) == [moment_text(each) for each in sorted(moments)]
    assert [moment(text) for text in kept] == moments
    with pytest.raises(WrongFilter, match="time zone"):
        F.moved_at == value.replace(tzinfo=None)  # noqa: B015


@settings(SETTINGS, max_examples=100)
@given(
    moments=st.lists(now_and_then, min_size=1, max_size=6), zone=st.sampled_from(ZONES), day=st.sampled_from(DAYS_POOL)
)
@example(moments=list(MOMENTS_POOL), zone=PARIS, day=date(2026, 3, 29))
def test_law_17_dates(moments: list[datetime], zone: Any, day: date) -> None:
    """Law 17. on(d) is from d 00:00 to d+1 00:00 in the zone; every instant is on exactly one day."""
    on = deals(moved_at=moments, close_date=[day_of(each, zone) for each in moments])
    on.zone = zone
    begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    assert on.both(F.moved_at.on(day)) == [id_ for id_, each in enumerate(moments, start=1) if begin <= each < end]
    for id_, each in enumerate(moments, start=1):
        days = [day_of(each, zone) + timedelta(days=offset) for offset in (-1, 0, 1)]
        assert [id_ in on.both(F.moved_at.on(one)) for one in days] == [False, True, False]
    assert on.both(F.close_date.on(day)) == on.both(F.close_date == day) == on.both(F.moved_at.on(day))


def test_law_17_days_of_23_and_25_hours() -> None:
    """Law 17. The days on which the clocks change are shorter and longer, and are days all the same."""
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        begin = midnight(day, PARIS)
        on = deals(moved_at=[begin + timedelta(hours=hour) for hour in range(-1, 27)])
        on.zone = PARIS
        assert len(on.both(F.moved_at.on(day))) == hours


@settings(SETTINGS, max_examples=100)
@given(
    moments=st.lists(now_and_then, min_size=1, max_size=6),
    zone=st.sampled_from(ZONES),
    now=now_and_then,
    count=st.integers(1, 40),
)
@example(moments=list(MOMENTS_POOL), zone=PARIS, now=NOW, count=1)
def test_law_18_relative_ranges(moments: list[datetime], zone: Any, now: datetime, count: int) -> None:
    """Law 18. Past, today and future are all there is; yesterday is a day, and a day ago are 24 hours."""
    on = deals(moved_at=moments, close_date=[None if each.microsecond else day_of(each, zone) for each in moments])
    on.zone, on.now = zone, now
    today = day_of(now, zone)
    far = 3_000_000
    for field in (F.moved_at, F.close_date):
        past, present, future = (on.both(each) for each in (field.before_today(), field.today(), field.after_today()))
        assert sorted(past + present + future) == on.both(~field.is_null())
        assert on.both(field.last_days(far)) == past
        assert on.both(field.next_days(far)) == future
        assert on.both(field.last_days(1)) == on.both(field.yesterday())
        assert on.both(field.last_days(count)) == on.both(
            F.any(*(field.on(today - timedelta(days=back)) for back in range(1, count + 1)))
        )
    day = timedelta(days=1)
    assert on.both(F.moved_at.within_last(day)) == on.both(F.moved_at.between(now - day, now))
    assert on.both(F.moved_at.within_next(day)) == on.both(F.moved_at.between(now, now + day))
    on.zone, on.now = PARIS, NOW


def test_law_18_a_day_ago_is_not_yesterday() -> None:
    """Law 18. At noon, 23 hours ago was yesterday, and so was 30 hours ago; within 24 hours is only the first."""
    on = deals(moved_at=[NOW - timedelta(hours=23), NOW - timedelta(hours=30), NOW - timedelta(hours=2)])
    on.zone, on.now = UTC, NOW
    assert on.both(F.moved_at.yesterday()) == [1, 2]
    assert on.both(F.moved_at.within_last(timedelta(days=1))) == [1, 3]
    on.zone = PARIS


# -- several values and relations --------------------------------------------------------------------------------------

few = st.lists(st.sampled_from(["Australia", "Austria", "australia", "a", "A", "é"]), max_size=4)


@settings(SETTINGS, max_examples=150)
@given(held=st.lists(few, min_size=1, max_size=5), asked=few)
def test_law_19_multi_values(held: list[list[str]], asked: list[str]) -> None:
    """Law 19. Null is []; any_of, all_of, none_of and same_set are those of sets; order and repetition say nothing."""
    companies = [
        Company(id=id_, phones=tuple(MultiField(each, "WORK") for each in values)) for id_, values in enumerate(held, 1)
    ]
    made = [Deal(id=id_, custom={"tags": tuple(values)}, company_id=id_) for id_, values in enumerate(held, start=1)]
    on = ONE.holds(*companies, *made, Deal(id=99))
    sets = {id_: set(values) for id_, values in enumerate(held, start=1)} | {99: set()}
    want = set(asked)
    for field, again in product((F.custom.tags, F.company.phones), (asked, asked[::-1] * 2)):
        assert on.both(field.any_of(again)) == [id_ for id_, values in sets.items() if values & want]
        assert on.both(field.none_of(again)) == [id_ for id_, values in sets.items() if not values & want]
        assert on.both(field.all_of(again)) == [id_ for id_, values in sets.items() if want <= values]
        assert on.both(field.same_set(again)) == [id_ for id_, values in sets.items() if want == values]
        assert on.both(field.is_null()) == on.both(field.is_empty()) == [id_ for id_, each in sets.items() if not each]
        assert on.both(field.all_of([])) == on.all()
        assert on.both(field.any_of([])) == []
    with pytest.raises(WrongFilter, match="list of values: use any_of"):
        on.found(F.company.phones == "Australia")


@settings(SETTINGS, max_examples=60)
@given(
    lists=st.lists(st.lists(st.integers(1, 4), max_size=3, unique=True), min_size=4, max_size=8),
    asked=st.lists(st.integers(1, 5), max_size=3),
)
def test_law_19_who_is_listed(lists: list[list[int]], asked: list[int]) -> None:
    """Law 19. The contacts of a deal are those of the deal, whatever another item with its number lists."""
    deals_of, leads_of = lists[::2], lists[1::2]
    on = ONE.holds(
        *(Deal(id=id_, contact_ids=tuple(several)) for id_, several in enumerate(deals_of, start=1)),
        *(Lead(id=id_, contact_ids=tuple(several)) for id_, several in enumerate(leads_of, start=1)),
        *(Contact(id=id_, name="Ann", company_ids=(5 - id_,)) for id_ in range(1, 5)),
    )
    want = set(asked)
    for kind, several in (("deal", deals_of), ("lead", leads_of)):
        sets = {id_: set(each) for id_, each in enumerate(several, start=1)}
        assert on.both(F.contact_ids.any_of(asked), kind) == [id_ for id_, each in sets.items() if each & want]
        assert on.both(F.contact_ids.none_of(asked), kind) == [id_ for id_, each in sets.items() if not each & want]
        assert on.both(F.contact_ids.all_of(asked), kind) == [id_ for id_, each in sets.items() if want <= each]
        assert on.both(F.contact_ids.same_set(asked), kind) == [id_ for id_, each in sets.items() if want == each]
    listing = {id_ for id_, each in enumerate(deals_of, start=1) if each}
    assert on.both(F.contacts.any(F.id > 0)) == sorted(listing)
    owners = {contact for each in deals_of for contact in each}
    assert on.both(F.deals.any(F.id > 0), "contact") == sorted(owners)


@settings(SETTINGS, max_examples=100)
@given(
    companies=st.lists(st.sampled_from(["FR", "DE", "", "fr"]), max_size=3),
    links=st.lists(st.sampled_from([None, 1, 2, 3, 9]), min_size=1, max_size=6),
    people=st.lists(st.lists(st.integers(1, 4), max_size=4, unique=True), min_size=6, max_size=6),
    wanted=st.sampled_from(["FR", "DE"]),
)
def test_law_20_paths(companies: list[str], links: list[Any], people: list[list[int]], wanted: str) -> None:
    """Law 20. What is missing is null at the end of a path; `every` of none is true; no row comes twice."""
    on = ONE.holds(
        *(Company(id=id_, title="x", country=country) for id_, country in enumerate(companies, start=1)),
        *(Contact(id=id_, name="Ann" if id_ % 2 else "Bo", company_ids=(id_,)) for id_ in range(1, 4)),
        *(Deal(id=id_, company_id=link, contact_ids=tuple(people[id_ - 1])) for id_, link in enumerate(links, start=1)),
    )
    country = dict(enumerate(companies, start=1))
    is_wanted = [id_ for id_, link in enumerate(links, start=1) if country.get(link) == wanted]
    assert on.both(F.company.country == wanted) == is_wanted
    assert on.both(F.company.country != wanted) == [id_ for id_ in on.all() if id_ not in is_wanted]
    missing = [id_ for id_, link in enumerate(links, start=1) if link not in country]
    assert on.both(F.company.country.is_null()) == on.both(F.company.id == None) == missing  # noqa: E711
    there = {id_: [each for each in people[id_ - 1] if each in (1, 2, 3)] for id_ in on.all()}
    assert on.both(F.contacts.any(F.name == "Ann")) == [id_ for id_, each in there.items() if {1, 3} & set(each)]
    assert on.both(F.contacts.every(F.name == "Ann")) == [id_ for id_, each in there.items() if 2 not in each]
    assert on.both(F.contacts.any(F.company.country == wanted)) == [
        id_ for id_, each in there.items() if any(country.get(one) == wanted for one in each)
    ]
    assert on.both(F.deals.any(F.company_id == 1), "contact") == [
        id_ for id_ in on.all("contact") if any(links[deal - 1] == 1 and id_ in people[deal - 1] for deal in on.all())
    ]


@settings(SETTINGS, max_examples=80)
@given(on=shelves, p=deal_filters, q=deal_filters)
def test_law_21_monotone(on: Shelf, p: Filter, q: Filter) -> None:
    """Law 21. A further `and` adds no row, a further `or` takes none away."""
    assert set(on.both(p & q)) <= set(on.both(p)) <= set(on.both(p | q))


# -- order -------------------------------------------------------------------------------------------------------------

ORDERS = [
    *(("deal", name) for name in ("id", "title", "amount", "close_date", "moved_at", "company_id", "opened", "stage")),
    *(("deal", name) for name in ("comments", "source", "custom.city", "custom.rate", "custom.due", "probability")),
    *(("product_row", name) for name in ("price", "quantity", "sum", "tax_rate", "name", "sort")),
    *(("company", name) for name in ("title", "revenue", "type")),
    *(("product", name) for name in ("price", "tax_rate", "name")),
]


def sort_key(item: Any, name: str) -> Any:
    value = item.custom.get(name.removeprefix("custom.")) if "." in name else getattr(item, name)
    return caseless(value) if isinstance(value, str) else value


def in_order(items: Sequence[Any], name: str, *, falling: bool) -> list[int]:
    """What the order must be, said with sorts that are stable."""
    by_id = sorted(items, key=lambda item: item.id, reverse=falling and name == "id")
    filled = [item for item in by_id if sort_key(item, name) is not None]
    nulls = [item for item in by_id if sort_key(item, name) is None]
    filled.sort(key=lambda item: sort_key(item, name), reverse=falling)  # what is equal stays in its order
    return [item.id for item in [*filled, *nulls]]


@settings(SETTINGS, max_examples=200)
@given(on=shelves, order=st.sampled_from(ORDERS), falling=st.booleans(), size=st.integers(1, 7), data=st.data())
def test_law_22_total_order(on: Shelf, order: tuple[str, str], falling: bool, size: int, data: st.DataObject) -> None:
    """Law 22. A field, then the id; null is last; pages put together are all, each once."""
    kind, name = order
    order_by = f"-{name}" if falling else name
    where = data.draw(st.one_of(st.just(None), filters(kind, custom=on.custom if kind == "deal" else {})))
    fitting = [on.items[kind][id_] for id_ in (on.all(kind) if where is None else on.fitting(where, kind))]
    expected = in_order(fitting, name, falling=falling)
    assert on.found(where, kind, order_by=order_by) == expected
    pages: list[int] = []
    after = None
    while page := on.found(where, kind, order_by=order_by, limit=size, after=after):
        assert not set(page) & set(pages), "an item comes twice"
        pages += page
        after = on.items[kind][page[-1]]
    assert pages == expected


numbers_of_rows = st.lists(st.one_of(st.sampled_from(NUMBERS_POOL), decimals), min_size=1, max_size=10)


@settings(SETTINGS, max_examples=100)
@given(prices=numbers_of_rows, falling=st.booleans())
def test_law_22_numbers_in_their_order(prices: list[Decimal], falling: bool) -> None:
    """Law 22. Exact numbers are ordered by size: not as texts, and not as floats."""
    on = ONE.holds(*(row(id_, price=price) for id_, price in enumerate(prices, start=1)))
    sign = -1 if falling else 1
    expected = sorted(on.all("product_row"), key=lambda id_: (sign * prices[id_ - 1], id_))
    assert on.found(None, "product_row", order_by="-price" if falling else "price") == expected


def test_law_22_numbers_that_floats_cannot_tell_apart() -> None:
    """Law 22. Two numbers that are one float are two."""
    prices = [Decimal("100000000000000.0000002"), Decimal("100000000000000.0000001"), Decimal("99.9")]
    on = ONE.holds(*(row(id_, price=price) for id_, price in enumerate(prices, start=1)))
    assert on.found(None, "product_row", order_by="price") == [3, 2, 1]
    assert on.both(F.price > prices[1], "product_row") == [1]


@settings(SETTINGS, max_examples=80)
@given(
    held=st.lists(st.sampled_from(["a", "B", "b", "c", "é"]), min_size=1, max_size=12),
    name=st.sampled_from(["title", "comments"]),
    falling=st.booleans(),
    size=st.integers(1, 4),
    happenings=st.lists(st.tuples(st.booleans(), st.integers(0, 11), st.sampled_from("abcé")), max_size=6),
)
def test_law_22_pages_while_items_come_and_go(
    held: list[str], name: str, falling: bool, size: int, happenings: list[tuple[bool, int, str]]
) -> None:
    """Law 22. Items made and deleted on the side that was seen make no gap and no repetition among the others."""
    on = deals(title=held, comments=held)
    stays, after = set(on.all()), None
    seen: list[int] = []
    order_by = f"-{name}" if falling else name
    while page := on.found(None, order_by=order_by, limit=size, after=after):
        assert not set(page) & set(seen), "an item comes twice"
        seen += page
        after = on.items["deal"][page[-1]]
        if happenings:
            deletes, number, text = happenings.pop()
            if deletes:
                gone = seen[number % len(seen)]
                if gone in on.items["deal"]:
                    on.take("deal", gone)
            else:
                new = Deal(id=100 + len(happenings), title=text, comments=text)
                order = in_order([new, after], name, falling=falling)
                if order[0] == new.id:  # on the side that was seen
                    on.put(new)
    assert set(seen) == stays


@settings(SETTINGS, max_examples=100)
@given(
    on=shelves,
    p=deal_filters,
    order=st.sampled_from([each for each in ORDERS if each[0] == "deal"]),
    limit=st.integers(0, 9),
)
def test_law_23_first_and_limit(on: Shelf, p: Filter, order: tuple[str, str], limit: int) -> None:
    """Law 23. The first is the lowest id that fits; a limit is the beginning of the whole order."""
    assert on.found(p, limit=1) == on.fitting(p)[:1]
    assert on.found(p, order_by=order[1], limit=limit) == on.found(p, order_by=order[1])[:limit]


# -- edges and scope ---------------------------------------------------------------------------------------------------


@settings(SETTINGS, max_examples=100)
@given(on=shelves, p=deal_filters, writes=st.lists(st.integers(1, 30), min_size=1, max_size=8))
def test_law_24_edges(on: Shelf, p: Filter, writes: list[int]) -> None:
    """Law 24. An edge fires where it is crossed: on create if it holds, never without a change, once an edge."""
    where, setting = on.checked(p), on.setting
    states = [on.items["deal"][id_] for id_ in writes]
    fired = [became(where, old, new, setting) for old, new in zip([None, *states], states, strict=False)]
    held = [where.holds(state, setting) for state in states]
    assert fired == [now and not before for before, now in zip([False, *held], held, strict=False)]
    for state in states:
        assert not became(where, state, state, setting)
        assert not became(where, state, None, setting)
        for field in fields_of(Deal):
            if field != "custom":
                assert not changed(getattr(F, field), state, state, setting)
    for old, new in combinations(states, 2):
        for name in ("title", "source", "close_date", "company_id", "contact_ids", "amount"):
            assert changed(getattr(F, name), old, new, setting) is (nfc_of(old, name) != nfc_of(new, name))


def nfc_of(item: Any, name: str) -> Any:
    value = getattr(item, name)
    return nfc(value) if isinstance(value, str) else value


def test_law_24_on_create_the_old_value_is_null() -> None:
    """Law 24. What is set from the beginning has changed; what is null has not."""
    setting = ONE.setting
    made = Deal(id=1, title="x")
    assert changed(F.title, None, made, setting)
    assert not changed(F.source, None, made, setting)
    assert not changed(F.contact_ids, None, made, setting)
    assert became(F.source.is_null(), None, made, setting)


@settings(SETTINGS, max_examples=25)
@given(p=filters("deal"), gone=st.sets(st.integers(1, 5)))
@example(p=F.all(), gone={1, 2, 3, 4, 5})
def test_law_25_scope(p: Filter, gone: set[int]) -> None:
    """Law 25. No filter finds what was deleted, not even the one that is always true."""
    office = Office(None)
    try:
        company = office.do(crm.company.create(title="Acme", country="FR"))
        for number, title in enumerate(["Tea", "tea", "Straße", "50%", "İ"], start=1):
            office.do(crm.deal.create(title=title, amount=number, company_id=company.id))
        before = [each.id for each in office.do(crm.deal.find(p))]
        for id_ in sorted(gone):
            office.ask(lambda port, id_=id_: port.delete(ItemRef("deal", id_)))  # type: ignore[misc]
        after = [each.id for each in office.do(crm.deal.find(p))]
        assert not set(after) & gone
        if not mentions_others(p):
            assert after == [id_ for id_ in before if id_ not in gone]
        assert [each.id for each in office.do(crm.deal.find(F.all()))] == [n for n in range(1, 6) if n not in gone]
    finally:
        office.close()


def mentions_others(p: Filter) -> bool:
    match p:
        case Members():
            return True
        case AllOf(parts) | AnyOf(parts):
            return any(map(mentions_others, parts))
        case Not(part):
            return mentions_others(part)
    return False


# -- forms -------------------------------------------------------------------------------------------------------------


def evaluated(text: str) -> Any:
    names = {"F": F, "Decimal": Decimal, "Money": Money, "date": date, "datetime": datetime, "timedelta": timedelta}
    return eval(text, {**names, "UTC": UTC})  # noqa: S307 - that it can be pasted is the law


@settings(SETTINGS, max_examples=300)
@given(p=st.sampled_from(KINDS).flatmap(lambda kind: filters(kind, currencies=True)), q=deal_filters)
def test_law_26_round_trip(p: Filter, q: Filter) -> None:
    """Law 26. Text, JSON, journal and Python give the filter back, and say the same of the same filter."""
    codec = Codec()
    for each in (p, q):
        assert parse(str(each)) == each
        assert from_json(to_json(each)) == each
        assert evaluated(repr(each)) == each
        for declared in (Filter, Filter | None, Any):
            assert codec.decode(codec.encode(each, declared), declared) == each
        assert hash(from_json(to_json(each))) == hash(each)
        assert to_json(parse(str(each))) == to_json(from_json(to_json(each)))
        assert argument_hash(codec.canonical(from_json(to_json(each)))) == argument_hash(codec.canonical(each))
        assert str(parse(str(each))) == str(each)
    assert (to_json(p) == to_json(q)) is (p == q)


@settings(SETTINGS, max_examples=60)
@given(on=shelves, p=deal_filters)
def test_law_26_what_comes_back_means_the_same(on: Shelf, p: Filter) -> None:
    """Law 26. A filter that was text fits the same items."""
    assert on.both(parse(str(p))) == on.both(p)


# -- pushing down ------------------------------------------------------------------------------------------------------


class Partial:
    """A CRM that evaluates only some conditions. It gives what it finds, and refuses what it cannot say."""

    def __init__(self, on: Shelf, can: Can) -> None:
        self.on, self.can = on, can

    def find(self, where: Filter) -> list[int]:
        for each in leaves_of(where):
            assert self.can(each), f"it was asked {each}, and cannot say that"
        return self.on.fitting(where)


def asked_of(leaf: Condition | Members) -> Any:
    """What a CRM must be able to do: a condition, or a relation (what is asked of its members comes apart)."""
    return (leaf.path, leaf.every) if isinstance(leaf, Members) else leaf


def leaves_of(p: Filter) -> list[Any]:
    match p:
        case AllOf(parts) | AnyOf(parts):
            return [leaf for part in parts for leaf in leaves_of(part)]
        case Not(part):
            return leaves_of(part)
        case Members(_, _, part):
            return [p, *leaves_of(part)]
    return [p]


@settings(SETTINGS, max_examples=200)
@given(on=shelves, p=filters("deal", max_leaves=12), data=st.data())
def test_law_27_push_down(on: Shelf, p: Filter, data: st.DataObject) -> None:
    """Law 27. A CRM is asked what it can evaluate, gives a superset, and the rest makes it exact."""
    several = [asked_of(leaf) for leaf in leaves_of(p)]
    known = data.draw(st.lists(st.sampled_from(several), unique=True)) if several else []

    def can(leaf: Condition | Members) -> bool:
        return asked_of(leaf) in known

    parts = split(p, can)
    found = Partial(on, can).find(parts.pushed)
    assert set(on.fitting(p)) <= set(found)
    residual = on.checked(parts.residual)
    assert [id_ for id_ in found if residual.holds(on.items["deal"][id_], on.setting)] == on.fitting(p)
    if len(known) == len(set(several)):
        assert parts.residual == every_of(())


def test_law_27_as_much_as_can_be() -> None:
    """Law 27. What can be asked is asked, also inside of `or` and below `not`."""
    a, b, c = F.amount > 1, F.title == "x", F.source == "y"

    def can(leaf: Condition | Members) -> bool:
        return leaf != c

    assert split(a & c, can).pushed == a
    assert split(a & c, can).residual == c
    assert split((a & c) | b, can).pushed == a | b
    assert split(~(a | c), can).pushed == ~a
    assert split(c | a, can).pushed == every_of(())
    assert split(~(c & a) & b, can).pushed == b


# -- explaining --------------------------------------------------------------------------------------------------------


@settings(SETTINGS, max_examples=200)
@given(on=shelves, p=filters("deal", max_leaves=10), id_=st.integers(1, 30))
def test_law_28_explain(on: Shelf, p: Filter, id_: int) -> None:
    """Law 28. The root is the evaluation; leaves say what was found; those that decide are as few as suffice."""
    where, item = on.checked(p), on.items["deal"][id_]
    tree = where.explain(item, on.setting)
    assert tree.holds is where.holds(item, on.setting)
    every, reasons = list(tree.leaves()), tree.reasons()
    assert str(tree).count("\n") + 1 >= len(every)
    for leaf in every:
        if leaf.word == "" and leaf.field:
            assert leaf.expected
            assert leaf.field in leaf.filter
            assert parse(leaf.filter).check("deal", fields_of(Deal)).holds(item, on.setting) is leaf.holds
    known = [any(leaf is reason for reason in reasons) for leaf in every]
    assert sum(known) == len(reasons)
    assert decided(tree, iter(known)) is tree.holds
    for place, is_known in enumerate(known):
        if is_known:
            assert decided(tree, iter([*known[:place], False, *known[place + 1 :]])) is None, "one reason too many"


def decided(tree: Explanation, known: Iterator[bool]) -> bool | None:
    """What the tree comes to if only some of its leaves are known; None if it is open."""
    if not tree.word:
        return tree.holds if next(known) else None
    parts = [decided(part, known) for part in tree.parts]
    if tree.word == "not":
        return None if parts[0] is None else not parts[0]
    decisive = tree.word == "any of"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


def test_law_28_what_people_read() -> None:
    """Law 28. Each condition with what was found."""
    on = deals(amount=[Decimal(200)], stage=["NEW"], title=["Tea"])
    where = on.checked((F.amount >= 100) & F.stage.not_in(["NEW"]) & (F.source == None))  # noqa: E711
    assert str(where.explain(on.items["deal"][1], on.setting)) == (
        "✗ all of\n"
        "  ✓ amount >= 100  (amount is 200)\n"
        "  ✗ stage not in (NEW)  (stage is NEW)\n"
        "  ✓ source = null  (source is null)"
    )
