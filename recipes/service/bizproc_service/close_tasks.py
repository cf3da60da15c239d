"""The recipe `service.close_tasks`: no task outlives its stage unseen."""

from __future__ import annotations

from typing import Any, Literal

from bizproc import F, Filter, Process, crm, on, process, recipe
from bizproc.model import Deal


@recipe("service.close_tasks", since="1.0")
def close_tasks(
    *, report: Literal["comment", "activity", "nothing"] = "comment", only: Filter | None = None
) -> Process[..., Any]:
    """
    When a deal moves on, end the tasks of the stages that it has left, and report those that are still open.

    Only tasks that processes made belong to a stage. Those that people made are theirs to end: they are reported.

    Args:
        report: How the deal says which tasks are still open: by a comment, by something to be done, or not at all.
        only: Which deals; all if left out.
    """

    @process("service.close_tasks", starts=on.stage("deal", where=only), overlap="queue")
    async def close(deal: Deal) -> int:
        """End the tasks of the stages that the deal has left."""
        deal = await crm.deal.read()
        stages = await crm.stage.find(F.kind == "deal")
        left = [stage.code for stage in stages if stage.code != deal.stage]
        ended = await crm.deal.end_tasks(*left)

        tasks = await crm.deal.tasks()
        leftovers = [task.title for task in tasks if not task.completed and task.stage != deal.stage]
        if leftovers and report == "comment":
            await crm.deal.add_comment("Still open: " + "; ".join(leftovers))
        if leftovers and report == "activity":
            await crm.deal.add_activity("See to the tasks that are still open", "\n".join(leftovers))
        return len(ended)

    return close
