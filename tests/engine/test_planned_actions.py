"""Actions that plan, book, order and move, inside processes: live, replayed, evicted, and crashed at every commit."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from bizproc import attempt, crm, process, wait
from bizproc.core.errors import (
    DocumentNeeded,
    InstanceTerminated,
    OrderNotFound,
    ResourceBusy,
    RowNotFound,
    StartRefused,
    UnknownPipeline,
    WrongArgument,
)
from bizproc.model import (
    Activity,
    Booking,
    Comment,
    Deal,
    HistoryEvent,
    ItemRef,
    Lead,
    Notification,
    Order,
    Payment,
    ProductRow,
    Task,
)
from bizproc.testing import World
from tests.engine.ways import every_way

HOUR = timedelta(hours=1)


async def booking_field(world: World, **settings: object) -> None:
    """A field for bookings."""
    await world.perform(crm.deal.add_field("visit", type="booking", label="Visit", options=settings))


# -- what stands beside an item ----------------------------------------------------------------------------------------


@every_way
async def test_activities_comments_and_events(world: World) -> object:
    @process("tests.beside")
    async def beside(deal: Deal) -> list[object]:
        made = await crm.deal.add_activity("Call", "About the tea", important=True)
        done = await crm.deal.complete_activity(made)
        event = await crm.deal.add_event("Asked for [b]samples[/b]", type="PHONE")
        comment = await crm.deal.add_comment("[b]Wants[/b] samples")
        return [done.completed, event.type, comment.text, len(await crm.deal.activities())]

    deal = await world.deal()
    run = await world.start(beside(deal))
    assert await run.result() == [True, "PHONE", "[b]Wants[/b] samples", 1]
    return [
        await world.find(Activity, of=deal),
        await world.find(HistoryEvent, of=deal),
        await world.find(Comment, of=deal),
    ]


@every_way
async def test_calls_and_meetings_with_their_reminders(world: World) -> object:
    @process("tests.plans")
    async def plans(deal: Deal, *, start: datetime) -> list[str]:
        call = await crm.deal.schedule_call(start=start, end=start + HOUR, remind_before=timedelta(minutes=15))
        meeting = await crm.deal.schedule_meeting("Taste", start=start, remind_before=HOUR, location="Lyon")
        return [call.subject, call.client_address, meeting.location]

    ann = await world.user(name="Ann")
    eva = await world.contact(name="Eva", last_name="Moss", phones=["+33 6 11"])
    deal = await world.deal(title="Tea", contact_id=eva.id, responsible_id=ann.id)
    start = world.clock.now() + timedelta(days=2)
    run = await world.start(plans(deal, start=start))
    assert await run.result() == [f"Call: Eva Moss, {start.date()}", "+33 6 11", "Lyon"]
    notes = await world.find(Notification, of=deal)
    assert [(note.user_id, start - note.due_at) for note in notes] == [
        (ann.id, timedelta(minutes=15)), (ann.id, HOUR),
    ]  # fmt: skip
    return notes


async def test_a_meeting_takes_what_is_asked_for_as_the_process_starts(world: World) -> None:
    @process("sales.meet")
    async def meet(deal: Deal, *, subject: str, start: datetime, end: datetime, location: str) -> int:
        """
        Arrange a meeting.

        Args:
            subject: What it is called.
            start: When it begins.
            end: When it is over.
            location: Where it takes place.
        """
        planned = await crm.deal.schedule_meeting(subject, start=start, end=end, location=location)
        return planned.id

    assert [(each.name, each.required) for each in meet.form.parameters] == [
        ("subject", True), ("start", True), ("end", True), ("location", True),
    ]  # fmt: skip
    filled_in = {
        "subject": "Tasting",
        "start": "2030-02-01T10:00+01:00",
        "end": "2030-02-01T11:30+01:00",
        "location": "Lyon, rue de la République 3",
    }
    deal = await world.deal()
    with pytest.raises(WrongArgument, match="location"):
        meet.form.parse({name: text for name, text in filled_in.items() if name != "location"})

    run = await world.start(meet(deal, **meet.form.parse(filled_in)))

    (planned,) = await world.find(Activity, of=deal)
    assert await run.result() == planned.id
    assert (planned.subject, planned.location) == ("Tasting", filled_in["location"])
    assert (planned.start, planned.end) == tuple(map(datetime.fromisoformat, (filled_in["start"], filled_in["end"])))


@every_way
async def test_observers(world: World) -> object:
    @process("tests.follows")
    async def follows(deal: Deal) -> tuple[int, ...]:
        await crm.deal.change_observers([1, 2, 3])
        await crm.deal.change_observers(2, how="remove")
        return await crm.deal.change_observers([2, 1], how="replace")

    for name in ("Ann", "Bob", "Tom"):
        await world.user(name=name)
    deal = await world.deal()
    run = await world.start(follows(deal))
    assert await run.result() == (2, 1)
    return await world.find(Notification, of=deal)


@every_way
async def test_tasks_end_by_the_stage_they_were_made_in(world: World) -> object:
    @process("tests.tasks")
    async def tasks(deal: Deal) -> list[str]:
        await crm.deal.add_task("Write the quote")
        await wait.until_stage("EXECUTING")
        await crm.deal.add_task("Pack the tea")
        ended = await crm.deal.end_tasks("NEW")
        return [task.title for task in ended]

    deal = await world.deal()
    run = await world.start(tasks(deal))
    await world.perform(crm.deal(deal).add_task("Made by hand"))
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    assert await run.result() == ["Write the quote"]
    found = await world.find(Task, of=deal)
    assert [(task.title, task.stage, task.completed) for task in found] == [
        ("Write the quote", "NEW", True), ("Made by hand", None, False), ("Pack the tea", "EXECUTING", False),
    ]  # fmt: skip
    return [activity.completed for activity in await world.find(Activity, of=deal)]


# -- bookings ----------------------------------------------------------------------------------------------------------


@every_way
async def test_bookings_are_made_moved_and_released(world: World) -> object:
    @process("tests.books")
    async def books(deal: Deal, *, start: datetime) -> list[int]:
        first = await crm.deal.book_resource("visit", start=start, duration=HOUR, service="Tasting")
        moved = await crm.deal.book_resource("visit", start=start + HOUR, duration=HOUR, employees=[1, 2])
        await wait.sleep(timedelta(days=1))
        released = await crm.deal.cancel_booking("visit")
        return [len(first), len(moved), len(released), len(await crm.deal.bookings())]

    await booking_field(world)
    for name in ("Ann", "Bob"):
        await world.user(name=name)
    deal = await world.deal(responsible_id=1)
    run = await world.start(books(deal, start=world.clock.now()))
    assert len(await world.find(Booking, of=deal)) == 2
    await world.advance(days=1)
    assert await run.result() == [1, 2, 2, 0]
    return await world.find(HistoryEvent, of=deal)


@every_way
async def test_a_booking_that_clashes_tells_the_process_what_is_in_the_way(world: World) -> object:
    @process("tests.clashes")
    async def clashes(deal: Deal, *, start: datetime) -> int:
        tried = await attempt(crm.deal.book_resource("visit", start=start, duration=HOUR, employees=1))
        await wait.sleep(timedelta(days=1))
        error = tried.error
        assert isinstance(error, ResourceBusy)
        (clash,) = error.bookings
        assert isinstance(clash, Booking)
        return clash.owner_id

    await booking_field(world, allow_overbooking=False)
    await world.user(name="Ann")
    first, second = await world.deal(), await world.deal()
    await world.perform(crm.deal(first).book_resource("visit", start=world.clock.now(), duration=HOUR, employees=1))
    run = await world.start(clashes(second, start=world.clock.now()))
    await world.advance(days=1)
    assert await run.result() == first.id
    return await world.find(Booking)


# -- products and orders -----------------------------------------------------------------------------------------------


@process("sales.tell_product")
async def tell_product(deal: Deal) -> str:
    """What is known of the deal's product goes into a comment, for the manager."""
    row = await crm.deal.product_information(await crm.deal.products())
    comment = await crm.deal.add_comment(
        f"{row.name}: {row.quantity} {row.measure} at {row.price:.2f}, in all {row.sum}"
    )
    return comment.text


