"""Scenario 29: schedules. Pause, runs missed while nobody was there, one instance a run, daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bizproc import now, on, process, this, wait
from bizproc.core.process import Process
from bizproc.runtime import Runtime
from bizproc.settings import Settings
from bizproc.testing import World
from bizproc.testing.clock import VirtualClock
from tests.engine.ways import every_way

PARIS = "Europe/Paris"


@process("tests.daily", starts=on.cron("0 9 * * *"))
async def daily() -> str:
    """Say when it ran."""
    return f"{await now():%d %H:%M}"


@process("tests.all", starts=on.cron("0 * * * *", missed="all"))
async def every_one() -> str:
    return this().id


@process("tests.none", starts=on.cron("0 * * * *", missed="none"))
async def none_of_them() -> str:
    return this().id


HOURS = [f"2030-01-{day:02}T{hour:02}:00Z" for day in range(7, 13) for hour in range(24)]


async def ids(world: World, process: Process[[], str]) -> list[str]:
    return [status.id.partition("@")[2] for status in await world.instances(process=process.name)]


@every_way
async def test_each_run_is_an_instance_that_is_named_after_its_moment(world: World) -> object:
    """The world begins on 7 January 2030, 9:00 UTC."""
    world.use(daily)
    await world.advance(days=2, hours=1)
    await world.crash()
    await world.advance(days=1)
    assert await ids(world, daily) == ["2030-01-08T09:00Z", "2030-01-09T09:00Z", "2030-01-10T09:00Z"]
    results = [await world.instance(f"tests.daily@{id}").result() for id in await ids(world, daily)]
    assert results == ["08 09:00", "09 09:00", "10 09:00"]
    return results


@every_way
async def test_a_paused_schedule_starts_nothing_and_makes_up_for_nothing(world: World) -> object:
    @process("tests.slow", starts=on.cron("0 9 * * *"))
    async def slow() -> str:
        await wait.sleep(timedelta(days=3))
        return "went on"

    world.use(slow)
    await world.advance(days=1)
    await world.pause(slow)
    await world.advance(days=1, hours=12)
    await world.crash()
    await world.advance(days=2)
    await world.resume(slow)
    await world.advance(days=1)
    assert await ids(world, slow) == ["2030-01-08T09:00Z", "2030-01-12T09:00Z"]
    assert await world.instance("tests.slow@2030-01-08T09:00Z").result() == "went on"
    return None


async def down_for(url: str, clock: VirtualClock, days: float, *processes: Process[[], str]) -> list[str]:
    """Run, be down for so long, and run again; the ids that there are then."""
    async with Runtime.open(url, processes=processes, clock=clock) as runtime:
        await runtime.settled()
    clock.move_to(clock.now() + timedelta(days=days))
    async with Runtime.open(url, processes=processes, clock=clock) as runtime:
        await runtime.settled()
        return [status.id.partition("@")[2] for status in await runtime.instances()]


@pytest.mark.parametrize(
    ("chosen", "found"),
    [
        (daily, ["2030-01-12T09:00Z"]),
        (none_of_them, []),
        (every_one, HOURS[10 : 5 * 24 + 22]),
    ],
)
async def test_what_was_missed_while_nobody_was_there_is_made_up_for_as_the_trigger_says(
    chosen: Process[[], str], found: list[str], tmp_path: Path
) -> None:
    url, clock = f"sqlite:///{tmp_path / 'crm.db'}", VirtualClock()
    assert await down_for(url, clock, 5.51, chosen) == found
    assert await down_for(url, clock, 0, chosen) == found


async def test_a_schedule_of_every_minute_that_was_down_for_years_makes_up_for_the_last_run_alone(
    tmp_path: Path,
) -> None:
    @process("tests.minutely", starts=on.cron("* 9-17 * * *"))
    async def minutely() -> str:
        return this().id

    url, clock = f"sqlite:///{tmp_path / 'crm.db'}", VirtualClock()
    assert await down_for(url, clock, 4000.01, minutely) == ["2040-12-20T09:14Z"]


async def test_runs_before_the_first_start_of_a_new_schedule_were_never_due(world: World) -> None:
    await world.advance(days=10)
    world.use(daily)
    await world.run_until_idle()
    assert await world.instances() == []


async def test_a_run_that_somebody_has_started_by_its_id_is_not_started_twice(world: World) -> None:
    world.use(daily)
    by_hand = await world.start(daily(), id="tests.daily@2030-01-08T09:00Z")
    await world.advance(days=1)
    assert [status.id for status in await world.instances()] == [by_hand.id]
    assert await world.refusals() == []


async def test_another_expression_is_another_schedule_and_the_old_one_is_forgotten(tmp_path: Path) -> None:
    @process("tests.daily", starts=on.cron("30 12 * * *"))
    async def at_noon() -> str:
        return this().id

    url, clock = f"sqlite:///{tmp_path / 'crm.db'}", VirtualClock()
    async with Runtime.open(url, processes=[daily], clock=clock):
        pass
    clock.move_to(clock.now() + timedelta(days=3))
    async with Runtime.open(url, processes=[at_noon], clock=clock) as runtime:
        await runtime.settled()
        assert await runtime.instances() == []
        rows = await runtime.read(lambda connection: connection.execute("SELECT * FROM timetable").fetchall())
        assert rows == [("tests.daily", "30 12 * * *", "UTC", "2030-01-10T12:30:00.000000Z")]


@pytest.mark.parametrize(
    ("begin", "expression", "found"),
    [
        # 29 March 2026: 2:30 does not exist in Paris. 25 October: it comes twice.
        (datetime(2026, 3, 28, tzinfo=UTC), "30 2 * * *", ["2026-03-28T01:30Z", "2026-03-29T01:00Z"]),
        (datetime(2026, 10, 24, tzinfo=UTC), "30 2 * * *", ["2026-10-24T00:30Z", "2026-10-25T00:30Z"]),
    ],
)
async def test_daylight_saving_neither_loses_nor_doubles_a_run(
    begin: datetime, expression: str, found: list[str]
) -> None:
    @process("tests.nightly", starts=on.cron(expression, tz=PARIS))
    async def nightly() -> str:
        return this().id

    async with World.open(nightly, clock=VirtualClock(begin)) as world:
        await world.advance(hours=12)
        await world.crash()
        await world.advance(hours=12)
        await world.advance(hours=23)
        assert await ids(world, nightly) == found


async def test_without_a_zone_the_portals_is_meant() -> None:
    async with World.open(daily, settings=Settings(time_zone=PARIS)) as world:
        await world.advance(days=1)
        assert await ids(world, daily) == ["2030-01-08T08:00Z"]


async def test_a_schedule_and_an_event_start_the_same_process(world: World) -> None:
    @process("tests.both", starts=on.cron("0 9 * * *") | on.signal("now"))
    async def both() -> str:
        return this().id

    world.use(both)
    await world.signal("now")
    await world.advance(days=1)
    assert len(await world.instances(process="tests.both")) == 2


async def test_a_process_that_is_started_by_hand_is_known_with_its_schedule(world: World) -> None:
    await world.start(daily())
    await world.advance(days=1)
    assert "tests.daily@2030-01-08T09:00Z" in [status.id for status in await world.instances()]
