"""The recipe `billing.document`."""

from __future__ import annotations

import asyncio
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import F, crm
from bizproc.model import Activity, CrmDocument, Deal
from bizproc.testing import World, assert_recipe, crash_at_every_await
from bizproc_billing.document import document
from bizproc_billing.tests.office import office, tea_deal

RECIPE = document(template="paper")


async def begun(world: World, **options: Any) -> Deal:
    world.use(document(template="paper", **options) if options else RECIPE)
    await office(world)
    deal = await tea_deal(world)
    await world.perform(crm.deal(deal).change_stage("PREPARATION"))
    return deal


async def read(world: World) -> None:
    """The client opens the first mail."""
    await world.opens(world.mail.sent[0])


async def result(world: World) -> object:
    (instance,) = await world.instances()
    return await world.instance(instance.id).result()


async def story(world: World) -> object:
    await begun(world)
    (mail,) = world.mail.sent
    assert (mail.subject, len(mail.attachments)) == ("Your document 1", 1)
    await world.advance(days=7)
    assert await result(world) == "nudged"
    return [mail.subject for mail in world.mail.sent]


async def test_who_does_not_read_the_document_is_nudged_once(world: World) -> None:
    assert await story(world) == ["Your document 1", "Your document 1"]
    await world.advance(days=30)
    assert len(world.mail.sent) == 2


async def test_the_story_ends_the_same_wherever_the_program_dies() -> None:
    assert await crash_at_every_await(story, processes=[RECIPE]) > 30


async def test_only_a_deal_that_fits_the_filter_gets_one(world: World) -> None:
    await begun(world, only=F.title == "Coffee")
    assert await world.instances() == []
    assert world.mail.sent == []


async def test_who_reads_it_is_left_in_peace(world: World) -> None:
    await begun(world)
    await read(world)
    await world.advance(days=7)
    assert (await result(world), len(world.mail.sent)) == ("read", 1)


async def test_the_document_bears_stamp_and_signature_and_has_a_page(world: World) -> None:
    await begun(world)
    (made,) = await world.find(CrmDocument)
    assert made.with_stamp
    assert made.public_url is not None
    assert made.pdf_id is not None


async def test_somebody_can_be_asked_to_call_instead(world: World) -> None:
    deal = await begun(world, nudge="call", nudge_after=1)
    await world.advance(days=5)
    (call,) = [each for each in await world.find(Activity, of=deal) if each.kind == "call"]
    assert (call.subject, len(world.mail.sent)) == ("Has 1 arrived?", 1)


async def test_nobody_is_nudged_of_a_deal_that_has_ended(world: World) -> None:
    deal = await begun(world)
    await world.perform(crm.deal(deal).change_stage("LOSE"))
    await world.advance(days=7)
    assert (await result(world), len(world.mail.sent)) == ("closed", 1)


@settings(max_examples=20, deadline=None)
@given(opens_after=st.none() | st.integers(0, 10), nudge_after=st.integers(1, 6))
def test_there_is_a_nudge_exactly_if_the_mail_was_not_read_in_time(opens_after: int | None, nudge_after: int) -> None:
    async def go() -> None:
        async with World.open() as world:
            await begun(world, nudge_after=nudge_after)
            nudged = [len(world.mail.sent) == 2]
            for day in range(15):
                if day == opens_after:
                    await read(world)
                await world.advance(days=1)
                nudged.append(len(world.mail.sent) == 2)
            in_time = opens_after is not None and not nudged[opens_after]
            assert nudged[-1] is not in_time

    asyncio.run(go())


def test_the_recipe_keeps_its_contract() -> None:
    assert_recipe(document)
