"""
The world: everything of a `Runtime`, on a store in memory, with a virtual clock, deterministic ids, and crashes.

Nothing runs on another thread: the same test does the same in the same order every time. Only bodies of `@action` steps may
take real time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID

from bizproc import crm
from bizproc.core.commands import Command
from bizproc.core.process import Call, Process
from bizproc.engines.embedded.engine import Options
from bizproc.model import Company, Contact, Deal, Product, User
from bizproc.ports.commit_observer import CommitObserver
from bizproc.runtime import Instance, Runtime, Status, assemble, open_database
from bizproc.settings import Settings
from bizproc.store.database import Database
from bizproc.testing.clock import VirtualClock

T = TypeVar("T")
R = TypeVar("R")

MEMORY = "sqlite:///:memory:"


class World:
    """
    A runtime to test in.

    Attributes:
        clock: The virtual clock; it moves by `advance`.
        always_replay: Rebuild each instance from its journal before every turn, so that a process that is not
            deterministic shows it in any test.
    """

    def __init__(self, runtime: Runtime, clock: VirtualClock, observer: CommitObserver | None, settings: Settings, options: Options) -> None:
        self.clock = clock
        self._runtime = runtime
        self._observer = observer
        self._settings = settings
        self._options = options

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *processes: Process[..., Any],
        always_replay: bool = False,
        observer: CommitObserver | None = None,
        clock: VirtualClock | None = None,
        settings: Settings | None = None,
        keep_in_memory: int = 1000,
    ) -> AsyncIterator[World]:
        """
        A world that lasts for the block.

        Args:
            processes: Known from the start; one that is started is known by itself.
            always_replay: See the attribute.
            observer: Told of each commit; what it raises is a crash at that point.
            clock: Another beginning of time.
            settings: The portal's time zone, currency and the like.
            keep_in_memory: How many waiting instances stay in memory.
        """
        clock, settings = clock or VirtualClock(), settings or Settings()
        options = Options(keep_in_memory=keep_in_memory, always_replay=always_replay, jitter=False, new_id=_ids())
        runtime = assemble(open_database(MEMORY, clock, observer, threaded=False), clock, settings, options)
        world = cls(runtime, clock, observer, settings, options)
        await world._begin(processes)
        try:
            yield world
        finally:
            await world._close()

    # -- time and crashes ----------------------------------------------------------------------------------------------

    async def advance(
        self, moment: Any = None, *, weeks: float = 0, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> None:
        """Let time pass, or go to a moment: every timer due on the way fires, in order, and all that follows from it happens."""
        duration = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        target = self.clock.now() + duration if moment is None else moment
        await self.run_until_idle()
        while (wake := self.clock.next_wake()) is not None and wake <= target:
            self.clock.move_to(wake)
            await self.run_until_idle()
        self.clock.move_to(target)
        await self.run_until_idle()

    async def run_until_idle(self) -> None:
        """Let everything happen that can happen before time passes."""
        await self._runtime.settled()
        self._runtime.engine.raise_breakdown()

    async def crash(self) -> None:
        """Lose everything that was not committed, as a killed program does, and come back from the store."""
        engine, database = self._runtime.engine, self._runtime.database
        processes = list(engine.processes().values())
        engine.abandon()
        database.abandon()
        await asyncio.sleep(0)  # bodies of steps that were running are cancelled here
        reopened = open_database(MEMORY, self.clock, self._observer, threaded=False, previous=database)
        self._runtime = assemble(reopened, self.clock, self._settings, self._options)
        await self._begin(processes)

    @property
    def always_replay(self) -> bool:
        """Whether each instance is rebuilt from its journal before every turn."""
        return self._options.always_replay

    @always_replay.setter
    def always_replay(self, value: bool) -> None:
        self._options.always_replay = self._runtime.engine.always_replay = value

    def use(self, *processes: Process[..., Any]) -> None:
        """Make processes known: instances of them can run."""
        self._runtime.engine.use(*processes)

    async def _begin(self, processes: Iterable[Process[..., Any]]) -> None:
        self._runtime.database.start(asyncio.get_running_loop())
        await self._runtime.begin(processes)

    async def _close(self) -> None:
        await self._runtime.engine.close()
        self._runtime.database.close()

    # -- everything of Runtime -----------------------------------------------------------------------------------------

    async def start(self, call: Call[R], *, id: str | None = None) -> RunningInstance[R]:
        """See `Runtime.start`. Returns when nothing more happens before time passes."""
        instance = await self._runtime.start(call, id=id)
        await self.run_until_idle()
        return RunningInstance(self, instance.id)

    def instance(self, id: str) -> RunningInstance[Any]:
        """See `Runtime.instance`."""
        return RunningInstance(self, id)

    async def instances(self, **which: Any) -> list[Status]:
        """See `Runtime.instances`."""
        return await self._runtime.instances(**which)

    async def perform(self, action: Command[R]) -> R:
        """See `Runtime.perform`. Returns when all that follows from it has happened."""
        result = await self._runtime.perform(action)
        await self.run_until_idle()
        return result

    async def get(self, cls: type[T], id: int) -> T:
        """See `Runtime.get`."""
        return await self._runtime.get(cls, id)

    async def find(self, cls: type[T], **which: Any) -> list[T]:
        """See `Runtime.find`."""
        return await self._runtime.find(cls, **which)

    @property
    def runtime(self) -> Runtime:
        """The runtime of the moment; a crash makes a new one."""
        return self._runtime

    # -- factories -----------------------------------------------------------------------------------------------------

    async def user(self, **fields: Any) -> User:
        """A user; a name is made up where none is given."""
        return await self.perform(crm.user.create(**{"name": "Ada", "last_name": "Byron", **fields}))

    async def company(self, **fields: Any) -> Company:
        """A company."""
        return await self.perform(crm.company.create(**{"title": "A company", **fields}))

    async def contact(self, **fields: Any) -> Contact:
        """A contact."""
        return await self.perform(crm.contact.create(**{"name": "Jo", "last_name": "Doe", **fields}))

    async def product(self, **fields: Any) -> Product:
        """A product of the catalogue."""
        return await self.perform(crm.product.create(**{"name": "A product", "price": 1, **fields}))

    async def deal(self, **fields: Any) -> Deal:
        """A deal in the first stage of the general pipeline."""
        return await self.perform(crm.deal.create(**{"title": "A deal", **fields}))


class RunningInstance(Instance[R]):
    """A handle that outlives crashes; what is asked through it is answered when all that follows has happened."""

    def __init__(self, world: World, id: str) -> None:
        super().__init__(world.runtime, id)
        self._world = world

    @property
    def _runtime(self) -> Runtime:
        return self._world.runtime

    @_runtime.setter
    def _runtime(self, runtime: Runtime) -> None:
        """The world knows the runtime of the moment."""

    async def signal(self, name: str, value: Any = None, *, key: str | None = None) -> None:
        """See `Instance.signal`."""
        await super().signal(name, value, key=key)
        await self._world.run_until_idle()

    async def cancel(self) -> None:
        """See `Instance.cancel`."""
        await super().cancel()
        await self._world.run_until_idle()

    async def terminate(self, reason: str) -> None:
        """See `Instance.terminate`."""
        await super().terminate(reason)
        await self._world.run_until_idle()


def _ids() -> Callable[[], UUID]:
    """Ids that are the same in every run."""
    random = Random(0)  # noqa: S311  not for secrets
    return lambda: UUID(int=random.getrandbits(128), version=4)


__all__ = ["Database", "World"]
