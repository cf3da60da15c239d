"""What may be asked of assignment queues: `crm.queue("sales")`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bizproc.actions.documented import documented_by
from bizproc.actions.queues import ExportQueue, HeldInQueue, ReleaseHeld, RestoreQueue
from bizproc.core.action import Target
from bizproc.crm.noun import Noun
from bizproc.rules.queues import check_queue_name

_QUEUE: Final = Target("queue")


class NamedQueue(Noun):
    """One queue, by its name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"crm.queue({self.name!r})"

    @documented_by(ExportQueue)
    def export(self, *, part: str = "") -> ExportQueue:
        return ExportQueue(_QUEUE, self.name, part=part)

    @documented_by(RestoreQueue)
    def restore(self, state: Mapping[str, Any], *, part: str = "") -> RestoreQueue:
        return RestoreQueue(_QUEUE, self.name, dict(state), part=part)

    @documented_by(HeldInQueue)
    def held(self, *, part: str = "") -> HeldInQueue:
        return HeldInQueue(_QUEUE, self.name, part=part)


class Queues(Noun):
    """`crm.queue`: names one, or speaks of all."""

    def __repr__(self) -> str:
        return "crm.queue"

    def __call__(self, name: str) -> NamedQueue:
        """One of them, by its name. Raises WrongValue for what can be no queue's."""
        check_queue_name(name)
        return NamedQueue(name)

    @documented_by(ReleaseHeld)
    def release(self) -> ReleaseHeld:
        return ReleaseHeld(_QUEUE)
