"""The port of those who watch commits: tests crash here. Not a way to change or to refuse a commit."""

from __future__ import annotations

from typing import Protocol


class CommitObserver(Protocol):
    """
    Is told of each commit of the store, on the thread that commits.

    Contract: what is raised here, of whatever class, is taken for the death of the process at this very moment. The
    database is dead from then on: nothing more is committed, nobody is called back, what is submitted later is
    ignored. Whoever raises knows; the database does not report it.
    """

    def before_commit(self) -> None:
        """All is written and nothing is committed: raising here undoes the group."""

    def after_commit(self) -> None:
        """The group is on disk and nobody knows yet: raising here leaves it there."""
