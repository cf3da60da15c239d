"""
A world in a box, to test automations in: a CRM in memory, a clock that moves only when told, crashes on demand.

    async def test_follow_up(world: World):
        deal = await world.deal(title="Tea")
        run = await world.start(follow_up(deal))
        await world.advance(days=15)
        assert await run.result() == "escalated"
"""

from bizproc.testing.channels import FakeAds, FakeChannel, FakeMail, FakeSms
from bizproc.testing.clock import VirtualClock
from bizproc.testing.crashing import crash_at_every_await
from bizproc.testing.world import World

__all__ = ["FakeAds", "FakeChannel", "FakeMail", "FakeSms", "VirtualClock", "World", "crash_at_every_await"]
