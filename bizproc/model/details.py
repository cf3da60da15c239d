"""Details of a client (requisites): what papers and payments need, by templates; and bank details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final, TypedDict

from attrs import field, frozen

from bizproc.model.items import NOTHING
from bizproc.model.references import DERIVED, CompanyId, ContactId, DetailsId, FileId, TemplateOfDetailsId

ADDRESS_TYPES: Final[dict[str, int]] = {
    "primary": 1,
    "home": 4,
    "work": 5,
    "registered": 6,
    "custom": 7,
    "post": 8,
    "beneficiary": 9,
    "bank": 10,
    "delivery": 11,
    "billing": 12,
}
"""Kinds of addresses, with the numbers the document's product gives them."""


@frozen(kw_only=True)
class Address:
    """An address."""

    line_1: str = ""
    line_2: str = ""
    city: str = ""
    postal_code: str = ""
    region: str = ""
    province: str = ""
    country: str = ""
    country_code: str = ""


class AddressFields(TypedDict, total=False):
    """What may be given of an address."""

    line_1: str
    line_2: str
    city: str
    postal_code: str
    region: str
    province: str
    country: str
    country_code: str


@frozen(kw_only=True)
class DetailsTemplate:
    """
    Which details a kind of client has.

    Attributes:
        code: What it is called in code.
        country: Two letters; bank details are taken from the same country.
        fields: The codes of its fields, in order: `company_name`, `vat_id`, `director`…
        bank_fields: The codes of the fields of bank details.
        with_address: Whether it has addresses.
    """

    item_type: ClassVar[str] = "details_template"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)

    id: Annotated[int, DERIVED]
    code: str = ""
    name: str = ""
    country: str = ""
    fields: tuple[str, ...] = ()
    bank_fields: tuple[str, ...] = ("bank_name", "account_number", "iban", "swift")
    with_address: bool = True


class DetailsTemplateFields(TypedDict, total=False):
    """What may be written of a template of details."""

    code: str
    name: str
    country: str
    fields: Sequence[str]
    bank_fields: Sequence[str]
    with_address: bool


@frozen(kw_only=True)
class ClientDetails:
    """
    The details of one client by one template.

    Attributes:
        company_id, contact_id: Whose they are; one of both.
        selected: They are the ones to be used where the client has several of this template.
        fields: By the codes of the template's fields.
        addresses: By kind (`ADDRESS_TYPES`): mappings of the fields of an address.
        stamp_id, signature_id: Pictures that documents bear, of one of our own companies.
    """

    item_type: ClassVar[str] = "details"
    deletable: ClassVar[bool] = True
    owners: ClassVar[tuple[str, ...]] = ("company_id", "contact_id")

    id: Annotated[int, DERIVED]
    company_id: CompanyId | None = None
    contact_id: ContactId | None = None
    template_id: TemplateOfDetailsId = 0
    name: str = ""
    sort: int = 500
    active: bool = True
    selected: bool = False
    fields: Mapping[str, Any] = field(default=NOTHING, hash=False)
    addresses: Mapping[str, Any] = field(default=NOTHING, hash=False)
    stamp_id: FileId | None = None
    signature_id: FileId | None = None


class ClientDetailsFields(TypedDict, total=False):
    """What may be written of a client's details."""

    company_id: CompanyId | None
    contact_id: ContactId | None
    template_id: TemplateOfDetailsId
    name: str
    sort: int
    active: bool
    selected: bool
    fields: Mapping[str, Any]
    addresses: Mapping[str, Any]
    stamp_id: FileId | None
    signature_id: FileId | None


@frozen(kw_only=True)
class BankDetails:
    """
    A bank account of a client.

    Attributes:
        details_id: The details it belongs to.
        country: Two letters.
        selected: It is the one to be used where there are several.
        fields: By the codes of the template's `bank_fields`.
    """

    item_type: ClassVar[str] = "bank_details"
    deletable: ClassVar[bool] = True
    owners: ClassVar[tuple[str, ...]] = ("details_id",)

    id: Annotated[int, DERIVED]
    details_id: DetailsId = 0
    name: str = ""
    sort: int = 500
    active: bool = True
    selected: bool = False
    country: str = ""
    currency: str | None = None
    comment: str = ""
    fields: Mapping[str, Any] = field(default=NOTHING, hash=False)


class BankDetailsFields(TypedDict, total=False):
    """What may be written of bank details."""

    details_id: DetailsId
    name: str
    sort: int
    active: bool
    selected: bool
    country: str
    currency: str | None
    comment: str
    fields: Mapping[str, Any]


@frozen(kw_only=True)
class Details:
    """
    What a client's details say: the answer of `details_information` and `edit_details`.

    Attributes:
        id: Of the details; `bank_id` of the bank details, if there are any.
        fields: All fields of the template; what is not there is an empty text.
        bank: All fields of the bank details; empty texts where there are none.
        address: Of the kind that was asked for; None if none was.
    """

    id: int
    bank_id: int | None = None
    fields: Mapping[str, Any] = field(default=NOTHING, hash=False)
    bank: Mapping[str, Any] = field(default=NOTHING, hash=False)
    address: Address | None = None
