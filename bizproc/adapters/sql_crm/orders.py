"""Orders of a deal or an invoice, with their rows and their payments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, Final

from attrs import evolve

from bizproc.adapters.sql_crm import history, rows
from bizproc.adapters.sql_crm.belongings import add, change, those
from bizproc.adapters.sql_crm.reading import belonging, exists, read
from bizproc.adapters.sql_crm.shapes import CODEC, SHAPES, shape_of
from bizproc.core.errors import OrderNotFound, ProductNotFound, UnknownItem
from bizproc.model.orders import Order, Payment
from bizproc.model.products import Product, ProductRow
from bizproc.model.references import ItemRef
from bizproc.ports.performing import Performing

ORDERED: Final = ("deal", "invoice")
"""What can have orders."""


def create_order(performing: Performing, ref: ItemRef, products: Sequence[Any] | None) -> Order:
    """Make an order with its rows and what is to be paid. See `ports.crm.Crm.create_order`."""
    if ref.kind not in ORDERED:
        raise UnknownItem(kind=ref.kind, known=f"of those that have orders: {', '.join(ORDERED)}")
    tx = performing.transaction
    item = read(tx, shape_of(ref.kind), ref.id)
    bought = [
        rows.in_currency(_row(performing, each, place), item.currency)
        for place, each in enumerate(belonging(tx, SHAPES["product_row"], ref) if products is None else products)
    ]
    order = add(
        tx,
        "order",
        ref,
        currency=item.currency,
        amount=rows.added_up(bought, item.currency),
        company_id=item.company_id,
        contact_id=item.contact_id,
        responsible_id=item.responsible_id,
        created_at=performing.now,
    )
    order = change(tx, order, number=str(order.id))
    _write_rows(performing, order, bought)
    if order.amount > 0:
        _ask_for_payment(performing, order)
    history.line(performing, ref, "order_created", performing.author, new=CODEC.encode(order.number))
    history.emit(performing, "order.created", ref, performing.author, order=order.id, amount=order.amount)
    made: Order = order
    return made


def payments(performing: Performing, order: Any) -> tuple[Payment, ...]:
    """The payments of an order, the oldest first. Raises OrderNotFound."""
    if not exists(performing.transaction, SHAPES["order"], order):
        raise OrderNotFound(order=order)
    return tuple(those(performing.transaction, "payment", "owner_kind = 'order' AND owner_id = ?", order))


def _row(performing: Performing, bought: ProductRow | Product | int, place: int) -> ProductRow:
    sort = (place + 1) * 10
    if isinstance(bought, ProductRow):
        return evolve(bought, sort=sort)
    id_ = bought.id if isinstance(bought, Product) else bought
    if not exists(performing.transaction, SHAPES["product"], id_):
        raise ProductNotFound(product=id_)
    product = read(performing.transaction, SHAPES["product"], id_)
    return ProductRow(
        id=0,
        product_id=product.id,
        name=product.name,
        price=product.price,
        quantity=Decimal(1),
        measure=product.measure,
        type=product.type,
        tax_rate=product.tax_rate,
        tax_included=product.tax_included,
        sort=sort,
    )


def _write_rows(performing: Performing, order: Order, bought: Iterable[ProductRow]) -> None:
    shape, owner = SHAPES["product_row"], ItemRef("order", order.id)
    for row in bought:
        values = {name: getattr(row, name) for name in shape.names if not name.startswith("owner_")}
        add(performing.transaction, "product_row", owner, **{**values, "id": None})


def _ask_for_payment(performing: Performing, order: Order) -> None:
    number = f"{order.number}/1"
    add(
        performing.transaction,
        "payment",
        ItemRef("order", order.id),
        account_number=number,
        sum=order.amount,
        currency=order.currency,
        created_at=performing.now,
    )