@every_way
async def test_product_information_goes_into_a_comment(world: World) -> object:
    tea = await world.product(name="Tea", price=Decimal("18.00"), measure="box")
    deal = await world.deal()
    await world.perform(crm.deal(deal).add_product(tea, quantity=10, discount_percent=5))
    run = await world.start(tell_product(deal))
    assert await run.result() == "Tea: 10 box at 18.00, in all 171.00"
    (comment,) = await world.find(Comment, of=deal)
    return comment.text


@every_way
async def test_all_rows_one_by_one_and_a_row_that_is_not_there(world: World) -> object:
    @process("tests.rows")
    async def rows(deal: Deal) -> list[str]:
        several = await crm.deal.products()
        told = [(await crm.deal.product_information(row.id)).name for row in several]
        missed = await attempt(crm.deal.product_information(999))
        assert isinstance(missed.error, RowNotFound)
        removed = await crm.deal.delete_products()
        return [*told, *(row.name for row in removed)]

    for name in ("Tea", "Coffee"):
        await world.product(name=name, price=5)
    deal = await world.deal()
    for product in (1, 2):
        await world.perform(crm.deal(deal).add_product(product))
    run = await world.start(rows(deal))
    assert await run.result() == ["Tea", "Coffee", "Tea", "Coffee"]
    assert (await world.get(Deal, deal.id)).amount == 0
    return await world.find(ProductRow, of=deal)


