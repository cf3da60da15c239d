"""Actions that make, change and read an item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, TypeVar

from bizproc.actions.people import first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.model.kinds import class_of
from bizproc.model.users import Users
from bizproc.ports.crm import Crm

T = TypeVar("T")


@action_type("crm.update")
class Update(ItemAction[T]):
    """
    Change fields of the item; a change of its stage in this way ends no instance that runs on it.

    Only the fields that are given change. Values that are the same already change nothing and are not told.
    Headings 11 and 12.

    Args:
        fields: By name. None clears a field; a multiple field takes a list.
        append: Add to multiple fields instead of replacing them: without duplicates, in order (D4).
        modified_by: Whose name the change bears; the first user, if several. The system if left out.

    Raises:
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownStage, UnknownPipeline, UnknownUser, ItemNotFound: what a field points at is not there.
    """

    target: Target
    fields: Mapping[str, Any]
    _: KW_ONLY
    append: bool = option(default=False)
    modified_by: Users | None = option(default=None, validator=names_users)

    @property
    def result_type(self) -> Any:
        return class_of(self.target.kind)

    async def perform(self, port: Crm) -> T:
        ref = await port.resolve(self.target.kind, self.target.id)
        author = await first_of(port, self.modified_by)
        changed: T = await port.update(ref, self.fields, append=self.append, author=author)
        return changed


@action_type("crm.read")
class Read(ItemAction[T]):
    """
    The item as it is now. The document that a process was given is as it was when the process started.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    @property
    def result_type(self) -> Any:
        return class_of(self.target.kind)

    async def perform(self, port: Crm) -> T:
        item: T = await port.read(await port.resolve(self.target.kind, self.target.id))
        return item


@action_type("crm.delete")
class Delete(ItemAction[None]):
    """
    Delete the item, with all that belongs to it. Its instances end: if it is the process's own document, this one too.

    Raises:
        ItemNotFound: no such item.
        UnknownItem: items of this kind are not deleted.
    """

    target: Target

    async def perform(self, port: Crm) -> None:
        await port.delete(await port.resolve(self.target.kind, self.target.id))
