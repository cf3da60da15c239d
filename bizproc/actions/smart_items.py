"""Actions on smart items, beside those on all items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar

from bizproc.actions.finding import check_where
from bizproc.actions.items import Delete
from bizproc.core.action import ItemAction, Target, action_type, check_fields, option
from bizproc.core.errors import ItemNotFound
from bizproc.model.items import Item
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.smart_items import SmartItem
from bizproc.ports.crm import Crm
from bizproc.rules.filters import F, Filter


@action_type("crm.create")
class CreateSmartItem(ItemAction[SmartItem]):
    """
    Make an item of a smart type.

    It begins in the stage that is given, or in the first of its pipeline. Without a title it is called after its type
    and its number. It becomes a child of the process's document, where its type is the child of such items and no
    parent of that kind is given. Heading 14.

    Args:
        fields: Any field of a smart item that can be written.
        parent: The item to be its parent instead; False: none.

    Raises:
        UnknownItem: no such smart type.
        UnknownField, WrongFieldValue: a field that is not there or that the type was made without, or a value that it
            cannot hold.
        UnknownStage, UnknownPipeline, UnknownUser, ItemNotFound: what a field points at is not there.
    """

    required: ClassVar[tuple[str, ...]] = ()

    target: Target
    fields: Mapping[str, Any]
    _: KW_ONLY
    parent: Item | bool | None = option(default=None)

    def arguments(self) -> Mapping[str, object]:
        return self.fields if self.parent is None else {**self.fields, "parent": self.parent}

    async def perform(self, port: Crm) -> SmartItem:
        fields = dict(self.fields)
        parent = await self._parent(port)
        given = [each if isinstance(each, ItemRef) else ref_of(each) for each in fields.get("parents", ())]
        if parent is not None and parent.kind not in {each.kind for each in given}:
            fields["parents"] = (*given, parent)
        made: SmartItem = await port.create(self.target.kind, fields)
        return made

    async def _parent(self, port: Crm) -> ItemRef | None:
        if isinstance(self.parent, Item):
            return ref_of(self.parent)
        document = port.performing.document
        if self.parent is not None or document is None:
            return None
        return document if document.kind in await port.parents_of(self.target.kind) else None


@action_type("crm.edit")
class EditSmartItem(ItemAction[SmartItem]):
    """
    Change fields of an item of a smart type: of one by its id, or of the first that a filter holds for.

    Without either, of the process's own or the one linked to its document. Values that are the same already change
    nothing and are not told; a change of stage ends no instance that runs on it. Heading 26.

    Args:
        fields: By name. None clears a field; a multiple field takes a list, which replaces what was there.
        id: Which one.
        where: A filter: the item with the lowest id for which it holds; with an id too, it must hold for that one.

    Raises:
        UnknownItem: no such smart type.
        ItemNotFound: no such item, or none for which the filter holds.
        UnknownField, WrongFieldValue: a field that is not there or that the type was made without, or a value that it
            cannot hold.
        UnknownStage, UnknownPipeline, UnknownUser: what a field points at is not there.
        WrongFilter: the filter says nothing about such items.
        CurrencyMismatch: the filter compares amounts of two currencies.
    """

    target: Target
    fields: Mapping[str, Any]
    _: KW_ONLY
    id: int | None = option(default=None)
    where: Filter | None = option(default=None)

    def __attrs_post_init__(self) -> None:
        check_fields(self)
        check_where(self.target.kind, self.where)

    async def perform(self, port: Crm) -> SmartItem:
        await port.parents_of(self.target.kind)  # raises where the kind is no smart type
        changed: SmartItem = await port.update(await self._meant(port), self.fields)
        return changed

    async def _meant(self, port: Crm) -> ItemRef:
        if self.where is None:
            return await port.resolve(self.target.kind, self.target.id if self.id is None else self.id)
        where = self.where if self.id is None else self.where & (F.id == self.id)
        found = await port.find(self.target.kind, where, order_by="id", limit=1)
        if not found:
            raise ItemNotFound(kind=self.target.kind, id=f"where {where}")
        return ref_of(found[0])


@action_type("crm.delete")
class DeleteSmartItem(Delete):
    """
    Delete an item of a smart type, with all that belongs to it.

    Its instances end: if it is the process's own document, this one too. Heading 23; D6.

    Raises:
        UnknownItem: no such smart type.
        ItemNotFound: no such item.
    """
