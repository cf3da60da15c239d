"""`start_each`: a process on each of the items that there are; stopped and called again it goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from bizproc import F, crm, process, wait
from bizproc.engines.embedded import backfill
from bizproc.engines.embedded.backfill import Backfill, Names, Pace
from bizproc.errors import WrongArgument, WrongFieldValue
from bizproc.model import Comment, Deal
from bizproc.runtime import Runtime


@process("each.greet")
async def greet(deal: Deal, *, word: str = "hello") -> str:
    comment = await crm.deal.add_comment(word)
    return comment.text


@process("each.hold")
async def hold(deal: Deal) -> None:
    await wait.for_signal("go", timeout=timedelta(days=1))


@process("each.breed")
async def breed(deal: Deal) -> None:
    await crm.deal.create(title="another")


@process("each.alone")
async def alone() -> None:
    """Runs on no document."""


PROCESSES = (greet, hold, breed)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crm.db'}"


@asynccontextmanager
async def with_deals(url: str) -> AsyncIterator[Runtime]:
    """A runtime on 120 deals."""
    async with Runtime.open(url, processes=PROCESSES) as runtime:
        await make(runtime, 120)
        yield runtime


async def make(runtime: Runtime, count: int) -> None:
    await asyncio.gather(*(runtime.perform(crm.deal.create(title=f"{number}")) for number in range(count)))


async def greeted(runtime: Runtime) -> list[int]:
    await runtime.settled()
    return sorted(comment.owner_id for comment in await runtime.find(Comment))


async def test_each_item_gets_one(url: str) -> None:
    async with with_deals(url) as runtime:
        done = await runtime.start_each(greet, word="good day")
        assert (done.started, done.already, done.refused) == (120, 0, 0)
        assert await greeted(runtime) == list(range(1, 121))
        assert {comment.text for comment in await runtime.find(Comment)} == {"good day"}


async def test_called_again_it_starts_none(url: str) -> None:
    async with with_deals(url) as runtime:
        await runtime.start_each(greet)
        await make(runtime, 1)
        done = await runtime.start_each(greet)
        assert (done.started, done.already) == (1, 120)
        assert await greeted(runtime) == list(range(1, 122))


async def test_with_other_parameters_it_is_another_one(url: str) -> None:
    async with with_deals(url) as runtime:
        await runtime.start_each(greet, word="a")
        assert (await runtime.start_each(greet, word="b")).started == 120


async def test_only_on_those_that_fit(url: str) -> None:
    async with with_deals(url) as runtime:
        odd = F.title.is_in([str(number) for number in range(1, 120, 2)])
        done = await runtime.start_each(greet, odd)
        assert (done.started, done.already) == (60, 0)
        again = await runtime.start_each(greet, odd)
        assert (again.started, again.already) == (0, 60)
        await runtime.settled()  # one at a time on a document
        assert (await runtime.start_each(greet, odd & (F.id > 100))).started == 10, "another filter is another backfill"
        await runtime.settled()
        assert await runtime.find(Comment, (F.owner_id <= 100) & F.text.equals_text("HELLO"), limit=1)
        assert (await runtime.start_each(greet, F.created_at.before_today())).started == 0
        with pytest.raises(WrongFieldValue):
            await runtime.start_each(greet, F.amount > "much")


async def test_stopped_anywhere_it_goes_on_where_it_was(url: str) -> None:
    async with Runtime.open(url, processes=PROCESSES) as runtime:
        await make(runtime, 120)

        def stop(so_far: Backfill) -> None:
            if so_far.started >= 50:
                running.cancel()

        running = asyncio.create_task(runtime.start_each(greet, progress=stop))
        with suppress(asyncio.CancelledError):
            await running
        assert running.cancelled()
    async with Runtime.open(url, processes=PROCESSES) as runtime:
        done = await runtime.start_each(greet)
        assert done.started + done.already == 120
        assert 50 <= done.already < 120
        assert await greeted(runtime) == list(range(1, 121))


async def test_refused_ones_are_counted_and_the_others_started(url: str) -> None:
    async with with_deals(url) as runtime:
        for id in (3, 90):
            await runtime.start(hold(await runtime.get(Deal, id)), id=f"by-hand-{id}")
        done = await runtime.start_each(hold)
        assert (done.started, done.refused) == (118, 2)
        assert [refusal.existing for refusal in done.refusals] == ["by-hand-3", "by-hand-90"]


async def test_items_that_are_made_meanwhile_are_not_among_them(url: str) -> None:
    async with with_deals(url) as runtime:
        assert (await runtime.start_each(breed)).started == 120
        await runtime.settled()
        assert len(await runtime.find(Deal)) == 240


async def test_progress_goes_to_the_last_item(url: str) -> None:
    async with with_deals(url) as runtime:
        told: list[tuple[int, int, int]] = []
        await runtime.start_each(greet, progress=lambda far: told.append((far.started, far.last, far.highest)))
        assert told == sorted(told)
        assert told[-1] == (120, 120, 120)
        assert len(told) >= 3


async def test_gone_on_with_progress_is_told_of_what_was_started_before(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfill, "PAGE", 40)
    async with with_deals(url) as runtime:
        await runtime.start_each(greet)
        told: list[tuple[int, int]] = []
        await runtime.start_each(greet, progress=lambda far: told.append((far.already, far.last)))
        assert told[:3] == [(40, 40), (80, 80), (120, 120)]


async def test_without_items_nothing_is_started(url: str) -> None:
    async with Runtime.open(url, processes=PROCESSES) as runtime:
        assert (await runtime.start_each(greet)).started == 0


async def test_ids_with_gaps_and_several_pages(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backfill, "PAGE", 7)
    async with Runtime.open(url, processes=PROCESSES) as runtime:
        await make(runtime, 40)
        gone = "1, 7, 8, 20, 21, 22, 23, 24, 25, 26, 27, 40"
        await runtime.engine.write(lambda tx: tx.execute(f"DELETE FROM deal WHERE id IN ({gone})"))
        assert (await runtime.start_each(greet)).started == 28


async def test_a_guest_has_them_started_by_the_owner(url: str) -> None:
    async with with_deals(url) as runtime:
        async with Runtime.attach(url) as guest:
            done = await guest.start_each(greet)
        assert done.started == 120
        assert await greeted(runtime) == list(range(1, 121))


async def test_what_cannot_be_started_is_refused_before_anything_is(url: str) -> None:
    async with with_deals(url) as runtime:
        with pytest.raises(WrongArgument, match="a process that runs on a document"):
            await runtime.start_each(alone)
        with pytest.raises(WrongArgument, match="parameter word: expected str, got 3"):
            await runtime.start_each(greet, word=3)
        with pytest.raises(WrongArgument, match="parameter wrod"):
            await runtime.start_each(greet, wrod="x")
        for wrong in (0, -1, float("nan")):
            with pytest.raises(WrongArgument, match="more than 0"):
                await runtime.start_each(greet, limit_per_second=wrong)
        assert await runtime.instances() == []


async def test_a_limit_starts_them_in_small_waves(url: str) -> None:
    async with with_deals(url) as runtime:
        told: list[int] = []
        await runtime.start_each(greet, limit_per_second=10_000, progress=lambda far: told.append(far.started))
        assert told[-1] == 120


# -- names and pace ----------------------------------------------------------------------------------------------------


def test_a_pace_lets_so_many_through_a_second() -> None:
    pace = Pace(10)
    now, started = 100.0, 0
    while started < 100:
        now += pace.delay(pace.wave, now)
        started += pace.wave
    assert now == pytest.approx(109.0)


def test_a_pace_that_was_held_up_does_not_make_up_for_it() -> None:
    pace = Pace(10)
    assert pace.delay(10, 100.0) == 0
    assert pace.delay(10, 500.0) == 0
    assert pace.delay(10, 500.0) == pytest.approx(1.0)


@pytest.mark.parametrize("limit", [float("inf"), 1e308])
def test_a_pace_beyond_all_numbers_is_none(limit: float) -> None:
    pace = Pace(limit)
    assert pace.wave == Pace(None).wave
    assert [pace.delay(pace.wave, 5.0), pace.delay(pace.wave, 5.0)] == [0.0, 0.0]


def test_a_slow_pace_starts_one_at_a_time() -> None:
    pace = Pace(0.5)
    assert pace.wave == 1
    assert [pace.delay(1, 0.0), pace.delay(1, 0.0)] == [0.0, pytest.approx(2.0)]


def test_names_differ_by_filter_parameters_and_item_and_can_always_be_ids() -> None:
    deals = [Deal(id=1), Deal(id=2)]
    made = {
        Names(greet, where, parameters).of(deal) for where in ("", "x") for parameters in ("{}", "[]") for deal in deals
    }
    assert len(made) == 8
    long = process("x/" * 300)(greet.function)
    name = Names(long, "", "{}").of(deals[0])
    assert len(name) <= 200
    assert "/" not in name
