"""Invoices: what a client is to pay."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from attrs import frozen

from bizproc.model.items import StagedFields, StagedItem
from bizproc.model.references import CompanyId, DealId
from bizproc.model.showing import as_code


@frozen(kw_only=True)
class Invoice(StagedItem):
    """
    An invoice.

    Attributes:
        number: As the client sees it; its id, where none was given.
        begin_date: Its date.
        close_date: To be paid until.
        deal_id: The deal it belongs to.
        my_company_id: Which of our companies sends it.
    """

    item_type: ClassVar[str] = "invoice"
    __repr__ = as_code

    number: str = ""
    begin_date: date | None = None
    close_date: date | None = None
    deal_id: DealId | None = None
    my_company_id: CompanyId | None = None


class InvoiceFields(StagedFields, total=False):
    """What may be written of an invoice."""

    number: str
    begin_date: date | None
    close_date: date | None
    deal_id: DealId | None
    my_company_id: CompanyId | None