@every_way
async def test_orders_and_what_is_to_be_paid(world: World) -> object:
    @process("tests.orders")
    async def orders(deal: Deal) -> str | None:
        await crm.deal.add_product(1, quantity=2)
        order = await crm.deal.create_order()
        missed = await attempt(crm.deal.payment_information(999))
        assert isinstance(missed.error, OrderNotFound)
        payment = await crm.deal.payment_information(order)
        return None if payment is None else payment.account_number

    await world.product(name="Tea", price=Decimal("18.00"))
    deal = await world.deal()
    run = await world.start(orders(deal))
    (order,) = await world.find(Order, of=deal)
    assert await run.result() == f"{order.number}/1"
    return [await world.find(Payment, of=order), await world.find(ProductRow, of=order)]


# -- moving ------------------------------------------------------------------------------------------------------------


@every_way
async def test_nothing_runs_after_a_move_to_another_pipeline(world: World) -> object:
    @process("tests.hands_over")
    async def hands_over(deal: Deal, *, pipeline: int) -> str:
        await crm.deal.change_pipeline(pipeline, stage="EXECUTING")
        await crm.deal.add_comment("never written")
        return "never returned"

    service = await world.perform(crm.pipeline.create(name="Service"))
    deal = await world.deal()
    run = await world.start(hands_over(deal, pipeline=service.id))
    with pytest.raises(InstanceTerminated, match="pipeline changed"):
        await run.result()
    assert ((await run.status()).state, (await run.status()).ended_by) == ("terminated", "pipeline changed")
    assert (await world.get(Deal, deal.id)).stage == f"C{service.id}:EXECUTING"
    assert await world.find(Comment, of=deal) == []
    return None


