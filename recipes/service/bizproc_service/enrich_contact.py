"""The recipe `service.enrich_contact`: what a provider knows of a new contact's company is added to the CRM."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from bizproc import Filter, Process, Retry, action, crm, on, process, recipe
from bizproc.errors import WrongArgument
from bizproc.model import Company, Contact, MultiField

MULTIPLE: Final = ("phones", "emails", "webs")
SINGLE: Final = ("address", "address_2", "city", "region", "postal_code", "country")
OF_COMPANY: Final = (*MULTIPLE, *SINGLE, "industry", "employees", "legal_address")
OF_CONTACT: Final = (*MULTIPLE, *SINGLE, "post")
FREE_MAIL: Final = ("gmail.com", "gmx.net", "hotmail.com", "icloud.com", "outlook.com", "yahoo.com")


@dataclass(frozen=True)
class Known:
    """What a provider knows: by the names of the CRM's fields; of phones, e-mail and web addresses a list."""

    company: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, Any] = field(default_factory=dict)


@action("service.look_up", retry=Retry(attempts=6, first_delay=timedelta(seconds=5)), timeout=timedelta(seconds=30))
async def look_up(url: str, key_in: str | None) -> Known:
    """
    Ask the provider. It answers with JSON, `{"company": {...}, "contact": {...}}`, or 404 if it knows nothing.

    Args:
        url: What to ask.
        key_in: The environment variable that holds our key, which is sent as a bearer token.
    """
    import httpx

    key = os.environ[key_in] if key_in else None
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"} if key else {}) as client:
        answer = await client.get(url)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return Known()
    told = answer.raise_for_status().json()
    return Known(told.get("company") or {}, told.get("contact") or {})


@recipe(
    "service.enrich_contact",
    since="1.0",
    needs=("secret.{key_in}",),
)
def enrich_contact(
    *, provider: str, key_in: str | None = None, skip: tuple[str, ...] = FREE_MAIL, only: Filter | None = None
) -> Process[..., Any]:
    """
    Ask a provider for a new contact's company, and add what it knows to contact and company; nothing is overwritten.

    Args:
        provider: The address to ask, with {domain} for the domain of the contact's e-mail address.
        key_in: The environment variable that holds the key for it; none is sent if left out.
        skip: Domains of mail addresses that say nothing of a company.
        only: Which contacts; all if left out.
    """

    if not provider.startswith(("https://", "http://")) or "{domain}" not in provider:
        expected = "an address like https://provider.example/companies/{domain}"
        raise WrongArgument(
            process="service.enrich_contact", parameter="provider", expected=expected, got=repr(provider)
        )

    @process("service.enrich_contact", starts=on.created("contact", where=only, by_processes=True))
    async def enrich(contact: Contact) -> str:
        """Add what a provider knows of the contact and its company."""
        domain = domain_of(contact)
        if domain is None or domain in skip:
            return "nothing to ask for"
        known = await look_up(provider.replace("{domain}", domain), key_in)

        contact = await crm.contact.read()
        of_contact = news(known.contact, contact, OF_CONTACT)
        if of_contact:
            await crm.contact.update(of_contact, append=True)
        if contact.company_id is not None:
            of_company = news(known.company, await crm.company.read(), OF_COMPANY)
            if of_company:
                await crm.contact.edit_company(of_company, append=True)
        return domain

    return enrich


def domain_of(contact: Contact) -> str | None:
    """That of the first e-mail address."""
    domains = [each.value.rpartition("@")[2].strip().lower() for each in contact.emails]
    return next(filter(None, domains), None)


def news(told: Mapping[str, Any], item: Contact | Company, wanted: tuple[str, ...]) -> Any:
    """What can be added: entries of lists, and fields that are empty so far."""
    known = {name: [each for each in listed(told.get(name)) if each.strip()] for name in wanted}
    lists = {name: [MultiField(each) for each in known[name]] for name in MULTIPLE if known[name]}
    return lists | {
        name: known[name][0] for name in wanted if name not in MULTIPLE and known[name] and not getattr(item, name)
    }


def listed(told: Any) -> list[str]:
    """What is told, as texts; whatever has no place in a field is passed over."""
    several = told if isinstance(told, list) else [told]
    return [str(each) for each in several if isinstance(each, str | int | float)]
