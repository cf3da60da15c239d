"""Inspection: reading changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bizproc import action, crm, gather, note, process, wait
from bizproc.model import Comment, Deal
from bizproc.runtime import Instance
from bizproc.testing import World
from bizproc.testing.world import RunningInstance
from tests.engine.ways import Way, every_way

DAY = timedelta(days=1)


def _everything(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables.fetchall()}


@every_way
async def test_reading_leaves_the_journal_as_it_is_byte_for_byte(world: World, way: Way) -> object:
    """Scenario 26, status, journal, instances and the CRM's reads."""
    ran = []

    @action("one")
    async def one() -> int:
        ran.append(1)
        return 1

    @process("watched")
    async def watched(deal: Deal) -> int:
        await one()
        await crm.deal.add_comment("seen")
        await note("seen", deal=deal.id)
        await gather(wait.sleep(DAY), wait.for_signal("n", timeout=2 * DAY), wait.until_stage("EXECUTING"))
        return 1

    deal = await world.deal()
    run = await world.start(watched(deal), id="w")
    await run.signal("other", 1)
    before, bodies, commits = await world.runtime.read(_everything), len(ran), world.commits.count
    for _ in range(3):
        status = await run.status()
        await run.journal()
        await world.instances()
        await world.instances(process="watched", status="waiting", document=deal, limit=1)
        await world.instance("w").status()
        await world.find(Comment, of=deal)
        await world.get(Deal, deal.id)
    assert await world.runtime.read(_everything) == before
    assert (len(ran), world.commits.count) == (bodies, commits)
    assert status.state == "waiting"
    assert status.until is not None
    for part in ("sleep", "signal n", "stage"):
        assert part in str(status.waits_for), status.waits_for
    await world.crash()
    journal = {name: rows for name, rows in (await world.runtime.read(_everything)).items() if name == "journal"}
    assert journal["journal"] == before["journal"]
    return [status.waits_for, [(step.address, step.event) for step in await run.journal()]]


@every_way
async def test_the_journal_shows_open_waits_with_deadlines_and_ended_ones_with_values(world: World) -> object:
    @process("shown")
    async def shown() -> None:
        await wait.for_signal("n", timeout=DAY)
        await wait.sleep(DAY)

    run = await world.start(shown())
    await run.signal("n", 7)
    ended, still_open = await run.journal()
    assert (ended.event, ended.name, ended.value["value"], ended.deadline) == (
        "returned",
        "n",
        7,
        world.clock.now() + DAY,
    )
    assert (still_open.event, still_open.deadline) == ("began", world.clock.now() + DAY)
    return [ended.address, still_open.address]


def test_the_handle_of_a_world_answers_all_that_an_instance_answers_after_a_crash_too() -> None:
    asked = {name for name, found in vars(Instance).items() if callable(found) and not name.startswith("_")}
    assert asked >= {"status", "journal", "recording", "retrying"}
    assert asked <= vars(RunningInstance).keys()
