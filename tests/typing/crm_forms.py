"""What type checkers see of the fluent forms. Nothing runs: mypy checks this file with all others."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, assert_type

from bizproc import F, crm, wait
from bizproc.adapters.sql_crm import SqlCrm
from bizproc.core.commands import Signalled
from bizproc.model import Activity, Comment, Company, Deal, ProductRow, StageReached, User
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
    await wait.until_stage("WON", timeout=5)  # type: ignore[arg-type]
    deal.title = "Tea"  # type: ignore[misc]
    crm.deal.add_comment("made and not awaited")  # type: ignore[unused-awaitable]


def keeps_the_port(adapter: SqlCrm) -> Crm:
    return adapter


async def found() -> None:
    assert_type(await crm.deal.find_first(F.amount >= 100), Deal | None)
    assert_type(await crm.company.find(F.country == "FR", order_by="title", limit=5), tuple[Company, ...])
    assert_type(await crm.deal.find_first(None, select=["title"]), Mapping[str, Any] | None)
    assert_type(await crm.user.find(None, select=["name"]), tuple[Mapping[str, Any], ...])
    assert_type((F.amount >= 100) & ~F.stage.is_in(["NEW"]) | F.contacts.any(F.name == "Ann"), Filter)
    assert_type(F.company.responsible.email.contains("x") & (F.custom.city == "Lyon"), Filter)


def wrong_filters() -> None:
    F.amuont >= 5  # type: ignore[attr-defined]  # noqa: B015
    F.company.title.x == 5  # type: ignore[attr-defined]  # noqa: B015
    F.title.contains(5)  # type: ignore[arg-type]
    F.contacts.any(True)  # type: ignore[arg-type]  # noqa: FBT003
