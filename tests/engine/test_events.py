"""Waiting for events: nothing that happens after the wait began is missed, and nothing before it counts."""

from __future__ import annotations

from datetime import timedelta

from bizproc import crm, on, process, wait
from bizproc.model import Deal
from bizproc.testing import World, crash_at_every_await


@process("tests.watch")
async def watch(deal: Deal) -> list[str]:
    """Say what happens to a deal, twice, and give up after ten days."""
    seen: list[str] = []
    while len(seen) < 2:
        happened = await wait.for_event(on.changed(deal, "title") | on.stage(deal, "WON"), timeout=timedelta(days=10))
        if happened.event is None:
            return [*seen, "nothing"]
        seen.append(happened.event.name)
    return seen


@process("tests.next_deal")
async def next_deal() -> str:
    """Say which deal is made next."""
    happened = await wait.for_event(on.created("deal"))
    return "" if happened.event is None else happened.event.subject


async def test_events_of_one_item_end_the_wait_in_order(world: World) -> None:
    deal, other = await world.deal(), await world.deal()
    run = await world.start(watch(deal))
    await world.perform(crm.deal(other).update({"title": "Other"}))
    await world.perform(crm.deal(deal).update({"origin_id": "x"}))
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    assert (await run.status()).state == "waiting"
    await world.perform(crm.deal(deal).update({"title": "New"}))
    await world.perform(crm.deal(deal).change_stage("WON"))
    assert await run.result() == ["deal.updated", "deal.stage_changed"]


async def test_time_runs_out(world: World) -> None:
    run = await world.start(watch(await world.deal()))
    await world.advance(days=11)
    assert await run.result() == ["nothing"]


async def test_any_item_of_a_kind(world: World) -> None:
    await world.deal()
    run = await world.start(next_deal())
    deal = await world.deal()
    assert await run.result() == f"deal:{deal.id}"


async def test_nothing_is_missed_wherever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await world.deal()
        run = await world.start(watch(deal))
        await world.perform(crm.deal(deal).update({"title": "New"}))
        await world.perform(crm.deal(deal).change_stage("WON"))
        return await run.result()

    assert await crash_at_every_await(story) > 8
