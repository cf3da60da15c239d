"""
Crashing a story at every commit: it must end as it does without a crash, wherever the program dies.

    async def story(world: World) -> object: ...

    await crash_at_every_await(story)
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, TypeAlias

from attrs import frozen

from bizproc.core.process import Process
from bizproc.ports.channel import Channel
from bizproc.settings import Settings
from bizproc.testing.ending import Ending, ending_of
from bizproc.testing.world import World

Story: TypeAlias = Callable[[World], Awaitable[Any]]


@frozen
class CrashPoint:
    """A commit to die at: its number, from 1, and whether before it or behind it."""

    commit: int
    behind: bool

    def __str__(self) -> str:
        return f"{'just after' if self.behind else 'just before'} commit {self.commit}"


@frozen
class Run:
    """One run of a story: how it ended, how many commits it took, and what the one it died at had journalled."""

    ending: Ending
    commits: int
    died_at: tuple[str, ...]


async def crash_at_every_await(
    story: Story,
    *,
    processes: Iterable[Process[..., Any]] = (),
    channels: Callable[[], Iterable[Channel]] = tuple,
    settings: Settings | None = None,
    begins: datetime | None = None,
) -> int:
    """
    Run a story once without a crash, and then once for each commit with a crash just before it, and once just after it.

    The CRM's data, the messages sent, and the results of instances must be the same each time, and so must what the
    story returns.

    Args:
        story: Takes a `World`, returns anything that can be compared.
        processes: Known to the world from the start.
        channels: Makes the channels of one run.
        settings: Those of each world.
        begins: When time begins.

    Returns:
        How many crashes it went through.

    Raises:
        AssertionError: An ending differs; says at which step the program died, and shows the difference.
    """
    known = tuple(processes)
    smooth = await run_story(story, known, None, channels(), settings, begins)
    points = [CrashPoint(commit, behind) for commit in range(1, smooth.commits + 1) for behind in (False, True)]
    for point in points:
        crashed = await run_story(story, known, point, channels(), settings, begins)
        if crashed.ending != smooth.ending:
            raise AssertionError(_difference(point, smooth, crashed))
    return len(points)


async def run_story(
    story: Story,
    processes: tuple[Process[..., Any], ...],
    crash: CrashPoint | None,
    channels: Iterable[Channel] = (),
    settings: Settings | None = None,
    begins: datetime | None = None,
) -> Run:
    """Run a story in a world of its own, with a crash or without."""
    async with World.open(*processes, channels=channels, settings=settings, begins=begins) as world:
        first = world.commits.count
        if crash is not None:
            world.commits.crash_at = (first + crash.commit, crash.behind)
            world.expect_failures()  # those of the run without a crash are the same, or the ending differs
        try:
            returned: Any = await story(world)
        except Exception as error:
            if crash is None:
                raise
            returned = f"the story failed: {type(error).__name__}: {error}"
        commits = world.commits.count - first
        died_at = tuple(world.commits.what)
        return Run(await ending_of(world, returned), commits, died_at)


def _difference(point: CrashPoint, smooth: Run, crashed: Run) -> str:
    step = "; ".join(crashed.died_at) or "no step of a process"
    lines = difflib.unified_diff(
        smooth.ending.lines(), crashed.ending.lines(), "without a crash", f"with a crash {point}", lineterm="", n=1
    )
    return f"the story ends differently with a crash {point} ({step}):\n" + "\n".join(lines)
