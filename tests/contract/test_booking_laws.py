"""
The laws of bookings, whatever is booked and released: where overbooking is forbidden nobody is booked twice at a time,
an item's field shows what is booked in it, and what is refused was in the way.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bizproc import crm
from bizproc.core.errors import ResourceBusy
from bizproc.model import Booking

MIDNIGHT = datetime(2026, 1, 7, tzinfo=UTC)

deals = st.integers(1, 2)
fields = st.sampled_from(["room", "car"])
hours = st.integers(0, 5)
lengths = st.integers(1, 3)
users = st.lists(st.integers(1, 2), min_size=1, max_size=2, unique=True)
booking = st.tuples(st.just("book"), deals, fields, hours, lengths, users)
releasing = st.tuples(st.just("release"), deals, fields)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(booking, booking, releasing), max_size=10))
def test_nobody_is_booked_twice_and_the_field_shows_what_is_booked(make_office: Any, steps: Any) -> None:
    office = make_office()
    for name in ("Ann", "Bob"):
        office.do(crm.user.create(name=name))
        office.do(crm.deal.create(title=name))
    for code in ("room", "car"):
        office.ask(
            lambda port, code=code: port.add_field("deal", code, "booking", options={"allow_overbooking": False})
        )
    for step, deal, field, *rest in steps:
        before = office.reader.find(Booking)
        if step == "release":
            released = office.do(crm.deal(deal).cancel_booking(field))
            assert released == tuple(of_field(before, deal, field))
        else:
            hour, length, employees = rest
            start, duration = MIDNIGHT + timedelta(hours=hour), timedelta(hours=length)
            action = crm.deal(deal).book_resource(field, start=start, duration=duration, employees=employees)
            others = [each for each in before if each not in of_field(before, deal, field)]
            in_the_way = {
                each for each in others if each.user_id in employees and overlap(each, start, start + duration)
            }
            if in_the_way:
                assert set(office.refused(ResourceBusy, action).bookings) == in_the_way
            else:
                assert [each.user_id for each in office.do(action)] == employees
        after = office.reader.find(Booking)
        assert not any(
            one.user_id == other.user_id and overlap(one, other.start, other.end)
            for one, other in combinations(after, 2)
        )
        shown = office.do(crm.deal(deal).read()).custom.get(field, ())
        assert sorted(shown, key=lambda each: each.id) == of_field(after, deal, field)


def of_field(bookings: list[Booking], deal: int, field: str) -> list[Booking]:
    return [each for each in bookings if (each.owner_id, each.field) == (deal, field)]


def overlap(booking: Booking, start: datetime, end: datetime) -> bool:
    return booking.start < end and start < booking.end
