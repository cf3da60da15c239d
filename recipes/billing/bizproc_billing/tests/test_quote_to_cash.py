"""The recipe `billing.quote_to_cash`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import Call, F, Filter, crm
from bizproc.errors import InstanceFailed
from bizproc.model import Activity, Comment, CrmDocument, Deal, Invoice, Message, Order, Quote
from bizproc.testing import World, assert_recipe, crash_at_every_await
from bizproc_billing.quote_to_cash import quote_to_cash
from bizproc_billing.tests.office import office, tea_deal

RECIPE = quote_to_cash(template="paper")


async def begun(world: World, only: Filter | None = None) -> Deal:
    """A deal that has come to the stage in which it is invoiced."""
    world.use(RECIPE if only is None else quote_to_cash(template="paper", only=only))
    await office(world)
    deal = await tea_deal(world)
    await world.perform(crm.deal(deal).change_stage("PREPAYMENT_INVOICE"))
    return deal


async def stages(world: World) -> tuple[list[str], list[str]]:
    """Of the quotes, and of the invoices."""
    return [each.stage for each in await world.find(Quote)], [each.stage for each in await world.find(Invoice)]


async def result(world: World) -> object:
    (instance,) = await world.instances()
    return await world.instance(instance.id).result()


def subjects(world: World) -> list[str]:
    return [mail.subject for mail in world.mail.sent]


async def test_only_a_deal_that_fits_the_filter_is_invoiced(world: World) -> None:
    await begun(world, only=F.title == "Coffee")
    assert await world.instances() == []
    assert await stages(world) == ([], [])


# -- the stories -------------------------------------------------------------------------------------------------------


async def paid_after_a_reminder(world: World) -> object:
    deal = await begun(world)
    assert subjects(world) == ["Invoice 1"]
    assert await stages(world) == (["DRAFT"], ["SENT"])
    await world.advance(days=5)
    assert subjects(world) == ["Invoice 1", "Reminder: invoice 1"]
    await world.payments.pay(world.payments.links[0])
    assert await result(world) == "paid"
    await world.advance(days=60)
    assert subjects(world) == ["Invoice 1", "Reminder: invoice 1"]
    assert await stages(world) == (["APPROVED"], ["PAID"])
    assert [order.status for order in await world.find(Order)] == ["paid"]
    return [comment.text for comment in await world.find(Comment, of=deal)]


async def lost_after_a_reminder(world: World) -> object:
    deal = await begun(world)
    await world.advance(days=5)
    await world.perform(crm.deal(deal).change_stage("LOSE"))
    assert await result(world) == "lost"
    assert await stages(world) == (["DECLAINED"], ["UNPAID"])
    await world.advance(days=60)
    assert subjects(world) == ["Invoice 1", "Reminder: invoice 1"]
    return None


async def test_a_deal_comes_to_its_money(world: World) -> None:
    assert await paid_after_a_reminder(world) == ["Invoice 1 is paid: €180.00"]


async def test_a_lost_deal_takes_back_invoice_and_reminders(world: World) -> None:
    await lost_after_a_reminder(world)


@pytest.mark.parametrize("story", [paid_after_a_reminder, lost_after_a_reminder])
async def test_the_stories_end_the_same_wherever_the_program_dies(story: Callable[[World], Awaitable[object]]) -> None:
    assert await crash_at_every_await(story, processes=[RECIPE]) > 40


# -- one thing each ----------------------------------------------------------------------------------------------------


async def test_the_mail_bears_the_stamped_invoice_and_the_link(world: World) -> None:
    await begun(world)
    (mail,) = world.mail.sent
    (link,) = world.payments.links
    assert [each.with_stamp for each in await world.find(CrmDocument)] == [True]
    assert [each.name for each in mail.attachments]
    assert "€180.00" in mail.text
    assert (await world.find(Message))[0].links == (link,)


async def test_reminders_come_after_three_seven_and_fourteen_working_days_and_then_somebody_is_told(
    world: World,
) -> None:
    deal = await begun(world)
    seen = []
    for _ in range(30):
        await world.advance(days=1)
        seen.append(len(world.mail.sent))
    assert sorted(set(seen)) == [1, 2, 3, 4]
    open_ = [each.subject for each in await world.find(Activity, of=deal) if not each.completed]
    assert open_ == ["Invoice 1 is not paid"]
    await world.payments.pay(world.payments.links[0])
    assert await result(world) == "paid"


async def test_a_transfer_counts_as_a_payment(world: World) -> None:
    await begun(world)
    (order,) = await world.find(Order)
    await world.perform(crm.invoice(order.owner_id).record_payment(order))
    assert await result(world) == "paid"


async def test_an_invoice_that_somebody_moves_to_paid_is_paid(world: World) -> None:
    await begun(world)
    await world.perform(crm.invoice(1).change_stage("PAID"))
    assert await result(world) == "paid"


async def test_a_deal_that_is_won_before_it_is_paid_is_still_to_be_paid(world: World) -> None:
    deal = await begun(world)
    await world.perform(crm.deal(deal).change_stage("WON"))
    await world.advance(days=5)
    assert subjects(world) == ["Invoice 1", "Reminder: invoice 1"]


async def test_a_deal_of_nothing_fails_and_leaves_no_open_invoice(world: World) -> None:
    await office(world)
    deal = await world.deal(responsible_id=(await world.user()).id)
    run = await world.start(RECIPE(deal))
    with pytest.raises(InstanceFailed, match="NothingToPay"):
        await run.result()
    assert await stages(world) == (["DECLAINED"], ["UNPAID"])


@pytest.mark.no_crash("the refusal is spent by the attempt that dies")
async def test_a_mail_that_is_refused_takes_the_invoice_back(world: World) -> None:
    world.mail.refuse("no such address")
    await begun(world)
    (instance,) = await world.instances()
    assert instance.state == "failed"
    assert await stages(world) == (["DECLAINED"], ["UNPAID"])


async def test_cancelled_by_a_person_it_takes_the_invoice_back(world: World) -> None:
    await begun(world)
    (instance,) = await world.instances()
    await world.instance(instance.id).cancel()
    assert await stages(world) == (["DECLAINED"], ["UNPAID"])


async def test_a_deal_that_is_lost_already_is_not_invoiced(world: World) -> None:
    await office(world)
    deal = await tea_deal(world)
    await world.perform(crm.deal(deal).change_stage("LOSE"))
    run = await world.start(RECIPE(await world.get(Deal, deal.id)))
    assert (await run.result(), await stages(world)) == ("lost", ([], []))


async def test_a_deal_that_comes_to_its_stage_again_is_not_invoiced_twice(world: World) -> None:
    deal = await begun(world)
    await world.payments.pay(world.payments.links[0])
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    await world.perform(crm.deal(deal).change_stage("PREPAYMENT_INVOICE"))
    assert [each.state for each in await world.instances()] == ["completed", "completed"]
    assert await stages(world) == (["APPROVED"], ["PAID"])


async def test_a_deal_that_was_lost_and_comes_back_is_invoiced_anew(world: World) -> None:
    deal = await begun(world)
    await world.perform(crm.deal(deal).change_stage("LOSE"))
    await world.perform(crm.deal(deal).change_stage("PREPAYMENT_INVOICE"))
    assert await stages(world) == (["DECLAINED", "DRAFT"], ["UNPAID", "SENT"])


async def test_the_preview_writes_and_sends_nothing(world: World) -> None:
    await office(world)
    deal = await tea_deal(world)
    call: Call[str] = RECIPE(deal)
    preview = await world.preview(call)
    assert preview.ended is None
    assert (world.mail.sent, await stages(world)) == ([], ([], []))


EVENTS = st.sampled_from(["wait", "pay", "lose", "win", "crash"])


@settings(max_examples=20, deadline=None)
@given(events=st.lists(EVENTS, max_size=8))
def test_whatever_happens_an_invoice_ends_paid_or_cancelled_and_no_reminder_follows(events: list[str]) -> None:
    async def go() -> None:
        async with World.open(RECIPE) as world:
            deal = await begun(world)
            ended = False
            for event in events:
                before = len(world.mail.sent)
                if event == "wait":
                    await world.advance(days=4)
                elif event == "pay" and not ended:
                    await world.payments.pay(world.payments.links[0])
                elif event in {"lose", "win"}:
                    await world.perform(crm.deal(deal).update({"stage": {"lose": "LOSE", "win": "WON"}[event]}))
                else:
                    await world.crash()
                if ended:
                    assert len(world.mail.sent) == before
                ended = ended or (await world.instances())[0].state == "completed"
            ((quote,), (invoice,)) = await stages(world)
            expected = {("DECLAINED", "UNPAID"), ("APPROVED", "PAID")} if ended else {("DRAFT", "SENT")}
            assert (quote, invoice) in expected

    asyncio.run(go())


def test_the_recipe_keeps_its_contract() -> None:
    assert_recipe(quote_to_cash)
