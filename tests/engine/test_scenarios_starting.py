"""Starting: idempotent by id, alone on its document where the process says so."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bizproc import crm, process, this, wait
from bizproc.core.errors import InstanceNotFound, NotJournallable, StartConflict, StartRefused, WrongArgument
from bizproc.model import Deal
from bizproc.testing import World
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@process("priced")
async def priced(deal: Deal, *, discount: Decimal = Decimal(5)) -> str:
    await wait.sleep(DAY)
    return f"{deal.title} {discount}"


@process("other")
async def other(deal: Deal, *, discount: Decimal = Decimal(5)) -> None:
    await wait.sleep(DAY)


@process("beside", overlap="parallel")
async def beside(deal: Deal) -> None:
    await wait.sleep(DAY)


@process("free")
async def free(*, value: Any = None) -> str:
    await wait.sleep(DAY)
    return this().id


@every_way
async def test_the_same_id_twice_is_the_same_instance(world: World) -> object:
    """Scenario 20, the same call."""
    deal = await world.deal(title="Tea")
    first = await world.start(priced(deal, discount=Decimal("7.0")), id="tea")
    again = await world.start(priced(deal, discount=Decimal(7)), id="tea")
    await world.crash()
    await world.advance(days=1)
    late = await world.start(priced(deal, discount=Decimal(7)), id="tea")  # it has ended
    assert first.id == again.id == late.id == "tea"
    assert len(await world.instances()) == 1
    assert await late.result() == "Tea 7.0"
    return await late.result()


@every_way
async def test_the_same_id_with_another_call_is_a_conflict(world: World) -> object:
    """Scenario 20, other arguments."""
    deal = await world.deal()
    await world.start(priced(deal), id="tea")
    await world.crash()
    told = []
    for call in (priced(deal, discount=Decimal(6)), other(deal), priced(await world.deal())):
        with pytest.raises(StartConflict) as raised:
            await world.start(call, id="tea")
        told.append(raised.value.instance)
    assert told == ["tea"] * 3
    assert len(await world.instances()) == 1
    return told


@every_way
async def test_a_process_that_is_single_has_one_live_instance_on_a_document(world: World) -> object:
    """Section 2, start."""
    deal = await world.deal()
    run = await world.start(priced(deal))
    with pytest.raises(StartRefused) as refused:
        await world.start(priced(deal))
    assert refused.value.existing == run.id
    await world.start(other(deal))
    await world.start(priced(await world.deal()))
    await world.start(beside(deal))
    await world.start(beside(deal))
    await world.advance(days=1)
    await world.start(priced(deal))
    return sorted((status.process, status.state) for status in await world.instances())


@every_way
async def test_the_process_gets_the_item_as_it_was_at_the_start_and_read_gives_it_as_it_is(world: World) -> object:
    """Section 2, document."""

    @process("snapshot")
    async def snapshot(deal: Deal) -> list[str]:
        await wait.sleep(DAY)
        return [deal.title, (await crm.deal.read()).title]

    deal = await world.deal(title="Tea")
    run = await world.start(snapshot(deal))
    await world.perform(crm.deal(deal).update({"title": "Coffee"}))
    await world.crash()
    await world.advance(days=1)
    assert await run.result() == ["Tea", "Coffee"]
    return await run.result()


@every_way
async def test_without_an_id_each_start_is_an_instance_of_its_own(world: World) -> object:
    runs = [await world.start(free(value=number)) for number in range(3)]
    await world.advance(days=1)
    ids = [run.id for run in runs]
    assert len(set(ids)) == 3
    assert [await run.result() for run in runs] == ids
    return ids


async def test_a_start_with_a_wrong_argument_or_one_that_cannot_be_written_starts_nothing(world: World) -> None:
    with pytest.raises(WrongArgument, match="discount"):
        _ = priced(await world.deal(), discount="7")  # type: ignore[arg-type]
    with pytest.raises(NotJournallable, match="value"):
        await world.start(free(value=object()))
    assert await world.instances() == []
    with pytest.raises(InstanceNotFound):
        await world.instance("nobody").result()
