"""Waits for something to happen to an item, or for days to pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY
from datetime import date, datetime, timedelta
from typing import Any, Final, cast, get_args

from bizproc.actions.stages import ChangeStage, ChangeStatus
from bizproc.core.action import DocumentWait, ItemWait, Target, action_type, option
from bizproc.core.commands import Action, Done, Event, Pending, later
from bizproc.core.errors import DateMissing, DateTooEarly, DocumentNeeded, WrongFieldValue, WrongValue
from bizproc.model.custom_fields import CustomField
from bizproc.model.days import day_of, days_later, midnight
from bizproc.model.fields import unknown
from bizproc.model.pipelines import Semantics, StageReached
from bizproc.model.planned import WaitOutcome, WaitReason
from bizproc.model.references import ref_of
from bizproc.ports.crm import Crm
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
        return await _look(port, self.target, self.stages, self.timeout)

    def accept(self, event: Event) -> Done[StageReached] | None:
        return _reached(event, self.stages)

    def expired(self) -> StageReached:
        return StageReached(timed_out=True)

    def imagined(self) -> Sequence[Action[Any]]:
        return [ChangeStage(self.target, stage) for stage in self.stages]


@action_type("wait.until_status")
class UntilStatus(ItemWait[StageReached]):
    """
    Wait until the lead reaches one of these statuses, or a final one.

    As `wait.until_stage` of deals. Heading 29; D6.

    Args:
        statuses: Codes: `NEW`, `IN_PROCESS`… None: any final status.
        timeout: How long at most; counted from the beginning of the wait.

    Raises:
        ItemNotFound: no such lead when the wait begins. One that is deleted later ends the wait (`deleted`).
        UnknownStage: a code that is no status.
    """

    target: Target
    statuses: tuple[str, ...] = option(default=())
    _: KW_ONLY
    timeout: timedelta | None = option(default=None)

    async def begin(self, port: Crm) -> Done[StageReached] | Pending:
        return await _look(port, self.target, self.statuses, self.timeout)

    def accept(self, event: Event) -> Done[StageReached] | None:
        return _reached(event, self.statuses)

    def expired(self) -> StageReached:
        return StageReached(timed_out=True)

    def imagined(self) -> Sequence[Action[Any]]:
        return [ChangeStatus(self.target, status) for status in self.statuses]


async def _look(
    port: Crm, target: Target, stages: tuple[str, ...], timeout: timedelta | None
) -> Done[StageReached] | Pending:
    ref = await port.resolve(target.kind, target.id)
    now = await port.stage_of(ref)
    await port.stages(ref.kind, stages)
    over = _over(now.code, now.semantics, stages)
    if over is not None:
        return over
    deadline = None if timeout is None else later(port.performing.now, timeout)
    return Pending((about(str(ref), f"{ref.kind}.stage_changed"), about(str(ref), f"{ref.kind}.deleted")), deadline)


def _reached(event: Event, stages: tuple[str, ...]) -> Done[StageReached] | None:
    stage, semantics = event.facts["stage"], event.facts["semantics"]
    if event.name.endswith(".deleted"):
        return Done(StageReached(stage=stage, semantics=semantics, matched=stage in stages, deleted=True))
    return _over(stage, semantics, stages)


def _over(stage: str, semantics: Semantics, stages: tuple[str, ...]) -> Done[StageReached] | None:
    matched = stage in stages
    if not matched and semantics == "process":
        return None
    return Done(StageReached(stage=stage, semantics=semantics, matched=matched))


# -- waiting for days --------------------------------------------------------------------------------------------------

WAIT_COMPLETED: Final = "wait.completed"
INCOMING: Final = "communication.incoming"


@action_type("wait.days")
class Days(DocumentWait[WaitOutcome]):
    """
    Wait so many days, or until the client gets in touch or there is something to be done about the item.

    Calendar days, at the same time of day in the portal's zone. While it lasts a wait card is seen beside the process's
    document. It ends early with an incoming message or call, with a new open activity that this instance did not make,
    when a person skips it, or when the same instance begins another (`WaitOutcome.reason`). Heading 9; D2, D3, D19.

    Args:
        count: How many days; less than 1 is 1.
        comment: For those who see the card.

    Raises:
        DocumentNeeded: the process runs on no item.
        ItemNotFound: that item is gone.
        WrongValue: more days than the calendar has.
        WrongFieldValue: a comment that cannot be stored.
    """

    count: int
    _: KW_ONLY
    comment: str = option(default="")

    async def begin(self, port: Crm) -> Done[WaitOutcome] | Pending:
        item, count = await _document(port, self.name), max(1, self.count)
        try:
            end = days_later(port.performing.now, count, port.portal.zone)
        except OverflowError:
            raise _too_many(self.name, count) from None
        return await _show(port, item, f"Wait {_span(count)}, {_OR_ELSE}", self.comment, end)

    def accept(self, event: Event) -> Done[WaitOutcome] | None:
        return _ended_by(event)

    def expired(self) -> WaitOutcome:
        return WaitOutcome("time")

    def skipped(self) -> WaitOutcome:
        return WaitOutcome("skipped")

    async def over(self, port: Crm, answer: WaitOutcome | None) -> None:
        await port.close_wait(_GONE if answer is None else answer.reason)


@action_type("wait.days_before")
class DaysBefore(DocumentWait[WaitOutcome]):
    """
    Wait until so many days before a date of the process's document, or until the client gets in touch.

    It ends at midnight of the portal's zone, as that day begins. The date counts as it is when the wait begins. All
    else is as with `wait.days`. Heading 9; D2, D3, D19.

    Args:
        field: `begin_date`, `close_date`, or the code of a custom field that holds a date or a moment.
        count: How many days before it; less than 1 is 1.
        comment: For those who see the card.

    Raises:
        DateTooEarly: that day is today, or has passed.
        DateMissing: the field is empty.
        UnknownField, WrongFieldValue: no such field, or it holds no date; a comment that cannot be stored.
        DocumentNeeded: the process runs on no item.
        ItemNotFound: that item is gone.
        WrongValue: more days than the calendar has.
    """

    field: str
    count: int
    _: KW_ONLY
    comment: str = option(default="")

    async def begin(self, port: Crm) -> Done[WaitOutcome] | Pending:
        item, count, zone = await _document(port, self.name), max(1, self.count), port.portal.zone
        date_ = await _date_of(port, item, self.field)
        try:
            day = (day_of(date_, zone) if isinstance(date_, datetime) else date_) - timedelta(days=count)
        except OverflowError:
            raise _too_many(self.name, count) from None
        if day <= day_of(port.performing.now, zone):
            raise DateTooEarly(kind=item.item_type, id=item.id, field=self.field, count=count, end=day.isoformat())
        text = f"Wait until {_span(count)} before {self.field}, {_OR_ELSE}"
        return await _show(port, item, text, self.comment, midnight(day, zone))

    def accept(self, event: Event) -> Done[WaitOutcome] | None:
        return _ended_by(event)

    def expired(self) -> WaitOutcome:
        return WaitOutcome("time")

    def skipped(self) -> WaitOutcome:
        return WaitOutcome("skipped")

    async def over(self, port: Crm, answer: WaitOutcome | None) -> None:
        await port.close_wait(_GONE if answer is None else answer.reason)


_GONE: Final = "cancelled"
_OR_ELSE: Final = "or until the client gets in touch"
_DATES: Final = ("begin_date", "close_date")
_OUTCOMES: Final = get_args(WaitReason)


async def _document(port: Crm, action: str) -> Any:
    """The item that the process runs on."""
    document = port.performing.document
    if document is None:
        raise DocumentNeeded(action=action)
    return await port.read(document)


async def _show(port: Crm, item: Any, text: str, comment: str, end: datetime) -> Done[WaitOutcome] | Pending:
    """Show that the instance waits, and listen to the card, which is completed by what ends it in the CRM."""
    ref = ref_of(item)
    description = f"{text}\n{comment}" if comment.strip() else text
    card = await port.open_wait(ref, description, end, author=item.responsible_id)
    if card.completed:
        return Done(WaitOutcome(cast("WaitReason", card.reason)))
    return Pending((about(f"wait:{card.id}", WAIT_COMPLETED), about(str(ref), INCOMING)), card.end)


def _ended_by(event: Event) -> Done[WaitOutcome] | None:
    reason = event.facts["reason"] if event.name == WAIT_COMPLETED else "client_activity"
    return Done(WaitOutcome(cast("WaitReason", reason))) if reason in _OUTCOMES else None


async def _date_of(port: Crm, item: Any, name: str) -> date:
    """The date or the moment in a field of an item."""
    kind = item.item_type
    if name in _DATES and hasattr(item, name):
        value = getattr(item, name)
    elif hasattr(item, name):
        raise _no_date(kind, name, "another field")
    else:
        field = await _custom_field(port, kind, name.removeprefix("custom."))
        if field.type not in ("day", "moment"):
            raise _no_date(kind, name, f"one of {field.type}")
        value = item.custom.get(field.code)
        value = next(iter(value), None) if isinstance(value, tuple) else value
    if value is None:
        raise DateMissing(kind=kind, id=item.id, field=name)
    found: date = value
    return found


async def _custom_field(port: Crm, kind: str, code: str) -> CustomField:
    defined = {each.code: each for each in await port.defined_fields(kind)}
    if code not in defined:
        raise unknown(kind, f"custom.{code}", defined or ("no custom fields",))
    return defined[code]


def _no_date(kind: str, name: str, got: str) -> WrongFieldValue:
    expected = f"{', '.join(_DATES)} or a custom field of dates"
    return WrongFieldValue(kind=kind, field=name, expected=expected, got=got)


def _span(days: int) -> str:
    count, unit = (days // 7, "week") if days % 7 == 0 else (days, "day")
    return f"{count} {unit}{'' if count == 1 else 's'}"


def _too_many(action: str, count: int) -> WrongValue:
    return WrongValue(action=action, parameter="count", expected="no more days than the calendar has", got=str(count))
