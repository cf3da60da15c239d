"""
A fork: a new instance that has done what another one had done before a step, and goes on from there by itself.

The journal before the step is copied, under a chain of checksums of its own; the original stays as it is. Waits that
were open are written again with the deadlines they had. From the step on the fork has keys of its own: what the
original did there, it does again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Signalled
from bizproc.core.errors import InstanceNotFound, UnknownStep
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.journal import Chain, Entry, Recorded, verified
from bizproc.engines.embedded.works import REWIRE
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction

sql: Final = load("bizproc.engines.embedded", "statements.sql")


@define(eq=False)
class ForkAt(Asked["tuple[int, str]"]):
    """
    Fork an instance before a step; gives the fork's key and id.

    Attributes:
        called: The fork's id; the same again finds the fork that has it.

    Raises InstanceNotFound, UnknownStep, StoreDamaged.
    """

    id: str = field(kw_only=True)
    step: str = field(kw_only=True)
    called: str | None = field(kw_only=True)
    path: str = field(kw_only=True)
    codec: Codec = field(kw_only=True)

    def write(self, tx: Transaction) -> tuple[int, str]:
        existing = None if self.called is None else tx.execute(sql.same_id, {"id": self.called}).fetchone()
        if existing is not None:
            return int(existing[0]), str(existing[1])
        row = tx.execute(sql.forkable, {"id": self.id}).fetchone()
        if row is None:
            raise InstanceNotFound(instance=self.id)
        key, id, process, version, run, kind, item, arguments, first, cause, printed_in = row
        tx.write_rows()  # rows of the journal that other works of this group left for later
        rows, _ = verified(key, id, self.path, tx.execute(sql.journal, {"key": key}))
        before = self._before(rows)
        fork = {
            "id": self.called or _next_id(tx, id),
            "process": process,
            "version": version,
            "run": run,
            "document_type": kind,
            "document_id": item,
            "arguments": arguments,
            "first_arguments": first,
            "cause": cause,
            "printed_in": printed_in,
            "started_at": tx.now_text,
        }
        new = int(tx.execute(sql.add_fork, fork).lastrowid or 0)
        self._copy_journal(tx, new, before)
        self._copy_signals(tx, key, new, rows, before)
        tx.execute(sql.add_arrival, {"key": new, "address": "", "kind": REWIRE, "payload": None})
        return new, fork["id"]

    def _before(self, rows: list[Recorded]) -> list[Recorded]:
        """What was delivered before anything of the step was."""
        return rows[: _place(self.id, self.step, [row.address for row in rows])]

    def _copy_journal(self, tx: Transaction, new: int, before: list[Recorded]) -> None:
        chain = Chain()
        for row in before:
            copied = Entry(*row[1:10])
            tx.execute(sql.append, chain.row(new, copied, row.at))

    def _copy_signals(self, tx: Transaction, key: int, new: int, rows: list[Recorded], before: list[Recorded]) -> None:
        """The fork has not read what the original read later, or in no run before this one."""
        read_in_run, read_before = self._read(rows), self._read(before)
        signals = tx.execute(sql.all_signals, {"key": key}).fetchall()
        consumed = Counter(name for name, _, _, consumed in signals if consumed)
        passed: Counter[str] = Counter()
        for name, value, at, _ in signals:
            passed[name] += 1
            if passed[name] > consumed[name] - read_in_run[name] + read_before[name]:
                tx.execute(sql.add_signal, {"key": new, "name": name, "value": value, "once": None, "at": at})

    def _read(self, rows: list[Recorded]) -> Counter[str]:
        """How many signals of each name these entries have read."""
        return Counter(str(row.name) for row in rows if row.kind == "signal" and self._has_read(row))

    def _has_read(self, row: Recorded) -> bool:
        if row.event == "raised":
            return True  # its value could not be restored
        return row.event == "returned" and not self.codec.decode(row.outcome or "null", Signalled).timed_out


def check_step(connection: Any, id: str, step: str) -> None:
    """
    For those who only ask for a fork, and may not hear the answer.

    Raises InstanceNotFound, UnknownStep.
    """
    row = connection.execute(sql.forkable, {"id": id}).fetchone()
    if row is None:
        raise InstanceNotFound(instance=id)
    _place(id, step, [address for _, address, *_ in connection.execute(sql.journal, {"key": row[0]})])


def _place(id: str, step: str, addresses: Sequence[str]) -> int:
    """Where the step begins in a journal: itself, or the first thing inside it."""
    for place, address in enumerate(addresses):
        if address == step or address.startswith(f"{step}."):
            return place
    known = ", ".join(dict.fromkeys(address for address in addresses[:_SHOWN] if address)) or "none"
    more = "…" if len(addresses) > _SHOWN else ""
    raise UnknownStep(instance=id, step=step, known=known + more)


def _next_id(tx: Transaction, id: str) -> str:
    base, number = id.replace("/", "-"), 1  # people may give no slash, and a fork is theirs
    while tx.execute(sql.same_id, {"id": f"{base}-fork-{number}"}).fetchone() is not None:
        number += 1
    return f"{base}-fork-{number}"


_SHOWN: Final = 50
