"""
Who was picked in a story: what a test has to set up so that the same are picked again.

The journal has each decision with its reasons. From them follow the users, who was absent, and where the queue stood;
the rules say whether that leads to the same decisions. Where it does not, since others had a part in it, or chance,
there is no such test.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from bizproc.core.codec import Codec
from bizproc.model.assignments import Assignment, Explanation
from bizproc.rules.absences import Span
from bizproc.rules.assigning import Request, assign
from bizproc.rules.queue_state import FRESH, QueueState, exported
from bizproc.rules.queues import Policy
from bizproc.rules.roster import Candidate, Roster

if TYPE_CHECKING:
    from bizproc.engines.embedded.journal import Recorded

_A_MINUTE: Final = timedelta(minutes=1)
_NAMES_OTHERS: Final = re.compile(r'"(Department|Group|Supervisor|Head)\w*"')
_NOBODY: Final[dict[str, Any]] = {"held": "hold", "error": "error", "fallback": "fallback"}


@frozen
class Told:
    """What a test sets up for one queue; `state` is None where a fresh one does."""

    queue: str
    state: dict[str, Any] | None


@frozen
class Assigned:
    """
    The decisions of a story, each with the step that asked for it.

    Attributes:
        refused: The first step that asked for one and got an error.
    """

    decisions: Sequence[tuple[Recorded, Assignment]]
    refused: Recorded | None = None

    @classmethod
    def of(cls, rows: Iterable[Recorded], codec: Codec) -> Assigned:
        """Those that were made in it."""
        asked = [row for row in rows if (row.name or "").endswith(".change_responsible")]
        made = [(row, codec.decode(row.outcome or "null", Assignment)) for row in asked if row.event == "returned"]
        return cls(made, next((row for row in asked if row.event == "raised"), None))

    def users(self) -> set[int]:
        """All who could have been picked, and who got it."""
        named = {each.user for _, done in self.decisions for each in done.explain.candidates}
        return named | {done.user for _, done in self.decisions if done.user is not None}

    def absences(self) -> Iterator[tuple[int, Span]]:
        """Who was absent, and when: around the decision, or until what was held could leave."""
        for _, done in self.decisions:
            at, until = done.explain.at, done.explain.until
            for user in done.explain.users("absent"):
                yield user, (at - _A_MINUTE, until if until is not None and until > at else at + _A_MINUTE)

    def queues(self) -> Iterator[Told]:
        """Where the queues stood, in the order in which they were asked."""
        for name, several in self._by_queue().items():
            told = [done for _, done in several]
            before = (FRESH, _before(told[0].explain))
            state = next(state for state in before if _leads_to(told, state))
            yield Told(name, None if state == FRESH else exported(state))

    def untold(self) -> tuple[Recorded, str] | None:
        """The first step of which no test can be made, and why."""
        if self.refused is not None:
            return self.refused, "nobody was picked, and why is not in the journal"
        for row, done in self.decisions:
            if _NAMES_OTHERS.search(row.arguments or ""):
                return row, "its queue names departments, groups or the like, whose members are not in the journal"
            if done.explain.queue.endswith("]"):
                return row, "its queue is shared out by a field of the item"
            if done.explain.pick == "random" and len([each for each in done.explain.candidates if _turn(each)]) > 1:
                return row, "chance would decide anew"
        for several in self._by_queue().values():
            told = [done for _, done in several]
            if not any(_leads_to(told, state) for state in (FRESH, _before(told[0].explain))):
                return several[0][
                    0
                ], "who was picked depends on more than the journal has, such as loads and other items"
        return None

    def _by_queue(self) -> dict[str, list[tuple[Recorded, Assignment]]]:
        found: dict[str, list[tuple[Recorded, Assignment]]] = {}
        for row, done in self.decisions:
            found.setdefault(done.explain.queue, []).append((row, done))
        return found


def _turn(candidate: Any) -> bool:
    return candidate.turn is not None


def _before(explain: Explanation) -> QueueState:
    """A state in which it is the turn of those whose turn it was, in that order."""
    ring = tuple(each.user for each in explain.candidates)
    able = sorted((each for each in explain.candidates if each.turn is not None), key=lambda each: each.turn or 0)
    if not able:
        return FRESH
    if explain.pick == "in_order":
        return QueueState(last=ring[ring.index(able[0].user) - 1], ring=ring)
    if explain.pick in ("least_recent", "least_loaded"):
        turns = {each.user: number for number, each in enumerate(able, start=1)}
        return QueueState(turn=len(able), turns=turns)
    return FRESH


def _leads_to(told: Sequence[Assignment], state: QueueState) -> bool:
    """Whether the same are picked from this state on, where nobody has anything else to do."""
    for done in told:
        explain = done.explain
        policy = Policy(
            pick=explain.pick,
            skip_absent=True,
            sticky=explain.result == "stays",
            nobody=_NOBODY.get(explain.result, "keep"),
        )
        request = Request(record="", at=explain.at, current=done.previous, counted=False, fallback=done.user)
        decision, state = assign(policy, _roster(explain), state, request)
        if (decision.user, decision.result) != (done.user, explain.result):
            return False
    return True


def _roster(explain: Explanation) -> Roster:
    away = _around(explain.at)
    return tuple(
        Candidate(user=each.user, capacity=each.capacity, absences=(away,) if each.reason == "absent" else ())
        for each in explain.candidates
    )


def _around(at: datetime) -> Span:
    return at - _A_MINUTE, at + _A_MINUTE
