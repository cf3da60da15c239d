"""
The laws of assignment queues: one test a law, named after it. Here are those of the pure rules.

Those that need a store, crashes or several programs at once stand in `test_queue_laws_in_the_store.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bizproc.core.errors import WrongValue
from bizproc.model.assignments import Pick
from bizproc.rules.absences import Span, all_day, away, back
from bizproc.rules.assigning import Decision, Hold, Request, after, assign, assign_all, release
from bizproc.rules.calendars import Calendar
from bizproc.rules.queue_state import FRESH, QueueState, exported, imported
from bizproc.rules.queues import PICKS, Policy, UserQueue
from bizproc.rules.roster import Candidate, Roster, free_at, obstacle, with_load
from bizproc.testing.strategies.calendars import ZONES
from bizproc.testing.strategies.moments import moments
from bizproc.testing.strategies.queues import NOW, policies, queues, rosters, spans

ALWAYS_AWAY: Span = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
TAKING_TURNS: Sequence[Pick] = ("in_order", "least_recent")

users = st.lists(st.integers(1, 40), min_size=2, max_size=7, unique=True)
turn_takers = st.sampled_from(TAKING_TURNS)
fair = st.sampled_from([*TAKING_TURNS, "weighted"])


def roster_of(ids: Iterable[int], *absent: int) -> Roster:
    """Members who are there, and some who are not."""
    return tuple(Candidate(user=user, absences=(ALWAYS_AWAY,) if user in absent else ()) for user in ids)


def by(pick: str, **options: object) -> Policy:
    return Policy(pick=pick, skip_absent=True, **options)  # type: ignore[arg-type]  # words of a parametrised test


def request(number: int = 0, **fields: object) -> Request:
    return Request(record=f"deal:{number}", at=NOW, **fields)  # type: ignore[arg-type]  # likewise


def picks(policy: Policy, roster: Roster, state: QueueState, count: int) -> tuple[list[int], QueueState]:
    """Who is chosen, so many times in a row."""
    chosen = []
    for number in range(count):
        decision, state = assign(policy, roster, state, request(number))
        assert decision.user is not None
        chosen.append(decision.user)
    return chosen, state


@st.composite
def used(draw: st.DrawFn, pick: Pick, ids: Sequence[int]) -> QueueState:
    """A state that a queue of these members can be in: after picks with this one or that absent."""
    state = FRESH
    for _ in range(draw(st.integers(0, 6))):
        some = draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
        absent = draw(st.sets(st.sampled_from(some)))
        _, state = assign(by(pick), roster_of(some, *absent), state, request())
    return state


def able(policy: Policy, roster: Roster, asked: Request) -> set[int]:
    """Who can take it: written down anew, from the facts."""
    found = set()
    for each in roster:
        own = 1 if asked.counted and each.user == asked.current else 0
        there = not policy.skip_absent or not any(start <= asked.at < until for start, until in each.absences)
        open_ = each.hours is None or each.hours.is_open(asked.at)
        room = each.capacity is None or each.load - own < each.capacity
        if each.active and there and open_ and room and (policy.pick != "weighted" or each.weight):
            found.add(each.user)
    return found


@st.composite
def asked(draw: st.DrawFn, roster: Roster) -> Request:
    """A request for one of them, or for somebody from outside."""
    current = draw(st.sampled_from([None, 99, *(each.user for each in roster)]))
    return request(draw(st.integers(0, 9)), current=current, fallback=77, seed=draw(st.text(max_size=3)))


# -- 1 to 5: who, whether, and when ------------------------------------------------------------------------------------


@given(policy=policies(), roster=rosters(), data=st.data())
def test_law_1_membership(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 1. The result can take it, or is the named outcome; never anybody else."""
    asking = data.draw(asked(roster))
    decision, _ = assign(policy, roster, data.draw(used("in_order", [1, 2, 3])), asking)
    eligible = able(policy, roster, asking)
    if decision.result in ("chosen", "stays"):
        assert decision.user in eligible
    elif decision.result == "fallback":
        assert decision.user == 77
        assert not eligible
    else:
        assert decision.user is None
        assert not eligible or (policy.pick == "random" and eligible == {asking.current})


