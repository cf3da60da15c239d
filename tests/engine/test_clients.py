"""Actions about clients inside processes: each once whatever crashes, and what a failed conversion leaves behind."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import attempt, crm, process
from bizproc.core.errors import AlreadyConverted, ConversionRefused, DetailsRefused, InstanceFailed
from bizproc.model import (
    Activity,
    Company,
    Contact,
    Conversion,
    CustomField,
    Deal,
    Details,
    Exclusion,
    Lead,
    SmartItem,
)
from bizproc.testing import World
from tests.engine.ways import every_way


async def refusing(world: World, **fields: Any) -> Lead:
    """A lead of which no deal can be made."""
    await world.perform(crm.lead.add_field("colour", type="text", label="Colour"))
    await world.perform(crm.deal.add_field("colour", type="choice", label="Colour", options=["green"]))
    return await world.perform(crm.lead.create(title="Tea", custom={"colour": "blue"}, **fields))


@process("clients.win")
async def win(lead: Lead) -> tuple[Conversion, Contact, Company]:
    """All at once: define, convert, edit what came of it."""
    await crm.lead.add_field("size", type="choice", label="Size", options={"S": "Small"})
    await crm.lead.update({"custom": {"size": "Small"}})
    await crm.lead.add_activity("Call")
    made = await crm.lead.convert(deal=True, contact=True, company=True, keep_activities_open=False)
    contact = await crm.lead.edit_contact({"phones": ["2"]}, append=True)
    company = await crm.lead.edit_company({"industry": "IT"})
    return made, contact, company


@every_way
async def test_a_lead_is_won_once(world: World) -> object:
    lead = await world.perform(crm.lead.create(title="Tea", name="Ann", company_title="Acme", phones=["1"]))
    run = await world.start(win(lead))
    made, contact, company = await run.result()
    assert [each.value for each in contact.phones] == ["1", "2"]
    assert company.industry == "IT"
    assert (await world.get(Deal, made.deal_id or 0)).custom == {"size": "S"}
    assert [activity.completed for activity in await world.find(Activity)] == [True]
    assert [len(await world.find(cls)) for cls in (Deal, Contact, Company)] == [1, 1, 1]
    return made, contact, company


@process("clients.bill")
async def bill(deal: Deal) -> tuple[Conversion, Lead]:
    await crm.deal.add_product(1, quantity=2)
    made = await crm.deal.convert(quote=True, invoice=True)
    return made, await crm.deal.create_repeat_lead("Again", responsible=[1, 2])


@every_way
async def test_a_deal_is_billed_once(world: World) -> object:
    for _ in range(2):
        await world.user()
    await world.product(price=5)
    deal = await world.deal(contact_id=(await world.contact()).id)
    made, lead = await (await world.start(bill(deal))).result()
    assert (made.quote_id, made.invoice_id, lead.title, lead.is_return_customer) == (1, 1, "Again", True)
    return made, lead


@process("clients.details")
async def correct(deal: Deal) -> tuple[Details, Details, CustomField, SmartItem]:
    edited = await crm.deal.edit_details({"vat_id": "2"}, template="fr", bank={"bank_name": "B"})
    with pytest.raises(DetailsRefused):
        await crm.deal.edit_details({"vat_id": "3"}, template="fr", bank={"iban": "none"})
    field = await crm.deal.add_field("city", type="text", label="City")
    item = await crm.item("contract").edit({"title": "C"}, id=1)
    return edited, await crm.deal.details_information(template="fr", address_type="post"), field, item


@every_way
async def test_details_are_corrected_once_and_an_error_changes_nothing(world: World) -> object:
    company = await world.company()
    template = await world.perform(crm.details_template.create(code="fr", fields=["vat_id"]))
    await world.perform(crm.details.create(template_id=template.id, company_id=company.id))
    await world.perform(crm.smart_type.create(code="contract"))
    await world.perform(crm.item("contract").create())
    run = await world.start(correct(await world.deal(company_id=company.id)))
    edited, read, field, item = await run.result()
    assert (edited.fields["vat_id"], read.fields["vat_id"], read.bank["bank_name"]) == ("2", "2", "B")
    assert (field.kind, item.title) == ("deal", "C")
    return edited, read, field, item


@process("clients.exclude")
async def exclude(deal: Deal, *, others: tuple[int, ...]) -> tuple[Exclusion, ...]:
    contact = await crm.lead(others[0]).create_contact()
    await crm.lead(others[0]).add_to_exclusions(comment=contact.name)
    return await crm.deal(others[1]).add_to_exclusions(delete=True)


@every_way
async def test_addresses_are_excluded_and_clients_deleted_once(world: World) -> object:
    lead = await world.perform(crm.lead.create(title="L", name="Ann", phones=["1"]))
    contact = await world.contact(phones=["2"])
    other = await world.deal(contact_id=contact.id)
    run = await world.start(exclude(await world.deal(), others=(lead.id, other.id)))
    assert [each.value for each in await run.result()] == ["2"]
    assert [each.value for each in await world.find(Exclusion)] == ["1", "2"]
    assert [each.name for each in await world.find(Contact)] == ["Ann"]
    return await run.result()


# -- what a failed conversion leaves behind ----------------------------------------------------------------------------


@process("clients.try_to_win")
async def try_to_win(lead: Lead) -> tuple[str | None, bool]:
    outcome = await attempt(crm.lead.convert(deal=True, contact=True))
    error = outcome.error
    assert isinstance(error, ConversionRefused)
    return error.wanted, bool(await crm.lead.activities())


@every_way
async def test_a_refused_conversion_leaves_one_to_do_and_nothing_else(world: World) -> object:
    ann = await world.user()
    lead = await refusing(world, responsible_id=ann.id)
    run = await world.start(try_to_win(lead))
    assert await run.result() == ("deal", True)
    (to_do,) = await world.find(Activity, of=lead)
    assert (to_do.subject, to_do.responsible_id, to_do.completed) == ("Not converted: Tea", ann.id, False)
    assert "could not be converted to a deal: deal.custom.colour" in to_do.description
    assert to_do.made_by == run.id
    assert [await world.find(Contact), await world.find(Deal)] == [[], []]
    assert (await world.get(Lead, lead.id)).status == "NEW"
    return await run.result()


async def test_a_conversion_asked_for_by_a_person_leaves_the_to_do_too(world: World) -> None:
    lead = await refusing(world)
    with pytest.raises(ConversionRefused):
        await world.perform(crm.lead(lead).convert(deal=True))
    assert len(await world.find(Activity, of=lead)) == 1


async def test_who_converts_is_the_one_who_is_told(world: World) -> None:
    ann, bob = await world.user(), await world.user()
    lead = await refusing(world, responsible_id=ann.id)
    with pytest.raises(ConversionRefused) as raised:
        await world.perform(crm.lead(lead).convert(deal=True, responsible=bob))
    (to_do,) = await world.find(Activity, of=lead)
    assert to_do.responsible_id == raised.value.activity_for == bob.id


async def test_what_was_converted_before_leaves_no_to_do(world: World) -> None:
    lead = await world.perform(crm.lead.create(title="Tea"))
    await world.perform(crm.lead(lead).convert(deal=True))
    with pytest.raises(AlreadyConverted):
        await world.perform(crm.lead(lead).convert(deal=True))
    assert await world.find(Activity) == []


@process("clients.win_or_fail")
async def win_or_fail(lead: Lead) -> None:
    await crm.lead.convert(deal=True)


async def test_a_process_that_fails_of_it_leaves_the_to_do_and_can_be_retried(world: World) -> None:
    lead = await refusing(world)
    run = await world.start(win_or_fail(lead))
    with pytest.raises(InstanceFailed):
        await run.result()
    await world.perform(crm.lead(lead).update({"custom": {"colour": "green"}}))
    await run.retry()
    await run.result()
    assert [each.subject for each in await world.find(Activity, of=lead)] == ["Not converted: Tea"]
    assert len(await world.find(Deal)) == 1
