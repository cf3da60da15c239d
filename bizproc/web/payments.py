"""The page of a payment, and the news of whoever takes it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from starlette.responses import Response

from bizproc.actions.payments import PAGE, RecordPayment
from bizproc.core.errors import ItemNotFound, PaymentUnfit
from bizproc.model.bills import Bill
from bizproc.model.money import Money
from bizproc.model.printing import Printer
from bizproc.model.tokens import Signer
from bizproc.ports.payments import PAYMENTS, PURPOSE, NotGenuine, Paid, PaymentProvider
from bizproc.runtime import Runtime
from bizproc.web.guarding import NotHere, log
from bizproc.web.showing import Pages


async def by_token(runtime: Runtime, signer: Signer, token: str, pages: Pages) -> Response:
    """The page of the payment that a token names. Raises NotHere."""
    numbers = signer.read(PAGE, token)
    if numbers is None or len(numbers) != 1:
        raise NotHere
    try:
        bill = await runtime.bill(numbers[0])
    except ItemNotFound:
        raise NotHere from None
    if bill.order.status == "cancelled":
        raise NotHere
    return pages.page("payment", **_shown(bill, runtime))


def _shown(bill: Bill, runtime: Runtime) -> Mapping[str, Any]:
    printer = Printer(portal=runtime.portal)
    payment, order = bill.payment, bill.order
    return {
        "number": payment.account_number,
        "order": order.number,
        "company": "" if bill.company is None else bill.company.title,
        "rows": [
            {
                "name": row.name,
                "quantity": printer.value(row.quantity),
                "price": printer.value(Money(row.net_price, row.currency)),
                "sum": printer.value(Money(row.sum, row.currency)),
            }
            for row in bill.rows
        ],
        "sum": printer.value(Money(payment.sum, payment.currency)),
        "paid": payment.paid,
        "paid_at": "" if payment.paid_at is None else printer.value(payment.paid_at),
        "account": {} if bill.bank is None else {name: str(value) for name, value in bill.bank.fields.items() if value},
        "link": payment.url if payment.provider not in (None, "page") else None,
    }


async def heard(runtime: Runtime, signer: Signer, headers: Mapping[str, str], body: bytes, now: datetime) -> Response:
    """What a provider tells. All that is genuine is taken, so that it is not told again. Raises NotHere."""
    provider: PaymentProvider | None = runtime.outside.channels.get(PAYMENTS)  # type: ignore[assignment]  # by its name
    if provider is None:
        raise NotHere
    try:
        news = provider.heard(headers, body, now)
    except NotGenuine:
        raise NotHere from None
    for paid in news:
        await _record(runtime, signer, paid)
    return Response(status_code=204)


async def _record(runtime: Runtime, signer: Signer, paid: Paid) -> None:
    numbers = signer.read(PURPOSE, paid.token)
    if numbers is None or len(numbers) != 1:
        return  # another store's
    try:
        await runtime.perform(
            RecordPayment(numbers[0], paid.reference, paid.provider, paid.sum, paid.currency, paid.at)
        )
    except ItemNotFound:
        log.warning("%s tells of a payment that is not there any more: %s", paid.provider, paid.reference)
    except PaymentUnfit as error:
        log.error("%s tells of %s: %s", paid.provider, paid.reference, error)
