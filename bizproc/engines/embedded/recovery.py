"""
Recovery: after a start, the instances that have something to do are brought back, and all others stay where they are.

One that was there at two crashes in a row runs alone, behind a durable mark; one that dies alone twice is set aside.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bizproc.core.errors import InstancePoisoned
from bizproc.engines.embedded.asked import execute, nothing_with, set_result
from bizproc.engines.embedded.turn import sql
from bizproc.engines.embedded.works import DEATHS_ALONE, Run, Survey, Suspects
from bizproc.store.transaction import Transaction

if TYPE_CHECKING:
    from bizproc.engines.embedded.engine import Engine

# Seconds. A suspect that takes longer than this to come further is not what kills the program at once.
ALONE_AT_MOST: Final = 30.0


class Recovery:
    """
    Brings back the instances of one engine.

    Attributes:
        begun: Whether it has begun.
    """

    def __init__(self, engine: Engine, *, protect: bool) -> None:
        self.begun = False
        self._engine = engine
        self._protect = protect
        self._running: asyncio.Future[None] | None = None
        self._alone: tuple[int, asyncio.Future[None]] | None = None

    @property
    def is_running(self) -> bool:
        """Whether instances are being brought back."""
        return self._running is not None

    def stop(self) -> None:
        """Bring back no more."""
        if self._running is not None:
            self._running.cancel()

    async def recover(self) -> None:
        """Bring back the instances that have something to do; all others stay where they are."""
        survey = Survey(
            nothing_with, protect=self._protect, loaded=frozenset(self._engine.processes()), codec=self._engine.codec
        )
        found: Suspects = await self._engine.ask(survey, outside=False)
        posts = await self._engine.database.read(lambda connection: connection.execute(sql.open_posts).fetchall())
        self.begun = True
        self._running = self._engine.begin_task(self._recover(found, posts))
        if not (found.suspects or found.poisoned):
            await self._running

    async def _recover(self, found: Suspects, posts: list[tuple[Any, ...]]) -> None:
        for key in found.poisoned:
            work = Run(nothing_with, function=partial(_id_of, key))
            id = await self._engine.ask(work, outside=False)
            self._engine.set_aside(key, InstancePoisoned(instance=id, times=DEATHS_ALONE))
        for key in found.suspects:
            await self._run_alone(key)
        for key in found.ready:
            self._engine.load(key)
        self._engine.resend(posts)
        self._running = None
        self._engine.fire()

    async def _run_alone(self, key: int) -> None:
        """Nothing else runs before this one has come further: if the program dies now, it is known who did it."""
        await self._engine.ask(Run(nothing_with, function=partial(execute, sql.alone, {"key": key})), outside=False)
        self._alone = key, self._engine.future()
        self._engine.load(key)
        came_further, _ = await asyncio.wait({self._alone[1]}, timeout=ALONE_AT_MOST)
        self._alone = None
        if not came_further:
            # It has run for so long: whatever brought the program down was not this at its beginning.
            await self._engine.ask(Run(nothing_with, function=partial(execute, sql.no_crashes, (key,))), outside=False)

    def is_alone(self, key: int) -> bool:
        """Whether this instance runs alone."""
        return self._alone is not None and self._alone[0] == key

    def came_further(self, key: int) -> None:
        """An instance has made a step; if it runs alone, the others may run now."""
        if self._alone is not None and self._alone[0] == key:
            set_result(self._alone[1], None)


def _id_of(key: int, tx: Transaction) -> str:
    return str(tx.execute(sql.id_of, {"key": key}).fetchone()[0])
