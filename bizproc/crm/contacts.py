"""What may be done to a contact."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.audiences import AddToFacebookAudience, AddToGoogleAudience
from bizproc.actions.creating import CreateContact
from bizproc.actions.custom_fields import AddField
from bizproc.actions.documented import documented_by
from bizproc.core.action import act
from bizproc.crm.clients import CompanyOf
from bizproc.crm.finding import Finding
from bizproc.crm.items import ItemActions, id_of
from bizproc.model.contacts import Contact, ContactFields


class ContactActions(ItemActions[Contact, ContactFields], CompanyOf):
    """What may be done to a contact."""

    kind: ClassVar[str] = "contact"

    add_to_facebook_audience = act(AddToFacebookAudience)
    add_to_google_audience = act(AddToGoogleAudience)


class OwnContact(ContactActions, Finding[Contact]):
    """`crm.contact`: the contact that the process runs on, or the one linked to its document; it makes new ones."""

    add_field = act(AddField)

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, contact: Contact | int) -> ContactActions:
        """Any other contact, by itself or by its id."""
        return ContactActions(id_of(contact))

    @documented_by(CreateContact)
    def create(self, **fields: Unpack[ContactFields]) -> CreateContact:
        return CreateContact(self.target, fields)
