"""
Every action of the document, inside a process, with a crash at every await; those that reach outside among them.

The last test holds the list: an action that is added to the catalogue must be used by one of these processes.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from bizproc import F, crm, process, wait
from bizproc.actions.catalogue import HEADINGS
from bizproc.core.process import Call
from bizproc.model import (
    Activity,
    Company,
    Contact,
    Deal,
    Details,
    HistoryEvent,
    Invoice,
    Lead,
    Message,
    MultiField,
    Quote,
    SmartItem,
)
from bizproc.testing import World
from tests.engine.paper_templates import docx, tea_deal, template
from tests.engine.ways import every_way

HOUR = timedelta(hours=1)


@process("every.beside")
async def beside(deal: Deal, *, start: datetime) -> list[object]:
    """What stands beside a deal, and who follows it and has it."""
    await crm.deal.add_activity("Call", complete_on_stage_change=True)
    await crm.deal.add_event("Asked")
    await crm.deal.add_comment("Wants samples")
    call = await crm.deal.schedule_call(start=start, remind_before=HOUR)
    meeting = await crm.deal.schedule_meeting("Taste", start=start)
    booked = await crm.deal.book_resource("visit", start=start, duration=HOUR)
    released = await crm.deal.cancel_booking("visit")
    followed = await crm.deal.change_observers([2])
    done = await crm.deal.change_responsible([1, 2], pick="in_order")
    await crm.deal.add_task("Write")
    ended = await crm.deal.end_tasks("NEW")
    waited = [(await wait.days(2)).reason, (await wait.days_before("close_date", 1)).reason]
    return [call.subject, meeting.subject, len(booked), len(released), followed, done.user, len(ended), waited]


@process("every.sells")
async def sells(deal: Deal) -> list[object]:
    """Rows, orders, what is made of a deal, and what is known of it."""
    await crm.deal.add_product(1, quantity=2)
    row = await crm.deal.product_information(await crm.deal.products())
    order = await crm.deal.create_order()
    payment = await crm.deal.payment_information(order)
    made = await crm.deal.convert(quote=True, invoice=True)
    again = await crm.deal.create_repeat_lead("Again")
    contact = await crm.deal.edit_contact({"phones": ["+33 2"]}, append=True)
    company = await crm.deal.edit_company({"industry": "IT"})
    await crm.deal.add_field("city", type="text", label="City")
    await crm.deal.edit_details({"vat_id": "2"}, template="fr")
    details: Details = await crm.deal.details_information(template="fr")
    data = await crm.deal.get_data("amount", print_version=True)
    first = await crm.deal.find_first(F.amount > 0, select=("id",))
    found = await crm.deal.find(F.amount > 0)
    removed = await crm.deal.delete_products()
    assert payment is not None
    return [
        *(row.sum, payment.sum, made.quote_id, made.invoice_id, again.title, len(contact.phones), company.industry),
        *(details.fields["vat_id"], data["amount"], first, len(found), len(removed)),
    ]


@process("every.makes")
async def makes(deal: Deal) -> list[object]:
    """New items of every kind, and smart ones that are changed and deleted; then the deal moves on."""
    contact = await crm.contact.create(name="Zoe", last_name="Ash")
    company = await crm.company.create(title="Mill")
    lead = await crm.lead.create(title="L", name="Kim")
    other = await crm.deal.create(title="D", contact_id=contact.id, company_id=company.id)
    item = await crm.item("contract").create(title="C")
    edited = await crm.item("contract").edit({"title": "C 2"}, where=F.title == "C")
    await crm.item("contract").delete(item.id)
    await crm.deal(other).add_to_exclusions()
    made = await crm.lead(lead).create_contact()
    won = await crm.lead(lead).convert(deal=True)
    await crm.lead((await crm.lead.create(title="No")).id).change_status("JUNK")
    await crm.deal(other).change_pipeline(1)
    reached = await wait.until_stage("WON", "C1:NEW", deal=other.id)
    status = await wait.until_status("CONVERTED", lead=lead.id)
    await crm.deal(other).add_comment(f"{edited.title} {made.name} {won.deal_id} {reached.stage} {status.stage}")
    await crm.deal.change_stage("EXECUTING")
    return []  # bizproc: ok (shows that it never runs)


@process("every.reaches")
async def reaches(deal: Deal) -> list[str]:
    """What leaves the house: audiences, a document, messages, a link to pay."""
    put = [await crm.deal.add_to_facebook_audience("warm"), await crm.deal.add_to_google_audience("list", account="9")]
    document = await crm.deal.create_document("offer", wait_for_pdf=True)
    text = await crm.deal.send_sms("Tea?")
    letter = await crm.deal.send_email("Tea", f"Offer {document.number}")
    link = await crm.deal.get_payment_link(await crm.deal.create_order())
    made = f"{document.id} {document.number} {document.conversion}"
    return [*(f"{each.advertiser} {each.emails} {each.phones}" for each in put), made, text.status, letter.status, link]


@every_way
async def test_what_stands_beside_a_deal(world: World) -> object:
    await world.perform(crm.deal.add_field("visit", type="booking", label="Visit"))
    for name in ("Ann", "Bob"):
        await world.user(name=name)
    start = world.clock.now() + timedelta(days=1)
    deal = await world.deal(responsible_id=1, close_date=date(2030, 1, 20))
    run = await world.start(beside(deal, start=start))
    await world.advance(days=30)
    result = await run.result()
    assert result[2:] == [1, 1, (2,), 1, 1, ["time", "time"]]
    return result


@every_way
async def test_what_is_sold(world: World) -> object:
    await world.product(name="Tea", price=5)
    company = await world.company()
    await world.perform(crm.details_template.create(code="fr", fields=["vat_id"]))
    await world.perform(crm.details.create(template_id=1, company_id=company.id))
    deal = await world.deal(company_id=company.id, contact_id=(await world.contact(phones=["+33 1"])).id)
    result = await (await world.start(sells(deal))).result()
    assert result[2:8] == [1, 1, "Again", 2, "IT", "2"]
    return [result, await world.find(Quote), await world.find(Invoice)]


@every_way
async def test_what_is_made_and_moved(world: World) -> object:
    await world.perform(crm.smart_type.create(code="contract"))
    await world.perform(crm.pipeline.create(name="Service"))
    deal = await world.deal()
    run = await world.start(makes(deal))
    assert await run.result() is None
    assert (await run.status()).ended_by == "stage changed"
    assert [len(await world.find(cls)) for cls in (Contact, Company, SmartItem)] == [2, 1, 0]
    assert [lead.status for lead in await world.find(Lead)] == ["CONVERTED", "JUNK"]
    return [each.title for each in await world.find(Deal)]


@every_way
async def test_what_reaches_outside(world: World) -> object:
    deal = await a_reachable_deal(world)
    run = await world.start(reaches(deal))
    result = await run.result()
    assert result == ["facebook 1 1", "google 1 1", "1 1 ready", "sent", "sent", "https://pay.test/1/1"]
    channels = (world.ads, world.sms, world.mail, world.payments)
    assert [len({each.key for each in channel.sent}) for channel in channels] == [2, 1, 1, 1]
    await world.advance(days=8)
    assert world.ads.audiences == {"warm": set(), "list": set()}
    lines = [(each.kind, each.text) for each in await world.find(HistoryEvent, of=deal)]
    return [result, lines, await world.find(Message, of=deal), len(await world.find(Activity, of=deal))]


async def test_no_action_of_the_document_is_missing_here() -> None:
    """Each class that the catalogue has, seen in the journals of these processes."""
    classes = [cls for heading in HEADINGS for cls in (heading.action, *heading.also) if cls is not None]
    async with World.open() as world:
        seen = await _commands(world)
    assert sorted({cls.__name__ for cls in classes if _verb(cls) not in seen}) == []


def _verb(cls: Any) -> str:
    return str(cls.verb)


async def _commands(world: World) -> set[str]:
    """The verbs of all that the four processes asked for."""
    runs = [await world.start(call) for call in await calls_of_all(world)]
    runs.append(await world.start(reaches(await a_reachable_deal(world))))
    await world.advance(days=30)
    return {step.name.rpartition(".")[2] for run in runs for step in await run.journal()}


async def a_reachable_deal(world: World) -> Deal:
    """A deal with rows to pay, a template, and a client with an address and a phone."""
    await template(world, docx("x"))
    deal = await tea_deal(world)
    contact = await world.contact(emails=[MultiField("jo@client.example")], phones=[MultiField("+33 6 12 34 56 78")])
    ann = await world.user(name="Ann", email="ann@firm.example")
    return await world.perform(crm.deal(deal).update({"contact_ids": [contact.id], "responsible_id": ann.id}))


async def calls_of_all(world: World) -> tuple[Call[Any], ...]:
    """The three processes that reach nothing outside, on what they need."""
    await world.perform(crm.deal.add_field("visit", type="booking", label="Visit"))
    for name in ("Ann", "Bob"):
        await world.user(name=name)
    await world.product(name="Tea", price=5)
    company, contact = await world.company(), await world.contact()
    await world.perform(crm.details_template.create(code="fr", fields=["vat_id"]))
    await world.perform(crm.details.create(template_id=1, company_id=company.id))
    await world.perform(crm.smart_type.create(code="contract"))
    await world.perform(crm.pipeline.create(name="Service"))
    fields: Any = {"responsible_id": 1, "company_id": company.id, "contact_id": contact.id}
    deals = [await world.deal(**fields, close_date=date(2030, 1, 20)) for _ in range(3)]
    return beside(deals[0], start=world.clock.now()), sells(deals[1]), makes(deals[2])
