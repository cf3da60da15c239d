"""Schedules: the moments of an expression, what is refused, and laws of daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc import on
from bizproc.core.codec import Codec
from bizproc.errors import WrongArgument
from bizproc.triggers.schedule import Schedule

PARIS = ZoneInfo("Europe/Paris")

moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.mark.parametrize("expression", ["", "x", "* * * *", "* * * * * *", "60 * * * *", "0 0 30 2 *", "@daily", "0 9"])
def test_what_is_no_expression_of_five_fields_is_refused(expression: str) -> None:
    with pytest.raises(WrongArgument, match="five fields"):
        on.cron(expression)


@pytest.mark.parametrize("zone", ["Nowhere", "", "../etc", "Europe/Paris\x00"])
def test_a_zone_that_is_not_there_is_refused(zone: str) -> None:
    if zone == "":
        assert on.cron("0 9 * * *", tz=None).schedule == Schedule("0 9 * * *")
        return
    with pytest.raises(WrongArgument, match="time zone"):
        on.cron("0 9 * * *", tz=zone)


def test_what_becomes_of_missed_runs_is_one_of_three_words() -> None:
    with pytest.raises(WrongArgument, match="missed"):
        on.cron("0 9 * * *", missed="some")  # type: ignore[arg-type]


def test_spaces_make_no_other_schedule() -> None:
    assert on.cron(" 0  9 * * * ") == on.cron("0 9 * * *")


@given(moments, st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_comes_once_on_each_day_of_its_zone(begin: datetime, hour: int, minute: int) -> None:
    schedule = Schedule(f"{minute} {hour} * * *", "Europe/Paris")
    first = schedule.after(begin)
    assert first is not None
    runs = [first]
    for _ in range(3):
        following = schedule.after(runs[-1].astimezone(UTC))
        assert following is not None
        runs.append(following)
    days = [run.astimezone(PARIS).date() for run in runs]
    assert days == [days[0] + timedelta(days=number) for number in range(4)]
    assert begin < first
    for run in runs:
        # On its time; or, where that does not exist, just after the gap.
        assert (run.hour, run.minute) == (hour, minute) or (run.hour, run.minute, hour) == (3, 0, 2)


@given(moments)
def test_every_half_hour_goes_on_in_real_time(begin: datetime) -> None:
    schedule = Schedule("*/30 * * * *", "Europe/Paris")
    first = schedule.after(begin)
    assert first is not None
    second = schedule.after(first)
    assert second is not None
    assert second.astimezone(UTC) - first.astimezone(UTC) == timedelta(minutes=30)


@given(moments)
def test_the_run_after_a_run_is_later(begin: datetime) -> None:
    schedule = Schedule("15,45 0-4 * * *", "Europe/Paris")
    moment: datetime | None = begin
    for _ in range(6):
        assert moment is not None
        following = schedule.after(moment)
        assert following is not None
        assert following > moment
        moment = following


def test_a_trigger_is_written_and_restored_with_all_it_says() -> None:
    trigger = on.cron("0 9 * * MON", tz="Europe/Paris", missed="all") | on.stage("deal", "NEW", while_in_stage=True)
    codec = Codec()
    assert codec.decode(codec.encode(trigger)) == trigger


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("60 * * * *", "the minute from 0 to 59, got '60 * * * *', whose minute is '60'"),
        ("0 25 * * *", "the hour from 0 to 23, got '0 25 * * *', whose hour is '25'"),
        ("0 9 32 * *", "whose day is '32'"),
        ("0 9 * 13 *", "whose month is '13'"),
        ("0 9 * * 1-9", "whose day of the week is '1-9'"),
        ("0 0 30 2 *", "whose day is '30' and whose month '2'"),
    ],
)
def test_the_field_that_is_out_of_range_is_named(expression: str, says: str) -> None:
    with pytest.raises(WrongArgument) as raised:
        on.cron(expression)
    assert says in str(raised.value)
