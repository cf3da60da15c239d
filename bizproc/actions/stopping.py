"""Ending the instances on an item."""

from __future__ import annotations

from bizproc.core.action import ItemAction, Target, action_type
from bizproc.core.errors import EmptyText
from bizproc.ports.crm import Crm


@action_type("crm.stop_processes")
class StopProcesses(ItemAction[None]):
    """
    Terminate the other instances on the item; the one that asks goes on. No more of their code runs.

    Instances on other items go on, also those that one of these had started.

    Args:
        reason: Why, as each of them says it ended.

    Raises:
        EmptyText: a blank reason.
        ItemNotFound: no such item.
    """

    target: Target
    reason: str

    async def perform(self, port: Crm) -> None:
        if not self.reason.strip():
            raise EmptyText(action=self.name, parameter="reason")
        ref = await port.resolve(self.target.kind, self.target.id)
        await port.read(ref)
        port.performing.end_others_on(ref, self.reason)
