"""Leads: somebody who may become a client, and what they may want."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, ClassVar

from attrs import frozen

from bizproc.model.items import StagedFields, StagedItem
from bizproc.model.multi_fields import MultiField
from bizproc.model.people import Entered, full_name
from bizproc.model.references import DERIVED, HonorificCode
from bizproc.model.showing import as_code


@frozen(kw_only=True)
class Lead(StagedItem):
    """
    A lead: the fields of an item with stages, of a person and of a company.

    Attributes:
        status: Another name of `stage`.
        honorific: A code of the reference HONORIFIC.
        company_title: What their company is called, as they said.
        contact_ids, company_id: Clients that are known already.
        is_return_customer: They are known: follows `contact_ids` and `company_id` until the lead is won.
        closed_at: When its stage became final.
    """

    item_type: ClassVar[str] = "lead"
    __repr__ = as_code
    aliases: ClassVar[Mapping[str, str]] = {"status": "stage"}

    honorific: HonorificCode | None = None
    name: str = ""
    second_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    post: str = ""
    company_title: str = ""
    status_description: str = ""
    phones: tuple[MultiField, ...] = ()
    emails: tuple[MultiField, ...] = ()
    webs: tuple[MultiField, ...] = ()
    ims: tuple[MultiField, ...] = ()
    address: str = ""
    address_2: str = ""
    city: str = ""
    region: str = ""
    province: str = ""
    postal_code: str = ""
    country: str = ""
    is_return_customer: Annotated[bool, DERIVED] = False
    closed_at: Annotated[datetime | None, DERIVED] = None

    @property
    def status(self) -> str:
        """The stage."""
        return self.stage

    @property
    def full_name(self) -> str:
        """The person's name."""
        return full_name(self.name, self.second_name, self.last_name)


class LeadFields(StagedFields, total=False):
    """What may be written of a lead."""

    status: str
    honorific: HonorificCode | None
    name: str
    second_name: str
    last_name: str
    birth_date: date | None
    post: str
    company_title: str
    status_description: str
    phones: Entered
    emails: Entered
    webs: Entered
    ims: Entered
    address: str
    address_2: str
    city: str
    region: str
    province: str
    postal_code: str
    country: str
