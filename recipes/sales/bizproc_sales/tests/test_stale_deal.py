"""`sales.stale_deal`: three levels, in order, each after its days in which nothing happened."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from bizproc import UserQueue, crm
from bizproc.model import Activity, Comment, Deal, ref_of
from bizproc.testing import ProcessMachine, World, crash_at_every_await
from bizproc_sales.stale_deal import stale_deal

LEVELS = ("crm.add_comment", "crm.change_observers", "crm.change_responsible")


async def people(world: World) -> None:
    """A head, and three who sell."""
    await world.user(name="Head")
    for name in ("Ann", "Bob", "Cem"):
        await world.user(name=name, manager_id=1)


async def seen(world: World, deal: Deal) -> tuple[int, tuple[int, ...], int | None]:
    """How often it was reminded of, who follows it, who has it."""
    now = await world.get(Deal, deal.id)
    return len(await world.find(Comment, of=deal)), now.observer_ids, now.responsible_id


async def test_first_a_reminder_then_others_follow_it_then_it_is_given_away(world: World) -> None:
    await people(world)
    world.use(stale_deal(queue=UserQueue([3]), after=5))
    deal = await world.deal(responsible_id=2)
    await world.advance(days=6)
    assert await seen(world, deal) == (0, (), 2)
    await world.advance(days=1)
    assert await seen(world, deal) == (1, (), 2)
    assert [each.subject for each in await world.find(Activity, of=deal)] == ["Get this deal moving"]
    await world.advance(days=7)
    assert await seen(world, deal) == (1, (1,), 2)
    await world.advance(days=7)
    assert await seen(world, deal) == (1, (1,), 3)
    await world.advance(days=70)
    assert await seen(world, deal) == (1, (1,), 3)


async def test_as_soon_as_something_happens_it_begins_anew(world: World) -> None:
    await people(world)
    world.use(stale_deal(queue=UserQueue([3]), after=2, observers=4))
    deal = await world.deal(responsible_id=2)
    await world.advance(days=3)
    assert await seen(world, deal) == (1, (), 2)
    await world.perform(crm.deal(deal).add_comment("They will call back"))
    await world.advance(days=1)
    assert await seen(world, deal) == (2, (), 2)
    await world.advance(days=4)
    assert await seen(world, deal) == (3, (), 2)
    await world.advance(days=2)
    assert await seen(world, deal) == (3, (4,), 2)


async def test_a_closed_deal_is_left_alone(world: World) -> None:
    await people(world)
    world.use(stale_deal(queue=UserQueue([3])))
    deal = await world.deal(responsible_id=2)
    await world.perform(crm.deal(deal).update({"stage": "WON"}))
    await world.advance(days=60)
    assert await seen(world, deal) == (0, (), 2)
    (run,) = await world.instances()
    assert await world.instance(run.id).result() == "closed"


async def test_a_preview_of_a_deal_that_is_there_writes_nothing(world: World) -> None:
    await people(world)
    deal = await world.deal(responsible_id=2)
    preview = await world.preview(stale_deal(queue=UserQueue([3]))(deal))
    assert len(preview.waits) == 1
    assert await world.instances() == []


async def test_a_crash_changes_nothing() -> None:
    async def story(world: World) -> Any:
        await people(world)
        deal = await world.deal(responsible_id=2)
        await world.advance(days=1)
        await world.perform(crm.deal(deal).add_comment("They will call back"))
        await world.advance(days=6)
        return await seen(world, deal)

    assert await crash_at_every_await(story, processes=[stale_deal(queue=UserQueue([3]), after=1)]) > 20


class StaleDeals(ProcessMachine):
    """Whatever happens: no level is skipped, and none comes twice before something has happened."""

    process = stale_deal(queue=UserQueue([2, 3]), after=1)
    durations = st.sampled_from([timedelta(hours=1), timedelta(days=1), timedelta(days=3)])

    async def setup(self, world: World) -> None:
        self.touched: Counter[int] = Counter()
        await people(world)

    @precondition(lambda self: bool(self.documents))
    @rule(which=st.integers(0, 9))
    def somebody_writes(self, which: int) -> None:
        deal = self.documents[which % len(self.documents)]
        self.touched[deal.id] += 1
        self.do(crm.deal(deal).add_comment("They will call back"))

    @invariant()
    def no_level_is_skipped_or_repeated(self) -> None:
        for status in self.instances():
            journal = self.run(self.world.instance(status.id).journal())
            levels = tuple(step.name for step in journal if step.name in LEVELS)
            assert levels == LEVELS[: len(levels)]

    @invariant()
    def it_begins_anew_only_when_something_has_happened(self) -> None:
        for deal in self.documents:
            reminded = [each for each in self.find(Comment, of=deal) if each.text.startswith("Nothing")]
            started = [status for status in self.instances() if status.document == ref_of(deal)]
            assert len(reminded) <= self.touched[deal.id] + max(len(started), 1)


TestStaleDeals = StaleDeals.TestCase
TestStaleDeals.settings = settings(TestStaleDeals.settings, max_examples=30, stateful_step_count=25)
