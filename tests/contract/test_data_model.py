"""The data model as a whole: every kind can be made, and what follows from its fields follows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from bizproc import crm, process
from bizproc.core.commands import Command
from bizproc.core.errors import (
    AlreadyExists,
    EmptyText,
    ItemNotFound,
    UnknownField,
    UnknownItem,
    UnknownUser,
    WrongFieldValue,
)
from bizproc.model import (
    Absence,
    BankDetails,
    ClientDetails,
    Deal,
    Exclusion,
    HistoryEvent,
    Invoice,
    ItemRef,
    ProductRow,
    Quote,
    Reference,
    SmartItem,
    Stage,
    WorkingHours,
    ref_of,
)
from bizproc.testing import World

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


async def history_of(world: World, item: Any) -> list[tuple[str, str | None]]:
    return [(line.kind, line.field) for line in await world.find(HistoryEvent, of=item)]


# -- leads -------------------------------------------------------------------------------------------------------------


async def test_a_lead_begins_in_its_first_status(world: World) -> None:
    lead = await world.perform(crm.lead.create(title="Tea", name="Ann", company_title="Tea & Co", phones=["+33 1"]))
    assert (lead.status, lead.stage, lead.semantics) == ("NEW", "NEW", "process")
    assert (lead.full_name, lead.phones[0].value, lead.is_return_customer) == ("Ann", "+33 1", False)


async def test_status_is_another_name_of_the_stage(world: World) -> None:
    lead = await world.perform(crm.lead.create(title="Tea", status="IN_PROCESS"))
    assert lead.stage == "IN_PROCESS"
    changed = await world.perform(crm.lead(lead).update({"status": "PROCESSED"}))
    assert changed.status == "PROCESSED"


async def test_a_lead_returns_while_a_client_is_linked(world: World) -> None:
    contact = await world.contact()
    lead = await world.perform(crm.lead.create(title="Tea"))
    assert (await world.perform(crm.lead(lead).update({"contact_id": contact.id}))).is_return_customer
    assert not (await world.perform(crm.lead(lead).update({"contact_ids": []}))).is_return_customer


async def test_a_won_lead_is_not_looked_at_again(world: World) -> None:
    contact = await world.contact()
    lead = await world.perform(crm.lead.create(title="Tea"))
    won = await world.perform(crm.lead(lead).update({"status": "CONVERTED", "contact_id": contact.id}))
    assert (won.is_return_customer, won.closed) == (False, True)
    assert won.closed_at == world.clock.now()
    later = await world.perform(crm.lead(lead).update({"contact_ids": []}))
    assert not later.is_return_customer
    again = await world.perform(crm.lead(lead).update({"status": "NEW"}))
    assert again.closed_at is None


async def test_nobody_writes_what_is_derived(world: World) -> None:
    lead = await world.perform(crm.lead.create(title="Tea"))
    with pytest.raises(WrongFieldValue, match="follows"):
        await world.perform(crm.lead(lead).update({"is_return_customer": True}))  # type: ignore[typeddict-unknown-key]


# -- deals, quotes, invoices -------------------------------------------------------------------------------------------


async def test_a_deal_is_a_returning_customers_if_the_client_had_one(world: World) -> None:
    company, contact = await world.company(), await world.contact()
    first = await world.deal(company_id=company.id)
    second = await world.deal(company_id=company.id)
    third = await world.deal(contact_id=contact.id)
    fourth = await world.deal(contact_id=contact.id)
    assert [deal.is_return_customer for deal in (first, second, third, fourth)] == [False, True, False, True]


async def test_a_quote_and_an_invoice_are_numbered(world: World) -> None:
    deal = await world.deal()
    quote = await world.perform(crm.quote.create(title="Tea", deal_id=deal.id))
    invoice = await world.perform(crm.invoice.create(title="Tea", deal_id=deal.id, number="2026-7"))
    assert (quote.number, quote.stage) == (str(quote.id), "DRAFT")
    assert (invoice.number, invoice.stage) == ("2026-7", "NEW")
    assert await world.get(Quote, quote.id) == quote
    assert await world.find(Invoice, of=deal) == [invoice]


async def test_rows_of_a_quote_make_its_amount(world: World) -> None:
    product = await world.product(price=Decimal(18))
    quote = await world.perform(crm.quote.create(title="Tea"))
    await world.perform(crm.quote(quote).add_product(product, quantity=10))
    assert (await world.get(Quote, quote.id)).amount == Decimal("180.00")
    assert [row.owner_kind for row in await world.find(ProductRow, of=quote)] == ["quote"]


async def test_our_own_company_is_not_the_client(world: World) -> None:
    ours, client = await world.company(is_my_company=True), await world.company()
    quote = await world.perform(crm.quote.create(title="Tea", my_company_id=ours.id, company_id=client.id))
    assert await world.find(Quote, of=client) == [quote]


# -- smart items -------------------------------------------------------------------------------------------------------


async def contract_type(world: World) -> str:
    await world.perform(crm.smart_type.create(code="contract", title="Contract", parents=["deal", "company"]))
    return "contract"


async def test_a_smart_item_begins_in_its_types_first_stage_and_has_a_name(world: World) -> None:
    contracts = await contract_type(world)
    item = await world.perform(crm.item(contracts).create())
    assert (item.item_type, item.stage, item.title) == ("contract", "NEW", f"Contract {item.id}")
    assert await world.perform(crm.item(contracts, item.id).read()) == item
    assert await world.get(SmartItem, item.id) == item
    assert str(ref_of(item)) == f"contract:{item.id}"


async def test_a_smart_type_has_pipelines_of_its_own(world: World) -> None:
    contracts = await contract_type(world)
    pipeline = await world.perform(crm.pipeline.create(name="Long ones", kind=contracts))
    item = await world.perform(crm.item(contracts).create(pipeline=pipeline.id))
    assert item.stage == f"C{pipeline.id}:NEW"
    codes = [stage.code for stage in await world.find(Stage) if (stage.kind, stage.pipeline) == (contracts, 0)]
    assert codes == ["NEW", "PREPARATION", "CLIENT", "SUCCESS", "FAIL"]


async def test_parents_are_found_from_both_sides(world: World) -> None:
    contracts = await contract_type(world)
    deal, company = await world.deal(), await world.company()
    item = await world.perform(crm.item(contracts).create(parents=[ref_of(deal)], company_id=company.id))
    assert [each.id for each in await world.find(SmartItem, of=deal)] == [item.id]
    both = await world.perform(crm.item(contracts, item).update({"parents": [ref_of(deal), ref_of(company)]}))
    assert [str(parent) for parent in both.parents] == [f"deal:{deal.id}", f"company:{company.id}"]
    await world.perform(crm.company(company).delete())
    cut = await world.get(SmartItem, item.id)
    assert (cut.company_id, [str(parent) for parent in cut.parents]) == (None, [f"deal:{deal.id}"])
    await world.perform(crm.item(contracts).delete(item))
    with pytest.raises(ItemNotFound):
        await world.get(SmartItem, item.id)


async def test_a_parent_must_be_of_a_kind_that_the_type_knows_and_be_there(world: World) -> None:
    contracts = await contract_type(world)
    lead = await world.perform(crm.lead.create(title="Tea"))
    with pytest.raises(WrongFieldValue, match="deal, company"):
        await world.perform(crm.item(contracts).create(parents=[ref_of(lead)]))
    with pytest.raises(ItemNotFound):
        await world.perform(crm.item(contracts).create(parents=[ItemRef("deal", 99)]))
    deals = [ref_of(await world.deal()), ref_of(await world.deal())]
    with pytest.raises(WrongFieldValue, match="one parent of a kind"):
        await world.perform(crm.item(contracts).create(parents=deals))


async def test_a_type_made_without_something_refuses_it(world: World) -> None:
    await world.perform(crm.smart_type.create(code="visit", has_client=False, has_stages=False, has_dates=False))
    company = await world.company()
    for fields in ({"company_id": company.id}, {"stage": "SUCCESS"}, {"begin_date": date(2026, 1, 5)}):
        with pytest.raises(WrongFieldValue, match="was made without"):
            await world.perform(crm.item("visit").create(**fields))


async def test_an_unknown_type_is_refused_with_all_kinds(world: World) -> None:
    await contract_type(world)
    for action in (crm.item("contarct").create(), crm.item("contarct", 1).read(), crm.item("contarct").delete(1)):
        with pytest.raises(UnknownItem, match="lead, deal, company, contact, quote, invoice, contract"):
            await world.perform(action)


@pytest.mark.parametrize("code", ["deal", "task", "Contract", "a b", "1st", "smart_item", "x" * 51])
async def test_a_code_that_is_none_or_taken_is_refused(world: World, code: str) -> None:
    with pytest.raises(WrongFieldValue, match="that no other kind has"):
        await world.perform(crm.smart_type.create(code=code))


# -- who works when ----------------------------------------------------------------------------------------------------


async def test_a_department_does_not_lie_below_itself(world: World) -> None:
    top = await world.perform(crm.department.create(code="top"))
    sales = await world.perform(crm.department.create(code="sales", parent_id=top.id))
    with pytest.raises(WrongFieldValue, match="below"):
        await world.perform(crm.department(top.id).update({"parent_id": sales.id}))
    with pytest.raises(WrongFieldValue, match="below"):
        await world.perform(crm.department(top.id).update({"parent_id": top.id}))


async def test_an_absence_ends_after_it_began(world: World) -> None:
    user = await world.user()
    absence = await world.perform(crm.absence.create(user_id=user.id, start=NOON, end=NOON + timedelta(days=1)))
    assert await world.find(Absence, of=user) == [absence]
    with pytest.raises(WrongFieldValue, match="not before"):
        await world.perform(crm.absence(absence).update({"end": NOON - timedelta(days=1)}))
    await world.perform(crm.absence(absence).delete())
    assert await world.find(Absence) == []


async def test_a_user_has_one_record_of_working_hours_and_so_has_the_company(world: World) -> None:
    user = await world.user()
    for whose in (user.id, None):
        made = await world.perform(crm.working_hours.create(user_id=whose, saturday="10:00-12:00"))
        assert (await world.get(WorkingHours, made.id)).week[5] == "10:00-12:00"
        with pytest.raises(AlreadyExists):
            await world.perform(crm.working_hours.create(user_id=whose))


@pytest.mark.parametrize("hours", ["9-17", "09:00", "09:00-09:00", "10:00-12:00,11:00-13:00", "09:00-24:30", "x"])
async def test_hours_that_are_none_are_refused(world: World, hours: str) -> None:
    with pytest.raises(WrongFieldValue, match="hours"):
        await world.perform(crm.working_hours.create(monday=hours))


# -- clients' details --------------------------------------------------------------------------------------------------


async def test_details_belong_to_a_client_and_go_with_it(world: World) -> None:
    company = await world.company()
    template = await world.perform(crm.details_template.create(code="fr", fields=["company_name", "vat_id"]))
    details = await world.perform(
        crm.details.create(
            company_id=company.id,
            template_id=template.id,
            fields={"vat_id": "FR1"},
            addresses={"registered": {"city": "Reims"}},
        )
    )
    bank = await world.perform(crm.bank_details.create(details_id=details.id, fields={"iban": "FR76"}))
    assert await world.find(ClientDetails, of=company) == [details]
    assert await world.find(BankDetails, of=details) == [bank]
    await world.perform(crm.company(company).delete())
    assert (await world.find(ClientDetails), await world.find(BankDetails)) == ([], [])


async def test_details_have_one_owner_and_the_fields_of_their_template(world: World) -> None:
    company, contact = await world.company(), await world.contact()
    template = await world.perform(crm.details_template.create(code="fr", fields=["vat_id"], with_address=False))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "a company or a contact"),
        ({"company_id": company.id, "contact_id": contact.id}, "not both"),
        ({"company_id": company.id, "fields": {"vat": "1"}}, "vat_id"),
        ({"company_id": company.id, "addresses": {"home": {}}}, "none"),
    ]
    for fields, said in wrong:
        with pytest.raises(WrongFieldValue, match=said):
            await world.perform(crm.details.create(template_id=template.id, **fields))


# -- lists, exclusions -------------------------------------------------------------------------------------------------


async def test_a_new_crm_has_its_lists_and_takes_more(world: World) -> None:
    sources = [entry.code for entry in await world.find(Reference, order_by="sort") if entry.list == "SOURCE"]
    assert sources[:3] == ["CALL", "EMAIL", "WEB"]
    await world.perform(crm.reference.create(list="SOURCE", code="FAIR", name="Fair"))
    with pytest.raises(AlreadyExists, match="FAIR"):
        await world.perform(crm.reference.create(list="SOURCE", code="FAIR"))


async def test_an_exclusion_is_normalised_and_there_once(world: World) -> None:
    made = await world.perform(crm.exclusion.create(type="PHONE", value="+33 (0)1 23-45"))
    assert made.value == "+3301 2345".replace(" ", "")
    with pytest.raises(AlreadyExists):
        await world.perform(crm.exclusion.create(type="PHONE", value="+33 0 12345"))
    assert (
        await world.perform(crm.exclusion.create(type="EMAIL", value=" Ann@Tea.example "))
    ).value == "ann@tea.example"
    assert len(await world.find(Exclusion)) == 2


# -- all of them -------------------------------------------------------------------------------------------------------

MAKING: dict[str, Any] = {
    "lead": crm.lead.create(title="Tea"),
    "deal": crm.deal.create(title="Tea"),
    "contact": crm.contact.create(name="Ann", last_name="Lee"),
    "company": crm.company.create(title="Tea"),
    "quote": crm.quote.create(title="Tea"),
    "invoice": crm.invoice.create(title="Tea"),
}


@pytest.mark.parametrize("kind", MAKING)
async def test_a_write_that_changes_nothing_leaves_no_trace(world: World, kind: str) -> None:
    item = await world.perform(MAKING[kind])
    before = await history_of(world, item)
    same: Command[Any] = getattr(crm, kind)(item).update(
        {"comments": "", "opened": True, "utm_source": None, "custom": {}, "observer_ids": []}
    )
    await world.advance(days=1)
    assert await world.perform(same) == item
    assert await history_of(world, item) == before == [("created", None)]


@pytest.mark.parametrize("kind", MAKING)
async def test_an_item_that_is_deleted_leaves_nothing(world: World, kind: str) -> None:
    item = await world.perform(MAKING[kind])
    await world.perform(getattr(crm, kind)(item).add_comment("Tea"))
    await world.perform(getattr(crm, kind)(item).add_activity("Call"))
    await world.perform(getattr(crm, kind)(item).delete())
    with pytest.raises(ItemNotFound):
        await world.perform(getattr(crm, kind)(item).read())
    assert await world.find(HistoryEvent, of=ref_of(item)) == []


async def test_what_points_at_a_lead_or_quote_loses_it(world: World) -> None:
    lead = await world.perform(crm.lead.create(title="Tea"))
    quote = await world.perform(crm.quote.create(title="Tea", lead_id=lead.id))
    deal = await world.perform(crm.deal.create(title="Tea", lead_id=lead.id, quote_id=quote.id))
    await world.perform(crm.lead(lead).delete())
    await world.perform(crm.quote(quote).delete())
    now = await world.get(Deal, deal.id)
    assert (now.lead_id, now.quote_id) == (None, None)
    assert ("changed", "lead_id") in await history_of(world, deal)


async def test_what_must_be_given_is_named(world: World) -> None:
    without: list[Command[Any]] = [
        crm.lead.create(),
        crm.quote.create(),
        crm.invoice.create(),
        crm.group.create(),
        crm.absence.create(user_id=1),
        crm.mailbox.create(name="Tea"),
        crm.template.create(),
    ]
    for action in without:
        with pytest.raises(EmptyText):
            await world.perform(action)
    with pytest.raises(UnknownField, match="titel"):
        await world.perform(crm.lead.create(titel="Tea"))  # type: ignore[call-arg]
    with pytest.raises(UnknownUser):
        await world.perform(crm.group.create(code="admins", member_ids=[99]))


async def test_a_process_finds_the_lead_of_its_deal_and_the_deal_of_its_quote(world: World) -> None:
    lead = await world.perform(crm.lead.create(title="Tea"))
    deal = await world.perform(crm.deal.create(title="Offer", lead_id=lead.id))
    quote = await world.perform(crm.quote.create(title="Quote", deal_id=deal.id))

    @process("look.around")
    async def look(quote: Quote) -> list[str]:
        return [(await crm.deal.read()).title, (await crm.quote.read()).title]

    @process("look.back")
    async def back(deal: Deal) -> list[str]:
        return [(await crm.lead.read()).title, (await crm.quote.read()).title]

    assert await (await world.start(look(quote))).result() == ["Offer", "Quote"]
    assert await (await world.start(back(deal))).result() == ["Tea", "Quote"]


async def test_a_smart_item_is_made_below_the_document_unless_told_otherwise(world: World) -> None:
    await contract_type(world)
    other = await world.company()

    @process("contract.make")
    async def make(deal: Deal) -> list[list[str]]:
        below = await crm.item("contract").create()
        alone = await crm.item("contract").create(parent=False)
        elsewhere = await crm.item("contract").create(parent=other)
        return [[str(parent) for parent in item.parents] for item in (below, alone, elsewhere)]

    deal = await world.deal()
    run = await world.start(make(deal))
    assert await run.result() == [[f"deal:{deal.id}"], [], [f"company:{other.id}"]]
