"""
The journal: what an entry is, how it is compared with what the code asks now, and how rows are chained by checksums.

It decides nothing: which entry is written, and when, is the instance's affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from zlib import crc32

import orjson

from bizproc.core.codec import Codec, argument_hash
from bizproc.core.commands import Command
from bizproc.core.errors import StoreDamaged
from bizproc.engines.embedded.showing import readable

EventName: TypeAlias = Literal["began", "returned", "raised", "cancelled"]

MAIN: Final = ""
"""The address of entries that concern the instance as a whole."""


class Signature(NamedTuple):
    """What a command is compared by on replay, and its arguments as people read them."""

    kind: str
    name: str
    arguments: str
    hash: bytes

    def shown(self) -> str:
        """The command as people read it."""
        return readable(self.kind, self.name, self.arguments)


class Entry(NamedTuple):
    """
    One thing that happened: `event` at `address`.

    `outcome` is the encoded value or error, or the deadline of a wait that began (None: it has none).
    """

    address: str
    event: EventName
    kind: str | None = None
    name: str | None = None
    arguments: str | None = None
    hash: bytes | None = None
    outcome: str | None = None
    attempts: int | None = None
    started_at: str | None = None


class Recorded(NamedTuple):
    """A row of the journal as it is read; `began` to `started_at` as in `Entry`."""

    position: int
    address: str
    event: EventName
    kind: str | None
    name: str | None
    arguments: str | None
    hash: bytes | None
    outcome: str | None
    attempts: int | None
    started_at: str | None
    at: str
    crc: int


def signature(command: Command[Any], codec: Codec) -> Signature:
    """What `command` is compared by. Raises NotJournallable where an argument cannot be written."""
    return tuple.__new__(Signature, (command.kind, command.name, *codec.compared(command.arguments())))


def unwritten(command: Command[Any]) -> Signature:
    """What stands for a command whose arguments cannot be written; it fails, whatever they are."""
    return Signature(command.kind, command.name, "{}", argument_hash(""))


def entry(
    address: str,
    event: EventName,
    asked: Signature,
    outcome: str | None,
    attempts: int | None = None,
    started_at: str | None = None,
) -> Entry:
    """The entry for an answer to what was asked."""
    # As a NamedTuple makes itself, without the call in between: there is one for each step.
    return tuple.__new__(Entry, (address, event, *asked, outcome, attempts, started_at))


class Chain:
    """Numbers the rows of one instance, and chains their checksums: each continues the one before."""

    __slots__ = ("crc", "position")

    def __init__(self, position: int = 0, crc: int = 0) -> None:
        self.position = position
        self.crc = crc

    def row(self, instance: int, entry: Entry, at: str) -> tuple[Any, ...]:
        """The row that comes next."""
        self.crc = checksum(self.crc, instance, self.position, entry)
        row = (instance, self.position, *entry, at, self.crc)
        self.position += 1
        return row

    def copy(self) -> Chain:
        """The same place in the chain."""
        return Chain(self.position, self.crc)


def checksum(before: int, instance: int, position: int, entry: Sequence[Any]) -> int:
    """The checksum of a row after one whose checksum was `before`."""
    address, event, kind, name, arguments, hashed, outcome, attempts, started_at = entry
    # The hash apart: it is bytes, and JSON has none. JSON, not repr: it took less than half the time.
    fields = (instance, position, address, event, kind, name, arguments, outcome, attempts, started_at)
    try:
        text = orjson.dumps(fields)
    except TypeError:  # a lone surrogate
        text = repr(fields).encode("utf-8", "surrogatepass")
    return crc32(hashed or b"", crc32(text, before))


def verified(instance: int, name: str, path: str, rows: Iterable[tuple[Any, ...]]) -> tuple[list[Recorded], Chain]:
    """The rows as they were written. Raises StoreDamaged, naming the instance, where one is not."""
    chain, read = Chain(), list[Recorded]()
    for row in rows:
        recorded = Recorded(*row)
        crc = checksum(chain.crc, instance, chain.position, row[1:10])
        if recorded.position != chain.position or crc != recorded.crc:
            where = f"row {recorded.position} of the journal of instance {name}"
            detail = f"{where} is not as it was written. Nothing was changed."
            raise StoreDamaged(path=path, detail=detail)
        chain.position, chain.crc = chain.position + 1, crc
        read.append(recorded)
    return read, chain
