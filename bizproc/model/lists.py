"""The lists that fields choose from: sources, types of deals, industries and more."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final, TypedDict

from attrs import frozen

from bizproc.model.references import DERIVED


@frozen(kw_only=True)
class Reference:
    """
    One entry of a list.

    Attributes:
        list: Which list: SOURCE, CONTACT_TYPE, COMPANY_TYPE, EMPLOYEES, INDUSTRY, DEAL_TYPE, HONORIFIC, EVENT_TYPE, or
            one of one's own.
        code: What fields hold.
        name: What people read.
        system: It came with the CRM.
    """

    item_type: ClassVar[str] = "reference"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("list", "code"),)
    deletable: ClassVar[bool] = True

    id: Annotated[int, DERIVED]
    list: str = ""
    code: str = ""
    name: str = ""
    sort: int = 500
    system: Annotated[bool, DERIVED] = False


class ReferenceFields(TypedDict, total=False):
    """What may be written of an entry."""

    list: str
    code: str
    name: str
    sort: int


LISTS: Final[dict[str, dict[str, str]]] = {
    "SOURCE": {
        "CALL": "Call",
        "EMAIL": "E-mail",
        "WEB": "Website",
        "ADVERTISING": "Advertising",
        "PARTNER": "Existing client",
        "RECOMMENDATION": "By recommendation",
        "TRADE_SHOW": "Trade show",
        "WEBFORM": "Form on a page",
        "CALLBACK": "Callback",
        "STORE": "Online store",
        "OTHER": "Other",
    },
    "CONTACT_TYPE": {"CLIENT": "Client", "SUPPLIER": "Supplier", "PARTNER": "Partner", "OTHER": "Other"},
    "COMPANY_TYPE": {
        "CUSTOMER": "Client",
        "SUPPLIER": "Supplier",
        "COMPETITOR": "Competitor",
        "PARTNER": "Partner",
        "OTHER": "Other",
    },
    "EMPLOYEES": {
        "EMPLOYEES_1": "fewer than 50",
        "EMPLOYEES_2": "50 to 250",
        "EMPLOYEES_3": "250 to 500",
        "EMPLOYEES_4": "more than 500",
    },
    "INDUSTRY": {
        "IT": "Information technology",
        "TELECOM": "Telecommunication",
        "MANUFACTURING": "Manufacturing",
        "BANKING": "Banking",
        "CONSULTING": "Consulting",
        "FINANCE": "Finance",
        "GOVERNMENT": "Government",
        "DELIVERY": "Delivery",
        "ENTERTAINMENT": "Entertainment",
        "NOTPROFIT": "Non-profit",
        "OTHER": "Other",
    },
    "DEAL_TYPE": {
        "SALE": "Sale",
        "COMPLEX": "Integrated sale",
        "GOODS": "Sale of goods",
        "SERVICES": "Services",
        "SERVICE": "After-sales service",
    },
    "HONORIFIC": {"HNR_EN_1": "Mr.", "HNR_EN_2": "Mrs.", "HNR_EN_3": "Ms.", "HNR_EN_4": "Dr."},
    "EVENT_TYPE": {"INFO": "Information", "PHONE": "Phone call", "MESSAGE": "E-mail sent"},
}
"""What a new CRM begins with, in order."""
