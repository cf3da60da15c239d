"""Messages that were sent: `crm.message(5).read()`. They are sent by `crm.deal.send_email(...)` and `send_sms(...)`."""

from __future__ import annotations

from bizproc.actions.documented import documented_by
from bizproc.actions.messages import ReadMessage
from bizproc.crm.items import id_of
from bizproc.crm.noun import Noun
from bizproc.model.messages import Message


class NamedMessage(Noun):
    """One of them."""

    def __init__(self, message: int) -> None:
        self._message = message

    def __repr__(self) -> str:
        return f"crm.message({self._message})"

    @documented_by(ReadMessage)
    def read(self) -> ReadMessage:
        return ReadMessage(self._message)


class Messages(Noun):
    """`crm.message`: names one message."""

    def __repr__(self) -> str:
        return "crm.message"

    def __call__(self, message: Message | int) -> NamedMessage:
        """One of them, by itself or by its id."""
        return NamedMessage(id_of(message))
