"""Finding items: what actions, the port and the reader give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, get_args, get_origin
from zoneinfo import ZoneInfo

import pytest

from bizproc import F, crm
from bizproc.adapters.sql_crm import SqlCrm
from bizproc.core.errors import (
    CurrencyMismatch,
    UnknownField,
    UnknownItem,
    WrongArgument,
    WrongFieldValue,
    WrongFilter,
    WrongValue,
)
from bizproc.model import Activity, Company, Deal, ItemRef, Money, ProductRow, User
from bizproc.model.references import ref_of
from tests.contract.conftest import Office


@pytest.mark.parametrize("order_by", [None, 5, ["id"]])
def test_an_order_by_what_is_no_text_is_refused(office: Office, order_by: Any) -> None:
    with pytest.raises(UnknownField):
        office.reader.find(Deal, order_by=order_by)


@pytest.mark.parametrize("limit", [1.5, "1", True])
def test_a_limit_that_is_no_number_is_refused(office: Office, limit: Any) -> None:
    with pytest.raises(WrongArgument, match="limit"):
        office.reader.find(Deal, limit=limit)


def test_a_limit_beyond_64_bits_is_no_limit(deals: list[Deal], office: Office) -> None:
    assert office.reader.find(Deal, limit=2**70) == deals


@pytest.mark.parametrize("after", [1, "x", User(id=1), ItemRef("deal", 1), b"x", {"id": 1}])
def test_what_is_no_such_item_is_no_begin_of_a_page(office: Office, after: Any) -> None:
    with pytest.raises(WrongArgument, match="after"):
        office.reader.find(Deal, order_by="title", after=after)
    with pytest.raises(WrongArgument, match="after"):
        office.reader.find(Deal, after=ItemRef("deal", 2**70))


@pytest.fixture
def deals(office: Office) -> list[Deal]:
    """Three deals: small and large, of a company in France and of none."""
    company = office.do(crm.company.create(title="Thé & Co", country="FR", emails=["a@the.example"]))
    return [
        office.do(crm.deal.create(title="Tea for Lyon", amount=100, company_id=company.id)),
        office.do(crm.deal.create(title="TEA", amount=Decimal("250.50"))),
        office.do(crm.deal.create(title="Straße", amount=9, source="WEB", company_id=company.id)),
    ]


def test_the_first_is_the_one_with_the_lowest_id(office: Office, deals: list[Deal]) -> None:
    assert office.do(crm.deal.find_first(F.amount >= 50)) == deals[0]
    assert office.do(crm.deal.find_first(None)) == deals[0]
    assert office.do(crm.deal.find_first(F.amount >= 1000)) is None


def test_all_that_fit_come_in_order(office: Office, deals: list[Deal]) -> None:
    first, second, third = deals
    assert office.do(crm.deal.find(F.all())) == (first, second, third)
    assert office.do(crm.deal.find(None, order_by="-amount")) == (second, first, third)
    assert office.do(crm.deal.find(None, order_by="title")) == (third, second, first)
    assert office.do(crm.deal.find(F.amount < 200, order_by="amount", limit=1)) == (third,)
    assert office.do(crm.deal.find(None, limit=0)) == ()


def test_case_does_not_count_where_texts_are_searched(office: Office, deals: list[Deal]) -> None:
    first, second, third = deals
    assert office.do(crm.deal.find(F.title.contains("tea"))) == (first, second)
    assert office.do(crm.deal.find(F.title.equals_text("STRASSE"))) == (third,)
    assert office.do(crm.deal.find(F.title == "tea")) == ()
    assert office.do(crm.deal.find(F.company.title.starts_with("THÉ"))) == (first, third)


def test_what_is_searched_follows_a_change(office: Office, deals: list[Deal]) -> None:
    office.do(crm.deal(deals[0]).update({"title": "Coffee"}))
    assert office.do(crm.deal.find_first(F.title.contains("coffee"))) == office.deal(deals[0])
    assert office.do(crm.deal.find(F.title.contains("lyon"))) == ()


def test_fields_can_be_chosen(office: Office, deals: list[Deal]) -> None:
    office.ask(lambda port: port.add_field("deal", "city", "text"))
    office.do(crm.deal(deals[1]).update({"custom": {"city": "Lyon"}}))
    chosen = ["title", "amount", "contact_id", "custom.city"]
    assert office.do(crm.deal.find_first(F.custom.city == "Lyon", select=chosen)) == {
        "title": "TEA",
        "amount": Decimal("250.50"),
        "contact_id": None,
        "custom.city": "Lyon",
    }
    assert office.do(crm.deal.find(F.amount < 50, select=["id"])) == ({"id": deals[2].id},)


async def add_field(port: SqlCrm, code: str, type_: str) -> None:
    await port.add_field("deal", code, type_)


def test_custom_fields_of_every_type_are_filtered(office: Office, deals: list[Deal]) -> None:
    kinds = {"city": "text", "rate": "number", "seen": "moment", "due": "day", "seats": "integer", "vip": "truth"}
    for code, type_ in kinds.items():
        office.ask(partial(add_field, code=code, type_=type_))
    moment = datetime(2026, 1, 5, 9, tzinfo=UTC)
    values = {"city": "Lyon", "rate": Decimal("1.10"), "seen": moment, "due": date(2026, 1, 5), "seats": 4, "vip": True}
    office.do(crm.deal(deals[0]).update({"custom": values}))
    for code, value in values.items():
        assert [each.id for each in office.do(crm.deal.find(F.custom[code] == value))] == [deals[0].id]
        assert len(office.do(crm.deal.find(F.custom[code] != value))) == 2
    assert len(office.do(crm.deal.find((F.custom.rate < Decimal("1.2")) & (F.custom.seats > 3)))) == 1
    with pytest.raises(WrongFieldValue, match=r"custom\.seats"):
        office.do(crm.deal.find(F.custom.seats == "4"))
    with pytest.raises(UnknownField, match=r"custom\.nope"):
        office.do(crm.deal.find(F.custom.nope == "4"))


def test_every_kind_is_found(office: Office, deals: list[Deal]) -> None:
    user = office.do(crm.user.create(name="Ann"))
    assert office.do(crm.user.find(F.name.contains("ann"))) == (user,)
    assert office.do(crm.company.find_first(F.emails.any_of(["a@the.example"]))).id == deals[0].company_id  # type: ignore[union-attr]
    assert [each.code for each in office.do(crm.stage.find((F.kind == "deal") & (F.semantics == "success")))] == ["WON"]
    assert office.do(crm.pipeline.find_first(F.kind == "deal")) is not None
    assert office.do(crm.product.find(F.price > 1)) == ()
    assert office.do(crm.contact.find(F.companies.any(F.country == "FR"))) == ()


def test_the_items_of_a_smart_type_are_found_by_its_code(office: Office, deals: list[Deal]) -> None:
    for code in ("contract", "annex"):
        office.do(crm.smart_type.create(code=code, title=code.capitalize(), parents=["deal"]))
    office.do(crm.item("contract").add_field("size", type="choice", label="Size", options={"S": "Small", "L": "Large"}))
    contract = office.do(crm.item("contract").create(title="Élan", parents=[ref_of(deals[1])], custom={"size": "L"}))
    office.do(crm.item("annex").create(title="Élan", company_id=deals[0].company_id))
    unnamed = office.do(crm.item("annex").create())
    assert office.do(crm.item("contract").find(F.title.contains("ÉLAN"))) == (contract,)
    assert office.do(crm.item("contract").find_first(None, select=["type"])) == {"type": "contract"}
    assert office.do(crm.item("annex").find_first(F.title.contains("ANNEX"))) == unnamed
    assert office.do(crm.item("contract").find(F.custom.size == "Large")) == (contract,)
    assert office.do(crm.item("contract").find(F.custom.size == "")) == ()
    office.refused(WrongFieldValue, crm.item("contract").find(F.custom.size == "XL"))
    office.refused(UnknownField, crm.item("annex").find(F.custom.size == "L"))
    office.refused(UnknownItem, crm.item("lease").find(None))
    assert [each.id for each in office.do(crm.deal.find(F.smart_items.any(F.type == "contract")))] == [deals[1].id]
    (company,) = office.do(crm.company.find(F.smart_items.any(F.title.contains("élan"))))
    assert company.id == deals[0].company_id
    office.do(crm.item("contract", contract.id).add_activity("Call"))
    assert office.do(crm.item("contract").find_first(F.activities.any(F.subject == "Call"))).id == contract.id  # type: ignore[union-attr]


def test_the_status_of_a_lead_is_its_stage(office: Office) -> None:
    lead = office.do(crm.lead.create(title="Tea", status="IN_PROCESS"))
    office.do(crm.lead.create(title="Pots"))
    assert office.do(crm.lead.find(F.status == "IN_PROCESS")) == (lead,)
    assert office.do(crm.lead.find(F.status.contains("in_pro"), order_by="-status")) == (lead,)
    assert office.do(crm.lead.find_first(F.stage == "IN_PROCESS", select=["status"])) == {"status": "IN_PROCESS"}
    deal = office.do(crm.deal.create(title="Tea", lead_id=lead.id))
    assert office.do(crm.deal.find(F.lead.status == "IN_PROCESS")) == (deal,)
    with pytest.raises(UnknownField):
        office.do(crm.deal.find(F.status == "IN_PROCESS"))


def test_custom_fields_of_all_types_are_filtered(office: Office) -> None:
    boss = office.do(crm.user.create(name="Ann"))
    values: dict[str, Any] = {"boss": boss, "clock": time(9, 30), "price": Money(Decimal(5), "EUR")}
    values |= {"site": "https://a.example/Tea", "mobile": "+33 1"}
    types: dict[str, Any] = {"boss": "user", "clock": "time", "price": "money", "site": "url", "mobile": "phone"}
    for code, type_ in types.items():
        office.do(crm.deal.add_field(code, type=type_, label=code))
    deal = office.do(crm.deal.create(title="Tea", custom=values))
    office.do(crm.deal.create(title="Pots"))
    price = F.custom.price
    for where in (F.custom.boss == boss, F.custom.boss.is_in([boss.id]), F.custom.clock >= time(9), price > 4):
        assert [each.id for each in office.do(crm.deal.find(where))] == [deal.id], where
    for where in (F.custom.clock.between("09:00", "10:00"), price == Money(5, "EUR"), F.custom.mobile == "+33 1"):
        assert [each.id for each in office.do(crm.deal.find(where))] == [deal.id], where
    assert [each.id for each in office.do(crm.deal.find(F.custom.site.contains("TEA")))] == [deal.id]
    office.refused(CurrencyMismatch, crm.deal.find(price > Money(4, "USD")))
    office.refused(WrongFieldValue, crm.deal.find(F.custom.clock > "late"))


def test_what_belongs_to_an_item_is_filtered_too(office: Office, deals: list[Deal]) -> None:
    tea = office.do(crm.product.create(name="Tea", price=Decimal("9.5")))
    row = office.do(crm.deal(deals[0]).add_product(tea))
    office.do(crm.deal(deals[0]).add_product(tea, price=10))
    found = office.reader.find(ProductRow, F.price < 10, of=deals[0])
    assert [each.id for each in found] == [row.id]
    assert [each.id for each in office.do(crm.deal.find(F.products.any(F.price == 10)))] == [deals[0].id]
    office.do(crm.deal(deals[2]).add_activity("Call", important=True))
    assert [each.subject for each in office.reader.find(Activity, F.important == True)] == ["Call"]  # noqa: E712
    assert [each.id for each in office.do(crm.deal.find(F.activities.any(F.completed == False)))] == [deals[2].id]  # noqa: E712


def test_days_are_those_of_the_portal(office: Office, deals: list[Deal]) -> None:
    assert len(office.do(crm.deal.find(F.created_at.today()))) == 3
    office.later(hours=15)  # it is midnight in UTC
    assert len(office.do(crm.deal.find(F.created_at.yesterday()))) == 3
    assert len(office.do(crm.deal.find(F.created_at.within_last(timedelta(hours=15))))) == 3
    office.portal = type(office.portal)(zone=ZoneInfo("America/New_York"))
    assert len(office.do(crm.deal.find(F.created_at.today()))) == 3


def test_an_action_sees_what_was_written_before_it_in_its_transaction(office: Office) -> None:
    with office.commit():
        made = office.do(crm.deal.create(title="Tea"))
        assert office.do(crm.deal.find(F.title.contains("TEA"))) == (made,)
        office.ask(lambda port: port.delete(ItemRef("deal", made.id)))
        assert office.do(crm.deal.find(F.title.contains("TEA"))) == ()


def test_pages_follow_each_other(office: Office, deals: list[Deal]) -> None:
    page = office.ask(lambda port: port.find("deal", None, order_by="-amount", limit=2))
    rest = office.ask(lambda port: port.find("deal", None, order_by="-amount", limit=2, after=page[-1]))
    assert [each.id for each in (*page, *rest)] == [deals[1].id, deals[0].id, deals[2].id]


def test_other_currencies_are_an_error(office: Office, deals: list[Deal]) -> None:
    assert len(office.do(crm.deal.find(F.amount > Money(50, "EUR")))) == 2
    office.do(crm.deal.create(title="Tea", currency="USD"))
    office.refused(CurrencyMismatch, crm.deal.find(F.amount > Money(50, "EUR")))
    assert len(office.do(crm.deal.find((F.amount > Money(50, "EUR")) & (F.currency == "EUR")))) == 2


deal: Any = crm.deal  # what is wrong here, type checkers would say

WRONG: list[Any] = [
    (UnknownField, lambda: crm.deal.find(F.phones.is_empty())),
    (UnknownField, lambda: crm.deal.find_first(F.company.stage == "NEW")),
    (UnknownField, lambda: crm.deal.find(None, select=["titel"])),
    (WrongFieldValue, lambda: crm.deal.find(F.amount == "100")),
    (WrongFilter, lambda: crm.deal.find(F.opened.contains("x"))),
    (WrongArgument, lambda: deal.find(F.amount)),
    (WrongArgument, lambda: deal.find("amount = 1")),
    (WrongArgument, lambda: deal.find(None, limit="3")),
    (WrongValue, lambda: crm.deal.find(None, limit=-1)),
]


@pytest.mark.parametrize(("error", "make"), WRONG)
def test_what_is_wrong_is_refused_where_it_is_typed(error: type[Exception], make: Any) -> None:
    with pytest.raises(error):
        make()


@pytest.mark.parametrize("order_by", ["nope", "contact_ids", "custom", "custom.nope", "-", ""])
def test_an_order_that_is_none_is_refused(office: Office, order_by: str) -> None:
    office.refused(UnknownField, crm.deal.find(None, order_by=order_by))


def test_the_journal_knows_what_is_found() -> None:
    assert crm.deal.find_first(None).result_type == Deal | None
    assert crm.company.find(None).result_type == tuple[Company, ...]
    of_fields = crm.user.find(None, select=["name"]).result_type
    assert get_origin(of_fields) is tuple
    assert get_args(of_fields)[0] == Mapping[str, Any]
    assert crm.user.find_first(None).result_type == User | None


def test_arguments_show_the_filter() -> None:
    where = F.amount >= 100
    assert crm.deal.find(where, limit=3).arguments() == {"where": where, "limit": 3}
    assert str(crm.deal.find_first(where).arguments()["where"]) == "amount >= 100"
