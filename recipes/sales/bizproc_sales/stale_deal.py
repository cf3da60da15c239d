"""The recipe `sales.stale_deal`: a deal that nothing happens to is brought to more and more people's mind."""

from __future__ import annotations

from typing import Any

from bizproc import Filter, Process, UserQueue, continue_as_new, crm, on, process, recipe, supervisor, wait
from bizproc.model import Deal, Users
from bizproc_sales.settings import whole


@recipe("sales.stale_deal", since="1.0")
def stale_deal(
    *,
    queue: UserQueue,
    after: int = 5,
    observers: Users | None = None,
    only: Filter | None = None,
) -> Process[Any, str]:
    """
    When nothing happens to a deal, remind; then let others follow it; then give it to somebody else.

    Each of the three comes after so many more working days in which nothing happened. As soon as something does, it
    begins anew. Neither what this process does nor its comments count as something.

    Args:
        queue: Among whom a deal is given away that the first two have not helped.
        after: How many working days nothing happens before each of the three: 1 or more.
        observers: Who follows the deal then; the supervisor of the person in charge if left out.
        only: Which deals, as they are when they are made; all if left out.
    """
    days = whole("sales.stale_deal", "after", after, most=366)

    @process("sales.stale_deal", starts=on.created("deal", where=only, by_processes=True))
    async def watch(deal: Deal) -> str:
        """Watch the deal until it is closed."""
        level = 0
        while await nothing_happens():
            level += 1
            if level == 1:
                await crm.deal.add_comment(f"Nothing has happened for {days} working days")
                await crm.deal.add_activity("Get this deal moving", important=True)
            elif level == 2:
                in_charge = (await crm.deal.read()).responsible_id
                await crm.deal.change_observers(observers or supervisor(of=in_charge))
            elif level == 3:
                await crm.deal.change_responsible(queue)
        if not (await crm.deal.read()).closed:
            await continue_as_new()  # something has happened: from the first level
        return "closed"

    async def nothing_happens() -> bool:
        """Look once a working day; False as soon as something has happened, or the deal is closed."""
        last = (await crm.deal.read()).last_activity_at
        for _day in range(days):
            await wait.working_days(1)
            deal = await crm.deal.read()
            if deal.closed or deal.last_activity_at > last:
                return False
        return True

    return watch
