"""
A backfill: one process, started on each of the items that there are. Names, pace and counts; it starts nothing itself.

The id of each instance follows from the process, the filter, the parameters and the item. So a backfill that was
stopped goes on by being called again: what was started has its id already, whatever became of it since.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final

from attrs import define, field

from bizproc.core.errors import StartRefused
from bizproc.core.process import Process
from bizproc.store.statements import load
from bizproc.store.types import json_text

sql: Final = load("bizproc.engines.embedded", "statements.sql")

PAGE: Final = 500
"""Items that are read at a time."""

WAVE: Final = 50
"""Instances that are started at a time: enough to share commits."""

KEPT: Final = 20
"""So many refusals are told of one by one; the others are counted."""

_LONGEST_NAME: Final = 120
_UNFIT: Final = re.compile(r"[^\w.:-]")


@define
class Backfill:
    """
    How far a backfill has come.

    Attributes:
        started: Instances that were started.
        already: Items that an earlier call of the same backfill had started one on.
        refused: Items on which the overlap policy refused one.
        refusals: The first of these refusals.
        last, highest: The id of the last item that was looked at, and of the last one that there was at the beginning.
    """

    started: int = 0
    already: int = 0
    refused: int = 0
    refusals: list[StartRefused] = field(factory=list)
    last: int = 0
    highest: int = 0

    def refuse(self, refusal: StartRefused) -> None:
        """Count a refusal."""
        self.refused += 1
        if len(self.refusals) < KEPT:
            self.refusals.append(refusal)


class Names:
    """The ids of the instances of one backfill."""

    def __init__(self, process: Process[..., Any], where: str, parameters: str) -> None:
        # Not the version: a backfill that was begun with an older one is the same.
        mark = sha256(json_text([process.name, where, parameters]).encode()).hexdigest()[:12]
        self._name = _UNFIT.sub("_", process.name)[:_LONGEST_NAME]
        self._mark = mark

    def of(self, item: Any) -> str:
        """The id of the instance on this item."""
        return f"{self._name}-{item.item_type}-{item.id}-{self._mark}"


class Pace:
    """How many are started at a time, and how long to wait before; in seconds of any clock that goes on."""

    def __init__(self, limit_per_second: float | None) -> None:
        self._limit = limit_per_second
        self._free_at: float | None = None

    @property
    def wave(self) -> int:
        """How many at a time."""
        return WAVE if self._limit is None else max(1, int(min(WAVE, self._limit)))

    def delay(self, count: int, now: float) -> float:
        """How long to wait before so many more are started."""
        if self._limit is None:
            return 0.0
        begin = now if self._free_at is None else max(now, self._free_at)
        self._free_at = begin + count / self._limit
        return begin - now


def known(connection: Any, ids: Iterable[str]) -> frozenset[str]:
    """Which of these ids instances have."""
    return frozenset(id for (id,) in connection.execute(sql.known_ids, {"ids": json_text(list(ids))}))


def waves(items: Sequence[Any], size: int) -> Iterable[Sequence[Any]]:
    """The items, so many at a time."""
    return (items[begin : begin + size] for begin in range(0, len(items), size))
