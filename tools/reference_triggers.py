"""Makes docs/reference/triggers.md, from the docstrings of `on` and from the triggers themselves."""

import inspect
from typing import Any

from bizproc import F, on
from bizproc.core.commands import Event
from bizproc.triggers.trigger import Trigger
from bizproc.triggers.waits import Happened
from tools.pages import MADE, spoken, table

HEAD = """\
# Triggers

What starts a process, or ends a wait. `from bizproc import on`.

- `@process("sales.won", starts=on.stage("deal", "WON", where=F.amount >= 100))`: the process starts by itself, with the
  item as it is after the event as its document. Each of its parameters needs a default.
- `await wait.for_event(on.changed(deal, "amount"), timeout=timedelta(days=7))`: the wait ends with the next event that
  fits. What happened before it began does not count.
- `on.created("deal") | on.stage("deal", "NEW")`: either of them.
- An item is a kind (`"deal"`, `"lead"`, the code of a smart type), or one item.
- `where=` takes a [filter](filters.md). It is asked of the item in the very commit of the change, and not later, when
  the item may be another.
- `by_processes=` says whether what processes do counts. Left out, the table says it; in a wait everything counts.
- What would have started and did not, because an instance lives on that item already, because it would have led to
  itself again and again, or because it went wrong, is a refusal with its reason: `runtime.refusals()`.
"""

TOLD = """\
## What a wait is told

`happened = await wait.for_event(...)`: `happened.timed_out` says whether the time ran out; else `happened.event` is the
event, with its `name`, its `subject` (the item, as `deal:5`) and its `facts`.
"""

# Something to call each of them with.
GIVEN: dict[str, tuple[Any, ...]] = {
    "became": ("deal", F.amount > 0),
    "cron": ("0 2 * * *",),
    "email_opened": (),
    "incoming": (),
    "link_clicked": (),
    "payment_paid": (),
    "signal": ("night_run",),
}


def triggers() -> str:
    assert {*inspect.signature(Event).parameters} >= {"name", "subject", "facts"}
    assert {*inspect.signature(Happened).parameters} == {"event", "timed_out"}
    parts = [MADE, HEAD, table(("trigger", "of events", "what processes do starts it"), [*map(_row, on.__all__)]), TOLD]
    parts += ["## All of them\n", *(spoken(f"on.{name}", getattr(on, name)) for name in on.__all__)]
    return "\n".join(parts)


def _row(name: str) -> tuple[str, str, str]:
    made: Trigger = getattr(on, name)(*GIVEN.get(name, ("deal",)))
    events = ", ".join(f"`{event}`" for event in made.events) or "none: the clock"
    counts = "" if made.schedule is not None else "only with `by_processes=True`" if made.muted else "yes"
    return f"[`on.{name}`](#on{name})", events, counts
