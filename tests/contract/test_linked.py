"""Headings 11 and 12: editing the contact and the company of an item."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import (
    ItemNotFound,
    LinkedItemMissing,
    UnknownField,
    UnknownUser,
    WrongFieldValue,
    WrongValue,
)
from bizproc.model import Company, Contact, MultiField, User

Office = Any  # conftest.Office


@pytest.fixture
def ann(office: Office) -> User:
    user: User = office.do(crm.user.create(name="Ann", last_name="Lee"))
    return user


@pytest.fixture
def company(office: Office) -> Company:
    made: Company = office.do(crm.company.create(title="Acme"))
    return made


@pytest.fixture
def contact(office: Office) -> Contact:
    made: Contact = office.do(crm.contact.create(name="Bo", last_name="Doe", phones=["1"]))
    return made


KINDS = ("lead", "deal", "quote", "invoice", "contract")


def having(office: Office, kind: str, **client: Any) -> tuple[Any, Any]:
    """An item of a kind with a client, and what may be done to it."""
    if kind == "contract":
        office.do(crm.smart_type.create(code="contract"))
        item = office.do(crm.item("contract").create(**client))
        return item, crm.item("contract", item)
    item = office.do(getattr(crm, kind).create(title="T", **client))
    return item, getattr(crm, kind)(item)


@pytest.mark.parametrize("kind", KINDS)
def test_the_contact_and_the_company_of_every_kind_of_item_are_edited(
    office: Office, contact: Contact, company: Company, kind: str
) -> None:
    item, named = having(office, kind, contact_id=contact.id, company_id=company.id)
    office.events.clear()
    assert office.do(named.edit_contact({"post": "Buyer"})).post == "Buyer"
    assert office.do(named.edit_company({"industry": "IT"})).industry == "IT"
    assert office.reader.get(Contact, contact.id).post == "Buyer"
    assert office.reader.get(Company, company.id).industry == "IT"
    assert office.do(named.read()) == item, "the item itself is not touched"
    assert [event.name for event in office.events] == ["contact.updated", "company.updated"]


def test_without_a_number_the_process_document_is_meant(office: Office, contact: Contact) -> None:
    deal, _ = having(office, "deal", contact_id=contact.id)
    assert office.do(crm.deal.edit_contact({"post": "Buyer"}), deal).id == contact.id


def test_of_several_contacts_only_the_primary_one_is_edited(office: Office, contact: Contact) -> None:
    other = office.do(crm.contact.create(name="Cy", last_name="Fox"))
    _, deal = having(office, "deal", contact_ids=[contact.id, other.id])
    office.do(deal.edit_contact({"post": "Buyer"}))
    assert [each.post for each in office.reader.find(Contact)] == ["Buyer", ""]


def test_of_a_contact_its_main_company_is_edited(office: Office, contact: Contact, company: Company) -> None:
    other = office.do(crm.company.create(title="Other"))
    office.do(crm.contact(contact).update({"company_ids": [company.id, other.id]}))
    assert office.do(crm.contact(contact).edit_company({"title": "New"})).id == company.id
    assert office.do(crm.contact.edit_company({"title": "Newer"}), contact).title == "Newer"


@pytest.mark.parametrize("kind", KINDS)
def test_an_item_without_a_client_is_said(office: Office, kind: str) -> None:
    item, named = having(office, kind)
    error = office.refused(LinkedItemMissing, named.edit_contact({"post": "x"}))
    assert (error.kind, error.id, error.wanted) == (kind, item.id, "contact")
    assert office.refused(LinkedItemMissing, named.edit_company({"title": "x"})).wanted == "company"


def test_a_client_that_was_deleted_is_missing(office: Office, contact: Contact) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    office.do(crm.contact(contact).delete())
    office.refused(LinkedItemMissing, deal.edit_contact({"post": "x"}))


def test_a_contact_that_only_came_from_the_lead_is_not_the_leads(office: Office) -> None:
    lead, named = having(office, "lead", name="Ann")
    contact = office.do(named.create_contact())
    office.do(named.update({"contact_ids": []}))
    office.refused(LinkedItemMissing, named.edit_contact({"post": "x"}))
    office.refused(LinkedItemMissing, crm.contact.read(), lead)
    assert office.reader.get(Contact, contact.id).lead_id == lead.id


def test_an_item_that_is_not_there_is_not_found(office: Office) -> None:
    office.refused(ItemNotFound, crm.deal(99).edit_contact({"post": "x"}))


def test_phones_are_replaced_or_merged_and_twice_is_once(office: Office, contact: Contact) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    assert office.do(deal.edit_contact({"phones": ["2"]})).phones == (MultiField("2"),)
    for _ in range(2):
        merged = office.do(deal.edit_contact({"phones": ["3", "2"]}, append=True))
        assert merged.phones == (MultiField("2"), MultiField("3"))


def test_nothing_clears_with_replacing_and_leaves_with_appending(office: Office, contact: Contact) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    assert office.do(deal.edit_contact({"phones": []}, append=True)).phones == (MultiField("1"),)
    assert office.do(deal.edit_contact({"phones": []})).phones == ()


def test_append_replaces_a_single_field(office: Office, contact: Contact) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    assert office.do(deal.edit_contact({"post": "Buyer"}, append=True)).post == "Buyer"


def test_a_single_field_takes_the_first_of_a_list(office: Office, contact: Contact, ann: User) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    assert office.do(deal.edit_contact({"responsible_id": [ann.id]})).responsible_id == ann.id


def test_a_value_that_is_there_already_tells_nothing(office: Office, contact: Contact) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    before, told = office.everything(), len(office.events)
    office.do(deal.edit_contact({"name": "Bo", "phones": ["1"]}))
    assert office.everything() == before
    assert len(office.events) == told


def test_the_change_bears_the_name_that_is_given_or_the_systems(office: Office, contact: Contact, ann: User) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    assert office.do(deal.edit_contact({"post": "a"}, modified_by=[ann.id])).modified_by == ann.id
    assert office.do(deal.edit_contact({"post": "b"})).modified_by is None
    office.refused(UnknownUser, deal.edit_contact({"post": "c"}, modified_by=99))


def test_no_field_at_all_is_refused(office: Office, contact: Contact) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    assert office.refused(WrongValue, deal.edit_contact({})).parameter == "fields"
    office.refused(WrongValue, deal.edit_company({}))


def test_unknown_fields_and_wrong_values_are_refused(office: Office, contact: Contact) -> None:
    _, deal = having(office, "deal", contact_id=contact.id)
    office.refused(UnknownField, deal.edit_contact({"stage": "WON"}))
    office.refused(WrongFieldValue, deal.edit_contact({"birth_date": "1990"}))


def test_what_is_given_may_change_afterwards() -> None:
    fields: Any = {"post": "x"}
    action = crm.deal.edit_contact(fields)
    fields["post"] = "y"
    assert action.fields == {"post": "x"}
