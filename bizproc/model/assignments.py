"""What came of looking for a person in charge: who it is, and for each who could have been, why it is not them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from bizproc.model.references import BEGINNING

Pick: TypeAlias = Literal["random", "first_available", "in_order", "least_recent", "least_loaded", "weighted"]
"""How one is picked of those who can take it."""

Reason: TypeAlias = Literal[
    "chosen", "not_turn", "absent", "off_hours", "full", "inactive", "no_weight", "responsible_already"
]
"""Why it is this candidate, or why it is not."""

Result: TypeAlias = Literal["chosen", "stays", "kept", "held", "fallback", "error"]
"""
How it ended: one was chosen; a sticky owner stays; or nobody could take it: all was left as it was, the record is held,
the fallback got it, or it is an error.
"""

_IN_WORDS: Final[dict[Reason, str]] = {
    "chosen": "chosen",
    "not_turn": "could take it; another was chosen",
    "absent": "absent",
    "off_hours": "outside working hours",
    "full": "full",
    "inactive": "no longer active",
    "no_weight": "has weight 0",
    "responsible_already": "responsible already",
}


@frozen(kw_only=True)
class Considered:
    """
    One candidate.

    Attributes:
        turn: Of those who could take it: the place in which they would have, from 0.
        load, capacity: As they were, without the record itself; None where they did not matter.
    """

    user: int
    reason: Reason
    turn: int | None = None
    load: int | None = None
    capacity: int | None = None

    def __str__(self) -> str:
        loaded = (
            "" if self.load is None else f" ({self.load} of {'any number' if self.capacity is None else self.capacity})"
        )
        return f"user {self.user}: {_IN_WORDS[self.reason]}{loaded}"


@frozen(kw_only=True)
class Explanation:
    """
    Why.

    Attributes:
        queue: The queue's name, and its partition.
        candidates: All of the queue, in its order, each once.
        until: Where nobody could take it: the first moment at which somebody can, as far as that is known.
    """

    queue: str = ""
    pick: Pick = "random"
    result: Result = "kept"
    at: datetime = BEGINNING
    candidates: tuple[Considered, ...] = ()
    until: datetime | None = None

    def users(self, *reasons: Reason) -> tuple[int, ...]:
        """The candidates with one of these reasons, in order."""
        return tuple(each.user for each in self.candidates if each.reason in reasons)

    def next_in_turn(self) -> int | None:
        """Who is chosen, found anew from the candidates' turns."""
        turns = [(each.turn, each.user) for each in self.candidates if each.turn is not None]
        return min(turns)[1] if turns else None

    def __str__(self) -> str:
        return "\n".join((f"{self.queue}: {self.pick}, {self.result}", *(f"  {each}" for each in self.candidates)))


@frozen(kw_only=True)
class Assignment:
    """
    What became of who is responsible.

    Attributes:
        user: Who was picked, changed or not; None if nobody was.
        previous: Who was responsible before.
        changed: Whether the item's person in charge is another one now.
        held: Whether the item waits for somebody to become available.
        explain: A reason for each candidate.
    """

    user: int | None = None
    previous: int | None = None
    changed: bool = False
    held: bool = False
    explain: Explanation = field(factory=Explanation)


def reasons_of(candidates: Iterable[Considered]) -> str:
    """One line of all reasons, for an error's text."""
    return "; ".join(map(str, candidates)) or "The queue is empty."
