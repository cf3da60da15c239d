"""
Triggers as they are typed: `on.created("deal")`, `on.changed("deal", "amount")`. Names, no logic.

Each takes the kind of item, or one item. They combine with `|`. They start processes (`@process(..., starts=...)`) and
end waits (`wait.for_event`).

`where=` narrows a trigger with a condition on the item, as it is after the event. `by_processes=` says whether changes
made by processes count; left out, they count in a wait, and at starts for all but created, changed and deleted.
"""

from __future__ import annotations

from typing import Any, Final

from bizproc.core.checks import check_text, check_value, described
from bizproc.core.errors import WrongArgument
from bizproc.model.fields import fields_of, unknown
from bizproc.model.kinds import BELONGINGS, NOUNS, class_of
from bizproc.model.smart_items import is_type_code
from bizproc.rules.filters import Filter
from bizproc.triggers import schedule
from bizproc.triggers.condition import Condition
from bizproc.triggers.keys import sent
from bizproc.triggers.schedule import Missed
from bizproc.triggers.trigger import Trigger

__all__ = [
    "became",
    "changed",
    "created",
    "cron",
    "deleted",
    "email_opened",
    "incoming",
    "link_clicked",
    "payment_paid",
    "responsible_changed",
    "signal",
    "stage",
]


def created(item: Any, *, where: Condition | None = None, by_processes: bool | None = None) -> Trigger:
    """
    An item of this kind is created.

    Args:
        item: The kind, as `"deal"`, `"lead"` or the code of a smart type.
        where: Only where this holds of the new item.
        by_processes: Whether those that processes create count; left out, they end waits and start nothing.
    """
    return _trigger(item, "created", where=where, by_processes=by_processes, muted=True)


def changed(item: Any, *fields: str, where: Condition | None = None, by_processes: bool | None = None) -> Trigger:
    """
    A field of the item changes: one of these, or any.

    Args:
        item: The kind of item, or one item.
        fields: As the item has them; custom ones as `custom.code`.
        where: Only where this holds, after the change.
        by_processes: Whether changes made by processes count; left out, they end waits and start nothing.

    Raises:
        UnknownField: Such items have no such field, or it merely follows from others.
    """
    return _trigger(item, "updated", fields=fields, where=where, by_processes=by_processes, muted=True)


def deleted(item: Any, *, where: Condition | None = None, by_processes: bool | None = None) -> Trigger:
    """The item is deleted. What is started by it gets the item as it was at last."""
    return _trigger(item, "deleted", where=where, by_processes=by_processes, muted=True)


def stage(
    item: Any,
    *stages: str,
    while_in_stage: bool = False,
    where: Condition | None = None,
    by_processes: bool | None = None,
) -> Trigger:
    """
    The item enters one of these stages, or any; being created in one counts.

    Args:
        item: The kind of item, or one item.
        stages: Their codes.
        while_in_stage: What is started is terminated when the item leaves these stages, or, where none are named, the
            one it had entered; whoever moves it.
        where: Only where this holds.
        by_processes: Whether moves made by processes count; they do, if nothing is said.
    """
    _check_staged(item if isinstance(item, str) else getattr(item, "item_type", None), item)
    narrowed = {"while_in_stage": while_in_stage, "where": where, "by_processes": by_processes}
    return _trigger(item, "stage_changed", "created", stages=stages, **narrowed)


def responsible_changed(item: Any, *, where: Condition | None = None, by_processes: bool | None = None) -> Trigger:
    """Another person becomes responsible for the item."""
    return _trigger(item, "responsible_changed", where=where, by_processes=by_processes)


def became(item: Any, where: Condition, *, by_processes: bool | None = None) -> Trigger:
    """
    Something becomes true of the item: it was not before a change, and is now. A new item was nothing before.

    Args:
        item: The kind of item, or one item.
        where: What becomes true.
        by_processes: Whether changes made by processes count; they do, if nothing is said.
    """
    return _trigger(item, "created", "updated", became=where, by_processes=by_processes)


def cron(expression: str, tz: str | None = None, *, missed: Missed = "one") -> Trigger:
    """
    At the times of a cron expression. For starts; inside a process there are timers.

    Each run is one instance, whose id is the process's name, `@` and the moment in UTC. A time that does not exist,
    where clocks are put forward, comes once, just after the gap; one that comes twice, where they are put back, counts
    once.

    Args:
        expression: Minute, hour, day of the month, month, day of the week: `"0 9 * * MON-FRI"`.
        tz: The time zone it is meant in, like `"Europe/Paris"`; the portal's if left out.
        missed: What becomes of runs that were due while nobody was there to start them: the last of them is made up for
            (`"one"`), all of them, each by an instance of its own, or none.

    Raises:
        WrongArgument: It is no such expression, or there is no such zone.
    """
    check_value(expression, str, process="on.cron", parameter="expression")
    check_value(tz, str | None, process="on.cron", parameter="tz")
    return Trigger((), schedule=schedule.schedule(expression, tz, missed))


