"""What type checkers see of the fluent forms. Nothing runs: mypy checks this file with all others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, assert_type

from bizproc import F, crm, wait
from bizproc.adapters.sql_crm import SqlCrm
from bizproc.core.commands import Signalled
from bizproc.model import (
    Activity,
    Comment,
    Company,
    Contact,
    Conversion,
    CustomField,
    Deal,
    Details,
    Exclusion,
    Lead,
    ProductRow,
    SmartItem,
    StageReached,
    User,
)
from bizproc.ports.crm import Crm
from bizproc.rules.filters import Filter


async def answers(discount: Decimal) -> None:
    assert_type(
        await crm.deal.add_product(1, price=Decimal("18.00"), quantity=10, discount_percent=discount), ProductRow
    )
    assert_type(await crm.deal.products(), tuple[ProductRow, ...])
    assert_type(await crm.deal.add_comment("x", author=[1, User(2)]), Comment)
    assert_type(await crm.company(5).add_activity("Call", important=True), Activity)
    assert_type(await crm.deal.create(title="Tea", amount=10, company_id=None), Deal)
    assert_type(await crm.deal.update({"title": "Tea"}, append=True), Deal)
    assert_type(await crm.deal(42).read(), Deal)
    assert_type(await crm.company.read(), Company)
    assert_type(await crm.user.create(name="Ann"), User)
    await crm.deal.change_stage("WON", modified_by=3)
    assert_type(await crm.lead.convert(deal=True, contact=True, pipeline=1, keep_activities_open=False), Conversion)
    assert_type(await crm.deal.convert(invoice=True, quote=True, responsible=[1, User(2)]), Conversion)
    assert_type(await crm.lead(5).create_contact(responsible=3), Contact)
    assert_type(await crm.deal.create_repeat_lead("Again"), Lead)
    assert_type(await crm.deal.add_to_exclusions(comment="spam", delete=True), tuple[Exclusion, ...])
    assert_type(await crm.deal.edit_contact({"phones": ["1"]}, append=True, modified_by=3), Contact)
    assert_type(await crm.contact(5).edit_company({"title": "Acme"}), Company)
    assert_type(await crm.item("contract", 5).edit_company({"title": "Acme"}), Company)
    assert_type(await crm.item("contract").edit({"title": "x"}, id=9), SmartItem)
    assert_type(await crm.quote.details_information(template="fr", of="contact", address_type="post"), Details)
    assert_type(await crm.company.edit_details({"vat_id": "1"}, template="fr", bank={"iban": ""}), Details)
    assert_type(await crm.deal.edit_details(template="fr", address_type="post", address={"city": "Lyon"}), Details)
    assert_type(await crm.deal.add_field("city", type="text", label="City"), CustomField)
    assert_type(await crm.item("contract").add_field("size", type="choice", label="", options=["S"]), CustomField)
    assert_type(await wait.until_stage("EXECUTING", timeout=timedelta(days=14)), StageReached)
    assert_type(await wait.for_signal("approved", int), Signalled[int])
    assert_type(await wait.for_signal("approved"), Signalled[Any])


async def mistakes(deal: Deal) -> None:
    await crm.deal.add_product("1")  # type: ignore[arg-type]
    await crm.deal.add_product(1, price=1.5)  # type: ignore[arg-type]
    await crm.deal.add_product(1, prise=1)  # type: ignore[call-arg]
    await crm.deal.add_product(1, Decimal(5))  # type: ignore[call-arg]
    await crm.deal.create(titel="Tea")  # type: ignore[call-arg]
    await crm.deal.create(title=5)  # type: ignore[arg-type]
    await crm.deal.update({"titel": "Tea"})  # type: ignore[typeddict-unknown-key]
    await crm.deal(42).create(title="Tea")  # type: ignore[attr-defined]
    await crm.company.add_product(1)  # type: ignore[attr-defined]
    await crm.deal.convert(contact=True)  # type: ignore[call-arg]
    await crm.contact.convert(deal=True)  # type: ignore[attr-defined]
    await crm.contact.edit_contact({"post": "x"})  # type: ignore[attr-defined]
    await crm.company.edit_company({"title": "x"})  # type: ignore[attr-defined]
    await crm.deal.edit_contact({"titel": "x"})  # type: ignore[typeddict-unknown-key]
    await crm.deal.edit_details(template="fr", address={"town": "x"})  # type: ignore[arg-type]
    await crm.deal.details_information(template="fr", of="lead")  # type: ignore[arg-type]
    await crm.deal.add_field("city", type="colour", label="x")  # type: ignore[arg-type]
    await crm.deal(42).add_field("city", type="text", label="x")  # type: ignore[attr-defined]
    await wait.until_stage("WON", timeout=5)  # type: ignore[arg-type]
    deal.title = "Tea"  # type: ignore[misc]


def keeps_the_port(adapter: SqlCrm) -> Crm:
    return adapter


async def found() -> None:
    assert_type(await crm.deal.find_first(F.amount >= 100), Deal | None)
    assert_type(await crm.company.find(F.country == "FR", order_by="title", limit=5), tuple[Company, ...])
    assert_type(await crm.deal.find_first(None, select=["title"]), Mapping[str, Any] | None)
    assert_type(await crm.user.find(None, select=["name"]), tuple[Mapping[str, Any], ...])
    assert_type(await crm.item("contract").find(F.status.is_filled()), tuple[SmartItem, ...])
    assert_type(await crm.lead.find_first(F.deals.any(F.quote.my_company.title == "Acme")), Lead | None)
    assert_type(await crm.item("contract").edit({"title": "x"}, where=F.title == "y"), SmartItem)
    assert_type((F.amount >= 100) & ~F.stage.is_in(["NEW"]) | F.contacts.any(F.name == "Ann"), Filter)
    assert_type(F.company.responsible.email.contains("x") & (F.custom.city == "Lyon"), Filter)


def wrong_filters() -> None:
    F.amuont >= 5  # type: ignore[attr-defined]  # noqa: B015
    F.company.title.x == 5  # type: ignore[attr-defined]  # noqa: B015
    F.title.contains(5)  # type: ignore[arg-type]
    F.contacts.any(True)  # type: ignore[arg-type]  # noqa: FBT003
