"""What may be done to a deal."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.audiences import AddToFacebookAudience, AddToGoogleAudience
from bizproc.actions.bookings import Bookings, BookResource, CancelBooking
from bizproc.actions.conversions import ConvertDeal, CreateRepeatLead
from bizproc.actions.creating import CreateDeal
from bizproc.actions.custom_fields import AddField
from bizproc.actions.documented import documented_by
from bizproc.actions.exclusions import AddToExclusions
from bizproc.actions.orders import CreateOrder, Orders, PaymentInformation
from bizproc.actions.payments import GetPaymentLink, RecordTransfer
from bizproc.actions.products import AddProduct, DeleteProducts, ProductInformation, Products
from bizproc.actions.stages import ChangePipeline, ChangeStage
from bizproc.core.action import act
from bizproc.crm.clients import ClientOf
from bizproc.crm.finding import Finding
from bizproc.crm.items import EndsTasks, ItemActions, id_of
from bizproc.model.deals import Deal, DealFields


class DealActions(EndsTasks, ItemActions[Deal, DealFields], ClientOf):
    """What may be done to a deal."""

    kind: ClassVar[str] = "deal"

    add_product = act(AddProduct)
    add_to_facebook_audience = act(AddToFacebookAudience)
    add_to_google_audience = act(AddToGoogleAudience)
    products = act(Products)
    get_payment_link = act(GetPaymentLink)
    delete_products = act(DeleteProducts)
    product_information = act(ProductInformation)
    change_stage = act(ChangeStage)
    change_pipeline = act(ChangePipeline)
    book_resource = act(BookResource)
    cancel_booking = act(CancelBooking)
    bookings = act(Bookings)
    create_order = act(CreateOrder)
    orders = act(Orders)
    payment_information = act(PaymentInformation)
    record_payment = act(RecordTransfer)
    add_to_exclusions = act(AddToExclusions)
    convert = act(ConvertDeal)
    create_repeat_lead = act(CreateRepeatLead)


class OwnDeal(DealActions, Finding[Deal]):
    """`crm.deal`: the deal that the process runs on, or the one linked to its document; it makes new ones."""

    add_field = act(AddField)

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, deal: Deal | int) -> DealActions:
        """Any other deal, by itself or by its id."""
        return DealActions(id_of(deal))

    @documented_by(CreateDeal)
    def create(self, **fields: Unpack[DealFields]) -> CreateDeal:
        return CreateDeal(self.target, fields)
