"""`sales.follow_up`: reminders come until the stage is reached, and none after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import settings
from hypothesis.stateful import invariant

from bizproc import crm
from bizproc.model import Activity
from bizproc.testing import ProcessMachine, World, crash_at_every_await
from bizproc_sales.follow_up import follow_up


async def test_reminders_come_every_few_working_days_until_the_deal_is_closed(world: World) -> None:
    world.use(follow_up(every=3))
    deal = await world.deal()
    await world.advance(days=9)  # Thursday, Tuesday
    assert [each.completed for each in await world.find(Activity, of=deal)] == [False, False]
    await world.perform(crm.deal(deal).update({"stage": "WON"}))
    await world.advance(days=30)
    assert [each.completed for each in await world.find(Activity, of=deal)] == [True, True]
    (run,) = await world.instances()
    assert await world.instance(run.id).result() == 2


async def test_a_stage_that_is_named_ends_it_too(world: World) -> None:
    world.use(follow_up(until=["EXECUTING"], by="call", subject="Ask for the order"))
    deal = await world.deal()
    await world.advance(days=3)
    (call,) = await world.find(Activity, of=deal)
    assert (call.kind, call.subject) == ("call", "Ask for the order")
    await world.perform(crm.deal(deal).update({"stage": "EXECUTING"}))
    await world.advance(days=30)
    assert len(await world.find(Activity, of=deal)) == 1


async def test_what_people_had_to_do_is_left_alone(world: World) -> None:
    world.use(follow_up())
    deal = await world.deal()
    own = await world.perform(crm.deal(deal).add_activity("Send samples"))
    await world.advance(days=5)
    await world.perform(crm.deal(deal).update({"stage": "LOSE"}))
    assert [each.id for each in await world.find(Activity, of=deal) if not each.completed] == [own.id]


async def test_after_so_many_reminders_it_is_quiet(world: World) -> None:
    world.use(follow_up(every=1, at_most=2))
    deal = await world.deal()
    await world.advance(days=30)
    assert len(await world.find(Activity, of=deal)) == 2
    await world.perform(crm.deal(deal).update({"stage": "WON"}))
    assert all(each.completed for each in await world.find(Activity, of=deal))


async def test_a_crash_changes_nothing() -> None:
    async def story(world: World) -> Any:
        deal = await world.deal()
        await world.advance(days=4)
        await world.perform(crm.deal(deal).update({"stage": "WON"}))
        await world.advance(days=4)
        return [(each.subject, each.completed) for each in await world.find(Activity, of=deal)]

    assert await crash_at_every_await(story, processes=[follow_up(every=1)]) > 10


class FollowUps(ProcessMachine):
    """Whatever happens: nothing is asked for once the stage is reached, and nothing stays open."""

    process = follow_up(every=1, until=["EXECUTING"])

    async def setup(self, world: World) -> None:
        self.at_the_end: dict[int, Sequence[int]] = {}

    @invariant()
    def it_never_acts_after_the_stage_is_reached(self) -> None:
        for deal in self.documents:
            stage = self.run(self.world.get(type(deal), deal.id))
            if not stage.closed and stage.stage != "EXECUTING":
                self.at_the_end.pop(deal.id, None)
                continue
            asked = [each.id for each in self.find(Activity, of=deal)]
            assert asked == self.at_the_end.setdefault(deal.id, asked)

    @invariant()
    def nothing_of_it_stays_open(self) -> None:
        ended = {status.id for status in self.instances() if status.state == "completed"}
        for activity in self.find(Activity):
            assert activity.completed or activity.made_by not in ended


TestFollowUps = FollowUps.TestCase
TestFollowUps.settings = settings(TestFollowUps.settings, max_examples=30, stateful_step_count=25)
