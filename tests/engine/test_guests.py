"""Guests beside the owner: they read, post, and hear of the answer; without an owner what is posted waits."""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bizproc import crm, process, wait
from bizproc.errors import (
    InstanceNotFound,
    NotResumable,
    ProductNotFound,
    StartConflict,
    StoreMissing,
    Unanswered,
    UnknownProcess,
)
from bizproc.model import Comment, Deal
from bizproc.runtime import Runtime, Since
from bizproc.store.owner import lock_file


@process("tests.greet")
async def greet(deal: Deal, *, word: str = "hello") -> str:
    """Greet, wait for an answer, and say it."""
    await crm.deal.add_comment(word)
    answer = await wait.for_signal("answer", timeout=timedelta(days=1))
    return f"{answer.value}"


@process("tests.unknown")
async def unknown() -> None:
    """Not loaded by the owner."""


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crm.db'}"


async def test_a_guest_does_everything_through_the_owner(url: str) -> None:
    async with Runtime.open(url, processes=[greet]) as owner, Runtime.attach(url) as guest:
        deal = await guest.perform(crm.deal.create(title="Tea"))
        assert await owner.get(Deal, deal.id) == deal
        run = await guest.start(greet(deal, word="hi"), id="one")
        assert (await guest.start(greet(deal, word="hi"), id="one")).id == "one"
        await run.signal("answer", "well")
        assert await run.result(timeout=timedelta(seconds=10)) == "well"
        assert [comment.text for comment in await guest.find(Comment, of=deal)] == ["hi"]

        other = await guest.start(greet(deal), id="two")
        await other.cancel()
        third = await guest.start(greet(await guest.perform(crm.deal.create(title="More"))), id="three")
        await third.terminate("enough")
        for handle, state in ((other, "cancelled"), (third, "terminated")):
            async with asyncio.timeout(10):
                while (await handle.status()).state != state:
                    await asyncio.sleep(0.01)


async def test_errors_come_back_to_the_guest(url: str) -> None:
    async with Runtime.open(url, processes=[greet]), Runtime.attach(url) as guest:
        deal = await guest.perform(crm.deal.create(title="Tea"))
        await guest.start(greet(deal), id="one")
        with pytest.raises(StartConflict):
            await guest.start(greet(deal, word="other"), id="one")
        with pytest.raises(ProductNotFound):
            await guest.perform(crm.deal(deal).add_product(99))
        with pytest.raises(UnknownProcess):
            await guest.start(unknown())
        with pytest.raises(InstanceNotFound):
            await guest.instance("nobody").signal("answer")
        with pytest.raises(NotResumable):
            await guest.instance("one").retry()


async def test_without_an_owner_what_is_posted_waits(url: str) -> None:
    async with Runtime.open(url, processes=[greet]) as owner:
        deal = await owner.perform(crm.deal.create(title="Tea"))
        await owner.start(greet(deal), id="one")
    async with Runtime.attach(url) as guest:
        await guest.instance("one").signal("answer", "late")
        assert (await guest.instance("one").status()).state == "waiting"
    async with Runtime.open(url, processes=[greet]) as owner:
        assert await owner.instance("one").result(timeout=timedelta(seconds=10)) == "late"


async def test_a_guest_needs_a_store(url: str) -> None:
    with pytest.raises(StoreMissing, match="there is no store at "):
        async with Runtime.attach(url):
            pass


async def test_a_guest_runs_nothing(url: str) -> None:
    async with Runtime.open(url), Runtime.attach(url) as guest:
        with pytest.raises(TypeError, match="runs nothing"):
            guest.engine  # noqa: B018


# -- patience ----------------------------------------------------------------------------------------------------------


async def left(url: str) -> None:
    """A store with one that waits, and nobody who owns it."""
    async with Runtime.open(url, processes=[greet]) as owner:
        deal = await owner.perform(crm.deal.create(title="Tea"))
        await owner.start(greet(deal), id="one")
        await owner.settled()


async def test_a_guest_with_patience_does_not_wait_for_an_owner_that_is_not_there(url: str) -> None:
    await left(url)
    async with Runtime.attach(url, patience=timedelta(hours=1)) as guest:
        assert await guest.owner() is None
        await guest.instance("one").signal("answer", "late")
        with pytest.raises(Unanswered, match="nobody runs this store now") as error:
            await guest.heard()
        assert error.value.owner is None
        with pytest.raises(Unanswered):
            await guest.perform(crm.deal.create(title="Later"))
    async with Runtime.open(url, processes=[greet]) as owner:
        assert await owner.instance("one").result(timeout=timedelta(seconds=10)) == "late"
        async with asyncio.timeout(10):
            while len(await owner.find(Deal)) != 2:
                await asyncio.sleep(0.01)


async def test_a_guest_hears_when_what_it_posted_is_done(url: str) -> None:
    async with (
        Runtime.open(url, processes=[greet]) as owner,
        Runtime.attach(url, patience=timedelta(minutes=1)) as guest,
    ):
        assert await guest.owner() == os.getpid()
        deal = await owner.perform(crm.deal.create(title="Tea"))
        await owner.start(greet(deal), id="one")
        await guest.instance("one").terminate("enough")
        await guest.heard()
        assert (await owner.instance("one").status()).state == "terminated"
        await owner.heard()


async def test_nobody_owns_a_store_whose_owner_has_stopped(url: str, tmp_path: Path) -> None:
    async with Runtime.open(url), Runtime.attach(url) as guest:
        long_ago = time.time() - 60
        os.utime(lock_file(tmp_path / "crm.db"), (long_ago, long_ago))
        assert await guest.owner() is None


async def test_a_retry_of_nobody_is_refused_before_it_is_posted(url: str) -> None:
    await left(url)
    async with Runtime.attach(url) as guest:
        with pytest.raises(InstanceNotFound):
            await guest.instance("nobody").retry()
        with pytest.raises(InstanceNotFound):
            await guest.instance("nobody").skip_wait()


# -- what is told of a store -------------------------------------------------------------------------------------------


async def test_the_news_are_what_began_and_ended_since(url: str) -> None:
    since = Since(ended_at=datetime.now(UTC))
    async with Runtime.open(url, processes=[greet]) as runtime:
        news = await runtime.news(since)
        assert (news.began, news.ended, news.stuck) == ([], [], [])
        deals = [await runtime.perform(crm.deal.create(title="Tea")) for _ in range(3)]
        for deal in deals:
            await runtime.start(greet(deal), id=f"run-{deal.id}")
        news = await runtime.news(news.until)
        assert [each.id for each in news.began] == ["run-1", "run-2", "run-3"]
        await runtime.instance("run-2").terminate("enough")
        await runtime.instance("run-1").signal("answer", 1)
        await runtime.settled()
        news = await runtime.news(news.until)
        assert [(each.id, each.state) for each in news.ended] == [("run-2", "terminated"), ("run-1", "completed")]
        assert (await runtime.news(news.until)).ended == []
        overview = await runtime.overview()
        assert dict(overview.states) == {"completed": 1, "terminated": 1, "waiting": 1}
        assert overview.next_due is not None


async def test_one_that_got_stuck_is_told_of_once(url: str) -> None:
    await left(url)
    async with Runtime.open(url) as runtime:
        await runtime.instance("one").signal("answer", 1)
        await runtime.settled()
        news = await runtime.news(Since(ended_at=datetime.now(UTC)))
        assert [each.id for each in news.stuck] == ["one"]
        assert (await runtime.news(news.until)).stuck == []
