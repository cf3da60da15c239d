"""`sales.lead_distribution`: who gets a lead, why, and what happens when nobody calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bizproc import F, UserQueue, crm, use
from bizproc.model import Activity, Comment, Lead, User
from bizproc.testing import World, crash_at_every_await
from bizproc_sales.lead_distribution import lead_distribution


async def team(world: World) -> list[User]:
    """Three salespeople, and who leads them."""
    people = [await world.user(name=name, manager_id=None if name == "Head" else 1) for name in ("Head", "Ann", "Bob")]
    return [*people, await world.user(name="Cem", manager_id=1)]


async def new_lead(world: World, **fields: Any) -> Lead:
    return await world.perform(crm.lead.create(**{"title": "Tea", **fields}))


async def read(world: World, lead: Lead) -> Lead:
    return await world.get(Lead, lead.id)


async def away(world: World, user: int, days: float) -> None:
    start = world.clock.now() - timedelta(hours=1)
    await world.perform(crm.absence.create(user_id=user, start=start, end=world.clock.now() + timedelta(days=days)))


async def test_leads_go_round_and_the_absent_are_passed_over(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2, 3, 4])))
    await away(world, 3, days=2)
    leads = [await new_lead(world) for _ in range(4)]
    assert [(await read(world, lead)).responsible_id for lead in leads] == [2, 4, 2, 4]


async def test_the_comment_says_why_it_is_this_one(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2, 3])))
    await away(world, 2, days=2)
    lead = await new_lead(world)
    (comment,) = await world.find(Comment, of=lead)
    assert comment.text == "Given to the one whose turn it was\nuser 2: absent\nuser 3: chosen"


@pytest.mark.parametrize(
    ("pick", "said"),
    [
        ("in_order", "the one whose turn it was"),
        ("random", "by chance"),
        ("first_available", "the first of the list"),
        ("least_loaded", "least to do"),
        ("least_recent", "waited longest"),
        ("weighted", "by weight"),
    ],
)
async def test_the_comment_says_how_it_was_picked_even_where_the_queue_says_so(
    world: World, pick: Any, said: str
) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2], pick=pick)))
    lead = await new_lead(world)
    (comment,) = await world.find(Comment, of=lead)
    assert said in comment.text.partition("\n")[0]


async def test_two_uses_with_filters_part_the_leads_between_them(world: World) -> None:
    await team(world)
    for name, members, only in (("eu", [2], F.currency == "EUR"), ("us", [3], F.currency == "USD")):
        world.use(use(lead_distribution, name=name, queue=UserQueue(members), only=only))
    leads = [await new_lead(world, currency=currency) for currency in ("EUR", "USD")]
    assert [(await read(world, lead)).responsible_id for lead in leads] == [2, 3]
    assert len(await world.find(Comment)) == 2


async def test_who_calls_in_time_is_left_in_peace(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2, 3])))
    lead = await new_lead(world)
    (first_contact,) = await world.find(Activity, of=lead)
    assert (first_contact.responsible_id, first_contact.deadline) == (2, world.clock.now() + timedelta(hours=4))
    await world.perform(crm.lead(lead).complete_activity(first_contact))
    await world.advance(days=1)
    assert len(await world.find(Activity, of=lead)) == 1
    (run,) = await world.instances()
    assert await world.instance(run.id).result() == "in touch"


async def test_a_lead_that_nobody_calls_is_brought_to_the_head(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2, 3])))
    lead = await new_lead(world)
    await world.advance(hours=4)
    _, escalated = await world.find(Activity, of=lead)
    assert (escalated.responsible_id, escalated.important) == (1, True)
    assert "Nobody got in touch with Tea in time" in [each.text for each in await world.find(Comment, of=lead)]


async def test_the_head_is_not_disturbed_at_night(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2, 3]), head=4))
    await world.advance(hours=8)  # five in the afternoon
    lead = await new_lead(world)
    await world.advance(hours=15)
    assert len(await world.find(Activity, of=lead)) == 1
    await world.advance(hours=1)
    assert [each.responsible_id for each in await world.find(Activity, of=lead)] == [2, 4]


async def test_while_nobody_is_in_leads_wait_in_line(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2])))
    await away(world, 2, days=2)
    lead = await new_lead(world)
    assert (await read(world, lead)).responsible_id is None
    assert await world.find(Activity, of=lead) == []
    await world.advance(days=2, hours=1)
    assert (await read(world, lead)).responsible_id == 2
    assert len(await world.find(Activity, of=lead)) == 1


async def test_who_has_the_lead_already_may_be_the_one_who_comes_in(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2])))
    await away(world, 2, days=2)
    lead = await new_lead(world, responsible_id=2)
    await world.advance(days=2, hours=2)
    assert [each.responsible_id for each in await world.find(Activity, of=lead)] == [2]


async def test_a_lead_that_is_closed_while_it_waits_needs_no_call(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2])))
    await away(world, 2, days=2)
    lead = await new_lead(world)
    await world.perform(crm.lead(lead).update({"status": "JUNK"}))
    await world.advance(days=3)
    assert await world.find(Activity, of=lead) == []


async def test_a_queue_in_parts_holds_leads_too(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2], partition="city")))
    await away(world, 2, days=0.1)
    lead = await new_lead(world, city="Lyon")
    assert await world.find(Activity, of=lead) == []
    await world.advance(hours=3)
    assert [each.responsible_id for each in await world.find(Activity, of=lead)] == [2]


async def test_two_uses_go_round_by_themselves(world: World) -> None:
    await team(world)
    for name in ("eu", "us"):
        world.use(use(lead_distribution, name=name, queue=UserQueue([2, 3])))
    for turn in (2, 3):
        lead = await new_lead(world)
        said = [comment.text for comment in await world.find(Comment, of=lead)]
        assert len(said) == 2
        assert all(f"user {turn}: chosen" in each for each in said)


async def test_nobody_has_more_than_they_can_take(world: World) -> None:
    await team(world)
    world.use(lead_distribution(queue=UserQueue([2, 3]), capacity=1))
    leads = [await new_lead(world) for _ in range(3)]
    assert [(await read(world, lead)).responsible_id for lead in leads] == [2, 3, None]
    await world.perform(crm.lead(leads[1]).update({"status": "JUNK"}))
    assert (await read(world, leads[2])).responsible_id == 3


async def test_a_crash_changes_nothing() -> None:
    async def story(world: World) -> Any:
        await team(world)
        await away(world, 2, days=0.1)
        first = await new_lead(world)
        await world.advance(hours=3)
        second = await new_lead(world)
        await world.advance(hours=12)
        return [(await read(world, lead)).responsible_id for lead in (first, second)]

    assert await crash_at_every_await(story, processes=[lead_distribution(queue=UserQueue([2]))]) > 20
