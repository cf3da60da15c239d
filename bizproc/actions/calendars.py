"""The link to a user's calendar: whoever has it can subscribe to it."""

from __future__ import annotations

from typing import Any, Final

from bizproc.core.action import ItemAction, Target, action_type
from bizproc.ports.crm import Crm

CALENDAR: Final = "calendar"
"""The purpose of a token that names a user and which of the links to their calendar it is."""


@action_type("crm.calendar_link")
class CalendarLink(ItemAction[str]):
    """
    The address under which calendar programs subscribe to the user's calls, meetings, bookings and deadlines.

    The same each time, until it is revoked. Whoever has it can read the calendar.

    Raises:
        ItemNotFound: no such user.
    """

    target: Target

    async def perform(self, port: Crm) -> str:
        user = self.target.id or 0
        token = (await port.signer()).token(CALENDAR, user, await port.calendar_link(user))
        return port.portal.page("calendar", f"{token}.ics")


@action_type("crm.revoke_calendar_link")
class RevokeCalendarLink(ItemAction[None]):
    """
    All links to the user's calendar are dead from now on. The next `calendar_link` is another.

    Raises:
        ItemNotFound: no such user.
    """

    target: Target

    async def perform(self, port: Crm) -> Any:
        await port.revoke_calendar(self.target.id or 0)
