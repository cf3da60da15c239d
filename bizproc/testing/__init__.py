"""
A world in a box, to test automations in: a CRM in memory, a clock that moves only when told, crashes on demand.

    async def test_follow_up(world: World):
        deal = await world.deal(title="Tea")
        run = await world.start(follow_up(deal))
        await world.advance(days=15)
        assert await run.result() == "escalated"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bizproc.testing.channels import FakeAds, FakeChannel, FakeMail, FakeSms
from bizproc.testing.clock import VirtualClock
from bizproc.testing.crashing import crash_at_every_await
from bizproc.testing.journals import assert_replays, save_journal
from bizproc.testing.papers import FakeDocuments, FakePayments
from bizproc.testing.world import World

if TYPE_CHECKING:
    from bizproc.testing.queue_machine import QueueMachine

__all__ = [
    "FakeAds",
    "FakeChannel",
    "FakeDocuments",
    "FakeMail",
    "FakePayments",
    "FakeSms",
    "QueueMachine",
    "VirtualClock",
    "World",
    "assert_replays",
    "crash_at_every_await",
    "save_journal",
]


def __getattr__(name: str) -> Any:
    # What needs Hypothesis is loaded when it is asked for: a test that only wants a world does not.
    if name == "QueueMachine":
        from bizproc.testing.queue_machine import QueueMachine

        return QueueMachine
    raise AttributeError(f"module 'bizproc.testing' has no attribute {name!r}")
