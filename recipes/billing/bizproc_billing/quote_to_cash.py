"""The recipe `billing.quote_to_cash`: from a deal to its money, or back to where it was."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from bizproc import F, Filter, Process, crm, on, printed, process, race, recipe, saga, wait
from bizproc.errors import WrongArgument
from bizproc.model import Deal, Invoice

LOST: Final = ("failure", "apology")


@recipe(
    "billing.quote_to_cash",
    since="1.0",
    needs=(
        "template.{template}",
        "stage.deal.{stage}",
        "stage.quote.APPROVED",
        "stage.quote.DECLAINED",
        "stage.invoice.SENT",
        "stage.invoice.PAID",
        "stage.invoice.UNPAID",
        "provider.documents",
        "provider.payments",
        "provider.mail",
    ),
)
def quote_to_cash(
    *,
    template: str,
    stage: str = "PREPAYMENT_INVOICE",
    reminders: tuple[int, ...] = (3, 7, 14),
    salutation: str = "Dear customer,",
    only: Filter | None = None,
) -> Process[..., Any]:
    """
    Quote a deal, invoice it, mail the stamped invoice with a payment link, and remind of it until it is paid.

    A deal that is lost takes everything back: the quote is declined, the invoice cancelled, and no reminder follows.

    Args:
        template: The code of the template that invoices are made from.
        stage: The deal's stage in which it begins.
        reminders: After how many working days the client is reminded, each counted from the invoice.
        salutation: How mails begin.
        only: Which deals, as they are when they enter the stage; all if left out.
    """

    if sorted({*reminders}) != list(reminders) or not all(1 <= days <= 365 for days in reminders):
        expected = "numbers of working days from 1 to 365, each more than the one before"
        raise WrongArgument(
            process="billing.quote_to_cash", parameter="reminders", expected=expected, got=repr(reminders)
        )

    @process("billing.quote_to_cash", starts=on.stage("deal", stage, where=only))
    async def bring_in(deal: Deal) -> str:
        """From a deal to its money."""
        first = await race(lost(deal), billed(deal))
        return first.value

    async def billed(deal: Deal) -> str:
        if (await crm.deal.read()).semantics in LOST:
            return "lost"
        if await crm.invoice.find_first((F.deal_id == deal.id) & (F.semantics != "failure")):
            return "invoiced already"
        async with saga() as undo:
            made = await crm.deal.convert(quote=True, invoice=True)
            quote, invoice = crm.quote(made.quote_id or 0), crm.invoice(made.invoice_id or 0)
            undo.compensate(quote.change_stage("DECLAINED"))
            undo.compensate(invoice.change_stage("UNPAID"))

            document = await invoice.create_document(template, wait_for_pdf=True, with_stamp=True)
            order = await invoice.create_order()
            link = await invoice.get_payment_link(order)
            bill = await invoice.read()
            await race(paid(bill), asked_for(bill, link, document.pdf_id))

            await invoice.change_stage("PAID")
            await quote.change_stage("APPROVED")
            await crm.deal.add_comment(f"Invoice {bill.number} is paid: {printed(bill, 'amount')}")
        return "paid"

    async def asked_for(bill: Invoice, link: str, pdf: int | None) -> None:
        invoice = crm.invoice(bill.id)
        attachments = [] if pdf is None else [await crm.drive.file(pdf)]
        sum_ = printed(bill, "amount")
        text = f"{salutation}\n\nInvoice {bill.number} comes to {sum_}. You can pay it here: [url]{link}[/url]"
        await invoice.send_email(f"Invoice {bill.number}", text, attachments=attachments)
        await invoice.change_stage("SENT")
        for earlier, days in pairwise((0, *reminders)):
            await wait.working_days(days - earlier)
            await invoice.send_email(f"Reminder: invoice {bill.number}", text, attachments=attachments)
        await crm.deal.add_activity(f"Invoice {bill.number} is not paid", f"{sum_}, {link}", important=True)
        await paid(bill)  # it may still come, and somebody sees to it

    return bring_in


async def paid(bill: Invoice) -> None:
    """By the link or by transfer, or somebody says so."""
    await wait.for_event(on.payment_paid(bill) | on.stage(bill, "PAID"))


async def lost(deal: Deal) -> str:
    """Waits from before the first step: there is no moment at which a deal is lost and nobody hears of it."""
    await wait.for_event(on.became(deal, F.semantics.is_in(LOST)))
    return "lost"
