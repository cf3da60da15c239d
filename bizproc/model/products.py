"""Products of the catalogue, and the rows by which items sell them."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar, TypeAlias, TypedDict

from attrs import frozen

from bizproc.model.money import net_price
from bizproc.model.references import DERIVED
from bizproc.model.showing import as_code


@frozen(kw_only=True)
class Product:
    """
    A product of the catalogue.

    Attributes:
        code: The catalogue's own name for it.
        price: Of a unit, exact, in `currency`.
        measure: What a unit is.
        section: Where it stands in the catalogue.
        type: 1 simple, 2 set, 3 with offers, 4 offer, 7 service.
        tax_rate: In percent; None where there is no tax.
        tax_included: Whether the price contains the tax.
    """

    item_type: ClassVar[str] = "product"
    __repr__ = as_code

    id: Annotated[int, DERIVED]
    code: str | None = None
    name: str = ""
    price: Decimal = Decimal(0)
    currency: str = "EUR"
    measure: str = ""
    section: str = ""
    description: str = ""
    type: int = 1
    tax_rate: Decimal | None = None
    tax_included: bool = False
    active: bool = True

    @property
    def title(self) -> str:
        """The name."""
        return self.name


class ProductFields(TypedDict, total=False):
    """What may be written of a product."""

    code: str | None
    name: str
    price: Decimal | int
    currency: str
    measure: str
    section: str
    description: str
    type: int
    tax_rate: Decimal | int | None
    tax_included: bool
    active: bool


ProductRef: TypeAlias = Product | int
"""A product of the catalogue, or its id."""


@frozen(kw_only=True)
class ProductRow:
    """
    A row of an item: so much of a product at a price.

    Attributes:
        owner_kind, owner_id: The item it belongs to.
        product_id: None for a row that was written by hand.
        name: The product's, when the row was made.
        price: Of a unit, before discount, exact, in the item's currency.
        quantity: Exact.
        discount_percent: 0 to 100.
        sum: price × quantity × (1 − discount), rounded half up to the currency's digits (D21).
        tax: The tax in `sum`, or on top of it.
        sort: Its place among the item's rows.
    """

    item_type: ClassVar[str] = "product_row"
    __repr__ = as_code

    id: int
    owner_kind: str = "deal"
    owner_id: int = 0
    product_id: int | None = None
    name: str = ""
    price: Decimal = Decimal(0)
    quantity: Decimal = Decimal(1)
    discount_percent: Decimal = Decimal(0)
    sum: Decimal = Decimal(0)
    currency: str = "EUR"
    measure: str = ""
    type: int = 1
    tax_rate: Decimal | None = None
    tax_included: bool = False
    tax: Decimal = Decimal(0)
    sort: int = 10

    @property
    def net_price(self) -> Decimal:
        """Of a unit, after discount, exact."""
        return net_price(self.price, self.discount_percent)
