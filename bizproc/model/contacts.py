"""Contacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import ClassVar

from attrs import frozen

from bizproc.model.people import Reachable, ReachableFields, full_name
from bizproc.model.references import CompanyId, ContactTypeCode, FileId, HonorificCode, LeadId
from bizproc.model.showing import as_code


@frozen(kw_only=True)
class Contact(Reachable):
    """
    A person.

    Attributes:
        honorific, type: Codes of the references HONORIFIC and CONTACT_TYPE.
        post: What they are in their company.
        company_id: The primary company.
        company_ids: All of them, the primary one first.
        lead_id: What it came from.
        export: May be exported to address books.
    """

    item_type: ClassVar[str] = "contact"
    __repr__ = as_code
    primaries: ClassVar[Mapping[str, str]] = {"company_id": "company_ids"}

    honorific: HonorificCode | None = None
    name: str = ""
    second_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    photo_id: FileId | None = None
    type: ContactTypeCode | None = None
    post: str = ""
    company_ids: tuple[CompanyId, ...] = ()
    lead_id: LeadId | None = None
    export: bool = True

    @property
    def title(self) -> str:
        """The name, as lists show it."""
        return full_name(self.name, self.second_name, self.last_name)

    @property
    def company_id(self) -> int | None:
        """The primary company."""
        return self.company_ids[0] if self.company_ids else None


class ContactFields(ReachableFields, total=False):
    """What may be written of a contact; `company_id` makes that company the primary one."""

    honorific: HonorificCode | None
    name: str
    second_name: str
    last_name: str
    birth_date: date | None
    photo_id: FileId | None
    type: ContactTypeCode | None
    post: str
    company_id: CompanyId | None
    company_ids: Sequence[CompanyId]
    lead_id: LeadId | None
    export: bool
