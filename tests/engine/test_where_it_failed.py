"""An error of an instance says where in its process it was raised, whoever asks, and however much later."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bizproc import crm, process, wait
from bizproc.errors import InstanceFailed
from bizproc.model import Deal
from bizproc.runtime import Runtime
from bizproc.testing import World


def price_of(prices: dict[str, int], title: str) -> int:
    return prices[title]


@process("where.prices")
async def prices(deal: Deal) -> None:
    await crm.deal.add_comment("Looking")
    await wait.sleep(timedelta(days=1))
    await crm.deal.update({"amount": price_of({"Tea": 1}, deal.title)})


def told_by(error: BaseException) -> str:
    return "\n".join(getattr(error, "__notes__", ()))


async def test_the_error_of_a_result_shows_the_lines_of_the_process_and_none_of_ours(world: World) -> None:
    run = await world.start(prices(await world.deal(title="Coffee")), id="it")
    await world.advance(days=1)
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    told = told_by(failed.value)
    assert told.startswith("where it failed:\nTraceback (most recent call last):\n")
    assert 'await crm.deal.update({"amount": price_of({"Tea": 1}, deal.title)})' in told
    assert "return prices[title]" in told
    assert told.endswith("KeyError: 'Coffee'")
    assert "bizproc/core" not in told and "bizproc/engines" not in told


async def test_whoever_asks_later_from_another_program_sees_them_too(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/crm.db"
    async with Runtime.open(store, processes=[prices]) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Coffee"))
        instance = await runtime.start(prices(deal), id="it")
        await runtime.settled()
        await instance.skip_wait()
        with pytest.raises(InstanceFailed):
            await instance.result()
    async with Runtime.attach(store) as guest:
        with pytest.raises(InstanceFailed) as failed:
            await guest.instance("it").result()
    assert "return prices[title]" in told_by(failed.value)


async def test_asking_twice_says_it_once(world: World) -> None:
    run = await world.start(prices(await world.deal(title="Coffee")), id="it")
    await world.advance(days=1)
    for _ in range(2):
        with pytest.raises(InstanceFailed) as failed:
            await run.result()
    assert told_by(failed.value).count("return prices[title]") == 1
