"""Heading 33, Get payment link, rule by rule; and what follows when somebody has paid."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bizproc import attempt, crm, gather, on, process, wait
from bizproc.actions.payments import RecordPayment
from bizproc.errors import (
    ActionError,
    ItemNotFound,
    NothingToPay,
    OrderNotFound,
    PaymentUnfit,
    SendRefused,
    WrongArgument,
    WrongValue,
)
from bizproc.model import Activity, Deal, HistoryEvent, Order, Payment
from bizproc.model.references import ItemRef, ref_of
from bizproc.testing import World, crash_at_every_await
from bizproc.triggers.trigger import Trigger
from tests.engine.orders import MakeOrder
from tests.engine.paper_templates import tea_deal
from tests.engine.ways import every_way

LINK = "https://pay.test/1/1"


async def ordered(world: World, *sums: int) -> tuple[Deal, Order]:
    deal = await world.deal(title="Tea")
    order = await world.perform(MakeOrder(ref_of(deal), tuple(map(Decimal, sums or (145,)))))
    return deal, order


async def payments(world: World) -> list[Payment]:
    return await world.find(Payment)


# -- the link ----------------------------------------------------------------------------------------------------------


async def test_an_order_gets_a_link(world: World) -> None:
    deal, order = await ordered(world)
    assert await world.perform(crm.deal(deal).get_payment_link(order)) == LINK
    (payment,) = await payments(world)
    assert (payment.url, payment.provider, payment.reference, payment.paid) == (LINK, "fake", "link 1/1", False)


async def test_who_makes_the_link_is_told_what_is_to_be_paid(world: World) -> None:
    deal, order = await ordered(world)
    await world.perform(crm.deal(deal).get_payment_link(order))
    (sent,) = world.payments.sent
    asked = sent.payload
    assert (asked.title, asked.sum, asked.currency) == ("1/1", Decimal(145), "EUR")
    assert asked.page.startswith("http://127.0.0.1:8480/pay/")


async def test_a_payment_keeps_its_link(world: World) -> None:
    deal, order = await ordered(world)
    first = await world.perform(crm.deal(deal).get_payment_link(order))
    assert await world.perform(crm.deal(deal).get_payment_link(order.id)) == first
    assert len(world.payments.sent) == 1


async def test_of_several_orders_the_first_counts(world: World) -> None:
    deal, first = await ordered(world)
    second = await world.perform(MakeOrder(ref_of(deal)))
    assert await world.perform(crm.deal(deal).get_payment_link([second, first])) == "https://pay.test/2/1"
    assert await world.perform(crm.deal(deal).get_payment_link([first.id, second.id])) == LINK


async def test_of_several_payments_the_first_that_is_open_counts(world: World) -> None:
    deal, order = await ordered(world, 100, 45)
    first = await world.perform(crm.deal(deal).get_payment_link(order))
    await world.payments.pay(first)
    second = await world.perform(crm.deal(deal).get_payment_link(order))
    assert second == "https://pay.test/1/2"
    await world.payments.pay(second)
    assert await world.perform(crm.deal(deal).get_payment_link(order)) == first


async def test_an_invoice_has_orders_too(world: World) -> None:
    invoice = await world.perform(crm.invoice.create(title="x"))
    order = await world.perform(MakeOrder(ref_of(invoice)))
    assert await world.perform(crm.invoice(invoice).get_payment_link(order)) == LINK


@pytest.mark.parametrize("order", [99, 0, -1])
async def test_an_order_that_is_not_there_is_refused(world: World, order: int) -> None:
    with pytest.raises(OrderNotFound, match=str(order)):
        await world.perform(crm.deal(1).get_payment_link(order))


async def test_no_order_at_all_is_refused(world: World) -> None:
    with pytest.raises(OrderNotFound):
        await world.perform(crm.deal(1).get_payment_link([]))


async def test_an_order_of_nothing_has_nothing_to_pay(world: World) -> None:
    deal = await world.deal()
    order = await world.perform(MakeOrder(ref_of(deal), ()))
    with pytest.raises(NothingToPay, match="order 1"):
        await world.perform(crm.deal(deal).get_payment_link(order))


@pytest.mark.no_crash("the fake answers so once: what it said is lost with the commit it was to be in")
async def test_what_the_provider_refuses_is_refused_in_its_words_and_changes_nothing(world: World) -> None:
    deal, order = await ordered(world)
    before = await payments(world)
    world.payments.refuse("at least 50 cents")
    with pytest.raises(SendRefused, match="at least 50 cents"):
        await world.perform(crm.deal(deal).get_payment_link(order))
    assert await payments(world) == before
    assert await world.perform(crm.deal(deal).get_payment_link(order)) == LINK


@pytest.mark.no_crash("the fake answers so once: what it said is lost with the commit it was to be in")
async def test_a_provider_that_is_busy_is_asked_again_later(world: World) -> None:
    deal, order = await ordered(world)
    world.payments.delay()
    run = await world.start(remind(deal, order=order.id))
    assert (await run.status()).state == "waiting"
    await world.advance(minutes=1)
    assert await run.result() == LINK


async def test_an_order_of_the_wrong_type_is_refused_at_once() -> None:
    link: Any = crm.deal.get_payment_link
    for wrong in ("1", None, {"id": 1}):
        with pytest.raises(WrongArgument):
            link(wrong)


@process("payments.remind")
async def remind(deal: Deal, *, order: int) -> str:
    link = await crm.deal.get_payment_link(order)
    await crm.deal.add_activity("Send the client the link to pay", link)
    return link


@process("payments.example")
async def example(deal: Deal) -> str:
    """The document's own example: the link to pay the deal's order is put into an activity of the deal."""
    await crm.deal.create_order()
    link = await crm.deal.get_payment_link(await crm.deal.orders())
    await crm.deal.add_activity("Send the client the link to pay", link)
    return link


@every_way
async def test_the_link_stands_in_an_activity_of_the_deal(world: World) -> None:
    deal = await tea_deal(world)
    run = await world.start(example(deal))
    assert await run.result() == LINK
    (activity,) = await world.find(Activity, of=deal)
    assert activity.description == LINK
    await world.payments.pay(LINK)
    assert [order.status for order in await world.perform(crm.deal(deal).orders())] == ["paid"]


@process("payments.both")
async def both(deal: Deal, *, order: int) -> bool:
    one, other = await gather(crm.deal.get_payment_link(order), crm.deal.get_payment_link(order))
    return one == other


async def test_two_steps_at_once_have_the_same_link(world: World) -> None:
    deal, order = await ordered(world)
    assert await (await world.start(both(deal, order=order.id))).result()


# -- paid --------------------------------------------------------------------------------------------------------------


async def test_what_was_paid_is_recorded(world: World) -> None:
    deal, order = await ordered(world)
    link = await world.perform(crm.deal(deal).get_payment_link(order))
    await world.advance(hours=1)
    await world.payments.pay(link)
    (payment,) = await payments(world)
    assert (payment.paid, payment.paid_at, payment.reference) == (True, world.clock.now(), "paid 1/1")
    assert (await world.get(Order, order.id)).status == "paid"
    assert [(e.kind, e.new) for e in await world.find(HistoryEvent, of=deal)][-1] == ("paid", "1/1")


async def test_an_order_is_paid_when_its_last_payment_is(world: World) -> None:
    deal, order = await ordered(world, 100, 45)
    for status in ("new", "paid"):
        await world.payments.pay(await world.perform(crm.deal(deal).get_payment_link(order)))
        assert (await world.get(Order, order.id)).status == status


async def test_news_that_come_again_or_late_change_nothing(world: World) -> None:
    deal, order = await ordered(world)
    link = await world.perform(crm.deal(deal).get_payment_link(order))
    await world.payments.pay(link)
    before = await payments(world), await world.find(HistoryEvent)
    for _ in range(3):
        await world.advance(days=30)
        await world.payments.pay(link)
    await world.perform(RecordPayment(1, "another", "fake", Decimal(1), "USD"))
    assert (await payments(world), await world.find(HistoryEvent)) == before


async def test_a_payment_is_recorded_by_hand_too(world: World) -> None:
    await ordered(world)
    payment = await world.perform(RecordPayment(1, "transfer of the 7th"))
    assert (payment.paid, payment.reference) == (True, "transfer of the 7th")


async def test_a_moment_of_the_future_is_now(world: World) -> None:
    await ordered(world)
    payment = await world.perform(RecordPayment(1, at=world.clock.now() + timedelta(days=1)))
    assert payment.paid_at == world.clock.now()


@pytest.mark.parametrize(("amount", "currency"), [("144.99", "EUR"), ("0", "EUR"), ("145", "USD")])
async def test_less_or_another_currency_is_not_taken_for_it_and_people_learn_of_it(
    world: World, amount: str, currency: str
) -> None:
    deal, _order = await ordered(world)
    with pytest.raises(PaymentUnfit, match=r"expected 145\.00 EUR, got"):
        await world.perform(RecordPayment(1, "r", "fake", Decimal(amount), currency))
    (payment,) = await payments(world)
    assert not payment.paid
    line = (await world.find(HistoryEvent, of=deal))[-1]
    assert (line.kind, line.old, line.new) == ("payment_unfit", "145.00 EUR", f"{amount} {currency}")


async def test_more_than_was_asked_for_is_taken(world: World) -> None:
    await ordered(world)
    assert (await world.perform(RecordPayment(1, "r", "fake", Decimal(200), "EUR"))).paid


async def test_one_payment_of_the_provider_pays_one_payment(world: World) -> None:
    await ordered(world, 100, 45)
    await world.perform(RecordPayment(1, "r", "fake"))
    with pytest.raises(PaymentUnfit, match="a reference of its own"):
        await world.perform(RecordPayment(2, "r", "fake"))
    assert (await world.perform(RecordPayment(2, "r", "other"))).paid


async def test_a_transfer_is_recorded_by_the_order_that_it_pays(world: World) -> None:
    deal, order = await ordered(world)
    payment = await world.perform(crm.deal(deal).record_payment(order, reference="statement 7"))
    assert (payment.paid, payment.provider, payment.reference) == (True, "transfer", "statement 7")
    assert payment.paid_at == world.clock.now()
    assert (await world.get(Order, order.id)).status == "paid"
    assert [each.kind for each in await world.find(HistoryEvent, of=deal)].count("paid") == 1


async def test_transfers_pay_one_payment_after_the_other_and_each_once(world: World) -> None:
    deal, order = await ordered(world, 100, 45)
    record = crm.deal(deal).record_payment
    paid = [await world.perform(record(order.id, reference=each)) for each in ("a", "a", "b", "a", "b", "c")]
    assert [each.id for each in paid] == [1, 1, 2, 1, 2, 2]
    assert [each.reference for each in await payments(world)] == ["a", "b"]
    assert (await world.get(Order, order.id)).status == "paid"


async def test_a_payment_that_is_named_is_the_one_that_is_paid(world: World) -> None:
    deal, _order = await ordered(world, 100, 45)
    _first, second = await payments(world)
    moment = world.clock.now() - timedelta(days=2)
    paid = await world.perform(
        crm.deal(deal).record_payment(second, provider="cash", sum=Decimal(45), currency="EUR", at=moment)
    )
    assert (paid.id, paid.provider, paid.paid_at) == (2, "cash", moment)
    assert [each.paid for each in await payments(world)] == [False, True]


async def test_a_transfer_that_comes_after_the_news_changes_nothing(world: World) -> None:
    deal, order = await ordered(world)
    await world.payments.pay(await world.perform(crm.deal(deal).get_payment_link(order)))
    before = await payments(world)
    assert [await world.perform(crm.deal(deal).record_payment(order, reference="late"))] == before
    assert await payments(world) == before


async def test_a_transfer_of_less_is_not_taken_for_the_payment(world: World) -> None:
    deal, order = await ordered(world)
    with pytest.raises(PaymentUnfit, match=r"expected 145\.00 EUR, got 100 EUR"):
        await world.perform(crm.deal(deal).record_payment(order, sum=Decimal(100)))
    assert [each.paid for each in await payments(world)] == [False]
    assert (await world.find(HistoryEvent, of=deal))[-1].kind == "payment_unfit"


async def test_a_transfer_pays_nothing_of_another_item(world: World) -> None:
    deal, order = await ordered(world)
    other, _ = await ordered(world)
    (payment, _other) = await payments(world)
    for wrong in (order, order.id, payment):
        with pytest.raises(WrongValue, match=rf"an order of deal {other.id}"):
            await world.perform(crm.deal(other).record_payment(wrong))
    invoice = await world.perform(crm.invoice.create(title="Tea"))
    with pytest.raises(WrongValue, match="an order of invoice 1"):
        await world.perform(crm.invoice(invoice).record_payment(order))
    assert not any(each.paid for each in await payments(world))
    assert (await world.perform(crm.deal(deal).record_payment(payment))).paid


async def test_a_transfer_for_an_order_that_is_not_there_is_said_so(world: World) -> None:
    deal, _order = await ordered(world)
    with pytest.raises(OrderNotFound, match="9"):
        await world.perform(crm.deal(deal).record_payment(9))
    nothing = await world.perform(MakeOrder(ref_of(deal), ()))
    with pytest.raises(NothingToPay):
        await world.perform(crm.deal(deal).record_payment(nothing))


@process("payments.by_hand")
async def by_hand(deal: Deal, *, order: int) -> str:
    payment = await crm.deal.record_payment(order, reference="statement 7")
    return f"{payment.id} {payment.paid} {payment.reference}"


@every_way
async def test_who_waits_for_a_payment_goes_on_when_a_transfer_is_recorded(world: World) -> None:
    deal, order = await ordered(world)
    run = await world.start(wait_for_payment(deal, order=order.id))
    recorded = await world.start(by_hand(deal, order=order.id))
    assert await run.result() == "deal:1 1 145.00"
    assert await recorded.result() == "1 True statement 7"


async def test_a_payment_that_is_not_there_is_said_so(world: World) -> None:
    with pytest.raises(ItemNotFound, match="payment 9"):
        await world.perform(RecordPayment(9))


# -- events ------------------------------------------------------------------------------------------------------------


@process("payments.wait")
async def wait_for_payment(deal: Deal, *, order: int) -> str:
    link = await crm.deal.get_payment_link(order)
    happened = await wait.for_event(on.payment_paid(), timeout=timedelta(days=14))
    if happened.timed_out or happened.event is None:
        return f"{link} not paid"
    return f"{happened.event.subject} {happened.event.facts['order']} {happened.event.facts['sum']}"


@every_way
async def test_a_process_goes_on_when_its_order_is_paid(world: World) -> None:
    deal, order = await ordered(world)
    run = await world.start(wait_for_payment(deal, order=order.id))
    await world.advance(days=3)
    await world.payments.pay(LINK)
    assert await run.result() == "deal:1 1 145.00"


async def test_a_process_goes_on_when_nobody_pays_in_time(world: World) -> None:
    deal, order = await ordered(world)
    run = await world.start(wait_for_payment(deal, order=order.id))
    await world.advance(days=14)
    assert await run.result() == f"{LINK} not paid"


@process("payments.hears")
async def hears(*, event: str) -> list[str]:
    heard = []
    for _ in range(2):
        happened = await wait.for_event(Trigger((event,)), timeout=timedelta(days=1))
        heard.append("nothing" if happened.event is None else happened.event.subject)
    return heard


async def test_each_payment_is_told_of_once_on_the_item_and_the_last_on_the_order(world: World) -> None:
    deal, order = await ordered(world, 100, 45)
    paid = await world.start(hears(event="payment.paid"))
    order_paid = await world.start(hears(event="order.paid"))
    for _ in range(2):
        link = await world.perform(crm.deal(deal).get_payment_link(order))
        await world.payments.pay(link)
        await world.payments.pay(link)
    await world.advance(days=2)
    assert await paid.result() == ["deal:1", "deal:1"]
    assert await order_paid.result() == ["order:1", "nothing"]


@process("payments.thank", starts=on.payment_paid())
async def thank(deal: Deal) -> str:
    await crm.deal.add_activity("Thank the client")
    return deal.title


async def test_a_process_starts_on_the_deal_whose_order_is_paid(world: World) -> None:
    world.use(thank)
    deal, order = await ordered(world)
    await world.payments.pay(await world.perform(crm.deal(deal).get_payment_link(order)))
    (started,) = await world.instances(process="payments.thank")
    assert (started.state, await world.instance(started.id).result()) == ("completed", "Tea")
    assert [each.subject for each in await world.find(Activity, of=deal)] == ["Thank the client"]


@process("payments.of_one")
async def of_one(deal: Deal) -> str:
    happened = await wait.for_event(on.payment_paid(deal), timeout=timedelta(days=1))
    return "nothing" if happened.event is None else happened.event.subject


async def test_a_process_can_wait_for_payments_of_its_own_deal_alone(world: World) -> None:
    deal, order = await ordered(world)
    other = await world.deal()
    runs = [await world.start(of_one(each)) for each in (deal, other)]
    await world.payments.pay(await world.perform(crm.deal(deal).get_payment_link(order)))
    await world.advance(days=1)
    assert [await run.result() for run in runs] == ["deal:1", "nothing"]


# -- crashes -----------------------------------------------------------------------------------------------------------


async def test_links_and_payments_are_made_once_whenever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal, order = await ordered(world)
        run = await world.start(wait_for_payment(deal, order=order.id))
        reminded = await world.start(remind(deal, order=order.id))
        await world.payments.pay(LINK)
        await world.payments.pay(LINK)
        return await run.result(), await reminded.result()

    assert await crash_at_every_await(story) > 20


@process("payments.careful")
async def careful(deal: Deal, *, order: int) -> str:
    outcome = await attempt(crm.deal.get_payment_link(order))
    missing = await attempt(crm.deal.get_payment_link(99))
    return f"{outcome.value} {outcome.error} {missing.error}"


async def test_refusals_are_the_same_whenever_the_program_dies() -> None:
    async def story(world: World) -> object:
        deal = await world.deal()
        order = await world.perform(MakeOrder(ItemRef("deal", deal.id), ()))
        return await (await world.start(careful(deal, order=order.id))).result()

    assert await crash_at_every_await(story) > 5


def test_what_an_action_raises_is_an_action_error() -> None:
    assert all(issubclass(error, ActionError) for error in (NothingToPay, OrderNotFound, PaymentUnfit))
