"""The contract of recipes: those that keep it pass, and each way to break it is told."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from bizproc import Process, UserQueue, crm, process, recipe, wait
from bizproc.errors import WrongArgument
from bizproc.model import Company, Contact, Deal, Invoice, Lead, Quote, Users
from bizproc.testing import assert_recipe


@recipe("test.nudge", since="1.0")
def nudge(
    *, after: timedelta = timedelta(days=3), text: str = "Call", queue: UserQueue | None = None
) -> Process[..., Any]:
    """
    Say something of a deal after a while.

    Args:
        after: How long it waits, more than nothing.
        text: What is said.
        queue: Who gets the deal.
    """
    if after <= timedelta(0):
        raise WrongArgument(process="test.nudge", parameter="after", expected="more than nothing", got=repr(after))

    @process("test.nudge")
    async def run(deal: Deal) -> None:
        await wait.sleep(after)
        if queue is not None:
            await crm.deal.change_responsible(queue)
        await crm.deal.add_comment(text)

    return run


def test_a_recipe_that_keeps_the_contract_passes() -> None:
    assert_recipe(nudge)
    assert_recipe(nudge, text="Write", queue=UserQueue(3))


@recipe("test.hand_over", since="1.0")
def hand_over(*, to: Users | None = None) -> Process[..., Any]:
    """
    Give a deal to others.

    Args:
        to: Who gets it; nobody else if left out.
    """

    @process("test.hand_over")
    async def run(deal: Deal) -> None:
        if to is not None:
            await crm.deal.change_responsible(to)

    return run


def test_a_setting_can_name_users() -> None:
    assert_recipe(hand_over)


def impure(look: Callable[[], object]) -> Any:
    @recipe("test.impure", since="1.0")
    def made() -> Process[..., Any]:
        """Does something when it is built."""
        look()

        @process("test.impure")
        async def run(deal: Deal) -> None: ...

        return run

    return made


@pytest.mark.parametrize(
    ("look", "told"),
    [
        (time.time, "time"),
        (time.monotonic, "monotonic"),
        (lambda: datetime.now(UTC), "clock"),
        (lambda: os.environ.get("HOME"), "environment"),
        (lambda: os.getenv("HOME"), "environment"),
        (random.random, "random"),
        (uuid4, "urandom"),
        (lambda: Path(__file__).read_text("utf-8"), "outside"),
        (lambda: list(Path().iterdir()), "listdir"),
    ],
)
def test_building_does_nothing_but_compute(look: Callable[[], object], told: str) -> None:
    with pytest.raises(AssertionError, match=told):
        assert_recipe(impure(look))


def test_the_same_settings_give_the_same_process() -> None:
    counted: list[int] = []

    @recipe("test.counts", since="1.0")
    def counts() -> Process[..., Any]:
        """Is another each time."""
        counted.append(1)
        number = len(counted)

        @process("test.counts")
        async def run(deal: Deal) -> int:
            return number

        return run

    with pytest.raises(AssertionError, match="the variable number"):
        assert_recipe(counts)


def test_uses_share_no_variable_that_can_be_changed() -> None:
    shared: list[int] = []

    @recipe("test.shares", since="1.0")
    def shares() -> Process[..., Any]:
        """Remembers what it has seen in all uses."""

        @process("test.shares")
        async def run(deal: Deal) -> None:
            shared.append(deal.id)

        return run

    with pytest.raises(AssertionError, match="share the variable shared"):
        assert_recipe(shares)


def test_uses_share_no_queue() -> None:
    @recipe("test.queue", since="1.0")
    def one_queue() -> Process[..., Any]:
        """Has a queue of its own."""
        queue = UserQueue(3, name="all")

        @process("test.queue")
        async def run(deal: Deal) -> None:
            await crm.deal.change_responsible(queue)

        return run

    with pytest.raises(AssertionError, match="share the queue 'all'"):
        assert_recipe(one_queue)


def test_each_setting_is_documented_and_typed() -> None:
    @recipe("test.silent", since="1.0")
    def silent(*, days: int = 3) -> Process[..., Any]:
        """Says nothing of its settings."""
        raise NotImplementedError

    with pytest.raises(AssertionError, match="days is not in the Args"):
        assert_recipe(silent)

    @recipe("test.untyped", since="1.0")
    def untyped(*, days: Any = 3) -> Process[..., Any]:
        """
        Takes anything.

        Args:
            days: Some.
        """
        raise NotImplementedError

    with pytest.raises(AssertionError, match="days has no type"):
        assert_recipe(untyped)


def test_settings_that_the_types_allow_build_or_are_refused_by_name() -> None:
    @recipe("test.picky", since="1.0")
    def picky(*, days: int = 3) -> Process[..., Any]:
        """
        Is picky.

        Args:
            days: More than none, and it does not say so well.
        """
        if days < 1:
            raise WrongArgument(process="test.picky", parameter="something", expected="more", got=str(days))
        return nudge(after=timedelta(days=3))

    with pytest.raises(AssertionError, match="none of them is named"):
        assert_recipe(picky)


def test_what_actions_reach_the_outside_through_is_declared() -> None:
    def made(*needs: str) -> Any:
        @recipe("test.sends", since="1.0", needs=needs)
        def sends() -> Process[..., Any]:
            """Sends a message."""

            @process("test.sends")
            async def run(deal: Deal) -> None:
                await crm.deal.send_sms("Tea is there")

            return run

        return sends

    with pytest.raises(AssertionError, match=r"crm\.deal\.send_sms is used, and needs= has no provider\.sms"):
        assert_recipe(made())
    assert_recipe(made("provider.sms"))


async def test_the_contract_is_held_in_a_test_that_is_async_too() -> None:
    assert_recipe(nudge)


@pytest.mark.parametrize("cls", [Deal, Lead, Contact, Company, Invoice, Quote])
def test_recipes_for_every_kind_of_item_can_keep_it(cls: type) -> None:
    @recipe("test.kind", since="1.0")
    def kind() -> Process[..., Any]:
        """Runs on a kind of item."""

        async def run(item: Any) -> None:
            await wait.sleep(timedelta(days=1))

        run.__annotations__["item"] = cls
        return process("test.kind")(run)

    assert_recipe(kind)


def test_a_setting_that_cannot_be_written_down_is_refused_for_instances_keep_theirs() -> None:
    @recipe("test.free", since="1.0")
    def free(*, said: Callable[[], str]) -> Process[..., Any]:
        """
        Says what comes of it.

        Args:
            said: Gives a text.
        """

        @process("test.free")
        async def run(deal: Deal) -> None:
            await crm.deal.add_comment(said())

        return run

    with pytest.raises(AssertionError, match="a setting cannot be written down"):
        assert_recipe(free, said=lambda: "x")
