"""What may be done to a smart item: `crm.item("contract")`, `crm.item("contract", 9)`."""

from __future__ import annotations

from typing import Literal, Unpack, cast

from bizproc.actions.custom_fields import AddField
from bizproc.actions.documented import documented_by
from bizproc.actions.products import AddProduct, DeleteProducts, ProductInformation, Products
from bizproc.actions.smart_items import CreateSmartItem, DeleteSmartItem, EditSmartItem
from bizproc.actions.stages import ChangePipeline, ChangeStage
from bizproc.core.action import Target, act
from bizproc.crm.clients import ClientOf, copied
from bizproc.crm.finding import Finding
from bizproc.crm.items import EndsTasks, ItemActions, id_of
from bizproc.model.items import Item
from bizproc.model.smart_items import SmartItem, SmartItemFields
from bizproc.rules.filters import Filter


class SmartItemActions(EndsTasks, ItemActions[SmartItem, SmartItemFields], ClientOf):
    """What may be done to a smart item."""

    add_product = act(AddProduct)
    products = act(Products)
    delete_products = act(DeleteProducts)
    product_information = act(ProductInformation)
    change_stage = act(ChangeStage)
    change_pipeline = act(ChangePipeline)
    delete = act(DeleteSmartItem)

    def __init__(self, type: str, id: int | None = None) -> None:
        self.target = Target(type, id)

    def __repr__(self) -> str:
        target = self.target
        return f"crm.item({target.kind!r})" if target.id is None else f"crm.item({target.kind!r}, {target.id})"


class OwnSmartItem(SmartItemActions, Finding[SmartItem]):
    """`crm.item(type)`: the item that the process runs on, or the one linked to its document; it makes new ones."""

    add_field = act(AddField)

    def _any(self) -> Target:
        return Target(self.target.kind)

    @documented_by(CreateSmartItem)
    def create(
        self, *, parent: Item | Literal[False] | None = None, **fields: Unpack[SmartItemFields]
    ) -> CreateSmartItem:
        return CreateSmartItem(self.target, cast("dict[str, object]", fields), parent=parent)

    @documented_by(EditSmartItem)
    def edit(
        self, fields: SmartItemFields, *, id: SmartItem | int | None = None, where: Filter | None = None
    ) -> EditSmartItem:
        meant = None if id is None else id_of(id)
        return EditSmartItem(self.target, copied(fields), id=meant, where=where)

    @documented_by(DeleteSmartItem)
    def delete(self, id: SmartItem | int | None = None) -> DeleteSmartItem:
        return DeleteSmartItem(self.target if id is None else Target(self.target.kind, id_of(id)))
