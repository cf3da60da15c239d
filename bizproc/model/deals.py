"""Deals."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from attrs import frozen

from bizproc.model.items import StagedFields, StagedItem


@frozen(kw_only=True)
class Deal(StagedItem):
    """
    A deal.

    Attributes:
        type: A code of the reference DEAL_TYPE.
        probability: In percent.
        close_date: When it is expected to close; the day it was closed, once its stage is final.
        lead_id, quote_id: What it came from.
    """

    item_type: ClassVar[str] = "deal"

    type: str | None = None
    probability: int | None = None
    begin_date: date | None = None
    close_date: date | None = None
    lead_id: int | None = None
    quote_id: int | None = None


class DealFields(StagedFields, total=False):
    """What may be written of a deal."""

    type: str | None
    probability: int | None
    begin_date: date | None
    close_date: date | None
    lead_id: int | None
    quote_id: int | None
