"""Retention: instances that ended long enough ago are removed with all their rows, while others run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bizproc import Runtime, action, continue_as_new, crm, note, process, start, wait
from bizproc.adapters.virtual_clock import VirtualClock
from bizproc.core.errors import InstanceNotFound, ProcessDefinitionError
from bizproc.engines.embedded import removal
from bizproc.model import Comment, Deal
from bizproc.settings import Settings
from bizproc.testing import World
from bizproc.testing.channels import FakeChannel
from tests.engine.test_outbox import Letter, SendLetter
from tests.engine.ways import every_way

DAY = timedelta(days=1)

OF_INSTANCES = ("journal", "instance_log", "signal", "arrival", "attempt", "timer", "subscription", "outbox")


def _rows(connection: Any) -> dict[str, int]:
    """How many rows there are of instances."""
    tables = ("instance", "removal", *OF_INSTANCES)
    return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


async def rows(world: World) -> dict[str, int]:
    """The tables that are not empty."""
    return {table: count for table, count in (await world.runtime.read(_rows)).items() if count}


async def ids(world: World) -> list[str]:
    return [status.id for status in await world.instances()]


@action("kept.count")
async def count(number: int) -> int:
    return number


@process("kept.short")
async def short(deal: Deal, *, steps: int = 3) -> int:
    for number in range(steps):
        await count(number)
    await note("done", deal=deal.id)
    await crm.deal.add_comment("done")
    return steps


@process("kept.waits", overlap="parallel")
async def waits(*, name: str = "go") -> str:
    answer = await wait.for_signal(name, str)
    await count(1)
    return str(answer.value)


@every_way
async def test_one_that_has_ended_is_removed_after_90_days_with_all_its_rows(world: World) -> object:
    deal = await world.deal()
    for number in range(3):
        await world.start(short(deal), id=f"short-{number}")
    run = await world.start(waits(), id="waits")
    await world.instance("short-0").signal("late", 1)
    await world.advance(days=89)
    assert await ids(world) == ["short-0", "short-1", "short-2", "waits"]
    await world.advance(days=2)
    assert await ids(world) == ["waits"]
    assert await rows(world) == {"instance": 1, "journal": 1, "subscription": 1}
    with pytest.raises(InstanceNotFound):
        await world.instance("short-0").status()
    await run.signal("go", "on")
    await world.advance(days=91)
    assert await rows(world) == {}
    return [comment.text for comment in await world.find(Comment, of=deal)]


async def test_what_was_failed_cancelled_or_terminated_goes_too_and_what_is_stuck_stays(world: World) -> None:
    @process("kept.fails")
    async def fails() -> None:
        raise ValueError

    @process("kept.waits", overlap="parallel")
    async def other(*, name: str = "go") -> str:
        await count(int(name == "go"))
        return ""

    await world.start(fails(), id="failed")
    for id in ("cancelled", "terminated", "stuck"):
        await world.start(waits(), id=id)
    await world.instance("cancelled").cancel()
    await world.instance("terminated").terminate("no more")
    await world.run_until_idle()
    world.use(other)
    await world.crash()
    await world.instance("stuck").signal("go", "on")
    await world.run_until_idle()
    assert (await world.instance("stuck").status()).state == "stuck"
    await world.advance(days=100)
    assert await ids(world) == ["stuck"]
    world.use(waits)
    await world.instance("stuck").retry()
    assert await world.instance("stuck").result() == "on"


async def test_a_process_says_how_long_its_instances_are_kept(world: World) -> None:
    @process("kept.day", retention=DAY)
    async def day() -> None:
        """Kept for a day."""

    @process("kept.year", retention=365 * DAY)
    async def year() -> None:
        """Kept for a year."""

    @process("kept.versions", retention=DAY)
    async def first() -> None:
        """Kept as the newest version says."""

    @process("kept.versions", version=2)
    async def second() -> None:
        """Kept as the settings say."""

    world.use(second)
    for call, id in ((day(), "day"), (year(), "year"), (first(), "first")):
        await world.start(call, id=id)
    await world.advance(days=2)
    assert await ids(world) == ["year", "first"]
    await world.advance(days=90)
    assert await ids(world) == ["year"]
    await world.advance(days=3000)
    assert await ids(world) == []


async def test_settings_say_it_for_all_others() -> None:
    async with World.open(settings=Settings(retention_days=7)) as world:
        await world.start(short(await world.deal()), id="short")
        await world.advance(days=6)
        assert await ids(world) == ["short"]
        await world.advance(days=2)
        assert await ids(world) == []


async def test_the_name_of_one_that_was_removed_is_free_again(world: World) -> None:
    deal = await world.deal()
    await world.start(short(deal), id="short")
    await world.advance(days=91)
    await world.start(short(deal, steps=1), id="short")
    assert await world.instance("short").result() == 1


@every_way
async def test_a_child_is_kept_as_long_as_its_parent(world: World) -> object:
    @process("kept.child", retention=DAY)
    async def child() -> int:
        return 7

    @process("kept.parent")
    async def parent() -> int:
        started = await start(child())
        await wait.sleep(30 * DAY)
        return await started

    @process("kept.detaching")
    async def detaching() -> None:
        _ = await start(child(), detached=True)
        await wait.sleep(30 * DAY)

    run = await world.start(parent(), id="parent")
    await world.start(detaching(), id="detaching")
    await world.advance(days=29)
    assert await ids(world) == ["parent", "parent/0", "detaching"]
    await world.advance(days=2)
    assert await run.result() == 7
    await world.advance(days=91)
    assert await rows(world) == {}
    return None


async def test_a_parent_that_has_begun_anew_needs_the_children_of_the_run_before_no_more(world: World) -> None:
    @process("kept.child", retention=DAY)
    async def child() -> int:
        return 7

    @process("kept.loop")
    async def loop(*, left: int = 3) -> None:
        await child()
        await wait.sleep(10 * DAY)
        if left:
            await continue_as_new(left=left - 1)

    await world.start(loop(), id="loop")
    await world.advance(days=25)
    assert await ids(world) == ["loop", "loop/2~0"]


async def test_one_whose_message_is_still_to_be_sent_is_kept() -> None:
    channel = FakeChannel("post")

    @process("kept.sends")
    async def sends() -> None:
        await SendLetter("post", Letter("a", "one"), waits_for_it=False)

    async with World.open(channels=[channel], settings=Settings(retention_days=1)) as world:
        channel.delay(again_after=timedelta(days=5).total_seconds())
        await world.start(sends(), id="sends")
        await world.perform(SendLetter("post", Letter("b", "by hand"), waits_for_it=False))
        await world.advance(days=3)
        assert await rows(world) == {"instance": 1, "journal": 1, "outbox": 1}
        await world.advance(days=10)
        assert len(channel.sent) == 2
        await world.start(waits(), id="other")
        await world.instance("other").terminate("x")
        await world.advance(days=3)
        assert await rows(world) == {}


# -- small batches -----------------------------------------------------------------------------------------------------


class Watching:
    """Notes how many rows each commit changes."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.before = 0
        self.changed: list[int] = []

    def before_commit(self) -> None:
        if self.connection is not None:
            self.changed.append(self.connection.total_changes - self.before)
            self.before = self.connection.total_changes

    def after_commit(self) -> None:
        """Nothing."""


