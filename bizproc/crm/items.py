"""What may be done to every item, and how one of a kind is named."""

from __future__ import annotations

from typing import ClassVar, Generic, TypeVar, cast

from bizproc.actions.activities import Activities, AddActivity, CompleteActivity
from bizproc.actions.appointments import ScheduleCall, ScheduleMeeting
from bizproc.actions.comments import AddComment, Comments
from bizproc.actions.data import GetData
from bizproc.actions.documented import documented_by
from bizproc.actions.events import AddEvent
from bizproc.actions.items import Delete, Read, Update
from bizproc.actions.messages import SendEmail, SendSms
from bizproc.actions.observers import ChangeObservers
from bizproc.actions.papers import CreateDocument, Documents
from bizproc.actions.responsible import ChangeResponsible
from bizproc.actions.stopping import StopProcesses
from bizproc.actions.tasks import AddTask, EndTasks, Tasks
from bizproc.core.action import Target, act
from bizproc.crm.clients import DetailsActions
from bizproc.crm.noun import Noun
from bizproc.model.users import Users

I = TypeVar("I")  # noqa: E741 - the item
F = TypeVar("F")


class Named(Noun, Generic[I, F]):
    """One item: the process's own if no id is given. It can be read and changed."""

    kind: ClassVar[str]

    def __init__(self, id: int | None = None) -> None:
        self.target = Target(self.kind, id)

    def __repr__(self) -> str:
        return f"crm.{self.kind}" if self.target.id is None else f"crm.{self.kind}({self.target.id})"

    @documented_by(Read)
    def read(self) -> Read[I]:
        return Read(self.target)

    @documented_by(Update)
    def update(self, fields: F, *, append: bool = False, modified_by: Users | None = None) -> Update[I]:
        return Update(self.target, dict(cast("dict[str, object]", fields)), append=append, modified_by=modified_by)


class Removable(Named[I, F]):
    """One that can also be deleted."""

    delete = act(Delete)


class ItemActions(Named[I, F], DetailsActions):
    """What may be done to an item of whatever kind."""

    delete = act(Delete)

    add_activity = act(AddActivity)
    activities = act(Activities)
    add_comment = act(AddComment)
    comments = act(Comments)
    send_email = act(SendEmail)
    send_sms = act(SendSms)
    change_responsible = act(ChangeResponsible)
    add_event = act(AddEvent)
    complete_activity = act(CompleteActivity)
    schedule_call = act(ScheduleCall)
    schedule_meeting = act(ScheduleMeeting)
    add_task = act(AddTask)
    tasks = act(Tasks)
    change_observers = act(ChangeObservers)
    stop_processes = act(StopProcesses)
    create_document = act(CreateDocument)
    documents = act(Documents)

    @documented_by(GetData)
    def get_data(self, *fields: str, print_version: bool = False) -> GetData:
        return GetData(self.target, fields, print_version=print_version)


class EndsTasks:
    """Of an item whose tasks can be ended by the stages in which they were made."""

    target: Target

    @documented_by(EndTasks)
    def end_tasks(self, *stages: str) -> EndTasks:
        return EndTasks(self.target, stages)


def id_of(item: object) -> int:
    """The id of an item, or what is an id already."""
    return cast("int", getattr(item, "id", item))
