"""Who is responsible for an item: one of a queue."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

from bizproc.actions.people import first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import WrongValue
from bizproc.model.assignments import Assignment, Pick
from bizproc.model.users import Users
from bizproc.ports.crm import Crm
from bizproc.rules.queues import PICKS, UserQueue


def _one_of_the_picks(action: Any, _attribute: object, value: object) -> None:
    if value not in PICKS:
        raise WrongValue(action=action.name, parameter="pick", expected=f"one of {', '.join(PICKS)}", got=repr(value))


@action_type("crm.change_responsible")
class ChangeResponsible(ItemAction[Assignment]):
    """
    Make one of a queue responsible for the item, and tell them.

    Members that are no longer active are never picked. If nobody can take it nothing changes and the process goes on,
    unless the queue says otherwise. Whoever is picked and responsible already stays so; nothing is written then.
    Activities and tasks stay with whom they are. Heading 13; D7, D8.

    Args:
        queue: Users, departments, groups; or a `UserQueue`, which can say more, and whose own words win.
        pick: `random` is anyone but who is responsible now, `first_available` the first of the list, `in_order` the
            next after the last one; beyond the document `least_recent`, `least_loaded`, `weighted`.
        skip_absent: Whether the absent are passed over.
        modified_by: Whose name the change bears; the first user, if several. The system if left out.
        queue_name: Queues of one name share whose turn it is. Left out, it is the queue's own name, or made of the
            process, the kind of item and the function.

    Raises:
        ItemNotFound: no such item.
        UnknownUser, UnknownDepartment, UnknownGroup: a member that is not there.
        UnknownField: the queue is partitioned by a field that the item has not.
        NobodyAvailable: nobody can take it, and the queue asks for an error then.
    """

    target: Target
    queue: Users | UserQueue = option(validator=names_users)
    _: KW_ONLY
    pick: Pick = option(default="random", validator=_one_of_the_picks)
    skip_absent: bool = option(default=False)
    modified_by: Users | None = option(default=None, validator=names_users)
    queue_name: str | None = option(default=None)

    async def perform(self, port: Crm) -> Assignment:
        return await port.change_responsible(
            await port.resolve(self.target.kind, self.target.id),
            self.queue if isinstance(self.queue, UserQueue) else UserQueue(self.queue),
            pick=self.pick,
            skip_absent=self.skip_absent,
            name=self.queue_name,
            author=await first_of(port, self.modified_by),
        )