async def test_no_transaction_removes_more_than_a_batch() -> None:
    watching = Watching()
    async with World.open(observer=watching) as world:
        deal = await world.deal()
        await world.start(short(deal, steps=2000), id="long")
        for number in range(250):
            await world.start(short(deal), id=f"short-{number}")
        watching.connection = world.runtime.database._connection
        watching.before = watching.connection.total_changes
        await world.advance(days=91)
        assert await rows(world) == {}
    assert sum(watching.changed) > 3500
    assert max(watching.changed) <= removal.BATCH + 2 * removal.LOOKED_AT


async def test_others_run_between_two_batches(world: World) -> None:
    deal = await world.deal()
    for number in range(300):
        await world.start(short(deal, steps=30), id=f"short-{number}")
    await world.start(waits(), id="waits")
    world.clock.move_to(world.clock.now() + 91 * DAY)
    meanwhile = 0
    while (left := await world.runtime.read(_rows))["instance"] > 1 or left["removal"]:
        await world.runtime.perform(crm.deal(deal).add_comment("meanwhile"))
        meanwhile += 1
        if meanwhile == 5:
            assert left["removal"] > 0
            await world.runtime.instance("waits").signal("go", "on")
            assert await world.runtime.instance("waits").result() == "on"
    assert meanwhile > 10
    await world.run_until_idle()
    assert await rows(world) == {"instance": 1, "journal": 3, "signal": 1}


async def test_nothing_is_looked_for_more_often_than_every_hour(world: World) -> None:
    deal = await world.deal()
    for number in range(60):
        await world.start(short(deal), id=f"short-{number}")
        await world.advance(minutes=1)
    begun = world.commits.count
    await world.advance(days=91)
    assert await ids(world) == []
    assert world.commits.count - begun < 30


# -- a real file -------------------------------------------------------------------------------------------------------

NOW = datetime(2031, 3, 3, 9, tzinfo=UTC)


async def test_the_file_shrinks(tmp_path: Path) -> None:
    store = tmp_path / "crm.db"

    @process("kept.large")
    async def large(*, number: int) -> str:
        await note("large", filler="x" * 4000, number=number)
        return "y" * 4000

    clock = VirtualClock(NOW)
    async with Runtime.open(f"sqlite:///{store}", clock=clock) as runtime:
        for number in range(500):
            await runtime.start(large(number=number), id=f"large-{number}")
        kept = await runtime.start(waits(), id="waits")
        await runtime.settled()
    full = store.stat().st_size
    assert full > 4_000_000
    async with Runtime.open(f"sqlite:///{store}", processes=[waits], clock=VirtualClock(NOW + 91 * DAY)) as runtime:
        await runtime.engine.removal.finished()
        assert [status.id for status in await runtime.instances()] == ["waits"]
        kept = runtime.instance("waits")
        await kept.signal("go", "on")
        assert await kept.result() == "on"
    assert store.stat().st_size < full / 3


async def test_no_instance_gets_the_name_of_one_that_was_removed(world: World) -> None:
    """The keys of its steps begin with it: whoever is outside and remembers them would take a new mail for the old."""
    deal = await world.deal(title="Tea")
    first = await world.start(short(deal))
    await world.advance(days=91)
    assert await ids(world) == []
    second = await world.start(short(deal))
    assert second.id != first.id and await ids(world) == [second.id]


@pytest.mark.parametrize("bad", [timedelta(-1), 90])
def test_a_retention_that_is_none_is_refused(bad: Any) -> None:
    with pytest.raises(ProcessDefinitionError, match="retention: expected a timedelta that is not negative"):
        process("kept.bad", retention=bad)(_nothing)


async def _nothing() -> None:
    """Does nothing."""


async def test_one_for_ever_is_never_removed(world: World) -> None:
    @process("kept.ever", retention=timedelta.max)
    async def ever() -> None:
        """Kept for ever."""

    await world.start(ever(), id="ever")
    await world.advance(days=10_000)
    assert await ids(world) == ["ever"]
