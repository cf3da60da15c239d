"""Excluding the addresses of a client, and the client with them if that is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import KW_ONLY
from typing import Any

from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.model.companies import Company
from bizproc.model.contacts import Contact
from bizproc.model.exclusions import Exclusion, normal_email, normal_phone
from bizproc.model.leads import Lead
from bizproc.model.references import ItemRef, ref_of
from bizproc.ports.crm import Crm


@action_type("crm.add_to_exclusions")
class AddToExclusions(ItemAction[tuple[Exclusion, ...]]):
    """
    Exclude the phones and e-mail addresses of the item's client; gives the exclusions that they have then.

    Of a lead these are its own, or, where its customer returns, those of its contact and its company; of a deal those
    of its contact and its company (of several contacts, the primary one). One that is excluded already stays as it is.
    Heading 3; D5.

    Args:
        comment: Why, as each new exclusion says.
        delete: Also delete the item, with its contact and its company where nothing else uses them. If it is the
            process's own document, the instance ends.

    Raises:
        ItemNotFound: no such item.
        WrongFieldValue: a comment that cannot be stored.
    """

    target: Target
    _: KW_ONLY
    comment: str = option(default="")
    delete: bool = option(default=False)

    async def perform(self, port: Crm) -> tuple[Exclusion, ...]:
        ref = await port.resolve(self.target.kind, self.target.id)
        item = await port.read(ref)
        clients = await _clients(port, item)
        holders = [item] if isinstance(item, Lead) and not item.is_return_customer else clients
        excluded = [await self._exclude(port, *address) for address in _addresses(holders)]
        if self.delete:
            await _delete(port, ref, clients)
        return tuple(excluded)

    async def _exclude(self, port: Crm, type_: str, value: str) -> Exclusion:
        address = {"type": type_, "value": value}
        for found in await port.matching("exclusion", address):
            there: Exclusion = found
            return there
        made: Exclusion = await port.create("exclusion", {**address, "comment": self.comment})
        return made


async def _clients(port: Crm, item: Any) -> list[Contact | Company]:
    """The item's primary contact and its company, as far as there are any."""
    named = (("contact", item.contact_id), ("company", item.company_id))
    return [await port.read(ItemRef(kind, id_)) for kind, id_ in named if id_ is not None]


def _addresses(holders: list[Any]) -> Iterator[tuple[str, str]]:
    """What they can be reached at, each once and as the list of exclusions has it. What is no number is left out."""
    found = (
        (type_, normal(each.value))
        for holder in holders
        for type_, fields, normal in (("PHONE", holder.phones, normal_phone), ("EMAIL", holder.emails, normal_email))
        for each in fields
    )
    return iter(dict.fromkeys((type_, value) for type_, value in found if value))


async def _delete(port: Crm, ref: ItemRef, clients: list[Contact | Company]) -> None:
    """The item, and what only it used: a contact of no other company, and a company of no contact that stays."""
    going = {ref}
    company = next((each for each in clients if isinstance(each, Company)), None)
    for client in clients:  # the contact first: whether the company is used may hang on it
        used = set(await port.pointing_at(ref_of(client)))
        if isinstance(client, Contact):
            used |= {ItemRef("company", id_) for id_ in client.company_ids if company is None or id_ != company.id}
        if used <= going:
            going.add(ref_of(client))
    for each in (ref, *(ref_of(client) for client in clients)):
        if each in going:
            await port.delete(each)
