"""Actions that move an item through its stages."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bizproc.actions.people import first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.model.pipelines import Pipeline
from bizproc.model.users import Users
from bizproc.ports.crm import Crm

STAGE_CHANGED = "stage changed"
"""Why an instance ended that changed the stage of its own document."""

PIPELINE_CHANGED = "pipeline changed"
"""Why instances ended whose document was moved to another pipeline."""


@action_type("crm.change_stage")
class ChangeStage(ItemAction[None]):
    """
    Move the item to a stage of its pipeline. Of the process's own document it ends the instance: nothing after it runs.

    That is so even if the item is in that stage already; then nothing else happens. The instance counts as completed,
    its result is None. On another item, or one that is only linked to the document, the process goes on.
    Heading 35; D11.

    Args:
        stage: Its code: `NEW` in the general pipeline, `C1:NEW` in pipeline 1.
        modified_by: Whose name the change bears; the first user, if several. The system if left out.

    Raises:
        UnknownStage: the item's pipeline has no such stage; nothing is changed and nothing ends.
        UnknownUser: no such user.
        ItemNotFound: no such item.
    """

    target: Target
    stage: str
    _: KW_ONLY
    modified_by: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> None:
        await _move(port, self.target, self.stage, self.modified_by)


@action_type("crm.change_status")
class ChangeStatus(ItemAction[None]):
    """
    Give the lead another status. Of the process's own document it ends the instance: nothing after it runs.

    As `change_stage` of other items. A lead that is given the status CONVERTED is not converted by that: see `convert`.
    Heading 35; D11.

    Args:
        status: Its code: `NEW`, `IN_PROCESS`…
        modified_by: Whose name the change bears; the first user, if several. The system if left out.

    Raises:
        UnknownStage: no such status; nothing is changed and nothing ends.
        UnknownUser: no such user.
        ItemNotFound: no such lead.
    """

    target: Target
    status: str
    _: KW_ONLY
    modified_by: Users | None = option(default=None, validator=names_users)

    async def perform(self, port: Crm) -> None:
        await _move(port, self.target, self.status, self.modified_by)


@action_type("crm.change_pipeline")
class ChangePipeline(ItemAction[None]):
    """
    Move the item to another pipeline: all instances that run on it end, this one too if it is the process's document.

    The change bears the name of the item's person in charge. An item that is in that pipeline already stays as it is,
    in whatever stage, and the process goes on. On another item, or one that is only linked to the document, the
    process goes on, too. Heading 34; D10.

    Args:
        pipeline: The pipeline or its id; 0 is the general one.
        stage: The stage to begin in: its code, or its code in the general pipeline. If it is left out, or that
            pipeline has none of this code, the first in which work goes on.

    Raises:
        UnknownPipeline: items of this kind have no such pipeline; nothing is changed and nothing ends.
        ItemNotFound: no such item.
    """

    target: Target
    pipeline: Pipeline | int
    _: KW_ONLY
    stage: str | None = option(default=None)

    async def perform(self, port: Crm) -> None:
        ref = await port.resolve(self.target.kind, self.target.id)
        pipeline = self.pipeline.id if isinstance(self.pipeline, Pipeline) else self.pipeline
        in_charge: int | None = (await port.read(ref)).responsible_id
        moved = await port.change_pipeline(ref, pipeline, stage=self.stage, author=in_charge)
        if moved:
            port.performing.end_all_on(ref, PIPELINE_CHANGED)


async def _move(port: Crm, target: Target, stage: str, modified_by: Users | None) -> None:
    ref = await port.resolve(target.kind, target.id)
    await port.update(ref, {"stage": stage}, author=await first_of(port, modified_by))
    if ref == port.performing.document:
        port.performing.end(STAGE_CHANGED)
