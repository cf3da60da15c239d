"""
`@process(on_error="continue")` (D1): an action that cannot do its work gives None, and the process goes on.

The failure stands in the journal. All that is no action raises as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen

from bizproc import action, attempt, crm, gather, process, race, wait
from bizproc.core.commands import Action
from bizproc.errors import (
    ActionError,
    ChildFailed,
    DeliveryUnknown,
    InstanceFailed,
    ItemNotFound,
    LinkedItemMissing,
    ProductNotFound,
    SendRefused,
    UnknownStage,
)
from bizproc.model import Activity, Comment, Deal, ProductRow
from bizproc.testing import FakeChannel, World
from tests.engine.test_outbox import Letter, SendLetter
from tests.engine.ways import every_way


@every_way
async def test_what_cannot_be_done_is_none_and_the_process_goes_on(world: World) -> object:
    @process("tests.lenient", on_error="continue")
    async def lenient(deal: Deal) -> list[object]:
        values: list[object] = [
            await crm.deal.add_product(99),
            await crm.deal.edit_contact({"name": "Eva"}),
            await gather(crm.deal.change_stage("NOWHERE"), crm.deal.change_pipeline(99)),
            await crm.deal.add_comment(" "),
            await crm.deal.product_information(7),
            await crm.deal(999).read(),
        ]
        await crm.deal.add_comment("still here")
        return values

    deal = await world.deal()
    run = await world.start(lenient(deal))
    assert await run.result() == [None, None, (None, None), None, None, None]
    assert [each.text for each in await world.find(Comment, of=deal)] == ["still here"]
    assert await world.find(ProductRow, of=deal) == []
    return [(step.event, step.name, step.error) for step in await run.journal()]


async def test_the_failure_stands_in_the_journal(world: World) -> None:
    @process("tests.lenient_one", on_error="continue")
    async def lenient_one(deal: Deal) -> None:
        await crm.deal.add_product(99)

    run = await world.start(lenient_one(await world.deal()))
    (step,) = await run.journal()
    assert (step.event, step.name) == ("raised", "deal.add_product")
    assert "99" in (step.error or "")


async def test_otherwise_it_raises(world: World) -> None:
    @process("tests.strict")
    async def strict(deal: Deal) -> None:
        await crm.deal.add_product(99)

    run = await world.start(strict(await world.deal()))
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    assert isinstance(failed.value.error, ProductNotFound)


@every_way
async def test_an_attempt_gives_the_error_all_the_same(world: World) -> object:
    @process("tests.lenient_attempts", on_error="continue")
    async def lenient_attempts(deal: Deal) -> list[str]:
        async def two() -> Any:
            return await crm.deal.add_product(98), await attempt(crm.deal.add_product(99))

        alone = await attempt(crm.deal.edit_company({"title": "x"}))
        await wait.sleep(timedelta(days=1))
        inner, later = (await attempt(two())).get()
        (beside,) = await gather(attempt(crm.deal.change_stage("NOWHERE")))
        return [str(inner), *(type(each.error).__name__ for each in (alone, later, beside))]

    run = await world.start(lenient_attempts(await world.deal()))
    await world.advance(days=1)
    assert await run.result() == ["None", *(cls.__name__ for cls in (LinkedItemMissing, ProductNotFound, UnknownStage))]
    return None


@every_way
async def test_what_an_attempt_raises_again_is_an_error_like_any_other(world: World) -> object:
    @process("tests.lenient_until", on_error="continue")
    async def lenient_until(deal: Deal) -> None:
        (await attempt(crm.deal.add_product(99))).get()

    run = await world.start(lenient_until(await world.deal()))
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    assert isinstance(failed.value.error, ProductNotFound)
    return None


@every_way
async def test_in_branches_too(world: World) -> object:
    @process("tests.lenient_branches", on_error="continue")
    async def lenient_branches(deal: Deal) -> list[object]:
        nothing, comment = await gather(crm.deal.add_product(99), crm.deal.add_comment("beside it"))
        won = await race(crm.deal.edit_contact({"name": "Eva"}), wait.sleep(timedelta(days=1)))
        return [nothing, comment.text, won.index, won.value]

    run = await world.start(lenient_branches(await world.deal()))
    assert await run.result() == [None, "beside it", 0, None]
    return None


@every_way
async def test_waits_raise_all_the_same(world: World) -> object:
    @process("tests.lenient_waits", on_error="continue")
    async def lenient_waits(deal: Deal, *, how: str) -> None:
        if how == "missing":
            await wait.until_stage("WON", deal=999)
        elif how == "stage":
            await wait.until_stage("NOWHERE")
        else:
            await wait.days_before("close_date", 1)

    deal = await world.deal()
    raised = []
    for how in ("missing", "stage", "date"):
        run = await world.start(lenient_waits(deal, how=how))
        with pytest.raises(InstanceFailed) as failed:
            await run.result()
        assert isinstance(failed.value.error, ActionError)
        raised.append(type(failed.value.error).__name__)
    assert raised == ["ItemNotFound", "UnknownStage", "DateMissing"]
    return raised


@every_way
async def test_steps_and_children_raise_all_the_same(world: World) -> object:
    @action("tests.by_hand")
    async def by_hand() -> None:
        raise ItemNotFound(kind="deal", id=7)

    @process("tests.strict_child")
    async def strict_child(deal: Deal) -> None:
        await crm.deal.add_product(99)

    @process("tests.lenient_parent", on_error="continue")
    async def lenient_parent(deal: Deal) -> list[str]:
        told = []
        for each in (by_hand, lambda: strict_child(deal)):
            try:
                await each()
            except (ItemNotFound, ChildFailed) as error:
                told.append(type(error).__name__)
        return told

    run = await world.start(lenient_parent(await world.deal()))
    assert await run.result() == ["ItemNotFound", "ChildFailed"]
    return None


@frozen
class Broken(Action[None]):
    """An action with a programming error in it."""

    @property
    def name(self) -> str:
        return "tests.broken"

    def arguments(self) -> Mapping[str, object]:
        return {}

    async def perform(self, port: Any) -> None:
        raise ZeroDivisionError


async def test_a_programming_error_raises_all_the_same(world: World) -> None:
    @process("tests.lenient_broken", on_error="continue")
    async def lenient_broken(deal: Deal) -> None:
        await Broken()

    run = await world.start(lenient_broken(await world.deal()))
    with pytest.raises(InstanceFailed) as failed:
        await run.result()
    assert isinstance(failed.value.error, ZeroDivisionError)


@process("tests.lenient_letters", on_error="continue")
async def lenient_letters() -> object:
    return await SendLetter("post", Letter("a", "one"))


async def test_a_refused_letter_is_none_and_one_of_unknown_fate_raises() -> None:
    post = FakeChannel("post", deduplicates=False)
    post.refuse("no such street")
    post.break_off(after=False)
    async with World.open(channels=[post]) as world:
        run = await world.start(lenient_letters())
        assert await run.result() is None
        (step,) = await run.journal()
        assert step.event == "raised"
        assert SendRefused.__name__ in (step.error or "") or "no such street" in (step.error or "")
        lost = await world.start(lenient_letters())
        with pytest.raises(InstanceFailed) as failed:
            await lost.result()
        assert isinstance(failed.value.error, DeliveryUnknown)


async def test_one_that_goes_on_and_waits_can_leave_memory() -> None:
    @process("tests.lenient_parked", on_error="continue", overlap="parallel")
    async def lenient_parked(deal: Deal) -> object:
        missed = await crm.deal.add_product(99)
        await wait.sleep(timedelta(days=1))
        return missed

    async with World.open(keep_in_memory=0) as world:
        deal = await world.deal()
        runs = [await world.start(lenient_parked(deal)) for _ in range(3)]
        assert world.runtime.engine.live == {}
        await world.advance(days=1)
        assert [await run.result() for run in runs] == [None] * 3


@every_way
async def test_a_refused_conversion_leaves_its_to_do_and_the_process_goes_on(world: World) -> object:
    @process("tests.lenient_win", on_error="continue")
    async def lenient_win(deal: Deal) -> int:
        assert await crm.deal.convert(quote=True) is None
        return len(await crm.deal.activities())

    await world.perform(crm.deal.add_field("colour", type="text", label="Colour"))
    await world.perform(crm.quote.add_field("colour", type="choice", label="Colour", options=["green"]))
    deal = await world.deal(custom={"colour": "blue"})
    run = await world.start(lenient_win(deal))
    assert await run.result() == 1
    return [each.subject for each in await world.find(Activity, of=deal)]


@process("tests.lenient_outside", on_error="continue")
async def lenient_outside(deal: Deal) -> list[object]:
    """Each action that reaches outside, on a deal that has nothing for it."""
    values: list[object] = [
        await crm.deal.add_to_facebook_audience("x"),
        await crm.deal.add_to_google_audience("x"),
        await crm.deal.create_document("nothing"),
        await crm.deal.send_sms("x"),
        await crm.deal.send_email("x", "y"),
        await crm.deal.get_payment_link(await crm.deal.orders()),
    ]
    await crm.deal.add_comment("still here")
    return values


@every_way
async def test_what_cannot_reach_outside_is_none_and_the_process_goes_on(world: World) -> object:
    deal = await world.deal()
    run = await world.start(lenient_outside(deal))
    assert await run.result() == [None] * 6
    assert [each.text for each in await world.find(Comment, of=deal)] == ["still here"]
    channels = (world.ads, world.sms, world.mail, world.payments, world.documents)
    assert [each for channel in channels for each in channel.sent] == []
    raised = [step.name.rpartition(".")[2] for step in await run.journal() if step.event == "raised"]
    assert raised == [
        *("add_to_facebook_audience", "add_to_google_audience", "create_document"),
        *("send_sms", "send_email", "get_payment_link"),
    ]
    return raised
