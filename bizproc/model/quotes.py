"""Quotes: what is offered to a client, and at what price."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from attrs import frozen

from bizproc.model.items import StagedFields, StagedItem
from bizproc.model.references import CompanyId, DealId, LeadId
from bizproc.model.showing import as_code


@frozen(kw_only=True)
class Quote(StagedItem):
    """
    A quote.

    Attributes:
        number: As the client sees it; its id, where none was given.
        begin_date, close_date: Its first day, and the last on which it is valid.
        lead_id, deal_id: What it was made for.
        my_company_id: Which of our companies offers it.
        content, terms: Free texts.
    """

    item_type: ClassVar[str] = "quote"
    __repr__ = as_code

    number: str = ""
    begin_date: date | None = None
    close_date: date | None = None
    lead_id: LeadId | None = None
    deal_id: DealId | None = None
    my_company_id: CompanyId | None = None
    content: str = ""
    terms: str = ""


class QuoteFields(StagedFields, total=False):
    """What may be written of a quote."""

    number: str
    begin_date: date | None
    close_date: date | None
    lead_id: LeadId | None
    deal_id: DealId | None
    my_company_id: CompanyId | None
    content: str
    terms: str
