"""What a user has to be at, and to do."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from bizproc.model.planned import Booking, Notification
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity
from bizproc.model.users import User


@frozen(kw_only=True)
class Agenda:
    """
    A user's calendar.

    Attributes:
        link: Which of the links to it is valid; None if there is none.
        activities: What the user is responsible for: all of lately and of the future, and what is still open.
        bookings: Of the user.
        reminders: What the user will be told about these activities.
        titles: Of the items that all of it is about.
    """

    user: User
    link: int | None
    activities: tuple[Activity, ...]
    bookings: tuple[Booking, ...]
    reminders: tuple[Notification, ...]
    titles: Mapping[ItemRef, str] = field(factory=dict, hash=False)
