"""Headings 19, 20 and 22: what is made of a lead and of a deal, what it has of them, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import (
    AlreadyConverted,
    ConversionRefused,
    ItemNotFound,
    NoClient,
    UnknownPipeline,
    UnknownUser,
    WrongValue,
)
from bizproc.model import (
    Activity,
    Comment,
    Company,
    Contact,
    Conversion,
    Deal,
    HistoryEvent,
    Invoice,
    Lead,
    MultiField,
    Product,
    ProductRow,
    Quote,
    User,
    ref_of,
)

Office = Any  # conftest.Office

PERSON: dict[str, Any] = {
    "honorific": "HNR_EN_2",
    "name": "Ann",
    "second_name": "M.",
    "last_name": "Lee",
    "birth_date": date(1990, 2, 3),
    "post": "Buyer",
}
ADDRESS: dict[str, Any] = {
    "address": "1 Quay",
    "address_2": "Door 3",
    "city": "Lyon",
    "region": "ARA",
    "province": "Rhône",
    "postal_code": "69001",
    "country": "France",
}
REACHED: dict[str, Any] = {
    "phones": (MultiField("+33 1", "MOBILE"), MultiField("+33 2", "WORK")),
    "emails": (MultiField("ann@acme.example", "HOME"),),
    "webs": (MultiField("https://acme.example"),),
    "ims": (MultiField("@ann", "TELEGRAM"),),
}
UTM: dict[str, Any] = {f"utm_{name}": name for name in ("source", "medium", "campaign", "content", "term")}
SOURCE: dict[str, Any] = {"source": "WEB", "source_description": "the form"}
ORIGIN: dict[str, Any] = {"originator_id": "shop", "origin_id": "77"}


@pytest.fixture
def ann(office: Office) -> User:
    return office.do(crm.user.create(name="Ann", last_name="Lee"))  # type: ignore[no-any-return]


@pytest.fixture
def bob(office: Office) -> User:
    return office.do(crm.user.create(name="Bob"))  # type: ignore[no-any-return]


@pytest.fixture
def tea(office: Office) -> Product:
    return office.do(  # type: ignore[no-any-return]
        crm.product.create(name="Tea", price=Decimal("18.00"), tax_rate=20, measure="box")
    )


@pytest.fixture
def lead(office: Office, ann: User) -> Lead:
    made: Lead = office.do(
        crm.lead.create(
            title="Tea for Acme",
            company_title="Acme",
            comments="calls on Mondays",
            opened=False,
            currency="USD",
            responsible_id=ann.id,
            **PERSON, **ADDRESS, **REACHED, **UTM, **SOURCE, **ORIGIN,
        )
    )  # fmt: skip
    return made


def only(office: Office, cls: Any) -> Any:
    (one,) = office.reader.find(cls)
    return one


def has(item: Any, *parts: dict[str, Any]) -> bool:
    return all(getattr(item, name) == value for part in parts for name, value in part.items())


def add_row(office: Office, item: Any, product: Product, **row: Any) -> ProductRow:
    made: ProductRow = office.ask(lambda port: port.add_product(ref_of(item), product.id, **row))
    return made


def convert(office: Office, lead: Any, **asked: Any) -> Conversion:
    made: Conversion = office.do(crm.lead(lead).convert(**asked))
    return made


# -- what is copied from a lead ----------------------------------------------------------------------------------------


def test_a_contact_has_the_leads_person_address_phones_and_origin(office: Office, lead: Lead, ann: User) -> None:
    made = convert(office, lead, contact=True)
    contact = only(office, Contact)
    assert made == Conversion(contact_id=contact.id)
    assert has(contact, PERSON, ADDRESS, REACHED, UTM, SOURCE, ORIGIN)
    assert (contact.comments, contact.opened, contact.responsible_id) == ("calls on Mondays", False, ann.id)
    assert contact.lead_id == lead.id
    assert contact.company_id is None


def test_a_company_has_the_leads_company_title_address_and_phones(office: Office, lead: Lead, ann: User) -> None:
    made = convert(office, lead, company=True)
    company = only(office, Company)
    assert made == Conversion(company_id=company.id)
    assert has(company, ADDRESS, REACHED, UTM)
    assert (company.title, company.comments, company.responsible_id) == ("Acme", "calls on Mondays", ann.id)
    assert company.source is None
    assert company.origin_id is None


def test_a_company_without_a_title_of_its_own_has_the_leads(office: Office) -> None:
    convert(office, office.do(crm.lead.create(title="Tea", company_title="  ")), company=True)
    assert only(office, Company).title == "Tea"


def test_a_deal_has_the_leads_title_source_and_first_type(office: Office, lead: Lead, ann: User) -> None:
    made = convert(office, lead, deal=True)
    deal = only(office, Deal)
    assert made == Conversion(deal_id=deal.id)
    assert has(deal, UTM, SOURCE)
    assert (deal.title, deal.currency, deal.comments, deal.opened) == ("Tea for Acme", "USD", "calls on Mondays", False)
    assert (deal.type, deal.pipeline, deal.stage, deal.responsible_id) == ("SALE", 0, "NEW", ann.id)
    assert (deal.lead_id, deal.company_id, deal.contact_ids) == (lead.id, None, ())
    assert deal.origin_id is None


def test_the_first_type_is_the_first_by_sort(office: Office, lead: Lead) -> None:
    office.do(crm.reference.create(list="DEAL_TYPE", code="FIRST", name="First", sort=1))
    convert(office, lead, deal=True)
    assert only(office, Deal).type == "FIRST"


def test_who_has_no_name_gets_one(office: Office) -> None:
    convert(office, office.do(crm.lead.create(title="Tea")), contact=True)
    assert only(office, Contact).title == "Without a name"


def test_a_last_name_is_name_enough(office: Office) -> None:
    convert(office, office.do(crm.lead.create(title="Tea", last_name="Lee")), contact=True)
    assert only(office, Contact).title == "Lee"


def test_the_deal_is_in_the_pipeline_that_is_given(office: Office, lead: Lead) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    convert(office, lead, deal=True, pipeline=service.id)
    assert (only(office, Deal).pipeline, only(office, Deal).stage) == (service.id, f"C{service.id}:NEW")


def test_who_is_named_is_in_charge_of_all(office: Office, lead: Lead, ann: User, bob: User) -> None:
    convert(office, lead, deal=True, contact=True, company=True, responsible=[bob, ann])
    assert {only(office, cls).responsible_id for cls in (Deal, Contact, Company)} == {bob.id}
    assert only(office, Lead).responsible_id == ann.id


# -- links, status, record ---------------------------------------------------------------------------------------------


def test_company_contact_and_deal_are_made_in_this_order_and_linked(office: Office, lead: Lead) -> None:
    office.events.clear()
    made = convert(office, lead, deal=True, contact=True, company=True)
    assert [event.name for event in office.events if event.name.endswith(".created")] == [
        "company.created", "contact.created", "deal.created",
    ]  # fmt: skip
    contact, deal, now = only(office, Contact), only(office, Deal), only(office, Lead)
    assert made == Conversion(deal_id=deal.id, contact_id=contact.id, company_id=only(office, Company).id)
    assert contact.company_id == made.company_id
    assert (deal.contact_ids, deal.company_id) == ((made.contact_id,), made.company_id)
    assert (now.contact_ids, now.company_id) == ((made.contact_id,), made.company_id)


def test_the_lead_is_converted_and_says_so(office: Office, lead: Lead) -> None:
    office.events.clear()
    made = office.do(crm.lead.convert(deal=True), lead, instance="w-1")
    now = only(office, Lead)
    assert (now.status, now.semantics, now.closed, now.closed_at) == ("CONVERTED", "success", True, office.now)
    assert not now.is_return_customer
    assert [event.facts["stage"] for event in office.told("lead.stage_changed")] == ["CONVERTED"]
    (event,) = office.told("lead.converted")
    assert (event.facts["deal"], event.facts["by"]) == (made.deal_id, "w-1")
    (line,) = [each for each in office.reader.find(HistoryEvent, of=lead) if each.kind == "converted"]
    assert (line.new, line.made_by) == ({"deal": made.deal_id}, "w-1")
    assert office.ended == [], "the instance goes on"


def test_a_new_client_does_not_make_the_deal_a_returning_customers(office: Office, lead: Lead) -> None:
    convert(office, lead, deal=True, contact=True)
    assert not only(office, Deal).is_return_customer


# -- rows and amounts --------------------------------------------------------------------------------------------------


def test_the_deal_has_the_leads_rows_as_they_are_there(office: Office, lead: Lead, tea: Product) -> None:
    add_row(office, lead, tea, price=Decimal("17.55"), quantity=3, discount_percent=10)
    add_row(office, lead, tea)
    office.do(crm.product(tea).update({"name": "Coffee", "price": 99, "tax_rate": 5}))
    office.events.clear()
    convert(office, lead, deal=True)
    deal = only(office, Deal)
    rows = office.reader.find(ProductRow, of=deal, order_by="sort")
    said = [(row.name, row.price, row.quantity, row.discount_percent, row.sum, row.currency) for row in rows]
    assert said == [
        ("Tea", Decimal("17.55"), 3, 10, Decimal("47.39"), "USD"),
        ("Tea", Decimal("18.00"), 1, 0, Decimal("18.00"), "USD"),
    ]
    assert [(row.sort, row.measure, row.tax_rate) for row in rows] == [(10, "box", 20), (20, "box", 20)]
    assert (deal.amount, deal.manual_amount, deal.tax) == (Decimal("65.39"), False, sum(row.tax for row in rows))
    (saved,) = office.told("deal.product_rows_saved")
    assert saved.facts["added"] == [row.id for row in rows]
    assert len(office.reader.find(ProductRow, of=lead)) == 2, "the lead keeps its own"


def test_rows_that_stand_in_a_deal_of_the_lead_are_not_copied_again(office: Office, lead: Lead, tea: Product) -> None:
    for quantity in (1, 1, 2):
        add_row(office, lead, tea, quantity=quantity)
    other = office.do(crm.deal.create(title="Other", lead_id=lead.id))
    add_row(office, other, tea, quantity=1)
    stranger = office.do(crm.deal.create(title="Stranger"))
    add_row(office, stranger, tea, quantity=2)
    made = convert(office, lead, deal=True)
    rows = [row for row in office.reader.find(ProductRow) if row.owner_id == made.deal_id and row.owner_kind == "deal"]
    assert [row.quantity for row in rows] == [1, 2]
    assert office.reader.get(Deal, made.deal_id).amount == Decimal("54.00")


def test_an_amount_set_by_hand_is_copied_and_stays(office: Office, lead: Lead, tea: Product) -> None:
    add_row(office, lead, tea)
    office.do(crm.lead(lead).update({"amount": 500}))
    convert(office, lead, deal=True)
    deal = only(office, Deal)
    assert (deal.amount, deal.manual_amount) == (Decimal("500.00"), True)
    assert len(office.reader.find(ProductRow, of=deal)) == 1


# -- custom fields -----------------------------------------------------------------------------------------------------


def test_custom_fields_that_are_missing_are_defined_and_their_values_copied(office: Office) -> None:
    options = {"S": "Small", "L": "Large"}
    office.do(crm.lead.add_field("size", type="choice", label="Size", multiple=True, options=options))
    office.do(crm.lead.add_field("colour", type="text", label="Colour"))
    office.do(crm.lead.add_field("unused", type="integer", label="Unused"))
    office.do(crm.deal.add_field("colour", type="text", label="Colour of the box"))
    lead = office.do(crm.lead.create(title="L", custom={"size": ["Large"], "colour": "green"}))
    convert(office, lead, deal=True, contact=True, company=True)
    for cls in (Deal, Contact, Company):
        assert only(office, cls).custom == {"size": ("L",), "colour": "green"}
    fields = {each.code: each for each in office.ask(lambda port: port.defined_fields("deal"))}
    assert set(fields) == {"size", "colour", "unused"}
    assert (fields["size"].label, fields["size"].multiple, fields["size"].options) == ("Size", True, options)
    assert fields["colour"].label == "Colour of the box"


def test_a_custom_field_called_like_a_field_of_the_other_kind_stays_behind(office: Office) -> None:
    office.do(crm.lead.add_field("probability", type="text", label="p"))
    lead = office.do(crm.lead.create(title="L", custom={"probability": "high"}))
    convert(office, lead, deal=True)
    assert only(office, Deal).custom == {}
    assert only(office, Lead).custom == {"probability": "high"}


def test_bookings_stay_with_what_was_booked_for(office: Office) -> None:
    office.do(crm.lead.add_field("room", type="booking", label="Room"))
    convert(office, office.do(crm.lead.create(title="L")), deal=True)
    assert office.ask(lambda port: port.defined_fields("deal")) == ()


# -- what stands beside the lead ---------------------------------------------------------------------------------------


def test_activities_and_comments_of_the_lead_stand_beside_what_was_made(office: Office, lead: Lead) -> None:
    activity = office.do(crm.lead(lead).add_activity("Call"))
    comment = office.do(crm.lead(lead).add_comment("was nice"))
    convert(office, lead, deal=True, contact=True, company=True)
    for item in (only(office, cls) for cls in (Lead, Deal, Contact, Company)):
        assert [each.id for each in office.reader.find(Activity, of=item)] == [activity.id]
        assert [each.id for each in office.reader.find(Comment, of=item)] == [comment.id]
    assert [ref.kind for ref in only(office, Comment).also] == ["company", "contact", "deal"]
    assert [ref.kind for ref in only(office, Activity).bindings] == ["lead", "company", "contact", "deal"]


def test_what_stands_beside_the_deal_too_outlives_the_lead(office: Office, lead: Lead) -> None:
    office.do(crm.lead(lead).add_activity("Call"))
    comment = office.do(crm.lead(lead).add_comment("was nice"))
    convert(office, lead, deal=True, contact=True)
    deal, contact = only(office, Deal), only(office, Contact)
    office.do(crm.lead(lead).delete())
    for item in (deal, contact):
        assert [each.subject for each in office.reader.find(Activity, of=item)] == ["Call"]
        assert [each.id for each in office.reader.find(Comment, of=item)] == [comment.id]
    office.do(crm.contact(contact).delete())
    assert [each.id for each in office.reader.find(Comment, of=deal)] == [comment.id]
    office.do(crm.deal(deal).delete())
    assert office.reader.find(Activity) == office.reader.find(Comment) == []


def test_open_activities_stay_open_unless_they_are_not_to_be_kept(office: Office, lead: Lead) -> None:
    office.do(crm.lead(lead).add_activity("Call"))
    convert(office, lead, deal=True)
    assert not only(office, Activity).completed


def test_without_keeping_them_open_activities_are_completed(office: Office, lead: Lead) -> None:
    office.do(crm.lead(lead).add_activity("Call"))
    office.events.clear()
    convert(office, lead, deal=True, keep_activities_open=False)
    assert (only(office, Activity).completed, only(office, Activity).completed_at) == (True, office.now)
    assert [event.subject for event in office.told("activity.completed")] == [
        f"lead:{lead.id}", f"deal:{only(office, Deal).id}",
    ]  # fmt: skip


def test_what_is_completed_already_is_not_completed_again(office: Office, lead: Lead) -> None:
    activity = office.do(crm.lead(lead).add_activity("Call"))
    office.ask(lambda port: port.complete_activity(ref_of(lead), activity.id))
    before = office.now
    office.later(hours=1)
    office.events.clear()
    convert(office, lead, deal=True, keep_activities_open=False)
    assert only(office, Activity).completed_at == before
    assert office.told("activity.completed") == []


# -- a returning customer ----------------------------------------------------------------------------------------------


@pytest.fixture
def returning(office: Office) -> Lead:
    company = office.do(crm.company.create(title="Known"))
    several = [office.do(crm.contact.create(name=name, last_name="Doe")) for name in ("Bo", "Cy")]
    made: Lead = office.do(crm.lead.create(title="Again", company_id=company.id, contact_ids=several))
    return made


def test_for_a_returning_customer_only_a_deal_is_made_with_the_clients_there_are(
    office: Office, returning: Lead
) -> None:
    made = convert(office, returning, deal=True, contact=True, company=True)
    assert made == Conversion(
        deal_id=only(office, Deal).id, contact_id=returning.contact_id, company_id=returning.company_id
    )
    assert len(office.reader.find(Contact)) == 2
    assert len(office.reader.find(Company)) == 1
    deal = only(office, Deal)
    assert (deal.contact_ids, deal.company_id) == (returning.contact_ids, returning.company_id)


def test_for_a_returning_customer_the_client_is_what_was_asked_for(office: Office, returning: Lead) -> None:
    made = convert(office, returning, contact=True)
    assert made == Conversion(contact_id=returning.contact_id, company_id=returning.company_id)
    assert only(office, Lead).status == "CONVERTED"
    assert office.reader.find(Deal) == []


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_a_conversion_into_nothing_is_refused(office: Office, lead: Lead) -> None:
    office.refused(WrongValue, crm.lead(lead).convert())
    deal = office.do(crm.deal.create(title="x"))
    office.refused(WrongValue, crm.deal(deal).convert())


def test_a_lead_is_converted_once(office: Office, lead: Lead) -> None:
    convert(office, lead, deal=True)
    error = office.refused(AlreadyConverted, crm.lead(lead).convert(deal=True))
    assert (error.kind, error.id, error.stage) == ("lead", lead.id, "CONVERTED")


def test_a_lead_that_was_moved_to_its_success_is_not_converted(office: Office, lead: Lead) -> None:
    office.do(crm.lead(lead).change_status("CONVERTED"))
    office.refused(AlreadyConverted, crm.lead(lead).convert(contact=True))


def test_a_lead_that_was_given_up_may_be_converted(office: Office, lead: Lead) -> None:
    office.do(crm.lead(lead).change_status("JUNK"))
    assert convert(office, lead, deal=True).deal_id == only(office, Deal).id


def test_wrong_parameters_are_refused_as_such(office: Office, lead: Lead) -> None:
    office.refused(UnknownPipeline, crm.lead(lead).convert(deal=True, pipeline=99))
    office.refused(UnknownUser, crm.lead(lead).convert(deal=True, responsible=99))
    office.refused(ItemNotFound, crm.lead(99).convert(deal=True))
    office.refused(ItemNotFound, crm.deal(99).convert(quote=True))


def test_what_cannot_be_made_makes_nothing_of_the_rest_either(office: Office) -> None:
    office.do(crm.lead.add_field("colour", type="text", label="Colour"))
    office.do(crm.deal.add_field("colour", type="choice", label="Colour", options=["green"]))
    lead = office.do(crm.lead.create(title="L", custom={"colour": "blue"}))
    error = office.refused(ConversionRefused, crm.lead(lead).convert(deal=True, contact=True, company=True))
    assert (error.kind, error.id, error.wanted) == ("lead", lead.id, "deal")
    assert error.reason.startswith("deal.custom.colour: expected one of green")


def test_a_deal_that_cannot_be_converted_is_refused_as_a_whole(office: Office) -> None:
    office.do(crm.deal.add_field("colour", type="text", label="Colour"))
    office.do(crm.invoice.add_field("colour", type="integer", label="Colour"))
    deal = office.do(crm.deal.create(title="D", custom={"colour": "blue"}))
    error = office.refused(ConversionRefused, crm.deal(deal).convert(quote=True, invoice=True))
    assert error.wanted == "invoice"


# -- a deal ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def deal(office: Office, ann: User, tea: Product) -> Deal:
    lead = office.do(crm.lead.create(title="L"))
    company = office.do(crm.company.create(title="Acme"))
    several = [office.do(crm.contact.create(name=name, last_name="Doe")) for name in ("Bo", "Cy")]
    made: Deal = office.do(
        crm.deal.create(
            title="Tea",
            comments="soon",
            opened=False,
            currency="USD",
            responsible_id=ann.id,
            lead_id=lead.id,
            company_id=company.id,
            contact_ids=several,
            stage="EXECUTING",
        )
    )
    add_row(office, made, tea, quantity=2)
    add_row(office, made, tea, price=Decimal("0.333"), quantity=Decimal("1.5"), discount_percent=5)
    return office.deal(made)  # type: ignore[no-any-return]


def test_a_quote_has_the_deals_client_rows_and_amount(office: Office, deal: Deal, ann: User) -> None:
    made = office.do(crm.deal.convert(quote=True), deal)
    quote = only(office, Quote)
    assert made == Conversion(quote_id=quote.id)
    assert (quote.title, quote.comments, quote.opened, quote.responsible_id) == ("Tea", "soon", False, ann.id)
    assert (quote.deal_id, quote.lead_id, quote.company_id) == (deal.id, deal.lead_id, deal.company_id)
    assert quote.contact_ids == deal.contact_ids
    assert (quote.amount, quote.currency, quote.tax) == (deal.amount, "USD", deal.tax)
    assert quote.stage == "DRAFT"
    assert [row.sum for row in office.reader.find(ProductRow, of=quote)] == [Decimal("36.00"), Decimal("0.47")]


def test_an_invoice_has_the_deals_primary_contact_and_rows(office: Office, deal: Deal, ann: User) -> None:
    made = office.do(crm.deal.convert(invoice=True), deal)
    invoice = only(office, Invoice)
    assert made == Conversion(invoice_id=invoice.id)
    assert (invoice.title, invoice.comments, invoice.responsible_id) == ("Tea", "soon", ann.id)
    assert (invoice.deal_id, invoice.company_id, invoice.contact_ids) == (
        deal.id, deal.company_id, deal.contact_ids[:1],
    )  # fmt: skip
    assert (invoice.amount, invoice.currency, invoice.tax) == (deal.amount, "USD", deal.tax)


def test_the_deal_itself_stays_as_it_is_and_tells_of_it(office: Office, deal: Deal) -> None:
    office.events.clear()
    made = office.do(crm.deal.convert(quote=True, invoice=True), deal)
    assert office.deal(deal) == deal
    (event,) = office.told("deal.converted")
    assert (event.facts["quote"], event.facts["invoice"]) == (made.quote_id, made.invoice_id)
    assert office.ended == []


def test_a_deal_is_converted_as_often_as_is_asked_for(office: Office, deal: Deal) -> None:
    first, second = (office.do(crm.deal(deal).convert(invoice=True)) for _ in range(2))
    assert first.invoice_id != second.invoice_id
    assert [each.amount for each in office.reader.find(Invoice)] == [deal.amount] * 2


def test_an_amount_by_hand_is_the_quotes_and_without_rows_the_invoices(office: Office, deal: Deal) -> None:
    office.do(crm.deal(deal).update({"amount": 500}))
    office.do(crm.deal(deal).convert(quote=True, invoice=True))
    assert only(office, Quote).amount == Decimal("500.00")
    assert only(office, Invoice).amount == Decimal("36.47"), "the sum of its rows"
    bare = office.do(crm.deal.create(title="x", amount=70))
    made = office.do(crm.deal(bare).convert(invoice=True))
    assert office.reader.get(Invoice, made.invoice_id).amount == Decimal("70.00")


def test_custom_fields_of_the_deal_are_copied_to_both(office: Office) -> None:
    office.do(crm.deal.add_field("colour", type="text", label="Colour"))
    deal = office.do(crm.deal.create(title="D", custom={"colour": "green"}))
    office.do(crm.deal(deal).convert(quote=True, invoice=True))
    assert only(office, Quote).custom == only(office, Invoice).custom == {"colour": "green"}


def test_who_is_named_is_in_charge_of_quote_and_invoice(office: Office, deal: Deal, bob: User) -> None:
    office.do(crm.deal(deal).convert(quote=True, invoice=True, responsible=bob))
    assert (only(office, Quote).responsible_id, only(office, Invoice).responsible_id) == (bob.id, bob.id)


# -- a lead's contact --------------------------------------------------------------------------------------------------


def test_a_leads_contact_has_its_person_and_nothing_else(office: Office, lead: Lead, ann: User) -> None:
    office.do(crm.lead.add_field("colour", type="text", label="Colour"))
    office.do(crm.lead(lead).update({"custom": {"colour": "green"}}))
    contact = office.do(crm.lead.create_contact(), lead)
    assert contact == only(office, Contact)
    assert has(contact, PERSON, ADDRESS, REACHED)
    assert (contact.responsible_id, contact.lead_id) == (ann.id, lead.id)
    assert (contact.comments, contact.source, contact.utm_source, contact.origin_id) == ("", None, None, None)
    assert contact.custom == {}


def test_the_lead_is_a_returning_customers_then_and_keeps_its_status(office: Office, lead: Lead) -> None:
    contact = office.do(crm.lead(lead).create_contact())
    now = only(office, Lead)
    assert (now.contact_ids, now.is_return_customer, now.status) == ((contact.id,), True, "NEW")


def test_a_lead_that_has_a_contact_keeps_it(office: Office, lead: Lead) -> None:
    contact = office.do(crm.lead(lead).create_contact())
    before = office.everything()
    assert office.do(crm.lead(lead).create_contact()) == contact
    assert office.everything() == before


def test_a_lead_in_its_success_gets_no_contact_any_more(office: Office, lead: Lead) -> None:
    office.do(crm.lead(lead).change_status("CONVERTED"))
    office.refused(AlreadyConverted, crm.lead(lead).create_contact())


def test_a_converted_lead_gives_the_contact_it_has(office: Office, lead: Lead) -> None:
    made = convert(office, lead, contact=True)
    assert office.do(crm.lead(lead).create_contact()).id == made.contact_id


def test_a_nameless_leads_contact_gets_a_name(office: Office) -> None:
    lead = office.do(crm.lead.create(title="Tea"))
    assert office.do(crm.lead(lead).create_contact()).title == "Without a name"


def test_of_several_users_one_is_picked_and_of_none_the_leads(office: Office, ann: User, bob: User) -> None:
    picked = set()
    for number in range(20):
        office.step = f"step {number}"
        lead = office.do(crm.lead.create(title="Tea", responsible_id=ann.id))
        picked.add(office.do(crm.lead(lead).create_contact(responsible=[ann, bob])).responsible_id)
    assert picked == {ann.id, bob.id}
    lead = office.do(crm.lead.create(title="Tea", responsible_id=ann.id))
    assert office.do(crm.lead(lead).create_contact(responsible=[])).responsible_id == ann.id


def test_a_lead_that_is_gone_or_a_user_who_is_none_makes_no_contact(office: Office, lead: Lead) -> None:
    office.refused(ItemNotFound, crm.lead(99).create_contact())
    office.refused(UnknownUser, crm.lead(lead).create_contact(responsible=99))


# -- a repeat lead -----------------------------------------------------------------------------------------------------


def test_a_repeat_lead_has_the_deals_client_and_nothing_else(office: Office, deal: Deal, ann: User) -> None:
    lead = office.do(crm.deal.create_repeat_lead(), deal)
    assert lead == office.reader.get(Lead, lead.id)
    assert (lead.title, lead.responsible_id) == ("Repeat lead", ann.id)
    assert (lead.contact_ids, lead.company_id, lead.is_return_customer) == (deal.contact_ids[:1], deal.company_id, True)
    assert (lead.status, lead.amount, lead.comments, lead.source) == ("NEW", 0, "", None)
    assert office.reader.find(ProductRow, of=lead) == []
    assert office.deal(deal) == deal


def test_a_repeat_lead_has_the_title_and_the_user_that_are_given(office: Office, deal: Deal, bob: User) -> None:
    lead = office.do(crm.deal(deal).create_repeat_lead("Again", responsible=bob))
    assert (lead.title, lead.responsible_id) == ("Again", bob.id)
    assert office.do(crm.deal(deal).create_repeat_lead("  ")).title == "Repeat lead"


@pytest.mark.parametrize("client", ["contact_id", "company_id"])
def test_a_contact_or_a_company_is_enough_for_a_repeat_lead(office: Office, client: str) -> None:
    contact = office.do(crm.contact.create(name="Bo", last_name="Doe"))
    company = office.do(crm.company.create(title="Acme"))
    id_ = contact.id if client == "contact_id" else company.id
    deal = office.do(crm.deal.create(title="x", **{client: id_}))
    assert getattr(office.do(crm.deal(deal).create_repeat_lead()), client) == id_


def test_a_deal_of_nobody_makes_no_repeat_lead(office: Office) -> None:
    deal = office.do(crm.deal.create(title="x"))
    error = office.refused(NoClient, crm.deal(deal).create_repeat_lead())
    assert (error.kind, error.id) == ("deal", deal.id)
    office.refused(ItemNotFound, crm.deal(99).create_repeat_lead())


# -- the verbs below ---------------------------------------------------------------------------------------------------


def test_sharing_a_timeline_twice_is_sharing_it_once(office: Office, lead: Lead, deal: Deal) -> None:
    office.do(crm.lead(lead).add_activity("Call"))
    office.do(crm.lead(lead).add_comment("hm"))

    async def share(port: Any) -> None:
        await port.share_timeline(ref_of(lead), [ref_of(deal), ref_of(lead), ref_of(deal)])

    office.ask(share)
    before = office.everything()
    office.ask(share)
    assert office.everything() == before
    assert len(only(office, Activity).bindings) == 2


def test_an_activity_is_completed_where_it_stands(office: Office, lead: Lead, deal: Deal) -> None:
    activity = office.do(crm.lead(lead).add_activity("Call"))
    with pytest.raises(ItemNotFound):
        office.ask(lambda port: port.complete_activity(ref_of(deal), activity.id))
    assert not only(office, Activity).completed


def test_no_rows_write_nothing(office: Office, deal: Deal) -> None:
    before, told = office.everything(), len(office.events)
    assert office.ask(lambda port: port.add_rows(ref_of(deal), ())) == ()
    assert office.everything() == before
    assert len(office.events) == told


def test_rows_take_the_digits_of_the_items_currency(office: Office, deal: Deal) -> None:
    yen = office.do(crm.deal.create(title="x", currency="JPY"))

    async def copy(port: Any) -> Any:
        return await port.add_rows(ref_of(yen), await port.products(ref_of(deal)))

    rows = office.ask(copy)
    assert [row.sum for row in rows] == [36, 0]
    assert office.deal(yen).amount == 36


def test_moments_and_values_are_matched_exactly(office: Office, lead: Lead) -> None:
    other = office.do(crm.lead.create(title="Tea for Acme", name="Ann"))

    def found(**values: Any) -> list[int]:
        return [each.id for each in office.ask(lambda port: port.matching("lead", values))]

    assert found(title="Tea for Acme") == [lead.id, other.id]
    assert found(title="Tea for Acme", last_name="Lee") == [lead.id]
    assert found(birth_date=None) == [other.id]
    assert found(created_at=datetime(2026, 1, 5, 9, tzinfo=UTC)) == [lead.id, other.id]
    assert found(amount=Decimal("0.00")) == [lead.id, other.id]
    assert found(title="tea for acme") == []