@given(policy=policies(), roster=rosters(), data=st.data())
def test_law_2_nobody(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 2. If nobody can take it, what happens is what the policy names, and the state is as it was."""
    asking = data.draw(asked(roster))
    shut = Calendar(hours=[[]] * 7)
    kept_away = [
        lambda it: evolve(it, active=False),
        lambda it: evolve(it, capacity=0, load=it.load + 1),  # whoever is responsible has at least that one
        lambda it: evolve(it, hours=shut),
    ]
    roster = tuple(data.draw(st.sampled_from(kept_away))(each) for each in roster)
    assert not able(policy, roster, asking)
    state = data.draw(used(policy.pick, [each.user for each in roster] or [1]))
    decision, then = assign(policy, roster, state, asking)
    assert then == state
    assert decision.result == {"keep": "kept", "hold": "held", "error": "error", "fallback": "fallback"}[policy.nobody]
    of_none, then = assign(policy, (), state, asking)
    assert (of_none.result, of_none.user) == (decision.result, decision.user)
    assert then == state


@given(policy=policies(), roster=rosters(), data=st.data())
def test_law_3_determinism(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 3. The same roster, state, seed and record give the same result."""
    asking, state = data.draw(asked(roster)), data.draw(used(policy.pick, [1, 2, 3, 4]))
    assert assign(policy, roster, state, asking) == assign(policy, roster, state, asking)


def test_law_3_what_a_seed_gives_depends_on_nothing_else() -> None:
    """Law 3. Neither on the program that runs nor on its Python: what was picked years ago would be picked again."""
    chosen = [assign(by("random"), roster_of(range(5)), FRESH, request(n, seed="é"))[0].user for n in range(12)]
    assert chosen == [3, 0, 4, 3, 0, 1, 1, 3, 1, 0, 2, 1]


@given(pick=turn_takers, ids=users, data=st.data())
def test_law_4_window_fairness(pick: Pick, ids: list[int], data: st.DataObject) -> None:
    """Law 4. While nothing changes, over any window no two counts of those who are there differ by more than 1."""
    there = data.draw(st.lists(st.sampled_from(ids), min_size=1, unique=True))
    roster = roster_of(ids, *(user for user in ids if user not in there))
    chosen, _ = picks(by(pick), roster, data.draw(used(pick, ids)), 4 * len(ids))
    begin, end = sorted((data.draw(st.integers(0, len(chosen))), data.draw(st.integers(0, len(chosen)))))
    counts = Counter(chosen[begin:end])
    assert max(counts[user] for user in there) - min(counts[user] for user in there) <= 1


@given(pick=turn_takers, ids=users, data=st.data())
def test_law_5_bounded_waiting(pick: Pick, ids: list[int], data: st.DataObject) -> None:
    """Law 5. Whoever can always take it is chosen after at most |R| - 1 other choices, whoever else comes and goes."""
    state, always = data.draw(used(pick, ids)), data.draw(st.sampled_from(ids))
    waited = 0
    for _ in range(3 * len(ids)):
        absent = data.draw(st.sets(st.sampled_from(ids))) - {always}
        (chosen,), state = picks(by(pick), roster_of(ids, *absent), state, 1)
        waited = 0 if chosen == always else waited + 1
        assert waited <= len(ids) - 1


# -- 6 to 10: members come, go, and change places ----------------------------------------------------------------------


@given(pick=turn_takers, ids=users, data=st.data())
def test_law_6_absence_neutrality(pick: Pick, ids: list[int], data: st.DataObject) -> None:
    """Law 6. With one member absent the others' counts stay within 1."""
    missing = data.draw(st.sampled_from(ids))
    chosen, _ = picks(by(pick), roster_of(ids, missing), data.draw(used(pick, ids)), 5 * len(ids) + 1)
    counts = Counter(chosen)
    others = [counts[user] for user in ids if user != missing]
    assert max(others) - min(others) <= 1
    assert counts[missing] == 0


def test_law_6_one_of_five_absent_leaves_250_each() -> None:
    """Law 6. The figures: a counter modulo five gives the next one 400 of 1,000."""
    for pick in TAKING_TURNS:
        chosen, _ = picks(by(pick), roster_of(range(1, 6), 3), FRESH, 1000)
        assert Counter(chosen) == {1: 250, 2: 250, 4: 250, 5: 250}


@given(pick=fair, ids=users, data=st.data())
def test_law_7_no_flood_on_return(pick: Pick, ids: list[int], data: st.DataObject) -> None:
    """Law 7. On return a member gets at most one of the next |E| picks."""
    gone = data.draw(st.sampled_from(ids))
    state = data.draw(used(pick, ids))
    _, state = picks(by(pick), roster_of(ids, gone), state, data.draw(st.integers(1, 30)))
    chosen, _ = picks(by(pick), roster_of(ids), state, len(ids))
    assert chosen.count(gone) <= 1


@given(ids=users, data=st.data())
def test_law_7_unless_they_catch_up(ids: list[int], data: st.DataObject) -> None:
    """Law 7. With catch_up the missed turns are made up for, one by one, and then all is as it would have been."""
    gone, rounds, policy = data.draw(st.sampled_from(ids)), data.draw(st.integers(1, 5)), by("in_order", catch_up=True)
    missed, state = picks(policy, roster_of(ids, gone), FRESH, rounds * (len(ids) - 1) + 1)
    owed = rounds + (gone == ids[0])
    made_up, state = picks(policy, roster_of(ids), state, owed)
    assert made_up == [gone] * owed
    chosen, _ = picks(policy, roster_of(ids), state, len(ids) - 1)
    after_last = ids.index(missed[-1]) + 1
    assert chosen == [*ids[after_last:], *ids[:after_last]][: len(ids) - 1]  # the pointer stood still meanwhile
    counts = Counter([*missed, *made_up])
    assert max(counts.values()) - min(counts.values()) <= 1


@given(ids=users, rounds=st.integers(1, 5), newly=st.integers(100, 110), data=st.data())
def test_law_7_only_who_was_absent_from_the_queue_catches_up(
    ids: list[int], rounds: int, newly: int, data: st.DataObject
) -> None:
    """Law 7. Not who was full, or outside their hours; nor who has left the queue meanwhile, and comes to it anew."""
    policy, gone = by("in_order", catch_up=True), data.draw(st.sampled_from(ids))
    ways: list[dict[str, Any]] = [{"capacity": 0}, {"hours": Calendar(hours=[[]] * 7)}, {"active": False}]
    hindered = data.draw(st.sampled_from(ways))
    without = tuple(evolve(each, **hindered) if each.user == gone else each for each in roster_of(ids))
    _, state = picks(policy, without, FRESH, rounds * len(ids))
    assert not state.owed
    _, state = picks(policy, roster_of(ids, gone), state, rounds * len(ids))
    assert state.owed.keys() == {gone}
    left = [newly if user == gone else user for user in ids]
    _, state = picks(policy, roster_of(left), state, 1)
    chosen, _ = picks(policy, roster_of(ids), state, len(ids))
    assert chosen.count(gone) <= 1


@given(ids=users, rounds=st.integers(1, 40))
def test_law_7_who_leaves_when_next_in_turn_again_and_again_builds_up_nothing(ids: list[int], rounds: int) -> None:
    """Law 7. Under weights, too: what somebody took along when they went is nobody's credit and nobody's debt."""
    state, policy = FRESH, by("weighted")
    for _ in range(rounds):
        (richest,), _ = picks(policy, roster_of(ids), state, 1)
        _, state = picks(policy, roster_of(ids, richest), state, 1)
    chosen, _ = picks(policy, roster_of(ids), state, len(ids))
    assert max(Counter(chosen).values()) <= 2
    assert chosen.count(richest) <= 1


@given(ids=users, newcomer=st.integers(100, 110), count=st.integers(0, 20))
def test_law_8_a_newcomer_comes_after_those_who_were_there(ids: list[int], newcomer: int, count: int) -> None:
    """Law 8. Their baseline is now: whoever waits already is chosen before them, but for the one who was last."""
    _, state = picks(by("least_recent"), roster_of(ids), FRESH, len(ids) + count)
    chosen, _ = picks(by("least_recent"), roster_of([newcomer, *ids]), state, len(ids) - 1)
    assert newcomer not in chosen


@given(pick=fair, ids=users, newcomer=st.integers(100, 110), data=st.data())
def test_law_8_join(pick: Pick, ids: list[int], newcomer: int, data: st.DataObject) -> None:
    """Law 8. A new member waits at most |R| picks and gets no burst: their baseline is now, not zero."""
    _, state = picks(by(pick), roster_of(ids), data.draw(used(pick, ids)), data.draw(st.integers(0, 40)))
    place = data.draw(st.integers(0, len(ids)))
    more = [*ids[:place], newcomer, *ids[place:]]
    chosen, _ = picks(by(pick), roster_of(more), state, 2 * len(more) + 1)
    assert newcomer in chosen[: len(more) + 1]
    assert all(chosen[begin : begin + len(more)].count(newcomer) <= 1 for begin in range(len(more)))


@given(ids=users, newcomer=st.integers(100, 110), data=st.data())
def test_law_8_a_newcomer_has_nothing_to_catch_up_with(ids: list[int], newcomer: int, data: st.DataObject) -> None:
    """Law 8. Whoever joins has missed no turns, though those who were absent make up for theirs."""
    policy, gone = by("in_order", catch_up=True), data.draw(st.sampled_from(ids))
    _, state = picks(policy, roster_of(ids, gone), FRESH, data.draw(st.integers(0, 30)))
    place = data.draw(st.integers(0, len(ids)))
    more = [*ids[:place], newcomer, *ids[place:]]
    chosen, _ = picks(policy, roster_of(more, gone), state, 3 * len(more))
    assert all(chosen[begin : begin + len(ids)].count(newcomer) <= 1 for begin in range(len(chosen)))
    assert newcomer in chosen[: len(more)]


@given(ids=users, data=st.data())
def test_law_9_the_last_one_leaves(ids: list[int], data: st.DataObject) -> None:
    """Law 9. When the one who was last leaves, the next is who would have followed, whoever leaves with them."""
    state = data.draw(used("in_order", ids))
    (last,), state = picks(by("in_order"), roster_of(ids), state, 1)
    gone = data.draw(st.sets(st.sampled_from(ids))) | {last}
    left = [user for user in ids if user not in gone]
    assume(left)
    would_follow, _ = picks(by("in_order"), roster_of(ids, *gone), state, 1)
    follows, state = picks(by("in_order"), roster_of(left), state, 1)
    assert follows == would_follow
    # Nobody is skipped or doubled afterwards.
    chosen, _ = picks(by("in_order"), roster_of(left), state, len(left) - 1)
    assert sorted([*follows, *chosen]) == sorted(left)


def test_law_9_the_pointer_is_a_member_and_not_a_place() -> None:
    """Law 9. When somebody before the one who was last leaves, the next is the same: their place is another now."""
    chosen, state = picks(by("in_order"), roster_of([1, 2, 3, 4]), FRESH, 2)
    assert chosen == [1, 2]
    assert picks(by("in_order"), roster_of([2, 3, 4]), state, 3)[0] == [3, 4, 2]


@given(policy=policies(), roster=rosters(), data=st.data())
def test_law_10_reorder(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 10. Another order changes only who is next: never who can take it, and not what was."""
    asking, shuffled = data.draw(asked(roster)), tuple(data.draw(st.permutations(roster)))
    state = data.draw(used(policy.pick, [each.user for each in roster] or [1]))
    before, after_ = assign(policy, roster, state, asking)[0], assign(policy, shuffled, state, asking)[0]
    hinders = ("absent", "off_hours", "full", "inactive", "no_weight")
    assert {each.user: each.reason for each in before.explain.candidates if each.reason in hinders} == {
        each.user: each.reason for each in after_.explain.candidates if each.reason in hinders
    }
    assert before.result == after_.result


@given(ids=users, data=st.data())
def test_law_10_reorder_keeps_the_counts(ids: list[int], data: st.DataObject) -> None:
    """Law 10. Who waited longest is next in any order; and in a new order nobody is forgotten."""
    _, state = picks(by("least_recent"), roster_of(ids), FRESH, data.draw(st.integers(len(ids), 30)))
    shuffled = data.draw(st.permutations(ids))
    assert picks(by("least_recent"), roster_of(shuffled), state, 9) == picks(
        by("least_recent"), roster_of(ids), state, 9
    )
    _, state = picks(by("in_order"), roster_of(ids), FRESH, data.draw(st.integers(0, 30)))
    chosen, _ = picks(by("in_order"), roster_of(shuffled), state, len(ids))
    assert sorted(chosen) == sorted(ids)


# -- 16 to 20: each pick -----------------------------------------------------------------------------------------------


@given(ids=users, data=st.data())
def test_law_16_random(ids: list[int], data: st.DataObject) -> None:
    """Law 16. Anyone but the current one; the same seed gives the same; absence only takes away."""
    current, absent = data.draw(st.sampled_from([None, *ids])), data.draw(st.sets(st.sampled_from(ids)))
    present = {user for user in ids if user not in absent and user != current}
    found: set[int | None] = set()
    for number in range(40 * len(ids)):
        decision, state = assign(
            by("random"), roster_of(ids, *absent), FRESH, request(number, current=current, seed="s")
        )
        assert state == FRESH
        assert (
            decision
            == assign(by("random"), roster_of(ids, *absent), FRESH, request(number, current=current, seed="s"))[0]
        )
        found.add(decision.user)
    assert found == (present or set[int | None]((None,)))


@given(ids=users)
def test_law_16_another_seed_gives_another_pick(ids: list[int]) -> None:
    """Law 16. The same record asked for again gets any of them: chance is in the seed, too."""
    seeds = map(str, range(40 * len(ids)))
    assert {assign(by("random"), roster_of(ids), FRESH, request(seed=seed))[0].user for seed in seeds} == set(ids)


def test_law_16_random_with_the_current_one_alone_changes_nothing() -> None:
    """Law 16. With the current one alone in the queue nothing changes (D7), whatever happens when nobody is in."""
    for nobody in ("keep", "hold", "error", "fallback"):
        decision, _ = assign(by("random", nobody=nobody), roster_of([5]), FRESH, request(current=5, fallback=7))
        assert (decision.user, decision.result) == (None, "kept")
        assert decision.explain.users("responsible_already") == (5,)


@pytest.mark.parametrize("size", [2, 3, 5, 8])
@pytest.mark.parametrize("seed", ["", "a", "sales", "é"])
def test_law_16_random_is_uniform(size: int, seed: str) -> None:
    """Law 16. Chi squared, under a seeded generator, stays under what one in 10,000 fair ones goes beyond."""
    count = 1000 * size
    chosen = Counter(
        assign(by("random"), roster_of(range(size)), FRESH, request(number, seed=seed))[0].user
        for number in range(count)
    )
    chi_squared = sum((chosen[user] - 1000) ** 2 / 1000 for user in range(size))
    assert chi_squared < {2: 15.14, 3: 18.42, 5: 23.51, 8: 29.88}[size]


@given(roster=rosters(), data=st.data())
def test_law_17_first_available(roster: Roster, data: st.DataObject) -> None:
    """Law 17. The first who can take it; one more who can never makes it a later one."""
    policy, asking = by("first_available"), data.draw(asked(roster))
    eligible = able(policy, roster, asking)
    decision, _ = assign(policy, roster, FRESH, asking)
    assert decision.user == next((each.user for each in roster if each.user in eligible), None)
    place = {each.user: number for number, each in enumerate(roster)}
    for freed in range(len(roster)):
        more = (*roster[:freed], Candidate(user=roster[freed].user), *roster[freed + 1 :])
        now = assign(policy, more, FRESH, asking)[0].user
        assert now is not None
        assert place[now] <= place.get(decision.user, len(roster))  # type: ignore[arg-type]  # None is in no place


@given(policy=policies(), roster=rosters(least=1), count=st.integers(1, 12), data=st.data())
def test_law_18_capacity(policy: Policy, roster: Roster, count: int, data: st.DataObject) -> None:
    """Law 18. There was room before and nobody is over capacity after; who is over it already is let alone."""
    state = FRESH
    for number in range(count):
        asking = request(number, current=data.draw(st.sampled_from([None, roster[0].user])))
        decision, state = assign(policy, roster, state, asking)
        then = {each.user: each for each in after(roster, asking, decision)}
        if decision.result in ("chosen", "stays"):
            assert decision.user is not None
            chosen = then[decision.user]
            assert chosen.capacity is None or chosen.load <= chosen.capacity
        assert all(then[each.user].load >= each.load - 1 for each in roster), (
            "nothing is taken away but what is handed over"
        )
        roster = tuple(then.values())


@pytest.mark.parametrize("pick", PICKS)
def test_law_18_capacity_of_0_and_of_1(pick: Pick) -> None:
    """Law 18. The edges."""
    roster = (Candidate(user=1, capacity=0), Candidate(user=2, capacity=1), Candidate(user=3, capacity=1, load=9))
    decisions, _ = assign_all(by(pick), roster, FRESH, [request(1), request(2)])
    assert [each.user for each in decisions] == [2, None]
    assert decisions[0].explain.users("full") == (1, 3)
    # What one has already is no reason not to have it.
    kept, _ = assign(by(pick, sticky=True), (Candidate(user=2, capacity=1, load=1),), FRESH, request(current=2))
    assert (kept.user, kept.result) == (2, "stays")


@given(policy=policies(st.just("least_loaded")), roster=rosters(), data=st.data())
def test_law_19_least_loaded(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 19. The load of the result is the least of those who can take it, in number or in percent of the capacity."""
    policy = evolve(policy, sticky=False)
    asking = data.draw(asked(roster))
    eligible = able(policy, roster, asking)
    decision, _ = assign(policy, roster, FRESH, asking)
    assume(decision.result == "chosen")

    def burden(user: int | None) -> float:
        (it,) = (each for each in roster if each.user == user)
        load = it.load - (1 if asking.current == user else 0)
        if policy.measure == "number":
            return load
        return load / it.capacity if it.capacity else 0.0

    assert burden(decision.user) == min(map(burden, eligible))


@given(ids=users, loads=st.integers(0, 4), data=st.data())
def test_law_19_on_a_tie_the_least_recent(ids: list[int], loads: int, data: st.DataObject) -> None:
    """Law 19. On a tie it is who was chosen longest ago, not who was made first."""
    even = tuple(Candidate(user=user, load=loads) for user in ids)
    state = data.draw(used("least_recent", ids))
    assert picks(by("least_loaded"), even, state, 12)[0] == picks(by("least_recent"), even, state, 12)[0]


def test_law_19_number_and_percent_differ() -> None:
    """Law 19. 1 of 2 and 8 of 10: by number the first, by percent, too; 2 of 3 and 3 of 10: there they differ."""
    roster = (Candidate(user=1, load=2, capacity=3), Candidate(user=2, load=3, capacity=10))
    assert assign(by("least_loaded", measure="number"), roster, FRESH, request())[0].user == 1
    assert assign(by("least_loaded", measure="percent"), roster, FRESH, request())[0].user == 2
    spec = (Candidate(user=1, load=1, capacity=2), Candidate(user=2, load=8, capacity=10))
    assert assign(by("least_loaded", measure="percent"), spec, FRESH, request())[0].user == 1
    nothing = (Candidate(user=1, capacity=0), Candidate(user=2, load=9, capacity=10))
    assert assign(by("least_loaded", measure="percent"), nothing, FRESH, request())[0].user == 2


weights = st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any)


def weighted(numbers: Sequence[int]) -> Roster:
    return tuple(Candidate(user=user, weight=weight) for user, weight in enumerate(numbers))


@given(numbers=weights, rounds=st.integers(1, 3))
def test_law_20_weighted(numbers: list[int], rounds: int) -> None:
    """Law 20. Over k times the sum of weights each gets k times its own; 0 is never chosen."""
    chosen, _ = picks(by("weighted"), weighted(numbers), FRESH, rounds * sum(numbers))
    counts = Counter(chosen)
    assert [counts[user] for user in range(len(numbers))] == [rounds * weight for weight in numbers]


@given(numbers=weights, rounds=st.integers(1, 3), data=st.data())
def test_law_20_weighted_among_those_who_are_there(numbers: list[int], rounds: int, data: st.DataObject) -> None:
    """Law 20. Whoever is absent all the time has no part in it, nor does their weight."""
    absent = data.draw(st.sets(st.integers(0, len(numbers) - 1)))
    there = [0 if user in absent else weight for user, weight in enumerate(numbers)]
    assume(any(there))
    roster = tuple(evolve(each, absences=(ALWAYS_AWAY,) if each.user in absent else ()) for each in weighted(numbers))
    counts = Counter(picks(by("weighted"), roster, FRESH, rounds * sum(there))[0])
    assert [counts[user] for user in range(len(numbers))] == [rounds * weight for weight in there]


@given(numbers=weights, factor=st.integers(2, 9))
def test_law_20_scaling_all_weights_changes_nothing(numbers: list[int], factor: int) -> None:
    """Law 20. The sequence depends on the weights' proportions alone."""
    scaled = weighted([factor * weight for weight in numbers])
    sequence, state = picks(by("weighted"), weighted(numbers), FRESH, 40)
    assert picks(by("weighted"), scaled, FRESH, 40)[0] == sequence
    assert picks(by("weighted"), scaled, state, 40)[0] == picks(by("weighted"), weighted(numbers), state, 40)[0]


@given(numbers=weights)
def test_law_20_is_smooth(numbers: list[int]) -> None:
    """Law 20. Every prefix stays within 2 picks of what each is due."""
    chosen, _ = picks(by("weighted"), weighted(numbers), FRESH, 3 * sum(numbers))
    for length in range(len(chosen) + 1):
        counts = Counter(chosen[:length])
        for user, weight in enumerate(numbers):
            assert abs(counts[user] - length * weight / sum(numbers)) < 2


@given(data=st.data())
def test_law_20_whoever_comes_and_goes_credits_stay_small(data: st.DataObject) -> None:
    """Law 20. Credits never grow, whatever the weights were before: at most 3 picks' worth, on the long run too."""
    state = FRESH
    for _ in range(40):
        roster = weighted(data.draw(weights))
        (_,), state = picks(by("weighted"), roster, state, 1)
        assert max(map(abs, state.credits.values())) <= 3 * sum(state.shares.values())


# -- 21 and 22: absences and hours -------------------------------------------------------------------------------------


@given(several=st.lists(spans(), max_size=4), hours=st.integers(-110, 110))
def test_law_21_absences_are_half_open(several: list[Span], hours: int) -> None:
    """Law 21. [from, until): there at the end. Several are one union, in any order; an empty one is none."""
    at = NOW + timedelta(hours=hours)
    expected = any(start <= at and not until <= at for start, until in several)
    assert away(several, at) == away(reversed(several), at) == expected
    returned = back(several, at)
    assert (returned > at) == expected
    assert not away(several, returned)
    assert all(away(several, at + timedelta(hours=hour)) for hour in range(int((returned - at) / timedelta(hours=1))))


def test_law_21_at_the_end_of_an_absence_one_is_there() -> None:
    """Law 21. The edges: at its beginning absent, at its end there, and no time at all is no absence."""
    hour = timedelta(hours=1)
    away_now = Candidate(user=1, absences=((NOW, NOW + hour), (NOW + hour, NOW + 2 * hour)))
    reasons = [obstacle(away_now, by("in_order"), NOW + minutes * hour / 60) for minutes in (-1, 0, 60, 119, 120)]
    assert reasons == [None, "absent", "absent", "absent", None]
    assert obstacle(Candidate(user=1, absences=((NOW, NOW),)), by("in_order"), NOW) is None
    assert back([(NOW + hour, NOW + 2 * hour), (NOW, NOW + hour)], NOW) == NOW + 2 * hour


@given(at=moments(), zone=st.sampled_from(ZONES), days=st.integers(0, 3), before=st.integers(0, 3))
def test_law_21_whole_days_are_days_of_the_member(at: datetime, zone: str, days: int, before: int) -> None:
    """Law 21. All day is from midnight to midnight in the member's zone, also on days of 23 and 25 hours."""
    tz = ZoneInfo(zone)
    first = at.astimezone(tz).date() - timedelta(days=before)
    last = first + timedelta(days=days)
    assert away([all_day(first, last, tz)], at) == (first <= at.astimezone(tz).date() <= last)


def test_law_21_a_day_has_23_or_25_hours() -> None:
    """Law 21. As it is in Paris."""
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25)):
        start, until = all_day(day, day, ZoneInfo("Europe/Paris"))
        assert until - start == timedelta(hours=hours)


