"""What may be done to a quote."""

from __future__ import annotations

from typing import ClassVar, Unpack

from bizproc.actions.creating import CreateQuote
from bizproc.actions.custom_fields import AddField
from bizproc.actions.documented import documented_by
from bizproc.actions.products import AddProduct, DeleteProducts, ProductInformation, Products
from bizproc.actions.stages import ChangeStage
from bizproc.core.action import act
from bizproc.crm.clients import ClientOf
from bizproc.crm.finding import Finding
from bizproc.crm.items import EndsTasks, ItemActions, id_of
from bizproc.model.quotes import Quote, QuoteFields


class QuoteActions(EndsTasks, ItemActions[Quote, QuoteFields], ClientOf):
    """What may be done to a quote."""

    kind: ClassVar[str] = "quote"

    add_product = act(AddProduct)
    products = act(Products)
    delete_products = act(DeleteProducts)
    product_information = act(ProductInformation)
    change_stage = act(ChangeStage)


class OwnQuote(QuoteActions, Finding[Quote]):
    """`crm.quote`: the quote that the process runs on, or the one linked to its document; it makes new ones."""

    add_field = act(AddField)

    def __init__(self) -> None:
        super().__init__()

    def __call__(self, quote: Quote | int) -> QuoteActions:
        """Any other quote, by itself or by its id."""
        return QuoteActions(id_of(quote))

    @documented_by(CreateQuote)
    def create(self, **fields: Unpack[QuoteFields]) -> CreateQuote:
        return CreateQuote(self.target, fields)
