"""Waits that nobody waits for any more: the journal says so, and never of one that is still open."""

from __future__ import annotations

from datetime import timedelta

from bizproc import Retry, action, crm, gather, on, process, race, wait
from bizproc.core.errors import ProductNotFound
from bizproc.model import Deal
from bizproc.testing import World

DAY = timedelta(days=1)


async def given_up(world: World, id: str = "w") -> dict[str, bool]:
    """Each wait that has not ended, and whether it is given up."""
    return {step.address: step.given_up for step in await world.instance(id).journal() if step.event == "began"}


async def test_the_waits_of_a_race_are_open_until_one_wins_and_then_the_others_are_given_up(world: World) -> None:
    @process("raced")
    async def raced(deal: Deal) -> None:
        await race(
            wait.for_event(on.changed(deal)),
            wait.for_signal("yes"),
            wait.for_signal("no", timeout=9 * DAY),
            wait.sleep(8 * DAY),
            gather(wait.sleep(7 * DAY), wait.for_signal("inner")),
        )
        await wait.for_signal("after")

    deal = await world.deal()
    run = await world.start(raced(deal), id="w")
    before = await given_up(world)
    assert len(before) == 6
    assert not any(before.values())
    await world.crash()
    assert await given_up(world) == before
    await run.signal("yes")
    after = await given_up(world)
    assert after == {address: True for address in before if address != "0.1.0"} | {"1": False}


async def test_beside_a_step_that_is_tried_again_the_losers_are_given_up(world: World) -> None:
    @action("pay", retry=Retry(attempts=9))
    async def pay() -> None:
        raise OSError("not now")

    @process("raced")
    async def raced(deal: Deal) -> None:
        await race(wait.for_signal("yes"), wait.for_event(on.changed(deal)))
        await pay()

    run = await world.start(raced(await world.deal()), id="w")
    await run.signal("yes")
    assert await given_up(world) == {"0.1.0": True}


async def test_when_one_of_several_fails_the_others_are_given_up(world: World) -> None:
    @process("failing")
    async def failing(deal: Deal) -> None:
        try:
            await gather(wait.for_event(on.changed(deal)), crm.deal.add_product(99))
        except ProductNotFound:
            await wait.for_signal("after")

    await world.start(failing(await world.deal()), id="w")
    assert await given_up(world) == {"0.0.0": True, "1": False}


async def test_when_the_instance_ends_all_are_given_up(world: World) -> None:
    @process("ending")
    async def ending(deal: Deal) -> None:
        await wait.for_signal("never")

    run = await world.start(ending(await world.deal()), id="w")
    assert await given_up(world) == {"0": False}
    await run.terminate("enough")
    assert await given_up(world) == {"0": True}


async def test_a_wait_that_is_open_beside_others_that_ended_is_open(world: World) -> None:
    @process("both")
    async def both(deal: Deal) -> None:
        await gather(wait.for_signal("one"), wait.for_event(on.changed(deal)), wait.until_stage("WON"), wait.sleep(DAY))

    run = await world.start(both(await world.deal()), id="w")
    await run.signal("one")
    assert await given_up(world) == {"0.1.0": False, "0.2.0": False, "0.3.0": False}
    await world.advance(days=2)
    assert await given_up(world) == {"0.1.0": False, "0.2.0": False}
