"""
The outbox: sends what actions have posted, and brings the verdict back to the store and to the step.

A post is a row before it is anything else. Where the other side deduplicates, it is sent until there is an answer,
always
with the same key. Where it does not, a durable mark comes before the sending, and a post that is found marked after a
crash is
unknown: it is never sent again by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Fate, Verdict
from bizproc.core.errors import BizprocError, DeliveryUnknown, NotJournallable, NotRestorable, SendDelayed, SendRefused
from bizproc.core.steps import Retry
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.deliveries import Settled
from bizproc.engines.embedded.performing import Context, Settlement, perform
from bizproc.engines.embedded.posts import Post
from bizproc.engines.embedded.reactions import Reaction, Reactions
from bizproc.engines.embedded.starting import step_key
from bizproc.ports.channel import Channel, Outside
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment, moment_text

sql: Final = load("bizproc.engines.embedded", "statements.sql")

# A post that the other side cannot take now is tried for about two days, at growing intervals.
PATIENCE: Final = Retry(
    attempts=40, first_delay=timedelta(seconds=10), factor=2, longest_delay=timedelta(hours=2), jitter=0
)

# Over one channel at a time: mail servers and providers turn those away that come with hundreds of connections.
AT_ONCE: Final = 8


@define(eq=False)
class Mark(Asked[bool]):
    """From here on a post may have been sent. False where it was withdrawn meanwhile."""

    id: int = field(kw_only=True)

    def write(self, tx: Transaction) -> bool:
        return bool(tx.execute(sql.mark_sending, {"id": self.id}).rowcount)


@define(eq=False)
class Delay(Asked[None]):
    """A post was certainly not sent, and is tried again at a moment."""

    id: int = field(kw_only=True)
    attempts: int = field(kw_only=True)
    again_at: datetime = field(kw_only=True)

    def write(self, tx: Transaction) -> None:
        tx.execute(sql.delay, {"id": self.id, "attempts": self.attempts, "again_at": moment_text(self.again_at)})


@define
class Outcome:
    """What a settled post brought about: the delivery for the step that waits, and what else."""

    delivery: Settled | None
    reaction: Reaction
    value: Any
    error: BaseException | None
    follow_ups: tuple[Post, ...] = ()


@define(eq=False)
class Settle(Asked[Outcome]):
    """Write a verdict, do what the action does about it, and let the step know: one commit."""

    post: Post = field(kw_only=True)
    verdict: Verdict = field(kw_only=True)
    context: Context = field(kw_only=True)
    reactions: Reactions = field(kw_only=True)

    def write(self, tx: Transaction) -> Outcome:
        codec, post = self.context.codec, self.post
        settled = perform(tx, Settlement(codec.decode(post.settling), self.verdict), self.context)
        tx.execute(sql.settle, self._row(tx))
        error = settled.error or self._error(settled.value)
        delivery = self._delivery(tx, settled.value, error)
        reaction = self.reactions.begin(tx)
        reaction.to(settled.events, settled.clears)
        return Outcome(delivery, reaction, settled.value, error, settled.follow_ups)

    def _is_waited_for(self, tx: Transaction) -> bool:
        """Whether a step waits for it, and the instance lives, in the run that has posted this."""
        if not tx.execute(sql.is_waited_for, {"id": self.post.id}).fetchone()[0]:
            return False
        row = tx.execute(sql.run_of, {"key": self.post.instance}).fetchone()
        if row is None:
            return False
        id, run, state = row
        return state != "terminated" and self.post.key == step_key(id, run, self.post.address or "")

    def _row(self, tx: Transaction) -> dict[str, Any]:
        verdict = self.context.codec.encode(self.verdict, Verdict)
        return {"id": self.post.id, "state": self.verdict.fate, "verdict": verdict, "at": tx.now_text}

    def _error(self, value: Any) -> BaseException | None:
        post, verdict = self.post, self.verdict
        if verdict.fate != "accepted" and isinstance(value, BizprocError):
            return value  # in the action's own words
        if verdict.fate == "refused":
            return SendRefused(channel=post.channel, reason=verdict.reason)
        if verdict.fate == "unknown":
            return DeliveryUnknown(channel=post.channel, step=post.address or post.key, reason=verdict.reason)
        return None

    def _delivery(self, tx: Transaction, value: Any, error: BaseException | None) -> Settled | None:
        post, codec = self.post, self.context.codec
        if post.instance is None or not self._is_waited_for(tx):
            return None
        kind, payload = ("accepted", codec.encode(value)) if error is None else ("refused", codec.encode_error(error))
        row = {"key": post.instance, "address": post.address, "kind": kind, "payload": payload}
        arrival = tx.execute(sql.add_arrival, row).lastrowid
        return Settled(post.address or "", int(arrival or 0), value, error)


class Outbox:
    """
    Sends posts, each in a task of its own.

    Attributes:
        sending: The posts that are being sent or settled, by their number. Those of later moments are in the store, and
            nowhere else: `Fire` finds them when they are due.
    """

    def __init__(
        self,
        outside: Outside,
        codec: Codec,
        now: Callable[[], datetime],
        ask: Callable[[Asked[Any]], Awaitable[Any]],
        begin: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        context: Callable[[Post], Context],
        settled: Callable[[Post, Outcome], None],
        wake_by: Callable[[datetime], None],
        reactions: Reactions,
    ) -> None:
        self.outside: Final = outside
        self.sending: dict[int, asyncio.Task[None]] = {}
        self._codec = codec
        self._now = now
        self._ask = ask
        self._begin = begin
        self._context = context
        self._settled = settled
        self._wake_by = wake_by
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._reactions = reactions

    def take(self, posts: Iterable[Post]) -> None:
        """Send posts that are on disk, each in its time."""
        for one in posts:
            if one.id in self.sending:
                continue
            if one.again_at is not None:
                self._wake_by(moment(one.again_at))
            else:
                self.sending[one.id] = self._begin(self._send(one))

    def recover(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Go on with what a program that ended has left: rows of `open_posts`."""
        self.take(Post(*row) for row in rows)

    def due(self, posts: Iterable[Post]) -> None:
        """Send what was of a later moment, and that has come."""
        self.take(one._replace(again_at=None) for one in posts)

    async def _send(self, one: Post) -> None:
        try:
            # Before the mark: what only waits for its turn was certainly not sent, whenever the program dies.
            async with self._turns.setdefault(one.channel, asyncio.Semaphore(AT_ONCE)):
                verdict = await self._verdict(one)
            if verdict is not None:
                # Heard of in the commit's own callback: what arrives later must not come before it.
                settled = partial(self._settled, one)
                context = self._context(one)
                settle = Settle(settled, post=one, verdict=verdict, context=context, reactions=self._reactions)
                outcome = await self._ask(settle)
                self.take(outcome.follow_ups)
        finally:
            if self.sending.get(one.id) is asyncio.current_task():
                del self.sending[one.id]

    async def _verdict(self, one: Post) -> Verdict | None:
        """Send it. None: not now, or not at all any more."""
        channel = self.outside.channels.get(one.channel)
        if one.state == "accepted":
            accepted: Verdict = self._codec.decode(one.verdict or "null", Verdict)
            return accepted  # before the step was retried, or its answer was lost in a crash
        if channel is None:
            return Verdict("refused", reason=f"no channel {one.channel!r} is set up any more")
        if one.state == "sending" and not channel.deduplicates:
            return Verdict("unknown", reason="the program ended while it was being sent")
        if one.state == "ready" and not await self._ask(Mark(_heard, id=one.id)):
            return None  # withdrawn
        return await self._attempt(channel, one)

    async def _attempt(self, channel: Channel, one: Post) -> Verdict | None:
        try:
            payload = self._codec.decode(one.payload)
        except NotRestorable as error:
            return Verdict("refused", reason=str(error))
        try:
            receipt = await channel.send(payload, one.key)
        except SendRefused as refused:
            return Verdict("refused", reason=refused.reason)
        except SendDelayed as delayed:
            return await self._delay(one, delayed)
        except Exception as error:  # noqa: BLE001  whatever else a channel raises leaves open whether it was sent
            if channel.deduplicates:
                return await self._delay(one, error)
            return Verdict("unknown", reason=f"{type(error).__name__}: {error}")
        return self._accepted(receipt, one.channel)

    def _accepted(self, receipt: Any, channel: str) -> Verdict:
        try:
            self._codec.encode(receipt, path=f"the receipt of {channel}")
        except NotJournallable as error:
            return Verdict("accepted", reason=str(error))  # it was sent all the same
        return Verdict("accepted", receipt)

    async def _delay(self, one: Post, error: Exception) -> Verdict | None:
        attempts = one.attempts + 1
        if not PATIENCE.again(attempts, error):
            # Only what was delayed is known not to have been sent.
            fate: Fate = "refused" if isinstance(error, SendDelayed) else "unknown"
            return Verdict(fate, reason=f"given up after {attempts} attempts: {error}")
        after = error.again_after if isinstance(error, SendDelayed) else None
        delay = PATIENCE.delay(attempts, None) if after is None else timedelta(seconds=after)
        again_at = self._now() + delay
        # In the commit's own callback: once it is on disk, it may be found due, and is then to be taken.
        heard = partial(self._put_off, one, again_at)
        await self._ask(Delay(heard, id=one.id, attempts=attempts, again_at=again_at))
        return None

    def _put_off(self, one: Post, again_at: datetime, _result: object) -> None:
        self.sending.pop(one.id, None)
        self._wake_by(again_at)

    async def close(self) -> None:
        """Wait for what is being sent; its fate is worth more than a quick end."""
        if self.sending:
            _, late = await asyncio.wait(self.sending.values(), timeout=10)
            for task in late:
                task.cancel()

    def abandon(self) -> None:
        """Drop everything, as a killed program does."""
        for task in self.sending.values():
            task.cancel()
        self.sending.clear()


def _heard(_result: object) -> None:
    pass
