"""The port `Crm`, and the actions on it: what each does, tells and refuses. A test's name is its rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bizproc import crm, wait
from bizproc.actions.waits import UntilStage
from bizproc.adapters.sql_crm import seed
from bizproc.core.commands import Action, Done, Event, Pending
from bizproc.core.errors import (
    ActionError,
    AlreadyExists,
    AmbiguousItem,
    EmptyText,
    ItemNotFound,
    LinkedItemMissing,
    NoDocument,
    ProductNotFound,
    UnknownField,
    UnknownItem,
    UnknownPipeline,
    UnknownStage,
    UnknownUser,
    WrongFieldValue,
    WrongValue,
)
from bizproc.model import (
    Activity,
    Comment,
    Company,
    Contact,
    Deal,
    HistoryEvent,
    ItemRef,
    MultiField,
    Pipeline,
    Portal,
    Product,
    ProductRow,
    Stage,
    StageReached,
    User,
    ref_of,
)
from bizproc.triggers.keys import keys_of

Office = Any  # conftest.Office


@pytest.fixture
def ann(office: Office) -> User:
    user: User = office.do(crm.user.create(name="Ann", last_name="Lee"))
    return user


@pytest.fixture
def tea(office: Office) -> Product:
    product: Product = office.do(crm.product.create(name="Tea", price=Decimal("18.00"), measure="box"))
    return product


@pytest.fixture
def deal(office: Office) -> Deal:
    made: Deal = office.do(crm.deal.create(title="Tea for Lyon"))
    office.events.clear()
    return made


def lines(office: Office, item: Any) -> list[tuple[str | None, Any, Any]]:
    """The history of changes of an item."""
    found = office.reader.find(HistoryEvent, of=item)
    return [(line.field, line.old, line.new) for line in found if line.kind == "changed"]


# -- creating ----------------------------------------------------------------------------------------------------------


def test_a_new_deal_begins_in_the_first_stage_of_the_general_pipeline(office: Office) -> None:
    deal = office.do(crm.deal.create(title="Tea"))
    assert (deal.stage, deal.pipeline, deal.semantics, deal.closed) == ("NEW", 0, "process", False)
    assert deal.created_at == deal.updated_at == deal.moved_at == office.now


def test_what_create_gives_back_is_what_is_read_later(office: Office, ann: User) -> None:
    company = office.do(crm.company.create(title="Acme", phones=["+33 1"], revenue=Decimal("10.005")))
    contact = office.do(crm.contact.create(name="A", last_name="B", company_id=company.id, emails=["a@b.example"]))
    deal = office.do(
        crm.deal.create(
            title="Tea",
            company_id=company.id,
            contact_ids=(contact.id,),
            observer_ids=(ann.id,),
            responsible_id=ann.id,
            amount=Decimal("99.995"),
            begin_date=date(2026, 1, 5),
        )
    )
    for item in (ann, company, contact, deal):
        assert office.reader.get(type(item), item.id) == item


def test_creating_tells_one_line_and_one_event(office: Office) -> None:
    deal = office.do(crm.deal.create(title="Tea", stage="EXECUTING"), instance="w-1")
    (line,) = office.reader.find(HistoryEvent, of=deal)
    assert (line.kind, line.made_by, line.at) == ("created", "w-1", office.now)
    (event,) = office.events
    assert (event.name, event.subject, event.facts["stage"], event.facts["by"]) == (
        "deal.created", f"deal:{deal.id}", "EXECUTING", "w-1",
    )  # fmt: skip


def test_a_stage_alone_decides_the_pipeline(office: Office) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    deal = office.do(crm.deal.create(title="Repair", stage=f"C{service.id}:EXECUTING"))
    assert deal.pipeline == service.id


def test_a_pipeline_alone_gives_its_first_stage(office: Office) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    assert office.do(crm.deal.create(title="Repair", pipeline=service.id)).stage == f"C{service.id}:NEW"


def test_a_stage_of_another_pipeline_than_the_one_given_is_refused(office: Office) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    error = office.refused(UnknownStage, crm.deal.create(title="Repair", pipeline=service.id, stage="NEW"))
    assert error.pipeline == str(service.id)
    assert f"C{service.id}:NEW" in error.known


def test_an_unknown_stage_is_refused_with_those_there_are(office: Office) -> None:
    error = office.refused(UnknownStage, crm.deal.create(title="Tea", stage="NO"))
    assert error.known.startswith("NEW, PREPARATION, PREPAYMENT_INVOICE, EXECUTING, FINAL_INVOICE, WON, LOSE, APOLOGY")


def test_an_unknown_pipeline_is_refused(office: Office) -> None:
    assert "General" in office.refused(UnknownPipeline, crm.deal.create(title="Tea", pipeline=9)).known


@pytest.mark.parametrize(
    ("action", "parameter"),
    [
        (crm.deal.create(), "title"),
        (crm.deal.create(title="  "), "title"),
        (crm.company.create(phones=["1"]), "title"),
        (crm.contact.create(name="Ann"), "last_name"),
        (crm.contact.create(last_name="Lee"), "name"),
        (crm.product.create(price=1), "name"),
        (crm.user.create(), "name"),
        (crm.pipeline.create(), "name"),
        (crm.stage.create(name="Quality"), "code"),
    ],
)
def test_what_must_say_something_is_asked_for(office: Office, action: Action[Any], parameter: str) -> None:
    assert office.refused(EmptyText, action).parameter == parameter


def test_an_unknown_field_is_refused_with_those_there_are(office: Office) -> None:
    error = office.refused(UnknownField, crm.deal.create(titel="Tea"))  # type: ignore[call-arg]
    assert (error.kind, error.field) == ("deal", "titel")
    assert "title" in error.known


WRONG: list[tuple[str, Any]] = [
    ("title", 5),
    ("opened", 1),
    ("opened", "Y"),
    ("responsible_id", "1"),
    ("responsible_id", True),
    ("probability", 101),
    ("lead_id", 2**63),
    ("amount", 1.5),
    ("amount", Decimal("NaN")),
    ("amount", Decimal("Infinity")),
    ("amount", Decimal(10) ** 14),
    ("amount", -1),
    ("currency", "euro"),
    ("begin_date", "2026-01-05"),
    ("begin_date", datetime(2026, 1, 5, tzinfo=UTC)),
    ("title", "a\0b"),
    ("title", "a\ud800b"),
    ("comments", b"bytes"),
    ("custom", 5),
    ("closed", True),
    ("id", 7),
    ("created_at", datetime(2026, 1, 5, tzinfo=UTC)),
]


@pytest.mark.parametrize(("field", "value"), WRONG, ids=[f"{field}={value!r:.20}" for field, value in WRONG])
def test_a_wrong_value_is_refused_by_name_when_creating_and_changing(
    office: Office, deal: Deal, field: str, value: Any
) -> None:
    fields: Any = {field: value}
    for action in (crm.deal.create(**{"title": "Tea", **fields}), crm.deal(deal).update(fields)):
        error = office.refused(WrongFieldValue, action)
        assert (error.kind, error.field) == ("deal", field)
        str(error).encode()  # can be printed, whatever was given


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"responsible_id": 99}, UnknownUser),
        ({"observer_ids": [99]}, UnknownUser),
        ({"company_id": 99}, ItemNotFound),
        ({"contact_ids": [99]}, ItemNotFound),
        ({"contact_id": 99}, ItemNotFound),
        ({"responsible_id": -1}, UnknownUser),
        ({"company_id": 0}, ItemNotFound),
    ],
)
def test_what_a_field_points_at_must_be_there(
    office: Office, deal: Deal, fields: Any, error: type[ActionError]
) -> None:
    office.refused(error, crm.deal.create(**{"title": "Tea", **fields}))
    office.refused(error, crm.deal(deal).update(fields))


def test_text_is_kept_as_it_is(office: Office) -> None:
    for text in (
        "<script>alert(1)</script>",
        "javascript:x",
        "=1+1",
        "\u202eabc\u202c",
        "é",
        "x" * 1_000_000,
    ):
        assert office.deal(office.do(crm.deal.create(title=text))).title == text


def test_letters_and_their_accents_are_composed(office: Office) -> None:
    assert office.deal(office.do(crm.deal.create(title="e\u0301"))).title == "é"


def test_a_multi_field_has_its_first_type_and_loses_blanks_and_repetitions(office: Office) -> None:
    phones: Any = ["+33 1", MultiField("+33 2", "MOBILE"), "+33 1", "  ", {"value": "+33 3", "type": "FAX"}]
    company = office.do(crm.company.create(title="Acme", phones=phones))
    assert company.phones == (MultiField("+33 1", "WORK"), MultiField("+33 2", "MOBILE"), MultiField("+33 3", "FAX"))


def test_a_multi_field_of_an_unknown_type_is_refused(office: Office) -> None:
    error = office.refused(
        WrongFieldValue, crm.company.create(title="Acme", emails=[MultiField("a@b.example", "PAGER")])
    )
    assert "MAILING" in error.expected


def test_a_contact_has_a_title_and_a_primary_company(office: Office) -> None:
    first, second = (office.do(crm.company.create(title=title)) for title in ("One", "Two"))
    contact = office.do(crm.contact.create(name="Ann", last_name="Lee", company_ids=(first.id, second.id)))
    assert (contact.title, contact.company_id) == ("Ann Lee", first.id)
    changed = office.do(crm.contact(contact).update({"company_id": second.id}))
    assert changed.company_ids == (second.id, first.id)


def test_an_item_that_is_created_is_not_linked_to_the_document(office: Office, deal: Deal) -> None:
    contact = office.do(crm.contact.create(name="Ann", last_name="Lee"), deal)
    assert contact.company_ids == ()
    assert office.deal(deal).contact_ids == ()


def test_a_deal_created_in_a_final_stage_is_closed_today_unless_a_day_is_given(office: Office) -> None:
    won = office.do(crm.deal.create(title="Tea", stage="WON"))
    assert (won.closed, won.semantics, won.close_date) == (True, "success", date(2026, 1, 5))
    earlier = office.do(crm.deal.create(title="Tea", stage="LOSE", close_date=date(1996, 8, 1)))
    assert earlier.close_date == date(1996, 8, 1)


def test_an_import_may_bring_ids_and_moments_along(office: Office) -> None:
    moved = datetime(1996, 7, 16, tzinfo=UTC)
    fields = {"id": 830, "title": "Order", "stage": "WON", "moved_at": moved, "created_at": moved}
    deal = office.ask(lambda port: port.create("deal", fields, imported=True))
    assert (deal.id, deal.moved_at, deal.created_at, deal.close_date) == (830, moved, moved, date(1996, 7, 16))
    assert office.do(crm.deal.create(title="Next")).id == 831


def test_an_imported_id_that_is_taken_or_no_id_is_refused(office: Office, deal: Deal) -> None:
    fields: dict[str, Any] = {"id": deal.id, "title": "Twice"}
    with pytest.raises(AlreadyExists):
        office.ask(lambda port: port.create("deal", fields, imported=True))
    for wrong in (0, -1, 2**63, "7", None):
        with pytest.raises(WrongFieldValue):
            office.ask(lambda port, wrong=wrong: port.create("deal", {**fields, "id": wrong}, imported=True))


def test_an_unknown_kind_is_refused_with_those_there_are(office: Office) -> None:
    for verb in ("create", "update"):
        with pytest.raises(UnknownItem, match="deal"):
            office.ask(
                lambda port, verb=verb: getattr(port, verb)(
                    *(("bargain",) if verb == "create" else (ItemRef("bargain", 1),)), {}
                )
            )


# -- changing ----------------------------------------------------------------------------------------------------------


def test_a_change_writes_one_line_for_each_field_and_one_event(office: Office, ann: User, deal: Deal) -> None:
    office.later(hours=1)
    office.do(crm.deal(deal).update({"title": "Coffee", "probability": 40}, modified_by=ann), instance="w-1")
    assert sorted(lines(office, deal)) == [("probability", None, 40), ("title", "Tea for Lyon", "Coffee")]
    (event,) = office.events
    assert event.facts["changes"] == {"title": ["Tea for Lyon", "Coffee"], "probability": [None, 40]}
    assert (event.name, event.facts["by"], event.facts["author"]) == ("deal.updated", "w-1", ann.id)
    now = office.deal(deal)
    assert (now.updated_at, now.modified_by, now.moved_at) == (office.now, ann.id, deal.moved_at)


def test_a_write_that_changes_nothing_writes_nothing_and_tells_nothing(office: Office, ann: User, deal: Deal) -> None:
    office.do(crm.deal(deal).update({"amount": Decimal("10.00"), "observer_ids": [ann.id], "comments": "x"}))
    office.later(hours=1)
    before, told = office.everything(), len(office.events)
    same: Any = {
        "title": "Tea for Lyon",
        "amount": 10,
        "observer_ids": (ann.id, ann.id),
        "comments": "x",
        "stage": "NEW",
    }
    assert office.do(crm.deal(deal).update(same)) == office.deal(deal)
    office.do(crm.deal(deal).update({}))
    assert (office.everything(), len(office.events)) == (before, told)


def test_none_clears_a_field(office: Office, deal: Deal) -> None:
    office.do(crm.deal(deal).update({"begin_date": date(2026, 1, 5), "comments": "x"}))
    cleared: Any = {"begin_date": None, "comments": None}
    now = office.do(crm.deal(deal).update(cleared))
    assert (now.begin_date, now.comments) == (None, "")


def test_a_field_that_needs_a_value_cannot_be_cleared(office: Office, deal: Deal) -> None:
    nothing: Any = {"opened": None}
    office.refused(WrongFieldValue, crm.deal(deal).update(nothing))


def test_a_single_field_takes_the_first_of_a_list(office: Office, ann: User, deal: Deal) -> None:
    several: Any = {"responsible_id": [ann.id, 99]}
    assert office.do(crm.deal(deal).update(several)).responsible_id == ann.id


def test_a_field_takes_the_item_it_points_at(office: Office, ann: User, deal: Deal) -> None:
    fields: Any = {"responsible_id": ann, "observer_ids": [ann]}
    now = office.do(crm.deal(deal).update(fields))
    assert (now.responsible_id, now.observer_ids) == (ann.id, (ann.id,))


def test_without_append_phones_are_replaced_and_with_it_they_are_merged(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme", phones=["1", "2"]))
    office.do(crm.company(company).update({"phones": ["2", "3"]}, append=True))
    again = office.do(crm.company(company).update({"phones": ["2", "3"]}, append=True))
    assert [phone.value for phone in again.phones] == ["1", "2", "3"]
    assert len(lines(office, company)) == 1
    office.do(crm.company(company).update({"phones": []}, append=True))
    assert len(office.reader.get(Company, company.id).phones) == 3
    assert [each.value for each in office.do(crm.company(company).update({"phones": ["9"]})).phones] == ["9"]
    assert office.do(crm.company(company).update({"phones": []})).phones == ()


def test_the_primary_contact_is_the_first_and_the_next_follows_it(office: Office, deal: Deal) -> None:
    one, two = (office.do(crm.contact.create(name=name, last_name="Lee")) for name in "AB")
    office.do(crm.deal(deal).update({"contact_ids": (one.id, two.id)}))
    assert office.do(crm.deal(deal).update({"contact_id": two.id})).contact_ids == (two.id, one.id)
    assert office.do(crm.deal(deal).update({"contact_id": None})).contact_id == one.id


def test_a_change_of_the_person_in_charge_is_told(office: Office, ann: User, deal: Deal) -> None:
    office.do(crm.deal(deal).update({"responsible_id": ann.id}))
    (event,) = office.told("deal.responsible_changed")
    assert (event.facts["was"], event.facts["responsible"]) == (None, ann.id)


def test_changing_or_reading_an_item_that_is_not_there_is_refused(office: Office) -> None:
    actions: list[Action[Any]] = [
        crm.deal(42).update({"title": "x"}),
        crm.deal(42).read(),
        crm.deal(42).change_stage("WON"),
        crm.deal(42).add_comment("x"),
        crm.deal(42).add_activity("x"),
        crm.deal(42).products(),
        crm.deal(42).activities(),
        crm.deal(42).comments(),
        crm.deal(-1).read(),
        crm.deal(2**70).add_comment("x"),
        crm.company(42).read(),
    ]
    for action in actions:
        assert office.refused(ItemNotFound, action).kind in ("deal", "company")


def test_a_custom_field_must_be_defined_and_holds_its_type(office: Office, deal: Deal) -> None:
    assert office.refused(UnknownField, crm.deal(deal).update({"custom": {"city": "Reims"}})).field == "custom.city"
    office.ask(lambda port: port.add_field("deal", "city", "text"))
    office.ask(lambda port: port.add_field("deal", "tags", "text", multiple=True))
    office.do(crm.deal(deal).update({"custom": {"city": "Reims", "tags": ["a"]}}))
    office.do(crm.deal(deal).update({"custom": {"tags": ["b", "a"]}}, append=True))
    assert office.deal(deal).custom == {"city": "Reims", "tags": ("a", "b")}
    assert lines(office, deal) == [
        ("custom.city", None, "Reims"),
        ("custom.tags", None, ("a",)),
        ("custom.tags", ("a",), ("a", "b")),
    ]
    office.refused(WrongFieldValue, crm.deal(deal).update({"custom": {"city": 5}}))
    assert office.do(crm.deal(deal).update({"custom": {"city": None}})).custom == {"tags": ("a", "b")}


def test_a_custom_field_is_defined_once_and_takes_no_name_of_the_model(office: Office) -> None:
    office.ask(lambda port: port.add_field("deal", "city", "text"))
    with pytest.raises(AlreadyExists):
        office.ask(lambda port: port.add_field("deal", "city", "text"))
    for code, type_ in (("title", "text"), ("not a name", "text"), ("when", "century")):
        with pytest.raises(WrongFieldValue):
            office.ask(lambda port, code=code, type_=type_: port.add_field("deal", code, type_))


# -- product rows (heading 2, D21) -------------------------------------------------------------------------------------


def test_a_row_has_the_catalogues_name_and_price_and_is_one_of_a_kind(office: Office, deal: Deal, tea: Product) -> None:
    row = office.do(crm.deal.add_product(tea), deal)
    assert (row.name, row.price, row.quantity, row.discount_percent, row.measure) == ("Tea", 18, 1, 0, "box")
    assert (row.sum, row.net_price, row.currency, row.product_id) == (18, 18, "EUR", tea.id)
    office.do(crm.deal.add_product(tea.id), deal)
    rows = office.do(crm.deal.products(), deal)
    assert rows == tuple(office.reader.find(ProductRow, of=deal))
    assert rows[0] == row
    assert [each.sort for each in rows] == [10, 20]


def test_the_amount_follows_the_rows_rounded_one_by_one(office: Office, deal: Deal, tea: Product) -> None:
    for _ in range(3):
        office.do(crm.deal(deal).add_product(tea, price=Decimal("0.005")))
    assert office.deal(deal).amount == Decimal("0.03")  # three times a cent, not 0.015 rounded


def test_a_row_is_told_in_history_and_events(office: Office, deal: Deal, tea: Product) -> None:
    row = office.do(crm.deal.add_product(tea, quantity=2), deal, instance="w-1")
    added, amount = office.reader.find(HistoryEvent, of=deal)[1:]
    assert (added.kind, added.field, added.new, added.made_by) == ("product_added", "products", "Tea", "w-1")
    assert (amount.field, amount.old, amount.new) == ("amount", Decimal("0.00"), Decimal("36.00"))
    assert [event.name for event in office.events] == ["deal.updated", "deal.product_rows_saved"]
    assert {event.subject for event in office.events} == {f"deal:{deal.id}"}
    assert office.events[0].facts["changes"] == {"amount": [0, 36]}
    assert office.events[1].facts["added"] == [row.id]


def test_an_amount_set_by_hand_stays_until_it_is_set_to_nothing(office: Office, deal: Deal, tea: Product) -> None:
    office.do(crm.deal(deal).update({"amount": Decimal(500)}))
    office.do(crm.deal(deal).add_product(tea))
    now = office.deal(deal)
    assert (now.amount, now.manual_amount) == (500, True)
    assert [event.name for event in office.events][-1] == "deal.product_rows_saved"
    now = office.do(crm.deal(deal).update({"amount": 0}))
    assert (now.amount, now.manual_amount) == (18, False)
    office.do(crm.deal(deal).add_product(tea))
    assert office.deal(deal).amount == 36


def test_setting_the_very_amount_of_the_rows_makes_it_manual(office: Office, deal: Deal, tea: Product) -> None:
    office.do(crm.deal(deal).add_product(tea))
    assert office.do(crm.deal(deal).update({"amount": 18})).manual_amount
    office.do(crm.deal(deal).add_product(tea))
    assert office.deal(deal).amount == 18


def test_a_deal_created_with_an_amount_has_it_by_hand(office: Office, tea: Product) -> None:
    deal = office.do(crm.deal.create(title="Tea", amount=Decimal("440.00")))
    office.do(crm.deal(deal).add_product(tea))
    assert office.deal(deal).amount == 440
    assert not office.do(crm.deal.create(title="Tea", amount=0)).manual_amount


def test_a_price_of_nothing_is_a_price_and_changes_no_amount(office: Office, deal: Deal, tea: Product) -> None:
    row = office.do(crm.deal(deal).add_product(tea, price=0))
    assert (row.price, row.sum) == (0, 0)
    assert [event.name for event in office.events] == ["deal.product_rows_saved"]
    assert lines(office, deal) == []


def test_a_discount_is_off_the_price_exactly(office: Office, deal: Deal, tea: Product) -> None:
    third = Decimal(1) / Decimal(3)
    row = office.do(
        crm.deal(deal).add_product(tea, price=Decimal("0.1"), quantity=third, discount_percent=Decimal("2.5"))
    )
    (read,) = office.reader.find(ProductRow, of=deal)
    assert read == row
    assert (read.quantity, read.price, read.net_price) == (third, Decimal("0.1"), Decimal("0.0975"))
    assert office.do(crm.deal(deal).add_product(tea, discount_percent=100)).sum == 0


@pytest.mark.parametrize(("currency", "sum_"), [("JPY", "11"), ("EUR", "10.50"), ("KWD", "10.500"), ("CLF", "10.4995")])
def test_a_sum_has_the_digits_of_its_currency(office: Office, tea: Product, currency: str, sum_: str) -> None:
    deal = office.do(crm.deal.create(title="Tea", currency=currency))
    price = Decimal("10.5") if currency == "JPY" else Decimal("10.49950")
    assert str(office.do(crm.deal(deal).add_product(tea, price=price)).sum) == sum_
    assert str(office.deal(deal).amount) == sum_


def test_another_currency_rounds_the_sums_anew(office: Office, deal: Deal, tea: Product) -> None:
    office.do(crm.deal(deal).add_product(tea, price=Decimal("10.40")))
    office.do(crm.deal(deal).add_product(tea, price=Decimal("10.50")))
    now = office.do(crm.deal(deal).update({"currency": "JPY"}))
    assert str(now.amount) == "21"
    assert [(str(row.sum), row.currency, row.price) for row in office.reader.find(ProductRow, of=deal)] == [
        ("10", "JPY", Decimal("10.4")),
        ("11", "JPY", Decimal("10.5")),
    ]
    assert office.do(crm.deal(deal).update({"currency": "EUR"})).amount == Decimal("20.90")


def test_tax_comes_from_the_product(office: Office, deal: Deal) -> None:
    on_top = office.do(crm.product.create(name="A", price=100, tax_rate=20))
    inside = office.do(crm.product.create(name="B", price=120, tax_rate=20, tax_included=True))
    assert office.do(crm.deal(deal).add_product(on_top)).tax == 20
    row = office.do(crm.deal(deal).add_product(inside))
    assert (row.tax, row.sum) == (20, 120)
    assert (office.deal(deal).tax, office.deal(deal).amount) == (40, 220)


def test_an_unknown_product_is_refused_and_nothing_is_half_written(office: Office, deal: Deal) -> None:
    for product in (99, 0, -1, 2**70):
        assert office.refused(ProductNotFound, crm.deal.add_product(product), deal).product == product


@pytest.mark.parametrize("quantity", [0, -1, Decimal("-0.5"), Decimal("NaN")])
def test_a_quantity_of_nothing_or_less_is_refused(quantity: Any) -> None:
    with pytest.raises(WrongValue, match="quantity"):
        _ = crm.deal.add_product(1, quantity=quantity)


@pytest.mark.parametrize("discount", [-1, 101, Decimal("100.01"), Decimal("NaN")])
def test_a_discount_outside_0_to_100_is_refused(discount: Any) -> None:
    with pytest.raises(WrongValue, match="discount_percent"):
        _ = crm.deal.add_product(1, discount_percent=discount)


def test_the_port_itself_refuses_numbers_that_are_none(office: Office, deal: Deal, tea: Product) -> None:
    wrong: list[dict[str, Any]] = [
        {"price": 1.5},
        {"price": Decimal("Infinity")},
        {"price": True},
        {"quantity": 0},
        {"discount_percent": 101},
        {"price": Decimal(10) ** 15},
        {"price": Decimal("1E-41")},
        {"price": Decimal(10) ** 14, "quantity": 10},
    ]
    for numbers in wrong:
        with pytest.raises(WrongFieldValue) as raised:
            office.ask(lambda port, numbers=numbers: port.add_product(ref_of(deal), tea.id, **numbers))
        assert raised.value.kind == "product_row"
    assert office.reader.find(ProductRow, of=deal) == []


def test_rows_that_come_to_more_than_an_amount_can_hold_are_refused(office: Office, deal: Deal, tea: Product) -> None:
    most = Decimal(99999999999999)
    office.do(crm.deal(deal).add_product(tea, price=most))
    assert office.refused(WrongFieldValue, crm.deal(deal).add_product(tea, price=most)).field == "amount"
    office.do(crm.deal(deal).update({"amount": 1}))
    for _ in range(12):
        office.do(crm.deal(deal).add_product(tea, price=most))
    assert office.refused(WrongFieldValue, crm.deal(deal).update({"amount": 0})).field == "amount"


def test_rows_belong_to_what_has_an_amount(office: Office, tea: Product) -> None:
    company = office.do(crm.company.create(title="Acme"))
    with pytest.raises(UnknownItem):
        office.ask(lambda port: port.add_product(ref_of(company), tea.id))


# -- comments and activities (headings 5 and 1) ------------------------------------------------------------------------


def test_a_comment_is_by_the_person_in_charge_unless_somebody_is_named(office: Office, ann: User) -> None:
    bob = office.do(crm.user.create(name="Bob"))
    deal = office.do(crm.deal.create(title="Tea", responsible_id=ann.id))
    assert office.do(crm.deal.add_comment("[b]hello[/b]"), deal).author_id == ann.id
    assert office.do(crm.deal.add_comment("hello", author=bob), deal).author_id == bob.id
    assert office.do(crm.deal.add_comment("hello", author=[bob.id, ann.id]), deal).author_id == bob.id
    assert office.do(crm.deal.add_comment("hello", author=[]), deal).author_id == ann.id
    comments = office.do(crm.deal.comments(), deal)
    assert comments == tuple(office.reader.find(Comment, of=deal))
    assert comments[0].text == "[b]hello[/b]"


def test_a_comment_where_nobody_is_in_charge_is_by_nobody(office: Office, deal: Deal) -> None:
    assert office.do(crm.deal.add_comment("hello"), deal).author_id is None


def test_a_comment_changes_no_field_and_tells_nothing(office: Office, deal: Deal) -> None:
    office.later(hours=1)
    office.do(crm.deal.add_comment("hello"), deal)
    now = office.deal(deal)
    assert (now.updated_at, now.last_activity_at) == (deal.updated_at, office.now)
    assert office.events == []
    assert lines(office, deal) == []


def test_a_comment_stands_beside_any_item(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    contact = office.do(crm.contact.create(name="A", last_name="B"))
    for item, action in ((company, crm.company.add_comment("x")), (contact, crm.contact.add_comment("x"))):
        office.do(action, item)
        assert [comment.text for comment in office.reader.find(Comment, of=item)] == ["x"]


@pytest.mark.parametrize("text", ["", "  ", "\n\t"])
def test_a_blank_comment_is_refused(office: Office, deal: Deal, text: str) -> None:
    office.refused(EmptyText, crm.deal.add_comment(text), deal)


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
def test_a_text_that_cannot_be_stored_is_refused(office: Office, deal: Deal, text: str) -> None:
    office.refused(WrongFieldValue, crm.deal.add_comment(text), deal)
    office.refused(WrongFieldValue, crm.deal.add_activity(text), deal)
    office.refused(WrongFieldValue, crm.deal.add_activity("call", text), deal)


def test_an_unknown_user_is_refused_in_every_parameter(office: Office, deal: Deal) -> None:
    actions: list[Action[Any]] = [
        crm.deal.add_comment("x", author=99),
        crm.deal.add_comment("x", author=User(99)),
        crm.deal.add_activity("x", responsible=[99]),
        crm.deal.update({"title": "x"}, modified_by=99),
        crm.deal.change_stage("WON", modified_by=99),
    ]
    for action in actions:
        assert office.refused(UnknownUser, action, deal).user == 99
    assert office.ended == []


def test_an_activity_is_open_and_for_the_person_in_charge(office: Office, ann: User) -> None:
    deal = office.do(crm.deal.create(title="Tea", responsible_id=ann.id))
    made = office.do(crm.deal.add_activity("Call", "about tea", important=True), deal, instance="w-1")
    assert (made.subject, made.description, made.important, made.completed) == ("Call", "about tea", True, False)
    assert (made.responsible_id, made.author_id, made.made_by) == (ann.id, ann.id, "w-1")
    assert made.start == made.end == made.created_at == office.now
    assert made.deadline is None
    assert office.reader.find(Activity, of=deal) == [made]
    assert office.do(crm.deal.activities(), deal) == (made,)


def test_an_activity_takes_who_is_named_and_a_deadline(office: Office, ann: User, deal: Deal) -> None:
    bob = office.do(crm.user.create(name="Bob"))
    when = datetime(2026, 2, 1, 12, tzinfo=ZoneInfo("Europe/Paris"))
    made = office.do(crm.deal.add_activity("Call", responsible=[bob, ann], deadline=when), deal)
    assert (made.responsible_id, made.deadline) == (bob.id, when)
    assert office.do(crm.deal.add_activity("Call", responsible=[]), deal).responsible_id is None


def test_an_activity_is_told_about_its_item(office: Office, deal: Deal) -> None:
    made = office.do(crm.deal.add_activity("Call"), deal, instance="w-1")
    (event,) = office.events
    assert (event.name, event.subject) == ("activity.created", f"deal:{deal.id}")
    assert (event.facts["activity"], event.facts["completed"], event.facts["by"]) == (made.id, False, "w-1")


def test_a_blank_subject_is_refused(office: Office, deal: Deal) -> None:
    office.refused(EmptyText, crm.deal.add_activity(" "), deal)


def test_a_change_of_stage_completes_the_open_activities_that_ask_for_it(office: Office, deal: Deal) -> None:
    due = office.do(crm.deal.add_activity("Due", complete_on_stage_change=True), deal)
    stays = office.do(crm.deal.add_activity("Stays"), deal)
    office.later(days=1)
    office.do(crm.deal(deal).update({"stage": "EXECUTING"}))
    found = {each.id: each for each in office.reader.find(Activity, of=deal)}
    assert (found[due.id].completed, found[due.id].completed_at) == (True, office.now)
    assert not found[stays.id].completed
    (event,) = office.told("activity.completed")
    assert event.facts["activity"] == due.id
    assert office.events.index(event) < office.events.index(office.told("deal.stage_changed")[0])


def test_an_activity_made_in_the_commit_of_a_change_of_stage_outlives_it_and_not_the_next(
    office: Office, deal: Deal
) -> None:
    with office.commit():
        office.do(crm.deal.add_activity("Fresh", complete_on_stage_change=True), deal)
        office.do(crm.deal(deal).update({"stage": "PREPARATION"}))
    assert [each.completed for each in office.reader.find(Activity, of=deal)] == [False]
    office.do(crm.deal(deal).update({"stage": "EXECUTING"}))
    assert [each.completed for each in office.reader.find(Activity, of=deal)] == [True]


def test_a_stage_that_is_the_same_completes_nothing(office: Office, deal: Deal) -> None:
    office.do(crm.deal.add_activity("Due", complete_on_stage_change=True), deal)
    office.do(crm.deal.change_stage("NEW"), deal)
    assert [each.completed for each in office.reader.find(Activity, of=deal)] == [False]


# -- stages (heading 35, D11) ------------------------------------------------------------------------------------------


def test_a_change_of_stage_moves_the_deal_and_tells_of_it(office: Office, ann: User, deal: Deal) -> None:
    office.later(days=1)
    office.do(crm.deal(deal).change_stage("EXECUTING", modified_by=ann))
    now = office.deal(deal)
    assert (now.stage, now.moved_at, now.moved_by, now.modified_by) == ("EXECUTING", office.now, ann.id, ann.id)
    assert lines(office, deal) == [("stage", "NEW", "EXECUTING")]
    (event,) = office.told("deal.stage_changed")
    facts = {"stage": "EXECUTING", "was": "NEW", "semantics": "process", "pipeline": 0, "author": ann.id}
    assert facts.items() <= event.facts.items()


def test_a_final_stage_closes_the_deal_on_the_portals_day(office: Office, deal: Deal) -> None:
    office.portal = Portal(zone=ZoneInfo("Asia/Tokyo"))
    office.now = datetime(2026, 1, 5, 18, tzinfo=UTC)  # the 6th in Tokyo
    office.do(crm.deal(deal).change_stage("LOSE"))
    now = office.deal(deal)
    assert (now.closed, now.semantics, now.close_date) == (True, "failure", date(2026, 1, 6))
    assert ("close_date", None, date(2026, 1, 6)) in lines(office, deal)
    reopened = office.do(crm.deal(deal).update({"stage": "NEW"}))
    assert (reopened.closed, reopened.semantics, reopened.close_date) == (False, "process", date(2026, 1, 6))


def test_a_day_given_with_the_final_stage_counts(office: Office, deal: Deal) -> None:
    now = office.do(crm.deal(deal).update({"stage": "WON", "close_date": date(1996, 8, 1)}))
    assert now.close_date == date(1996, 8, 1)


def test_changing_the_stage_of_the_own_document_ends_the_instance(office: Office, deal: Deal) -> None:
    assert office.do(crm.deal.change_stage("EXECUTING"), deal) is None
    assert office.ended == ["stage changed"]


def test_changing_it_to_the_same_stage_ends_the_instance_and_changes_nothing(office: Office, deal: Deal) -> None:
    before = office.everything()
    office.do(crm.deal.change_stage("NEW"), deal)
    assert office.ended == ["stage changed"]
    assert office.everything() == before
    assert office.events == []


def test_the_own_document_named_by_its_id_is_still_the_own_document(office: Office, deal: Deal) -> None:
    office.do(crm.deal(deal.id).change_stage("WON"), deal)
    assert office.ended == ["stage changed"]


def test_changing_the_stage_of_another_deal_ends_nothing(office: Office, deal: Deal) -> None:
    other = office.do(crm.deal.create(title="Other"))
    office.do(crm.deal(other).change_stage("WON"), deal)
    assert office.ended == []
    assert office.deal(other).stage == "WON"


def test_changing_the_stage_of_a_deal_linked_to_the_document_ends_nothing(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    deal = office.do(crm.deal.create(title="Tea", company_id=company.id))
    office.do(crm.deal.change_stage("WON"), company)
    assert office.deal(deal).stage == "WON"
    assert office.ended == []


def test_changing_the_stage_by_an_update_ends_nothing(office: Office, deal: Deal) -> None:
    office.do(crm.deal.update({"stage": "WON"}), deal)
    assert office.deal(deal).closed
    assert office.ended == []


@pytest.mark.parametrize("stage", ["", "WONN", "won", "C1:NEW"])
def test_an_unknown_stage_ends_nothing_and_changes_nothing(office: Office, deal: Deal, stage: str) -> None:
    error = office.refused(UnknownStage, crm.deal.change_stage(stage), deal)
    assert error.stage == stage
    assert "WON" in error.known
    assert office.ended == []


def test_a_stage_of_another_pipeline_is_refused(office: Office, deal: Deal) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    office.refused(UnknownStage, crm.deal.change_stage(f"C{service.id}:NEW"), deal)


def test_a_move_to_another_pipeline_begins_in_its_first_stage_unless_one_is_given(office: Office, deal: Deal) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    now = office.do(crm.deal(deal).update({"pipeline": service.id}))
    assert (now.pipeline, now.stage) == (service.id, f"C{service.id}:NEW")
    assert [event.name for event in office.events] == ["deal.updated", "deal.stage_changed", "deal.pipeline_moved"]
    assert office.do(crm.deal(deal).update({"pipeline": 0, "stage": "WON"})).closed
    office.refused(UnknownPipeline, crm.deal(deal).update({"pipeline": 77}))
    office.refused(UnknownStage, crm.deal(deal).update({"pipeline": service.id, "stage": "NEW"}))


# -- pipelines and stages ----------------------------------------------------------------------------------------------


def test_a_new_store_has_the_general_pipeline_with_its_stages(office: Office) -> None:
    assert office.reader.get(Pipeline, 0).name == "General"
    stages = [each for each in office.reader.find(Stage, order_by="sort") if each.kind == "deal"]
    assert [(each.code, each.semantics) for each in stages] == [
        ("NEW", "process"),
        ("PREPARATION", "process"),
        ("PREPAYMENT_INVOICE", "process"),
        ("EXECUTING", "process"),
        ("FINAL_INVOICE", "process"),
        ("WON", "success"),
        ("LOSE", "failure"),
        ("APOLOGY", "apology"),
    ]


def test_a_stage_that_is_added_stands_before_the_final_ones(office: Office) -> None:
    stage = office.do(crm.stage.create(code="QUALITY", name="Quality"))
    codes = [each.code for each in office.reader.find(Stage, order_by="sort")]
    assert codes.index("FINAL_INVOICE") < codes.index("QUALITY") < codes.index("WON")
    assert office.do(crm.deal.create(title="Tea", stage="QUALITY")).stage == stage.code


def test_a_stage_of_another_pipeline_gets_its_prefix(office: Office) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    assert office.do(crm.stage.create(code="QA", pipeline=service.id)).code == f"C{service.id}:QA"


def test_a_code_is_used_once_and_a_pipeline_has_one_success(office: Office) -> None:
    office.refused(AlreadyExists, crm.stage.create(code="NEW"))
    office.refused(AlreadyExists, crm.stage.create(code="WON_TWICE", semantics="success"))
    office.refused(UnknownPipeline, crm.stage.create(code="X", pipeline=9))
    wrong: Any = "maybe"
    office.refused(WrongFieldValue, crm.stage.create(code="X", semantics=wrong))


def test_a_stage_may_be_renamed_and_keeps_its_code_and_semantics(office: Office) -> None:
    (stage, *_) = office.reader.find(Stage)
    assert office.do(crm.stage(stage).update({"name": "Fresh"})).name == "Fresh"
    office.refused(WrongFieldValue, crm.stage(stage).update({"code": "FRESH"}))
    office.refused(WrongFieldValue, crm.stage(stage).update({"semantics": "failure"}))


def test_a_pipeline_is_of_a_kind_that_has_stages(office: Office) -> None:
    office.refused(UnknownItem, crm.pipeline.create(name="X", kind="company"))


# -- which item is meant (D22) -----------------------------------------------------------------------------------------


def test_without_a_document_an_item_must_be_named(office: Office) -> None:
    assert "crm.deal(42)" in str(office.refused(NoDocument, crm.deal.add_comment("x")))


def test_the_linked_item_is_the_primary_one(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    one, two = (office.do(crm.contact.create(name=name, last_name="Lee")) for name in "AB")
    deal = office.do(crm.deal.create(title="Tea", company_id=company.id, contact_ids=(two.id, one.id)))
    assert office.do(crm.company.read(), deal) == company
    assert office.do(crm.contact.read(), deal).id == two.id


def test_a_link_that_is_missing_is_said(office: Office, deal: Deal) -> None:
    error = office.refused(LinkedItemMissing, crm.company.read(), deal)
    assert (error.kind, error.id, error.wanted) == ("deal", deal.id, "company")
    office.refused(LinkedItemMissing, crm.contact.update({"name": "x"}), deal)


def test_the_item_that_points_at_the_document_is_linked_too_if_it_is_the_only_one(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    contact = office.do(crm.contact.create(name="A", last_name="B", company_id=company.id))
    deal = office.do(crm.deal.create(title="Tea", contact_ids=(contact.id,)))
    assert office.do(crm.contact.read(), company).id == contact.id
    assert office.do(crm.deal.read(), contact).id == deal.id
    office.do(crm.contact.create(name="C", last_name="D", company_id=company.id))
    error = office.refused(AmbiguousItem, crm.contact.read(), company)
    assert len(error.candidates) == 2


def test_a_document_that_is_gone_is_not_found(office: Office) -> None:
    office.refused(ItemNotFound, crm.deal.add_comment("x"), Deal(id=42))
    office.refused(ItemNotFound, crm.company.read(), Deal(id=42))


# -- deleting ----------------------------------------------------------------------------------------------------------


def delete(office: Office, item: Any) -> None:
    office.ask(lambda port: port.delete(ref_of(item)))


def test_a_deal_is_deleted_with_all_that_belongs_to_it(office: Office, deal: Deal, tea: Product) -> None:
    office.do(crm.deal(deal).add_product(tea))
    office.do(crm.deal(deal).add_comment("x"))
    office.do(crm.deal(deal).add_activity("x"))
    delete(office, deal)
    for cls in (ProductRow, Comment, Activity, HistoryEvent):
        assert office.reader.find(cls, of=deal) == []
    office.refused(ItemNotFound, crm.deal(deal).read())
    (event,) = office.told("deal.deleted")
    assert (event.subject, event.facts["stage"]) == (f"deal:{deal.id}", "NEW")


def test_a_deleted_contact_is_cut_from_what_pointed_at_it(office: Office) -> None:
    one, two = (office.do(crm.contact.create(name=name, last_name="Lee")) for name in "AB")
    deal = office.do(crm.deal.create(title="Tea", contact_ids=(one.id, two.id)))
    delete(office, one)
    assert office.deal(deal).contact_ids == (two.id,)
    assert lines(office, deal) == [("contact_ids", (one.id, two.id), (two.id,))]


def test_a_deleted_company_is_cut_from_deals_and_contacts(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    contact = office.do(crm.contact.create(name="A", last_name="B", company_id=company.id))
    deal = office.do(crm.deal.create(title="Tea", company_id=company.id))
    delete(office, company)
    assert office.deal(deal).company_id is None
    assert office.reader.get(Contact, contact.id).company_ids == ()


def test_an_id_is_never_used_again(office: Office, deal: Deal) -> None:
    delete(office, deal)
    assert office.do(crm.deal.create(title="Next")).id > deal.id


def test_an_activity_beside_two_items_outlives_one(office: Office, deal: Deal) -> None:
    company = office.do(crm.company.create(title="Acme"))
    office.ask(lambda port: port.add_activity(ref_of(deal), "Call", also=[ref_of(company)]))
    assert [each.subject for each in office.reader.find(Activity, of=company)] == ["Call"]
    delete(office, deal)
    (left,) = office.reader.find(Activity, of=company)
    assert (left.owner_kind, left.bindings) == ("company", (ref_of(company),))


def test_what_is_no_item_cannot_be_deleted(office: Office, ann: User) -> None:
    with pytest.raises(UnknownItem):
        delete(office, ann)


# -- waiting for a stage (heading 28, D6) ------------------------------------------------------------------------------


def begin(office: Office, wanted: UntilStage, document: Any = None) -> Any:
    return office.ask(wanted.begin, document)


def after(office: Office, wanted: UntilStage, change: Callable[[], Any]) -> StageReached | None:
    """What the wait says to the first event that reaches it and ends it."""
    pending = begin(office, wanted)
    assert isinstance(pending, Pending)
    office.events.clear()
    change()
    heard: list[Event] = [event for event in office.events if set(keys_of(event)) & set(pending.keys)]
    ends = [done.value for done in map(wanted.accept, heard) if done is not None]
    return ends[0] if ends else None


def test_a_wait_for_the_stage_the_deal_is_in_is_over_at_once(office: Office, deal: Deal) -> None:
    wanted = wait.until_stage("PREPARATION", "NEW", timeout=timedelta(days=1))
    assert begin(office, wanted, deal) == Done(StageReached(stage="NEW", semantics="process", matched=True))


def test_a_wait_begun_at_a_final_stage_is_over_at_once(office: Office, deal: Deal) -> None:
    office.do(crm.deal(deal).update({"stage": "APOLOGY"}))
    reached = begin(office, wait.until_stage("EXECUTING", deal=deal))
    assert reached == Done(StageReached(stage="APOLOGY", semantics="apology", matched=False))


def test_a_wait_ends_with_the_stage_it_waits_for(office: Office, deal: Deal) -> None:
    wanted = wait.until_stage("EXECUTING", deal=deal.id)
    assert after(office, wanted, lambda: office.do(crm.deal(deal).change_stage("PREPARATION"))) is None
    reached = after(office, wanted, lambda: office.do(crm.deal(deal).change_stage("EXECUTING")))
    assert reached == StageReached(stage="EXECUTING", semantics="process", matched=True)


def test_a_wait_ends_with_any_final_stage(office: Office, deal: Deal) -> None:
    wanted = wait.until_stage("EXECUTING", deal=deal)
    reached = after(office, wanted, lambda: office.do(crm.deal(deal).update({"stage": "LOSE"})))
    assert reached == StageReached(stage="LOSE", semantics="failure", matched=False)


def test_without_stages_only_a_final_one_ends_the_wait(office: Office, deal: Deal) -> None:
    wanted = wait.until_stage(deal=deal)
    assert after(office, wanted, lambda: office.do(crm.deal(deal).change_stage("EXECUTING"))) is None
    reached = after(office, wanted, lambda: office.do(crm.deal(deal).change_stage("WON")))
    assert reached == StageReached(stage="WON", semantics="success", matched=False)


def test_a_move_to_another_pipeline_counts(office: Office, deal: Deal) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    code = f"C{service.id}:NEW"
    wanted = wait.until_stage(code, deal=deal)
    reached = after(office, wanted, lambda: office.do(crm.deal(deal).update({"pipeline": service.id})))
    assert reached == StageReached(stage=code, semantics="process", matched=True)


def test_other_changes_and_other_deals_do_not_reach_the_wait(office: Office, deal: Deal) -> None:
    other = office.do(crm.deal.create(title="Other"))
    wanted = wait.until_stage("EXECUTING", deal=deal)
    assert after(office, wanted, lambda: office.do(crm.deal(deal).update({"title": "New"}))) is None
    assert after(office, wanted, lambda: office.do(crm.deal(other).change_stage("EXECUTING"))) is None


def test_a_deal_that_is_deleted_ends_the_wait(office: Office, deal: Deal) -> None:
    reached = after(office, wait.until_stage("WON", deal=deal), lambda: delete(office, deal))
    assert reached == StageReached(stage="NEW", semantics="process", deleted=True)


def test_a_deal_that_is_missing_at_the_start_is_not_found(office: Office) -> None:
    with pytest.raises(ItemNotFound):
        begin(office, wait.until_stage("WON", deal=42))


def test_a_stage_that_no_pipeline_has_is_refused(office: Office, deal: Deal) -> None:
    with pytest.raises(UnknownStage, match="EXECUTIN"):
        begin(office, wait.until_stage("EXECUTIN"), deal)


def test_the_deadline_is_counted_from_the_beginning(office: Office, deal: Deal) -> None:
    wanted = wait.until_stage("WON", timeout=timedelta(days=14))
    pending = begin(office, wanted, deal)
    assert pending.deadline == office.now + timedelta(days=14)
    assert wanted.expired() == StageReached(timed_out=True)
    assert begin(office, wait.until_stage("WON"), deal).deadline is None


# -- reading -----------------------------------------------------------------------------------------------------------


def test_items_are_found_in_the_order_that_is_asked_for(office: Office) -> None:
    for title, day in (("b", 2), ("a", None), ("c", 1)):
        office.do(crm.deal.create(title=title, begin_date=None if day is None else date(2026, 1, day)))

    def titles(**how: Any) -> list[str]:
        return [deal.title for deal in office.reader.find(Deal, **how)]

    assert titles() == ["b", "a", "c"]
    assert titles(order_by="title") == ["a", "b", "c"]
    assert titles(order_by="-id", limit=2) == ["c", "a"]
    assert titles(order_by="begin_date") == ["c", "b", "a"]
    assert titles(order_by="-begin_date") == ["b", "c", "a"]
    with pytest.raises(UnknownField):
        titles(order_by="title; DROP TABLE deal")


def test_prices_are_ordered_as_numbers(office: Office) -> None:
    for price in (10, 9, Decimal("9.5")):
        office.do(crm.product.create(name=str(price), price=price))
    assert [each.price for each in office.reader.find(Product, order_by="price")] == [9, Decimal("9.5"), 10]


def test_what_points_at_an_item_is_found_by_it(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    contact = office.do(crm.contact.create(name="A", last_name="B", company_id=company.id))
    deal = office.do(crm.deal.create(title="Tea", company_id=company.id, contact_ids=(contact.id,)))
    assert office.reader.find(Deal, of=company) == office.reader.find(Deal, of=contact) == [deal]
    assert office.reader.find(Contact, of=company) == [contact]
    with pytest.raises(UnknownItem):
        office.reader.find(Product, of=deal)


def test_an_item_that_is_not_there_is_not_found(office: Office) -> None:
    for id_ in (42, -1, 2**70):
        with pytest.raises(ItemNotFound):
            office.reader.get(Deal, id_)
    with pytest.raises(UnknownItem, match="Deal"):
        office.reader.get(int, 1)


def test_a_store_that_is_seeded_twice_is_seeded_once(office: Office) -> None:
    before = office.everything()
    with office.commit() as tx:
        seed(tx)
    assert office.everything() == before
