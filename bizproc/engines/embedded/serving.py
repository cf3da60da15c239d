"""
Guests are served: what they have posted into the inbox is done, and the answer is written with it.

It decides how each request is done, and in which order; the doing is the engine's, the inbox itself is `inbox.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, assert_never

from bizproc.core.commands import Delivered, Prepared, Verdict
from bizproc.core.errors import DeliveryUnknown, InstanceNotFound, NotRestorable, SendRefused
from bizproc.engines.embedded.asked import Asked, nothing_with
from bizproc.engines.embedded.inbox import Handled, Inbox
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
from bizproc.engines.embedded.starting import Started, check_id, decode_call
from bizproc.engines.embedded.turn import sql
from bizproc.engines.embedded.works import Add, AskCancel, AskSkip, Perform, Resume, Run, Send

if TYPE_CHECKING:
    from bizproc.engines.embedded.engine import Engine


class Serving:
    """Serves the guests of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reactions = engine.reactions
        self._slow: dict[int, asyncio.Task[None]] = {}
        self._inbox = Inbox(engine.database, engine.codec, engine.begin_task, self._serve)

    def begin(self) -> None:
        """Look into the inbox from here on."""
        self._inbox.start()

    def stop(self) -> None:
        """Look no more."""
        self._inbox.stop()

    def close(self) -> None:
        """Look no more, and leave what takes its time outside to the next owner."""
        self.stop()
        for serving in self._slow.values():
            serving.cancel()

    async def _serve(self, request: int, asked: Request | NotRestorable) -> None:
        """Do what a guest wants, and write the answer with it."""
        if request in self._slow:
            return
        if isinstance(asked, NotRestorable):
            await self._answer_guest(request, Run(nothing_with, function=partial(_raise, asked)), _same)
            return
        if isinstance(asked, PerformRequest) and isinstance(asked.action, Delivered | Prepared):
            # It takes its time outside, and others need not wait for it.
            self._slow[request] = self._engine.begin_task(self._serve_outside(request, asked.action))
            return
        if isinstance(asked, TerminateRequest):
            with suppress(InstanceNotFound):
                await self._engine.terminate(asked.id, asked.reason)
        try:
            work, public = self._wanted(asked)
        except Exception as error:  # noqa: BLE001  it belongs to the guest
            work, public = Run(nothing_with, function=partial(_raise, error)), _same
        await self._answer_guest(request, work, public)

    async def _serve_outside(self, request: int, action: Any) -> None:
        """What was posted for this request before a crash is not posted again: its fate is the answer."""
        try:
            await self._serve_slowly(request, action)
        finally:
            del self._slow[request]

    async def _serve_slowly(self, request: int, action: Any) -> None:
        key = f"guest/{request}"
        try:
            if isinstance(action, Prepared):
                prepared = await self._engine.prepare(action)
                context = self._engine.context(None, key, None)
                work: Asked[Any] = Perform(
                    self._engine.performed, action=action, context=context, prepared=prepared, reactions=self._reactions
                )
                await self._answer_guest(request, work, _value_of)
                return
            row = await self._engine.database.read(partial(_post_of, key))
            value = await (self._engine.perform(action, key) if row is None else self._fate(*row))
            function: Callable[[Any], Any] = partial(_give, value)
        except Exception as error:  # noqa: BLE001  it belongs to the guest
            function = partial(_raise, error)
        await self._answer_guest(request, Run(nothing_with, function=function), _same)

    async def _fate(self, post: int, channel: str, state: str, verdict: str | None) -> Any:
        if state in ("ready", "sending"):
            return await self._engine.verdict(post)
        reason = self._engine.codec.decode(verdict or "null", Verdict).reason
        if state == "refused":
            raise SendRefused(channel=channel, reason=reason)
        if state == "unknown":
            raise DeliveryUnknown(channel=channel, step="0", reason=reason)
        return None

    async def _answer_guest(self, request: int, work: Asked[Any], public: Callable[[Any], Any]) -> None:
        handled = Handled(nothing_with, work=work, public=public, request=request, codec=self._engine.codec)
        await self._engine.ask(handled, outside=False)

    def _wanted(self, asked: Request) -> tuple[Asked[Any], Callable[[Any], Any]]:
        match asked:
            case StartRequest(process, version, arguments, id):
                check_id(id)
                call = decode_call(self._engine.process(process, version), arguments, self._engine.codec)
                return Add(self._engine.started, call=call, id=id, reactions=self._reactions), _id_of
            case PerformRequest(action):
                key = f"guest/{self._engine.new_id('guest')}"
                context = self._engine.context(None, key, None)
                work = Perform(self._engine.performed, action=action, context=context, reactions=self._reactions)
                return work, _value_of
            case SignalRequest(id, name, value, key):
                return Send(self._engine.posted, id=id, name=name, value=value, once=key), _none
            case CancelRequest(id):
                return AskCancel(self._engine.cancel_asked, id=id, reactions=self._reactions), _none
            case TerminateRequest():
                return Run(nothing_with, function=_none), _none
            case RetryRequest(id, again):
                return Resume(self._engine.resumed, id=id, only=self._engine.only, again=again), _none
            case ForkRequest(id, step, called):
                return self._engine.fork_of(id, step, called), _second
            case PublishRequest(name, value):
                return self._engine.publication(name, self._engine.codec.decode(value)), _none
            case PauseRequest(process, paused):
                return self._engine.pausing(process, paused=paused), _none
            case SettleRequest(id, step, sent):
                return self._engine.decision(id, step, sent=sent), _none
            case SkipRequest(id):
                return AskSkip(self._engine.skip_asked, id=id), _none
            case _:
                assert_never(asked)


def _second(forked: tuple[int, str]) -> str:
    return forked[1]


def _none(_result: object) -> None:
    """A guest hears only that it was done."""


def _same(result: object) -> object:
    return result


def _id_of(result: tuple[Started, Any]) -> str:
    return result[0].id


def _value_of(result: Any) -> Any:
    performed, _ = result
    if performed.error is not None:
        raise performed.error
    return performed.value


def _raise(error: Exception, _tx: object) -> None:
    raise error


def _give(value: object, _tx: object) -> object:
    return value


def _post_of(key: str, connection: Any) -> Any:
    return connection.execute(sql.post_of_key, (key,)).fetchone()
