"""What may be done to a lead."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.audiences import AddToFacebookAudience, AddToGoogleAudience
from bizproc.actions.bookings import Bookings, BookResource, CancelBooking
from bizproc.actions.conversions import ConvertLead, CreateLeadContact
from bizproc.actions.creating import CreateLead
from bizproc.actions.custom_fields import AddField
from bizproc.actions.documented import documented_by
from bizproc.actions.exclusions import AddToExclusions
from bizproc.actions.products import Products
from bizproc.actions.stages import ChangeStatus
from bizproc.core.action import act
from bizproc.crm.clients import ClientOf
from bizproc.crm.finding import Finding
from bizproc.crm.items import EndsTasks, ItemActions, id_of
from bizproc.model.leads import Lead, LeadFields


class LeadActions(EndsTasks, ItemActions[Lead, LeadFields], ClientOf):
    """What may be done to a lead."""

    kind: ClassVar[str] = "lead"

    products = act(Products)
    add_to_facebook_audience = act(AddToFacebookAudience)
    add_to_google_audience = act(AddToGoogleAudience)
    change_status = act(ChangeStatus)
    book_resource = act(BookResource)
    cancel_booking = act(CancelBooking)
    bookings = act(Bookings)
    add_to_exclusions = act(AddToExclusions)
    convert = act(ConvertLead)
    create_contact = act(CreateLeadContact)


class OwnLead(LeadActions, Finding[Lead]):
    """`crm.lead`: the lead that the process runs on, or the one linked to its document; it makes new ones."""

    add_field = act(AddField)

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, lead: Lead | int) -> LeadActions:
        """Any other lead, by itself or by its id."""
        return LeadActions(id_of(lead))

    @documented_by(CreateLead)
    def create(self, **fields: Unpack[LeadFields]) -> CreateLead:
        return CreateLead(self.target, fields)
