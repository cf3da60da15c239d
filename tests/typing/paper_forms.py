"""What type checkers see of documents, payments, calendars and links. Nothing runs: mypy checks this file."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import assert_type

from bizproc import crm, on, wait
from bizproc.model import Company, CrmDocument, File, Order, Payment, Template, User
from bizproc.triggers.waits import Happened


async def answers(template: Template, order: Order, ours: Company, user: User, file: File) -> None:
    document = await crm.deal.create_document(template, wait_for_pdf=True, timeout=timedelta(minutes=5))
    assert_type(document, CrmDocument)
    assert_type(await crm.lead(3).create_document("offer", my_company=ours, values={"x": 1}), CrmDocument)
    assert_type(await crm.item("contract", 9).create_document(3, with_stamp=True, public_link=True), CrmDocument)
    assert_type(await crm.company(3).documents(), tuple[CrmDocument, ...])
    assert_type(await crm.document(document).publish(), CrmDocument)
    assert_type(await crm.document(3).revoke_link(), CrmDocument)
    assert_type(await crm.deal.get_payment_link(order), str)
    assert_type(await crm.invoice(3).get_payment_link([3, order]), str)
    payment = await crm.deal.record_payment(order, reference="statement 7", sum=Decimal(5))
    assert_type(payment, Payment)
    assert_type(await crm.invoice(3).record_payment(payment, provider="cash"), Payment)
    assert_type(await crm.user(user).calendar_link(), str)
    assert_type(await crm.drive.link(file, lasts=timedelta(days=1)), str)
    assert_type(await wait.for_event(on.payment_paid()), Happened)
