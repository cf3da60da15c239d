"""What may be done to a company."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.audiences import AddToFacebookAudience, AddToGoogleAudience
from bizproc.actions.creating import CreateCompany
from bizproc.actions.custom_fields import AddField
from bizproc.actions.documented import documented_by
from bizproc.core.action import act
from bizproc.crm.finding import Finding
from bizproc.crm.items import ItemActions, id_of
from bizproc.model.companies import Company, CompanyFields


class CompanyActions(ItemActions[Company, CompanyFields]):
    """What may be done to a company."""

    kind: ClassVar[str] = "company"

    add_to_facebook_audience = act(AddToFacebookAudience)
    add_to_google_audience = act(AddToGoogleAudience)


class OwnCompany(CompanyActions, Finding[Company]):
    """`crm.company`: the company that the process runs on, or the one linked to its document; it makes new ones."""

    add_field = act(AddField)

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, company: Company | int) -> CompanyActions:
        """Any other company, by itself or by its id."""
        return CompanyActions(id_of(company))

    @documented_by(CreateCompany)
    def create(self, **fields: Unpack[CompanyFields]) -> CreateCompany:
        return CreateCompany(self.target, fields)