@settings(max_examples=300)
@given(roster=rosters(least=1, most=3), data=st.data())
def test_law_22_hours(roster: Roster, data: st.DataObject) -> None:
    """Law 22. Whoever is outside their hours is passed over, absent or not; and it is held until the first is there."""
    policy = Policy(pick="in_order", skip_absent=data.draw(st.booleans()), nobody="hold")
    roster = tuple(evolve(each, capacity=None) for each in roster)
    decision, _ = assign(policy, roster, FRESH, request())
    for each in decision.explain.candidates:
        (it,) = (candidate for candidate in roster if candidate.user == each.user)
        closed = it.hours is not None and not it.hours.is_open(NOW)
        assert (each.reason == "off_hours") == (
            closed and it.active and not (policy.skip_absent and away(it.absences, NOW))
        )
    until = decision.explain.until
    if decision.result != "held" or until is None:
        assert decision.result == "chosen" or not any(each.active for each in roster)
        return
    # Not later than the first: then somebody can take it. And not before: at no moment that something ends or opens.
    assert assign(policy, roster, FRESH, evolve(request(), at=until))[0].result == "chosen"
    openings = [free_at(each, policy, NOW) for each in roster]
    assert until == min(moment for moment in openings if moment is not None)
    minutes = int((until - NOW) / timedelta(minutes=15))
    for quarter in range(min(minutes, 400)):
        assert (
            assign(policy, roster, FRESH, evolve(request(), at=NOW + quarter * timedelta(minutes=15)))[0].user is None
        )


