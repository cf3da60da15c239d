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
    from bizproc.testing.channels import FakeAds, FakeChannel, FakeMail, FakeSms
    from bizproc.testing.clock import VirtualClock
    from bizproc.testing.crashing import crash_at_every_await
    from bizproc.testing.journals import assert_replays, save_journal
    from bizproc.testing.papers import FakeDocuments, FakePayments
    from bizproc.testing.process_machine import ProcessMachine, StepTrouble
    from bizproc.testing.queue_machine import QueueMachine
    from bizproc.testing.recipes import assert_recipe
    from bizproc.testing.world import World

__all__ = [
    "FakeAds",
    "FakeChannel",
    "FakeDocuments",
    "FakeMail",
    "FakePayments",
    "FakeSms",
    "Late",
    "ProcessMachine",
    "QueueMachine",
    "StepTrouble",
    "VirtualClock",
    "World",
    "assert_recipe",
    "assert_replays",
    "crash_at_every_await",
    "save_journal",
]

# Each is loaded when it is asked for. Every pytest of an environment loads the plugin, and with it this file, and
# every Hypothesis our strategies by type: neither must bring the database in.
_AT: Final = {
    "FakeAds": "channels",
    "FakeChannel": "channels",
    "FakeDocuments": "papers",
    "FakeMail": "channels",
    "FakePayments": "papers",
    "FakeSms": "channels",
    "Late": "answers",
    "ProcessMachine": "process_machine",
    "QueueMachine": "queue_machine",
    "StepTrouble": "process_machine",
    "VirtualClock": "clock",
    "World": "world",
    "assert_recipe": "recipes",
    "assert_replays": "journals",
    "crash_at_every_await": "crashing",
    "save_journal": "journals",
}


def __getattr__(name: str) -> Any:
    if name not in _AT:
        raise AttributeError(f"module 'bizproc.testing' has no attribute {name!r}")
    try:
        module = import_module(f"bizproc.testing.{_AT[name]}")
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        from bizproc.core.errors import ExtraMissing

        raise ExtraMissing(what=f"{name} and strategies", extra="test", package="hypothesis") from None
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
