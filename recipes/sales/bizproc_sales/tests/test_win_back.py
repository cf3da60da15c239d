"""`sales.win_back`: once per client and period, and not whom nobody should ask."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import F, crm
from bizproc.model import Contact, Deal, Lead
from bizproc.testing import World, crash_at_every_await
from bizproc_sales.win_back import months_before, win_back

WIN_BACK = win_back(after_months=2)


async def client(world: World, number: int = 1) -> Contact:
    return await world.contact(last_name=f"No. {number}", emails=[f"{number}@tea.example"])


async def lost_deal(world: World, of: Contact) -> Deal:
    deal = await world.deal(contact_id=of.id)
    await world.perform(crm.deal(deal).update({"stage": "LOSE"}))
    return deal


async def leads(world: World) -> list[tuple[int | None, str]]:
    return [(lead.contact_id, lead.title) for lead in await world.find(Lead)]


async def test_some_months_after_a_deal_was_lost_its_client_is_asked_again(world: World) -> None:
    world.use(WIN_BACK)
    ann = await client(world)
    await lost_deal(world, ann)
    await world.advance(days=55)
    assert await leads(world) == []
    await world.advance(days=10)
    assert await leads(world) == [(ann.id, "Win back")]


async def test_only_deals_that_fit_the_filter_are_looked_at(world: World) -> None:
    world.use(win_back(after_months=2, only=F.title == "Ours"))
    ann, bob = await client(world), await client(world, 2)
    for of, title in ((ann, "Ours"), (bob, "Theirs")):
        await world.perform(crm.deal(await lost_deal(world, of)).update({"title": title}))
    await world.advance(days=100)
    assert await leads(world) == [(ann.id, "Win back")]


async def test_a_client_of_two_lost_deals_is_asked_once(world: World) -> None:
    world.use(WIN_BACK)
    ann = await client(world)
    await lost_deal(world, ann)
    await lost_deal(world, ann)
    await world.advance(days=100)
    assert await leads(world) == [(ann.id, "Win back")]


async def test_who_buys_again_is_not_asked(world: World) -> None:
    world.use(WIN_BACK)
    ann = await client(world)
    await lost_deal(world, ann)
    await world.deal(contact_id=ann.id)
    await world.advance(days=100)
    assert await leads(world) == []


async def test_who_is_excluded_is_not_asked(world: World) -> None:
    world.use(WIN_BACK)
    await lost_deal(world, await client(world))
    await world.perform(crm.exclusion.create(type="EMAIL", value="1@TEA.example"))
    await world.advance(days=100)
    assert await leads(world) == []


async def test_a_deal_of_nobody_is_left_alone(world: World) -> None:
    world.use(WIN_BACK)
    deal = await world.deal()
    await world.perform(crm.deal(deal).update({"stage": "LOSE"}))
    await world.advance(days=100)
    assert await leads(world) == []


async def test_so_many_are_asked_in_one_run_and_the_others_in_the_next(world: World) -> None:
    world.use(win_back(after_months=2, at_most=2, at="0 6 * * *"))
    for number in range(3):
        await lost_deal(world, await client(world, number))
    await world.advance(datetime(2030, 3, 8, 7, tzinfo=UTC))
    assert len(await leads(world)) == 2
    await world.advance(days=1)
    assert len(await leads(world)) == 3


def test_a_month_before_the_end_of_a_longer_one_is_its_last_day() -> None:
    assert months_before(datetime(2030, 3, 31, tzinfo=UTC), 1) == datetime(2030, 2, 28, tzinfo=UTC)
    assert months_before(datetime(2030, 1, 15, tzinfo=UTC), 2) == datetime(2029, 11, 15, tzinfo=UTC)


async def test_a_crash_changes_nothing() -> None:
    async def story(world: World) -> Any:
        for number in range(2):
            await lost_deal(world, await client(world, number))
        await world.advance(days=70)
        return await leads(world)

    assert await crash_at_every_await(story, processes=[win_back(after_months=2, at="0 6 1 * *")]) > 10


HAPPENINGS = st.lists(
    st.tuples(st.integers(0, 150), st.integers(0, 1), st.sampled_from(["lost", "open", "excluded"])), max_size=8
)


@settings(max_examples=25, deadline=None)
@given(HAPPENINGS)
def test_whatever_happens_a_client_is_asked_once_per_period_and_never_when_busy_or_excluded(
    happenings: list[tuple[int, int, str]],
) -> None:
    asyncio.run(_live_through(sorted(happenings)))


async def _live_through(happenings: list[tuple[int, int, str]]) -> None:
    async with World.open(win_back(after_months=1, at="0 6 * * MON")) as world:
        clients = [await client(world, number) for number in range(2)]
        begin, busy, excluded = world.clock.now(), dict[int, datetime](), dict[int, datetime]()
        for day, who, what in happenings:
            await world.advance(begin + timedelta(days=day))
            if what == "lost":
                await lost_deal(world, clients[who])
            elif what == "open":
                await world.deal(contact_id=clients[who].id)
                busy.setdefault(clients[who].id, world.clock.now())
            else:
                await world.perform(crm.deal(await _deal_of(world, clients[who])).add_to_exclusions())
                excluded.setdefault(clients[who].id, world.clock.now())
        await world.advance(begin + timedelta(days=220))
        for each in clients:
            asked = [lead.created_at for lead in await world.find(Lead) if lead.contact_id == each.id]
            assert all(months_before(later, 1) >= before for before, later in pairwise(asked))
            for barred in (busy, excluded):
                assert not [at for at in asked if each.id in barred and at > barred[each.id]]


async def _deal_of(world: World, who: Contact) -> Deal:
    deal = await world.deal(contact_id=who.id)
    await world.perform(crm.deal(deal).update({"stage": "WON"}))
    return deal
