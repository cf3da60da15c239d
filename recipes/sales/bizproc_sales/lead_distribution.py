"""The recipe `sales.lead_distribution`: every new lead has somebody, and somebody calls it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from bizproc import Filter, Process, UserQueue, crm, now, on, process, race, recipe, supervisor, this, wait
from bizproc.errors import WrongValue
from bizproc.model import Assignment, Lead, Users, ref_of


@recipe("sales.lead_distribution", since="1.0", needs=("user.absences",))
def lead_distribution(
    *,
    queue: UserQueue,
    pick: Literal["in_order", "random", "first_available"] = "in_order",
    skip_absent: bool = True,
    hours: bool = False,
    capacity: int | None = None,
    first_contact_within: timedelta = timedelta(hours=4),
    head: Users | None = None,
    only: Filter | None = None,
) -> Process[Any, str]:
    """
    Give every new lead to the next salesperson who is in, and see that it is called.

    What the queue says itself wins. While nobody is in the lead waits in line.

    Args:
        queue: Who takes part, in order: people, departments, groups.
        pick: The next in turn, anyone, or the first of the list who can take it.
        skip_absent: Whether the absent are passed over.
        hours: Whether those are passed over who are outside their working hours.
        capacity: How many open leads one can have; any number if left out.
        first_contact_within: How long they have for the first contact.
        head: Who hears of it when there was none; the supervisor of whoever has the lead if left out.
        only: Which leads; all if left out.
    """
    if not timedelta(0) <= first_contact_within <= timedelta(days=366):
        raise WrongValue(
            action="sales.lead_distribution",
            parameter="first_contact_within",
            expected="a year at most",
            got=str(first_contact_within),
        )
    team = queue.filled_in(pick=pick, skip_absent=skip_absent, hours=hours, capacity=capacity, nobody="hold")

    @process("sales.lead_distribution", starts=on.created("lead", where=only, by_processes=True))
    async def distribute(lead: Lead) -> str:
        """Find somebody for the lead, and see that they get in touch."""
        line = queue.name or this().process
        picked = await crm.lead.change_responsible(team, queue_name=line)
        await crm.lead.add_comment(reason(picked))
        if picked.held:
            await until_given_away(line, picked.previous)
        lead = await crm.lead.read()
        if lead.closed:
            return "closed while it waited"

        first_contact = await crm.lead.add_activity(
            "First contact", important=True, deadline=await now() + first_contact_within
        )
        await wait.sleep(first_contact_within)
        await wait.working_days(0)  # nobody is told in the night

        if await somebody_got_in_touch(lead.status, first_contact.id):
            return "in touch"
        late = f"Nobody got in touch with {lead.title or 'this lead'} in time"
        await crm.lead.add_comment(late)
        await crm.lead.add_activity(late, responsible=head or supervisor(of=lead.responsible_id), important=True)
        return "escalated"

    async def until_given_away(line: str, before: int | None) -> None:
        """Until the lead has left the line: somebody came in, it was given away by hand, or closed."""
        while True:
            # Looking and listening begin together: nothing can happen unseen between the two.
            moved = on.changed(this().document, "responsible_id", "stage")
            first = await race(has_left(line, before), wait.for_event(moved))
            if first.index == 0 and first.value is True:
                return

    async def has_left(line: str, before: int | None) -> bool:
        """Looked at now, and again later: if whoever has the lead comes in, it leaves the line, and nothing changes."""
        lead = await crm.lead.read()
        if lead.closed or lead.responsible_id != before:
            return True
        if team.partition is None and ref_of(lead) not in await crm.queue(line).held():
            return True
        await wait.sleep(LOOK_AGAIN)
        return False

    return distribute


LOOK_AGAIN = timedelta(hours=1)


async def somebody_got_in_touch(status_before: str, first_contact: int) -> bool:
    """The lead has moved on, or the first contact is ticked off."""
    if (await crm.lead.read()).status != status_before:
        return True
    return any(activity.completed for activity in await crm.lead.activities() if activity.id == first_contact)


CHOSEN = {
    "in_order": "Given to the one whose turn it was",
    "random": "Given by chance to one of those who can take it",
    "first_available": "Given to the first of the list who can take it",
    "least_recent": "Given to the one who has waited longest",
    "least_loaded": "Given to the one who has least to do",
    "weighted": "Given to the one whose turn it was, by weight",
}


def reason(picked: Assignment) -> str:
    """Why it is this salesperson, and not another."""
    what = {
        "chosen": CHOSEN[picked.explain.pick],
        "stays": "Stays with whoever has it",
        "held": "Nobody can take it now: it waits in line",
        "fallback": "Nobody could take it: given to the one who gets it then",
    }
    return "\n".join((what.get(picked.explain.result, "Shared out"), *map(str, picked.explain.candidates)))
