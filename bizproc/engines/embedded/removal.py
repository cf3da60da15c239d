"""
Removal: instances that have ended long enough ago go, with all their rows, while the others run.

In small batches, each a work among others in a group, so that nobody waits long behind one. An instance is gone with
one row, in one commit: nobody ever sees half a journal. Its other rows follow; that they must is a row itself
(`removal`), so that a crash on the way leaves nothing behind. What has become free in the file is given back last.

It decides when, not what an end is: that is `endings.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from attrs import define, evolve, field, frozen

from bizproc.core.errors import StoreError
from bizproc.core.process import Process
from bizproc.engines.embedded.asked import Asked, nothing_with
from bizproc.engines.embedded.starting import step_key
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment, moment_text

if TYPE_CHECKING:
    from bizproc.engines.embedded.engine import Engine

sql: Final = load("bizproc.engines.embedded", "statements.sql")

BATCH: Final = 500
"""Rows that one batch removes at most: a bound on how long others wait behind it."""

LOOKED_AT: Final = 100
"""Instances that one batch looks at."""

EVERY: Final = timedelta(hours=1)
"""No more often than this is anything looked for."""

PAGES: Final = 100
"""Pages that are given back at a time."""

KEPT_FREE: Final = 256
"""Free pages that stay in the file: the next rows need them."""

STATES: Final = ("completed", "failed", "cancelled", "terminated")


@frozen
class Place:
    """How far a pass has come: a process and a state, and of these the instance that was looked at last."""

    kind: int = 0
    at: str = ""
    key: int = 0


@frozen
class Batch:
    """What a batch came to: how many instances went, where the next goes on, and whether there is a next one."""

    gone: int
    place: Place
    more: bool


@define(eq=False)
class Remove(Asked[Batch]):
    """
    Remove a batch.

    Attributes:
        kinds: Process, state, and the moment until which its instances must have ended.
        until: The same for what belongs to no instance.
        place: Where the batch before it ended.
    """

    kinds: tuple[tuple[str, str, str], ...] = field(kw_only=True)
    until: str = field(kw_only=True)
    place: Place = field(kw_only=True)

    def write(self, tx: Transaction) -> Batch:
        left = BATCH - _clear_rows(tx, BATCH)
        if left <= 0:
            return Batch(0, self.place, more=True)
        left -= _forget_others(tx, self.until, left)
        if left <= 0:
            return Batch(0, self.place, more=True)
        return self._look(tx)

    def _look(self, tx: Transaction) -> Batch:
        """Those that may go are gone with this commit; their rows go with the next batches."""
        if self.place.kind == len(self.kinds):
            return Batch(0, self.place, more=False)
        process, state, until = self.kinds[self.place.kind]
        asked = {"process": process, "state": state, "until": until, "at": self.place.at, "key": self.place.key}
        rows = tx.execute(sql.ended_until, {**asked, "most": LOOKED_AT}).fetchall()
        gone = [key for key, id, _, parent in rows if not _is_needed(tx, key, id, parent)]
        for key in gone:
            tx.execute(sql.remove_instance, {"key": key})
            tx.execute(sql.add_removal, {"key": key})
        if len(rows) < LOOKED_AT:
            return Batch(len(gone), Place(self.place.kind + 1), more=True)
        return Batch(len(gone), evolve(self.place, at=rows[-1][2], key=rows[-1][0]), more=True)


def _is_needed(tx: Transaction, key: int, id: str, parent: int | None) -> bool:
    """Whether something of it is still to be sent, or its parent may come to wait for it, now or after a `retry`."""
    if tx.execute(sql.open_post_of, {"key": key}).fetchone() is not None:
        return True
    row = None if parent is None else tx.execute(sql.run_of, {"key": parent}).fetchone()
    # A parent that has begun anew since has forgotten it.
    return row is not None and id.startswith(step_key(row[0], row[1], ""))


def _clear_rows(tx: Transaction, most: int) -> int:
    """Remove rows of instances that are gone, so many at most; how many."""
    left = most
    for (key,) in tx.execute(sql.removals).fetchall():
        for text in _ROWS:
            left -= tx.execute(text, {"key": key, "most": left}).rowcount
            if left <= 0:
                return most
        tx.execute(sql.removed, {"key": key})
    return most - left


_ROWS: Final = (
    sql.remove_journal,
    sql.remove_notes,
    sql.remove_signals,
    sql.remove_arrivals,
    sql.remove_posts,
    sql.clear_attempts,
    sql.clear_timers,
    sql.clear_subscriptions,
)


def _forget_others(tx: Transaction, until: str, most: int) -> int:
    """What was sent outside processes, and what guests had asked."""
    count = tx.execute(sql.remove_posts_of_nobody, {"until": until, "most": most}).rowcount
    oldest = tx.execute(sql.oldest_asked, {"most": most - count}).fetchall()
    answered = [id for id, done_at in oldest if done_at is not None and done_at <= until]
    for id in answered:
        tx.execute(sql.forget_asked, {"id": id})
    return count + len(answered)


@define(eq=False)
class GiveBack(Asked[bool]):
    """Give pages that are free back to the disk; whether there are more."""

    def write(self, tx: Transaction) -> bool:
        (free,) = tx.execute("PRAGMA freelist_count").fetchone()
        if free <= KEPT_FREE:
            return False
        # It gives back a page with each row that is read of it.
        tx.execute(f"PRAGMA incremental_vacuum({min(PAGES, free - KEPT_FREE)})").fetchall()
        return True


class Removal:
    """
    The removal of one engine.

    Attributes:
        next: When something is to be looked for; None while that is being done, and where nothing has ended.
        is_running: Whether something is being looked for.
    """

    def __init__(self, engine: Engine, retention: timedelta, pause: float) -> None:
        self.next: datetime | None = None
        self.is_running = False
        self._engine = engine
        self._retention = retention
        self._pause = pause
        self._of: dict[str, timedelta] = {}
        self._shortest = retention
        self._looked_at: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    def use(self, processes: Iterable[Process[..., Any]]) -> None:
        """These are loaded; of several versions the newest says how long instances are kept."""
        newest: dict[str, Process[..., Any]] = {}
        for one in processes:
            if one.name not in newest or newest[one.name].version < one.version:
                newest[one.name] = one
        self._of = {name: one.retention for name, one in newest.items() if one.retention is not None}
        self._shortest = min([*self._of.values(), self._retention])

    async def open(self) -> None:
        """From here on somebody is there. What is due is done with the next look at what is due."""
        self.next = await self._engine.database.read(self._first_due)

    def ended(self) -> None:
        """An instance has ended: in a while it is to go."""
        if not self.is_running:
            self._plan(self._engine.later(self._shortest))

    def begin_if_due(self) -> None:
        """Remove what was kept long enough."""
        if self.next is not None and self.next <= self._engine.now() and not self.is_running:
            self.next = None
            self.is_running = True
            self._task = self._engine.begin_task(self._remove())

    def stop(self) -> None:
        """The rest is for the next start."""
        if self._task is not None:
            self._task.cancel()

    async def finished(self) -> None:
        """Wait until what is being removed is gone."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _remove(self) -> None:
        now = self._looked_at = self._engine.now()
        following: datetime | None = now  # where the store cannot be read at present: in a while
        try:
            following = await self._remove_all(now)
        except StoreError:
            if self._engine.database.dead:
                raise
        self.is_running = False
        if following is not None:
            self._plan(following)
        self._engine.notice_idle()

    async def _remove_all(self, now: datetime) -> datetime | None:
        """Remove what is due, give back what is free; when the next is due."""
        # Once more after one that found some: a child may go when its parent has gone.
        while await self._pass(now):
            pass
        free = True
        while free:
            free = await self._engine.ask(GiveBack(nothing_with), outside=False)
            await asyncio.sleep(self._pause)
        return await self._engine.database.read(partial(self._first_due, since=now))

    async def _pass(self, now: datetime) -> int:
        """Look at all that has ended long enough ago; how many instances went."""
        names = await self._engine.database.read(_names)
        kinds = tuple((name, state, self._until(now, name)) for name in names for state in STATES)
        gone, place, more = 0, Place(), True
        while more:
            work = Remove(nothing_with, kinds=kinds, until=self._until(now), place=place)
            batch: Batch = await self._engine.ask(work, outside=False)
            gone, place, more = gone + batch.gone, batch.place, batch.more
            await asyncio.sleep(self._pause)
        return gone

    def _until(self, now: datetime, process: str | None = None) -> str:
        """Instances of a process that ended by then are to go."""
        try:
            return moment_text(now - self._kept(process))
        except OverflowError:
            return ""

    def _kept(self, process: str | None) -> timedelta:
        return self._retention if process is None else self._of.get(process, self._retention)

    def _plan(self, wanted: datetime) -> None:
        if self._looked_at is not None:
            wanted = max(wanted, self._looked_at + EVERY)
        if self.next is None or wanted < self.next:
            self.next = wanted
            self._engine.wake_by(wanted)

    def _first_due(self, connection: Any, *, since: datetime | None = None) -> datetime | None:
        """When the first of those is due that ended last; with `since`, but for those that were due by then."""
        if since is None and connection.execute(sql.removals).fetchone() is not None:
            return self._engine.now()
        dues = []
        for name in _names(connection):
            after = "" if since is None else self._until(since, name)
            for state in STATES:
                (first,) = connection.execute(
                    sql.first_ended, {"process": name, "state": state, "after": after}
                ).fetchone()
                if first is not None:
                    dues.append(_later(moment(first), self._kept(name)))
        return min(dues, default=None)


def _names(connection: Any) -> list[str]:
    return [name for (name,) in connection.execute(sql.process_names)]


def _later(moment: datetime, duration: timedelta) -> datetime:
    try:
        return moment + duration
    except OverflowError:
        return datetime.max.replace(tzinfo=moment.tzinfo)
