"""Sending a text message from a process (heading 31): what it leaves in the CRM, and each way in which it fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bizproc import attempt, crm, process, wait
from bizproc.actions.messages import RecordIncoming, RecordStatus
from bizproc.core.action import Target
from bizproc.errors import (
    ActionError,
    ChannelMissing,
    EmptyText,
    InstanceFailed,
    ItemNotFound,
    MessageNotFound,
    NoClientAddress,
    SendRefused,
    WrongArgument,
    WrongFieldValue,
    WrongValue,
)
from bizproc.model import Activity, Deal, HistoryEvent, ItemRef, Message, MultiField
from bizproc.testing import World, crash_at_every_await

JO = MultiField("+33 6 12 34 56 78", "MOBILE")


async def a_deal(world: World, *phones: MultiField) -> Deal:
    user = await world.user()
    contact = await world.contact(phones=list(phones or (JO,)))
    return await world.deal(responsible_id=user.id, contact_ids=[contact.id])


async def lines(world: World, item: Any, kind: str = "error") -> list[str]:
    return [line.text for line in await world.find(HistoryEvent, of=item) if line.kind == kind]


@process("tests.sms")
async def sms(deal: Deal, *, text: str = "Tea?", provider: str | None = None) -> str:
    return (await crm.deal.send_sms(text, provider=provider)).status


async def test_a_text_message_goes_to_the_client_and_is_seen_beside_the_deal_and_the_contact(world: World) -> None:
    deal = await a_deal(world)
    run = await world.start(sms(deal))
    assert await run.result() == "sent"
    [sent] = world.sms.sent
    assert (sent.number, sent.text, sent.sender) == (JO.value, "Tea?", None)
    [message] = await world.find(Message, of=deal)
    assert (message.channel, message.recipient, message.status) == ("sms", JO.value, "sent")
    [activity] = await world.find(Activity, of=deal)
    assert (activity.kind, activity.description, activity.completed) == ("sms", "Tea?", True)
    assert activity.responsible_id == deal.responsible_id
    assert activity.bindings == (ItemRef("deal", deal.id), ItemRef("contact", 1))
    assert await lines(world, deal, "sms_sent") == [JO.value]


async def test_only_phones_of_a_type_count_if_one_is_named(world: World) -> None:
    deal = await a_deal(world, MultiField("1", "WORK"), MultiField("2", "MOBILE"))
    await world.perform(crm.deal(deal).send_sms("x"))
    await world.perform(crm.deal(deal).send_sms("x", phone_type="MOBILE"))
    assert [sent.number for sent in world.sms.sent] == ["1", "2"]


async def test_a_provider_and_a_sender_can_be_named(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_sms("x", provider="twilio"))
    await world.perform(crm.deal(deal).send_sms("x", provider="Tea@Home@http"))
    assert [sent.sender for sent in world.sms.sent] == [None, "Tea@Home"]
    assert [message.provider for message in await world.find(Message, of=deal)] == ["twilio", "http"]


async def test_nobody_need_be_in_charge(world: World) -> None:
    contact = await world.contact(phones=[JO])
    assert (await world.perform(crm.contact(contact).send_sms("x"))).status == "sent"


async def test_the_first_of_those_of_a_deal_that_has_a_phone_gets_it(world: World) -> None:
    silent = await world.contact(phones=[MultiField(" "), MultiField("9", "FAX")])
    second = await world.contact(phones=[MultiField("2", "MOBILE")])
    company = await world.company(phones=[MultiField("3", "WORK")])
    deal = await world.deal(contact_ids=[silent.id, second.id], company_id=company.id)
    for phone_type in ("MOBILE", "WORK", None):
        await world.perform(crm.deal(deal).send_sms("x", phone_type=phone_type))
    assert [sent.number for sent in world.sms.sent] == ["2", "3", "9"]


async def test_a_lead_a_company_a_quote_and_an_invoice_have_a_phone_too(world: World) -> None:
    company = await world.company(phones=[MultiField("3")])
    contact = await world.contact(phones=[MultiField("2")])
    lead = await world.perform(crm.lead.create(title="x", phones=[MultiField("1")], contact_id=contact.id))
    quote = await world.perform(crm.quote.create(title="x", company_id=company.id))
    invoice = await world.perform(crm.invoice.create(title="x", contact_ids=[contact.id], company_id=company.id))
    for item in (crm.lead(lead), crm.company(company), crm.quote(quote), crm.invoice(invoice)):
        await world.perform(item.send_sms("x"))
    assert [sent.number for sent in world.sms.sent] == ["1", "3", "3", "2"]


async def test_without_waiting_a_text_message_is_queued_and_its_fate_is_written_later(world: World) -> None:
    @process("tests.sms_and_go")
    async def sms_and_go(deal: Deal) -> str:
        return (await crm.deal.send_sms("x", wait_for_delivery=False)).status

    deal = await a_deal(world)
    world.sms.refuse("no such number")
    assert await (await world.start(sms_and_go(deal))).result() == "queued"
    assert [message.status for message in await world.find(Message, of=deal)] == ["refused"]
    assert await lines(world, deal) == [f"SMS to {JO.value} was not sent: no such number"]


async def test_a_text_message_that_went_out_ends_no_wait_and_one_that_comes_in_does(world: World) -> None:
    @process("tests.sms_patient")
    async def patient(deal: Deal) -> str:
        return (await wait.days(3)).reason

    deal = await a_deal(world)
    run = await world.start(patient(deal))
    await world.perform(crm.deal(deal).send_sms("x"))
    await world.perform(RecordStatus(1, "delivered"))
    assert (await run.status()).state == "waiting"
    await world.perform(RecordIncoming(Target("deal", deal.id), "sms", "yes", address=JO.value))
    assert await run.result() == "client_activity"


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def no_phone(world: World) -> Deal:
    return await a_deal(world, MultiField(" "))


EDGES: dict[str, tuple[Callable[[World], Awaitable[Deal]], dict[str, Any], type[ActionError]]] = {
    "nothing but blanks": (a_deal, {"text": "\n "}, EmptyText),
    "no phone of the client": (no_phone, {}, NoClientAddress),
    "none of the type": (a_deal, {"phone_type": "FAX"}, NoClientAddress),
    "a provider that there is not": (a_deal, {"provider": "pigeon"}, ChannelMissing),
    "no provider behind the sender": (a_deal, {"provider": "+33@"}, WrongValue),
    "no provider at all": (a_deal, {"provider": ""}, WrongValue),
    "a text that is too long": (a_deal, {"text": "x" * 1601}, WrongValue),
    "a text that cannot be stored": (a_deal, {"text": "a\0b"}, WrongFieldValue),
}


@process("tests.sms_edge")
async def edge(deal: Deal, *, arguments: dict[str, Any]) -> str:
    outcome = await attempt(crm.deal.send_sms(**{"text": "x", **arguments}))
    return type(outcome.error).__name__


@pytest.mark.parametrize("name", EDGES)
async def test_each_way_to_fail_is_raised_and_told_in_the_history_once_wherever_the_program_dies(name: str) -> None:
    prepare, arguments, error = EDGES[name]

    async def story(world: World) -> object:
        deal = await prepare(world)
        run = await world.start(edge(deal, arguments=arguments))
        assert world.sms.sent == []
        assert await world.find(Message, of=deal) == []
        assert await world.find(Activity, of=deal) == []
        [line] = await lines(world, deal)
        assert line.startswith("SMS was not sent: ")
        return await run.result()

    async with World.open() as world:
        assert await story(world) == error.__name__
    assert await crash_at_every_await(story) > 4


async def test_a_phone_type_that_there_is_not_is_refused_before_anything_is_done(world: World) -> None:
    with pytest.raises(WrongValue, match="phone_type"):
        await world.perform(crm.deal(1).send_sms("x", phone_type="OWN"))
    with pytest.raises(WrongArgument):
        await world.perform(crm.deal(1).send_sms(7))  # type: ignore[arg-type]
    with pytest.raises(ItemNotFound):
        await world.perform(crm.deal(99).send_sms("x"))


async def test_a_refused_message_loses_its_activity_and_says_why(world: World) -> None:
    deal = await a_deal(world)
    world.sms.refuse("no such number")
    run = await world.start(sms(deal))
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    assert isinstance(failed.value.error, SendRefused)
    assert await world.find(Activity, of=deal) == []
    assert [message.status for message in await world.find(Message, of=deal)] == ["refused"]
    assert await lines(world, deal) == [f"SMS to {JO.value} was not sent: no such number"]


async def test_messages_are_sent_once_wherever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await a_deal(world)
        return await (await world.start(sms(deal, provider="twilio"))).result()

    assert await crash_at_every_await(story) > 6


# -- what is reported later --------------------------------------------------------------------------------------------


async def test_what_a_provider_reports_is_written_down_and_the_last_word_stays(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_sms("x"))
    await world.perform(RecordStatus(1, "delivered"))
    await world.perform(RecordStatus(1, "sent"))
    await world.perform(RecordStatus(1, "failed", "late"))
    [message] = await world.find(Message, of=deal)
    assert (message.status, message.reason) == ("delivered", "")
    assert await lines(world, deal) == []


async def test_what_was_not_delivered_is_a_line_of_error(world: World) -> None:
    deal = await a_deal(world)
    await world.perform(crm.deal(deal).send_sms("x"))
    await world.perform(RecordStatus(1, "failed", "error 30003"))
    await world.perform(RecordStatus(1, "failed", "error 30003"))
    [message] = await world.find(Message, of=deal)
    assert (message.status, message.reason) == ("failed", "error 30003")
    assert await lines(world, deal) == [f"SMS to {JO.value} was not delivered: error 30003"]
    assert len(await world.find(Activity, of=deal)) == 1


async def test_a_report_on_a_message_that_is_not_there_finds_none(world: World) -> None:
    with pytest.raises(MessageNotFound):
        await world.perform(RecordStatus(7, "delivered"))
    with pytest.raises(WrongArgument):
        await world.perform(RecordStatus(7, "lost"))  # type: ignore[arg-type]
