"""Actions on the orders of a deal or an invoice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import OrderNotFound
from bizproc.model.orders import Order, Payment
from bizproc.model.products import ProductRef, ProductRow
from bizproc.ports.crm import Crm

OrderRef: TypeAlias = Order | int | Sequence[Order | int]
"""An order, or its id; of several the first."""


@action_type("crm.create_order")
class CreateOrder(ItemAction[Order]):
    """
    Make an order of the item: its rows are copied, and what they come to is to be paid.

    An order of nothing has no payment. The client, the person in charge and the currency are the item's.

    Args:
        products: Rows to be copied, and products of the catalogue (one of each, at the catalogue's price). All rows of
            the item if left out.

    Raises:
        ProductNotFound: no such product in the catalogue.
        ItemNotFound: no such item.
    """

    target: Target
    products: Sequence[ProductRow | ProductRef] | None = option(default=None)

    async def perform(self, port: Crm) -> Order:
        return await port.create_order(await port.resolve(self.target.kind, self.target.id), self.products)


@action_type("crm.orders")
class Orders(ItemAction[tuple[Order, ...]]):
    """
    The item's orders, the oldest first.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[Order, ...]:
        return await port.orders(await port.resolve(self.target.kind, self.target.id))


@action_type("crm.payment_information")
class PaymentInformation(ItemAction[Payment | None]):
    """
    The first payment of an order; None if there is nothing to be paid. Heading 38.

    Args:
        order: The order or its id; of several the first.

    Raises:
        OrderNotFound: no such order, or none is given.
    """

    target: Target
    order: OrderRef

    async def perform(self, port: Crm) -> Payment | None:
        order = first_order(self.order)
        if order is None:
            raise OrderNotFound(order=None)
        return next(iter(await port.payments(order)), None)


def first_order(order: OrderRef) -> int | None:
    """The id of the order that a parameter names; None if it names none."""
    one = order if isinstance(order, Order | int) else next(iter(order), None)
    return one.id if isinstance(one, Order) else one
