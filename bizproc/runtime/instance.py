"""A handle on one instance: how it stands, what it did, and all that a person may ask of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, Protocol, TypeVar, cast

import anyio

from bizproc.core.checks import check_text
from bizproc.core.codec import Codec
from bizproc.core.errors import (
    InstanceCancelled,
    InstanceFailed,
    InstanceNotFinished,
    InstanceStuck,
    InstanceTerminated,
)
from bizproc.core.process import Process
from bizproc.engines.embedded import inspection, unread
from bizproc.engines.embedded.engine import Engine
from bizproc.engines.embedded.guest import Guest
from bizproc.engines.embedded.inspection import JournalStep, Recording, Result, Retrying, Sent, Status
from bizproc.engines.embedded.unread import UnreadSignal

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


_GOING_ON = frozenset({"running", "waiting"})


class InstanceHost(Protocol):
    """The runtime, as its instances see it. What it has is told in `runtime.py`."""

    asks: Engine | Guest
    codec: Codec
    path: str

    async def read(self, function: Callable[[Any], T]) -> T:
        """What a function finds on a connection that only reads."""


class Instance(Generic[R_co]):
    """A handle on one instance, by its id. Its methods raise InstanceNotFound."""

    def __init__(self, runtime: InstanceHost, id: str, process: Process[..., Any] | None = None) -> None:
        self.id = id
        self._runtime = runtime
        self._process = process

    def __repr__(self) -> str:
        return f"Instance({self.id!r})"

    async def status(self) -> Status:
        """How it stands."""
        return await self._runtime.read(partial(inspection.status, id=self.id, codec=self._runtime.codec))

    async def result(self, *, timeout: timedelta | None = None) -> R_co:
        """
        What it returned, once it has ended.

        Raises:
            InstanceFailed: It raised an error, which is the cause.
            InstanceCancelled, InstanceTerminated: It was ended before it returned.
            InstanceStuck: It cannot end before a person has looked at it.
            InstanceNotFinished: It has not ended within `timeout`, and goes on.
        """
        found = await self._look()
        if found.state in _GOING_ON:
            with anyio.move_on_after(None if timeout is None else timeout.total_seconds()):
                found = await self._ended(found.key)
        if found.state in _GOING_ON:
            raise InstanceNotFinished(instance=self.id, process=found.process, state=found.state, timeout=str(timeout))
        return cast("R_co", self._value(found))

    async def signal(self, name: str, value: Any = None, *, key: str | None = None) -> None:
        """Send it a signal; the same key twice counts once. Sent to one that has ended, it is dropped."""
        check_text(name, process="Instance.signal", parameter="name")
        if key is not None:
            check_text(key, process="Instance.signal", parameter="key")
        await self._runtime.asks.signal(self.id, name, value, key)

    async def signals(self) -> list[UnreadSignal]:
        """The signals that were sent to it and that it has not read, in the order in which it will."""
        return await self._runtime.read(partial(unread.unread, id=self.id, codec=self._runtime.codec))

    async def awaited_signals(self) -> list[str]:
        """The names of the signals that it waits for at this moment."""
        return await self._runtime.read(partial(unread.awaited, id=self.id))

    async def cancel(self) -> None:
        """Raise Cancelled at its current await; its cleanup may await. Returns when that is certain to happen."""
        await self._runtime.asks.cancel(self.id)

    async def terminate(self, reason: str) -> None:
        """End it now; no more of its code runs."""
        check_text(reason, process="Instance.terminate", parameter="reason")
        await self._runtime.asks.terminate(self.id, reason)

    async def retry(self, *, again: bool = False) -> None:
        """
        Let it go on, if it failed or is stuck: at the step whose error it failed with, on whatever code there is now.

        Args:
            again: Also if steps were done after that error (cleanup, the undo of a saga), which may then be done again.

        Raises:
            NotResumable: It neither failed nor is stuck; or steps were done after the error.
            StartRefused: It ended, and another one runs on its document by now.
        """
        await self._runtime.asks.retry(self.id, again=again)

    async def fork(self, step: str, *, id: str | None = None) -> Instance[R_co]:
        """
        A new instance that has done what this one had done before a step, and goes on from there; this one stays.

        Signals that were not read by then are the fork's too. What was done at the step and after it is done again.

        Args:
            step: Its address, as `journal()` has it.
            id: A name for the fork. The same again gives the same fork.

        Raises:
            UnknownStep: The journal has no such step.
        """
        return Instance(self._runtime, await self._runtime.asks.fork(self.id, step, id), self._process)

    async def settle(self, step: str, *, sent: bool) -> None:
        """
        Say what became of a delivery that is unknown.

        If the instance failed at it, it goes on. If nobody waits for it, or the process went on without it, the
        instance stays as it is.

        Args:
            step: The address of the step, as `DeliveryUnknown` and `bizproc show` name it.
            sent: It was sent: the step returns as if the other side had said so. Or else it is sent again.

        Raises:
            NotResumable: The fate of what was posted at this step is known, or nothing was.
            StartRefused: It ended, and another one runs on its document by now.
        """
        await self._runtime.asks.settle(self.id, step, sent=sent)

    async def skip_wait(self) -> None:
        """
        End the wait that would be over first, as if its time were up.

        Raises:
            NotResumable: It does not wait.
        """
        await self._runtime.asks.skip_wait(self.id)

    async def journal(self) -> list[JournalStep]:
        """Its steps: address, name, arguments, outcome, attempts, times."""
        path, codec = self._runtime.path, self._runtime.codec
        return await self._runtime.read(partial(inspection.journal, id=self.id, path=path, codec=codec))

    async def sent(self) -> list[Sent]:
        """What it has given to channels, in its order: mails, messages, documents; and what became of it."""
        return await self._runtime.read(partial(inspection.sent, id=self.id, codec=self._runtime.codec))

    async def retrying(self) -> list[Retrying]:
        """Its steps that have failed and are tried again: how often, the last error, and when."""
        return await self._runtime.read(partial(inspection.retrying, id=self.id, codec=self._runtime.codec))

    async def recording(self, process: Process[..., Any]) -> Recording:
        """
        What it was started with, and its journal, with the types of its process.

        Raises:
            NotRestorable: The process takes other parameters now.
        """
        path, codec = self._runtime.path, self._runtime.codec
        return await self._runtime.read(
            partial(inspection.recording, id=self.id, path=path, codec=codec, process=process)
        )

    async def notes(self) -> list[tuple[datetime, str, str | None]]:
        """What it wrote into its log: moment, text, facts as JSON."""
        return await self._runtime.read(partial(inspection.notes, id=self.id))

    async def _look(self) -> Result:
        return await self._runtime.read(partial(inspection.result, id=self.id))

    async def _ended(self, key: int) -> Result:
        while True:
            # First listen, then look: an ending in between is not missed.
            ending = asyncio.ensure_future(self._runtime.asks.ended_once(key))
            try:
                found = await self._look()
                if found.state not in _GOING_ON:
                    return found
                await ending
            finally:
                ending.cancel()

    def _value(self, found: Result) -> Any:
        codec, who = self._runtime.codec, {"instance": self.id, "process": found.process}
        if found.state == "completed" and found.ended_by is not None:
            return None  # an action of its own ended it, whatever its code would have returned (D11)
        if found.state == "completed":
            return codec.decode(found.outcome or "null", self._result_type(found), path="result")
        error = None if found.error is None else codec.decode_error(found.error)
        if found.state == "failed":
            report = inspection.report(error) if error is not None else None
            name, text = (report.class_name, report.text) if report else ("", "")
            failed = InstanceFailed(**who, error_class=name, text=text, error=error)
            if report is not None and report.where:
                # Raised in another turn, or another program: this error's own traceback does not say where.
                failed.add_note(f"where {self.id} failed:\n{report.where}")
            raise failed from error
        if found.state == "cancelled":
            raise InstanceCancelled(**who)
        if found.state == "terminated":
            raise InstanceTerminated(**who, reason=found.ended_by or "")
        raise InstanceStuck(**who, text=str(error)) from error

    def _result_type(self, found: Result) -> Any:
        process = self._process or self._runtime.asks.processes().get((found.process, found.version))
        return Any if process is None else process.result_type
