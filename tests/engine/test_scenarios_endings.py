"""Instances that are ended by what happens to their document, whoever does it: no more of their code runs."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bizproc import crm, gather, on, process, start, wait
from bizproc.errors import InstanceTerminated
from bizproc.model import Deal
from bizproc.runtime import Runtime
from bizproc.testing import World
from tests.engine.moves import Delete, Move
from tests.engine.ways import Way, every_way

DAY = timedelta(days=1)


@process("tests.staying", overlap="parallel")
async def staying(deal: Deal) -> str:
    """Wait for a week, and say so."""
    await wait.sleep(7 * DAY)
    await crm.deal.add_comment("stayed")
    return "stayed"


@process("tests.working", starts=on.stage("deal", "NEW", "PREPARATION", while_in_stage=True), overlap="parallel")
async def working(deal: Deal) -> str:
    """Work while the deal is in one of two stages."""
    await wait.sleep(7 * DAY)
    return deal.stage


async def ends(world: World, **which: Any) -> list[tuple[str, str, str | None]]:
    return [(status.process, status.state, status.ended_by) for status in await world.instances(**which)]


@every_way
async def test_the_deletion_of_its_document_terminates_an_instance_and_no_other(world: World) -> object:
    """D6."""
    deal, other = await world.deal(), await world.deal()
    run, left = await world.start(staying(deal)), await world.start(staying(other))
    await world.perform(Delete(deal.id))
    await world.crash()
    with pytest.raises(InstanceTerminated, match="document deleted"):
        await run.result()
    await world.advance(days=8)
    assert await left.result() == "stayed"
    return await ends(world)


@every_way
async def test_an_instance_that_deletes_its_own_document_ends_there(world: World) -> object:
    """D6; also what waits in other branches of it."""
    reached: list[str] = []

    @process("tests.own_deletion")
    async def own_deletion(deal: Deal) -> None:
        try:
            await gather(wait.sleep(DAY), Delete(deal.id))
        finally:
            reached.append("cleanup")

    deal = await world.deal()
    await world.start(own_deletion(deal))
    await world.advance(days=2)
    assert reached == []
    assert await ends(world) == [("tests.own_deletion", "terminated", "document deleted")]
    return None


@every_way
async def test_what_waits_for_the_stage_of_another_item_hears_of_its_deletion(world: World) -> object:
    """D6."""

    @process("tests.waiting")
    async def waiting(*, deal: int) -> bool:
        reached = await wait.until_stage("WON", deal=deal)
        return reached.deleted

    deal = await world.deal()
    run = await world.start(waiting(deal=deal.id))
    await world.perform(Delete(deal.id))
    assert await run.result() is True
    return None


@every_way
async def test_a_move_of_pipeline_ends_all_instances_on_the_item_and_this_one_only_on_its_own(world: World) -> object:
    """D10."""
    pipeline = await world.perform(crm.pipeline.create(name="Second"))
    deal, other = await world.deal(), await world.deal()

    @process("tests.moving", overlap="parallel")
    async def moving(deal: Deal, *, which: int) -> str:
        moved = await Move(which, pipeline.id)
        again = await Move(which, pipeline.id)
        return f"{moved} {again}"

    await world.start(staying(deal))
    await world.start(staying(other))
    run = await world.start(moving(other, which=deal.id))
    assert await run.result() == "True False"
    assert await ends(world, document=deal) == [("tests.staying", "terminated", "pipeline changed")]
    await world.start(moving(other, which=other.id))
    await world.crash()
    await world.advance(days=8)
    assert await ends(world, document=other) == [
        ("tests.staying", "terminated", "pipeline changed"),
        ("tests.moving", "completed", None),
        ("tests.moving", "terminated", "pipeline changed"),
    ]
    return None


@every_way
async def test_an_update_of_the_pipeline_ends_what_lives_in_a_stage_and_nothing_else(world: World) -> object:
    pipeline = await world.perform(crm.pipeline.create(name="Second"))
    world.use(working)
    deal = await world.deal()
    await world.start(staying(deal))
    await world.perform(crm.deal(deal).update({"pipeline": pipeline.id}))
    await world.advance(days=8)
    assert await ends(world) == [("tests.working", "terminated", "stage left"), ("tests.staying", "completed", None)]
    return None


@every_way
async def test_what_lives_in_a_stage_ends_when_the_item_leaves_it_whoever_moves_it(world: World) -> object:
    """D11."""

    @process("tests.mover")
    async def mover(*, deal: int, stage: str) -> None:
        await crm.deal(deal).change_stage(stage)

    @process("tests.anywhere", starts=on.stage("deal", while_in_stage=True))
    async def anywhere(deal: Deal) -> None:
        await wait.sleep(7 * DAY)

    world.use(working, anywhere)
    deal = await world.deal()
    await world.perform(crm.deal(deal).change_stage("NEW"))  # where it is already
    await world.perform(crm.deal(deal).update({"stage": "PREPARATION"}))
    assert await ends(world, process="tests.working") == [("tests.working", "waiting", None)] * 2
    assert await ends(world, process="tests.anywhere") == [
        ("tests.anywhere", "terminated", "stage left"),
        ("tests.anywhere", "waiting", None),
    ]
    await world.start(mover(deal=deal.id, stage="EXECUTING"))
    await world.crash()
    assert await ends(world, process="tests.working") == [("tests.working", "terminated", "stage left")] * 2
    assert len(await world.instances(process="tests.anywhere", status="waiting")) == 1
    return None


@every_way
async def test_its_own_change_of_stage_completes_an_instance_and_ends_what_lived_in_the_stage(world: World) -> object:
    """D11: even to the same value, and then nothing else ends."""

    @process("tests.changing")
    async def changing(deal: Deal, *, stage: str) -> None:
        await crm.deal.change_stage(stage)
        await crm.deal.add_comment("never")  # bizproc: ok (shows that it never runs)

    world.use(working)
    deal = await world.deal()
    await world.start(staying(deal))
    await world.start(changing(deal, stage="NEW"))
    assert await ends(world, process="tests.working") == [("tests.working", "waiting", None)]
    await world.start(changing(deal, stage="WON"))
    assert await ends(world, document=deal) == [
        ("tests.working", "terminated", "stage left"),
        ("tests.staying", "waiting", None),
        ("tests.changing", "completed", "stage changed"),
        ("tests.changing", "completed", "stage changed"),
    ]
    return None


@every_way
async def test_what_lives_in_a_stage_and_leaves_it_itself_ends_by_what_it_did(world: World) -> object:
    """D11: by change_stage it completes; by an update it has left the stage like anybody's."""

    @process("tests.leaving", starts=on.stage("deal", "NEW", while_in_stage=True))
    async def leaving(deal: Deal) -> None:
        await (crm.deal.update({"stage": "WON"}) if deal.title == "update" else crm.deal.change_stage("WON"))
        await crm.deal.add_comment("never")

    world.use(leaving)
    await world.deal(title="update")
    await world.deal(title="change")
    assert sorted(await ends(world)) == [
        ("tests.leaving", "completed", "stage changed"),
        ("tests.leaving", "terminated", "stage left"),
    ]
    return None


