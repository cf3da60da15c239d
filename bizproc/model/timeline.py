"""What stands beside an item: comments, activities, and the history of its changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from attrs import frozen

from bizproc.model.references import BEGINNING, ItemRef


@frozen(kw_only=True)
class Comment:
    """
    A comment on an item.

    Attributes:
        text: With the marks [b] [i] [s] [u] [url], as it was written.
        also: Other items that it stands beside.
        author_id: None for the system.
    """

    item_type: ClassVar[str] = "comment"

    id: int
    owner_kind: str = "deal"
    owner_id: int = 0
    also: tuple[ItemRef, ...] = ()
    text: str = ""
    author_id: int | None = None
    created_at: datetime = BEGINNING


@frozen(kw_only=True)
class Activity:
    """
    Something to do, or done, about one or several items.

    Attributes:
        owner_kind, owner_id: The item it was made for.
        bindings: All items that it stands beside, its owner first.
        kind: `todo`, `call`, `meeting`, `email`…
        start, end: When it takes place; the moment it was made, where nothing else was said.
        direction: Of a call or a message: `out` to the client, `in` from there.
        client_address: The client's phone or address that it concerns; whose it is stands in `bindings`.
        deadline: When it must be done.
        completed: Whether it is done; `completed_at` says when.
        complete_on_stage_change: It is completed when the owner's stage changes.
        made_by: The instance that made it; None for a person.
    """

    item_type: ClassVar[str] = "activity"

    id: int
    owner_kind: str = "deal"
    owner_id: int = 0
    bindings: tuple[ItemRef, ...] = ()
    kind: str = "todo"
    subject: str = ""
    description: str = ""
    responsible_id: int | None = None
    author_id: int | None = None
    created_at: datetime = BEGINNING
    start: datetime = BEGINNING
    end: datetime = BEGINNING
    deadline: datetime | None = None
    location: str = ""
    direction: str | None = None
    client_address: str = ""
    important: bool = False
    completed: bool = False
    completed_at: datetime | None = None
    complete_on_stage_change: bool = False
    made_by: str | None = None


@frozen(kw_only=True)
class HistoryEvent:
    """
    One line of an item's history.

    Attributes:
        kind: `created`, `changed`, `product_added`… or `event`: written by somebody, see `type` and `text`.
        type: Of an `event`: a code of the list EVENT_TYPE.
        field: The field that changed; `custom.code` for a custom one.
        old, new: Its values, of the field's type.
        text: What was said, where a person or a process wrote the line.
        author_id: Whose name is shown; None for the system.
        made_by: The instance that made the change; None for a person or an import.
    """

    item_type: ClassVar[str] = "history_event"

    id: int
    owner_kind: str = "deal"
    owner_id: int = 0
    kind: str = "changed"
    type: str | None = None
    field: str | None = None
    old: Any = None
    new: Any = None
    text: str = ""
    author_id: int | None = None
    made_by: str | None = None
    at: datetime = BEGINNING
