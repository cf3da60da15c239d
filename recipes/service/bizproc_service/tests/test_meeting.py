"""The recipe `service.meeting`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc import crm
from bizproc.errors import InstanceFailed, WrongArgument
from bizproc.model import Activity, Notification
from bizproc.testing import World, assert_recipe, crash_at_every_await
from bizproc_service.meeting import meeting

RECIPE = meeting(location="At the harbour")
BEGIN, END = datetime(2030, 2, 1, 9, tzinfo=UTC), datetime(2030, 2, 1, 10, 30, tzinfo=UTC)
HOURS = timedelta(hours=1)


async def story(world: World) -> object:
    """A meeting is asked for, stands in the calendar, and is over when the deal moves on."""
    deal = await world.deal(title="Tea", responsible_id=(await world.user()).id)
    run = await world.start(RECIPE(deal, begin=BEGIN, end=END, remind=2 * HOURS, important=True))
    (planned,) = await world.find(Activity, of=deal)
    assert await run.result() == planned.id
    assert not planned.completed
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    (over,) = await world.find(Activity, of=deal)
    assert over.completed
    return planned


async def test_a_meeting_is_scheduled_and_completed_when_the_deal_moves_on(world: World) -> None:
    await story(world)


async def test_the_story_ends_the_same_wherever_the_program_dies() -> None:
    assert await crash_at_every_await(story) > 8


async def test_it_stands_there_as_it_was_asked_for(world: World) -> None:
    ann = await world.user(name="Ann")
    deal = await world.deal(title="Tea", responsible_id=ann.id)
    await world.start(RECIPE(deal, begin=BEGIN, end=END, remind=2 * HOURS, important=True))
    (planned,) = await world.find(Activity, of=deal)
    assert (planned.kind, planned.subject, planned.location) == ("meeting", "Meeting: Tea", "At the harbour")
    assert (planned.start, planned.end, planned.important) == (BEGIN, END, True)
    (told,) = await world.find(Notification, of=deal)
    assert (told.user_id, told.due_at) == (ann.id, BEGIN - 2 * HOURS)


async def test_an_end_before_it_begins_is_refused_and_nothing_is_scheduled(world: World) -> None:
    deal = await world.deal()
    run = await world.start(RECIPE(deal, begin=END, end=BEGIN, remind=HOURS))
    with pytest.raises(InstanceFailed, match="end"):
        await run.result()
    assert await world.find(Activity, of=deal) == []


async def test_the_preview_shows_the_meeting_and_schedules_none(world: World) -> None:
    deal = await world.deal()
    preview = await world.preview(RECIPE(deal, begin=BEGIN, end=END, remind=HOURS))
    assert preview.ended == "completed"
    assert await world.find(Activity, of=deal) == []


@pytest.mark.parametrize("name", ["begin", "end", "remind"])
def test_a_form_that_is_not_filled_in_is_refused_by_name(name: str) -> None:
    form = {"begin": BEGIN, "end": END, "remind": HOURS}
    del form[name]
    with pytest.raises(WrongArgument, match=name):
        RECIPE.form.check(form)


@given(
    begin=st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    lasts=st.timedeltas(timedelta(0), timedelta(days=3)),
)
def test_what_is_filled_in_as_text_is_what_was_meant(begin: datetime, lasts: timedelta) -> None:
    texts = {"begin": begin.isoformat(), "end": (begin + lasts).isoformat(), "remind": "2h", "important": "yes"}
    assert RECIPE.form.parse(texts) == {"begin": begin, "end": begin + lasts, "remind": 2 * HOURS, "important": True}


def test_the_recipe_keeps_its_contract() -> None:
    assert_recipe(meeting)
