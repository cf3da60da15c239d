"""
The laws of working calendars: one test a law, named after it. Laws 10 and 11, on waits, need an engine.

What is held against the code is written down a second time where it can be: minute by minute, by the clock on the wall.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from attrs import frozen
from hypothesis import assume, example, given
from hypothesis import strategies as st

from bizproc.core.codec import Codec
from bizproc.core.errors import NeverOpen, WrongValue
from bizproc.rules.calendars import Calendar
from bizproc.rules.shifts import Shift, instant
from bizproc.testing.strategies.calendars import ZONES, calendars
from bizproc.testing.strategies.moments import moments

NOTHING = timedelta(0)
PARIS = ZoneInfo("Europe/Paris")
OFFICE = Calendar(zone="Europe/Paris", hours="mon-fri 09:00-12:00 13:00-18:00")


@frozen
class Case:
    """A calendar, a moment on it, and two working times of a few weeks at most."""

    calendar: Calendar
    at: datetime
    a: timedelta
    b: timedelta


@st.composite
def cases(draw: st.DrawFn) -> Case:
    at = draw(moments())
    calendar = draw(calendars(near=at))
    most = calendar.between(at, at + timedelta(weeks=3)) // timedelta(minutes=1)
    working = st.integers(0, most + 1).map(lambda minutes: timedelta(minutes=minutes))
    return Case(calendar, at, draw(working), draw(working))


def open_on_the_wall(calendar: Calendar, at: datetime) -> bool:
    """The same question, asked of the clock on the wall."""
    local = at.astimezone(ZoneInfo(calendar.zone))
    today, clock = local.date(), local.time()
    shut = today in calendar.holidays and today not in calendar.exceptions
    before = today - timedelta(days=1)
    began_yesterday = any(shift.overnight and clock < shift.end for shift in shifts_on(calendar, before))
    began_today = any(s.start <= clock and (s.overnight or clock < s.end) for s in shifts_on(calendar, today))
    return not shut and (began_yesterday or began_today)


def shifts_on(calendar: Calendar, day: date) -> tuple[Shift, ...]:
    if day in calendar.exceptions:
        return calendar.exceptions[day]
    return () if day in calendar.holidays else calendar.hours[day.weekday()]


def happens_once(calendar: Calendar, at: datetime) -> bool:
    """Whether the clock on the wall shows the time of this moment only once on that day."""
    zone = ZoneInfo(calendar.zone)
    naive = at.astimezone(zone).replace(tzinfo=None, fold=0)
    return naive.replace(tzinfo=zone, fold=0).utcoffset() == naive.replace(tzinfo=zone, fold=1).utcoffset()


# -- the laws ----------------------------------------------------------------------------------------------------------


@given(case=cases())
def test_law_1_adding_nothing_goes_to_the_next_opening(case: Case) -> None:
    """Law 1. add(t, 0) = t if open else next_open(t)."""
    calendar, at = case.calendar, case.at
    moved = calendar.add(at, NOTHING)
    assert moved == (at if calendar.is_open(at) else calendar.next_open(at))
    assert moved >= at
    # And nothing before it is open: looked at at the moments at which it could be.
    for minutes in range(min(int((moved - at).total_seconds() // 60), 2000)):
        assert not calendar.is_open(at + timedelta(minutes=minutes))


@given(case=cases(), later=st.integers(0, 5 * 24 * 60))
def test_law_2_adding_is_monotone(case: Case, later: int) -> None:
    """Law 2. add is monotone in t and in d."""
    calendar, at = case.calendar, case.at
    moved = calendar.add(at, case.a)
    assert calendar.add(at, case.a + case.b) >= moved
    assert calendar.add(at + timedelta(minutes=later), case.a) >= moved


@given(case=cases())
def test_law_3_adding_twice_is_adding_the_sum(case: Case) -> None:
    """Law 3. add(add(t, a), b) = add(t, a + b)."""
    calendar = case.calendar
    assert calendar.add(calendar.add(case.at, case.a), case.b) == calendar.add(case.at, case.a + case.b)


@given(case=cases())
def test_law_4_what_was_added_is_what_lies_between(case: Case) -> None:
    """Law 4. between(t, add(t, d)) = d."""
    calendar, moved = case.calendar, case.calendar.add(case.at, case.a)
    assert calendar.between(case.at, moved) == case.a
    assert calendar.between(moved, case.at) == -case.a


@given(case=cases())
def test_law_5_the_result_is_always_inside_open_time(case: Case) -> None:
    """Law 5. The result is always inside open time: what ends exactly at closing is over at the next opening."""
    assert case.calendar.is_open(case.calendar.add(case.at, case.a))
    assert case.calendar.is_open(case.calendar.add_days(case.at, case.a.days))


def test_law_5_eight_hours_from_nine_end_at_nine_of_the_next_day() -> None:
    """Law 5. The edge itself."""
    monday = datetime(2026, 11, 23, 9, tzinfo=PARIS)
    assert OFFICE.add(monday, timedelta(hours=8)) == datetime(2026, 11, 24, 9, tzinfo=PARIS)
    assert not OFFICE.is_open(datetime(2026, 11, 23, 18, tzinfo=PARIS))


@given(at=moments(), calendar=calendars(never_open=True), hours=st.integers(0, 10**6))
def test_law_6_a_calendar_that_never_opens_is_an_error(at: datetime, calendar: Calendar, hours: int) -> None:
    """Law 6. A never-open calendar is an error, not an endless loop; and so is what lies too far away."""
    shut = Calendar(zone=calendar.zone, hours=[[]] * 7, exceptions=calendar.exceptions)
    if not any(day >= at.date() - timedelta(days=3) for day, shifts in shut.exceptions.items() if shifts):
        with pytest.raises(NeverOpen):
            shut.add(at, timedelta(hours=hours))
        with pytest.raises(NeverOpen):
            shut.next_open(at)
        with pytest.raises(NeverOpen):
            shut.add_days(at, hours)
        assert shut.between(at, at + timedelta(days=hours % 1000)) == NOTHING
    with suppress(NeverOpen):
        assert calendar.is_open(calendar.add(at, timedelta(hours=hours)))


def test_law_6_holidays_that_cover_everything_do_not_hang() -> None:
    """Law 6. A calendar is also never open where holidays leave nothing of it, and open behind the last of them."""
    mondays = frozenset(date(2026, 11, 23) + timedelta(weeks=week) for week in range(500))
    calendar = Calendar(hours="mon 09:00-10:00", holidays=mondays)
    assert calendar.next_open(datetime(2026, 11, 20, tzinfo=UTC)) == datetime(2036, 6, 23, 9, tzinfo=UTC)
    last_year = [date(9999, 1, 1) + timedelta(days=day) for day in range(365)]
    with pytest.raises(NeverOpen, match="9999"):
        calendar.with_holidays(last_year).next_open(datetime(9998, 12, 31, 23, tzinfo=UTC))
    with pytest.raises(NeverOpen):
        calendar.add(datetime(2026, 11, 20, tzinfo=UTC), timedelta.max)


@given(at=moments(), data=st.data())
def test_law_7_holidays_are_a_union(at: datetime, data: st.DataObject) -> None:
    """Law 7. More lists of holidays are one list; their order does not matter; each closes its whole day."""
    calendar = data.draw(calendars(near=at))
    nearby = st.lists(st.integers(-2, 2).map(lambda days: at.date() + timedelta(days=days)), max_size=3)
    first, second = data.draw(nearby), data.draw(nearby)
    both = calendar.with_holidays(first + second)
    assert both == calendar.with_holidays(second).with_holidays(first)
    assert both.is_open(at) == (
        calendar.with_holidays(first).is_open(at) and calendar.with_holidays(second).is_open(at)
    )
    today = at.astimezone(ZoneInfo(calendar.zone)).date()
    if today in both.holidays and today not in both.exceptions:
        assert not both.is_open(at)


def test_law_7_an_exception_wins_over_a_holiday() -> None:
    """Law 7. What is said of one day: its own shifts, and the night shift of the day before goes on into it."""
    day = date(2026, 12, 25)
    nights = Calendar(hours="mon-sun 22:00-06:00", holidays=[day], exceptions={day: "10:00-12:00"})
    clock = {1: True, 6: False, 10: True, 12: False, 23: False}
    assert {hour: nights.is_open(datetime(2026, 12, 25, hour, tzinfo=UTC)) for hour in clock} == clock
    shut = Calendar(hours="mon-sun 22:00-06:00", holidays=[day])
    assert not any(shut.is_open(datetime(2026, 12, 25, hour, tzinfo=UTC)) for hour in range(24))


@given(at=moments(), data=st.data())
def test_law_8_the_clock_on_the_wall_decides(at: datetime, data: st.DataObject) -> None:
    """Law 8. The gap and the fold of daylight saving are covered: open is what the clock on the wall says."""
    calendar = data.draw(calendars(near=at))
    assume(happens_once(calendar, at))
    assert calendar.is_open(at) == open_on_the_wall(calendar, at)


@given(zone=st.sampled_from(ZONES), at=moments(), minutes=st.integers(0, 4 * 24 * 60))
def test_law_8_always_open_is_the_time_that_passes(zone: str, at: datetime, minutes: int) -> None:
    """Law 8. Open day and night, working time is the time that passes, on days of 23 and 25 hours, too."""
    always = Calendar(zone=zone, hours="mon-sun 00:00-24:00")
    passed = timedelta(minutes=minutes)
    assert always.between(at, at + passed) == passed
    assert always.add(at, passed) == at + passed


@pytest.mark.parametrize(
    ("day", "length"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 10, 26), 24)]
)
def test_law_8_a_day_has_23_24_or_25_hours(day: date, length: int) -> None:
    """Law 8. As it is in Paris."""
    always = Calendar(zone="Europe/Paris", hours="mon-sun 00:00-00:00")
    midnight = instant(datetime.combine(day, time()), PARIS)
    assert always.between(midnight, instant(datetime.combine(day + timedelta(days=1), time()), PARIS)) == timedelta(
        hours=length
    )
    night = Calendar(zone="Europe/Paris", hours="mon-sun 22:00-06:00")
    assert night.between(midnight - timedelta(hours=5), midnight + timedelta(hours=12)) == timedelta(hours=length - 16)


@example(zone="Europe/Paris", at=datetime(2026, 3, 29, 2, 30, tzinfo=UTC), minutes=35)
@example(zone="Pacific/Apia", at=datetime(2011, 12, 30, 9, tzinfo=UTC), minutes=60 * 15)
@given(zone=st.sampled_from(ZONES), at=moments(), minutes=st.integers(0, 3000))
def test_law_8_later_on_the_clock_is_never_earlier_in_time(zone: str, at: datetime, minutes: int) -> None:
    """Law 8. Shifts that touch on the clock touch in time, and none is turned round by a change of clocks."""
    tz, local = ZoneInfo(zone), at.replace(tzinfo=None)
    assert instant(local, tz) <= instant(local + timedelta(minutes=minutes), tz)


TURNS = [
    ("Europe/Paris", "2026-03-29 02:30", "2026-03-29 01:00"),
    ("Europe/Paris", "2026-10-25 02:30", "2026-10-25 00:30"),
    ("Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-03 15:30"),
    ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-04 14:45"),
    ("America/Santiago", "2026-09-06 00:00", "2026-09-06 04:00"),
    ("America/Havana", "2026-11-01 00:00", "2026-11-01 04:00"),
    ("Pacific/Apia", "2011-12-30 12:00", "2011-12-30 10:00"),
]
"""Times on clocks that are turned just then, and the moments that are meant."""


@pytest.mark.parametrize(("zone", "local", "meant"), TURNS)
def test_law_8_what_the_clocks_jump_over_and_what_they_show_twice(zone: str, local: str, meant: str) -> None:
    """Law 8. In a gap it is the moment of the jump, of what happens twice the first: and that is when it opens."""
    clock = datetime.fromisoformat(local)
    moment = datetime.fromisoformat(meant).replace(tzinfo=UTC)
    assert instant(clock, ZoneInfo(zone)) == moment
    opens = Shift(clock.time(), (clock + timedelta(hours=5)).time())
    calendar = Calendar(zone=zone, hours=[[]] * 7, exceptions={clock.date(): [opens]})
    if zone != "Pacific/Apia":  # there all of that day did not happen
        assert calendar.is_open(moment)
        assert not calendar.is_open(moment - timedelta(minutes=1))


@given(turn=st.sampled_from(TURNS), minutes=st.integers(-180, 180))
def test_law_8_a_time_on_the_clock_is_the_first_moment_that_shows_it(turn: tuple[str, str, str], minutes: int) -> None:
    """Law 8. Wherever a clock shows a time, no earlier moment of that day shows it as well."""
    zone, _, near = turn
    tz = ZoneInfo(zone)
    at = datetime.fromisoformat(near).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    shown = at.astimezone(tz).replace(tzinfo=None, fold=0)
    moment = instant(shown, tz)
    assert moment.astimezone(tz).replace(tzinfo=None, fold=0) == shown
    for back in range(30, 181, 30):
        assert (moment - timedelta(minutes=back)).astimezone(tz).replace(tzinfo=None, fold=0) != shown


@given(case=cases(), parts=st.integers(1, 12))
def test_law_9_much_is_little_repeated(case: Case, parts: int) -> None:
    """Law 9. A large d equals repeated small d."""
    moved = case.at
    for _ in range(parts):
        moved = case.calendar.add(moved, case.a / parts)
    assert moved == case.calendar.add(case.at, parts * (case.a / parts))


# -- working days ------------------------------------------------------------------------------------------------------

day_calendars = st.builds(
    lambda zone, days, holidays: Calendar(
        zone=zone, hours=[[Shift(time(9), time(17))] if day in days else [] for day in range(7)], holidays=holidays
    ),
    st.sampled_from(ZONES),
    st.sets(st.integers(0, 6), min_size=1),
    st.sets(st.integers(0, 40).map(lambda day: date(2026, 3, 20) + timedelta(days=day)), max_size=5),
)
spring = moments(datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 4, 20, tzinfo=UTC))


@given(calendar=day_calendars, at=spring, days=st.integers(0, 30), more=st.integers(0, 10))
def test_working_days_add_up_and_are_monotone(calendar: Calendar, at: datetime, days: int, more: int) -> None:
    moved = calendar.add_days(at, days)
    assert calendar.add_days(moved, more) == calendar.add_days(at, days + more)
    assert calendar.add_days(at + timedelta(hours=more), days) >= moved


@given(calendar=day_calendars, at=spring, days=st.integers(1, 30))
def test_working_days_keep_the_time_on_the_clock_and_count_only_days_with_work(
    calendar: Calendar, at: datetime, days: int
) -> None:
    zone = ZoneInfo(calendar.zone)
    start, end = calendar.next_open(at).astimezone(zone), calendar.add_days(at, days).astimezone(zone)
    assert end.time() == start.time()
    passed = (end.date() - start.date()).days
    assert sum(calendar.works_on(start.date() + timedelta(days=day + 1)) for day in range(passed)) == days


def test_three_working_days_from_a_friday_end_on_wednesday() -> None:
    friday = datetime(2026, 11, 20, 15, 30, tzinfo=PARIS)
    assert OFFICE.add_days(friday, 3) == datetime(2026, 11, 25, 15, 30, tzinfo=PARIS)
    saturday = datetime(2026, 11, 21, 15, 30, tzinfo=PARIS)
    assert OFFICE.add_days(saturday, 1) == datetime(2026, 11, 24, 9, tzinfo=PARIS)


def test_the_small_hours_of_a_night_shift_belong_to_the_day_before() -> None:
    nights = Calendar(hours="mon-fri 22:00-06:00")
    saturday_early = datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert nights.add_days(saturday_early, 1) == datetime(2026, 11, 24, 2, tzinfo=UTC)


def test_on_a_shorter_day_the_next_opening_is_meant() -> None:
    calendar = Calendar(hours="mon-fri 09:00-17:00", exceptions={date(2026, 12, 24): "09:00-12:00"})
    assert calendar.add_days(datetime(2026, 12, 23, 15, tzinfo=UTC), 1) == datetime(2026, 12, 25, 9, tzinfo=UTC)


# -- writing it down ---------------------------------------------------------------------------------------------------


def test_hours_are_written_as_people_write_them() -> None:
    shift = Shift(time(9), time(12, 30))
    week = Calendar(hours="mon-wed 09:00-12:30, sun closed, sat-mon 09:00-12:30").hours
    assert week == ((shift,), (shift,), (shift,), (), (), (shift,), (shift,))
    assert Calendar(hours={"fri": "22:00-24:00"}).hours[4] == (Shift(time(22), time(0)),)


@pytest.mark.parametrize(
    "hours", ["mon", "mon-fry 09:00-17:00", "mon 9-17", "mon 09:00", [[]], "mon 09:00-17:00Z", "mon 25:00-26:00"]
)
def test_hours_that_nobody_can_read_are_refused(hours: object) -> None:
    with pytest.raises(WrongValue, match=r"hours|Shift"):
        Calendar(hours=hours)  # type: ignore[arg-type]  # as texts of a file may be


@pytest.mark.parametrize("zone", ["Europe/Pari", "", "../etc/passwd", "/etc/passwd", "a" * 5000, "a\0b"])
def test_a_zone_that_is_not_there_is_refused(zone: str) -> None:
    with pytest.raises(WrongValue, match="zone"):
        Calendar(zone=zone)


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2026, 1, 1),  # noqa: DTZ001 - on purpose
        datetime.max.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=PARIS),
    ],
)
def test_a_moment_without_a_zone_or_at_the_end_of_time_is_refused(moment: datetime) -> None:
    with pytest.raises(WrongValue, match="moment"):
        OFFICE.is_open(moment)


def test_time_goes_forth_only() -> None:
    now = datetime(2026, 11, 20, tzinfo=UTC)
    with pytest.raises(WrongValue, match="0 or more"):
        OFFICE.add(now, timedelta(seconds=-1))
    with pytest.raises(WrongValue, match="0 or more"):
        OFFICE.add_days(now, -1)


@given(calendar=calendars(never_open=True))
def test_a_calendar_is_written_and_comes_back_the_same(calendar: Calendar) -> None:
    codec = Codec()
    assert codec.decode(codec.encode(calendar, Calendar), Calendar) == calendar


@pytest.mark.parametrize("days", [50 * 366 + 1, 10**9, 2**70])
def test_more_days_than_are_looked_at_are_refused_without_looking(days: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Calendar, "works_on", lambda *_: pytest.fail("a day was looked at"))
    with pytest.raises(NeverOpen, match="not within the next fifty years"):
        Calendar(hours="mon-sun 00:00-24:00").add_days(datetime(2026, 1, 5, 9, tzinfo=UTC), days)
