"""Deals."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

from attrs import frozen

from bizproc.model.items import StagedFields, StagedItem
from bizproc.model.references import DERIVED, DealTypeCode, LeadId, QuoteId
from bizproc.model.showing import as_code


@frozen(kw_only=True)
class Deal(StagedItem):
    """
    A deal.

    Attributes:
        type: A code of the reference DEAL_TYPE.
        probability: In percent.
        close_date: When it is expected to close; the day it was closed, once its stage is final.
        lead_id, quote_id: What it came from.
        is_return_customer: Its contact or company had a deal before it was made.
    """

    item_type: ClassVar[str] = "deal"
    __repr__ = as_code

    type: DealTypeCode | None = None
    probability: int | None = None
    begin_date: date | None = None
    close_date: date | None = None
    lead_id: LeadId | None = None
    quote_id: QuoteId | None = None
    is_return_customer: Annotated[bool, DERIVED] = False


class DealFields(StagedFields, total=False):
    """What may be written of a deal."""

    type: DealTypeCode | None
    probability: int | None
    begin_date: date | None
    close_date: date | None
    lead_id: LeadId | None
    quote_id: QuoteId | None
