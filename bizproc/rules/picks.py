"""
Whose turn it is: the order in which those who can take something would, and how the state moves when the first does.

Each pick has two functions. `order` ranks, and `moved` remembers; `assigning.py` decides whether anything is picked at
all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from hashlib import blake2b
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from bizproc.model.assignments import Pick
from bizproc.rules.queue_state import QueueState
from bizproc.rules.queues import Policy
from bizproc.rules.roster import Candidate, Roster


@frozen(kw_only=True)
class Scene:
    """
    What a pick sees.

    Attributes:
        able: The members who can take it, in the order of the roster; never none.
        absent: The members who cannot because they are absent.
        luck: What chance says: the same text gives the same pick.
    """

    policy: Policy
    roster: Roster
    able: Roster
    absent: frozenset[int]
    state: QueueState
    luck: str

    @property
    def ring(self) -> tuple[int, ...]:
        """All members in order."""
        return tuple(each.user for each in self.roster)


Order: TypeAlias = Callable[[Scene], Callable[[Candidate], Any]]
"""Gives the key by which those who can take it are sorted; on a tie they stand as in the roster."""

Moved: TypeAlias = Callable[[Scene, int], QueueState]
"""The state after this user was chosen."""


def in_turn(scene: Scene) -> Sequence[int]:
    """Those who can take it, the one whose turn it is first."""
    return [each.user for each in sorted(scene.able, key=_WAYS[scene.policy.pick][0](scene))]


def moved(scene: Scene, chosen: int) -> QueueState:
    """The state after the pick."""
    return _WAYS[scene.policy.pick][1](scene, chosen)


# -- without a state ---------------------------------------------------------------------------------------------------


def _by_chance(scene: Scene) -> Callable[[Candidate], int]:
    """All alike. The number is taken from a hash: what a seed gives must never depend on the Python that runs."""
    number = int.from_bytes(blake2b(scene.luck.encode("utf-8", "surrogatepass"), digest_size=16).digest(), "big")
    first, able = number % len(scene.able), {each.user: place for place, each in enumerate(scene.able)}
    return lambda candidate: (able[candidate.user] - first) % len(able)


def _by_place(_scene: Scene) -> Callable[[Candidate], int]:
    return lambda _candidate: 0


def _as_it_was(scene: Scene, _chosen: int) -> QueueState:
    return scene.state


# -- in order ----------------------------------------------------------------------------------------------------------


def _by_distance(scene: Scene) -> Callable[[Candidate], tuple[bool, int]]:
    """From the pointer onwards; those who are owed a turn come before all."""
    distance = _distances(scene)
    owed = scene.state.owed if scene.policy.catch_up else {}
    return lambda candidate: (not owed.get(candidate.user), distance[candidate.user])


def _distances(scene: Scene) -> Mapping[int, int]:
    ring = scene.ring
    first = _first(ring, scene.state)
    return {user: (place - first) % len(ring) for place, user in enumerate(ring)}


def _first(ring: Sequence[int], state: QueueState) -> int:
    """The place after the pointer. If its member has left, the place of the first of those who came after them."""
    place = {user: number for number, user in enumerate(ring)}
    if state.last is None:
        return 0
    if state.last in place:
        return (place[state.last] + 1) % len(ring)
    then = state.ring.index(state.last) if state.last in state.ring else 0
    followers = (*state.ring[then:], *state.ring[:then])
    return next((place[user] for user in followers if user in place), 0)


def _point(scene: Scene, chosen: int) -> QueueState:
    state = scene.state
    owed = {user: number for user, number in state.owed.items() if user in scene.ring}
    if scene.policy.catch_up and owed.get(chosen):
        owed[chosen] -= 1  # a turn out of turn: the pointer stays
        return evolve(state, owed=_some(owed))
    if scene.policy.catch_up:
        distance = _distances(scene)
        for user in scene.absent:
            if distance[user] < distance[chosen]:
                owed[user] = owed.get(user, 0) + 1
    return evolve(state, last=chosen, ring=scene.ring, owed=_some(owed))


def _some(numbers: Mapping[int, int]) -> dict[int, int]:
    return {user: number for user, number in numbers.items() if number}


# -- least recent, least loaded ----------------------------------------------------------------------------------------


def _by_last_turn(scene: Scene) -> Callable[[Candidate], int]:
    turns = _turns(scene)
    return lambda candidate: turns[candidate.user]


def _by_load(scene: Scene) -> Callable[[Candidate], tuple[Fraction, int]]:
    turns = _turns(scene)
    return lambda candidate: (_burden(candidate, scene.policy), turns[candidate.user])


def _burden(candidate: Candidate, policy: Policy) -> Fraction:
    if policy.measure == "number":
        return Fraction(candidate.load)
    # Of any number, any number is nothing. A capacity of 0 is always full, so it does not come here.
    return Fraction(candidate.load, candidate.capacity) if candidate.capacity else Fraction(0)


def _turns(scene: Scene) -> dict[int, int]:
    """When each member was chosen last. Who is new counts as chosen just now: they wait, and get no burst."""
    return {user: scene.state.turns.get(user, scene.state.turn) for user in scene.ring}


def _take_turn(scene: Scene, chosen: int) -> QueueState:
    turn = scene.state.turn + 1
    return evolve(scene.state, turn=turn, turns={**_turns(scene), chosen: turn})


# -- weighted: smooth weighted round robin -----------------------------------------------------------------------------


def _by_credit(scene: Scene) -> Callable[[Candidate], int]:
    shares, credit = _shares(scene), _credits(scene)
    return lambda candidate: -(credit[candidate.user] + shares[candidate.user])


def _pay(scene: Scene, chosen: int) -> QueueState:
    """Each gets their share in credit; who is chosen pays all of it."""
    shares, before = _shares(scene), _credits(scene)
    after = {user: before[user] + share for user, share in shares.items()}
    after[chosen] -= sum(shares.values())
    return evolve(scene.state, shares=shares, credits=after)


def _shares(scene: Scene) -> dict[int, int]:
    return {each.user: each.weight for each in scene.able}


def _credits(scene: Scene) -> Mapping[int, int]:
    """
    What those who can take it now have in credit.

    When they, or their weights, are not those of the last pick, credits are counted in the new shares, and those who
    stayed are brought back to a sum of about nothing: what somebody took along when they went would else be missing,
    and each coming and going would add to it. Who comes (back) begins with nothing, neither credit nor debt.
    """
    shares, state = _shares(scene), scene.state
    if shares == state.shares:
        return state.credits
    now, then = sum(shares.values()), sum(state.shares.values())
    stayed = {user: state.credits[user] * now // then for user in shares if user in state.shares}
    excess = sum(stayed.values()) // len(stayed) if stayed else 0
    return {user: stayed[user] - excess if user in stayed else 0 for user in shares}


_WAYS: Final[Mapping[Pick, tuple[Order, Moved]]] = {
    "random": (_by_chance, _as_it_was),
    "first_available": (_by_place, _as_it_was),
    "in_order": (_by_distance, _point),
    "least_recent": (_by_last_turn, _take_turn),
    "least_loaded": (_by_load, _take_turn),
    "weighted": (_by_credit, _pay),
}
