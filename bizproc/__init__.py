"""
Automate a CRM in code: processes are async functions, and survive any stop.

What stands in `__all__` is promised, with `bizproc.model`, `bizproc.errors`, `bizproc.testing` and `bizproc.ports`.
Importing it loads neither a database driver nor an event loop: `Runtime` and its `Instance` are resolved when they are
first touched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bizproc import crm, on, wait
from bizproc.core.outcome import Outcome
from bizproc.core.process import Call, Process, process
from bizproc.core.steps import Retry, action, step_key
from bizproc.model.organisation import Department, Group
from bizproc.model.users import User, supervisor
from bizproc.recipe import recipe, use
from bizproc.rules.calendars import Calendar
from bizproc.rules.filters import F, Filter
from bizproc.rules.queues import UserQueue
from bizproc.verbs import (
    attempt,
    continue_as_new,
    for_each,
    gather,
    new_id,
    note,
    now,
    patched,
    printed,
    race,
    random,
    saga,
    shield,
    start,
    this,
)

if TYPE_CHECKING:
    from bizproc.runtime import Instance, Runtime

__version__ = "0.1.0"

__all__ = [
    "Calendar",
    "Call",
    "Department",
    "F",
    "Filter",
    "Group",
    "Instance",
    "Outcome",
    "Process",
    "Retry",
    "Runtime",
    "User",
    "UserQueue",
    "action",
    "attempt",
    "continue_as_new",
    "crm",
    "for_each",
    "gather",
    "new_id",
    "note",
    "now",
    "on",
    "patched",
    "printed",
    "process",
    "race",
    "random",
    "recipe",
    "saga",
    "shield",
    "start",
    "step_key",
    "supervisor",
    "this",
    "use",
    "wait",
]


def __getattr__(name: str) -> Any:
    if name in ("Runtime", "Instance"):
        from bizproc import runtime

        return getattr(runtime, name)
    raise AttributeError(f"module 'bizproc' has no attribute {name!r}")
