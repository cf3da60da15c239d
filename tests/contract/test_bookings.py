"""Booking people's time in a field of an item, and releasing it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bizproc import crm
from bizproc.core.codec import Codec
from bizproc.core.errors import (
    ItemNotFound,
    NobodyFound,
    ResourceBusy,
    UnknownField,
    UnknownUser,
    WrongArgument,
    WrongFieldValue,
    WrongValue,
)
from bizproc.model import Booking, Deal, HistoryEvent, Portal, User

Office = Any  # conftest.Office

NINE = datetime(2026, 1, 7, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def field(office: Office, code: str = "room", kind: str = "deal", **options: Any) -> str:
    office.ask(lambda port: port.add_field(kind, code, "booking", options=options))
    return code


def spans(bookings: Any) -> list[tuple[int, datetime, datetime]]:
    return [(each.user_id, each.start, each.end) for each in bookings]


def test_the_person_in_charge_is_booked_unless_others_are_named(
    office: Office, deal: Deal, ann: User, bob: User
) -> None:
    room = field(office)
    (booked,) = office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR, service="Visit"), deal)
    assert (booked.user_id, booked.start, booked.end, booked.service) == (ann.id, NINE, NINE + HOUR, "Visit")

    booked = office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR, employees=[bob, ann]), deal)
    assert [each.user_id for each in booked] == [bob.id, ann.id]


def test_what_is_booked_replaces_what_was_booked_in_the_field_and_who_stays_keeps_the_entry(
    office: Office, deal: Deal, ann: User, bob: User
) -> None:
    room, other = field(office), field(office, "car")
    before = office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR, employees=[ann, bob]), deal)
    office.do(crm.deal.book_resource(other, start=NINE, duration=HOUR), deal)

    (after,) = office.do(
        crm.deal.book_resource(room, start=NINE + HOUR, duration=2 * HOUR, service="Lunch", employees=bob), deal
    )

    assert after.id == before[1].id
    assert office.reader.get(Booking, after.id) == after
    found = office.do(crm.deal.bookings(), deal)
    assert [(each.field, each.user_id) for each in found] == [("room", bob.id), ("car", ann.id)]


def test_the_field_shows_the_bookings_as_a_change_of_the_item(office: Office, deal: Deal) -> None:
    room = field(office)
    booked = office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR), deal, instance="w-1")

    assert office.deal(deal).custom == {"room": booked}
    line = [line for line in office.reader.find(HistoryEvent, of=deal) if line.kind == "changed"][-1]
    assert (line.field, line.old, line.new, line.made_by) == ("custom.room", None, booked, "w-1")
    assert [event.name for event in office.events] == ["deal.updated", "deal.booked"]
    assert office.events[-1].facts["bookings"] == [booked[0].id]


def test_the_same_booking_again_changes_nothing(office: Office, deal: Deal) -> None:
    room = field(office)
    first = office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR), deal)
    before, told = office.everything(), len(office.events)
    assert office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR), deal) == first
    assert (office.everything(), len(office.events)) == (before, told)


def test_a_field_that_forbids_overbooking_refuses_with_what_is_in_the_way(
    office: Office, deal: Deal, ann: User, bob: User
) -> None:
    room, strict = field(office), field(office, "doctor", allow_overbooking=False)
    other = office.do(crm.deal.create(title="Another"))
    (there,) = office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR, employees=ann), other)
    action = crm.deal.book_resource(strict, start=NINE + HOUR / 2, duration=HOUR, employees=[bob, ann])

    error = office.refused(ResourceBusy, action, deal)

    assert error.bookings == (there,)
    assert f"user {ann.id} from {NINE}" in str(error)
    codec = Codec()
    again = codec.decode_error(codec.encode_error(error))
    assert (type(again), again.bookings, str(again)) == (ResourceBusy, (there,), str(error))  # type: ignore[attr-defined]


def test_what_begins_as_another_ends_is_not_in_the_way(office: Office, deal: Deal, ann: User) -> None:
    strict = field(office, allow_overbooking=False)
    other = office.do(crm.deal.create(title="Another"))
    office.do(crm.deal.book_resource(strict, start=NINE, duration=HOUR, employees=ann), other)
    for start in (NINE + HOUR, NINE - HOUR):
        assert office.do(crm.deal.book_resource(strict, start=start, duration=HOUR), deal)


def test_what_the_field_holds_itself_is_not_in_the_way(office: Office, deal: Deal) -> None:
    strict = field(office, allow_overbooking=False)
    office.do(crm.deal.book_resource(strict, start=NINE, duration=HOUR), deal)
    (moved,) = office.do(crm.deal.book_resource(strict, start=NINE + HOUR / 2, duration=HOUR), deal)
    assert moved.start == NINE + HOUR / 2


def test_a_field_allows_overbooking_unless_it_says_otherwise(office: Office, deal: Deal, ann: User) -> None:
    room = field(office)
    other = office.do(crm.deal.create(title="Another"))
    office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR, employees=ann), other)
    assert spans(office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR), deal)) == [
        (ann.id, NINE, NINE + HOUR)
    ]


@pytest.mark.parametrize(
    ("duration", "days"), [(HOUR, 1), (timedelta(days=1), 1), (timedelta(days=1, hours=1), 2), (timedelta(days=7), 7)]
)
def test_a_field_for_whole_days_drops_the_time_in_its_zone(
    office: Office, deal: Deal, duration: timedelta, days: int
) -> None:
    room = field(office, full_day=True, zone="Asia/Tokyo")
    late = datetime(2026, 1, 7, 20, tzinfo=UTC)  # the 8th in Tokyo
    (booked,) = office.do(crm.deal.book_resource(room, start=late, duration=duration), deal)
    tokyo = ZoneInfo("Asia/Tokyo")
    assert booked.all_day
    assert booked.start == datetime(2026, 1, 8, tzinfo=tokyo)
    assert booked.end == datetime(2026, 1, 8 + days, tzinfo=tokyo)


def test_whole_days_are_the_portals_or_those_of_whoever_is_booked(office: Office, deal: Deal, ann: User) -> None:
    office.portal = Portal(zone=ZoneInfo("America/New_York"))
    tom = office.do(crm.user.create(name="Tom", time_zone="Asia/Tokyo"))
    portal, user = field(office, "day", full_day=True), field(office, "own", full_day=True, zone="user")
    noon = datetime(2026, 1, 7, 16, tzinfo=UTC)
    (here,) = office.do(crm.deal.book_resource(portal, start=noon, duration=HOUR), deal)
    assert here.start == datetime(2026, 1, 7, tzinfo=ZoneInfo("America/New_York"))
    first, second = office.do(crm.deal.book_resource(user, start=noon, duration=HOUR, employees=[ann, tom]), deal)
    assert first.start == here.start
    assert second.start == datetime(2026, 1, 8, tzinfo=ZoneInfo("Asia/Tokyo"))


def test_a_lead_has_bookings_too(office: Office, ann: User) -> None:
    lead = office.do(crm.lead.create(title="Somebody", responsible_id=ann.id))
    room = field(office, kind="lead")
    booked = office.do(crm.lead.book_resource(room, start=NINE, duration=HOUR), lead)
    assert office.do(crm.lead.bookings(), lead) == booked


def test_cancelling_gives_what_was_released(office: Office, deal: Deal, ann: User, bob: User) -> None:
    room, other = field(office), field(office, "car")
    booked = office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR, employees=[ann, bob]), deal)
    (kept,) = office.do(crm.deal.book_resource(other, start=NINE, duration=HOUR), deal)

    assert office.do(crm.deal.cancel_booking(room), deal) == booked

    assert office.do(crm.deal.bookings(), deal) == (kept,)
    assert office.deal(deal).custom == {"car": (kept,)}
    assert [event.facts["bookings"] for event in office.told("deal.booked")][-1] == []


def test_cancelling_where_nothing_is_booked_does_nothing(office: Office, deal: Deal) -> None:
    room = field(office)
    before = office.everything()
    assert office.do(crm.deal.cancel_booking(room), deal) == ()
    assert (office.everything(), office.events) == (before, [])


def test_bookings_go_with_their_item(office: Office, deal: Deal) -> None:
    office.do(crm.deal.book_resource(field(office), start=NINE, duration=HOUR), deal)
    office.do(crm.deal(deal).delete())
    assert office.reader.find(Booking) == []


def test_what_a_user_is_booked_for_is_found_by_the_user(office: Office, deal: Deal, ann: User, bob: User) -> None:
    booked = office.do(crm.deal.book_resource(field(office), start=NINE, duration=HOUR, employees=[ann, bob]), deal)
    assert office.reader.find(Booking, of=bob) == [booked[1]]


def test_employees_that_come_to_nobody_are_refused(office: Office, deal: Deal) -> None:
    room = field(office)
    nobodys = office.do(crm.deal.create(title="Nobody's"))
    for employees, item in ((None, nobodys), ([], nobodys), ([], deal)):
        action = crm.deal.book_resource(room, start=NINE, duration=HOUR, employees=employees)
        assert office.refused(NobodyFound, action, item).parameter == "employees"


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(minutes=-5)])
def test_a_duration_of_nothing_is_refused(duration: timedelta) -> None:
    with pytest.raises(WrongValue, match="longer than nothing"):
        _ = crm.deal.book_resource("room", start=NINE, duration=duration)


def test_a_duration_beyond_the_documents_list_is_allowed(office: Office, deal: Deal) -> None:
    (booked,) = office.do(crm.deal.book_resource(field(office), start=NINE, duration=timedelta(minutes=7)), deal)
    assert booked.end - booked.start == timedelta(minutes=7)


def test_a_start_without_a_zone_or_beyond_the_calendar_is_refused(office: Office, deal: Deal) -> None:
    room = field(office)
    with pytest.raises(WrongArgument, match="without a time zone"):
        _ = crm.deal.book_resource(room, start=datetime(2026, 1, 7, 9), duration=HOUR)  # noqa: DTZ001  that is the point
    office.refused(WrongFieldValue, crm.deal.book_resource(room, start=NINE, duration=timedelta.max), deal)


def test_only_a_booking_field_takes_bookings(office: Office, deal: Deal) -> None:
    office.ask(lambda port: port.add_field("deal", "city", "text"))
    for action in (crm.deal.book_resource("city", start=NINE, duration=HOUR), crm.deal.cancel_booking("city")):
        assert office.refused(WrongFieldValue, action, deal).field == "custom.city"
    for action in (crm.deal.book_resource("none", start=NINE, duration=HOUR), crm.deal.cancel_booking("none")):
        assert office.refused(UnknownField, action, deal).known == "city"


def test_nobody_else_fills_or_clears_a_booking_field(office: Office, deal: Deal) -> None:
    room = field(office)
    office.do(crm.deal.book_resource(room, start=NINE, duration=HOUR), deal)
    for value in (None, "x", ()):
        office.refused(WrongFieldValue, crm.deal(deal).update({"custom": {room: value}}))


def test_an_item_or_a_user_that_is_not_there_is_refused(office: Office, deal: Deal, ann: User) -> None:
    room = field(office)
    office.refused(UnknownUser, crm.deal.book_resource(room, start=NINE, duration=HOUR, employees=999), deal)
    office.refused(ItemNotFound, crm.deal(999).book_resource(room, start=NINE, duration=HOUR, employees=ann))
    office.refused(ItemNotFound, crm.deal(999).cancel_booking(room))


@pytest.mark.parametrize(
    "options",
    [
        {"allow_overbooking": "no"},
        {"zone": "Nowhere/Land"},
        {"services": {"Visit": -5}},
        {"services": [5]},
        {"colour": "red"},
        ["a", "b"],
    ],
)
def test_settings_that_are_none_are_refused(office: Office, options: Any) -> None:
    with pytest.raises(WrongFieldValue):
        office.ask(lambda port: port.add_field("deal", "room", "booking", options=options))


def test_the_settings_of_a_field_can_be_read(office: Office) -> None:
    services = {"Visit": timedelta(minutes=30), "Call": None}
    field(office, services=services, allow_overbooking=False, zone="Europe/Paris")
    (found,) = office.ask(lambda port: port.defined_fields("deal"))
    assert (found.type, found.options["services"]) == ("booking", {"Visit": 30, "Call": None})
    assert (found.options["allow_overbooking"], found.options["zone"]) == (False, "Europe/Paris")
