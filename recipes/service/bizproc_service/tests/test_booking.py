"""The recipe `service.booking`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import crm
from bizproc.model import Activity, Booking, Deal, MultiField
from bizproc.testing import World, assert_recipe, crash_at_every_await
from bizproc_service.booking import booking

RECIPE = booking()
TEN = datetime(2030, 2, 4, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def salon(world: World) -> None:
    """Deals have an appointment, and a booking that forbids overbooking."""
    world.use(RECIPE)
    await world.perform(crm.deal.add_field("appointment", type="moment", label="Appointment"))
    await world.perform(
        crm.deal.add_field("booking", type="booking", label="Booking", options={"allow_overbooking": False})
    )
    await world.user(name="Ann")


async def client(world: World, **fields: Any) -> Deal:
    jo = await world.contact(phones=[MultiField("+33612345678", "MOBILE")])
    return await world.deal(title="Cut", responsible_id=1, contact_ids=[jo.id], **fields)


async def appoint(world: World, deal: Deal, when: datetime | None) -> None:
    await world.perform(crm.deal(deal).update({"custom": {"appointment": when}}))


async def booked(world: World) -> list[tuple[int, datetime, datetime]]:
    return [(each.owner_id, each.start, each.end) for each in await world.find(Booking)]


def told(world: World) -> list[str]:
    return [each.text for each in world.sms.sent]


# -- the stories -------------------------------------------------------------------------------------------------------


async def story(world: World) -> list[str]:
    """Booked, confirmed, moved, confirmed anew, reminded; then the deal is lost."""
    await salon(world)
    deal = await client(world)
    await appoint(world, deal, TEN)
    assert await booked(world) == [(deal.id, TEN, TEN + HOUR)]
    await appoint(world, deal, TEN + DAY)
    assert await booked(world) == [(deal.id, TEN + DAY, TEN + DAY + HOUR)]
    await world.advance(TEN)
    assert len(told(world)) == 3
    await world.perform(crm.deal(deal).change_stage("LOSE"))
    assert await booked(world) == []
    return told(world)


async def test_an_appointment_is_booked_confirmed_moved_and_reminded_of(world: World) -> None:
    moved, confirmed, reminded = await story(world)
    assert moved.startswith("Your appointment is booked: ")
    assert confirmed.startswith("Your appointment is booked: ")
    assert reminded.startswith("We look forward to seeing you: ")
    assert confirmed.rpartition(": ")[2] == reminded.rpartition(": ")[2] != moved.rpartition(": ")[2]


async def test_the_story_ends_the_same_wherever_the_program_dies() -> None:
    assert await crash_at_every_await(story) > 30


# -- one thing each ----------------------------------------------------------------------------------------------------


async def test_a_time_that_is_taken_is_not_booked_twice_and_somebody_is_told(world: World) -> None:
    await salon(world)
    first, second = await client(world), await client(world)
    await appoint(world, first, TEN)
    await appoint(world, second, TEN + HOUR / 2)
    assert await booked(world) == [(first.id, TEN, TEN + HOUR)]
    assert len(told(world)) == 1
    (todo,) = [each for each in await world.find(Activity, of=second) if not each.completed]
    assert todo.subject == "Find another time: this one is taken"


async def test_an_appointment_that_is_emptied_is_released_and_nobody_is_reminded(world: World) -> None:
    await salon(world)
    deal = await client(world)
    await appoint(world, deal, TEN)
    await appoint(world, deal, None)
    await world.advance(TEN)
    assert (await booked(world), len(told(world))) == ([], 1)


async def test_a_deal_that_comes_back_is_booked_again(world: World) -> None:
    await salon(world)
    deal = await client(world)
    await appoint(world, deal, TEN)
    await world.perform(crm.deal(deal).change_stage("LOSE"))
    await world.perform(crm.deal(deal).change_stage("NEW"))
    assert await booked(world) == [(deal.id, TEN, TEN + HOUR)]


async def test_a_deal_that_is_made_with_its_appointment_is_booked(world: World) -> None:
    await salon(world)
    deal = await client(world, custom={"appointment": TEN})
    assert await booked(world) == [(deal.id, TEN, TEN + HOUR)]


async def test_a_deal_that_changes_its_pipeline_keeps_its_appointment_and_is_reminded_of_it(world: World) -> None:
    await salon(world)
    pipeline = await world.perform(crm.pipeline.create(name="Others"))
    deal = await client(world)
    await appoint(world, deal, TEN)
    await world.perform(crm.deal(deal).change_pipeline(pipeline))
    await world.advance(TEN)
    assert (await booked(world), len(told(world))) == ([(deal.id, TEN, TEN + HOUR)], 2)


async def test_nobody_is_reminded_twice_or_of_what_they_were_just_told(world: World) -> None:
    await salon(world)
    pipeline = await world.perform(crm.pipeline.create(name="Others"))
    first, second = await client(world), await client(world)
    await appoint(world, first, TEN)
    await world.advance(TEN - 2 * HOUR)
    assert len(told(world)) == 2
    await world.perform(crm.deal(first).change_pipeline(pipeline))
    await appoint(world, second, TEN + HOUR)
    assert len(told(world)) == 3  # the confirmation of the second, and nothing else


async def test_where_no_text_message_can_be_sent_somebody_is_to_call(world: World) -> None:
    await salon(world)
    deal = await world.deal(responsible_id=1)
    await appoint(world, deal, TEN)
    assert await booked(world) == [(deal.id, TEN, TEN + HOUR)]
    (call,) = [each for each in await world.find(Activity, of=deal) if each.kind == "call"]
    assert call.subject == "Tell the client when the appointment is"


async def test_who_cancels_the_instance_releases_the_booking(world: World) -> None:
    await salon(world)
    await appoint(world, await client(world), TEN)
    (waiting,) = await world.instances(status="waiting")
    await world.instance(waiting.id).cancel()
    assert await booked(world) == []


async def test_an_appointment_that_has_passed_is_not_booked(world: World) -> None:
    await salon(world)
    await appoint(world, await client(world), TEN - 1000 * DAY)
    assert (await booked(world), told(world)) == ([], [])


async def test_the_preview_books_nothing(world: World) -> None:
    await salon(world)
    deal = await client(world)
    await world.perform(crm.deal(deal).update({"title": "Wash"}))
    preview = await world.preview(RECIPE(deal))
    assert preview.result == "nothing to book"
    assert await booked(world) == []


DEALS = st.integers(0, 2)
EVENTS = st.sampled_from(["lose", "revive", "win", "move", "delete", "cancel", "crash", "wait"])
STEP = st.one_of(
    st.tuples(st.just("appoint"), DEALS, st.none() | st.integers(0, 5)),
    st.tuples(EVENTS, DEALS, st.none()),
)


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEP, max_size=10))
def test_no_two_bookings_overlap_and_each_is_released_on_every_ending(steps: list[Any]) -> None:
    async def go() -> None:
        async with World.open() as world:
            await salon(world)
            pipeline = await world.perform(crm.pipeline.create(name="Others"))
            deals = [await client(world) for _ in range(3)]
            for what, number, halves in steps:
                await act(world, what, deals[number], halves, pipeline)
                await see_that_all_is_well(world)

    asyncio.run(go())


async def act(world: World, what: str, deal: Deal, halves: int | None, pipeline: Any) -> None:
    there = {each.id: each for each in await world.find(Deal)}
    if deal.id not in there:
        return
    stages = {"lose": "LOSE", "revive": "NEW", "win": "WON"}
    if what == "appoint":
        await appoint(world, deal, None if halves is None else TEN + halves * HOUR / 2)
    elif what in stages and there[deal.id].pipeline == 0:
        await world.perform(crm.deal(deal).change_stage(stages[what]))
    elif what == "move":
        await world.perform(crm.deal(deal).change_pipeline(pipeline))
    elif what == "delete":
        await world.perform(crm.deal(deal).delete())
    elif what == "crash":
        await world.crash()
    elif what == "wait":
        await world.advance(hours=2)
    elif what == "cancel":
        for instance in await world.instances(status="waiting", document=deal):
            await world.instance(instance.id).cancel()
            assert deal.id not in [owner for owner, _, _ in await booked(world)]


async def see_that_all_is_well(world: World) -> None:
    deals = {each.id: each for each in await world.find(Deal)}
    bookings = await world.find(Booking)
    assert not any(a.start < b.end and b.start < a.end for a, b in combinations(bookings, 2))
    for each in bookings:
        deal = deals[each.owner_id]  # of one that is deleted nothing is left
        assert deal.semantics in {"process", "success"}
        assert deal.custom["appointment"] == each.start


def test_the_recipe_keeps_its_contract() -> None:
    assert_recipe(booking)
