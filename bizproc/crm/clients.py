"""What may be done about the clients of an item: its contact, its company, and their details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bizproc.actions.details import AddressType, ClientKind, DetailsInformation, DetailsTemplateRef, EditDetails
from bizproc.actions.documented import documented_by
from bizproc.actions.linked import EditCompany, EditContact
from bizproc.core.action import Target, act
from bizproc.model.companies import CompanyFields
from bizproc.model.contacts import ContactFields
from bizproc.model.details import AddressFields
from bizproc.model.users import Users


class DetailsActions:
    """What may be done about the details of a client."""

    target: Target

    details_information = act(DetailsInformation)

    @documented_by(EditDetails)
    def edit_details(
        self,
        fields: Mapping[str, Any] | None = None,
        *,
        template: DetailsTemplateRef,
        of: ClientKind = "company",
        address_type: AddressType | None = None,
        bank: Mapping[str, Any] | None = None,
        address: AddressFields | None = None,
    ) -> EditDetails:
        return EditDetails(
            self.target,
            copied(fields),
            template=template,
            of=of,
            address_type=address_type,
            bank=copied(bank),
            address=copied(address),
        )


def copied(fields: Any) -> Any:
    """What was given may change afterwards. What is no mapping is left to the action to refuse."""
    return dict(fields) if isinstance(fields, Mapping) else fields


class CompanyOf:
    """What has a company."""

    target: Target

    @documented_by(EditCompany)
    def edit_company(
        self, fields: CompanyFields, *, append: bool = False, modified_by: Users | None = None
    ) -> EditCompany:
        return EditCompany(self.target, copied(fields), append=append, modified_by=modified_by)


class ClientOf(CompanyOf):
    """What has a contact and a company."""

    @documented_by(EditContact)
    def edit_contact(
        self, fields: ContactFields, *, append: bool = False, modified_by: Users | None = None
    ) -> EditContact:
        return EditContact(self.target, copied(fields), append=append, modified_by=modified_by)