@every_way
async def test_parents_hear_of_children_that_are_ended_so(world: World) -> object:
    @process("tests.parent")
    async def parent(*, deal: int) -> str:
        child = await start(staying(await crm.deal(deal).read()))
        try:
            return await child
        except Exception as error:  # noqa: BLE001  the test says which
            return f"{type(error).__name__} {error}"

    deal = await world.deal()
    run = await world.start(parent(deal=deal.id))
    await world.perform(Delete(deal.id))
    told = await run.result()
    assert told.startswith("ChildFailed")
    assert "document deleted" in told
    return told


@every_way
async def test_an_instance_that_is_ended_in_the_middle_of_its_own_turns_does_nothing_more(
    world: World, way: Way
) -> object:
    """Two instances at once: what one of them ends writes nothing after that, and its last write is whole."""
    deal = await world.deal()

    @process("tests.busy", overlap="parallel")
    async def busy(deal: Deal) -> None:
        for number in range(30):
            await crm.deal.update({"title": f"{number}"})
        await crm.deal.add_comment("never")

    @process("tests.deleting")
    async def deleting(*, deal: int, after: int) -> None:
        for _ in range(after):
            await crm.deal(deal).update({"origin_id": "x"})
        await Delete(deal)

    @process("tests.both")
    async def both(*, deal: int) -> None:
        document = await crm.deal(deal).read()
        await gather(start(busy(document)), start(busy(document)), start(deleting(deal=deal, after=3)))

    await world.start(both(deal=deal.id))
    await world.advance(days=1)
    assert await ends(world, process="tests.busy") == [("tests.busy", "terminated", "document deleted")] * 2
    for status in await world.instances(process="tests.busy"):
        assert len(await world.instance(status.id).journal()) < 30
    return None


async def test_an_ending_that_was_undone_ends_nobody(world: World) -> None:
    """What is in memory says an instance has ended, and the store says it lives: the store is right."""

    @process("tests.going_on")
    async def going_on(deal: Deal) -> str:
        for number in range(3):
            await crm.deal.update({"title": f"{number}"})
            await wait.for_signal("go")
        return (await crm.deal.read()).title

    run = await world.start(going_on(await world.deal()))
    engine = world.runtime.engine
    (live,) = engine.live
    for _ in range(3):
        engine.reactions.ended.add(live)
        await run.signal("go")
    assert await run.result() == "2"
    assert not engine.reactions.ended


async def test_many_busy_instances_are_ended_at_once_on_a_real_store(tmp_path: Path) -> None:
    """The writer's thread ends them while their turns are on their way, and others terminate them meanwhile."""

    @process("tests.endless", overlap="parallel")
    async def endless(deal: Deal) -> None:
        while True:
            await crm.deal.read()

    async with Runtime.open(f"sqlite:///{tmp_path / 'crm.db'}") as runtime, asyncio.timeout(30):
        for _ in range(3):
            deal = await runtime.perform(crm.deal.create(title="Tea"))
            runs = [await runtime.start(endless(deal)) for _ in range(20)]
            await asyncio.gather(*(run.terminate("enough") for run in runs[::4]), runtime.perform(Delete(deal.id)))
            states = {status.state for status in await runtime.instances(document=deal)}
            assert states == {"terminated"}
            await runtime.settled()
            assert not runtime.engine.live
            assert not runtime.engine.reactions.ended
            written = await runtime.read(journalled)
            await runtime.perform(crm.deal.create(title="Other"))
            assert await runtime.read(journalled) == written


def journalled(connection: Any) -> int:
    """How many entries there are in all journals."""
    return int(connection.execute("SELECT count(*) FROM journal").fetchone()[0])
