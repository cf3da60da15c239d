"""
Assigning: facts and a state in, a decision with its reasons and the next state out. Pure.

    decision, state = assign(policy, roster, state, request)

Nothing is written here, and nothing asked: the roster is what was true at the moment of the decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from attrs import evolve, field, frozen

from bizproc.model.assignments import Considered, Explanation, Reason, Result
from bizproc.rules.picks import Scene, in_turn, moved
from bizproc.rules.queue_state import QueueState
from bizproc.rules.queues import Policy
from bizproc.rules.roster import Candidate, Roster, obstacle, somebody_at, with_load


@frozen(kw_only=True)
class Request:
    """
    Something that needs somebody.

    Attributes:
        record: What it is; with the seed it decides what chance says.
        at: The moment of the decision.
        current: Who is responsible for it now.
        counted: Whether it counts in their load.
        fallback: Who gets it if nobody can take it, where the policy is that.
        priority: In which order it leaves the line, if it is held: 0 before 1.
    """

    record: str
    at: datetime
    current: int | None = None
    counted: bool = True
    seed: str = ""
    fallback: int | None = None
    priority: int = 0


@frozen(kw_only=True)
class Decision:
    """
    What was decided.

    Attributes:
        user: Who is to be responsible; None: nobody was found, and it stays as it is.
    """

    user: int | None
    explain: Explanation

    @property
    def result(self) -> Result:
        """How it ended."""
        return self.explain.result


def assign(
    policy: Policy, roster: Roster, state: QueueState, request: Request, *, name: str = ""
) -> tuple[Decision, QueueState]:
    """Decide who gets it, and how the queue's state moves. Where nobody is chosen, the state is as it was."""
    if request.counted:
        roster = with_load(roster, request.current, -1)  # what they have already is no reason not to have it
    view = _View(policy, roster, {each.user: obstacle(each, policy, request.at) for each in roster}, request, name)
    able = tuple(each for each in roster if view.obstacles[each.user] is None)
    if policy.sticky and any(each.user == request.current for each in able):
        return view.decided("stays", [request.current]), state
    if not able:
        return view.nobody(), state
    if policy.pick == "random":
        able = tuple(each for each in able if each.user != request.current)
    if not able:  # nobody but who is responsible already: nothing changes (D7)
        return view.decided("kept"), state
    absent = frozenset(user for user, reason in view.obstacles.items() if reason == "absent")
    luck = f"{request.seed}\0{request.record}"
    scene = Scene(policy=policy, roster=roster, able=able, absent=absent, state=state, luck=luck)
    order = in_turn(scene)
    return view.decided("chosen", order), moved(scene, order[0])


_NOBODY: Final[dict[str, Result]] = {"keep": "kept", "hold": "held", "fallback": "fallback", "error": "error"}


@frozen
class _View:
    """What a decision is explained from."""

    policy: Policy
    roster: Roster
    obstacles: Mapping[int, Reason | None]
    request: Request
    name: str

    def nobody(self) -> Decision:
        """Nobody can take it."""
        decision = self.decided(_NOBODY[self.policy.nobody])
        until = somebody_at(self.roster, self.policy, self.request.at)
        user = self.request.fallback if self.policy.nobody == "fallback" else None
        return evolve(decision, user=user, explain=evolve(decision.explain, until=until))

    def decided(self, result: Result, order: Sequence[int | None] = ()) -> Decision:
        """The decision for the first in the order."""
        turns = {user: turn for turn, user in enumerate(order)}
        explain = Explanation(
            queue=self.name,
            pick=self.policy.pick,
            result=result,
            at=self.request.at,
            candidates=tuple(self._considered(each, turns.get(each.user)) for each in self.roster),
        )
        return Decision(user=order[0] if order else None, explain=explain)

    def _considered(self, candidate: Candidate, turn: int | None) -> Considered:
        counts = candidate.capacity is not None or self.policy.pick == "least_loaded"
        return Considered(
            user=candidate.user,
            reason=self.obstacles[candidate.user] or self._turn(candidate, turn),
            turn=turn,
            load=candidate.load if counts else None,
            capacity=candidate.capacity,
        )

    def _turn(self, candidate: Candidate, turn: int | None) -> Reason:
        if turn == 0:
            return "chosen"
        chance = self.policy.pick == "random" and candidate.user == self.request.current
        return "responsible_already" if chance else "not_turn"


# -- several, and those who wait ---------------------------------------------------------------------------------------


@frozen(order=True)
class Hold:
    """Something held until somebody can take it. Holds leave in the order of priority, arrival and number."""

    priority: int
    arrived: datetime
    number: int
    request: Request = field(order=False)


@frozen(kw_only=True)
class Released:
    """What left the line, in that order, and what is then."""

    given: tuple[tuple[Hold, Decision], ...]
    line: tuple[Hold, ...]
    roster: Roster
    state: QueueState


def after(roster: Roster, request: Request, decision: Decision) -> Roster:
    """The roster once the decision was carried out: loads follow."""
    if decision.user is None:
        return roster
    without = with_load(roster, request.current, -1) if request.counted else roster
    return with_load(without, decision.user, 1)


def assign_all(
    policy: Policy, roster: Roster, state: QueueState, requests: Iterable[Request], *, name: str = ""
) -> tuple[list[Decision], QueueState]:
    """Assign one after the other, as if each came alone."""
    decisions = []
    for request in requests:
        decision, state = assign(policy, roster, state, request, name=name)
        roster = after(roster, request, decision)
        decisions.append(decision)
    return decisions, state


def release(policy: Policy, roster: Roster, state: QueueState, line: Iterable[Hold], at: datetime) -> Released:
    """
    Give away what waits in line, the first first, until nobody can take the first.

    The policy is one that holds. What comes new goes into the line first: so it never overtakes what was there.
    """
    waiting, given = sorted(line), []
    while waiting:
        request = evolve(waiting[0].request, at=at)
        decision, state = assign(policy, roster, state, request)
        if decision.result == "held":
            break
        roster = after(roster, request, decision)
        given.append((waiting.pop(0), decision))
    return Released(given=tuple(given), line=tuple(waiting), roster=roster, state=state)
