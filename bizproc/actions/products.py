"""Actions on the product rows of an item."""

from __future__ import annotations

from dataclasses import KW_ONLY
from decimal import Decimal

from bizproc.core.action import ItemAction, Target, action_type, between, more_than, option
from bizproc.model.money import Number
from bizproc.model.products import Product, ProductRef, ProductRow
from bizproc.ports.crm import Crm


@action_type("crm.add_product")
class AddProduct(ItemAction[ProductRow]):
    """
    Append a product row; the item's amount follows unless it was set by hand.

    Rows are never merged: the same product twice gives two rows. The name comes from the catalogue, the currency is
    the item's. Heading 2; D21.

    Args:
        product: The catalogue's product or its id.
        price: Of a unit, before discount, in the item's currency; the catalogue's if left out. 0 is a price.
        quantity: More than 0.
        discount_percent: 0 to 100.

    Raises:
        ProductNotFound: no such product in the catalogue.
        ItemNotFound: no such item.
        WrongValue: a quantity or a discount out of its range.
    """

    target: Target
    product: ProductRef
    _: KW_ONLY
    price: Number | None = option(default=None)
    quantity: Number = option(default=Decimal(1), validator=more_than(0))
    discount_percent: Number = option(default=Decimal(0), validator=between(0, 100))

    async def perform(self, port: Crm) -> ProductRow:
        ref = await port.resolve(self.target.kind, self.target.id)
        product = self.product.id if isinstance(self.product, Product) else self.product
        return await port.add_product(
            ref, product, price=self.price, quantity=self.quantity, discount_percent=self.discount_percent
        )


@action_type("crm.products")
class Products(ItemAction[tuple[ProductRow, ...]]):
    """
    The item's product rows as they are now, in order.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[ProductRow, ...]:
        return await port.products(await port.resolve(self.target.kind, self.target.id))
