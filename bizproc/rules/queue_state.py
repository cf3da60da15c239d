"""
What a queue remembers from pick to pick: a value. No picking, and no store.

The pointer is a member's id, not a number: a counter modulo the size of the queue gives the neighbour of somebody
absent twice as much as the others. Beside it stands the order of the queue as it was then, so that one who has left
still has a place in it. Nothing counts from the beginning of time: a lifetime count would hand whoever returns, or
joins, everything until they have caught up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import asdict, field, fields, frozen

from bizproc.core.errors import WrongValue


@frozen(kw_only=True)
class QueueState:
    """
    The state of a queue, or of one partition of it.

    Attributes:
        last: Whose turn it was last (in order).
        ring: All members, in their order, as of that pick.
        turn: How many picks there were (least recent, least loaded).
        turns: The number of the pick at which each member was chosen last, or came in.
        shares: The weights of those who could take it at the last pick (weighted).
        credits: What each of them has in credit, in shares: the richest is next.
        owed: How many turns each missed (catch up).
    """

    last: int | None = None
    ring: tuple[int, ...] = ()
    turn: int = 0
    turns: Mapping[int, int] = field(factory=dict)
    shares: Mapping[int, int] = field(factory=dict)
    credits: Mapping[int, int] = field(factory=dict)
    owed: Mapping[int, int] = field(factory=dict)


FRESH = QueueState()


def exported(state: QueueState) -> dict[str, Any]:
    """The state as JSON can hold it, where keys are text."""
    return {
        name: {str(user): number for user, number in value.items()} if isinstance(value, Mapping) else value
        for name, value in asdict(state, recurse=False).items()
        if value != getattr(FRESH, name)
    }


def imported(data: Mapping[str, Any]) -> QueueState:
    """The state that was exported."""
    try:
        return QueueState(**{name: _read(data[name], getattr(FRESH, name)) for name in _known(data)})
    except (TypeError, ValueError, AttributeError) as error:
        raise WrongValue(
            action="QueueState", parameter="state", expected="what was exported", got=f"{data!r:.200} ({error})"
        ) from None


def _known(data: Mapping[str, Any]) -> list[str]:
    names = [each.name for each in fields(QueueState)]
    if unknown := set(data) - set(names):
        raise ValueError(f"no {', '.join(sorted(unknown))} in a state")
    return [name for name in names if name in data]


def _read(value: Any, fresh: Any) -> Any:
    if isinstance(fresh, Mapping):
        return {_number(int(user)): _number(number) for user, number in value.items()}
    return tuple(map(_number, value)) if isinstance(fresh, tuple) else _number(value)


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{value!r} is no whole number")
    if abs(value) >= 2**63:
        raise ValueError("a number has more than 64 bits")
    return value
