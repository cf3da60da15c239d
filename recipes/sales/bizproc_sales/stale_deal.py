"""The recipe `sales.stale_deal`: a deal that nothing happens to is brought to more and more people's mind."""

from __future__ import annotations

from typing import Any

from bizproc import Process, UserQueue, continue_as_new, crm, on, process, supervisor, wait
from bizproc.model import Deal, Users


def stale_deal(
    *,
    queue: UserQueue,
    after: int = 5,
    observers: Users | None = None,
) -> Process[Any, str]:
    """
    When nothing happens to a deal, remind; then let others follow it; then give it to somebody else.

    Each of the three comes after so many more working days in which nothing happened. As soon as something does, it
    begins anew. Neither what this process does nor its comments count as something.

    Args:
        queue: Among whom a deal is given away that the first two have not helped.
        after: How many working days nothing happens before each of the three: 1 or more.
        observers: Who follows the deal then; the supervisor of the person in charge if left out.
    """
    days = max(after, 1)

    @process("sales.stale_deal", starts=on.created("deal"))
    async def watch(deal: Deal) -> str:
        """Watch the deal until it is closed."""
        for escalate in (remind, tell_others, give_away):
            if not await nothing_happens():
                break
            await escalate()
        else:
            await something_happens()
        if (await crm.deal.read()).closed:
            return "closed"
        return await continue_as_new()

    async def nothing_happens() -> bool:
        """Wait so many working days; False as soon as something has happened, or the deal is closed."""
        last = (await crm.deal.read()).last_activity_at
        for _ in range(days):
            await wait.working_days(1)
            if await is_alive_again(last):
                return False
        return True

    async def something_happens() -> None:
        """Everything has been tried."""
        last = (await crm.deal.read()).last_activity_at
        while not await is_alive_again(last):
            await wait.working_days(1)

    async def remind() -> None:
        await crm.deal.add_comment(f"Nothing has happened for {days} working days")
        await crm.deal.add_activity("Get this deal moving", important=True)

    async def tell_others() -> None:
        deal = await crm.deal.read()
        await crm.deal.change_observers(observers or supervisor(of=deal.responsible_id))

    async def give_away() -> None:
        await crm.deal.change_responsible(queue)

    return watch


async def is_alive_again(last: Any) -> bool:
    """Whether something has happened since, or nothing needs to happen any more."""
    deal = await crm.deal.read()
    return deal.closed or deal.last_activity_at > last
