"""What stands beside an item: activities, calls, meetings, comments, events, reminders."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bizproc import crm
from bizproc.core.errors import (
    EmptyText,
    ItemNotFound,
    UnknownEventType,
    UnknownUser,
    WrongArgument,
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
    Notification,
    Portal,
    User,
    ref_of,
)

Office = Any  # conftest.Office

NINE = datetime(2026, 1, 7, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def acme(office: Office) -> Company:
    company: Company = office.do(crm.company.create(title="Acme", phones=["+33 1 00"]))
    return company


@pytest.fixture
def eva(office: Office, acme: Company) -> Contact:
    fields: Any = {"name": "Eva", "last_name": "Moss", "company_id": acme.id, "phones": ["+33 6 11", "+33 6 22"]}
    contact: Contact = office.do(crm.contact.create(**fields))
    return contact


# -- activities --------------------------------------------------------------------------------------------------------


def test_an_activity_where_nobody_is_meant_is_for_the_person_in_charge(office: Office, deal: Deal, ann: User) -> None:
    assert office.do(crm.deal.add_activity("Call", responsible=[]), deal).responsible_id == ann.id


def test_all_parameters_of_an_activity_are_kept(office: Office, deal: Deal, bob: User) -> None:
    action = crm.deal.add_activity(
        "Call", "About the tea", responsible=bob, important=True, complete_on_stage_change=True, deadline=NINE
    )
    made = office.do(action, deal, instance="w-1")
    assert (made.subject, made.description, made.responsible_id, made.author_id) == (
        "Call", "About the tea", bob.id, bob.id,
    )  # fmt: skip
    assert (made.important, made.complete_on_stage_change, made.deadline, made.made_by) == (True, True, NINE, "w-1")
    assert (made.start, made.end, made.completed) == (office.now, office.now, False)
    assert office.do(crm.deal.activities(), deal) == (made,)


def test_an_activity_is_completed_once(office: Office, deal: Deal) -> None:
    made = office.do(crm.deal.add_activity("Call"), deal)
    office.later(hours=1)
    done = office.do(crm.deal.complete_activity(made), deal)
    assert (done.completed, done.completed_at) == (True, office.now)
    (event,) = office.told("activity.completed")
    assert (event.subject, event.facts["activity"]) == (f"deal:{deal.id}", made.id)

    office.later(hours=1)
    assert office.do(crm.deal.complete_activity(made.id), deal) == done
    assert len(office.told("activity.completed")) == 1


def test_an_activity_of_another_item_is_not_found(office: Office, deal: Deal) -> None:
    other = office.do(crm.deal.create(title="Another"))
    made = office.do(crm.deal.add_activity("Call"), other)
    assert office.refused(ItemNotFound, crm.deal.complete_activity(made), deal).id == made.id
    office.refused(ItemNotFound, crm.deal.complete_activity(999), deal)


# -- comments ----------------------------------------------------------------------------------------------------------


def test_the_marks_of_a_comment_are_kept_as_they_were_written(office: Office, deal: Deal) -> None:
    text = "[b]Tea[/b] [i]for[/i] [s]Paris[/s] [u]Lyon[/u] [url=https://example.org]here[/url] [unknown] <b>"
    assert office.do(crm.deal.add_comment(text), deal).text == text
    assert [each.text for each in office.reader.find(Comment, of=deal)] == [text]


def test_a_comment_stands_beside_its_item_alone(office: Office, eva: Contact) -> None:
    deal = office.do(crm.deal.create(title="Tea", contact_id=eva.id))
    office.do(crm.deal.add_comment("hello"), deal)
    assert office.do(crm.contact(eva).comments()) == ()


# -- events ------------------------------------------------------------------------------------------------------------


def test_an_event_is_one_line_of_history_and_nothing_else(office: Office, deal: Deal) -> None:
    office.later(hours=1)
    made = office.do(crm.deal.add_event("Asked for a sample"), deal, instance="w-1")
    assert (made.kind, made.type, made.text, made.author_id) == ("event", "INFO", "Asked for a sample", None)
    assert (made.made_by, made.at) == ("w-1", office.now)
    assert [line for line in office.reader.find(HistoryEvent, of=deal) if line.kind == "event"] == [made]
    assert (office.events, office.deal(deal)) == ([], deal)


def test_an_event_has_a_type_of_the_list_and_an_author(office: Office, deal: Deal, bob: User) -> None:
    office.do(crm.reference.create(list="EVENT_TYPE", code="FAIR", name="Met at a fair"))
    made = office.do(crm.deal.add_event("In Lyon", type="FAIR", author=bob), deal)
    assert (made.type, made.author_id) == ("FAIR", bob.id)
    error = office.refused(UnknownEventType, crm.deal.add_event("x", type="NO"), deal)
    assert error.known == "INFO, PHONE, MESSAGE, FAIR"


@pytest.mark.parametrize(
    ("text", "type_", "parameter"), [("", "INFO", "text"), (" \n", "INFO", "text"), ("x", "", "type")]
)
def test_an_event_must_say_something(office: Office, deal: Deal, text: str, type_: str, parameter: str) -> None:
    assert office.refused(EmptyText, crm.deal.add_event(text, type=type_), deal).parameter == parameter


def test_an_event_needs_an_item_and_an_author_that_are_there(office: Office, deal: Deal) -> None:
    office.refused(ItemNotFound, crm.contact(999).add_event("x"))
    office.refused(UnknownUser, crm.deal.add_event("x", author=999), deal)
    office.refused(WrongFieldValue, crm.deal.add_event("x\0"), deal)


def test_an_event_stands_beside_any_item(office: Office, acme: Company, eva: Contact) -> None:
    for action in (crm.company(acme).add_event("x"), crm.contact(eva).add_event("x")):
        assert office.do(action).kind == "event"


# -- calls and meetings ------------------------------------------------------------------------------------------------


def test_a_call_is_planned_with_the_clients_first_phone(office: Office, ann: User, eva: Contact) -> None:
    deal = office.do(crm.deal.create(title="Tea", contact_id=eva.id, responsible_id=ann.id))
    made = office.do(crm.deal.schedule_call("Ask for the order", start=NINE, end=NINE + HOUR), deal)
    assert (made.kind, made.direction, made.completed, made.client_address) == ("call", "out", False, "+33 6 11")
    assert made.bindings == (ref_of(deal), ref_of(eva))
    assert (made.start, made.end, made.responsible_id) == (NINE, NINE + HOUR, ann.id)
    assert office.do(crm.contact(eva).activities()) == (made,)


def test_a_call_without_a_phone_is_planned_all_the_same(office: Office, deal: Deal) -> None:
    made = office.do(crm.deal.schedule_call("Ask"), deal)
    assert (made.client_address, made.bindings) == ("", (ref_of(deal),))


def test_a_meeting_is_with_the_contact_or_else_with_the_company(office: Office, acme: Company, eva: Contact) -> None:
    for client, fields in ((eva, {"contact_id": eva.id, "company_id": acme.id}), (acme, {"company_id": acme.id})):
        deal = office.do(crm.deal.create(title="Tea", **fields))  # type: ignore[arg-type]
        made = office.do(crm.deal.schedule_meeting("Taste", start=NINE, location="Lyon"), deal)
        assert (made.kind, made.location, made.bindings) == ("meeting", "Lyon", (ref_of(deal), ref_of(client)))


def test_without_times_it_is_now_and_ends_as_it_begins(office: Office, deal: Deal) -> None:
    for action in (crm.deal.schedule_call("x"), crm.deal.schedule_meeting("x")):
        made = office.do(action, deal)
        assert (made.start, made.end) == (office.now, office.now)
    later = office.do(crm.deal.schedule_call("x", start=NINE), deal)
    assert later.end == NINE


def test_all_that_is_said_of_a_meeting_is_kept(office: Office, deal: Deal, bob: User) -> None:
    action = crm.deal.schedule_meeting(
        "Taste", description="Bring cups", responsible=[bob], important=True, complete_on_stage_change=True
    )
    made = office.do(action, deal)
    assert (made.description, made.responsible_id, made.important) == ("Bring cups", bob.id, True)
    office.do(crm.deal(deal).change_stage("EXECUTING"))
    assert office.reader.get(Activity, made.id).completed


def test_a_subject_that_is_left_out_comes_from_the_client_and_the_day(
    office: Office, deal: Deal, eva: Contact, acme: Company
) -> None:
    office.portal = Portal(zone=ZoneInfo("Asia/Tokyo"))
    late = datetime(2026, 1, 7, 20, tzinfo=UTC)  # the 8th in Tokyo
    with_client = office.do(crm.deal.create(title="Tea", contact_id=eva.id))
    assert office.do(crm.deal.schedule_call(start=late), with_client).subject == "Call: Eva Moss, 2026-01-08"
    assert office.do(crm.deal.schedule_meeting(" ", start=late), with_client).subject == "Meeting: Eva Moss, 2026-01-08"
    assert office.do(crm.company(acme).schedule_call(start=late)).subject == "Call: Acme, 2026-01-08"
    assert office.do(crm.deal.schedule_call(start=late), deal).subject == "Call: Tea for Lyon, 2026-01-08"


def test_an_end_before_the_start_is_refused(office: Office, deal: Deal) -> None:
    for action in (
        crm.deal.schedule_call("x", start=NINE, end=NINE - HOUR),
        crm.deal.schedule_meeting("x", start=NINE, end=NINE - HOUR),
        crm.deal.schedule_call("x", end=office.now - HOUR),
    ):
        assert office.refused(WrongValue, action, deal).parameter == "end"


def test_the_responsible_user_is_reminded_before_the_start(office: Office, deal: Deal, ann: User, bob: User) -> None:
    made = office.do(crm.deal.schedule_call("Ask", start=NINE, remind_before=timedelta(minutes=15)), deal)
    (note,) = office.reader.find(Notification, of=deal)
    assert (note.user_id, note.due_at, note.activity_id) == (ann.id, NINE - timedelta(minutes=15), made.id)
    assert (note.text, note.read) == ("Ask", False)
    office.do(crm.deal.schedule_meeting("Taste", start=NINE, remind_before=timedelta(0), responsible=bob), deal)
    (his,) = office.reader.find(Notification, of=bob)
    assert (his.due_at, his.text) == (NINE, "Taste")


def test_without_a_reminder_or_anybody_to_remind_nobody_is_told(office: Office, deal: Deal) -> None:
    nobodys = office.do(crm.deal.create(title="Nobody's"))
    office.do(crm.deal.schedule_call("x", start=NINE), deal)
    office.do(crm.deal.schedule_call("x", start=NINE, remind_before=HOUR), nobodys)
    assert office.reader.find(Notification) == []


@pytest.mark.parametrize("before", [timedelta(seconds=30), timedelta(minutes=-1)])
def test_a_reminder_is_whole_minutes_before(before: timedelta) -> None:
    with pytest.raises(WrongValue, match="whole minutes, hours or days"):
        _ = crm.deal.schedule_call("x", remind_before=before)


def test_a_reminder_beyond_the_calendar_or_a_time_without_zone_is_refused(office: Office, deal: Deal) -> None:
    far = timedelta(days=999_999)
    assert office.refused(WrongValue, crm.deal.schedule_call("x", remind_before=far), deal).parameter == "remind_before"
    with pytest.raises(WrongArgument, match="without a time zone"):
        _ = crm.deal.schedule_meeting("x", start=datetime(2026, 1, 7))  # noqa: DTZ001  that is the point


def test_calls_and_meetings_are_told_about_all_they_stand_beside(office: Office, eva: Contact) -> None:
    deal = office.do(crm.deal.create(title="Tea", contact_id=eva.id))
    office.do(crm.deal.schedule_call("x"), deal)
    assert [event.subject for event in office.told("activity.created")] == [f"deal:{deal.id}", f"contact:{eva.id}"]


@pytest.mark.parametrize("kind", ["lead", "quote", "invoice", "contact", "company"])
def test_a_call_can_be_planned_beside_any_item(office: Office, kind: str) -> None:
    fields = {"name": "A", "last_name": "B"} if kind == "contact" else {"title": "Some"}
    noun: Any = getattr(crm, kind)
    item = office.do(noun.create(**fields))
    assert office.do(noun(item).schedule_call("x")).bindings == (ItemRef(kind, item.id),)


# -- the client's address ----------------------------------------------------------------------------------------------


def address(office: Office, item: Any, kind: str = "phones", type: str | None = None, *, last: bool = False) -> Any:
    found = office.ask(lambda port: port.client_address(ref_of(item), kind, type, last=last))
    return None if found is None else (found.holder.kind, found.value)


def test_a_deals_client_is_the_main_contact_then_the_others_then_the_company(
    office: Office, acme: Company, eva: Contact
) -> None:
    mute = office.do(crm.contact.create(name="Mute", last_name="One"))
    deal = office.do(crm.deal.create(title="Tea", contact_ids=(mute.id, eva.id), company_id=acme.id))
    assert address(office, deal) == ("contact", "+33 6 11")
    office.do(crm.contact(eva).update({"phones": []}))
    assert address(office, deal) == ("company", "+33 1 00")
    office.do(crm.company(acme).update({"phones": []}))
    assert address(office, deal) is None


def test_a_lead_comes_before_its_contact_and_company(office: Office, acme: Company, eva: Contact) -> None:
    lead = office.do(crm.lead.create(title="L", phones=["+33 9"], contact_id=eva.id, company_id=acme.id))
    assert address(office, lead) == ("lead", "+33 9")
    office.do(crm.lead(lead).update({"phones": []}))
    assert address(office, lead) == ("contact", "+33 6 11")


@pytest.mark.parametrize("kind", ["quote", "invoice"])
def test_of_quotes_and_invoices_the_contacts_come_before_the_company(
    office: Office, acme: Company, eva: Contact, kind: str
) -> None:
    item = office.do(getattr(crm, kind).create(title="x", contact_id=eva.id, company_id=acme.id))
    assert address(office, item) == ("contact", "+33 6 11")


def test_a_contact_or_a_company_is_its_own_client(office: Office, acme: Company) -> None:
    mute = office.do(crm.contact.create(name="Mute", last_name="One", company_id=acme.id))
    assert address(office, mute) is None
    assert address(office, acme) == ("company", "+33 1 00")


def test_an_order_has_the_client_of_its_item(office: Office, acme: Company, eva: Contact) -> None:
    deal = office.do(crm.deal.create(title="Tea", contact_id=eva.id, company_id=acme.id))
    order = office.do(crm.deal.create_order(), deal)
    assert address(office, order) == ("contact", "+33 6 11")


def test_with_a_type_only_those_count_and_the_first_holder_of_one_wins(
    office: Office, acme: Company, eva: Contact
) -> None:
    office.do(crm.company(acme).update({"emails": [{"value": "a@acme.example", "type": "MAILING"}]}))  # type: ignore[list-item]
    several = [{"value": "w1@e.example", "type": "WORK"}, {"value": "w2@e.example", "type": "WORK"}]
    office.do(crm.contact(eva).update({"emails": several}))  # type: ignore[typeddict-item]
    deal = office.do(crm.deal.create(title="Tea", contact_id=eva.id, company_id=acme.id))
    assert address(office, deal, "emails", "MAILING") == ("company", "a@acme.example")
    assert address(office, deal, "emails") == ("contact", "w1@e.example")
    assert address(office, deal, "emails", last=True) == ("contact", "w2@e.example")
    assert address(office, deal, "emails", "HOME") is None
