"""Calendars of users: what stands in them, and which link to them is valid."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bizproc.adapters.sql_crm.belongings import those
from bizproc.adapters.sql_crm.names import names
from bizproc.adapters.sql_crm.reading import Runs, read
from bizproc.adapters.sql_crm.shapes import SHAPES
from bizproc.model.agenda import Agenda
from bizproc.model.references import ItemRef
from bizproc.model.users import User
from bizproc.ports.performing import Performing
from bizproc.store.types import moment_text

PAST: Final = timedelta(days=90)
"""What has been for longer is no longer in a calendar."""

MOST: Final = 2000
"""The most of each that a calendar holds: the latest."""

_LINK: Final = "SELECT link FROM calendar_feed WHERE user = ?"
_FIRST: Final = "INSERT INTO calendar_feed (user, link) VALUES (?, 1) ON CONFLICT (user) DO NOTHING"
_NEXT: Final = "INSERT INTO calendar_feed (user, link) VALUES (?, 1) ON CONFLICT (user) DO UPDATE SET link = link + 1"


def link(performing: Performing, user: int) -> int:
    """The number of the valid link to a user's calendar; the first, if there was none. Raises ItemNotFound."""
    read(performing.transaction, SHAPES["user"], user)
    performing.transaction.execute(_FIRST, (user,))
    (number,) = performing.transaction.execute(_LINK, (user,)).fetchone()
    return int(number)


def revoke(performing: Performing, user: int) -> None:
    """All links to a user's calendar are dead. Raises ItemNotFound."""
    read(performing.transaction, SHAPES["user"], user)
    performing.transaction.execute(_NEXT, (user,))


def agenda(connection: Runs, id: int, now: datetime) -> Agenda:
    """What a user has to be at, and to do. Raises ItemNotFound."""
    user: User = read(connection, SHAPES["user"], id)
    since = moment_text(now - PAST)
    row = connection.execute(_LINK, (id,)).fetchone()
    activities = those(
        connection,
        "activity",
        "responsible_id = ? AND (end >= ? OR (completed = 0 AND deadline IS NOT NULL))",
        id,
        since,
    )[-MOST:]
    bookings = those(connection, "booking", 'user_id = ? AND "end" >= ?', id, since)[-MOST:]
    reminders = those(
        connection, "notification", "user_id = ? AND activity_id IS NOT NULL AND read = 0 AND due_at >= ?", id, since
    )[-MOST:]
    refs = {ItemRef(each.owner_kind, each.owner_id) for each in (*activities, *bookings)}
    titles = names(connection, ((ref.kind, ref.id) for ref in refs))
    return Agenda(
        user=user,
        link=None if row is None else row[0],
        activities=tuple(activities),
        bookings=tuple(bookings),
        reminders=tuple(reminders),
        titles={ref: titles.get((ref.kind, ref.id), "") for ref in refs},
    )
