"""Orders of an item, and their payments."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from attrs import frozen

from bizproc.model.references import BEGINNING, DERIVED


@frozen(kw_only=True)
class Order:
    """
    An order: what a client buys of a deal or an invoice. Its rows are product rows.

    Attributes:
        owner_kind, owner_id: The deal or invoice.
        number: As the client sees it.
        amount: The sum of its rows.
        status: `new`, `paid` or `cancelled`.
    """

    item_type: ClassVar[str] = "order"

    id: Annotated[int, DERIVED]
    owner_kind: str = "deal"
    owner_id: int = 0
    number: str = ""
    status: str = "new"
    amount: Decimal = Decimal(0)
    currency: str = "EUR"
    company_id: int | None = None
    contact_id: int | None = None
    responsible_id: int | None = None
    created_at: datetime = BEGINNING


@frozen(kw_only=True)
class Payment:
    """
    A payment of an order.

    Attributes:
        owner_kind, owner_id: The order: `order` and its id.
        account_number: As the client sees it: the order's number, a slash and its own.
        sum: What is to be paid.
        paid_at: When it was; None until then.
        provider: Which payment provider took it.
        reference: The provider's name for it.
        url: Its page, once there is a link.
    """

    item_type: ClassVar[str] = "payment"

    id: Annotated[int, DERIVED]
    owner_kind: str = "order"
    owner_id: int = 0
    account_number: str = ""
    sum: Decimal = Decimal(0)
    currency: str = "EUR"
    paid: bool = False
    paid_at: datetime | None = None
    provider: str | None = None
    reference: str | None = None
    url: str | None = None
    created_at: datetime = BEGINNING

    @property
    def order_id(self) -> int:
        """The order it pays."""
        return self.owner_id
