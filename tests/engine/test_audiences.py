"""Audiences of advertisers (headings 6 and 7): who gets in, when they get out, and each way in which it goes wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bizproc import attempt, crm, process
from bizproc.errors import (
    ActionError,
    ChannelMissing,
    InstanceFailed,
    ItemNotFound,
    NoClientAddress,
    SendRefused,
    WrongValue,
)
from bizproc.model import Activity, AudienceChange, Deal, HistoryEvent, MultiField
from bizproc.runtime import Runtime
from bizproc.settings import Settings
from bizproc.testing import World, crash_at_every_await

MAIL, PHONE = "jo@client.example", "+33612345678"
OTHERS = ("hello@firm.example",)


async def a_deal(world: World, *, reachable: bool = True) -> Deal:
    contact = await world.contact(
        emails=[MultiField(MAIL)] if reachable else [], phones=[MultiField(PHONE)] if reachable else []
    )
    company = await world.company(emails=[MultiField(each) for each in OTHERS] if reachable else [])
    return await world.deal(contact_ids=[contact.id], company_id=company.id)


@process("tests.advertise")
async def advertise(deal: Deal, *, advertiser: str = "facebook", days: int | None = 7) -> AudienceChange:
    if advertiser == "google":
        return await crm.deal.add_to_google_audience("warm", account="9", remove_after_days=days)
    return await crm.deal.add_to_facebook_audience("warm", remove_after_days=days)


@pytest.mark.parametrize("advertiser", ["facebook", "google"])
async def test_the_client_is_in_the_audience_for_seven_days(world: World, advertiser: str) -> None:
    deal = await a_deal(world)
    run = await world.start(advertise(deal, advertiser=advertiser))
    change = await run.result()
    assert (change.advertiser, change.audience, change.emails, change.phones) == (advertiser, "warm", 2, 1)
    assert change.account == ("9" if advertiser == "google" else None)
    assert change.receipt == f"request {run.id}/0"
    assert change.remove_at == world.clock.now() + timedelta(days=7)
    assert world.ads.audiences == {"warm": {MAIL, PHONE, *OTHERS}}
    await world.advance(days=6, hours=23)
    assert len(world.ads.sent) == 1
    await world.advance(hours=1)
    assert world.ads.audiences == {"warm": set()}
    assert world.ads.sent[1].account == change.account


async def test_nothing_of_the_crm_changes(world: World) -> None:
    deal = await a_deal(world)
    before = await world.find(HistoryEvent)
    await world.start(advertise(deal))
    await world.advance(days=10)
    assert await world.find(HistoryEvent) == before
    assert await world.find(Activity) == []
    assert await world.get(Deal, deal.id) == deal


@pytest.mark.parametrize("never", [0, None])
async def test_zero_days_or_none_is_never(world: World, never: int | None) -> None:
    run = await world.start(advertise(await a_deal(world), days=never))
    assert (await run.result()).remove_at is None
    await world.advance(days=365)
    assert world.ads.audiences == {"warm": {MAIL, PHONE, *OTHERS}}


async def test_days_are_those_of_the_portal_at_the_same_time_of_the_day() -> None:
    async with World.open(settings=Settings(time_zone="Europe/Paris")) as world:
        await world.advance(datetime(2030, 3, 28, 9, 30, tzinfo=UTC))
        run = await world.start(advertise(await a_deal(world)))
        assert (await run.result()).remove_at == datetime(2030, 4, 4, 8, 30, tzinfo=UTC)


async def test_a_lead_with_addresses_of_its_own_stands_for_itself(world: World) -> None:
    company = await world.company(emails=[MultiField("x@firm.example")])
    lead = await world.perform(crm.lead.create(title="x", emails=[MultiField(MAIL)], company_id=company.id))
    await world.perform(crm.lead(lead).add_to_facebook_audience("own"))
    await world.perform(crm.company(company).add_to_google_audience("company"))
    contact = await world.contact(phones=[MultiField(PHONE)])
    await world.perform(crm.contact(contact).add_to_google_audience("contact"))
    assert world.ads.audiences == {"own": {MAIL}, "company": {"x@firm.example"}, "contact": {PHONE}}


async def test_they_are_taken_out_though_the_instance_and_the_deal_are_long_gone(world: World) -> None:
    deal = await a_deal(world)
    await world.start(advertise(deal))
    await world.perform(crm.deal(deal).delete())
    await world.crash()
    await world.advance(days=7)
    assert world.ads.audiences == {"warm": set()}


async def test_they_are_taken_out_in_time_wherever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await a_deal(world)
        run = await world.start(advertise(deal))
        change = await run.result()
        await world.advance(days=8)
        return change, world.ads.audiences

    assert await crash_at_every_await(story) > 10


async def test_outside_a_process_they_are_taken_out_too(world: World) -> None:
    deal = await a_deal(world)
    change = await world.perform(crm.deal(deal).add_to_google_audience("x", remove_after_days=1))
    assert change.remove_at == world.clock.now() + timedelta(days=1)
    await world.advance(days=1)
    assert world.ads.audiences == {"x": set()}


async def test_that_they_could_not_be_taken_out_is_told_in_the_history(world: World) -> None:
    deal = await a_deal(world)
    await world.start(advertise(deal))
    world.ads.refuse("no such audience")
    await world.advance(days=7)
    errors = [line.text for line in await world.find(HistoryEvent, of=deal) if line.kind == "error"]
    assert errors == ["The client is still in an audience of facebook: no such audience"]


@pytest.mark.parametrize("kind", ["emails", "phones"])
async def test_addresses_of_one_kind_are_enough(world: World, kind: str) -> None:
    value = {"emails": MAIL, "phones": PHONE}[kind]
    contact = await world.contact(**{kind: [MultiField(" "), MultiField(value)]})
    change = await world.perform(crm.contact(contact).add_to_facebook_audience("warm"))
    assert (change.emails, change.phones) == (int(kind == "emails"), int(kind == "phones"))
    assert world.ads.audiences == {"warm": {value}}


async def test_the_days_count_from_when_the_advertiser_took_them(world: World) -> None:
    deal = await a_deal(world)
    world.ads.delay()
    run = await world.start(advertise(deal))
    assert (await run.status()).state == "waiting"
    await world.advance(minutes=1)
    change = await run.result()
    assert change.remove_at is not None
    assert timedelta(days=7) - timedelta(minutes=1) < change.remove_at - world.clock.now() <= timedelta(days=7)
    await world.advance(days=7)
    assert world.ads.audiences == {"warm": set()}


# -- what goes wrong ---------------------------------------------------------------------------------------------------


async def nobody(world: World) -> Deal:
    return await a_deal(world, reachable=False)


EDGES: dict[str, tuple[Callable[[World], Awaitable[Deal]], dict[str, Any], type[ActionError]]] = {
    "no address of any kind": (nobody, {}, NoClientAddress),
    "no audience": (a_deal, {"audience": " "}, WrongValue),
    "an audience with a line break": (a_deal, {"audience": "1\n2"}, WrongValue),
    "an empty account": (a_deal, {"account": ""}, WrongValue),
}


@process("tests.audience_edge")
async def edge(deal: Deal, *, advertiser: str, arguments: dict[str, Any]) -> str:
    given = {"audience": "x", **arguments}
    if advertiser == "facebook":
        outcome = await attempt(crm.deal.add_to_facebook_audience(**given))
    else:
        outcome = await attempt(crm.deal.add_to_google_audience(**given))
    return type(outcome.error).__name__


@pytest.mark.parametrize("advertiser", ["facebook", "google"])
@pytest.mark.parametrize("name", EDGES)
async def test_each_way_to_fail_is_raised_and_leaves_nothing_wherever_the_program_dies(
    name: str, advertiser: str
) -> None:
    prepare, arguments, error = EDGES[name]

    async def story(world: World) -> object:
        run = await world.start(edge(await prepare(world), advertiser=advertiser, arguments=arguments))
        await world.advance(days=8)
        assert world.ads.attempts == []
        return await run.result()

    async with World.open() as world:
        assert await story(world) == error.__name__
    assert await crash_at_every_await(story) > 4


@pytest.mark.parametrize("reason", ["not authorised", "no such audience"])
async def test_what_the_advertiser_refuses_is_raised_and_nobody_is_taken_out_later(world: World, reason: str) -> None:
    world.ads.refuse(reason)
    run = await world.start(advertise(await a_deal(world)))
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    assert isinstance(failed.value.error, SendRefused)
    assert failed.value.error.reason == reason
    await world.advance(days=8)
    assert len(world.ads.attempts) == 1


@pytest.mark.parametrize("days", [-1, 3651])
async def test_days_have_a_range(world: World, days: int) -> None:
    with pytest.raises(WrongValue, match="remove_after_days"):
        await world.perform(crm.deal(1).add_to_facebook_audience("x", remove_after_days=days))
    with pytest.raises(WrongValue, match="remove_after_days"):
        await world.perform(crm.deal(1).add_to_google_audience("x", remove_after_days="7"))  # type: ignore[arg-type]


async def test_an_item_that_is_not_there(world: World) -> None:
    with pytest.raises(ItemNotFound):
        await world.perform(crm.deal(99).add_to_facebook_audience("x"))


async def test_an_advertiser_that_is_not_set_up_is_named() -> None:
    async with Runtime.open("sqlite:///:memory:") as runtime:
        contact = await runtime.perform(crm.contact.create(name="Jo", last_name="Doe", emails=[MultiField(MAIL)]))
        with pytest.raises(ChannelMissing, match=r"ads\.facebook"):
            await runtime.perform(crm.contact(contact).add_to_facebook_audience("x"))
