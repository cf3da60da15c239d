"""A person says what became of a delivery that is unknown, and the instance that failed at it goes on."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Verdict
from bizproc.core.errors import InstanceNotFound, NotResumable
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.posts import sql
from bizproc.engines.embedded.works import Resume
from bizproc.ports.performing import ItemRef
from bizproc.store.transaction import Transaction


@define(eq=False)
class Decide(Asked[int]):
    """
    Write down that a post was sent after all, or leave it to be sent again; then retry the step.

    What the action does about it in the CRM is done when the step is asked again: with the verdict that is written
    here, or with the one that the channel gives.

    Raises InstanceNotFound, NotResumable, StartRefused.
    """

    id: str = field(kw_only=True)
    step: str = field(kw_only=True)
    sent: bool = field(kw_only=True)
    only: Callable[[str, int, ItemRef | None], str | None] = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> int:
        post = self._unknown_post(tx)
        if self.sent:
            verdict = self.codec.encode(Verdict("accepted", reason="a person says that it was sent"), Verdict)
            tx.execute(sql.settle, {"id": post, "state": "accepted", "verdict": verdict, "at": tx.now_text})
        return Resume(self.done, id=self.id, only=self.only, settled=True).write(tx)

    def _unknown_post(self, tx: Transaction) -> int:
        row = tx.execute(sql.resumable, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        key, state, failed_at = row[0], row[5], row[6]
        post = tx.execute(sql.unknown_post, {"key": key, "address": self.step}).fetchone()
        if state != "failed" or failed_at != self.step or post is None:
            detail = f"it did not fail at step {self.step} because nobody knows whether that was sent."
            raise NotResumable(instance=self.id, state=state, detail=detail)
        return int(post[0])
