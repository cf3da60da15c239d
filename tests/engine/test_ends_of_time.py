"""Waits that last longer than there is time: all of them last to its end, and none fails for it."""

from __future__ import annotations

from datetime import timedelta

from bizproc import crm, on, process, wait
from bizproc.core.commands import END_OF_TIME, later
from bizproc.model import Deal
from bizproc.testing import World
from tests.engine.ways import every_way


@process("tests.waits_long", overlap="parallel")
async def waits_long(deal: Deal, *, how: str, timeout: timedelta) -> str:
    match how:
        case "sleep":
            await wait.sleep(timeout)
        case "signal":
            await wait.for_signal("go", timeout=timeout)
        case "event":
            await wait.for_event(on.changed(deal), timeout=timeout)
        case "stage":
            await wait.until_stage("WON", timeout=timeout)
    return "over"


@every_way
async def test_a_wait_beyond_the_end_of_time_lasts_to_it(world: World) -> object:
    deal = await world.deal()
    runs = [
        await world.start(waits_long(deal, how=how, timeout=timedelta.max))
        for how in ("sleep", "signal", "event", "stage")
    ]
    assert [(await run.status()).until for run in runs] == [END_OF_TIME] * 4
    await world.crash()
    await runs[1].signal("go")
    await world.perform(crm.deal(deal).change_stage("WON"))
    assert [(await run.status()).state for run in runs] == ["waiting", "completed", "completed", "completed"]
    return await world.instances()


@every_way
async def test_a_wait_that_ends_before_all_time_is_over_at_once(world: World) -> object:
    deal = await world.deal()
    results = []
    for how in ("sleep", "signal", "event", "stage"):
        run = await world.start(waits_long(deal, how=how, timeout=timedelta.min))
        results.append(await run.result())
    assert results == ["over"] * 4
    return results


def test_later_never_leaves_the_calendar() -> None:
    first = END_OF_TIME.replace(year=1, month=1, day=1)
    assert later(END_OF_TIME, timedelta(days=1)) == later(first, timedelta.max) == END_OF_TIME
    assert later(first, timedelta(days=-1)) == first
    assert later(first, timedelta(days=1)) == first + timedelta(days=1)
