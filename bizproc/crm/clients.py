"""What may be done about the clients of an item: its contact, its company, and their details."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

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
            _copied(fields),
            template=template,
            of=of,
            address_type=address_type,
            bank=_copied(bank),
            address=_copied(cast("Mapping[str, Any] | None", address)),
        )


def _copied(fields: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What was given may change afterwards."""
    return None if fields is None else dict(fields)


class CompanyOf:
    """What has a company."""

    target: Target

    @documented_by(EditCompany)
    def edit_company(
        self, fields: CompanyFields, *, append: bool = False, modified_by: Users | None = None
    ) -> EditCompany:
        return EditCompany(self.target, cast("dict[str, Any]", {**fields}), append=append, modified_by=modified_by)


class ClientOf(CompanyOf):
    """What has a contact and a company."""

    @documented_by(EditContact)
    def edit_contact(
        self, fields: ContactFields, *, append: bool = False, modified_by: Users | None = None
    ) -> EditContact:
        return EditContact(self.target, cast("dict[str, Any]", {**fields}), append=append, modified_by=modified_by)
