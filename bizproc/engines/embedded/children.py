"""
Children: instances started by an instance, and how the parent learns of their end. Inside the parent's transaction.
"""

from __future__ import annotations

from typing import Any, Final

from bizproc.core.codec import Codec
from bizproc.core.commands import AwaitChild, Pending
from bizproc.core.errors import ChildFailed, InstanceNotFound
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.triggers.keys import ending

sql: Final = load("bizproc.engines.embedded", "statements.sql")

ENDED: Final = frozenset({"completed", "failed", "cancelled", "terminated"})


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
