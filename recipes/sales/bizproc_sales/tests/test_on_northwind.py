"""The recipes on the Northwind set, where it is at hand: 830 deals of 91 companies, and 200 new leads beside them."""

from __future__ import annotations

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bizproc import F, UserQueue, crm, use
from bizproc.model import Activity, Comment, Deal, Lead
from bizproc.testing import World
from bizproc_sales.exclusions import exclusions
from bizproc_sales.lead_distribution import lead_distribution
from bizproc_sales.stale_deal import stale_deal

NORTHWIND = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "data" / "northwind"
LEADS = 200
TEAM = tuple(range(1, 10))
AWAY = (3, 7)

pytestmark = pytest.mark.skipif(
    not NORTHWIND.is_dir(), reason="BIZPROC_TEST_DATA names no folder with the Northwind set"
)


async def northwind(world: World) -> None:
    await world.ask(lambda runtime: runtime.import_folder(NORTHWIND))


async def new_leads(world: World) -> list[Lead]:
    return [
        await world.perform(crm.lead.create(title=f"Lead {number}", last_name=f"No. {number}"))
        for number in range(LEADS)
    ]


async def test_two_hundred_leads_are_shared_out_among_those_who_are_in_and_what_nobody_calls_is_escalated(
    world: World,
) -> None:
    await northwind(world)
    for user in AWAY:
        end = world.clock.now() + timedelta(days=30)
        await world.perform(crm.absence.create(user_id=user, start=world.clock.now() - timedelta(hours=1), end=end))
    world.use(use(lead_distribution, name="northwind.leads", queue=UserQueue(TEAM)))
    leads = await new_leads(world)
    given = Counter(lead.responsible_id for lead in await world.find(Lead))
    assert set(given) == set(TEAM) - set(AWAY)
    assert max(given.values()) - min(given.values()) <= 1
    for lead in leads[::2]:
        (first_contact,) = await world.find(Activity, of=lead)
        await world.perform(crm.lead(lead).complete_activity(first_contact))
    await world.advance(hours=5)
    results = Counter([await world.instance(each.id).result() for each in await world.instances()])
    assert results == {"in touch": LEADS // 2, "escalated": LEADS // 2}
    heads = Counter(each.responsible_id for each in await world.find(Activity) if each.subject.startswith("Nobody"))
    print(f"{LEADS} leads: {dict(given)}; {dict(results)}; told: {dict(heads)}")


async def test_stale_deals_first_as_a_preview_then_for_four_weeks(world: World) -> None:
    await northwind(world)
    watch = use(stale_deal, name="northwind.stale", queue=UserQueue(TEAM, pick="in_order"), after=5)
    there = await world.find(Deal, F.semantics == "process")
    before = await world.find(Deal)
    previews = [await world.preview(watch(deal)) for deal in there]
    assert all(len(preview.waits) == 1 for preview in previews)
    assert await world.find(Deal) == before
    assert await world.instances() == []
    had = {deal.id: deal.responsible_id for deal in there}
    for deal in there:
        await world.start(watch(deal))
    moving, won, stale = there[:5], there[5:8], there[8:]
    await world.advance(hours=1)
    for week in range(4):
        for deal in moving:
            await world.perform(crm.deal(deal).add_comment(f"Call of week {week}"))
        await world.advance(days=3)
        for deal in won:
            await world.perform(crm.deal(deal).update({"stage": "WON"}))
        await world.advance(days=4)
    now = {deal.id: deal for deal in await world.find(Deal)}
    reminded = Counter(
        each.owner_id for each in await world.find(Comment) if each.text.startswith("Nothing has happened")
    )
    assert reminded == {deal.id: 1 for deal in stale}
    followed = [deal for deal in there if now[deal.id].observer_ids]
    assert set(followed) <= set(stale)
    moved = [deal for deal in stale if now[deal.id].responsible_id != had[deal.id]]
    assert not [deal for deal in (*moving, *won) if now[deal.id].responsible_id != had[deal.id]]
    states = Counter(each.state for each in await world.instances())
    assert states == {"waiting": len(there) - len(won), "completed": len(won)}
    print(
        f"{len(there)} open deals: {len(reminded)} reminded, {len(followed)} followed, {len(moved)} given away, "
        f"{dict(states)}"
    )


async def test_a_preview_of_exclusions_over_all_leads_says_which_would_go(world: World) -> None:
    leads = await new_leads(world)
    look = use(exclusions, name="northwind.exclusions", patterns=["lead 1?", "*no. 99"])
    would_go = [lead.title for lead in leads if (await world.preview(look(lead))).steps]
    assert would_go == [*(f"Lead {number}" for number in range(10, 20)), "Lead 99"]
    assert {lead.status for lead in await world.find(Lead)} == {"NEW"}
