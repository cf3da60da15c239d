"""The ten-line process of the README, as its users would test it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from bizproc import crm, process, wait
from bizproc.model import Activity, Deal, ProductRow
from bizproc.testing import World, crash_at_every_await


@process("sales.follow_up", version=1)
async def follow_up(deal: Deal, *, discount: Decimal = Decimal(5)) -> str:
    """Offer the tea sampler, then follow the deal to its end."""
    await crm.deal.add_product(1, price=Decimal("18.00"), quantity=10, discount_percent=discount)
    reached = await wait.until_stage("EXECUTING", timeout=timedelta(days=14))
    if reached.timed_out:
        await crm.deal.add_activity("Call the client back", important=True)
        return "escalated"
    return reached.stage


async def test_a_deal_that_stands_still_is_escalated(world: World) -> None:
    await world.product(name="Tea")
    deal = await world.deal(title="Tea")

    run = await world.start(follow_up(deal))
    await world.advance(days=15)

    assert await run.result() == "escalated"
    assert [a.subject for a in await world.find(Activity, of=deal)] == ["Call the client back"]


async def test_a_deal_that_moves_on_is_left_alone(world: World) -> None:
    await world.product(name="Tea")
    deal = await world.deal(title="Tea")

    run = await world.start(follow_up(deal, discount=Decimal(7)))
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))

    assert await run.result() == "EXECUTING"
    assert [row.sum for row in await world.find(ProductRow, of=deal)] == [Decimal("167.40")]
    assert await world.find(Activity, of=deal) == []


async def test_nothing_is_lost_or_done_twice() -> None:
    async def story(world: World) -> object:
        await world.product(name="Tea")
        deal = await world.deal(title="Tea")
        run = await world.start(follow_up(deal))
        await world.advance(days=15)
        return await run.result()

    assert await crash_at_every_await(story) > 10