@every_way
async def test_a_move_that_moves_nothing_a_refused_one_and_one_of_another_deal_let_the_process_go_on(
    world: World,
) -> object:
    @process("tests.goes_on")
    async def goes_on(deal: Deal, *, other: int, pipeline: int) -> str:
        await crm.deal.change_pipeline(0)
        tried = await attempt(crm.deal.change_pipeline(99))
        assert isinstance(tried.error, UnknownPipeline)
        await crm.deal(other).change_pipeline(pipeline)
        await crm.deal.add_comment("still here")
        return (await crm.deal(other).read()).stage

    service = await world.perform(crm.pipeline.create(name="Service"))
    deal, other = await world.deal(), await world.deal()
    run = await world.start(goes_on(deal, other=other.id, pipeline=service.id))
    assert await run.result() == f"C{service.id}:NEW"
    return [comment.text for comment in await world.find(Comment, of=deal)]


@every_way
async def test_a_wait_for_a_status_of_a_lead(world: World) -> object:
    @process("tests.lead")
    async def lead_process(lead: Lead) -> str:
        reached = await wait.until_status("IN_PROCESS", timeout=timedelta(days=5))
        await crm.lead.add_comment(reached.stage)
        await crm.lead.change_status("JUNK")
        return "never returned"  # bizproc: ok (shows that it never runs)

    lead = await world.perform(crm.lead.create(title="Somebody"))
    run = await world.start(lead_process(lead))
    await world.perform(crm.lead(lead).update({"status": "IN_PROCESS"}))
    assert await run.result() is None  # it ended by changing the status
    assert (await world.get(Lead, lead.id)).status == "JUNK"
    return [comment.text for comment in await world.find(Comment, of=lead)]


@every_way
async def test_a_move_to_another_pipeline_ends_a_wait_for_its_stage(world: World) -> object:
    @process("tests.watches")
    async def watches(*, deal: int, stage: str) -> str:
        reached = await wait.until_stage(stage, deal=deal)
        return f"{reached.stage} {reached.matched}"

    service = await world.perform(crm.pipeline.create(name="Service"))
    deal = await world.deal()
    run = await world.start(watches(deal=deal.id, stage=f"C{service.id}:NEW"))
    await world.perform(crm.deal(deal).change_pipeline(service))
    assert await run.result() == f"C{service.id}:NEW True"
    return None


@every_way
async def test_a_deal_that_is_deleted_ends_the_wait_of_a_process_that_runs_elsewhere(world: World) -> object:
    @process("tests.watches_one")
    async def watches_one(*, deal: int) -> bool:
        return (await wait.until_stage("WON", deal=deal)).deleted

    deal = await world.deal()
    run = await world.start(watches_one(deal=deal.id))
    await world.perform(crm.deal(deal).delete())
    assert await run.result() is True
    return None


@every_way
async def test_copies_that_wait_for_one_stage_all_go_on_together(world: World) -> object:
    @process("tests.copies", overlap="parallel")
    async def copies(deal: Deal, *, number: int) -> str:
        reached = await wait.until_stage("EXECUTING")
        await crm.deal.add_comment(f"on to {reached.stage}")
        return reached.stage

    deal = await world.deal()
    runs = [await world.start(copies(deal, number=number)) for number in range(3)]
    assert await world.find(Comment, of=deal) == []
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    assert [await run.result() for run in runs] == ["EXECUTING"] * 3
    return [comment.text for comment in await world.find(Comment, of=deal)]


async def test_of_a_process_that_does_not_say_otherwise_one_copy_waits(world: World) -> None:
    @process("tests.one_copy")
    async def one_copy(deal: Deal) -> str:
        return (await wait.until_stage("EXECUTING")).stage

    deal = await world.deal()
    run = await world.start(one_copy(deal))
    with pytest.raises(StartRefused) as refused:
        await world.start(one_copy(deal))
    assert refused.value.existing == run.id
    await world.perform(crm.deal(deal).change_stage("EXECUTING"))
    assert await run.result() == "EXECUTING"


def test_errors_say_what_and_where() -> None:
    assert (
        str(RowNotFound(kind="deal", id=5, row=7))
        == "deal 5 has no product row 7. A row's id is meant, not a product's."
    )
    assert "process that runs on an item" in str(DocumentNeeded(action="days"))
    assert str(ItemRef("deal", 5)) == "deal:5"
