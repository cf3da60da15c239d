"""The wait for working days. Its deadline is worked out when it begins, and stands in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from bizproc.core.action import action_type, at_least, given, option
from bizproc.core.commands import Done, Event, Listening, Pending
from bizproc.ports.crm import Crm
from bizproc.rules.calendars import Calendar
from bizproc.triggers.keys import about

COMPANY_HOURS: Final = about("working_hours:company", "working_hours.changed")
"""The key of changes of the company's working hours."""


@action_type("wait.working_days")
class WorkingDays(Listening[None]):
    """
    Wait for working days: until the same time on the clock, so many of them later; always a moment of working hours.

    The deadline is worked out once, when the wait begins; what happens to the calendar later does not move it.

    Args:
        count: 0: until working hours, if it is not within them now.
        calendar: Whose days count; the company's working hours if left out.

    Raises:
        NeverOpen: there are not so many working days.
        WrongValue: days below 0.
    """

    count: int = option(validator=at_least(0))
    calendar: Calendar | None = option(default=None)

    @property
    def name(self) -> str:
        return "wait.working_days"

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return type(None)

    async def begin(self, port: Crm) -> Done[None] | Pending:
        deadline = await _working_days_later(port, port.performing.now, self.count, self.calendar)
        return Done(None) if deadline <= port.performing.now else Pending((), deadline)

    def accept(self, event: Event) -> Done[None] | None:
        return None

    def expired(self) -> None:
        return None


@action_type("wait.working_days")
class WorkingDaysSince(Listening[bool]):
    """
    As `WorkingDays`, counted from a moment; over as well when the company's working hours change.

    Its value is whether the days have passed.
    """

    since: datetime
    count: int = option(validator=at_least(0))

    @property
    def name(self) -> str:
        return "wait.working_days"

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return bool

    async def begin(self, port: Crm) -> Done[bool] | Pending:
        deadline = await _working_days_later(port, self.since, self.count, None)
        return Done(value=True) if deadline <= port.performing.now else Pending((COMPANY_HOURS,), deadline)

    def accept(self, event: Event) -> Done[bool] | None:
        return Done(value=False)

    def expired(self) -> bool:
        return True


async def _working_days_later(port: Crm, moment: datetime, count: int, calendar: Calendar | None) -> datetime:
    days = await port.company_calendar() if calendar is None else calendar
    return days.add_days(moment, count)
