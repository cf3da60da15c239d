"""The recipe `service.close_tasks`."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import F, crm, gather, on, process
from bizproc.model import Activity, Comment, Deal, Task
from bizproc.testing import World, assert_recipe, crash_at_every_await
from bizproc_service.close_tasks import close_tasks


@process("tests.task_of_the_stage", starts=on.stage("deal"))
async def task_of_the_stage(deal: Deal) -> None:
    """What the recipe cleans up after: each stage brings a task."""
    await crm.deal.add_task(f"Work of {deal.stage}")


async def open_tasks(world: World) -> list[str]:
    return [task.title for task in await world.find(Task) if not task.completed]


# -- the story ---------------------------------------------------------------------------------------------------------


async def story(world: World) -> object:
    """A deal moves on, and its tasks are ended, but for the one that a person made."""
    world.use(close_tasks(), task_of_the_stage)
    deal = await world.deal(title="Tea", responsible_id=(await world.user()).id)
    await world.perform(crm.deal(deal).add_task("Ask for the address"))
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    assert await open_tasks(world) == ["Ask for the address", "Work of PREPARATION"]
    return [comment.text for comment in await world.find(Comment, of=deal)]


async def test_tasks_of_left_stages_are_ended_and_leftovers_are_reported(world: World) -> None:
    assert await story(world) == ["Still open: Ask for the address"]


async def test_the_story_ends_the_same_wherever_the_program_dies() -> None:
    assert await crash_at_every_await(story) > 20


# -- one thing each ----------------------------------------------------------------------------------------------------


async def test_deals_that_do_not_fit_the_filter_keep_their_tasks(world: World) -> None:
    world.use(close_tasks(only=F.title == "Coffee"), task_of_the_stage)
    deal = await world.deal(title="Tea")
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    assert await open_tasks(world) == ["Work of NEW", "Work of PREPARATION"]


async def test_without_leftovers_there_is_no_report(world: World) -> None:
    world.use(close_tasks(), task_of_the_stage)
    deal = await world.deal()
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    assert await world.find(Comment, of=deal) == []


async def test_the_report_can_be_something_to_be_done(world: World) -> None:
    world.use(close_tasks(report="activity"))
    ann = await world.user(name="Ann")
    deal = await world.deal(responsible_id=ann.id)
    await world.perform(crm.deal(deal).add_task("Ask for the address"))
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    *_, told = await world.find(Activity, of=deal)
    assert (told.subject, told.description, told.responsible_id) == (
        "See to the tasks that are still open", "Ask for the address", ann.id,
    )  # fmt: skip


async def test_the_report_can_be_left_out(world: World) -> None:
    world.use(close_tasks(report="nothing"))
    deal = await world.deal()
    await world.perform(crm.deal(deal).add_task("Ask for the address"))
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    assert await world.find(Comment, of=deal) == []
    assert len(await world.find(Activity, of=deal)) == 1  # the task's own


@process("tests.hurry")
async def hurry(*, deal: int) -> None:
    """Two moves in one commit."""
    await gather(crm.deal(deal).change_stage("PREPARATION"), crm.deal(deal).change_stage("EXECUTING"))


async def test_the_stage_of_the_moment_counts_and_not_that_of_a_move_that_is_past(world: World) -> None:
    world.use(close_tasks(), task_of_the_stage)
    deal = await world.deal()
    await world.start(hurry(deal=deal.id))
    assert {task.stage for task in await world.find(Task) if not task.completed} == {"EXECUTING"}


async def test_tasks_of_another_pipeline_are_ended_too(world: World) -> None:
    world.use(close_tasks(), task_of_the_stage)
    pipeline = await world.perform(crm.pipeline.create(name="Tenders"))
    deal = await world.deal()
    await world.perform(crm.deal(deal).change_pipeline(pipeline))
    moved = await world.get(Deal, deal.id)
    assert await open_tasks(world) == [f"Work of {moved.stage}"]


async def test_the_preview_says_what_would_be_ended_and_ends_nothing(world: World) -> None:
    world.use(task_of_the_stage)
    deal = await world.deal()
    await world.perform(crm.deal(deal).update({"stage": "PREPARATION"}))
    preview = await world.preview(close_tasks()(await world.get(Deal, deal.id)))
    assert preview.result == 1
    assert await open_tasks(world) == ["Work of NEW", "Work of PREPARATION"]


@settings(max_examples=25, deadline=None)
@given(moves=st.lists(st.sampled_from(["NEW", "PREPARATION", "EXECUTING", "WON", "LOSE"]), min_size=1, max_size=6))
def test_whatever_way_a_deal_goes_only_tasks_of_its_stage_are_open(moves: list[str]) -> None:
    async def go() -> None:
        async with World.open(close_tasks(), task_of_the_stage) as world:
            deal = await world.deal()
            for stage in moves:
                await world.perform(crm.deal(deal).change_stage(stage))
                assert {task.stage for task in await world.find(Task) if not task.completed} == {stage}

    asyncio.run(go())


def test_the_recipe_keeps_its_contract() -> None:
    assert_recipe(close_tasks)
