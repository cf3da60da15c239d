"""Actions on the history of an item."""

from __future__ import annotations

from dataclasses import KW_ONLY

from bizproc.actions.people import first_of
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import EmptyText
from bizproc.model.timeline import HistoryEvent
from bizproc.model.users import Users
from bizproc.ports.crm import Crm


@action_type("crm.add_event")
class AddEvent(ItemAction[HistoryEvent]):
    """
    Write a line into the item's history: it changes no field, tells nothing, and ends no wait.

    Heading 4.

    Args:
        text: What happened.
        type: A code of the list EVENT_TYPE: `INFO`, `PHONE`, `MESSAGE`, or one of one's own.
        author: Whose name it bears; the first user, if several. The system if left out.

    Raises:
        EmptyText: a blank text, or no type.
        UnknownEventType: the list has no such code.
        UnknownUser: no such author.
        ItemNotFound: no such item.
        WrongFieldValue: a text that cannot be stored.
    """

    target: Target
    text: str
    _: KW_ONLY
    type: str = option(default="INFO")
    author: Users | None = option(default=None)

    async def perform(self, port: Crm) -> HistoryEvent:
        for parameter, text in (("text", self.text), ("type", self.type)):
            if not text.strip():
                raise EmptyText(action=self.name, parameter=parameter)
        ref = await port.resolve(self.target.kind, self.target.id)
        return await port.add_event(ref, self.type, self.text, author=await first_of(port, self.author))
