"""Actions on the activities of an item."""

from __future__ import annotations

from dataclasses import KW_ONLY
from datetime import datetime

from bizproc.actions.people import first_of, names_users
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import EmptyText
from bizproc.model.timeline import Activity
from bizproc.model.users import Users
from bizproc.ports.crm import Crm


@action_type("crm.add_activity")
class AddActivity(ItemAction[Activity]):
    """
    Give somebody something to do about the item: an open activity beside it.

    Heading 1.

    Args:
        subject: What is to be done.
        description: In plain text.
        responsible: Who does it; the first user, if several. The item's person in charge if left out.
        important: Of high priority.
        complete_on_stage_change: The next change of the item's stage completes it, unless both are in one commit.
        deadline: When it must be done.

    Raises:
        EmptyText: a blank subject.
        UnknownUser: no such user.
        ItemNotFound: no such item.
        WrongFieldValue: a text that cannot be stored, a deadline without a zone.
    """

    target: Target
    subject: str
    description: str = option(default="")
    _: KW_ONLY
    responsible: Users | None = option(default=None, validator=names_users)
    important: bool = option(default=False)
    complete_on_stage_change: bool = option(default=False)
    deadline: datetime | None = option(default=None)

    async def perform(self, port: Crm) -> Activity:
        if not self.subject.strip():
            raise EmptyText(action=self.name, parameter="subject")
        ref = await port.resolve(self.target.kind, self.target.id)
        return await port.add_activity(
            ref,
            self.subject,
            self.description,
            responsible=await first_of(port, self.responsible),
            important=self.important,
            complete_on_stage_change=self.complete_on_stage_change,
            deadline=self.deadline,
        )


@action_type("crm.activities")
class Activities(ItemAction[tuple[Activity, ...]]):
    """
    The item's activities, open and completed, the oldest first.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[Activity, ...]:
        return await port.activities(await port.resolve(self.target.kind, self.target.id))


@action_type("crm.complete_activity")
class CompleteActivity(ItemAction[Activity]):
    """
    Complete one of the item's activities, and the task that it shows. One that is completed already stays as it is.

    Args:
        activity: The activity or its id.

    Raises:
        ItemNotFound: no such activity stands beside the item.
    """

    target: Target
    activity: Activity | int

    async def perform(self, port: Crm) -> Activity:
        ref = await port.resolve(self.target.kind, self.target.id)
        id_ = self.activity.id if isinstance(self.activity, Activity) else self.activity
        return await port.complete_activity(ref, id_)
