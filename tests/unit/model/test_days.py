"""Calendar days in the portal's zone (D19)."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from bizproc.model.days import day_of, days_later, midnight

PARIS = ZoneInfo("Europe/Paris")


def paris(*when: int, fold: int = 0) -> datetime:
    return datetime(*when, tzinfo=PARIS, fold=fold)  # type: ignore[misc, arg-type]


def test_a_moment_falls_on_the_day_of_the_zone() -> None:
    late = datetime(2026, 1, 5, 23, 30, tzinfo=UTC)
    assert day_of(late, UTC) == date(2026, 1, 5)
    assert day_of(late, PARIS) == date(2026, 1, 6)


def test_a_day_later_is_the_same_wall_clock_time_whatever_summer_does() -> None:
    before = paris(2026, 3, 28, 9)
    after = days_later(before, 1, PARIS)
    assert after == paris(2026, 3, 29, 9)
    assert after - before == timedelta(hours=23)
    assert days_later(paris(2026, 10, 24, 9), 1, PARIS) - paris(2026, 10, 24, 9) == timedelta(hours=25)
    assert days_later(after, -1, PARIS) == before


def test_a_time_that_is_jumped_over_moves_on_by_the_jump() -> None:
    assert days_later(paris(2026, 3, 28, 2, 30), 1, PARIS) == paris(2026, 3, 29, 3, 30)


def test_of_a_time_that_happens_twice_the_first_is_meant() -> None:
    assert days_later(paris(2026, 10, 24, 2, 30), 1, PARIS) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert days_later(paris(2026, 10, 25, 2, 30, fold=1), 1, PARIS) == paris(2026, 10, 26, 2, 30)


def test_a_day_begins_at_its_first_moment() -> None:
    assert midnight(date(2026, 1, 6), PARIS) == datetime(2026, 1, 5, 23, tzinfo=UTC)
    # In Beirut the clocks jump from 0:00 to 1:00: the day begins at the jump.
    beirut = ZoneInfo("Asia/Beirut")
    begins = midnight(date(2024, 3, 31), beirut)
    assert begins.astimezone(beirut) == datetime(2024, 3, 31, 1, tzinfo=beirut)
    assert day_of(begins - timedelta(seconds=1), beirut) == date(2024, 3, 30)
