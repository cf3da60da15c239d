"""Watching commits: how many there were, what they journalled, and dying at one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bizproc.ports.commit_observer import CommitObserver


def _nobody() -> None:
    """Nothing else dies."""


class SimulatedCrash(BaseException):
    """The program dies here."""


def _crash() -> None:
    raise SimulatedCrash


class Commits:
    """
    The observer of a world's store.

    Attributes:
        count: How many commits were begun.
        journalled: What turns wrote down since the last commit.
        dead: Whether the program has died, and was not brought back yet.
        kept_the_last: Whether it died behind a commit, not before it.
        what: At which commit it died: what that one journalled.
        on_death: Called as it dies.
        crash_at: The number of the commit to die at, and whether behind it; None for no crash.
    """

    def __init__(self, observer: CommitObserver | None = None) -> None:
        self.count = 0
        self.journalled: list[str] = []
        self.dead = False
        self.kept_the_last = False
        self.what: list[str] = []
        self.crash_at: tuple[int, bool] | None = None
        self.on_death: Callable[[], None] = _nobody
        self._observer = observer
        self._died: asyncio.Event | None = None

    def before_commit(self) -> None:
        """See `CommitObserver`."""
        self.count += 1
        self._point(behind=False)

    def after_commit(self) -> None:
        """See `CommitObserver`."""
        self._point(behind=True)
        self.journalled.clear()

    async def death(self) -> None:
        """Wait until the program dies."""
        if self.dead:
            return
        if self._died is None:
            self._died = asyncio.Event()
        await self._died.wait()

    def revive(self) -> None:
        """A new program runs on the store."""
        self.dead, self._died = False, None
        self.journalled.clear()

    def _point(self, *, behind: bool) -> None:
        try:
            self._tell(behind=behind)
            if self.crash_at == (self.count, behind):
                self.crash_at = None
                _crash()
        except BaseException:
            self.kept_the_last = behind
            self.die()
            raise

    def die(self) -> None:
        """The program dies now. What runs in other tasks dies at this very moment, too."""
        self.dead, self.what = True, list(self.journalled)
        self.on_death()
        if self._died is not None:
            self._died.set()

    def _tell(self, *, behind: bool) -> None:
        if self._observer is not None:
            if behind:
                self._observer.after_commit()
            else:
                self._observer.before_commit()
