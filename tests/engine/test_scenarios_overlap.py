"""Overlap policies: what a second start on the same document does (D16), by hand, by a parent and by a trigger."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bizproc import crm, on, process, start, wait
from bizproc.engines.embedded import starting
from bizproc.errors import InstanceCancelled, InstanceTerminated, NotResumable, QueueFull
from bizproc.model import Deal
from bizproc.testing import World
from tests.engine.moves import Delete
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@process("tests.replacing", overlap="replace", starts=on.changed("deal", "title"))
async def replacing(deal: Deal) -> str:
    await wait.sleep(DAY)
    return deal.title


@process("tests.queued", overlap="queue", starts=on.changed("deal", "title"))
async def queued(deal: Deal) -> str:
    await wait.for_signal("go", timeout=DAY)
    await crm.deal.add_comment(deal.title)
    return deal.title


@process("tests.copies", overlap="parallel", starts=on.changed("deal", "title"))
async def copies(deal: Deal) -> str:
    await wait.sleep(DAY)
    return deal.title


async def change(world: World, deal: Deal, *titles: str) -> None:
    for title in titles:
        await world.perform(crm.deal(deal).update({"title": title}))


@every_way
async def test_parallel_copies_live_side_by_side(world: World) -> object:
    world.use(copies)
    deal = await world.deal()
    await change(world, deal, "One", "Two")
    by_hand = await world.start(copies(deal))
    assert len(await world.instances(process="tests.copies")) == 3
    await world.advance(days=1)
    assert await world.refusals() == []
    return await by_hand.result()


@every_way
async def test_a_replacing_start_terminates_the_one_that_lives(world: World) -> object:
    world.use(replacing)
    deal = await world.deal()
    await change(world, deal, "One", "Two")
    by_hand = await world.start(replacing(deal))
    await world.crash()
    first, second, third = await world.instances(process="tests.replacing")
    assert (first.state, first.ended_by) == ("terminated", f"replaced by {second.id}")
    assert (second.state, second.ended_by) == ("terminated", f"replaced by {third.id}")
    assert third.id == by_hand.id
    await world.advance(days=1)
    with pytest.raises(InstanceTerminated, match="replaced by"):
        await world.instance(first.id).result()
    return await by_hand.result()


@every_way
async def test_an_instance_whose_own_change_replaces_it_ends_there(world: World) -> object:
    @process("tests.again", overlap="replace", starts=on.changed("deal", "title", by_processes=True))
    async def again(deal: Deal) -> str:
        if len(deal.title) < 3:
            await crm.deal.update({"title": f"{deal.title}!"})
            await crm.deal.add_comment("never")
        return deal.title

    world.use(again)
    deal = await world.deal()
    await change(world, deal, "x")
    found = await world.instances(process="tests.again")
    assert [status.state for status in found] == ["terminated", "terminated", "completed"]
    assert await world.instance(found[-1].id).result() == "x!!"
    return [status.ended_by for status in found]


@every_way
async def test_an_instance_that_starts_what_replaces_it_ends_there(world: World) -> object:
    @process("tests.anew", overlap="replace")
    async def anew(deal: Deal, *, first: bool = True) -> str:
        if first:
            _ = await start(anew(deal, first=False), detached=True)
            await crm.deal.add_comment("never")
        await wait.sleep(DAY)
        return "second"

    deal = await world.deal()
    await world.start(anew(deal))
    await world.advance(days=1)
    one, two = await world.instances(process="tests.anew")
    assert (one.state, one.ended_by, two.state) == ("terminated", f"replaced by {two.id}", "completed")
    return two.id


@every_way
async def test_a_queue_runs_one_after_the_other_in_order_and_survives_restarts(world: World) -> object:
    world.use(queued)
    deal, other = await world.deal(), await world.deal()
    await change(world, deal, "One", "Two")
    by_hand = await world.start(queued(deal))
    await change(world, other, "Other")
    await change(world, deal, "Four")
    await world.crash()
    found = await world.instances(process="tests.queued", document=deal)
    assert [status.state for status in found] == ["waiting"] * 4
    assert [status.waits_for for status in found[1:]] == ["its turn in the queue"] * 3
    for status in found:
        await world.instance(status.id).signal("go")
    results = [await world.instance(status.id).result() for status in found]
    assert results == ["One", "Two", "A deal", "Four"]
    assert await by_hand.result() == "A deal"  # the snapshot it was given
    assert len(await world.instances(document=other, status="waiting")) == 1
    assert await world.refusals() == []
    return results


@every_way
async def test_one_that_waits_for_its_turn_is_ended_without_ever_running(world: World) -> object:
    deal = await world.deal()
    runs = [await world.start(queued(deal)) for _ in range(5)]
    with pytest.raises(NotResumable, match="its turn"):
        await runs[1].skip_wait()
    await runs[1].cancel()
    await runs[2].terminate("enough")
    await runs[3].signal("go")
    await world.crash()
    with pytest.raises(InstanceCancelled):
        await runs[1].result()
    with pytest.raises(InstanceTerminated, match="enough"):
        await runs[2].result()
    await runs[0].terminate("first")
    assert await runs[3].result() == deal.title  # its signal had waited with it
    assert [step.name for step in await runs[1].journal()] == []
    assert (await runs[4].status()).waits_for != "its turn in the queue"
    await world.perform(Delete(deal.id))
    return [(status.state, status.ended_by) for status in await world.instances()]


@every_way
async def test_a_deletion_ends_the_whole_queue_and_none_of_it_begins(world: World) -> object:
    begun: list[str] = []

    @process("tests.beginning", overlap="queue")
    async def beginning(deal: Deal, *, name: str) -> None:
        begun.append(name)
        await wait.sleep(DAY)

    deal = await world.deal()
    for name in "abc":
        await world.start(beginning(deal, name=name))
    await world.perform(Delete(deal.id))
    await world.advance(days=2)
    assert set(begun) == {"a"}
    assert [status.ended_by for status in await world.instances()] == ["document deleted"] * 3
    return None


@every_way
async def test_a_parent_waits_for_a_child_that_waits_for_its_turn(world: World) -> object:
    @process("tests.parent")
    async def parent(*, deal: int) -> str:
        return await queued(await crm.deal(deal).read())

    @process("tests.cancelled_parent")
    async def cancelled_parent(*, deal: int) -> str:
        return await queued(await crm.deal(deal).read())

    deal = await world.deal(title="Tea")
    first = await world.start(queued(deal))
    left = await world.start(cancelled_parent(deal=deal.id))
    run = await world.start(parent(deal=deal.id))
    await left.cancel()
    assert (await left.status()).state == "cancelled"
    await first.signal("go")
    await world.advance(days=1)
    assert await run.result() == "Tea"
    states = [status.state for status in await world.instances(process="tests.queued")]
    assert states == ["completed", "cancelled", "completed"]
    return states


async def test_a_queue_has_an_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "LONGEST_QUEUE", 2)
    world.use(queued)
    deal = await world.deal()
    for _ in range(3):
        await world.start(queued(deal))
    with pytest.raises(QueueFull, match="2 wait for their turn"):
        await world.start(queued(deal))
    await change(world, deal, "More")
    (refusal,) = await world.refusals()
    assert refusal.reason == "overlap"


async def test_the_same_id_again_replaces_nothing(world: World) -> None:
    deal = await world.deal()
    first = await world.start(replacing(deal), id="one")
    again = await world.start(replacing(deal), id="one")
    assert first.id == again.id
    assert [status.state for status in await world.instances()] == ["waiting"]
