"""How an instance stands, in a sentence for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from bizproc.cli.output import moment_text, stopped
from bizproc.cli.recorded import waits_text
from bizproc.cli.setup import Setup

if TYPE_CHECKING:
    from bizproc.runtime import Status

RESULTLESS: Final = frozenset({"failed", "stuck", "cancelled", "terminated"})
GOING_ON: Final = frozenset({"running", "waiting"})


def stands(status: Status) -> str:
    """Its state as a verb."""
    return "is stuck" if status.state == "stuck" else status.state


def sentence(setup: Setup, status: Status, result: Any = None) -> str:
    """Who it is, and what it waits for or how it ended."""
    who = f"{status.id}: {status.process}" + (f" on {status.document}" if status.document else "")
    match status.state:
        case "completed" if status.ended_by:
            return stopped(f"{who} has ended: {status.ended_by}")
        case "completed":
            return f"{who} has returned {result!r}." if result is not None else f"{who} is done."
        case "failed" | "stuck" if status.error is not None:
            return stopped(f"{who} {stands(status)}: {status.error.class_name}: {status.error.text}")
        case "waiting":
            zone = setup.settings.zone
            until = "" if status.until is None else f" until {moment_text(status.until, zone)} ({zone})"
            return f"{who} waits for {waits_text(status.waits_for)}{until}."
        case _:
            by = f": {status.ended_by}" if status.ended_by else ""
            return stopped(f"{who} is {status.state}{by}")
