"""Companies."""

from __future__ import annotations

from decimal import Decimal
from typing import ClassVar

from attrs import frozen

from bizproc.model.people import Reachable, ReachableFields
from bizproc.model.references import CompanyTypeCode, EmployeesCode, FileId, IndustryCode
from bizproc.model.showing import as_code


@frozen(kw_only=True)
class Company(Reachable):
    """
    A company.

    Attributes:
        type, industry, employees: Codes of the references COMPANY_TYPE, INDUSTRY and EMPLOYEES.
        revenue: A year's, in `currency`.
        is_my_company: It is ours, not a client.
    """

    item_type: ClassVar[str] = "company"
    __repr__ = as_code

    title: str = ""
    type: CompanyTypeCode | None = None
    industry: IndustryCode | None = None
    employees: EmployeesCode | None = None
    revenue: Decimal | None = None
    currency: str | None = None
    legal_address: str = ""
    banking_details: str = ""
    is_my_company: bool = False
    logo_id: FileId | None = None


class CompanyFields(ReachableFields, total=False):
    """What may be written of a company."""

    title: str
    type: CompanyTypeCode | None
    industry: IndustryCode | None
    employees: EmployeesCode | None
    revenue: Decimal | int | None
    currency: str | None
    legal_address: str
    banking_details: str
    is_my_company: bool
    logo_id: FileId | None
