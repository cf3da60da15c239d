"""What stands beside an item and has its time: tasks, bookings, waits, notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal, TypeAlias

from attrs import frozen

from bizproc.model.references import BEGINNING, DERIVED


@frozen(kw_only=True)
class Task:
    """
    A task about an item.

    Attributes:
        stage: The stage the item was in when a process made the task; None for one that was made by hand (D17).
        activity_id: The activity that shows it beside the item.
        made_by: The instance that made it; None for a person.
    """

    item_type: ClassVar[str] = "task"

    id: Annotated[int, DERIVED]
    owner_kind: str = "deal"
    owner_id: int = 0
    title: str = ""
    description: str = ""
    responsible_id: int | None = None
    author_id: int | None = None
    deadline: datetime | None = None
    completed: bool = False
    completed_at: datetime | None = None
    stage: str | None = None
    activity_id: int | None = None
    made_by: str | None = None
    created_at: datetime = BEGINNING


@frozen(kw_only=True)
class Booking:
    """
    A booking of a user's time, in a booking field of an item.

    Attributes:
        field: The field's code.
        user_id: Who is booked.
        start, end: From, and until (not included).
        service: What for.
        all_day: Whole days of the field's time zone.
    """

    item_type: ClassVar[str] = "booking"

    id: Annotated[int, DERIVED]
    owner_kind: str = "deal"
    owner_id: int = 0
    field: str = ""
    user_id: int = 0
    start: datetime = BEGINNING
    end: datetime = BEGINNING
    service: str = ""
    all_day: bool = False
    made_by: str | None = None


WaitReason: TypeAlias = Literal["time", "client_activity", "skipped", "superseded"]


@frozen(kw_only=True)
class Wait:
    """
    A wait card beside an item: a process waits there.

    Attributes:
        description: What for, in words.
        end: When it is over by itself.
        reason: Why it was over: a `WaitReason`, or that nobody waited any more: `cancelled`, `terminated`, `failed`,
            `completed` (its instance has ended so, or the branch that waited was cancelled). None while it lasts.
        made_by: The instance that waits, and `step` the key of the step.
    """

    item_type: ClassVar[str] = "wait"

    id: Annotated[int, DERIVED]
    owner_kind: str = "deal"
    owner_id: int = 0
    description: str = ""
    author_id: int | None = None
    start: datetime = BEGINNING
    end: datetime = BEGINNING
    completed: bool = False
    completed_at: datetime | None = None
    reason: str | None = None
    made_by: str | None = None
    step: str = ""


@frozen
class WaitOutcome:
    """
    How waiting for days ended.

    Attributes:
        reason: `time`, `client_activity` (D3), `skipped` by a person, or `superseded` by a newer wait of the same
            instance.
    """

    reason: WaitReason


@frozen(kw_only=True)
class Notification:
    """
    What a user is told.

    Attributes:
        owner_kind, owner_id: The item it is about.
        due_at: When they are told: a reminder lies in the future.
        activity_id: The activity it reminds of.
        read: They have seen it.
    """

    item_type: ClassVar[str] = "notification"

    id: Annotated[int, DERIVED]
    owner_kind: str = "deal"
    owner_id: int = 0
    user_id: int = 0
    text: str = ""
    due_at: datetime = BEGINNING
    activity_id: int | None = None
    read: bool = False
    created_at: datetime = BEGINNING
