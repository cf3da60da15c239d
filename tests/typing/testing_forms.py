"""What type checkers see of tests of automations. Nothing runs: checkers read this file."""

from __future__ import annotations

from typing import assert_type

import pytest

from bizproc import on, process
from bizproc.model import Deal, Invoice, Lead, Quote
from bizproc.testing import World


@process("typing.starts", starts=on.created("deal"))
async def starts(deal: Deal) -> int:
    return deal.id


@process("typing.too", starts=on.created("deal"))
async def starts_too(deal: Deal) -> int:
    return deal.id


@pytest.mark.processes([starts])
async def one_is_named_in_a_list(world: World) -> None:
    assert_type(await world.deal(), Deal)
    assert_type(await world.lead(), Lead)
    assert_type(await world.quote(), Quote)
    assert_type(await world.invoice(), Invoice)


@pytest.mark.processes([starts, starts_too])
async def several_are_named_in_a_list(world: World) -> None:
    run = await world.start(starts(await world.deal()))
    assert_type(await run.result(), int)


@pytest.mark.processes(starts, starts_too)
async def several_are_named_one_by_one(world: World) -> None:
    world.expect_failures()
