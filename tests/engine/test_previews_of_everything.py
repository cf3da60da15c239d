"""A preview of every action there is: no row of any table is another, and what is done afterwards is as without one."""

from __future__ import annotations

from typing import Any

from bizproc import crm, process
from bizproc.core.process import Call
from bizproc.model import Deal
from bizproc.testing import World
from tests.engine.test_documents import small_office
from tests.engine.test_every_action_survives import calls_of_all
from tests.engine.test_previews import everything


@process("every.sends")
async def sends(deal: Deal) -> list[object]:
    """What reaches the outside."""
    await crm.deal.send_email("Tea", "Your tea")
    await crm.deal.send_sms("Your tea")
    await crm.deal.add_to_facebook_audience("warm", remove_after_days=3)
    await crm.deal.add_to_google_audience("warm", account="9")
    await crm.deal.add_product(1, quantity=2)
    order = await crm.deal.create_order()
    link = await crm.deal.get_payment_link(order)
    document = await crm.deal.create_document("offer")
    return [link, document.number]


async def _calls(world: World) -> tuple[Call[Any], ...]:
    calls = await calls_of_all(world)
    await small_office(world)
    await world.user(email="ada@firm.example")
    client = await world.contact(emails=["jo@client.example"], phones=["+33 1 23 45 67 89"])
    deal = await world.deal(title="Tea", contact_ids=[client.id], responsible_id=3)
    return (*calls, sends(deal))


async def _ran(world: World, calls: tuple[Call[Any], ...]) -> tuple[Any, ...]:
    runs = [await world.start(call, id=f"run-{place}") for place, call in enumerate(calls)]
    await world.advance(days=30)
    assert [(await run.status()).state for run in runs] == ["completed"] * len(runs)
    sent = [channel.sent for channel in (world.mail, world.sms, world.payments)]
    steps = [(step.address, step.name, step.value, step.error) for run in runs for step in await run.journal()]
    return steps, sent, world.ads.audiences


async def test_a_preview_of_every_action_changes_no_row_and_says_the_same_again(world: World) -> None:
    calls = await _calls(world)
    before, commits = await world.runtime.read(everything), world.commits.count
    for call in calls:
        first = await world.preview(call)
        outcomes = await first.outcomes()
        assert (first.error, first.steps != ()) == (None, True)
        assert await world.preview(call) == first
        assert await first.outcomes() == outcomes
    assert await world.runtime.read(everything) == before
    assert (world.commits.count, world.mail.attempts, world.sms.attempts) == (commits, [], [])


async def test_what_is_done_after_previews_is_what_is_done_without_them() -> None:
    """Numbers, places in queues, ids and links: none was used up, and nothing is remembered."""
    async with World.open() as world:
        without = await _ran(world, await _calls(world))
    async with World.open() as world:
        calls = await _calls(world)
        for call in (*calls, *calls):
            await (await world.preview(call)).outcomes()
        assert await _ran(world, calls) == without
