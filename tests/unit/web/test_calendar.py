"""The calendar of a user: what stands in it, that it keeps RFC 5545, and who may see it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import vobject
from attrs import evolve
from hypothesis import example, given
from hypothesis import strategies as st
from icalendar import Calendar

from bizproc import crm, process
from bizproc.adapters.calendar import calendar_of
from bizproc.adapters.sql_crm.belongings import add
from bizproc.model import Activity, Booking, Deal, Notification, User
from bizproc.model.agenda import Agenda
from bizproc.model.references import ItemRef
from bizproc.testing import World, crash_at_every_await
from tests.unit.web.visiting import Visitor, everything

NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)
DEAL = ItemRef("deal", 1)
EMPTY = Agenda(user=User(1, name="Ada"), link=1, activities=(), bookings=(), reminders=(), titles={DEAL: "Tea"})
CALL = Activity(
    id=5,
    owner_id=1,
    kind="call",
    subject="Call them",
    description="About tea\nand pots",
    start=NOON,
    end=NOON + timedelta(minutes=30),
    created_at=NOON - timedelta(days=1),
)
PARIS = ZoneInfo("Europe/Paris")


def made(**parts: Any) -> str:
    """A calendar of these parts, held to the standard."""
    content = calendar_of(evolve(EMPTY, **parts), PARIS, "crm.test")
    check(content)
    return content.decode()


REQUIRED = {
    "VCALENDAR": {"PRODID", "VERSION"},
    "VEVENT": {"UID", "DTSTAMP", "DTSTART"},
    "VTODO": {"UID", "DTSTAMP"},
    "VALARM": {"ACTION", "TRIGGER", "DESCRIPTION"},
}
LINE = re.compile(r'([A-Z0-9-]+)(;[A-Z0-9-]+=("[^"\x00-\x1f]*"|[^";:,\x00-\x1f]*))*:[^\x00-\x08\x0a-\x1f\x7f]*')


def check(content: bytes) -> None:
    """RFC 5545, without the library that wrote it: lines, folding, nesting, what each part must have, once."""
    assert content.endswith(b"\r\n")
    lines = content[:-2].split(b"\r\n")
    assert all(len(line) <= 75 and b"\n" not in line and b"\r" not in line for line in lines)
    unfolded = content[:-2].replace(b"\r\n ", b"").decode().split("\r\n")
    open_parts: list[tuple[str, list[str]]] = []
    for line in unfolded:
        match = LINE.fullmatch(line)
        assert match, line
        name, value = match[1], line.partition(":")[2]
        # A moment in place of a duration says so.
        assert name != "TRIGGER" or re.fullmatch(r"TRIGGER;VALUE=DATE-TIME:\d{8}T\d{6}Z", line), line
        assert name != "REFRESH-INTERVAL" or re.fullmatch(r"REFRESH-INTERVAL;VALUE=DURATION:PT\d+M", line), line
        if name == "BEGIN":
            open_parts.append((value, []))
        elif name == "END":
            kind, names = open_parts.pop()
            assert kind == value
            assert set(names) >= REQUIRED[kind]
            assert all(names.count(each) == 1 for each in names)
        else:
            open_parts[-1][1].append(name)
    assert not open_parts


def parsed(text: str) -> list[Any]:
    return [each for each in Calendar.from_ical(text).walk() if each.name in ("VEVENT", "VTODO")]


# -- what stands in it -------------------------------------------------------------------------------------------------


def test_a_call_is_an_event_with_all_that_is_known_of_it() -> None:
    (event,) = parsed(made(activities=(evolve(CALL, location="Lyon", important=True),)))
    assert (str(event["uid"]), str(event["summary"])) == ("activity-5@crm.test", "Call them")
    assert (event["dtstart"].dt, event["dtend"].dt) == (NOON, NOON + timedelta(minutes=30))
    assert str(event["description"]) == "Tea\nAbout tea\nand pots"
    assert (str(event["location"]), int(event["priority"]), str(event["status"])) == ("Lyon", 1, "CONFIRMED")


def test_an_event_without_a_length_has_no_end() -> None:
    (event,) = parsed(made(activities=(evolve(CALL, end=NOON),)))
    assert "dtend" not in event


def test_a_deadline_is_a_to_do_until_it_is_done() -> None:
    todo = evolve(CALL, kind="todo", deadline=NOON)
    (entry,) = parsed(made(activities=(todo,)))
    assert (entry.name, entry["due"].dt) == ("VTODO", NOON)
    assert not parsed(made(activities=(evolve(todo, completed=True), evolve(todo, deadline=None))))


def test_a_reminder_is_an_alarm_at_its_moment() -> None:
    reminder = Notification(id=1, user_id=1, text="In an hour", due_at=NOON - timedelta(hours=1), activity_id=5)
    (event,) = parsed(made(activities=(CALL,), reminders=(reminder, evolve(reminder, activity_id=6))))
    (alarm,) = event.walk("VALARM")
    assert (alarm["trigger"].dt, str(alarm["description"])) == (NOON - timedelta(hours=1), "In an hour")


def test_a_booking_of_hours_and_one_of_days() -> None:
    hours = Booking(id=7, owner_id=1, user_id=1, start=NOON, end=NOON + timedelta(hours=1), service="Tasting")
    midnight = datetime(2030, 1, 8, tzinfo=PARIS).astimezone(UTC)
    days = evolve(hours, id=8, start=midnight, end=midnight + timedelta(days=2), all_day=True)
    first, second = parsed(made(bookings=(hours, days)))
    assert (str(first["summary"]), str(first["description"])) == ("Booking: Tea", "Tasting")
    assert (second["dtstart"].dt, second["dtend"].dt) == (date(2030, 1, 8), date(2030, 1, 10))


def test_it_is_called_after_the_user() -> None:
    assert "X-WR-CALNAME:Ada" in made()


@pytest.mark.parametrize(
    "evil",
    [
        "a\r\nEND:VCALENDAR\r\nBEGIN:VCALENDAR",
        "a\nBEGIN:VEVENT",
        "a\rATTENDEE:mailto:x@y.test",
        "a\u2028b\x85c\x0bd\x00e\x1bf",
        'a;b,c\\d\\n"e":f',
        "é" * 200,
        "\U0001f375" * 100,
    ],
)
def test_texts_cannot_become_lines_of_the_calendar(evil: str) -> None:
    call = evolve(CALL, subject=evil, description=evil, location=evil)
    (event,) = parsed(made(activities=(call,), titles={DEAL: evil}))
    assert "\n" not in str(event["summary"])
    assert "attendee" not in event


@given(subject=st.text(), description=st.text(), title=st.text(), name=st.text())
def test_whatever_is_written_it_keeps_the_standard(subject: str, description: str, title: str, name: str) -> None:
    call = evolve(CALL, subject=subject, description=description, location=description)
    (event,) = parsed(made(activities=(call,), titles={DEAL: title}, user=User(1, name=name)))
    assert str(event["uid"]) == "activity-5@crm.test"


# -- read by others ----------------------------------------------------------------------------------------------------


def read_by_vobject(text: str) -> list[Any]:
    """
    Its entries as vobject reads them, which shares no code with what writes them.

    vobject is kept by a group of people and seldom changes: 0.9.9 is of December 2024. Of ics, which had a release in
    2026, 0.7.3 reads a backslash before an n as the end of a line, against RFC 5545, and could not judge texts.
    """
    calendar = vobject.readOne(text)
    assert calendar.name == "VCALENDAR"
    return list(calendar.components())


def test_another_library_reads_all_kinds_of_entries_as_they_are_meant() -> None:
    reminder = Notification(id=1, user_id=1, text="In an hour", due_at=NOON - timedelta(hours=1), activity_id=5)
    hours = Booking(id=7, owner_id=1, user_id=1, start=NOON, end=NOON + timedelta(hours=1), service="Tasting")
    midnight = datetime(2030, 1, 8, tzinfo=PARIS).astimezone(UTC)
    days = evolve(hours, id=8, start=midnight, end=midnight + timedelta(days=2), all_day=True)
    todo = evolve(CALL, id=6, kind="todo", deadline=NOON)
    text = made(activities=(CALL, todo), reminders=(reminder,), bookings=(hours, days))
    entries = {entry.uid.value: entry for entry in read_by_vobject(text)}
    assert sorted(entries) == [f"{each}@crm.test" for each in ("activity-5", "activity-6", "booking-7", "booking-8")]
    call, to_do, booking, whole = (entries[each] for each in sorted(entries))
    assert (call.name, call.dtstart.value, call.dtend.value) == ("VEVENT", NOON, NOON + timedelta(minutes=30))
    assert (call.summary.value, call.description.value) == ("Call them", "Tea\nAbout tea\nand pots")
    assert (call.valarm.trigger.value, call.valarm.description.value) == (reminder.due_at, "In an hour")
    assert (to_do.name, to_do.due.value, to_do.status.value) == ("VTODO", NOON, "NEEDS-ACTION")
    assert (booking.dtstart.value, booking.dtend.value) == (NOON, NOON + timedelta(hours=1))
    assert (whole.dtstart.value, whole.dtend.value) == (date(2030, 1, 8), date(2030, 1, 10))


@given(subject=st.text(), description=st.text())
@example(subject='a;b,c\\d\\n"e":f', description="a\r\nEND:VEVENT\r\nBEGIN:VEVENT\\n\\\\n,;:")
@example(subject="é" * 200, description="\U0001f375" * 100)
def test_two_libraries_read_whatever_is_written_alike(subject: str, description: str) -> None:
    text = made(activities=(evolve(CALL, subject=subject, description=description),))
    (ours,), (theirs,) = parsed(text), read_by_vobject(text)
    assert theirs.uid.value == str(ours["uid"])
    assert theirs.summary.value == str(ours["summary"])
    assert theirs.description.value == str(ours["description"])


# -- who may see it ----------------------------------------------------------------------------------------------------


@pytest.fixture
def visitor(world: World) -> Visitor:
    return Visitor(world)


async def with_activities(world: World) -> tuple[User, Deal]:
    ada, bo = await world.user(), await world.user(name="Bo", last_name="Ek")
    deal = await world.deal(title="Tea for Lyon", responsible_id=ada.id)
    await world.perform(crm.deal(deal).add_activity("Mine", deadline=NOON))
    await world.perform(crm.deal(deal).add_activity("Bo's", deadline=NOON, responsible=bo))
    await world.perform(crm.deal(deal).add_activity("Without a deadline"))
    await world.runtime.engine.write(_a_call(ada.id))
    return ada, deal


def _a_call(user: int) -> Any:
    def write(tx: Any) -> None:
        tx.execute("UPDATE activity SET kind = 'call', subject = 'My call' WHERE subject = 'Without a deadline'")
        add(tx, "notification", DEAL, user_id=user, text="Soon", due_at=NOON, activity_id=3)
        add(tx, "booking", DEAL, user_id=user, start=NOON, end=NOON + timedelta(hours=1), service="Tasting")

    return write


async def test_a_user_sees_their_own_and_nothing_else(world: World, visitor: Visitor) -> None:
    ada, _deal = await with_activities(world)
    link = await world.perform(crm.user(ada).calendar_link())
    answer = await visitor.get(link)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    check(answer.content)
    assert [str(entry["summary"]) for entry in parsed(answer.text)] == ["Mine", "My call", "Booking: Tea for Lyon"]
    assert "TRIGGER;VALUE=DATE-TIME:20300107T120000Z" in answer.text


async def test_what_was_long_ago_is_in_it_no_longer(world: World, visitor: Visitor) -> None:
    ada, _deal = await with_activities(world)
    link = await world.perform(crm.user(ada).calendar_link())
    await world.advance(days=91)
    entries = parsed((await visitor.get(link)).text)
    assert [str(entry["summary"]) for entry in entries] == ["Mine"]  # it is still to be done


async def test_a_link_stays_the_same_until_it_is_revoked(world: World, visitor: Visitor) -> None:
    ada = await world.user()
    link = await world.perform(crm.user(ada).calendar_link())
    assert await world.perform(crm.user(ada).calendar_link()) == link
    await world.perform(crm.user(ada).revoke_calendar_link())
    assert await visitor.is_not_here(link)
    again = await world.perform(crm.user(ada).calendar_link())
    assert again != link
    assert (await visitor.get(again)).status_code == 200
    assert await visitor.is_not_here(link)


async def test_there_is_no_calendar_before_somebody_asked_for_its_link(world: World, visitor: Visitor) -> None:
    ada = await world.user()
    signer = await world.runtime.signer()
    assert await visitor.is_not_here(f"/calendar/{signer.token('calendar', ada.id, 1)}.ics")


async def test_who_has_left_has_no_calendar(world: World, visitor: Visitor) -> None:
    ada = await world.user()
    link = await world.perform(crm.user(ada).calendar_link())
    await world.perform(crm.user(ada).update({"active": False}))
    assert await visitor.is_not_here(link)


@pytest.mark.parametrize("wrong", ["", ".txt", ".ics/", ".ICS"])
async def test_it_has_one_address(world: World, visitor: Visitor, wrong: str) -> None:
    link = await world.perform(crm.user(await world.user()).calendar_link())
    assert await visitor.is_not_here(link.removesuffix(".ics") + wrong)


async def test_looking_changes_nothing(world: World, visitor: Visitor) -> None:
    ada, _deal = await with_activities(world)
    link = await world.perform(crm.user(ada).calendar_link())
    before = await everything(world)
    assert (await visitor.get(link)).content == (await visitor.get(link)).content
    assert await everything(world) == before


@process("calendar.share")
async def share(*, user: int) -> bool:
    first = await crm.user(user).calendar_link()
    await crm.user(user).revoke_calendar_link()
    return first != await crm.user(user).calendar_link()


async def test_links_are_the_same_whenever_the_program_dies() -> None:
    async def story(world: World) -> object:
        ada = await world.user()
        run = await world.start(share(user=ada.id))
        return await run.result(), await world.perform(crm.user(ada).calendar_link())

    assert await crash_at_every_await(story) > 5
