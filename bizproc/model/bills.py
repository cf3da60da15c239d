"""What a client sees of a payment."""

from __future__ import annotations

from attrs import frozen

from bizproc.model.companies import Company
from bizproc.model.details import BankDetails
from bizproc.model.orders import Order, Payment
from bizproc.model.products import ProductRow


@frozen(kw_only=True)
class Bill:
    """
    A payment with its order.

    Attributes:
        rows: The order's.
        company: Ours that is paid.
        bank: The account it is paid to.
    """

    payment: Payment
    order: Order
    rows: tuple[ProductRow, ...]
    company: Company | None
    bank: BankDetails | None
