"""The recipe `service.meeting`: whoever starts it says when, and the meeting stands in the calendar."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bizproc import Process, crm, process, recipe
from bizproc.model import Deal, Users


@recipe("service.meeting", since="1.0")
def meeting(*, subject: str = "Meeting", location: str = "", attended_by: Users | None = None) -> Process[..., Any]:
    """
    Schedule a meeting with the client of a deal; it is completed when the deal moves on.

    Whoever starts it is asked when it begins and ends, and when to remind of it. An end before it begins is refused.

    Args:
        subject: What meetings are called; the deal's title follows.
        location: Where they take place.
        attended_by: Who goes there; the first, if several. The deal's person in charge if left out.
    """

    @process("service.meeting", overlap="parallel")
    async def meet(deal: Deal, *, begin: datetime, end: datetime, remind: timedelta, important: bool = False) -> int:
        """
        Schedule a meeting.

        Args:
            begin: When it begins.
            end: When it ends.
            remind: How long before it to remind of it.
            important: Is it important?
        """
        planned = await crm.deal.schedule_meeting(
            f"{subject}: {deal.title}",
            start=begin,
            end=end,
            remind_before=remind,
            important=important,
            location=location,
            responsible=attended_by,
            complete_on_stage_change=True,
        )
        return planned.id

    return meet
