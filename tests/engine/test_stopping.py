"""`stop_processes`: whatever else runs on an item ends, and who asked goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bizproc import crm, process, wait
from bizproc.errors import EmptyText, ItemNotFound
from bizproc.model import Deal
from bizproc.testing import World, crash_at_every_await


@process("stopping.waits")
async def waits(deal: Deal) -> str:
    await wait.sleep(timedelta(days=1))
    return "waited"


@process("stopping.stops")
async def stops(deal: Deal, *, other: int | None = None) -> str:
    which = crm.deal if other is None else crm.deal(other)
    await which.stop_processes("not needed")
    await crm.deal.add_comment("Stopped")
    return "went on"


async def test_the_others_on_the_item_end_with_the_reason_and_the_one_that_asks_goes_on(world: World) -> None:
    deal, another = await world.deal(), await world.deal()
    ended, lives = await world.start(waits(deal)), await world.start(waits(another))
    asks = await world.start(stops(deal))
    assert await asks.result() == "went on"
    status = await ended.status()
    assert (status.state, status.ended_by) == ("terminated", "not needed")
    await world.advance(days=1)
    assert await lives.result() == "waited"


async def test_those_on_another_item_can_be_stopped(world: World) -> None:
    deal, another = await world.deal(), await world.deal()
    ended = await world.start(waits(another))
    await world.start(stops(deal, other=another.id))
    assert (await ended.status()).state == "terminated"


async def test_people_can_stop_what_runs(world: World) -> None:
    deal = await world.deal()
    ended = await world.start(waits(deal))
    await world.perform(crm.deal(deal).stop_processes("a mistake"))
    assert (await ended.status()).ended_by == "a mistake"


async def test_a_reason_is_needed_and_an_item(world: World) -> None:
    deal = await world.deal()
    with pytest.raises(EmptyText):
        await world.perform(crm.deal(deal).stop_processes(" "))
    with pytest.raises(ItemNotFound):
        await world.perform(crm.deal(99).stop_processes("gone"))


async def test_a_preview_says_what_would_end_and_ends_nothing(world: World) -> None:
    deal = await world.deal()
    lives = await world.start(waits(deal))
    preview = await world.preview(stops(deal))
    assert [step.ends for step in preview.steps] == [(lives.id,), ()]
    assert preview.result == "went on"
    assert (await lives.status()).state == "waiting"


async def test_a_crash_changes_nothing() -> None:
    async def story(world: World) -> str:
        deal = await world.deal()
        ended = await world.start(waits(deal))
        await world.start(stops(deal))
        return (await ended.status()).state

    assert await crash_at_every_await(story) > 4
