"""What type checkers see of the actions that plan, book, order and move. Nothing runs: mypy checks this file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_type

from bizproc import crm, wait
from bizproc.model import (
    Activity,
    Booking,
    HistoryEvent,
    Order,
    Payment,
    Pipeline,
    ProductRow,
    StageReached,
    Task,
    WaitOutcome,
)


async def answers(start: datetime, pipeline: Pipeline, row: ProductRow) -> None:
    assert_type(await wait.days(3, comment="x"), WaitOutcome)
    assert_type(await wait.days_before("close_date", 3), WaitOutcome)
    assert_type(await wait.until_status("NEW", lead=3, timeout=timedelta(1)), StageReached)
    assert_type(await crm.deal.add_event("x", type="PHONE", author=3), HistoryEvent)
    assert_type(await crm.lead.schedule_call(start=start, remind_before=timedelta(hours=1)), Activity)
    assert_type(await crm.company(3).schedule_meeting("x", location="Lyon"), Activity)
    assert_type(await crm.contact(3).change_observers([1, 2], how="replace"), tuple[int, ...])
    assert_type(await crm.deal.book_resource("visit", start=start, duration=timedelta(hours=1)), tuple[Booking, ...])
    assert_type(await crm.lead.cancel_booking("visit"), tuple[Booking, ...])
    assert_type(await crm.deal.bookings(), tuple[Booking, ...])
    assert_type(await crm.invoice.add_task("x", deadline=start), Task)
    assert_type(await crm.quote.end_tasks("DRAFT", "SENT"), tuple[Task, ...])
    assert_type(await crm.item("contract", 9).delete_products(), tuple[ProductRow, ...])
    assert_type(await crm.quote.product_information(row), ProductRow)
    assert_type(await crm.deal.create_order([row, 7]), Order)
    assert_type(await crm.invoice.payment_information(5), Payment | None)
    await crm.deal.change_pipeline(pipeline, stage="NEW")
    await crm.item("contract").change_pipeline(3)


async def mistakes(start: datetime) -> None:
    await wait.days(timedelta(3))  # type: ignore[arg-type]
    await crm.company.book_resource("x", start=start, duration=timedelta(1))  # type: ignore[attr-defined]
    await crm.invoice.end_tasks("NEW")  # type: ignore[attr-defined]
    await crm.lead.change_pipeline(3)  # type: ignore[attr-defined]
    await crm.quote.create_order()  # type: ignore[attr-defined]
    await crm.deal.book_resource("x", start, timedelta(1))  # type: ignore[call-arg]
