"""What a process waits for: names, no logic."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Any, TypeVar, overload

from bizproc.actions.documented import documented_by
from bizproc.actions.waits import Days, DaysBefore, UntilStage, UntilStatus
from bizproc.actions.working_days import WorkingDays, WorkingDaysSince
from bizproc.core.action import Target
from bizproc.core.checks import check_text, check_value
from bizproc.core.commands import Now, Sleep, SleepUntil, WaitSignal
from bizproc.core.errors import WrongArgument
from bizproc.model.deals import Deal
from bizproc.model.leads import Lead
from bizproc.rules.calendars import Calendar
from bizproc.triggers.trigger import Trigger
from bizproc.triggers.waits import ForEvent

T = TypeVar("T")

__all__ = [
    "days",
    "days_before",
    "for_event",
    "for_signal",
    "sleep",
    "until",
    "until_stage",
    "until_status",
    "working_days",
]


@documented_by(UntilStage)
def until_stage(*stages: str, deal: Deal | int | None = None, timeout: timedelta | None = None) -> UntilStage:
    id_ = deal.id if isinstance(deal, Deal) else deal
    return UntilStage(Target("deal", id_), stages, timeout=timeout)


@documented_by(UntilStatus)
def until_status(*statuses: str, lead: Lead | int | None = None, timeout: timedelta | None = None) -> UntilStatus:
    id_ = lead.id if isinstance(lead, Lead) else lead
    return UntilStatus(Target("lead", id_), statuses, timeout=timeout)


@documented_by(Days)
def days(count: int, *, comment: str = "") -> Days:
    return Days(count, comment=comment)


@documented_by(DaysBefore)
def days_before(field: str, count: int, *, comment: str = "") -> DaysBefore:
    return DaysBefore(field, count, comment=comment)


def sleep(duration: timedelta) -> Sleep:
    """
    Wait so long. The deadline is fixed once, when the wait begins, and outlives every stop of the program.

    Args:
        duration: Nothing, or less than nothing, is over at once.
    """
    return Sleep(check_value(duration, timedelta, process="wait.sleep", parameter="duration"))


def until(moment: datetime) -> SleepUntil:
    """
    Wait for a moment. One that has passed is over at once.

    Args:
        moment: With a time zone.
    """
    return SleepUntil(check_value(moment, datetime, process="wait.until", parameter="moment"))


def working_days(count: int, calendar: Calendar | None = None, *, recompute: bool = False) -> Awaitable[None]:
    """
    Wait for working days: until the same time on the clock, so many of them later; always a moment of working hours.

    Args:
        count: 0: until working hours, if it is not within them now.
        calendar: Whose days count; the company's working hours if left out.
        recompute: The deadline follows when the company's working hours change. Else it is worked out once, when the
            wait begins, and what happens to the calendar later does not move it.
    """
    check_value(count, int, process="wait.working_days", parameter="count")
    check_value(recompute, bool, process="wait.working_days", parameter="recompute")
    wait = WorkingDays(count, calendar)
    return _recomputed(count) if recompute and calendar is None else wait


async def _recomputed(count: int) -> None:
    since = await Now()
    while not await WorkingDaysSince(since, count):
        pass  # the working hours have changed: from the same moment, by the new ones


@overload
def for_signal(name: str, type: None = None, *, timeout: timedelta | None = None) -> WaitSignal[Any]: ...


@overload
def for_signal(name: str, type: type[T], *, timeout: timedelta | None = None) -> WaitSignal[T]: ...


def for_signal(name: str, type: Any = None, *, timeout: timedelta | None = None) -> WaitSignal[Any]:
    """
    Wait for a signal: the oldest of this name that was not read, or the next.

    Args:
        name: What it is called by those who send it.
        type: What its value is restored as; as it was sent, if left out.
        timeout: How long at most; `timed_out` says whether it ran out.
    """
    check_text(name, process="wait.for_signal", parameter="name")
    check_value(timeout, timedelta | None, process="wait.for_signal", parameter="timeout")
    return WaitSignal(name, type, timeout)


def for_event(trigger: Trigger, *, timeout: timedelta | None = None) -> ForEvent:
    """
    Wait for the next event that fits a trigger. What happened before the wait began does not count.

    Args:
        trigger: Any of `on.*`; it may be about one item, `on.changed(deal, "amount")`.
        timeout: How long at most; `timed_out` says whether it ran out.
    """
    check_value(trigger, Trigger, process="wait.for_event", parameter="trigger")
    if any(each.schedule is not None for each in trigger.alternatives()):
        expected = "a trigger of events; a moment is waited for with wait.until"
        raise WrongArgument(process="wait.for_event", parameter="trigger", expected=expected, got="on.cron(...)")
    check_value(timeout, timedelta | None, process="wait.for_event", parameter="timeout")
    return ForEvent(trigger, timeout)
