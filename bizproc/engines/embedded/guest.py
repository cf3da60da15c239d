"""
A guest: a program beside the owner of a store, or without one. It reads, and posts everything else into the inbox.

It has the methods of the engine that `Runtime` uses. It runs no instance: what it posts waits in the store until an
owner is there.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from anyio import to_thread

from bizproc.core.codec import Codec
from bizproc.core.errors import InstanceNotFound, Unanswered
from bizproc.core.process import Call, Process
from bizproc.engines.embedded import inspection
from bizproc.engines.embedded.forking import check_step
from bizproc.engines.embedded.requests import (
    CancelRequest,
    ForkRequest,
    PauseRequest,
    PerformRequest,
    PublishRequest,
    Request,
    RetryRequest,
    SettleRequest,
    SignalRequest,
    SkipRequest,
    StartRequest,
    TerminateRequest,
)
from bizproc.engines.embedded.starting import Started, check_id, encode_arguments
from bizproc.store.database import Database
from bizproc.store.posting import insert
from bizproc.store.statements import load
from bizproc.store.types import moment_text

sql: Final = load("bizproc.engines.embedded", "statements.sql")

# Seconds between two looks at what the owner has answered; the owner looks into the inbox about as often.
LOOK_EVERY: Final = 0.05

# Seconds between two looks whether there is an owner at all.
LOOK_FOR_OWNER_EVERY: Final = 1.0


class Guest:
    """
    Asks the owner.

    Attributes:
        patience: How long it waits for an answer of an owner that is there, and not at all for one that is not; None
            for as long as it takes, whoever is there.
    """

    def __init__(
        self, database: Database, now: Callable[[], datetime], codec: Codec, patience: timedelta | None = None
    ) -> None:
        self.patience = patience
        self._processes: dict[tuple[str, int], Process[..., Any]] = {}
        self._unheard: deque[str] = deque()
        self._database: Final = database
        self._now: Final = now
        self._codec: Final = codec

    def now(self) -> datetime:
        """The clock."""
        return self._now()

    async def start(self, call: Call[Any], id: str | None) -> Started:
        """As `Engine.start`, once an owner has done it."""
        check_id(id)
        arguments = encode_arguments(call, self._codec)
        started = await self._answer(StartRequest(call.process.name, call.process.version, arguments, id))
        return Started(0, started, call, fresh=False)

    async def perform(self, action: Any, key: str) -> Any:
        """As `Engine.perform`, once an owner has done it."""
        return await self._answer(PerformRequest(action), key)

    async def signal(self, id: str, name: str, value: Any, key: str | None) -> None:
        """As `Engine.signal`; returns when the post is on disk."""
        await self._exists(id)
        await self._tell(SignalRequest(id, name, self._codec.encode(value, path=f"signal {name}"), key))

    async def publish(self, name: str, value: Any) -> None:
        """As `Engine.publish`; returns when the post is on disk."""
        await self._post(PublishRequest(name, self._codec.encode(value, path=f"signal {name}")), _fresh_key())

    async def pause(self, process: str, *, paused: bool) -> None:
        """As `Engine.pause`, once an owner has done it."""
        await self._answer(PauseRequest(process, paused))

    async def cancel(self, id: str) -> None:
        """As `Engine.cancel`; returns when the post is on disk."""
        await self._exists(id)
        await self._tell(CancelRequest(id))

    async def terminate(self, id: str, reason: str) -> None:
        """As `Engine.terminate`; returns when the post is on disk."""
        await self._exists(id)
        await self._tell(TerminateRequest(id, reason))

    async def retry(self, id: str, *, again: bool = False) -> None:
        """As `Engine.retry`, once an owner has done it."""
        await self._exists(id)
        await self._answer(RetryRequest(id, again))

    async def settle(self, id: str, step: str, *, sent: bool) -> None:
        """As `Engine.settle`, once an owner has done it."""
        await self._exists(id)
        await self._answer(SettleRequest(id, step, sent))

    async def fork(self, id: str, step: str, called: str | None) -> str:
        """As `Engine.fork`, once an owner has done it."""
        check_id(called)
        await self._exists(id)
        with suppress(InstanceNotFound):  # its start is on its way to an owner: that one will see
            await self._database.read(partial(check_step, id=id, step=step))
        return str(await self._answer(ForkRequest(id, step, called)))

    async def skip_wait(self, id: str) -> None:
        """As `Engine.skip_wait`, once an owner has done it."""
        await self._exists(id)
        await self._answer(SkipRequest(id))

    async def heard(self) -> None:
        """Wait until an owner has done what was only posted here. Raises what it raised, Unanswered."""
        while self._unheard:
            await self._hear(self._unheard.popleft())

    async def ended_once(self, _key: int) -> None:
        """Come back now and then: who waits for an ending looks again."""
        await asyncio.sleep(LOOK_EVERY)

    def use(self, *processes: Process[..., Any]) -> None:
        """Know processes: for previews and results. A guest runs none of them."""
        self._processes.update({(one.name, one.version): one for one in processes})

    def processes(self) -> Mapping[tuple[str, int], Process[..., Any]]:
        """Those that it was told of."""
        return self._processes

    def new_id(self, _key: str) -> UUID:
        """A fresh id."""
        return uuid4()

    async def _exists(self, id: str) -> None:
        """Raises InstanceNotFound, unless a start of that name is still on its way to an owner."""
        try:
            await self._database.read(partial(inspection.key_of, id=id))
        except InstanceNotFound:
            pending = await self._database.read(lambda connection: connection.execute(sql.asked_of_owner).fetchall())
            requests = [self._codec.decode(request) for _, _, request in pending]
            if not any(isinstance(request, StartRequest) and request.id == id for request in requests):
                raise

    async def _post(self, request: Request, key: str) -> None:
        row = {
            "key": key,
            "kind": type(request).__name__,
            "request": self._codec.encode(request, path="request"),
            "at": moment_text(self._now()),
        }
        await to_thread.run_sync(partial(insert, self._database.path, sql.ask_owner, row))

    async def _tell(self, request: Request) -> None:
        key = _fresh_key()
        await self._post(request, key)
        self._unheard.append(key)

    async def _answer(self, request: Request, key: str | None = None) -> Any:
        """Post it, and wait until an owner has answered."""
        key = key or _fresh_key()
        await self._post(request, key)
        return await self._hear(key)

    async def _hear(self, key: str) -> Any:
        loop = asyncio.get_running_loop()
        end = None if self.patience is None else loop.time() + self.patience.total_seconds()
        look_for_owner = loop.time()
        while True:
            # First who is there, then the answer: one that was given in between is not missed.
            alone = end is not None and loop.time() >= look_for_owner and await self._is_alone()
            done_at, value, error = await self._database.read(partial(_answered, key=key))
            if error is not None:
                raise self._codec.decode_error(error)
            if done_at is not None:
                return self._codec.decode(value or "null")
            if alone or (end is not None and loop.time() >= end):
                raise await self._unanswered()
            if loop.time() >= look_for_owner:
                look_for_owner = loop.time() + LOOK_FOR_OWNER_EVERY
            await asyncio.sleep(LOOK_EVERY)

    async def _is_alone(self) -> bool:
        return await to_thread.run_sync(self._database.owner) is None

    async def _unanswered(self) -> Unanswered:
        owner = await to_thread.run_sync(self._database.owner)
        if owner is None:
            detail = "nobody runs this store now. It is done when an owner comes (`bizproc serve`)."
        else:
            detail = f"process {owner}, which runs this store, has not answered yet. It is done when that one goes on."
        return Unanswered(path=self._database.path, owner=owner, detail=detail)


def _answered(connection: Any, key: str) -> tuple[str | None, str | None, str | None]:
    row: tuple[str | None, str | None, str | None] = connection.execute(sql.answer_of, {"key": key}).fetchone()
    return row


def _fresh_key() -> str:
    return f"guest/{uuid4()}"
