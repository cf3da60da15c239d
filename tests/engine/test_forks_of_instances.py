"""`fork`: a new instance that has done what another had done before a step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bizproc import action, crm, gather, process, wait
from bizproc.core.errors import InstanceNotFound, UnknownStep, WrongArgument
from bizproc.model import Comment, Deal
from bizproc.testing import World
from tests.engine.ways import Way, every_way

DAY = timedelta(days=1)


@every_way
async def test_earlier_steps_are_reused_and_the_original_is_untouched(world: World, way: Way) -> object:
    """Scenario 23."""
    ran: list[str] = []

    @action("count")
    async def count(name: str) -> int:
        ran.append(name)
        return len(ran)

    @process("forked")
    async def forked(deal: Deal) -> list[object]:
        first = await count("first")
        await crm.deal.add_comment("between")
        second = await count("second")
        answer = await wait.for_signal("go", int)
        return [first > 0, second > 0, answer.value]

    deal = await world.deal()
    run = await world.start(forked(deal), id="w")
    before = [(step.address, step.event, step.at) for step in await run.journal()]
    fork = await run.fork("2", id="w-again")
    assert [(step.address, step.event, step.at) for step in await run.journal()] == before
    assert [step.address for step in await fork.journal()] == ["0", "1", "2", "3"]
    await fork.signal("go", 2)
    assert await fork.result() == [True, True, 2]
    assert (await run.status()).state == "waiting"
    await run.signal("go", 1)
    assert await run.result() == [True, True, 1]
    comments = [comment.text for comment in await world.find(Comment, of=deal)]
    if not way.crashes:
        assert ran == ["first", "second", "second"]
    return comments


@process("fork.timers")
async def timers() -> list[str]:
    async def slow() -> str:
        await wait.sleep(3 * DAY)
        return "slow"

    async def quick() -> str:
        await wait.sleep(DAY)
        answer = await wait.for_signal("go", str, timeout=10 * DAY)
        return "late" if answer.timed_out else str(answer.value)

    return list(await gather(slow(), quick()))


async def test_waits_that_were_open_keep_their_deadlines(world: World) -> None:
    run = await world.start(timers())
    await world.advance(days=2)
    fork = await run.fork("0.1.1")
    until = (await fork.status()).until
    assert until == (await run.status()).until
    await world.advance(days=2)
    await fork.signal("go", "fork")
    await run.signal("go", "run")
    assert (await fork.result(), await run.result()) == (["slow", "fork"], ["slow", "run"])


@process("fork.signals")
async def signals() -> list[int]:
    return [(await wait.for_signal("n", int)).value or 0 for _ in range(3)]


async def test_signals_that_were_not_read_by_then_are_the_forks_too(world: World) -> None:
    run = await world.start(signals())
    for number in (1, 2):
        await run.signal("n", number)
    fork = await run.fork("1")
    await fork.signal("n", 30)
    assert await fork.result() == [1, 2, 30]
    await run.signal("n", 3)
    assert await run.result() == [1, 2, 3]
    again = await run.fork("0")
    assert await again.result() == [1, 2, 3]


async def test_one_that_has_ended_can_be_forked(world: World) -> None:
    run = await world.start(signals())
    for number in (1, 2, 3):
        await run.signal("n", number)
    fork = await run.fork("2")
    assert await fork.result() == [1, 2, 3]


async def test_the_same_name_gives_the_same_fork(world: World) -> None:
    run = await world.start(signals())
    await run.signal("n", 1)
    first, second = await run.fork("0", id="f"), await run.fork("0", id="f")
    assert first.id == second.id == "f"
    assert len(await world.instances(process="fork.signals")) == 2


async def test_a_step_that_is_not_there_is_refused_with_those_that_are(world: World) -> None:
    run = await world.start(signals())
    await run.signal("n", 1)
    with pytest.raises(UnknownStep, match="It has: 0, 1"):
        await run.fork("7")
    with pytest.raises(InstanceNotFound):
        await world.instance("nobody").fork("0")
    with pytest.raises(WrongArgument):
        await run.fork("0", id="a/b")


@process("fork.single")
async def single(deal: Deal) -> str:
    await wait.sleep(DAY)
    return "done"


async def test_a_fork_runs_beside_the_one_that_the_overlap_policy_allows(world: World) -> None:
    deal = await world.deal()
    run = await world.start(single(deal))
    fork = await run.fork("0")
    await world.advance(days=2)
    assert (await run.result(), await fork.result()) == ("done", "done")
