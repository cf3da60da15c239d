"""
The process that gives away what queues hold when only time has to pass: the end of an absence, the beginning of hours.

Changes in the CRM do so in their own commit. One instance is enough for all queues; it lasts while something is held.
"""

from __future__ import annotations

from typing import Final

from bizproc.actions.queues import Holding
from bizproc.core.commands import ContinueAsNew
from bizproc.core.process import process
from bizproc.triggers.trigger import Trigger

SOMETHING_IS_HELD: Final = Trigger(("queue.holding",), by_processes=True)
"""What starts it."""

_ROUNDS: Final = 500


@process("bizproc.holding", starts=SOMETHING_IS_HELD)
async def holding() -> None:
    """Give away what queues hold, each at the first moment at which somebody can take it."""
    for _ in range(_ROUNDS):
        if await Holding():
            return
    await ContinueAsNew()
