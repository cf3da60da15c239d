"""Actions on the product rows of an item."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from decimal import Decimal
from typing import TypeAlias

from bizproc.core.action import ItemAction, Target, action_type, between, more_than, option
from bizproc.core.errors import ProductNotFound, RowNotFound
from bizproc.model.money import Number
from bizproc.model.products import Product, ProductRef, ProductRow
from bizproc.ports.crm import Crm

_Named: TypeAlias = Product | ProductRow | int


@action_type("crm.add_product")
class AddProduct(ItemAction[ProductRow]):
    """
    Append a product row; the item's amount follows unless it was set by hand.

    Rows are never merged: the same product twice gives two rows. The name comes from the catalogue, the currency is
    the item's. Heading 2; D21.

    Args:
        product: The catalogue's product or its id; of several the first.
        price: Of a unit, before discount, in the item's currency; the catalogue's if left out. 0 is a price.
        quantity: More than 0.
        discount_percent: 0 to 100.

    Raises:
        ProductNotFound: no such product in the catalogue.
        ItemNotFound: no such item.
        WrongValue: a quantity or a discount out of its range.
    """

    target: Target
    product: ProductRef | Sequence[ProductRef]
    _: KW_ONLY
    price: Number | None = option(default=None)
    quantity: Number = option(default=Decimal(1), validator=more_than(0))
    discount_percent: Number = option(default=Decimal(0), validator=between(0, 100))

    async def perform(self, port: Crm) -> ProductRow:
        ref = await port.resolve(self.target.kind, self.target.id)
        product = _first_id(self.product)
        if product is None:
            raise ProductNotFound(product=None)
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


@action_type("crm.delete_products")
class DeleteProducts(ItemAction[tuple[ProductRow, ...]]):
    """
    Remove all of the item's product rows; gives them. The amount follows unless it was set by hand.

    Where there are none, nothing happens. Heading 24.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[ProductRow, ...]:
        return await port.delete_products(await port.resolve(self.target.kind, self.target.id))


@action_type("crm.product_information")
class ProductInformation(ItemAction[ProductRow]):
    """
    One of the item's product rows as it is now. Heading 39.

    Args:
        row: A row of the item, or its id, which is not the product's; of several the first.

    Raises:
        RowNotFound: the item has no such row, or none is given.
        ItemNotFound: no such item.
    """

    target: Target
    row: ProductRow | int | Sequence[ProductRow | int]

    async def perform(self, port: Crm) -> ProductRow:
        ref = await port.resolve(self.target.kind, self.target.id)
        wanted = _first_id(self.row)
        for row in await port.products(ref):
            if row.id == wanted:
                return row
        raise RowNotFound(kind=ref.kind, id=ref.id, row=wanted)


def _first_id(given: _Named | Sequence[_Named]) -> int | None:
    """The id that a parameter names: of several the first, None of none."""
    one = next(iter(given), None) if isinstance(given, Sequence) else given
    return one.id if isinstance(one, Product | ProductRow) else one