def test_law_22_night_shifts_and_holidays() -> None:
    """Law 22. Hours from 22 to 6, and a day on which nobody works."""
    nights = Calendar(zone="Europe/Paris", hours="mon-sun 22:00-06:00", holidays=[date(2026, 3, 26)])
    night_worker = Candidate(user=1, hours=nights)
    paris = ZoneInfo("Europe/Paris")
    clock = {"25 05:59": None, "25 06:00": "off_hours", "25 22:00": None, "26 01:00": "off_hours"}
    for moment, reason in clock.items():
        at = datetime.strptime(f"2026-03-{moment}", "%Y-%m-%d %H:%M").replace(tzinfo=paris)
        assert obstacle(night_worker, by("in_order"), at) == reason
    decision, _ = assign(by("in_order", nobody="hold"), (night_worker,), FRESH, request())
    assert decision.explain.until == datetime(2026, 3, 25, 22, tzinfo=paris)


# -- 23 to 30 ----------------------------------------------------------------------------------------------------------


@given(roster=rosters(least=1), data=st.data())
def test_law_23_the_line_is_first_in_first_out(roster: Roster, data: st.DataObject) -> None:
    """Law 23. What is held leaves by priority, arrival and number; what is newer never overtakes."""
    policy = by(data.draw(st.sampled_from(PICKS)), nobody="hold")
    line: list[Hold] = []
    left: list[Hold] = []
    state = FRESH
    # All have little room, so that there is a line.
    little: dict[str, Any] = {"active": True, "hours": None, "absences": (), "weight": 1}
    roster = tuple(evolve(each, **little, capacity=min(each.capacity or 1, 2)) for each in roster)
    for number in range(data.draw(st.integers(1, 10))):
        hold = Hold(data.draw(st.integers(0, 1)), NOW + timedelta(minutes=number // 2), number, request(number))
        released = release(policy, roster, state, [*line, hold], NOW)
        given_ = [each for each, _ in released.given]
        assert [*given_, *released.line] == sorted([*line, hold])
        assert all(decision.user is not None for _, decision in released.given)
        # And whoever waits behind waits for good reason: nobody can take the first.
        for first in released.line[:1]:
            assert not able(policy, released.roster, first.request)
        left += given_
        line, roster, state = list(released.line), released.roster, released.state
        if data.draw(st.booleans()):  # somebody closes one
            roster = with_load(roster, data.draw(st.sampled_from(roster)).user, -1)
    for priority in (0, 1):
        leaving = [hold.number for hold in (*left, *line) if hold.priority == priority]
        assert leaving == sorted(leaving)


@given(policy=policies(), roster=rosters(least=1), data=st.data())
def test_law_24_sticky_owner(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 24. If the current one can take it, it stays theirs and no turn is used; else it is a pick like any other."""
    sticky, state = evolve(policy, sticky=True), data.draw(used(policy.pick, [each.user for each in roster]))
    asking = data.draw(asked(roster))
    if there := sorted(able(sticky, roster, asking)):
        asking = evolve(asking, current=data.draw(st.sampled_from([*there, asking.current])))
    if asking.current in able(sticky, roster, asking):
        decision, then = assign(sticky, roster, state, asking)
        assert (decision.user, decision.result) == (asking.current, "stays")
        assert then == state
    else:
        assert assign(sticky, roster, state, asking) == assign(evolve(policy, sticky=False), roster, state, asking)


@given(policy=policies(), roster=rosters(least=1), data=st.data())
def test_law_25_the_dismissed_are_never_chosen(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 25. Nor when the absent are not passed over, nor as the owner who stays."""
    asking = data.draw(asked(roster))
    gone = {each.user for each in roster if not each.active}
    decision, _ = assign(evolve(policy, skip_absent=False), roster, FRESH, asking)
    assert decision.user not in gone
    assert set(decision.explain.users("inactive")) == gone


@given(policy=policies(), roster=rosters(), data=st.data())
def test_law_27_bulk_is_a_fold(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 27. Many at once are the same as one after the other, loads included."""
    many = [evolve(data.draw(asked(roster)), record=f"deal:{number}") for number in range(data.draw(st.integers(0, 6)))]
    at_once, end = assign_all(policy, roster, FRESH, many)
    state, singly = FRESH, list[Decision]()
    for each in many:
        decision, state = assign(policy, roster, state, each)
        if decision.user is not None:
            less = with_load(roster, each.current, -1)
            roster = with_load(less, decision.user, +1)
        singly.append(decision)
    assert (at_once, end) == (singly, state)


@given(policy=policies(), roster=rosters(), data=st.data())
def test_law_29_explain(policy: Policy, roster: Roster, data: st.DataObject) -> None:
    """Law 29. Each candidate has one reason, and the result follows from them."""
    asking = data.draw(asked(roster))
    decision, _ = assign(policy, roster, data.draw(used(policy.pick, [1, 2, 3])), asking)
    explain = decision.explain
    assert [each.user for each in explain.candidates] == [each.user for each in roster]
    eligible = able(policy, roster, asking)
    passed_over = set(explain.users("chosen", "not_turn", "responsible_already"))
    assert passed_over == eligible
    assert (
        set(explain.users("absent", "off_hours", "full", "inactive", "no_weight"))
        == {each.user for each in roster} - eligible
    )
    if decision.result in ("chosen", "stays"):
        assert explain.users("chosen") == (decision.user,)
        assert explain.next_in_turn() == decision.user
    else:
        assert explain.next_in_turn() is None
    assert str(explain).count("\n") == len(roster)


@given(pick=st.sampled_from(PICKS), ids=users, data=st.data())
def test_law_30_export_and_import(pick: Pick, ids: list[int], data: st.DataObject) -> None:
    """Law 30. What is exported and imported goes on as before; what is deleted is a fresh queue."""
    state = data.draw(used(pick, ids))
    copy = imported(orjson.loads(orjson.dumps(exported(state))))
    assert copy == state
    assert picks(by(pick), roster_of(ids), copy, 9) == picks(by(pick), roster_of(ids), state, 9)
    assert imported({}) == FRESH
    assert exported(FRESH) == {}


@pytest.mark.parametrize(
    "data", [{"last": "5"}, {"pointer": 1}, {"turns": {"x": 1}}, {"credits": {"1": 1.5}}, {"turns": 3}, {"turn": True}]
)
def test_law_30_what_was_not_exported_is_not_imported(data: dict[str, object]) -> None:
    """Law 30. A state that nobody exported is refused, not half read."""
    with pytest.raises(WrongValue, match="what was exported"):
        imported(data)


# -- the value itself --------------------------------------------------------------------------------------------------


@given(queue=queues())
def test_a_queue_leaves_open_what_the_action_says(queue: UserQueue) -> None:
    policy = queue.policy(pick="random", skip_absent=True)
    assert policy.pick == (queue.pick or "random")
    assert policy.skip_absent is (True if queue.skip_absent is None else queue.skip_absent)


@pytest.mark.parametrize(
    "options",
    [
        {"pick": "fastest"},
        {"capacity": -1},
        {"capacity": {1: True}},
        {"weights": {1: 0.5}},
        {"weights": {"a": 1}},
        {"load": "mood"},
        {"measure": "weight"},
        {"catch_up": True},
        {"catch_up": True, "pick": "weighted"},
    ],
)
def test_a_queue_that_makes_no_sense_is_refused_by_name(options: dict[str, object]) -> None:
    with pytest.raises(WrongValue, match=f"UserQueue: {next(iter(options))}"):
        UserQueue([1, 2], **options)  # type: ignore[arg-type]  # as a file may have it
