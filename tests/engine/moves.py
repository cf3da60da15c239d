"""Actions of the tests' own that do what actions of the CRM do: a deletion, a move of pipeline, a delivery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bizproc.core.commands import Action, Delivered, Outgoing, Settling, Verdict
from bizproc.model.references import ItemRef


@frozen
class Delete(Action[None]):
    """Delete a deal."""

    deal: int

    @property
    def name(self) -> str:
        return "tests.delete"

    def arguments(self) -> Mapping[str, object]:
        return {"deal": self.deal}

    async def perform(self, port: Any) -> None:
        await port.delete(ItemRef("deal", self.deal))


@frozen
class Move(Action[bool]):
    """Move a deal to another pipeline; all instances on it end, unless it is there already (D10)."""

    deal: int
    pipeline: int

    @property
    def name(self) -> str:
        return "tests.move"

    def arguments(self) -> Mapping[str, object]:
        return {"deal": self.deal, "pipeline": self.pipeline}

    async def perform(self, port: Any) -> bool:
        ref = ItemRef("deal", self.deal)
        if (await port.read(ref)).pipeline == self.pipeline:
            return False
        await port.update(ref, {"pipeline": self.pipeline})
        port.performing.end_all_on(ref, "pipeline changed")
        return True


@frozen
class Noted(Settling):
    """What is done when something was sent: a contact is made of it."""

    async def settle(self, port: Any, verdict: Verdict) -> Any:
        return (await port.create("contact", {"name": "Jo", "last_name": verdict.fate})).id


@frozen
class Tell(Delivered[int]):
    """Send a word; a contact is made when it has arrived."""

    @property
    def name(self) -> str:
        return "tests.tell"

    def arguments(self) -> Mapping[str, object]:
        return {}

    async def perform(self, port: Any) -> Any:
        return Outgoing("post", "word", Noted())
