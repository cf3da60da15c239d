"""What an action leaves behind when it fails: in the commit of the failure, after all else was undone."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import attempt, process, wait
from bizproc.core.action import ItemAction, Target, action_type
from bizproc.core.errors import ItemNotFound, NoClient
from bizproc.model import Activity, Comment, Deal, ItemRef
from bizproc.ports.crm import Crm
from bizproc.testing import World
from tests.engine.ways import every_way


@action_type("crm.fail")
class Fail(ItemAction[None]):
    """
    Comment, leave traces, and fail or not.

    Args:
        traces: Ids of the deals that get a comment for a trace.
        fails: Whether it fails.
    """

    target: Target
    traces: tuple[int, ...]
    fails: bool = True

    async def perform(self, port: Crm) -> None:
        ref = await port.resolve(self.target.kind, self.target.id)
        await port.add_comment(ref, "undone")
        await port.update(ref, {"stage": "EXECUTING"})
        for id_ in self.traces:
            port.performing.leave_behind(trace(id_))
        port.performing.end("never")
        if self.fails:
            raise NoClient(action=self.name, kind=ref.kind, id=ref.id)


def trace(id_: int) -> Any:
    async def leave(port: Crm, _error: Exception) -> None:
        await port.add_comment(ItemRef("deal", id_), "trace")
        await port.update(ItemRef("deal", id_), {"stage": "PREPARATION"})

    return leave


@process("leaving.fails")
async def fails(deal: Deal, *, traces: tuple[int, ...]) -> str:
    outcome = await attempt(Fail(Target("deal"), traces))
    return str(outcome.error)


@process("leaving.waits")
async def waits(deal: Deal) -> str:
    return (await wait.until_stage("PREPARATION")).stage


@every_way
async def test_the_trace_stays_and_all_else_is_undone(world: World) -> object:
    deal = await world.deal()
    run = await world.start(fails(deal, traces=(deal.id,)))
    assert "neither a contact nor a company" in await run.result()
    assert [each.text for each in await world.find(Comment)] == ["trace"]
    assert (await run.status()).state == "completed"
    return await run.result()


@every_way
async def test_a_trace_wakes_those_who_wait_for_it(world: World) -> object:
    deal = await world.deal()
    waiting = await world.start(waits(deal))
    await world.start(fails(await world.deal(), traces=(deal.id,)))
    return await waiting.result()


async def test_a_trace_that_fails_is_a_note_and_the_others_stay(world: World) -> None:
    deal = await world.deal()
    with pytest.raises(NoClient) as raised:
        await world.perform(Fail(Target("deal", deal.id), (99, deal.id)))
    assert [each.text for each in await world.find(Comment)] == ["trace"]
    (note,) = raised.value.__notes__
    assert ItemNotFound.__name__ in note
    assert (await world.get(Deal, deal.id)).stage == "PREPARATION"


async def test_an_action_that_does_not_fail_leaves_no_trace(world: World) -> None:
    deal = await world.deal()
    await world.perform(Fail(Target("deal", deal.id), (deal.id,), fails=False))
    assert [each.text for each in await world.find(Comment)] == ["undone"]
    assert await world.find(Activity) == []
