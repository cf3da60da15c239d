"""
The inbox: what guests have posted, done by the owner in the order in which it came.

What is done and that it is done are one commit, so that nothing is done twice whenever the program dies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.errors import NotRestorable, StoreError
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.requests import Request
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction

if TYPE_CHECKING:
    from bizproc.store.database import Database

sql: Final = load("bizproc.engines.embedded", "statements.sql")

# Seconds between two looks: a guest is to hear within a tenth of a second.
LOOK_EVERY: Final = 0.05


@define(eq=False)
class Handled(Asked[Any]):
    """A work that a guest wanted, together with the answer: its result, or the error that it raised."""

    work: Asked[Any] = field(kw_only=True)
    public: Callable[[Any], Any] = field(kw_only=True)
    request: int = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> Any:
        if tx.execute(sql.answered, {"id": self.request}).fetchone()[0] is not None:
            return _NOTHING
        answer: dict[str, Any] = {"id": self.request, "at": tx.now_text, "value": None, "error": None}
        result: Any = _NOTHING
        try:
            with tx.savepoint():
                result = self.work.write(tx)
                answer["value"] = self.codec.encode(self.public(result))
        except StoreError:
            raise
        except Exception as error:  # noqa: BLE001  it belongs to the guest
            result, answer["error"] = _NOTHING, self.codec.encode_error(error)
        tx.execute(sql.answer_guest, answer)
        return result

    def committed(self) -> None:
        if self.result is not _NOTHING:
            self.work.done(self.result)
        super().committed()


_NOTHING: Final = object()


class Inbox:
    """Looks into the inbox, and has done what it finds."""

    def __init__(
        self,
        database: Database,
        codec: Codec,
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        handle: Callable[[int, Request | NotRestorable], Awaitable[None]],
    ) -> None:
        self._database = database
        self._codec = codec
        self._begin = begin
        self._handle = handle
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Look every now and then from here on."""
        self._task = self._begin(self._watch())

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()

    async def drain(self) -> None:
        """Do all that is in it now."""
        rows = await self._database.read(lambda connection: connection.execute(sql.asked_of_owner).fetchall())
        for id, _kind, request in rows:
            await self._handle(id, self._decoded(request))

    def _decoded(self, request: str) -> Request | NotRestorable:
        try:
            asked: Request = self._codec.decode(request)
        except NotRestorable as error:
            return error
        return asked

    async def _watch(self) -> None:
        while not self._database.dead:
            with suppress(StoreError):  # locked at present, or lost: then who owns the store now looks
                await self.drain()
            await asyncio.sleep(LOOK_EVERY)
