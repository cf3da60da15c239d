"""How waits begin: what they look at, what they listen to, and the card that is seen meanwhile."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bizproc import crm, wait
from bizproc.core.commands import Done, Event, Pending
from bizproc.core.errors import (
    DateMissing,
    DateTooEarly,
    DocumentNeeded,
    ItemNotFound,
    UnknownField,
    UnknownStage,
    WrongArgument,
    WrongFieldValue,
    WrongValue,
)
from bizproc.model import Deal, HistoryEvent, Portal, StageReached, User, Wait, WaitOutcome
from bizproc.triggers.keys import keys_of

Office = Any  # conftest.Office

PARIS = ZoneInfo("Europe/Paris")


def begin(office: Office, command: Any, document: Any = None, *, instance: str = "w-1") -> Any:
    return office.ask(command.begin, document, instance=instance)


def reaches(pending: Pending, event: Event) -> bool:
    return bool(set(pending.keys) & set(keys_of(event)))


# -- days --------------------------------------------------------------------------------------------------------------


def test_a_card_is_seen_while_days_are_waited_for(office: Office, deal: Deal, ann: User) -> None:
    pending = begin(office, wait.days(3, comment="Do not disturb"), deal)
    (card,) = office.reader.find(Wait, of=deal)
    assert card.description == "Wait 3 days, or until the client gets in touch\nDo not disturb"
    assert (card.author_id, card.made_by, card.completed, card.reason) == (ann.id, "w-1", False, None)
    assert (card.start, card.end) == (office.now, office.now + timedelta(days=3))
    assert pending.deadline == card.end


@pytest.mark.parametrize(
    ("count", "span"), [(1, "1 day"), (2, "2 days"), (7, "1 week"), (14, "2 weeks"), (15, "15 days")]
)
def test_sevens_of_days_are_shown_as_weeks(office: Office, deal: Deal, count: int, span: str) -> None:
    begin(office, wait.days(count), deal)
    assert office.reader.find(Wait)[0].description == f"Wait {span}, or until the client gets in touch"


@pytest.mark.parametrize("count", [0, -5])
def test_less_than_a_day_is_a_day(office: Office, deal: Deal, count: int) -> None:
    assert begin(office, wait.days(count), deal).deadline == office.now + timedelta(days=1)


def test_days_keep_the_time_of_day_across_daylight_saving(office: Office, deal: Deal) -> None:
    office.portal = Portal(zone=PARIS)
    office.now = datetime(2026, 3, 28, 12, tzinfo=PARIS).astimezone(UTC)  # the clocks jump in the night after
    pending = begin(office, wait.days(1), deal)
    assert pending.deadline == datetime(2026, 3, 29, 12, tzinfo=PARIS)
    assert pending.deadline - office.now == timedelta(hours=23)


def test_more_days_than_the_calendar_has_are_refused(office: Office, deal: Deal) -> None:
    for command in (wait.days(10**7), wait.days_before("close_date", 10**10)):
        office.do(crm.deal(deal).update({"close_date": date(2026, 3, 1)}))
        with pytest.raises(WrongValue, match="calendar"):
            begin(office, command, deal)
    with pytest.raises(WrongArgument):
        _ = wait.days("3")  # type: ignore[arg-type]


def test_without_a_document_there_is_nothing_to_wait_at(office: Office, deal: Deal) -> None:
    for command in (wait.days(1), wait.days_before("close_date", 1)):
        with pytest.raises(DocumentNeeded, match=r"days"):
            begin(office, command)
    office.do(crm.deal(deal).delete())
    with pytest.raises(ItemNotFound):
        begin(office, wait.days(1), deal)


# -- days before -------------------------------------------------------------------------------------------------------


def test_days_before_a_date_end_at_midnight_of_the_portals_zone(office: Office, deal: Deal) -> None:
    office.portal = Portal(zone=PARIS)
    office.do(crm.deal(deal).update({"close_date": date(2026, 4, 10)}))
    pending = begin(office, wait.days_before("close_date", 3), deal)
    assert pending.deadline == datetime(2026, 4, 7, tzinfo=PARIS)
    (card,) = office.reader.find(Wait)
    assert card.description == "Wait until 3 days before close_date, or until the client gets in touch"


def test_the_date_may_stand_in_a_custom_field(office: Office, deal: Deal) -> None:
    office.portal = Portal(zone=PARIS)
    for code, type_ in (("fair", "day"), ("visit", "moment")):
        office.ask(lambda port, code=code, type_=type_: port.add_field("deal", code, type_))
    late = datetime(2026, 1, 19, 23, 30, tzinfo=UTC)  # the 20th in Paris
    office.do(crm.deal(deal).update({"custom": {"fair": date(2026, 1, 20), "visit": late}}))
    for name in ("fair", "custom.fair", "visit"):
        pending = begin(office, wait.days_before(name, 7), deal, instance=name)
        assert pending.deadline == datetime(2026, 1, 13, tzinfo=PARIS)


def test_a_day_that_is_today_or_past_is_refused(office: Office, deal: Deal) -> None:
    office.do(crm.deal(deal).update({"begin_date": date(2026, 1, 8)}))
    assert begin(office, wait.days_before("begin_date", 2), deal).deadline == datetime(2026, 1, 6, tzinfo=UTC)
    for count in (3, 4, 400):
        with pytest.raises(DateTooEarly) as refused:
            begin(office, wait.days_before("begin_date", count), deal)
        assert (refused.value.field, refused.value.count) == ("begin_date", count)


def test_today_is_the_portals(office: Office, deal: Deal) -> None:
    office.portal = Portal(zone=ZoneInfo("Asia/Tokyo"))
    office.now = datetime(2026, 1, 5, 20, tzinfo=UTC)  # the 6th in Tokyo
    office.do(crm.deal(deal).update({"begin_date": date(2026, 1, 8)}))
    with pytest.raises(DateTooEarly):
        begin(office, wait.days_before("begin_date", 2), deal)


def test_an_empty_date_is_refused(office: Office, deal: Deal) -> None:
    office.ask(lambda port: port.add_field("deal", "fair", "day", multiple=True))
    for name in ("close_date", "fair"):
        with pytest.raises(DateMissing) as refused:
            begin(office, wait.days_before(name, 1), deal)
        assert refused.value.field == name


def test_a_field_that_holds_no_date_is_refused(office: Office, deal: Deal) -> None:
    office.ask(lambda port: port.add_field("deal", "city", "text"))
    for name in ("title", "moved_at", "city"):
        with pytest.raises(WrongFieldValue, match="begin_date, close_date or a custom field of dates"):
            begin(office, wait.days_before(name, 1), deal)
    with pytest.raises(UnknownField):
        begin(office, wait.days_before("birthday", 1), deal)
    lead = office.do(crm.lead.create(title="x"))
    with pytest.raises(UnknownField):
        begin(office, wait.days_before("close_date", 1), lead)


# -- what ends them ----------------------------------------------------------------------------------------------------


def ended(office: Office, command: Any, pending: Pending) -> list[WaitOutcome]:
    """What the events so far, in order, end the wait with."""
    heard = [event for event in office.events if reaches(pending, event)]
    return [done.value for event in heard if (done := command.accept(event)) is not None]


def test_an_open_activity_of_anybody_else_ends_the_wait_and_completes_the_card(office: Office, deal: Deal) -> None:
    command = wait.days(3)
    pending = begin(office, command, deal)
    office.later(hours=1)
    office.do(crm.deal.add_activity("Call"), deal, instance="w-2")

    assert ended(office, command, pending) == [WaitOutcome("client_activity")]
    (card,) = office.reader.find(Wait)
    assert (card.completed, card.completed_at, card.reason) == (True, office.now, "client_activity")
    line = office.reader.find(HistoryEvent, of=deal)[-1]
    assert (line.kind, line.new, line.text) == ("wait_completed", "client_activity", card.description)


@pytest.mark.parametrize("what", ["add_activity", "schedule_call", "schedule_meeting", "add_task"])
def test_whatever_is_open_ends_the_wait(office: Office, deal: Deal, what: str) -> None:
    command = wait.days(3)
    pending = begin(office, command, deal)
    office.do(getattr(crm.deal, what)("x"), deal)
    assert ended(office, command, pending) == [WaitOutcome("client_activity")]


def test_what_this_instance_does_itself_does_not_end_its_wait(office: Office, deal: Deal) -> None:
    begin(office, wait.days(3), deal)
    office.do(crm.deal.add_activity("Call"), deal, instance="w-1")
    assert office.told("wait.completed") == []


def test_neither_comments_events_nor_changes_end_a_wait(office: Office, deal: Deal) -> None:
    begin(office, wait.days(3), deal)
    for action in (crm.deal.add_comment("x"), crm.deal.add_event("x"), crm.deal.update({"title": "y"})):
        office.do(action, deal)
    assert office.told("wait.completed") == []


def test_an_activity_beside_a_client_ends_the_waits_of_the_items_it_stands_beside(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    deal = office.do(crm.deal.create(title="Tea", company_id=company.id))
    other = office.do(crm.deal.create(title="Another", company_id=company.id))
    begin(office, wait.days(3), company)
    begin(office, wait.days(3), other, instance="w-2")
    office.do(crm.deal.schedule_meeting("x"), deal)
    assert [(card.owner_kind, card.reason) for card in office.reader.find(Wait)] == [
        ("company", "client_activity"), ("deal", None),
    ]  # fmt: skip


def test_an_incoming_communication_ends_the_wait(office: Office, deal: Deal) -> None:
    command = wait.days(3)
    pending = begin(office, command, deal)
    event = Event("communication.incoming", f"deal:{deal.id}", {"kind": "email"})
    assert reaches(pending, event)
    assert command.accept(event) == Done(WaitOutcome("client_activity"))


def test_a_newer_wait_of_the_same_instance_takes_the_place_of_the_older(office: Office, deal: Deal) -> None:
    command = wait.days(3)
    pending = begin(office, command, deal)
    office.ask(_with_key("later", wait.days(5)), deal, instance="w-1")
    assert ended(office, command, pending) == [WaitOutcome("superseded")]
    assert [card.reason for card in office.reader.find(Wait)] == ["superseded", None]


def test_a_wait_of_another_process_takes_nobodys_place(office: Office, deal: Deal) -> None:
    begin(office, wait.days(3), deal)
    begin(office, wait.days(5), deal, instance="w-2")
    assert [card.completed for card in office.reader.find(Wait)] == [False, False]


def test_a_wait_that_begins_again_is_the_one_it_was(office: Office, deal: Deal) -> None:
    first = begin(office, wait.days(3), deal)
    office.ask(lambda port: port.close_wait("failed"), deal, instance="w-1")
    office.later(days=1)
    assert begin(office, wait.days(3), deal) == first
    (card,) = office.reader.find(Wait)
    assert (card.completed, card.reason, card.end) == (False, None, first.deadline)


def test_a_wait_that_was_over_when_it_begins_again_is_over(office: Office, deal: Deal) -> None:
    begin(office, wait.days(3), deal)
    office.do(crm.deal.add_activity("Call"), deal)
    assert begin(office, wait.days(3), deal) == Done(WaitOutcome("client_activity"))


def test_waits_go_with_their_item(office: Office, deal: Deal) -> None:
    begin(office, wait.days(3), deal)
    office.do(crm.deal(deal).delete())
    assert office.reader.find(Wait) == []


def _with_key(key: str, command: Any) -> Any:
    """The wait, as another step."""

    def begun(port: Any) -> Any:
        port.performing.key = key
        return command.begin(port)

    return begun


# -- statuses ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def lead(office: Office) -> Any:
    made = office.do(crm.lead.create(title="Somebody"))
    office.events.clear()
    return made


def test_a_wait_for_the_status_the_lead_has_is_over_at_once(office: Office, lead: Any) -> None:
    reached = StageReached(stage="NEW", semantics="process", matched=True)
    assert begin(office, wait.until_status("NEW"), lead) == Done(reached)
    office.do(crm.lead(lead).change_status("JUNK"))
    assert begin(office, wait.until_status("NEW"), lead) == Done(StageReached(stage="JUNK", semantics="failure"))


@pytest.mark.parametrize(
    ("status", "waited_for", "reached"),
    [
        ("IN_PROCESS", ["IN_PROCESS"], StageReached(stage="IN_PROCESS", semantics="process", matched=True)),
        ("IN_PROCESS", ["PROCESSED"], None),
        ("CONVERTED", ["PROCESSED"], StageReached(stage="CONVERTED", semantics="success")),
        ("JUNK", [], StageReached(stage="JUNK", semantics="failure")),
    ],
)
def test_a_status_ends_the_wait_if_it_is_waited_for_or_final(
    office: Office, lead: Any, status: str, waited_for: list[str], reached: StageReached | None
) -> None:
    command = wait.until_status(*waited_for)
    pending = begin(office, command, lead)
    office.do(crm.lead(lead).change_status(status))
    (event,) = [event for event in office.events if reaches(pending, event)]
    assert command.accept(event) == (None if reached is None else Done(reached))


def test_a_lead_that_is_deleted_ends_the_wait(office: Office, lead: Any) -> None:
    command = wait.until_status("PROCESSED", lead=lead)
    pending = begin(office, command)
    office.do(crm.lead(lead).delete())
    (event,) = [event for event in office.events if reaches(pending, event)]
    assert command.accept(event) == Done(StageReached(stage="NEW", semantics="process", deleted=True))


def test_a_lead_or_a_status_that_is_not_there_is_refused(office: Office, lead: Any) -> None:
    with pytest.raises(ItemNotFound):
        begin(office, wait.until_status("NEW", lead=999))
    with pytest.raises(UnknownStage):
        begin(office, wait.until_status("WON"), lead)


def test_the_time_for_a_status_is_counted_from_the_beginning(office: Office, lead: Any) -> None:
    command = wait.until_status("PROCESSED", timeout=timedelta(days=2))
    assert begin(office, command, lead).deadline == office.now + timedelta(days=2)
    assert command.expired() == StageReached(timed_out=True)


def test_a_move_to_a_pipeline_by_the_action_counts_where_a_stage_is_waited_for(office: Office, deal: Deal) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    office.events.clear()
    command = wait.until_stage(f"C{service.id}:NEW", deal=deal)
    pending = begin(office, command)
    office.do(crm.deal(deal).change_pipeline(service))
    heard = [command.accept(event) for event in office.events if reaches(pending, event)]
    assert heard == [Done(StageReached(stage=f"C{service.id}:NEW", semantics="process", matched=True))]
