"""Guests beside the owner: they read, post, and hear of the answer; without an owner what is posted waits."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from bizproc import crm, process, wait
from bizproc.errors import InstanceNotFound, NotResumable, ProductNotFound, StartConflict, StoreError, UnknownProcess
from bizproc.model import Comment, Deal
from bizproc.runtime import Runtime


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
    with pytest.raises(StoreError, match="there is no store yet"):
        async with Runtime.attach(url):
            pass


async def test_a_guest_runs_nothing(url: str) -> None:
    async with Runtime.open(url), Runtime.attach(url) as guest:
        with pytest.raises(TypeError, match="runs nothing"):
            guest.engine  # noqa: B018
