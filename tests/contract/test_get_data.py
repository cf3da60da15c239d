"""Get CRM data (heading 37): the fields of an item, as they are kept or as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bizproc import crm
from bizproc.core.codec import Codec
from bizproc.core.errors import ItemNotFound, NoDocument, UnknownField, UnknownItem, WrongValue
from bizproc.model import Contact, Deal, ItemRef, Money, MultiField, Portal, User

Office = Any  # conftest.Office


@pytest.fixture
def ann(office: Office) -> User:
    user: User = office.do(crm.user.create(name="Ann", last_name="Lee"))
    return user


@pytest.fixture
def bo(office: Office, ann: User) -> Contact:
    made: Contact = office.do(
        crm.contact.create(
            name="Bo",
            last_name="Ek",
            honorific="HNR_EN_1",
            responsible_id=ann.id,
            source="CALL",
            phones=[MultiField("+33 1", "WORK"), MultiField("+33 6", "MOBILE")],
            birth_date=date(1990, 12, 31),
            export=False,
        )
    )
    return made


@pytest.fixture
def deal(office: Office, ann: User, bo: Contact) -> Deal:
    acme = office.do(crm.company.create(title="Acme"))
    made: Deal = office.do(
        crm.deal.create(
            title="Tea",
            amount=Decimal("1234.50"),
            company_id=acme.id,
            contact_id=bo.id,
            responsible_id=ann.id,
            observer_ids=[ann.id],
            type="SALE",
        )
    )
    return made


def french(office: Office) -> None:
    office.portal = Portal(language="fr", zone=ZoneInfo("Europe/Paris"))


def plain(data: Any) -> dict[str, str]:
    return {name: text.replace("\u00a0", " ") for name, text in data.items()}


def test_fields_come_as_they_are_kept_by_the_names_they_were_asked_for(office: Office, deal: Deal, bo: Contact) -> None:
    data = office.do(crm.deal(deal).get_data("responsible_id", "amount", "contact_id", "id", "moved_at"))
    assert data == {
        "responsible_id": deal.responsible_id,
        "amount": Decimal("1234.50"),
        "contact_id": bo.id,
        "id": deal.id,
        "moved_at": office.now,
    }
    assert list(data) == ["responsible_id", "amount", "contact_id", "id", "moved_at"]
    assert office.do(crm.contact(bo).get_data("phones", "title")) == {"phones": bo.phones, "title": "Bo Ek"}


def test_in_print_every_field_is_what_people_read(office: Office, deal: Deal) -> None:
    names = ("title", "responsible_id", "observer_ids", "company_id", "contact_ids", "stage", "pipeline", "type")
    assert office.do(crm.deal(deal).get_data(*names, print_version=True)) == {
        "title": "Tea",
        "responsible_id": "Ann Lee",
        "observer_ids": "Ann Lee",
        "company_id": "Acme",
        "contact_ids": "Bo Ek",
        "stage": "New",
        "pipeline": "General",
        "type": "Sale",
    }


def test_in_print_language_and_zone_are_the_portals(office: Office, deal: Deal, bo: Contact) -> None:
    french(office)
    data = office.do(
        crm.deal(deal).get_data("amount", "currency", "moved_at", "opened", "semantics", print_version=True)
    )
    assert plain(data) == {
        "amount": "1 234,50",
        "currency": "euro",
        "moved_at": "05/01/2026 10:00",
        "opened": "Oui",
        "semantics": "En cours",
    }
    names = ("phones", "birth_date", "honorific", "source", "export")
    data = office.do(crm.contact(bo).get_data(*names, print_version=True))
    assert data == {
        "phones": "Travail: +33 1; Mobile: +33 6",
        "birth_date": "31/12/1990",
        "honorific": "Mr.",
        "source": "Call",
        "export": "Non",
    }


def test_in_print_nothing_is_an_empty_text(office: Office) -> None:
    lead = office.do(crm.lead.create(title="x", source="A_CODE_OF_NO_LIST"))
    names = ("company_id", "contact_ids", "source", "phones", "birth_date", "closed_at", "custom.gone")
    office.ask(lambda port: port.add_field("lead", "gone", "link"))
    gone = office.do(crm.company.create(title="Gone"))
    office.do(crm.lead(lead).update({"custom": {"gone": gone}}))
    office.do(crm.company(gone).delete())
    assert set(office.do(crm.lead(lead).get_data(*names, print_version=True)).values()) == {""}


def test_custom_fields_are_named_with_a_point(office: Office, deal: Deal, ann: User) -> None:
    for code, type_, multiple in (
        ("city", "text", False),
        ("reviewers", "user", True),
        ("budget", "money", False),
        ("other", "link", False),
        ("empty", "user", True),
        ("page", "url", False),
    ):
        office.ask(lambda port, c=code, t=type_, m=multiple: port.add_field("deal", c, t, multiple=m))
    page = "https://a.example/[b]"
    custom = {
        "city": "Lyon",
        "reviewers": [ann.id],
        "budget": Money(Decimal(5), "EUR"),
        "other": ItemRef("deal", deal.id),
        "page": page,
    }
    office.do(crm.deal(deal).update({"custom": custom}))
    names = ("custom.city", "custom.reviewers", "custom.budget", "custom.other", "custom.empty", "custom.page")
    assert office.do(crm.deal(deal).get_data(*names)) == {
        "custom.city": "Lyon",
        "custom.reviewers": (ann.id,),
        "custom.budget": Money(Decimal(5), "EUR"),
        "custom.other": ItemRef("deal", deal.id),
        "custom.empty": (),
        "custom.page": page,
    }
    assert office.do(crm.deal(deal).get_data(*names, print_version=True)) == {
        "custom.city": "Lyon",
        "custom.reviewers": "Ann Lee",
        "custom.budget": "€5.00",
        "custom.other": "Tea",
        "custom.empty": "",
        "custom.page": "[url=https://a.example/%5Bb%5D]https://a.example/(b)[/url]",
    }


def test_a_file_is_a_link_whatever_its_name(office: Office) -> None:
    photo = office.ask(lambda port: port.create("file", {"path": "Photos/a[/url][b]\nx.png"}))
    contact = office.do(crm.contact.create(name="a", last_name="b", photo_id=photo.id))
    data = office.do(crm.contact(contact).get_data("photo_id", print_version=True))
    assert data == {"photo_id": f"[url=/files/{photo.id}]url)(b) x.png[/url]"}


def test_a_status_is_the_stage_of_a_lead(office: Office) -> None:
    lead = office.do(crm.lead.create(title="x", name="Bo", last_name="Ek"))
    assert office.do(crm.lead(lead).get_data("status", "full_name")) == {"status": "NEW", "full_name": "Bo Ek"}
    assert office.do(crm.lead(lead).get_data("status", print_version=True)) == {"status": "Unassigned"}


def test_smart_items_have_stages_of_their_own(office: Office, deal: Deal) -> None:
    office.do(crm.smart_type.create(code="contract", title="Contract", parents=["deal"]))
    item = office.do(crm.item("contract").create(title="C", parents=[ItemRef("deal", deal.id)]))
    data = office.do(crm.item("contract", item).get_data("stage", "parents", print_version=True))
    assert data == {"stage": "Start", "parents": "Tea"}


def test_without_an_id_it_is_the_processs_own_or_the_linked_one(office: Office, deal: Deal) -> None:
    assert office.do(crm.deal.get_data("title"), deal) == {"title": "Tea"}
    assert office.do(crm.company.get_data("title"), deal) == {"title": "Acme"}
    office.refused(NoDocument, crm.deal.get_data("title"))


def test_what_is_not_there_is_refused(office: Office, deal: Deal) -> None:
    assert office.refused(ItemNotFound, crm.deal(99).get_data("title")).id == 99
    assert office.refused(ItemNotFound, crm.contact(deal.id + 50).get_data("name", print_version=True))
    office.refused(UnknownItem, crm.item("contract", 1).get_data("title"))


@pytest.mark.parametrize("name", ["amounts", "custom.nothing", "custom", "custom.", "", "__class__", "target"])
def test_an_unknown_field_is_refused_with_those_there_are(office: Office, deal: Deal, name: str) -> None:
    error = office.refused(UnknownField, crm.deal(deal).get_data("title", name))
    assert error.field == name
    assert "title" in error.known


def test_no_field_at_all_is_refused(office: Office, deal: Deal) -> None:
    office.refused(WrongValue, crm.deal(deal).get_data())


def test_it_changes_and_tells_nothing(office: Office, deal: Deal) -> None:
    before, told = office.everything(), len(office.events)
    office.do(crm.deal(deal).get_data("title", "responsible_id", print_version=True))
    assert office.everything() == before
    assert len(office.events) == told


@pytest.mark.parametrize("print_version", [False, True])
def test_every_field_of_every_kind_can_be_had_and_journalled(office: Office, *, print_version: bool) -> None:
    from bizproc.model.kinds import NOUNS
    from bizproc.model.printing import readable

    given: dict[str, dict[str, Any]] = {
        "contact": {"name": "a", "last_name": "b"},
        "lead": {"phones": ["1"], "title": "x"},
    }
    codec = Codec()
    for kind in ("lead", "deal", "contact", "company", "quote", "invoice"):
        item = office.do(getattr(crm, kind).create(**given.get(kind, {"title": "x"})))
        names = [name for name in readable(NOUNS[kind]) if name != "custom"]
        action = getattr(crm, kind)(item).get_data(*names, print_version=print_version)
        data = office.do(action)
        assert list(data) == names
        assert codec.decode(codec.encode(data, action.result_type), action.result_type) == data
        if print_version:
            assert {type(text) for text in data.values()} == {str}
    assert office.now == datetime(2026, 1, 5, 9, tzinfo=UTC)