def signal(name: str) -> Trigger:
    """
    A signal is sent to the runtime: `await runtime.signal("night_run", {"limit": 5})`.

    What is started by it is told its value: a mapping fills in the start form, an item is the document. In a wait the
    value is in `happened.event.facts["value"]`. Unlike a signal to an instance it is not kept: who does not listen at
    that moment does not hear it.
    """
    check_text(name, process="on.signal", parameter="name")
    return Trigger((sent(name),))


def payment_paid(item: Any = None, *, where: Condition | None = None, by_processes: bool | None = None) -> Trigger:
    """
    An order of an item, or of this one, is paid.

    The event is about that deal or invoice; its facts name `order` and `payment`.
    """
    return _any_kind("payment_paid", "payment.paid", item, where, by_processes=by_processes)


def email_opened(item: Any = None, *, where: Condition | None = None, by_processes: bool | None = None) -> Trigger:
    """A mail that was sent from an item, or from this one, is opened for the first time."""
    return _any_kind("email_opened", "message.opened", item, where, by_processes=by_processes)


def link_clicked(item: Any = None, *, where: Condition | None = None, by_processes: bool | None = None) -> Trigger:
    """A link in a mail that was sent from an item, or from this one, is followed: `event.facts["link"]` says which."""
    return _any_kind("link_clicked", "message.link_clicked", item, where, by_processes=by_processes)


def incoming(
    kind: str | None = None,
    item: Any = None,
    *,
    where: Condition | None = None,
    by_processes: bool | None = None,
) -> Trigger:
    """Something comes in from the client of an item, or of this one: an `email`, an `sms`, a `call`…, or anything."""
    check_value(kind, str | None, process="on.incoming", parameter="kind")
    name = "communication.incoming" if kind is None else f"communication.incoming_{kind}"
    return _any_kind("incoming", name, item, where, by_processes=by_processes)


def _any_kind(what: str, name: str, item: Any, where: Any, *, by_processes: bool | None) -> Trigger:
    """Events that are about items of whatever kind."""
    on_it, kind = None, None
    if item is not None:
        kind, id = (getattr(item, name, None) for name in ("item_type", "id"))
        if not isinstance(kind, str) or not isinstance(id, int):
            raise WrongArgument(process=f"on.{what}", parameter="item", expected="an item", got=described(item))
        on_it = f"{kind}:{id}"
    condition = _checked(where, kind, f"on.{what}")
    return Trigger((name,), by_processes=by_processes, where=condition, any_kind=True, about=on_it)


def _trigger(item: Any, *happenings: str, where: Any = None, became: Any = None, **narrowed: Any) -> Trigger:
    what = f"on.{_TYPED.get(happenings[0], happenings[0])}" if became is None else "on.became"
    for name in ("fields", "stages"):
        check_value(narrowed.get(name, ()), tuple[str, ...], process=what, parameter=name)
    kind, id = (item, None) if isinstance(item, str) else (getattr(item, name, None) for name in ("item_type", "id"))
    if (
        not isinstance(kind, str)
        or not (kind in BELONGINGS or kind in NOUNS or is_type_code(kind))
        or not (id is None or isinstance(id, int))
    ):
        raise WrongArgument(
            process=what, parameter="item", expected="a kind of item, as 'deal', or an item", got=described(item)
        )
    _check_fields(kind, narrowed.get("fields", ()))
    conditions = {name: _checked(given, kind, what) for name, given in (("where", where), ("became", became))}
    return Trigger(tuple(f"{kind}.{happening}" for happening in happenings), id, **conditions, **narrowed)


def _check_staged(kind: object, item: Any) -> None:
    """A kind without stages would be waited for in vain. Others that are none are refused with all triggers."""
    if kind in BELONGINGS or (kind in NOUNS and "stage" not in fields_of(NOUNS[str(kind)])):
        expected = "a kind of item that has stages, as 'deal', or such an item"
        raise WrongArgument(process="on.stage", parameter="item", expected=expected, got=described(item))


_TYPED: Final = {"stage_changed": "stage", "updated": "changed"}
"""Where an event is called otherwise than the trigger that is typed."""


def _check_fields(kind: str, fields: tuple[str, ...]) -> None:
    """A field that no change tells of would be waited for in vain: what merely follows, other names of a field."""
    if not fields or kind in BELONGINGS:
        return
    own = fields_of(class_of(kind))
    told = [name for name, field in own.items() if name != "custom" and (not field.derived or name == "manual_amount")]
    for name in fields:
        if name not in told and not ("custom" in own and name.startswith("custom.")):
            raise unknown(kind, name, told)


def _checked(condition: Any, kind: str | None, what: str) -> Any:
    """A filter is checked as soon as it meets its kind of item (D12), where that is known; else when it is asked."""
    if condition is None:
        return None
    if isinstance(condition, Filter) and kind is not None:
        return condition.check(kind, fields_of(class_of(kind)))
    if not callable(getattr(condition, "holds", None)):
        raise WrongArgument(process=what, parameter="where", expected="a filter", got=described(condition))
    return condition
