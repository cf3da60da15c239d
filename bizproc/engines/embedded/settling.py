"""
A person says what became of a delivery that is unknown.

The instance that failed at it goes on. Where nobody waits for it, or its process has gone on without it, the instance
is left as it is, and the action does what it does about the verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field, frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import Verdict
from bizproc.core.errors import InstanceNotFound, NotResumable
from bizproc.engines.embedded.asked import Asked, nothing_with
from bizproc.engines.embedded.outbox import Outcome, Settle
from bizproc.engines.embedded.performing import Context
from bizproc.engines.embedded.posts import Post, sql
from bizproc.engines.embedded.reactions import Reactions
from bizproc.engines.embedded.starting import step_key
from bizproc.engines.embedded.works import Resume
from bizproc.ports.performing import ItemRef
from bizproc.store.transaction import Transaction

SENT: Final = Verdict("accepted", reason="a person says that it was sent")


@frozen
class Decided:
    """
    What a decision brought about.

    Attributes:
        resumed: The instance that goes on.
        again: What is to be sent again, and nobody waits for.
        settled: What was settled, and what that brought about.
    """

    resumed: int | None = None
    again: Post | None = None
    settled: tuple[Post, Outcome] | None = None


@define(eq=False)
class Decide(Asked[Decided]):
    """
    Write down that a post was sent after all, or leave it to be sent again.

    Where the instance failed at it, the step is retried, and what the action does about it in the CRM is done then:
    with the verdict that is written here, or with the one that the channel gives. Else it is done here, or when it is
    sent again.

    Raises InstanceNotFound, NotResumable, StartRefused.
    """

    id: str = field(kw_only=True)
    step: str = field(kw_only=True)
    sent: bool = field(kw_only=True)
    only: Callable[[str, int, ItemRef | None], str | None] = field(kw_only=True)
    codec: Codec = field(kw_only=True)
    context: Callable[[Post], Context] = field(kw_only=True)
    reactions: Reactions = field(kw_only=True)

    def write(self, tx: Transaction) -> Decided:
        row = tx.execute(sql.resumable, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        key, state, failed_at = row[0], row[5], row[6]
        posts = [Post(*each) for each in tx.execute(sql.unknown_posts, {"key": key, "address": self.step})]
        if not posts:
            detail = f"whether step {self.step} was sent is not unknown."
            raise NotResumable(instance=self.id, state=state, detail=detail)
        (_, run, _) = tx.execute(sql.run_of, {"key": key}).fetchone()
        own = next((one for one in posts if one.waits and one.key == step_key(self.id, run, self.step)), None)
        if own is not None and state == "failed" and failed_at == self.step:
            return self._resume(tx, own)
        if tx.execute(sql.arrival_at, {"key": key, "address": self.step}).fetchone() is not None:
            detail = f"it is about to be told that nobody knows whether step {self.step} was sent. Try again."
            raise NotResumable(instance=self.id, state=state, detail=detail)
        return self._alone(tx, posts[0])

    def _resume(self, tx: Transaction, post: Post) -> Decided:
        if self.sent:
            verdict = self.codec.encode(SENT, Verdict)
            tx.execute(sql.settle, {"id": post.id, "state": "accepted", "verdict": verdict, "at": tx.now_text})
        return Decided(resumed=Resume(nothing_with, id=self.id, only=self.only, settled=True).write(tx))

    def _alone(self, tx: Transaction, post: Post) -> Decided:
        """Nobody is told: the step has its answer."""
        tx.execute(sql.waited_for, {"id": post.id, "waits": 0})
        post = post._replace(waits=0)
        if not self.sent:
            tx.execute(sql.send_again, {"id": post.id})
            return Decided(again=post._replace(state="ready", attempts=0, again_at=None, verdict=None))
        settle = Settle(nothing_with, post=post, verdict=SENT, context=self.context(post), reactions=self.reactions)
        return Decided(settled=(post, settle.write(tx)))
