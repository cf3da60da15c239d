"""
The ways in which a story must come out the same: live, replayed before every turn, out of memory whenever it waits, and
with a crash before and behind every commit.

    @every_way
    async def test_a_step_is_run_once(world: World, way: Way) -> object: ...

What a story returns, and the CRM it leaves, must be the same under every crash. What may differ there, how often the
body of
a step ran, is asked of `way`.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

import pytest
from attrs import frozen

from bizproc.testing import World, crash_at_every_await

Name: TypeAlias = Literal["live", "replayed", "evicted", "crashed"]
NAMES: tuple[Name, ...] = ("live", "replayed", "evicted", "crashed")


@frozen
class Way:
    """How a story is run."""

    name: Name

    @property
    def crashes(self) -> bool:
        """Whether the program may die in it: a body that ran may run again."""
        return self.name == "crashed"

    def ran(self, times: int, expected: int) -> bool:
        """
        Whether a body ran so often; where the program dies it may have run once more, for its result was not on disk.
        """
        return times == expected or (self.crashes and times == expected + 1)


def every_way(story: Callable[..., Awaitable[Any]]) -> Callable[[Name], Awaitable[None]]:
    """Make a story a test that runs it in every way. The story takes a `world`, and a `way` if it wants."""
    wants_way = "way" in inspect.signature(story).parameters

    @pytest.mark.parametrize("name", NAMES)
    async def test(name: Name) -> None:
        def told(world: World) -> Awaitable[Any]:
            return story(world, Way(name)) if wants_way else story(world)

        if name == "crashed":
            await crash_at_every_await(told)
            return
        async with World.open(
            always_replay=name == "replayed", keep_in_memory=0 if name == "evicted" else 1000
        ) as world:
            await told(world)

    test.__name__, test.__doc__, test.__module__ = story.__name__, story.__doc__, story.__module__
    test.__qualname__ = story.__qualname__
    return test
