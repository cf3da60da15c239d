"""Waits for something to happen to an item."""

from __future__ import annotations

from dataclasses import KW_ONLY
from datetime import timedelta

from bizproc.core.action import ItemWait, Target, action_type, option
from bizproc.core.commands import Done, Event, Pending
from bizproc.model.pipelines import Semantics, StageReached
from bizproc.ports.crm import Crm
from bizproc.triggers.keys import about


@action_type("wait.until_stage")
class UntilStage(ItemWait[StageReached]):
    """
    Wait until the deal reaches one of these stages, or a final one.

    If it is there already, the wait is over at once. After that each change of stage counts, whoever made it, and a
    move to another pipeline too. A final stage ends the wait though it is not among those waited for (`matched` is
    False then). All that wait for one stage go on together. Heading 28; D6.

    Args:
        stages: Codes: `NEW` in the general pipeline, `C1:NEW` in pipeline 1. None: any final stage.
        timeout: How long at most; counted from the beginning of the wait.

    Raises:
        ItemNotFound: no such deal when the wait begins. One that is deleted later ends the wait (`deleted`).
        UnknownStage: a code that is no stage's in any pipeline.
    """

    target: Target
    stages: tuple[str, ...] = option(default=())
    _: KW_ONLY
    timeout: timedelta | None = option(default=None)

    async def begin(self, port: Crm) -> Done[StageReached] | Pending:
        ref = await port.resolve(self.target.kind, self.target.id)
        now = await port.stage_of(ref)
        await port.stages(ref.kind, self.stages)
        over = self._over(now.code, now.semantics)
        if over is not None:
            return over
        deadline = None if self.timeout is None else port.performing.now + self.timeout
        return Pending((about(str(ref), f"{ref.kind}.stage_changed"), about(str(ref), f"{ref.kind}.deleted")), deadline)

    def accept(self, event: Event) -> Done[StageReached] | None:
        stage, semantics = event.facts["stage"], event.facts["semantics"]
        if event.name.endswith(".deleted"):
            return Done(StageReached(stage=stage, semantics=semantics, matched=stage in self.stages, deleted=True))
        return self._over(stage, semantics)

    def expired(self) -> StageReached:
        return StageReached(timed_out=True)

    def _over(self, stage: str, semantics: Semantics) -> Done[StageReached] | None:
        matched = stage in self.stages
        if not matched and semantics == "process":
            return None
        return Done(StageReached(stage=stage, semantics=semantics, matched=matched))
