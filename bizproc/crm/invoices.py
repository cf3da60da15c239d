"""What may be done to an invoice."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.creating import CreateInvoice
from bizproc.actions.custom_fields import AddField
from bizproc.actions.documented import documented_by
from bizproc.actions.orders import CreateOrder, Orders, PaymentInformation
from bizproc.actions.payments import GetPaymentLink, RecordTransfer
from bizproc.actions.products import AddProduct, DeleteProducts, ProductInformation, Products
from bizproc.actions.stages import ChangeStage
from bizproc.core.action import act
from bizproc.crm.clients import ClientOf
from bizproc.crm.finding import Finding
from bizproc.crm.items import ItemActions, id_of
from bizproc.model.invoices import Invoice, InvoiceFields


class InvoiceActions(ItemActions[Invoice, InvoiceFields], ClientOf):
    """What may be done to an invoice."""

    kind: ClassVar[str] = "invoice"

    add_product = act(AddProduct)
    products = act(Products)
    get_payment_link = act(GetPaymentLink)
    delete_products = act(DeleteProducts)
    product_information = act(ProductInformation)
    change_stage = act(ChangeStage)
    create_order = act(CreateOrder)
    orders = act(Orders)
    payment_information = act(PaymentInformation)
    record_payment = act(RecordTransfer)


class OwnInvoice(InvoiceActions, Finding[Invoice]):
    """`crm.invoice`: the invoice that the process runs on, or the one linked to its document; it makes new ones."""

    add_field = act(AddField)

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, invoice: Invoice | int) -> InvoiceActions:
        """Any other invoice, by itself or by its id."""
        return InvoiceActions(id_of(invoice))

    @documented_by(CreateInvoice)
    def create(self, **fields: Unpack[InvoiceFields]) -> CreateInvoice:
        return CreateInvoice(self.target, fields)
