"""Actions on the contact and the company that are linked to an item."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, TypeVar

from bizproc.actions.people import first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import WrongValue
from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.users import Users
from bizproc.ports.crm import Crm

T = TypeVar("T")


@action_type("crm.edit_contact")
class EditContact(ItemAction[Contact]):
    """
    Change fields of the item's contact: the primary one, where there are several. The item itself is not touched.

    Only the fields that are given change. Values that are the same already change nothing and are not told.
    Heading 11; D4, D22.

    Args:
        fields: Of the contact, by name; one at least. None clears a field; a multiple field takes a list.
        append: Add to multiple fields instead of replacing them: without duplicates, in order (D4).
        modified_by: Whose name the change bears; the first user, if several. The system if left out.

    Raises:
        LinkedItemMissing: the item has no contact.
        WrongValue: no field is given.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser, ItemNotFound: what a field points at is not there, or the item.
    """

    target: Target
    fields: Mapping[str, Any]
    _: KW_ONLY
    append: bool = option(default=False)
    modified_by: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> Contact:
        changed: Contact = await _edit(self, port, "contact")
        return changed


@action_type("crm.edit_company")
class EditCompany(ItemAction[Company]):
    """
    Change fields of the item's company; of a contact, its primary one. The item itself is not touched.

    Only the fields that are given change. Values that are the same already change nothing and are not told.
    Heading 12; D4, D22.

    Args:
        fields: Of the company, by name; one at least. None clears a field; a multiple field takes a list.
        append: Add to multiple fields instead of replacing them: without duplicates, in order (D4).
        modified_by: Whose name the change bears; the first user, if several. The system if left out.

    Raises:
        LinkedItemMissing: the item has no company.
        WrongValue: no field is given.
        UnknownField, WrongFieldValue: a field that is not there, or cannot hold the value.
        UnknownUser, ItemNotFound: what a field points at is not there, or the item.
    """

    target: Target
    fields: Mapping[str, Any]
    _: KW_ONLY
    append: bool = option(default=False)
    modified_by: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> Company:
        changed: Company = await _edit(self, port, "company")
        return changed


async def _edit(action: EditContact | EditCompany, port: Crm, kind: str) -> Any:
    if not action.fields:
        raise WrongValue(action=action.name, parameter="fields", expected="one field at least", got="none")
    ref = await port.resolve(action.target.kind, action.target.id)
    author = await first_of(port, action.modified_by)
    return await port.update(await port.linked(ref, kind), action.fields, append=action.append, author=author)
