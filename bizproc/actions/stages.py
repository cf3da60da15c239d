"""Actions that move an item through its stages."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bizproc.actions.people import first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.model.users import Users
from bizproc.ports.crm import Crm

STAGE_CHANGED = "stage changed"
"""Why an instance ended that changed the stage of its own document."""


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


async def _move(port: Crm, target: Target, stage: str, modified_by: Users | None) -> None:
    ref = await port.resolve(target.kind, target.id)
    await port.update(ref, {"stage": stage}, author=await first_of(port, modified_by))
    if ref == port.performing.document:
        port.performing.end(STAGE_CHANGED)
