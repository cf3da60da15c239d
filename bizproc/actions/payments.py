"""Payments of orders: the link under which a client pays, and that they have paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from attrs import frozen

from bizproc.actions.orders import OrderRef, first_order
from bizproc.core.action import ItemAction, Target, action_type, given, option
from bizproc.core.commands import Action, Delivered, Outgoing, Settling, Verdict
from bizproc.core.errors import NothingToPay, OrderNotFound, PaymentUnfit, WrongValue
from bizproc.model.orders import Order, Payment
from bizproc.ports.crm import Crm
from bizproc.ports.payments import PAYMENTS, PURPOSE, LinkMade, PaymentAsked

TRANSFER: Final = "transfer"
"""Who took a payment that a person records: nobody but the bank."""

PAGE: Final = "pay"
"""The purpose of the token that shows the page of a payment."""


@action_type("crm.get_payment_link")
class GetPaymentLink(ItemAction[str], Delivered[str]):
    """
    The link under which the client can pay an order.

    Of an order with several payments the first that is not paid. A payment keeps its link: asked for again, it is the
    same. Under it the client sees what is to be paid, and, once it is, that it was. Heading 33.

    Args:
        order: The order or its id; of several the first.

    Raises:
        OrderNotFound: no such order, or none is given.
        NothingToPay: the order has no payment.
        SendRefused: the payment provider makes no link for it.
        ChannelMissing: no payment provider is set up.
    """

    target: Target
    order: OrderRef

    async def perform(self, port: Crm) -> Any:
        order = first_order(self.order)
        if order is None:
            raise OrderNotFound(order=None)
        payments = await port.payments(order)
        if not payments:
            raise NothingToPay(order=order)
        payment = next((each for each in payments if not each.paid), payments[0])
        if payment.url is not None:
            return payment.url
        signer = await port.signer()
        asked = PaymentAsked(
            token=signer.token(PURPOSE, payment.id),
            title=payment.account_number,
            sum=payment.sum,
            currency=payment.currency,
            page=port.portal.page(PAGE, signer.token(PAGE, payment.id)),
        )
        return Outgoing(PAYMENTS, asked, Linked(payment=payment.id))


@frozen(kw_only=True)
class Linked(Settling):
    """A link was made for a payment."""

    payment: int

    async def settle(self, port: Crm, verdict: Verdict) -> Any:
        if verdict.fate != "accepted":
            return None
        made: LinkMade = verdict.receipt
        payment = await port.payment(self.payment)
        if payment.url is None:  # else another step was faster: its link is the payment's
            fields = {"url": made.url, "provider": made.provider, "reference": made.reference}
            payment = await port.update_payment(payment, fields)
        return payment.url


@action_type("payment.record")
class RecordPayment(Action[Payment]):
    """
    A payment was made. One that is paid already stays as it is, however often and however late that is told.

    Tells so on the item (`payment.paid`), and, when all payments of the order are, on the order (`order.paid`).

    Args:
        payment: The payment or its id.
        reference: What who took it calls it; the same in all news of it.
        provider: Who took it.
        sum: What was paid; what was to be paid, if left out.
        currency: In which.
        at: When; now if left out.

    Raises:
        ItemNotFound: no such payment.
        PaymentUnfit: less was paid, or in another currency; or the reference is another payment's.
    """

    payment: Payment | int
    reference: str | None = None
    provider: str | None = None
    sum: Decimal | None = None
    currency: str | None = None
    at: datetime | None = None

    @property
    def name(self) -> str:
        return "payment.record"

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return Payment

    async def perform(self, port: Crm) -> Payment:
        payment = await port.payment(self.payment if isinstance(self.payment, int) else self.payment.id)
        if payment.paid:
            return payment
        got = self.sum if self.sum is not None else payment.sum, self.currency or payment.currency
        if got[0] < payment.sum or got[1] != payment.currency:
            port.performing.leave_behind(_say(payment, got))
            raise PaymentUnfit(
                payment=payment.id, expected=f"{payment.sum} {payment.currency}", got=f"{got[0]} {got[1]}"
            )
        provider = self.provider or payment.provider
        if self.reference is not None and await port.is_reference_taken(provider, self.reference, payment):
            raise PaymentUnfit(payment=payment.id, expected="a reference of its own", got=self.reference)
        now = port.performing.now
        fields = {
            "paid": True,
            "paid_at": now if self.at is None else min(self.at, now),
            "provider": provider,
            "reference": self.reference or payment.reference,
        }
        return await port.record_payment(payment, fields)


def _say(payment: Payment, got: tuple[Decimal, str]) -> Any:
    async def say(port: Crm, _error: Exception) -> None:
        await port.note_payment(payment, f"{got[0]} {got[1]}")

    return say


@action_type("crm.record_payment")
class RecordTransfer(ItemAction[Payment]):
    """
    Record that the client has paid, by transfer or in cash: what nobody else tells.

    It counts as what a payment provider tells: the item and the order hear of it, and who waits for it goes on. A
    payment that is paid stays as it is; an order whose payments are all paid gives back its last. Told again with the
    same `reference`, it is the same payment.

    Args:
        order: The order or its id: its first payment that is not paid is. Or a payment, and it is that one.
        reference: What the bank calls it: the same for one transfer, however often it is recorded.
        provider: How it was paid: `transfer`, `cash`.
        sum: What was paid; what was to be paid, if left out.
        currency: In which; the payment's, if left out.
        at: When; now if left out.

    Raises:
        OrderNotFound: no such order.
        WrongValue: an order or a payment of another item.
        NothingToPay: the order has no payment.
        PaymentUnfit: less was paid, or in another currency; or the reference is another payment's.
        ItemNotFound: no such item.
    """

    target: Target
    order: Order | Payment | int
    _: KW_ONLY
    reference: str | None = option(default=None)
    provider: str = option(default=TRANSFER)
    sum: Decimal | None = option(default=None)
    currency: str | None = option(default=None)
    at: datetime | None = option(default=None)

    async def perform(self, port: Crm) -> Payment:
        payment = await self._payment(port)
        return await RecordPayment(payment, self.reference, self.provider, self.sum, self.currency, self.at).perform(
            port
        )

    async def _payment(self, port: Crm) -> Payment:
        named = self.order
        order = named.order_id if isinstance(named, Payment) else named if isinstance(named, int) else named.id
        payments = await port.payments(order)
        ref = await port.resolve(self.target.kind, self.target.id)
        if order not in [each.id for each in await port.orders(ref)]:
            expected = f"an order of {ref.kind} {ref.id}, or a payment of one"
            raise WrongValue(action=self.name, parameter="order", expected=expected, got=f"order {order}")
        if isinstance(named, Payment):
            return named
        if not payments:
            raise NothingToPay(order=order)
        # A transfer that was recorded pays nothing else.
        known = (self.provider, self.reference) if self.reference is not None else ()
        told = next((each for each in payments if each.paid and (each.provider, each.reference) == known), None)
        return told or next((each for each in payments if not each.paid), payments[-1])
