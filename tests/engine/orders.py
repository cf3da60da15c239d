"""An order with a payment, made as the CRM keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from attrs import frozen

from bizproc.adapters.sql_crm.belongings import add, change
from bizproc.adapters.sql_crm.reading import belonging
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.core.commands import Action
from bizproc.model import Order
from bizproc.model.references import ItemRef


@frozen
class MakeOrder(Action[Order]):
    """An order of all rows of an item; what they come to is to be paid, in as many payments as are named."""

    owner: ItemRef
    sums: tuple[Decimal, ...] = (Decimal(145),)
    status: str = "new"

    @property
    def name(self) -> str:
        return "tests.make_order"

    def arguments(self) -> Mapping[str, object]:
        return {"owner": self.owner}

    async def perform(self, port: Any) -> Order:
        tx, now = port.performing.transaction, port.performing.now
        item = await port.read(self.owner)
        order = add(tx, "order", self.owner, currency=item.currency, status=self.status, created_at=now)
        order = change(tx, order, number=str(order.id), amount=sum(self.sums, Decimal(0)))
        for row in belonging(tx, SHAPES["product_row"], self.owner):
            values = {name: getattr(row, name) for name in SHAPES["product_row"].names if not name.startswith("owner")}
            add(tx, "product_row", ItemRef("order", order.id), **{**values, "id": None})
        for place, amount in enumerate(self.sums, start=1):
            number = f"{order.number}/{place}"
            owner = ItemRef("order", order.id)
            add(tx, "payment", owner, account_number=number, sum=amount, currency=item.currency, created_at=now)
        made: Order = order
        return made
