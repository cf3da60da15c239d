"""Processes on smart items start by themselves: one class serves all smart types, and a trigger names one of them."""

from __future__ import annotations

import pytest

from bizproc import crm, on, process
from bizproc.core.errors import ProcessDefinitionError
from bizproc.model import SmartItem
from bizproc.testing import World
from tests.engine.ways import every_way


@process("tests.box", starts=on.created("box") | on.changed("box", "title"), overlap="parallel")
async def boxed(item: SmartItem) -> str:
    await crm.item("box").update({"comments": f"was {item.title}"})
    return item.title


@every_way
async def test_an_item_of_the_type_starts_it_and_of_another_does_not(world: World) -> object:
    world.use(boxed)
    for code in ("box", "lid"):
        await world.perform(crm.smart_type.create(code=code, title=code))
        item = await world.perform(crm.item(code).create(title="Tea"))
        await world.perform(crm.item(code, item.id).update({"title": "Coffee"}))
    run = [await world.instance(each.id).result() for each in await world.instances(process="tests.box")]
    assert run == ["Tea", "Coffee"]
    return run


@pytest.mark.parametrize("kind", ["deal", "comment", "smart_item"])
async def test_a_kind_that_is_no_smart_types_does_not_start_it(kind: str) -> None:
    @process("tests.wrong", starts=on.created(kind))
    async def wrong(item: SmartItem) -> None: ...

    async with World.open() as world:
        with pytest.raises(ProcessDefinitionError, match="its trigger tells of the kind"):
            world.use(wrong)
