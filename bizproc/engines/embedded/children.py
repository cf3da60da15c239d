"""
Children: instances started by an instance, how the parent learns of their end, and how they are cancelled with it.

A child is cancelled with the branch that started it, and all are with the instance as a whole; not so one that is
detached
(it has no parent), and what a shield still waits for. An instance that ends in another way leaves its children alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import AwaitChild, Pending
from bizproc.core.driver import Ask, Branch
from bizproc.core.errors import ChildFailed, InstanceNotFound
from bizproc.engines.embedded.endings import Ending
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.triggers.keys import ending

if TYPE_CHECKING:
    from bizproc.engines.embedded.reactions import Reaction

sql: Final = load("bizproc.engines.embedded", "statements.sql")

ENDED: Final = frozenset({"completed", "failed", "cancelled", "terminated"})


@frozen
class Leaving:
    """
    A branch that was cancelled, as far as its children are concerned.

    Attributes:
        under: How the ids of its children begin.
        shielded: How the ids of those begin that were started under a shield, which goes on.
        awaited: The ids of those that a shield waits for.
    """

    under: str
    shielded: tuple[str, ...]
    awaited: tuple[str, ...]

    def concerns(self, child: str) -> bool:
        """Whether this child is cancelled with it."""
        return child.startswith(self.under) and not child.startswith(self.shielded) and child not in self.awaited


def shields(asks: Iterable[Ask]) -> list[str]:
    """The prefixes of the shields around commands that were open before this moment."""
    return list(dict.fromkeys(prefix for ask in asks if ask.noted is not None for prefix in _shields(ask.branch)))


def awaited(asks: Iterable[Ask]) -> tuple[str, ...]:
    """The children that were waited for under shields before this moment."""
    waits = [ask for ask in asks if isinstance(ask.command, AwaitChild) and ask.noted is not None]
    return tuple(ask.command.child for ask in waits if any(_shields(ask.branch)))  # type: ignore[attr-defined]


def _shields(branch: Branch) -> Iterator[str]:
    while branch.forked is not None:
        if branch.forked.fork.mode == "shield":
            yield branch.prefix
        branch = branch.forked.owner


def cancel(tx: Transaction, parent: int, branch: Leaving, reaction: Reaction) -> list[tuple[int, int]]:
    """
    Ask the live children of a branch to cancel themselves; each with the arrival that says so.

    Those that wait for their turn have nothing to clean up: they end.
    """
    children = tx.execute(sql.live_children, {"key": parent}).fetchall()
    concerned = [(key, queue) for key, id, queue in children if branch.concerns(id)]
    for key, queue in concerned:
        if queue is not None:
            reaction.end(key, Ending("cancelled"))
    return [(key, _ask_cancel(tx, key)) for key, queue in concerned if queue is None]


def _ask_cancel(tx: Transaction, key: int) -> int:
    arrival = {"key": key, "address": "", "kind": "cancel", "payload": None}
    return int(tx.execute(sql.add_arrival, arrival).lastrowid or 0)


def look(tx: Transaction, command: AwaitChild, codec: Codec) -> Any:
    """
    The child's result, or what to listen to until there is one.

    Raises:
        ChildFailed: It ended without a result; its own error is the cause.
    """
    row = tx.execute(sql.child, {"id": command.child}).fetchone()
    if row is None:
        raise InstanceNotFound(instance=command.child)
    key, process, state, outcome, error, ended_by = row
    if state not in ENDED:
        return Pending((ending(key),))
    if state == "completed":
        return codec.decode(outcome, command.result_type, path="result")
    cause = None if error is None else codec.decode_error(error)
    text = str(cause) if cause is not None and str(cause) else (ended_by or state)
    raise ChildFailed(child=command.child, process=process, state=state, text=text, error=cause) from cause
