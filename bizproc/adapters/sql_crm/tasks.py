"""Tasks about an item. An activity shows each beside it, and completing that one completes the task."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from bizproc.adapters.sql_crm import history, stages
from bizproc.adapters.sql_crm.belongings import add, change, those
from bizproc.adapters.sql_crm.shapes import CODEC, shape_of
from bizproc.model.planned import Task
from bizproc.model.references import ItemRef
from bizproc.model.timeline import Activity
from bizproc.ports.performing import Performing


def add_task(
    performing: Performing, ref: ItemRef, title: str, description: str, deadline: datetime | None, shown: Activity
) -> Task:
    """Write a task; one that a process makes is marked with the stage the item is in (D17)."""
    tx = performing.transaction
    by_process = performing.instance is not None and shape_of(ref.kind).is_staged
    made: Task = add(
        tx,
        "task",
        ref,
        title=title,
        description=description,
        responsible_id=shown.responsible_id,
        author_id=shown.author_id,
        deadline=deadline,
        stage=stages.stage_of(tx, ref).code if by_process else None,
        activity_id=shown.id,
        made_by=performing.instance,
        created_at=performing.now,
    )
    history.emit(performing, "task.created", ref, made.author_id, task=made.id, stage=made.stage)
    return made


def open_tasks(performing: Performing, ref: ItemRef, made_in: Iterable[str]) -> list[Any]:
    """The open tasks of an item that bear the mark of one of these stages."""
    wanted = set(made_in)
    open_ = those(performing.transaction, "task", "owner_kind = ? AND owner_id = ? AND completed = 0", ref.kind, ref.id)
    return [each for each in open_ if each.stage in wanted]


def complete_task_of(performing: Performing, activity: Activity, author: int | None) -> None:
    """An activity is completed: so is the task that it shows, if it shows one."""
    condition = "owner_kind = ? AND owner_id = ? AND activity_id = ? AND completed = 0"
    found = those(performing.transaction, "task", condition, activity.owner_kind, activity.owner_id, activity.id)
    for task in found:
        change(performing.transaction, task, completed=True, completed_at=performing.now)
        ref = ItemRef(task.owner_kind, task.owner_id)
        history.line(performing, ref, "task_completed", author, new=CODEC.encode(task.title))
        history.emit(performing, "task.completed", ref, author, task=task.id, stage=task.stage)
