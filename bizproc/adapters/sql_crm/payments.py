"""Payments of orders: their links, and that they were paid. Orders are made elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bizproc.adapters.sql_crm import history, orders
from bizproc.adapters.sql_crm.belongings import change, those
from bizproc.adapters.sql_crm.reading import Runs, belonging, read
from bizproc.adapters.sql_crm.shapes import CODEC, SHAPES, shape_of
from bizproc.core.errors import ItemNotFound, UnknownItem
from bizproc.model.bills import Bill
from bizproc.model.orders import Order, Payment
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing

_TAKEN: Final = "SELECT 1 FROM payment WHERE provider IS ? AND reference = ? AND paid = 1 AND id <> ?"
_OURS: Final = "is_my_company = 1"


def one(connection: Runs, id: Any) -> Payment:
    """A payment. Raises ItemNotFound."""
    payment: Payment = read(connection, SHAPES["payment"], id)
    return payment


def is_reference_taken(connection: Runs, provider: str | None, reference: str, payment: Payment) -> bool:
    """Whether another payment was paid by what a provider calls so."""
    return connection.execute(_TAKEN, (provider, reference, payment.id)).fetchone() is not None


def update(performing: Performing, payment: Payment, fields: Mapping[str, Any]) -> Payment:
    """Write some of its fields."""
    changed: Payment = change(performing.transaction, payment, **fields)
    return changed


def record(performing: Performing, payment: Payment, fields: Mapping[str, Any]) -> Payment:
    """It was paid. See `ports.crm.Crm.record_payment`."""
    tx, author = performing.transaction, performing.author
    paid = update(performing, payment, fields)
    order: Order = read(tx, SHAPES["order"], payment.order_id)
    owner = ItemRef(order.owner_kind, order.owner_id)
    facts = {"order": order.id, "payment": paid.id, "sum": paid.sum, "currency": paid.currency}
    history.line(performing, owner, "paid", author, field="payment", new=CODEC.encode(paid.account_number))
    history.emit(performing, "payment.paid", owner, author, **facts)
    if order.status == "new" and all(each.paid for each in orders.payments(performing, order.id)):
        change(tx, order, status="paid")
        history.emit(performing, "order.paid", ItemRef("order", order.id), author, **facts)
    return paid


def note(performing: Performing, payment: Payment, text: str) -> None:
    """What came does not fit: a line in the history of the item."""
    order: Order = read(performing.transaction, SHAPES["order"], payment.order_id)
    owner = ItemRef(order.owner_kind, order.owner_id)
    history.line(
        performing,
        owner,
        "payment_unfit",
        performing.author,
        field="payment",
        old=CODEC.encode(f"{payment.sum} {payment.currency}"),
        new=CODEC.encode(text),
        text=payment.account_number,
    )


def bill(connection: Runs, payment: int) -> Bill:
    """What a payment's page shows. Raises ItemNotFound."""
    found = one(connection, payment)
    order: Order = read(connection, SHAPES["order"], found.order_id)
    rows = belonging(connection, SHAPES["product_row"], ItemRef("order", order.id))
    company = _ours(connection, order)
    return Bill(payment=found, order=order, rows=rows, company=company, bank=_account(connection, company))


def has_account(connection: Runs) -> bool:
    """Whether the page of a payment can say where to transfer it, at least for one of our companies."""
    accounts = [_account(connection, company) for company in those(connection, "company", _OURS)]
    return any(account is not None and any(account.fields.values()) for account in accounts)


def _account(connection: Runs, company: Any) -> Any:
    """The bank account to which a company is paid, or None."""
    details = _first(connection, "details", "company_id = ?", company.id) if company else None
    return _first(connection, "bank_details", "details_id = ?", details.id) if details else None


def _ours(connection: Runs, order: Order) -> Any:
    """The company that is paid: the item's, or else the first of ours."""
    try:
        item = read(connection, shape_of(order.owner_kind), order.owner_id)
    except (ItemNotFound, UnknownItem):
        item = None
    own = getattr(item, "my_company_id", None)
    if own is not None:
        return read(connection, SHAPES["company"], own)
    return next(iter(those(connection, "company", _OURS)), None)


def _first(connection: Runs, kind: str, condition: str, *parameters: Any) -> Any:
    several = those(connection, kind, condition, *parameters)
    return min(several, key=lambda each: (not each.selected, each.sort, each.id), default=None)
