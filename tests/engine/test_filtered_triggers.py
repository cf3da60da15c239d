"""Triggers that ask something of the item: filters of `F` start processes, on fields, links and edges."""

from __future__ import annotations

import pytest

from bizproc import F, crm, on, process, wait
from bizproc.core.errors import UnknownField, WrongFieldValue
from bizproc.model import Deal
from bizproc.testing import World
from tests.engine.ways import every_way

FRENCH_AND_BIG = (F.amount >= 100) & (F.company.country == "FR")


@process("big", starts=on.created("deal", where=F.amount >= 300) | on.became("deal", FRENCH_AND_BIG))
async def big(deal: Deal) -> str:
    await crm.deal.add_comment("big")
    return "seen"


async def started(world: World) -> list[str]:
    return [str(one.document) for one in await world.instances(process="big")]


@every_way
async def test_a_filter_narrows_what_starts_a_process(world: World) -> object:
    world.use(big)
    company = await world.company(country="FR")
    small = await world.deal(amount=50, company_id=company.id)
    large = await world.deal(amount=500)
    assert await started(world) == [f"deal:{large.id}"]
    await world.perform(crm.deal(small).update({"amount": 200}))
    assert await started(world) == [f"deal:{large.id}", f"deal:{small.id}"]
    await world.perform(crm.deal(small).update({"amount": 210}))  # it was true already
    return await started(world)


@process("awaits")
async def awaits(deal: Deal) -> str:
    happened = await wait.for_event(on.became("deal", F.title.contains("tea")))
    return happened.event.subject if happened.event is not None else "nothing"


@every_way
async def test_a_wait_may_ask_for_more_than_the_event(world: World) -> object:
    deal, other = await world.deal(title="Coffee"), await world.deal(title="Milk")
    run = await world.start(awaits(deal))
    await world.perform(crm.deal(other).update({"title": "Cocoa"}))
    await world.perform(crm.deal(other).update({"title": "Green TEA"}))
    assert await run.result() == f"deal:{other.id}"
    return await run.result()


def test_a_filter_that_says_nothing_about_the_kind_is_refused_where_it_is_typed() -> None:
    with pytest.raises(UnknownField):
        on.created("deal", where=F.birth_date.is_null())
    with pytest.raises(WrongFieldValue):
        on.became("deal", F.amount == "many")  # type: ignore[arg-type, unused-ignore]
