"""
The writer: what becomes of a batch of works, and the thread on which that happens. No SQL, and no loop: it reports.

`Writer` decides: committed, refused, kept for later, or dead. `WriterThread` gives it batches: whatever has been handed
over while one group was being written is the next group.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Protocol, TypeAlias

from attrs import frozen

from bizproc.core.errors import StoreError, StoreLost
from bizproc.store.group import Group, Killed, Refused, Work
from bizproc.store.owner import Heart
from bizproc.store.trouble import Passing

# Seconds to wait before writing again what could not be written. Each try costs one failed transaction.
FIRST_RETRY = 0.05
LAST_RETRY = 2.0


# -- what is reported --------------------------------------------------------------------------------------------------


@frozen
class Settled:
    """A group is committed, but for the works that were refused (by their place)."""

    works: Sequence[Work]
    refused: Refused


@frozen
class Troubled:
    """Works are being kept because of this error; None: they have been written, it is over."""

    error: StoreError | None


@frozen
class Lost:
    """Nothing will be written any more."""

    error: StoreError


Report: TypeAlias = Settled | Troubled | Lost


# -- decisions ---------------------------------------------------------------------------------------------------------


class Writer:
    """
    Writes batches, one after the other, on whatever thread calls it.

    Attributes:
        kept: Patient works that could not be written yet, the oldest first.
        delay: Seconds until the kept works are worth another try.
        killed: As if the process had been killed: nothing is written, nobody is told.
    """

    def __init__(
        self, group: Group, heart: Heart | None, report: Callable[[Report], None], died: Callable[[], None]
    ) -> None:
        self.kept: list[Work] = []
        self.delay = 0.0
        self.killed = False
        self._group = group
        self._heart = heart
        self._report = report
        self._died = died
        self._trouble: StoreError | None = None
        self._lost: StoreLost | None = None

    def write(self, works: list[Work]) -> None:
        """Write what was kept, and then these."""
        batch = self.kept + works if self.kept else works
        self.kept = []
        if self._lost is not None:
            self._refuse(batch, self._lost)
        elif not self.killed:
            self._commit(batch)

    def beat(self) -> None:
        """Show that the owner is alive."""
        if self._heart is None or self.killed or self._lost is not None:
            return
        try:
            self._heart.beat()
        except StoreLost as lost:
            kept, self.kept = self.kept, []
            self._lose(kept, lost)

    def give_up(self) -> None:
        """The last try for what is kept; what cannot be written now is told so."""
        if self.kept:
            self.write([])
        if self._trouble is not None:
            kept, self.kept = self.kept, []
            self._refuse(kept, self._trouble)

    def die(self) -> None:
        """Whatever is not committed is gone, and nobody hears of it."""
        self.killed = True
        self.kept = []
        self._died()

    def _commit(self, batch: list[Work]) -> None:
        try:
            refused = self._group.commit(batch)
        except Passing as trouble:
            self._keep(batch, trouble)
        except StoreLost as lost:
            self._lose(batch, lost)
        except Killed:
            self.die()
        except Exception as error:  # noqa: BLE001  whatever it is, those who wait must hear of it
            self._refuse(batch, error)
        else:
            self._recover()
            self._report(Settled(batch, refused))

    def _keep(self, batch: list[Work], trouble: StoreError) -> None:
        self.kept = [work for work in batch if work.patient]
        if len(self.kept) < len(batch):
            self._refuse([work for work in batch if not work.patient], trouble)
        if self.kept:
            self._pause(trouble)

    def _pause(self, trouble: StoreError) -> None:
        before, self._trouble = self._trouble, trouble
        self.delay = FIRST_RETRY if before is None else min(self.delay * 2, LAST_RETRY)
        if type(before) is not type(trouble):
            self._report(Troubled(trouble))

    def _recover(self) -> None:
        if self._trouble is not None:
            self._trouble = None
            self._report(Troubled(None))

    def _lose(self, batch: list[Work], lost: StoreLost) -> None:
        self._lost = lost
        self._report(Lost(lost))
        self._refuse(batch, lost)

    def _refuse(self, works: Sequence[Work], error: BaseException) -> None:
        if works:
            self._report(Settled(works, dict.fromkeys(range(len(works)), error)))


# -- where it runs -----------------------------------------------------------------------------------------------------

Errand: TypeAlias = Callable[[], None]
"""Something to be done on the writer's thread between two groups; it raises nothing."""


class Place(Protocol):
    """Where batches are written."""

    def start(self) -> None: ...

    def hand(self, works: list[Work]) -> None:
        """Have these written."""

    def run(self, errand: Errand) -> None:
        """Have this done between two groups."""

    def stop(self) -> None:
        """Write what was handed over and return when nothing runs any more."""


class Inline:
    """
    Here and now, on the loop's thread: tests with virtual time see one order of events, always the same.

    Its heart beats only when it writes, for a timer of its own would move a virtual clock.
    """

    def __init__(self, writer: Writer, call_later: Callable[[float, Callable[[], None]], object]) -> None:
        self._writer = writer
        self._call_later = call_later
        self._stopped = False

    def start(self) -> None:
        """Nothing to start."""

    def hand(self, works: list[Work]) -> None:
        self._writer.write(works)
        self._writer.beat()
        if self._writer.kept:
            self._call_later(self._writer.delay, self._retry)

    def run(self, errand: Errand) -> None:
        errand()

    def stop(self) -> None:
        self._stopped = True
        self._writer.give_up()

    def _retry(self) -> None:
        if self._writer.kept and not self._stopped:
            self.hand([])


class WriterThread:
    """On a thread of its own, which sleeps until something is handed over, or until the heart must beat."""

    def __init__(self, writer: Writer, beat: timedelta | None) -> None:
        self._writer = writer
        self._beat = None if beat is None else beat.total_seconds()
        self._queue: SimpleQueue[list[Work] | Errand | None] = SimpleQueue()
        self._stopping = False
        # A daemon, so that a program that forgets to close its store can end.
        self._thread = threading.Thread(target=self._serve, name="bizproc-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def hand(self, works: list[Work]) -> None:
        self._queue.put(works)

    def run(self, errand: Errand) -> None:
        self._queue.put(errand)

    def stop(self) -> None:
        if self._thread.ident is None:
            return
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        retry_at = 0.0
        while not (self._stopping or self._writer.killed):
            works = self._next(retry_at)
            if works or (self._writer.kept and monotonic() >= retry_at):
                self._writer.write(works)
                retry_at = monotonic() + self._writer.delay
            self._writer.beat()
        self._writer.give_up()

    def _next(self, retry_at: float) -> list[Work]:
        """All that has been handed over since the last group; waits if that is nothing."""
        works: list[Work] = []
        try:
            self._take(self._queue.get(timeout=self._patience(retry_at)), works)
            while True:
                self._take(self._queue.get_nowait(), works)
        except Empty:
            return works

    def _take(self, item: list[Work] | Errand | None, works: list[Work]) -> None:
        if item is None:
            self._stopping = True
        elif isinstance(item, list):
            works.extend(item)
        elif not self._writer.killed:
            item()

    def _patience(self, retry_at: float) -> float | None:
        if not self._writer.kept:
            return self._beat
        until_retry = max(0.0, retry_at - monotonic())
        return until_retry if self._beat is None else min(until_retry, self._beat)
