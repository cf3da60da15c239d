"""What may be asked of an assignment queue itself: what it remembers, and what it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY
from typing import Any, Final

from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.commands import Done, Event, Listening, Pending
from bizproc.model.references import ItemRef
from bizproc.ports.crm import Crm
from bizproc.triggers.keys import about


@action_type("queue.export")
class ExportQueue(ItemAction[Mapping[str, Any]]):
    """
    What the queue remembers: whose turn it was, and the like. Empty for one that was never used.

    Args:
        part: Of a partitioned queue: the value of the field, as JSON.
    """

    target: Target
    queue: str
    _: KW_ONLY
    part: str = option(default="")

    async def perform(self, port: Crm) -> Mapping[str, Any]:
        return await port.queue_state(self.queue, self.part)


@action_type("queue.restore")
class RestoreQueue(ItemAction[None]):
    """
    Make the queue remember what was exported, and go on from there.

    Args:
        state: What `export` gave; empty: as if it had never been used.
        part: Of a partitioned queue: the value of the field, as JSON.

    Raises:
        WrongValue: that was not exported.
    """

    target: Target
    queue: str
    state: Mapping[str, Any]
    _: KW_ONLY
    part: str = option(default="")

    async def perform(self, port: Crm) -> None:
        await port.set_queue_state(self.queue, self.part, self.state)


@action_type("queue.held")
class HeldInQueue(ItemAction[tuple[ItemRef, ...]]):
    """
    The items that wait in the queue until somebody can take them, the next one first.

    Args:
        part: Of a partitioned queue: the value of the field, as JSON.
    """

    target: Target
    queue: str
    _: KW_ONLY
    part: str = option(default="")

    async def perform(self, port: Crm) -> tuple[ItemRef, ...]:
        return await port.held(self.queue, self.part)


@action_type("queue.release")
class ReleaseHeld(ItemAction[int]):
    """
    Give away whatever is held, in any queue, and can be given away now; gives how many are still held.

    Changes in the CRM do so by themselves. What only time brings, the end of an absence or the beginning of somebody's
    hours, this does.
    """

    target: Target

    async def perform(self, port: Crm) -> int:
        return (await port.release())[0]


@action_type("queue.holding")
class Holding(Listening[bool]):
    """
    Give away what can be given away now, and wait for the next moment at which more can, or for what may change that.

    Its value is whether nothing is held any more.
    """

    @property
    def name(self) -> str:
        return "queue.holding"

    @property
    def result_type(self) -> Any:
        return bool

    async def begin(self, port: Crm) -> Done[bool] | Pending:
        left, until = await port.release()
        return Pending(HOLDING, until) if left else Done(value=True)

    def accept(self, event: Event) -> Done[bool] | None:
        return Done(value=False)

    def expired(self) -> bool:
        return False


HOLDING: Final = tuple(about("queue:all", name) for name in ("queue.moved", "queue.empty"))
