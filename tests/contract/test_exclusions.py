"""Heading 3, `add_to_exclusions`: what is listed, what is deleted with it, and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import ItemNotFound, WrongFieldValue
from bizproc.model import Company, Contact, Deal, Exclusion, Lead, MultiField

Office = Any  # conftest.Office


def listed(office: Office) -> list[tuple[str, str]]:
    return [(each.type, each.value) for each in office.reader.find(Exclusion)]


@pytest.fixture
def company(office: Office) -> Company:
    made: Company = office.do(crm.company.create(title="Acme", phones=["+33 1 00"], emails=["Info@Acme.example"]))
    return made


@pytest.fixture
def contact(office: Office, company: Company) -> Contact:
    made: Contact = office.do(
        crm.contact.create(
            name="Ann",
            last_name="Lee",
            company_id=company.id,
            phones=["06-11", MultiField("06 22", "HOME")],
            emails=["ann@acme.example"],
        )
    )
    return made


@pytest.fixture
def deal(office: Office, company: Company, contact: Contact) -> Deal:
    made: Deal = office.do(crm.deal.create(title="Tea", company_id=company.id, contact_id=contact.id))
    return made


OF_THE_CLIENT = [
    ("PHONE", "0611"),
    ("PHONE", "0622"),
    ("EMAIL", "ann@acme.example"),
    ("PHONE", "+33100"),
    ("EMAIL", "info@acme.example"),
]


def test_all_addresses_of_a_deals_contact_and_company_are_listed(office: Office, deal: Deal) -> None:
    excluded = office.do(crm.deal.add_to_exclusions(comment="spam"), deal)
    assert [(each.type, each.value) for each in excluded] == listed(office) == OF_THE_CLIENT
    assert {each.comment for each in excluded} == {"spam"}
    assert office.deal(deal) == deal, "listing deletes nothing and changes nothing"


def test_of_several_contacts_the_primary_one_is_meant(office: Office, deal: Deal) -> None:
    other = office.do(crm.contact.create(name="Bo", last_name="Doe", phones=["999"]))
    office.do(crm.deal(deal).update({"contact_ids": [*deal.contact_ids, other.id]}))
    office.do(crm.deal(deal).add_to_exclusions())
    assert ("PHONE", "999") not in listed(office)


def test_the_addresses_of_a_new_lead_are_its_own(office: Office) -> None:
    lead = office.do(crm.lead.create(title="L", phones=["1-2"], emails=["a@b.example", "A@B.example"]))
    office.do(crm.lead.add_to_exclusions(), lead)
    assert listed(office) == [("PHONE", "12"), ("EMAIL", "a@b.example")]


def test_the_addresses_of_a_returning_lead_are_those_of_its_clients(
    office: Office, company: Company, contact: Contact
) -> None:
    lead = office.do(
        crm.lead.create(title="L", phones=["777"], contact_id=contact.id, company_id=company.id, emails=["x@y.example"])
    )
    office.do(crm.lead.add_to_exclusions(), lead)
    assert listed(office) == OF_THE_CLIENT


def test_the_addresses_of_a_converted_lead_are_its_own_and_its_clients_stay_with_their_deal(office: Office) -> None:
    lead = office.do(crm.lead.create(title="L", phones=["1"]))
    made = office.do(crm.lead(lead).convert(deal=True, contact=True))
    office.do(crm.contact(made.contact_id).update({"phones": ["2"]}))
    office.do(crm.lead(lead).add_to_exclusions(delete=True))
    assert listed(office) == [("PHONE", "1")]
    assert [each.id for each in office.reader.find(Contact)] == [made.contact_id]
    assert office.deal(office.reader.find(Deal)[0]).lead_id is None


def test_an_address_that_is_listed_already_stays_as_it_is_and_is_given_too(office: Office, deal: Deal) -> None:
    (there,) = [office.do(crm.exclusion.create(value="06 11", comment="first"))]
    excluded = office.do(crm.deal(deal).add_to_exclusions(comment="second"))
    assert excluded[0] == there
    assert excluded == office.do(crm.deal(deal).add_to_exclusions(comment="third"))


def test_what_is_no_number_is_left_out(office: Office) -> None:
    lead = office.do(crm.lead.create(title="L", phones=["ask her", "5"]))
    office.do(crm.lead(lead).add_to_exclusions())
    assert listed(office) == [("PHONE", "5")]


def test_without_addresses_nothing_is_listed_and_the_item_is_still_deleted(office: Office) -> None:
    lead = office.do(crm.lead.create(title="L"))
    assert office.do(crm.lead.add_to_exclusions(delete=True), lead) == ()
    assert office.reader.find(Lead) == []
    deal = office.do(crm.deal.create(title="D"))
    assert office.do(crm.deal(deal).add_to_exclusions(delete=True)) == ()
    assert office.reader.find(Deal) == []


def test_delete_takes_the_contact_and_company_that_nothing_else_uses(office: Office, deal: Deal) -> None:
    office.events.clear()
    excluded = office.do(crm.deal.add_to_exclusions(delete=True), deal)
    assert len(excluded) == len(OF_THE_CLIENT)
    assert [office.reader.find(cls) for cls in (Deal, Contact, Company)] == [[], [], []]
    assert [event.name for event in office.events if event.name.endswith(".deleted")] == [
        "deal.deleted", "contact.deleted", "company.deleted",
    ]  # fmt: skip


def test_delete_leaves_clients_that_another_deal_uses(
    office: Office, deal: Deal, contact: Contact, company: Company
) -> None:
    other = office.do(crm.deal.create(title="Other", company_id=company.id))
    office.do(crm.deal(deal).add_to_exclusions(delete=True))
    assert office.reader.find(Company) == [company]
    assert office.reader.find(Contact) == [], "the contact was of that deal alone"
    assert office.reader.find(Deal) == [other]


def test_delete_leaves_a_company_whose_contact_stays(office: Office, deal: Deal, contact: Contact) -> None:
    office.do(crm.deal.create(title="Other", contact_id=contact.id))
    office.do(crm.deal(deal).add_to_exclusions(delete=True))
    assert office.reader.find(Contact) == [contact]
    assert len(office.reader.find(Company)) == 1


def test_delete_leaves_a_company_that_another_contact_belongs_to(office: Office, deal: Deal, company: Company) -> None:
    office.do(crm.contact.create(name="Bo", last_name="Doe", company_id=company.id))
    office.do(crm.deal(deal).add_to_exclusions(delete=True))
    assert [each.name for each in office.reader.find(Contact)] == ["Bo"]
    assert office.reader.find(Company) == [company]


def test_delete_leaves_a_contact_that_belongs_to_another_company(office: Office, deal: Deal, contact: Contact) -> None:
    other = office.do(crm.company.create(title="Other"))
    office.do(crm.contact(contact).update({"company_ids": [*contact.company_ids, other.id]}))
    office.do(crm.deal(deal).add_to_exclusions(delete=True))
    assert [each.id for each in office.reader.find(Contact)] == [contact.id]


@pytest.mark.parametrize("kind", ["lead", "quote", "invoice"])
def test_delete_leaves_a_contact_that_any_other_item_uses(
    office: Office, deal: Deal, contact: Contact, kind: str
) -> None:
    office.do(getattr(crm, kind).create(title="Other", contact_id=contact.id))
    office.do(crm.deal(deal).add_to_exclusions(delete=True))
    assert [each.id for each in office.reader.find(Contact)] == [contact.id]


def test_delete_leaves_a_company_that_an_item_of_a_smart_type_uses(
    office: Office, deal: Deal, company: Company
) -> None:
    office.do(crm.smart_type.create(code="contract"))
    office.do(crm.item("contract").create(company_id=company.id))
    office.do(crm.deal(deal).add_to_exclusions(delete=True))
    assert [each.id for each in office.reader.find(Company)] == [company.id]


def test_delete_of_a_returning_lead_takes_its_clients_too(office: Office, contact: Contact, company: Company) -> None:
    lead = office.do(crm.lead.create(title="L", contact_id=contact.id, company_id=company.id))
    office.do(crm.lead(lead).add_to_exclusions(delete=True))
    assert [office.reader.find(cls) for cls in (Lead, Contact, Company)] == [[], [], []]


def test_a_comment_that_cannot_be_stored_lists_and_deletes_nothing(office: Office, deal: Deal) -> None:
    office.refused(WrongFieldValue, crm.deal(deal).add_to_exclusions(comment="a\0b", delete=True))


def test_an_item_that_is_not_there_is_said(office: Office) -> None:
    office.refused(ItemNotFound, crm.lead(99).add_to_exclusions())
