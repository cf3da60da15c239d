"""What `bizproc check` calls the end of an instance is one: nothing behind it runs, and it has no result."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bizproc import crm, gather, process, saga, shield, wait
from bizproc.model import Comment, Deal
from bizproc.testing import World


async def lose() -> None:
    await crm.deal.change_stage("LOSE")


async def alone(deal: Deal) -> None:
    await crm.deal.change_stage("LOSE")


async def to_where_it_is(deal: Deal) -> None:
    await crm.deal.change_stage(deal.stage)


async def by_its_id(deal: Deal) -> None:
    await crm.deal(deal).change_stage("LOSE")


async def shielded(deal: Deal) -> None:
    await shield(crm.deal.change_stage("LOSE"))


async def beside_others(deal: Deal) -> None:
    await gather(crm.deal.change_stage("LOSE"), wait.sleep(timedelta(days=1)))


async def in_a_helper(deal: Deal) -> None:
    await lose()


async def in_a_saga(deal: Deal) -> None:
    async with saga() as undo:
        undo.compensate(crm.deal.add_comment("undone"))
        await crm.deal.change_stage("LOSE")


@pytest.mark.parametrize("way", [alone, to_where_it_is, by_its_id, shielded, beside_others, in_a_helper, in_a_saga])
async def test_nothing_behind_a_move_of_the_own_document_runs(world: World, way: Any) -> None:
    @process("ends")
    async def ends(deal: Deal) -> str:
        await way(deal)
        await crm.deal.add_comment("never")
        return "never"

    deal = await world.deal()
    run = await world.start(ends(deal))
    await world.advance(days=2)
    status = await run.status()
    assert (status.state, status.ended_by) == ("completed", "stage changed")
    assert await run.result() is None
    assert list(await world.find(Comment, of=deal)) == []
