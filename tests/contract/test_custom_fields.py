"""`add_field`, and what custom fields of each type take."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import (
    AlreadyExists,
    ItemNotFound,
    UnknownItem,
    UnknownUser,
    WrongArgument,
    WrongFieldValue,
)
from bizproc.model import Address, CustomField, Deal, ItemRef, Money, MultiField

Office = Any  # conftest.Office


def kept(office: Office, code: str, value: Any) -> Any:
    """What a new deal keeps of a value."""
    return office.do(crm.deal.create(title="x", custom={code: value})).custom.get(code)


def refused(office: Office, code: str, value: Any, error: Any = WrongFieldValue) -> Any:
    return office.refused(error, crm.deal.create(title="x", custom={code: value}))


def test_a_field_is_given_back_as_it_was_defined(office: Office) -> None:
    field = office.do(crm.deal.add_field("size", type="choice", label="Size", options={"S": "Small", "L": "Large"}))
    expected = CustomField(kind="deal", code="size", type="choice", label="Size", options={"S": "Small", "L": "Large"})
    assert field == expected
    assert office.ask(lambda port: port.defined_fields("deal")) == (expected,)


@pytest.mark.parametrize("kind", ["lead", "deal", "contact", "company", "quote", "invoice"])
def test_every_kind_of_item_can_have_them_each_its_own(office: Office, kind: str) -> None:
    office.do(getattr(crm, kind).add_field("colour", type="text", label="Colour"))
    assert [each.kind for each in office.ask(lambda port: port.defined_fields(kind))] == [kind]
    other = "deal" if kind != "deal" else "lead"
    assert office.ask(lambda port: port.defined_fields(other)) == ()


def test_a_smart_type_can_have_them(office: Office) -> None:
    office.do(crm.smart_type.create(code="contract"))
    office.do(crm.smart_type.create(code="lease"))
    assert office.do(crm.item("contract").add_field("city", type="text", label="City")).kind == "contract"
    assert office.do(crm.item("contract").create(custom={"city": "Lyon"})).custom == {"city": "Lyon"}
    assert office.ask(lambda port: port.defined_fields("lease")) == ()


def test_an_unknown_smart_type_is_refused(office: Office) -> None:
    office.refused(UnknownItem, crm.item("contract").add_field("city", type="text", label="City"))


def test_a_code_is_used_once_and_is_no_fields_own(office: Office) -> None:
    office.do(crm.deal.add_field("city", type="text", label="City"))
    office.refused(AlreadyExists, crm.deal.add_field("city", type="integer", label="City"))
    for code in ("title", "contact_id", "id", "created_at", "", "two words", "9lives"):
        office.refused(WrongFieldValue, crm.deal.add_field(code, type="text", label="x"))


def test_a_blank_label_is_the_code(office: Office) -> None:
    assert office.do(crm.deal.add_field("city", type="text", label=" ")).label == "city"


def test_a_type_that_is_none_is_refused_where_it_is_typed() -> None:
    add_field: Any = crm.deal.add_field
    with pytest.raises(WrongArgument):
        add_field("city", type="colour", label="x")


@pytest.mark.parametrize(
    ("type_", "options"),
    [
        ("text", ["a"]),
        ("choice", []),
        ("choice", ["a", "a"]),
        ("choice", ["a", ""]),
        ("choice", {"a": "A", "b": "A"}),
        ("choice", {"a": "b", "b": "c"}),
    ],
)
def test_options_that_say_nothing_or_not_which_are_refused(office: Office, type_: Any, options: Any) -> None:
    error = office.refused(WrongFieldValue, crm.deal.add_field("x", type=type_, label="x", options=options))
    assert error.field == "options"


def test_one_text_is_not_taken_for_its_letters(office: Office) -> None:
    office.refused(WrongFieldValue, crm.deal.add_field("x", type="choice", label="x", options="abc"))


def test_a_choice_takes_a_code_or_its_label_and_keeps_the_code(office: Office) -> None:
    office.do(crm.deal.add_field("size", type="choice", label="Size", options={"S": "Small", "L": "Large"}))
    assert [kept(office, "size", value) for value in ("S", "Large", " Small ", "", None)] == ["S", "L", "S", None, None]
    error = refused(office, "size", "Huge")
    assert (error.field, error.expected) == ("custom.size", "one of S, L")
    refused(office, "size", 5)


def test_people_read_the_labels_of_what_was_chosen(office: Office) -> None:
    options = {"S": "Small", "L": "Large"}
    office.do(crm.deal.add_field("sizes", type="choice", label="Sizes", multiple=True, options=options))
    office.do(crm.deal.add_field("size", type="choice", label="Size", options=["S", "L"]))
    deal = office.do(crm.deal.create(title="x", custom={"sizes": ["L", "S"], "size": "S"}))
    printed = office.do(crm.deal(deal).get_data("custom.sizes", "custom.size", print_version=True))
    assert dict(printed) == {"custom.sizes": "Large, Small", "custom.size": "S"}
    assert office.do(crm.deal(deal).get_data("custom.sizes")) == {"custom.sizes": ("L", "S")}


def test_a_multiple_choice_keeps_each_code_once(office: Office) -> None:
    options = {"S": "Small", "L": "Large"}
    office.do(crm.deal.add_field("sizes", type="choice", label="Sizes", multiple=True, options=options))
    assert kept(office, "sizes", ["Large", "L", "S"]) == ("L", "S")
    refused(office, "sizes", ["L", "Huge"])


def test_a_user_must_be_there(office: Office) -> None:
    ann = office.do(crm.user.create(name="Ann"))
    office.do(crm.deal.add_field("checker", type="user", label="Checker"))
    office.do(crm.deal.add_field("team", type="user", label="Team", multiple=True))
    assert kept(office, "checker", ann.id) == kept(office, "checker", ann) == ann.id
    assert kept(office, "team", [ann, ann.id]) == (ann.id,)
    assert refused(office, "checker", 99, UnknownUser).user == 99
    refused(office, "team", [ann.id, 99], UnknownUser)
    refused(office, "checker", "ann")


def test_a_file_must_be_there(office: Office) -> None:
    file = office.ask(lambda port: port.create("file", {"path": "a.pdf", "sha256": "0" * 64}))
    office.do(crm.deal.add_field("scan", type="file", label="Scan"))
    assert kept(office, "scan", file) == kept(office, "scan", file.id) == file.id
    error = refused(office, "scan", 99, ItemNotFound)
    assert (error.kind, error.id) == ("file", 99)


def test_a_link_leads_to_an_item_that_is_there(office: Office) -> None:
    acme = office.do(crm.company.create(title="Acme"))
    office.do(crm.smart_type.create(code="contract"))
    contract = office.do(crm.item("contract").create())
    office.do(crm.deal.add_field("about", type="link", label="About"))
    assert kept(office, "about", acme) == ItemRef("company", acme.id)
    assert kept(office, "about", contract) == ItemRef("contract", contract.id)
    refused(office, "about", ItemRef("deal", 99), ItemNotFound)
    refused(office, "about", ItemRef("contract", 99), ItemNotFound)
    refused(office, "about", ItemRef("No Such", 1), UnknownItem)
    refused(office, "about", "C_5")


def test_what_a_field_held_before_is_not_looked_at_again(office: Office) -> None:
    acme, zen = office.do(crm.company.create(title="Acme")), office.do(crm.company.create(title="Zen"))
    office.do(crm.deal.add_field("about", type="link", label="About", multiple=True))
    deal: Deal = office.do(crm.deal.create(title="x", custom={"about": [acme]}))
    office.do(crm.company(acme).delete())
    changed = office.do(crm.deal(deal).update({"custom": {"about": [*deal.custom["about"], zen]}}))
    assert [ref.id for ref in changed.custom["about"]] == [acme.id, zen.id]


VALUES: list[tuple[Any, Any, Any]] = [
    ("text", "x", 5),
    ("integer", 5, "5"),
    ("truth", True, "Y"),
    ("number", Decimal("1.5"), 1.5),
    ("day", date(2026, 1, 5), datetime(2026, 1, 5, tzinfo=UTC)),
    ("moment", datetime(2026, 1, 5, tzinfo=UTC), date(2026, 1, 5)),
    ("time", time(9, 30), "9:30"),
    ("phone", MultiField("+33", "MOBILE"), 33),
    ("email", MultiField("a@b.example"), 5),
    ("web", MultiField("https://a.example"), 5),
    ("im", MultiField("@ann", "TELEGRAM"), 5),
    ("money", Money(Decimal("1.50"), "EUR"), Decimal("1.50")),
    ("address", Address(city="Lyon"), "Lyon"),
    ("url", "https://a.example", "a.example"),
]


@pytest.mark.parametrize(("type_", "good", "bad"), VALUES)
def test_each_type_keeps_its_values_and_refuses_others(office: Office, type_: Any, good: Any, bad: Any) -> None:
    office.do(crm.deal.add_field("one", type=type_, label="One"))
    office.do(crm.deal.add_field("several", type=type_, label="Several", multiple=True))
    deal = office.do(crm.deal.create(title="x", custom={"one": good, "several": [good, good]}))
    read = office.reader.get(Deal, deal.id)
    assert (read.custom["one"], read.custom["several"]) == (good, (good,))
    refused(office, "one", bad)
    refused(office, "several", [good, bad])


def test_a_booking_field_is_filled_by_bookings_alone(office: Office) -> None:
    office.do(crm.deal.add_field("room", type="booking", label="Room"))
    refused(office, "room", 5)
