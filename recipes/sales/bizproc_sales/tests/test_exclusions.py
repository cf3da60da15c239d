"""`sales.exclusions`: what fits a pattern is closed and excluded, and nothing runs on it any more."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc import UserQueue, crm
from bizproc.model import Activity, Comment, Exclusion, Lead
from bizproc.testing import World, crash_at_every_await
from bizproc_sales.exclusions import exclusions, fits
from bizproc_sales.lead_distribution import lead_distribution

EXCLUSIONS = exclusions(patterns=["*@spam.example", "+33899*", "*Casino*"])


async def new_lead(world: World, **fields: Any) -> Lead:
    return await world.perform(crm.lead.create(**{"title": "A lead", **fields}))


@pytest.mark.parametrize(
    "said",
    [
        {"emails": ["Win@SPAM.example"], "last_name": "Doe"},
        {"phones": ["+33 899 12 34 56"]},
        {"title": "Big casino bonus"},
        {"company_title": "Casino Ltd"},
        {"name": "Casino", "last_name": "Royal"},
    ],
)
async def test_a_lead_that_fits_a_pattern_is_closed(world: World, said: dict[str, Any]) -> None:
    world.use(EXCLUSIONS)
    lead = await new_lead(world, **said)
    assert (await world.get(Lead, lead.id)).status == "JUNK"
    (comment,) = await world.find(Comment, of=lead)
    assert comment.text.startswith("Excluded: it fits ")


async def test_its_addresses_are_excluded(world: World) -> None:
    world.use(EXCLUSIONS)
    await new_lead(world, emails=["win@spam.example"], phones=["+33 1 44"])
    assert {(each.type, each.value) for each in await world.find(Exclusion)} == {
        ("PHONE", "+33144"),
        ("EMAIL", "win@spam.example"),
    }


async def test_any_other_lead_is_left_alone(world: World) -> None:
    world.use(EXCLUSIONS)
    lead = await new_lead(world, emails=["ann@tea.example"], phones=["+33 1 89 90 00 00"])
    assert await world.get(Lead, lead.id) == lead
    assert await world.find(Exclusion) == []


async def test_nobody_is_asked_to_call_it(world: World) -> None:
    await world.user()
    world.use(lead_distribution(queue=UserQueue([1])), EXCLUSIONS)
    lead = await new_lead(world, title="Casino")
    await world.advance(days=2)
    states = {each.process: (each.state, each.ended_by) for each in await world.instances()}
    assert states["sales.lead_distribution"] == ("terminated", "excluded: *casino*")
    assert len(await world.find(Activity, of=lead)) <= 1


async def test_a_preview_over_the_leads_that_are_there_says_what_it_would_do_and_writes_nothing(world: World) -> None:
    several = [await new_lead(world, title=title) for title in ("Tea", "Casino", "Casino royal")]
    previews = [await world.preview(EXCLUSIONS(lead)) for lead in several]
    assert [len(preview.steps) for preview in previews] == [0, 4, 4]
    assert [lead.status for lead in await world.find(Lead)] == ["NEW", "NEW", "NEW"]
    assert await world.instances() == []


@given(st.text(st.characters(exclude_characters="*?["), min_size=1), st.text(max_size=5), st.text(max_size=5))
def test_between_stars_a_pattern_fits_wherever_its_text_stands(text: str, before: str, behind: str) -> None:
    assert fits(Lead(id=1, title=f"{before}{text}{behind}".lower()), f"*{text.lower()}*")


@given(st.text(min_size=1))
def test_a_lead_that_says_nothing_fits_no_pattern(pattern: str) -> None:
    assert not fits(Lead(id=1), pattern)


async def test_a_crash_changes_nothing() -> None:
    async def story(world: World) -> Any:
        lead = await new_lead(world, title="Casino", emails=["a@tea.example"])
        await world.advance(days=1)
        return (await world.get(Lead, lead.id)).status

    assert await crash_at_every_await(story, processes=[EXCLUSIONS]) > 5
