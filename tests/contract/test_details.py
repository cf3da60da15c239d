"""Headings 25 and 27: which details of a client are meant, what they say, and how they are changed."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import (
    DetailsMissing,
    DetailsRefused,
    ItemNotFound,
    LinkedItemMissing,
    UnknownDetailsTemplate,
    UnknownField,
    WrongArgument,
    WrongFieldValue,
    WrongValue,
)
from bizproc.model import Address, BankDetails, ClientDetails, Company, Contact, Deal, DetailsTemplate

Office = Any  # conftest.Office

IBAN = "FR76 3000 6000 0112 3456 7890 189"
OTHER_IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.fixture
def template(office: Office) -> DetailsTemplate:
    made: DetailsTemplate = office.do(
        crm.details_template.create(code="fr", country="FR", fields=["company_name", "vat_id", "director"])
    )
    return made


@pytest.fixture
def company(office: Office) -> Company:
    return office.do(crm.company.create(title="Acme"))  # type: ignore[no-any-return]


@pytest.fixture
def contact(office: Office) -> Contact:
    return office.do(crm.contact.create(name="Ann", last_name="Lee"))  # type: ignore[no-any-return]


@pytest.fixture
def deal(office: Office, company: Company, contact: Contact) -> Deal:
    return office.do(  # type: ignore[no-any-return]
        crm.deal.create(title="Tea", company_id=company.id, contact_id=contact.id)
    )


def details(office: Office, template: DetailsTemplate, **fields: Any) -> ClientDetails:
    made: ClientDetails = office.do(crm.details.create(template_id=template.id, **fields))
    return made


# -- reading -----------------------------------------------------------------------------------------------------------


def test_all_fields_of_the_template_are_given_empty_where_nothing_is_there(
    office: Office, template: DetailsTemplate, company: Company, deal: Deal
) -> None:
    one = details(office, template, company_id=company.id, fields={"vat_id": "FR1"})
    found = office.do(crm.deal.details_information(template="fr"), deal)
    assert found.id == one.id
    assert dict(found.fields) == {"company_name": "", "vat_id": "FR1", "director": ""}
    assert dict(found.bank) == {"bank_name": "", "account_number": "", "iban": "", "swift": ""}
    assert (found.bank_id, found.address) == (None, None)
    assert office.do(crm.deal(deal).details_information(template=template)) == found


def test_the_contacts_details_are_given_where_they_are_asked_for(
    office: Office, template: DetailsTemplate, contact: Contact, company: Company, deal: Deal
) -> None:
    details(office, template, company_id=company.id)
    own = details(office, template, contact_id=contact.id)
    assert office.do(crm.deal(deal).details_information(template="fr", of="contact")).id == own.id


@pytest.mark.parametrize("of", ["company", "contact"])
def test_of_a_contact_or_a_company_they_are_always_its_own(
    office: Office, template: DetailsTemplate, contact: Contact, company: Company, of: Any
) -> None:
    office.do(crm.contact(contact).update({"company_id": company.id}))
    firm, person = details(office, template, company_id=company.id), details(office, template, contact_id=contact.id)
    assert office.do(crm.company.details_information(template="fr", of=of), company).id == firm.id
    assert office.do(crm.contact.details_information(template="fr", of=of), contact).id == person.id


@pytest.mark.parametrize("kind", ["lead", "quote", "invoice", "contract"])
def test_every_kind_of_item_with_a_client_has_them(
    office: Office, template: DetailsTemplate, company: Company, kind: str
) -> None:
    one = details(office, template, company_id=company.id)
    if kind == "contract":
        office.do(crm.smart_type.create(code="contract"))
        named: Any = crm.item("contract", office.do(crm.item("contract").create(company_id=company.id)))
    else:
        own = getattr(crm, kind)
        named = own(office.do(own.create(title="x", company_id=company.id)))
    assert office.do(named.details_information(template="fr")).id == one.id
    assert office.do(named.edit_details({"vat_id": "5"}, template="fr")).fields["vat_id"] == "5"


def test_of_several_the_selected_one_is_meant_or_else_the_first_by_sort_and_id(
    office: Office, template: DetailsTemplate, company: Company, deal: Deal
) -> None:
    last = details(office, template, company_id=company.id, sort=900)
    first = details(office, template, company_id=company.id, sort=100)
    details(office, template, company_id=company.id, sort=100)
    ask = crm.deal(deal).details_information(template="fr")
    assert office.do(ask).id == first.id
    office.do(crm.details(last).update({"selected": True}))
    assert office.do(ask).id == last.id


def test_details_of_other_templates_and_clients_do_not_count(
    office: Office, template: DetailsTemplate, company: Company, deal: Deal
) -> None:
    other = office.do(crm.details_template.create(code="de", fields=["vat_id"]))
    details(office, other, company_id=company.id, selected=True)
    stranger = office.do(crm.company.create(title="Other"))
    details(office, template, company_id=stranger.id)
    error = office.refused(DetailsMissing, crm.deal(deal).details_information(template="fr"))
    assert (error.kind, error.id, error.template) == ("company", company.id, "fr")


def test_bank_details_are_chosen_in_the_same_way_and_of_the_templates_country(
    office: Office, template: DetailsTemplate, company: Company, deal: Deal
) -> None:
    one = details(office, template, company_id=company.id)
    foreign = office.do(crm.bank_details.create(details_id=one.id, country="DE", selected=True))
    plain = office.do(crm.bank_details.create(details_id=one.id, fields={"iban": IBAN}, sort=1))
    chosen = office.do(crm.bank_details.create(details_id=one.id, fields={"bank_name": "B"}))
    ask = crm.deal(deal).details_information(template="fr")
    found = office.do(ask)
    assert (found.bank_id, found.bank["iban"]) == (plain.id, IBAN)
    office.do(crm.bank_details(chosen).update({"selected": True}))
    assert office.do(ask).bank_id == chosen.id != foreign.id


def test_the_address_is_that_of_the_type_that_is_asked_for(
    office: Office, template: DetailsTemplate, company: Company, deal: Deal
) -> None:
    details(office, template, company_id=company.id, addresses={"registered": {"city": "Lyon"}})
    ask = crm.deal(deal).details_information
    assert office.do(ask(template="fr", address_type="registered")).address == Address(city="Lyon")
    assert office.do(ask(template="fr", address_type="post")).address == Address()
    assert office.do(ask(template="fr")).address is None


def test_a_template_without_addresses_gives_none(office: Office, company: Company, deal: Deal) -> None:
    bare = office.do(crm.details_template.create(code="bare", fields=["vat_id"], with_address=False))
    details(office, bare, company_id=company.id)
    ask = crm.deal(deal).details_information(template="bare", address_type="registered")
    assert office.do(ask).address is None
    error = office.refused(
        WrongFieldValue,
        crm.deal(deal).edit_details(template="bare", address_type="registered", address={"city": "Lyon"}),
    )
    assert error.field == "addresses"


def test_reading_changes_and_tells_nothing(
    office: Office, template: DetailsTemplate, company: Company, deal: Deal
) -> None:
    details(office, template, company_id=company.id)
    before, told = office.everything(), len(office.events)
    office.do(crm.deal(deal).details_information(template="fr"))
    assert office.everything() == before
    assert len(office.events) == told


ASKED: list[Any] = [
    lambda named, **more: named.details_information(**more),
    lambda named, **more: named.edit_details({"vat_id": "1"}, **more),
]


@pytest.mark.parametrize("ask", ASKED, ids=["read", "edit"])
def test_a_missing_client_template_or_item_is_said(office: Office, template: DetailsTemplate, ask: Any) -> None:
    lonely = office.do(crm.deal.create(title="x"))
    for of in ("company", "contact"):
        error = office.refused(LinkedItemMissing, ask(crm.deal(lonely), template="fr", of=of))
        assert error.wanted == of
    unknown = office.refused(UnknownDetailsTemplate, ask(crm.deal(lonely), template="nl"))
    assert (unknown.template, unknown.known) == ("nl", "fr")
    office.refused(ItemNotFound, ask(crm.company(99), template="fr"))
    office.refused(ItemNotFound, ask(crm.deal(99), template="fr"))
    with pytest.raises(WrongArgument):
        ask(crm.deal(lonely), template="fr", of="lead")
    with pytest.raises(WrongArgument):
        ask(crm.deal(lonely), template="fr", address_type="moon")


def test_a_client_without_details_is_said_when_editing_too(
    office: Office, template: DetailsTemplate, company: Company, deal: Deal
) -> None:
    office.refused(DetailsMissing, crm.deal(deal).edit_details({"vat_id": "1"}, template="fr"))


# -- editing -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def acme(office: Office, template: DetailsTemplate, company: Company) -> ClientDetails:
    return details(
        office,
        template,
        company_id=company.id,
        fields={"vat_id": "FR1", "director": "Ann"},
        addresses={"registered": {"city": "Lyon", "line_1": "1 Quay"}, "post": {"city": "Nice"}},
    )


def test_only_the_fields_that_are_given_change(office: Office, acme: ClientDetails, deal: Deal) -> None:
    changed = office.do(crm.deal.edit_details({"vat_id": "FR2", "company_name": "Acme"}, template="fr"), deal)
    assert dict(changed.fields) == {"company_name": "Acme", "vat_id": "FR2", "director": "Ann"}
    assert changed == office.do(crm.deal(deal).details_information(template="fr"))
    assert dict(office.reader.get(ClientDetails, acme.id).addresses) == dict(acme.addresses)


def test_an_empty_text_or_none_clears_a_field(office: Office, acme: ClientDetails, deal: Deal) -> None:
    fields = office.do(crm.deal(deal).edit_details({"vat_id": "", "director": None}, template="fr")).fields
    assert (fields["vat_id"], fields["director"]) == ("", "")


def test_the_parts_of_an_address_that_are_not_given_stay(office: Office, acme: ClientDetails, deal: Deal) -> None:
    edit = crm.deal(deal).edit_details(template="fr", address_type="registered", address={"city": "Paris"})
    assert office.do(edit).address == Address(city="Paris", line_1="1 Quay")
    stored = office.reader.get(ClientDetails, acme.id)
    assert stored.addresses["post"] == {"city": "Nice"}
    assert dict(stored.fields) == dict(acme.fields)


def test_an_address_of_a_type_that_was_not_there_is_made(office: Office, acme: ClientDetails, deal: Deal) -> None:
    edit = crm.deal(deal).edit_details(template="fr", address_type="billing", address={"city": "Nantes"})
    assert office.do(edit).address == Address(city="Nantes")


def test_bank_details_are_made_where_there_are_none_and_changed_where_there_are(
    office: Office, acme: ClientDetails, deal: Deal
) -> None:
    made = office.do(crm.deal(deal).edit_details(template="fr", bank={"iban": IBAN}))
    (bank,) = office.reader.find(BankDetails)
    assert (made.bank_id, bank.details_id, bank.country) == (bank.id, acme.id, "FR")
    changed = office.do(crm.deal(deal).edit_details(template="fr", bank={"bank_name": "B"}))
    assert (changed.bank_id, changed.bank["iban"], changed.bank["bank_name"]) == (bank.id, IBAN, "B")
    assert len(office.reader.find(BankDetails)) == 1


def test_details_bank_and_address_are_changed_in_one(office: Office, acme: ClientDetails, deal: Deal) -> None:
    changed = office.do(
        crm.deal(deal).edit_details(
            {"vat_id": "9"}, template="fr", bank={"iban": IBAN}, address_type="post", address={"line_1": "2 Rue"}
        )
    )
    assert (changed.fields["vat_id"], changed.bank["iban"]) == ("9", IBAN)
    assert changed.address == Address(city="Nice", line_1="2 Rue")


def test_fields_of_other_templates_are_left_out_and_those_of_none_refused(
    office: Office, acme: ClientDetails, deal: Deal
) -> None:
    office.do(crm.details_template.create(code="de", fields=["hrb"], bank_fields=["blz"]))
    edit = crm.deal(deal).edit_details
    assert dict(office.do(edit({"hrb": "1", "vat_id": "2"}, template="fr", bank={"blz": "3"})).fields) == {
        "company_name": "", "vat_id": "2", "director": "Ann",
    }  # fmt: skip
    assert office.reader.find(BankDetails) == []
    assert office.refused(UnknownField, edit({"vat": "1"}, template="fr")).field == "vat"
    assert office.refused(UnknownField, edit(template="fr", bank={"ibam": "1"})).field == "ibam"
    wrong: Any = {"town": "Lyon"}
    assert office.refused(UnknownField, edit(template="fr", address_type="post", address=wrong)).field == "town"


def test_nothing_given_and_an_address_without_its_type_are_refused(
    office: Office, acme: ClientDetails, deal: Deal
) -> None:
    edit = crm.deal(deal).edit_details
    assert office.refused(WrongValue, edit(template="fr")).parameter == "fields"
    assert office.refused(WrongValue, edit({}, template="fr", bank={})).parameter == "fields"
    error = office.refused(WrongValue, edit(template="fr", address={"city": "Lyon"}))
    assert error.parameter == "address_type"


def test_values_already_there_write_nothing(office: Office, acme: ClientDetails, deal: Deal) -> None:
    edit = crm.deal(deal).edit_details(
        {"vat_id": "FR1"}, template="fr", address_type="registered", address={"city": "Lyon"}
    )
    office.do(edit)
    before = office.everything()
    office.do(edit)
    assert office.everything() == before


# -- forms -------------------------------------------------------------------------------------------------------------


def test_a_wrong_value_in_either_part_is_told_of_both_and_nothing_is_written(
    office: Office, acme: ClientDetails, deal: Deal
) -> None:
    bad: Any = {"vat_id": ["FR1"], "director": "Bo"}
    error = office.refused(
        DetailsRefused, crm.deal(deal).edit_details(bad, template="fr", bank={"iban": "FR00", "swift": "X"})
    )
    assert [part for part, _ in error.reasons] == ["fields", "bank"]
    assert "details.fields.vat_id" in error.reasons[0][1]
    assert "bank_details.fields.iban" in error.reasons[1][1]


@pytest.mark.parametrize("part", ["fields", "bank"])
def test_each_part_is_checked_by_itself(office: Office, acme: ClientDetails, deal: Deal, part: str) -> None:
    given: Any = {"vat_id": "2\0"} if part == "fields" else {"vat_id": "2"}
    bank = {"iban": IBAN} if part == "fields" else {"iban": "none"}
    error = office.refused(DetailsRefused, crm.deal(deal).edit_details(given, template="fr", bank=bank))
    assert [name for name, _ in error.reasons] == [part]


FORMS: list[tuple[str, Any, bool]] = [
    ("iban", IBAN, True),
    ("iban", OTHER_IBAN.lower(), True),
    ("iban", IBAN.replace("189", "188"), False),
    ("iban", "FR", False),
    ("iban", "", True),
    ("swift", "DEUTDEFF", True),
    ("swift", "deutdeff500", True),
    ("swift", "DEUTDEF", False),
    ("bank_name", "Any Bank", True),
    ("bank_name", {"a": 1}, False),
    ("account_number", 12345, True),
    ("account_number", 1.5, False),
]


@pytest.mark.parametrize(("code", "value", "fits"), FORMS)
def test_bank_details_have_the_forms_of_their_fields(
    office: Office, acme: ClientDetails, deal: Deal, code: str, value: Any, fits: bool
) -> None:
    edit = crm.deal(deal).edit_details(template="fr", bank={code: value})
    if fits:
        assert office.do(edit).bank[code] == value
    else:
        office.refused(DetailsRefused, edit)


def test_what_no_field_can_hold_is_refused_wherever_details_are_written(office: Office, acme: ClientDetails) -> None:
    office.refused(WrongFieldValue, crm.bank_details.create(details_id=acme.id, fields={"bank_name": ["x"]}))
    office.refused(WrongFieldValue, crm.details(acme).update({"fields": {"vat_id": "a\0"}}))
    office.refused(WrongFieldValue, crm.details(acme).update({"addresses": {"post": {"city": 5}}}))
    office.refused(WrongFieldValue, crm.details(acme).update({"addresses": {"post": {"town": "Lyon"}}}))
    office.refused(WrongFieldValue, crm.details(acme).update({"addresses": {"post": "Lyon"}}))


def test_what_is_given_may_change_afterwards() -> None:
    fields = {"vat_id": "1"}
    action = crm.deal.edit_details(fields, template="fr")
    fields["vat_id"] = "2"
    assert action.fields == {"vat_id": "1"}
