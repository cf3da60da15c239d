"""Waits that look at the CRM: for something to happen to an item, and for working days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from datetime import datetime, timedelta
from typing import Any, Final

from bizproc.core.action import ItemWait, Target, action_type, at_least, given, option
from bizproc.core.commands import Done, Event, Listening, Pending
from bizproc.model.pipelines import Semantics, StageReached
from bizproc.ports.crm import Crm
from bizproc.rules.calendars import Calendar
from bizproc.triggers.keys import about


@action_type("wait.until_stage")
class UntilStage(ItemWait[StageReached]):
    """
    Wait until the deal reaches one of these stages, or a final one.

    If it is there already, the wait is over at once. After that each change of stage counts, whoever made it, and a
    move to another pipeline too. A final stage ends the wait though it is not among those waited for (`matched` is
    False then). All that wait for one stage go on together. Heading 28; D6.

    Args:
        stages: Codes: `NEW` in the general pipeline, `C1:NEW` in pipeline 1. None: any final stage.
        timeout: How long at most; counted from the beginning of the wait.

    Raises:
        ItemNotFound: no such deal when the wait begins. One that is deleted later ends the wait (`deleted`).
        UnknownStage: a code that is no stage's in any pipeline.
    """

    target: Target
    stages: tuple[str, ...] = option(default=())
    _: KW_ONLY
    timeout: timedelta | None = option(default=None)

    async def begin(self, port: Crm) -> Done[StageReached] | Pending:
        ref = await port.resolve(self.target.kind, self.target.id)
        now = await port.stage_of(ref)
        await port.stages(ref.kind, self.stages)
        over = self._over(now.code, now.semantics)
        if over is not None:
            return over
        deadline = None if self.timeout is None else port.performing.now + self.timeout
        return Pending((about(str(ref), f"{ref.kind}.stage_changed"), about(str(ref), f"{ref.kind}.deleted")), deadline)

    def accept(self, event: Event) -> Done[StageReached] | None:
        stage, semantics = event.facts["stage"], event.facts["semantics"]
        if event.name.endswith(".deleted"):
            return Done(StageReached(stage=stage, semantics=semantics, matched=stage in self.stages, deleted=True))
        return self._over(stage, semantics)

    def expired(self) -> StageReached:
        return StageReached(timed_out=True)

    def _over(self, stage: str, semantics: Semantics) -> Done[StageReached] | None:
        matched = stage in self.stages
        if not matched and semantics == "process":
            return None
        return Done(StageReached(stage=stage, semantics=semantics, matched=matched))


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
