"""Actions on the tasks about an item."""

from __future__ import annotations

from dataclasses import KW_ONLY
from datetime import datetime

from bizproc.actions.people import first_of
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import EmptyText, UnknownStage, WrongValue
from bizproc.model.planned import Task
from bizproc.model.users import Users
from bizproc.ports.crm import Crm


@action_type("crm.add_task")
class AddTask(ItemAction[Task]):
    """
    Make a task about the item, with the open activity that shows it beside the item.

    One that a process makes bears the stage that the item is in: `end_tasks` goes by it (D17). Completing the activity
    completes the task.

    Args:
        title: What is to be done.
        responsible: Who does it; the first user, if several. The item's person in charge if left out.
        deadline: When it must be done.
        description: In plain text.

    Raises:
        EmptyText: a blank title.
        UnknownUser: no such user.
        ItemNotFound: no such item.
        WrongFieldValue: a text that cannot be stored.
    """

    target: Target
    title: str
    _: KW_ONLY
    responsible: Users | None = option(default=None)
    deadline: datetime | None = option(default=None)
    description: str = option(default="")

    async def perform(self, port: Crm) -> Task:
        if not self.title.strip():
            raise EmptyText(action=self.name, parameter="title")
        ref = await port.resolve(self.target.kind, self.target.id)
        responsible = await first_of(port, self.responsible)
        return await port.add_task(ref, self.title, self.description, responsible=responsible, deadline=self.deadline)


@action_type("crm.tasks")
class Tasks(ItemAction[tuple[Task, ...]]):
    """
    The item's tasks, open and completed, the oldest first.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[Task, ...]:
        return await port.tasks(await port.resolve(self.target.kind, self.target.id))


@action_type("crm.end_tasks")
class EndTasks(ItemAction[tuple[Task, ...]]):
    """
    Complete the item's open tasks that processes made while it was in these stages; gives them.

    Tasks that people made are left alone (D17), and so are those of other items. None open is no error. Heading 30.

    Args:
        stages: Codes: at least one, and at least one of them of the item's pipeline.

    Raises:
        WrongValue: no stage is given.
        UnknownStage: a code that is no stage's, or none of them belongs to the item's pipeline.
        ItemNotFound: no such item.
    """

    target: Target
    stages: tuple[str, ...]

    async def perform(self, port: Crm) -> tuple[Task, ...]:
        if not self.stages:
            raise WrongValue(action=self.name, parameter="stages", expected="at least one stage", got="none")
        ref = await port.resolve(self.target.kind, self.target.id)
        now = await port.stage_of(ref)
        named = await port.stages(ref.kind, self.stages)
        if all(stage.pipeline != now.pipeline for stage in named):
            known = f"{now.code} and those beside it"
            given = ", ".join(self.stages)
            raise UnknownStage(kind=ref.kind, pipeline=str(now.pipeline), stage=given, known=known)
        return await port.end_tasks(ref, self.stages)
