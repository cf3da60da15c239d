"""`sales.audience_sync`: who fits is in, who is excluded is not, and who no longer fits leaves."""

from __future__ import annotations

from json import loads
from typing import Any

from bizproc import F, crm
from bizproc.model import Contact
from bizproc.testing import World, crash_at_every_await
from bizproc_sales.audience_sync import audience_sync

NEWSLETTER = F.custom.newsletter == True  # noqa: E712  a filter
SYNC = audience_sync(people=NEWSLETTER, facebook="12", google="34", days=7)


async def fields(world: World) -> None:
    await world.perform(crm.contact.add_field("newsletter", type="truth", label="Newsletter"))
    await world.perform(crm.contact.add_field("in_audience_until", type="day", label="In audiences until"))


async def reader(world: World, name: str, **said: Any) -> Contact:
    return await world.contact(
        **{"name": name, "emails": [f"{name}@tea.example"], "custom": {"newsletter": True}, **said}
    )


async def progress(world: World, run: str) -> list[Any]:
    return [loads(facts) for _, _, facts in await world.instance(run).notes()]


async def test_those_who_fit_are_put_into_both_audiences_at_night(world: World) -> None:
    world.use(SYNC)
    await fields(world)
    await reader(world, "ann")
    await reader(world, "bob", custom={"newsletter": False})
    assert world.ads.audiences == {}
    await world.advance(days=1)
    assert world.ads.audiences == {"12": {"ann@tea.example"}, "34": {"ann@tea.example"}}


async def test_the_excluded_are_not_put_in(world: World) -> None:
    world.use(SYNC)
    await fields(world)
    await reader(world, "ann", phones=["+33 1 44 55 66 77"])
    await reader(world, "bob")
    await world.perform(crm.exclusion.create(type="PHONE", value="+33144556677"))
    await world.advance(days=1)
    assert world.ads.audiences["12"] == {"bob@tea.example"}


async def test_who_is_in_is_not_put_in_again_and_who_no_longer_fits_leaves(world: World) -> None:
    world.use(SYNC)
    await fields(world)
    ann = await reader(world, "ann")
    await reader(world, "bob")
    await world.advance(days=1)
    sent = len(world.ads.sent)
    await world.advance(days=5)
    assert len(world.ads.sent) == sent
    await world.perform(crm.contact(ann).update({"custom": {"newsletter": False}}))
    await world.advance(days=3)
    assert world.ads.audiences["12"] == {"bob@tea.example"}


async def test_somebody_without_an_address_does_not_keep_out_the_others(world: World) -> None:
    world.use(SYNC)
    await fields(world)
    await reader(world, "ann", emails=[])
    await reader(world, "bob")
    await world.advance(days=1)
    assert world.ads.audiences["12"] == {"bob@tea.example"}
    (run,) = await world.instances()
    assert await world.instance(run.id).result() == 1
    assert await progress(world, run.id) == [{"done": 1, "looked_at": 2, "of": 2}]


async def test_every_hundred_it_says_how_far_it_is(world: World) -> None:
    world.use(audience_sync(people=F.name != "", facebook="12"))
    await fields(world)
    for number in range(120):
        await world.contact(emails=[f"{number}@tea.example"])
    await world.advance(days=1)
    (run,) = await world.instances()
    assert [said["done"] for said in await progress(world, run.id)] == [100, 120]


async def test_a_crash_changes_nothing() -> None:
    async def story(world: World) -> Any:
        await fields(world)
        await reader(world, "ann")
        await reader(world, "bob")
        await world.advance(days=2)
        return world.ads.audiences

    assert await crash_at_every_await(story, processes=[SYNC]) > 10
