"""
A world in a box, to test automations in: a CRM in memory, a clock that moves only when told, crashes on demand.

    async def test_follow_up(world: World):
        deal = await world.deal(title="Tea")
        run = await world.start(follow_up(deal))
        await world.advance(days=15)
        assert await run.result() == "escalated"
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bizproc.testing.answers import Late
    from bizproc.testing.channels import FakeChannel
    from bizproc.testing.clock import VirtualClock
    from bizproc.testing.crashing import crash_at_every_await
    from bizproc.testing.process_machine import ProcessMachine
    from bizproc.testing.world import World

__all__ = ["FakeChannel", "Late", "ProcessMachine", "VirtualClock", "World", "crash_at_every_await"]

# Each is loaded when it is asked for. Every pytest of an environment loads the plugin, and with it this file, and
# every Hypothesis our strategies by type: neither must bring the database in.
_AT: Final = {
    "FakeChannel": "channels",
    "Late": "answers",
    "ProcessMachine": "process_machine",
    "VirtualClock": "clock",
    "World": "world",
    "crash_at_every_await": "crashing",
}


def __getattr__(name: str) -> Any:
    if name not in _AT:
        raise AttributeError(f"module 'bizproc.testing' has no attribute {name!r}")
    return getattr(import_module(f"bizproc.testing.{_AT[name]}"), name)
