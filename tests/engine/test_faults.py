"""Processes with a deliberate fault are caught by crashing them at every commit, and the report says where."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from bizproc import crm, process, wait
from bizproc.model import Deal
from bizproc.testing import World, crash_at_every_await

COUNTED: list[str] = []
SENT: list[str] = []


@process("faults.counter")
async def counter(deal: Deal) -> int:
    """Changes a global, which a replay changes again."""
    COUNTED.append(deal.title)  # bizproc: ok (a fault on purpose)
    await wait.sleep(timedelta(hours=1))
    return len(COUNTED)


@process("faults.clock")
async def clock(deal: Deal) -> str:
    """Reads the clock itself, which says something else in a replay."""
    began = time.monotonic_ns()  # bizproc: ok (a fault on purpose)
    await wait.sleep(timedelta(hours=1))
    await crm.deal.add_comment(f"began at {began}")
    return "done"


@process("faults.effect")
async def effect(deal: Deal) -> str:
    """Does something outside without a step, and does it again in a replay."""
    SENT.append(f"letter about {deal.title}")  # bizproc: ok (a fault on purpose)
    await wait.sleep(timedelta(hours=1))
    return "sent"


async def counted(world: World) -> object:
    COUNTED.clear()
    run = await world.start(counter(await world.deal()))
    await world.advance(hours=2)
    return await run.result()


async def timed(world: World) -> object:
    run = await world.start(clock(await world.deal()))
    await world.advance(hours=2)
    return await run.result()


async def sent(world: World) -> object:
    SENT.clear()
    run = await world.start(effect(await world.deal()))
    await world.advance(hours=2)
    await run.result()
    return list(SENT)


async def test_a_global_counter_is_caught() -> None:
    with pytest.raises(AssertionError, match=r"just before commit 3 .*step 0 began sleep(.|\n)*\+returned: 2"):
        await crash_at_every_await(counted)


async def test_a_clock_read_is_caught_with_the_rows_that_differ() -> None:
    with pytest.raises(AssertionError, match=r"\+comment: .*began at"):
        await crash_at_every_await(timed)


async def test_an_effect_outside_any_step_is_caught() -> None:
    with pytest.raises(
        AssertionError, match=r"ends differently with a crash(.|\n)*'letter about A deal', 'letter about A deal'"
    ):
        await crash_at_every_await(sent)
