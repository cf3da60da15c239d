"""The recipe `sales.follow_up`: a deal that stands still is brought to mind, until it moves where it should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from bizproc import Filter, Process, crm, on, process, race, recipe, this, wait
from bizproc.model import Deal
from bizproc_sales.settings import codes, whole


@recipe("sales.follow_up", since="1.0", needs=("stage.deal.{starts_in}", "stage.deal.{until}"))
def follow_up(
    *,
    starts_in: str = "NEW",
    until: Sequence[str] = (),
    every: int = 3,
    by: Literal["activity", "call"] = "activity",
    subject: str = "Follow up",
    at_most: int | None = None,
    only: Filter | None = None,
) -> Process[Any, int]:
    """
    Remind the person in charge every few working days, until the deal reaches a stage or is closed.

    What is still open of these reminders is ended then.

    Args:
        starts_in: The stage in which following up begins.
        until: The stages that end it. A final stage ends it in any case.
        every: After how many working days, each time: 1 or more.
        by: Something to be done, or a call to the client.
        subject: What the reminders are called.
        at_most: How many reminders there are at most; any number if left out.
        only: Which deals, as they are when they enter the stage; all if left out.
    """
    pause = whole("sales.follow_up", "every", every, most=366)
    stages = codes("sales.follow_up", "until", until)
    codes("sales.follow_up", "subject", [subject])

    @process("sales.follow_up", starts=on.stage("deal", starts_in, where=only))
    async def follow(deal: Deal) -> int:
        """Remind until the stage is reached; then end the reminders. Gives how many there were."""
        reminders = 0
        while at_most is None or reminders < at_most:
            first = await race(wait.until_stage(*stages), wait.working_days(pause))
            if first.index == 0:
                break
            await remind()
            reminders += 1
        else:
            await wait.until_stage(*stages)
        await end_reminders()
        return reminders

    async def remind() -> None:
        if by == "call":
            await crm.deal.schedule_call(subject)
        else:
            await crm.deal.add_activity(subject)

    return follow


async def end_reminders() -> None:
    """Tick off what this follow-up asked for and nobody has done."""
    for activity in await crm.deal.activities():
        if activity.made_by == this().id and not activity.completed:
            await crm.deal.complete_activity(activity)
