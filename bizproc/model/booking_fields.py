"""The settings of custom fields that hold bookings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import field, frozen

from bizproc.model.items import NOTHING

OF_THE_USER: Final = "user"
"""The zone of a booking field: that of whoever is booked."""


@frozen(kw_only=True)
class BookingSettings:
    """
    The settings of a field that holds bookings.

    Attributes:
        allow_overbooking: Whether somebody can be booked who is booked at that time already.
        full_day: Whole days are booked; the time of day does not count.
        services: What can be booked, with how long it takes; for people, nobody is held to it.
        zone: Whose days are meant: a zone's name, `user` for that of whoever is booked; the portal's if None.
    """

    allow_overbooking: bool = True
    full_day: bool = False
    services: Mapping[str, int | None] = field(default=NOTHING, hash=False)
    zone: str | None = None


def booking_settings(options: Any) -> BookingSettings:
    """
    The settings that were given to a booking field.

    `services` are a list of names, or a mapping from names to durations (a `timedelta`, or minutes).

    Raises:
        ValueError: says what they may be.
    """
    given = dict(options) if isinstance(options, Mapping) else {}
    if not isinstance(options, Mapping) and tuple(options):
        raise ValueError("a mapping of allow_overbooking, full_day, services, zone")
    services = given.pop("services", ())
    zone = given.pop("zone", None)
    truths = {name: given.pop(name) for name in ("allow_overbooking", "full_day") if name in given}
    if given or not all(type(value) is bool for value in truths.values()):
        raise ValueError("a mapping of allow_overbooking and full_day (True or False), services, zone")
    return BookingSettings(services=_services(services), zone=_zone(zone), **truths)


def _services(given: Any) -> dict[str, int | None]:
    several = given if isinstance(given, Mapping) else dict.fromkeys(given)
    found: dict[str, int | None] = {}
    for name, duration in several.items():
        minutes = duration // timedelta(minutes=1) if isinstance(duration, timedelta) else duration
        if type(name) is not str or not (minutes is None or (type(minutes) is int and minutes > 0)):
            raise ValueError("services as a list of names, or a mapping from names to durations")
        found[name] = minutes
    return found


def _zone(name: Any) -> str | None:
    if name is None:
        return None
    try:
        if name != OF_THE_USER:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError, TypeError):
        raise ValueError("as zone a time zone's name, like Europe/Paris, or user") from None
    return str(name)


def zone_of(name: str | None, otherwise: tzinfo) -> tzinfo:
    """A zone by its name."""
    return otherwise if name is None else ZoneInfo(name)
