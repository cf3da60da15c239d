"""
`QueueMachine`: a queue lived through at random, on a real store, beside a model of a list and a few dicts.

    class TestSales(QueueMachine):
        def queue(self, members):
            return UserQueue(members, pick="in_order", skip_absent=True, capacity=5, nobody="hold", name="sales")

    test_sales = TestSales.TestCase

Members come, go, change places and are absent; leads come in, one by one and two at once, are closed and given anew;
time passes; the program dies just before a commit. After each step the laws must hold that hold at any moment: only who
can take it gets it (1), where nobody can nothing moves (2), nobody who can waits longer than the queue is long (5), a
crash gives one turn and not two (11), nobody has more than they can (18), the line is first in, first out, and stands
still only while nobody can take its first (23), and each member has one reason (29).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import timedelta
from typing import Any, Final, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bizproc import crm
from bizproc.model import Assignment, Lead
from bizproc.rules.absences import Span
from bizproc.rules.calendars import Calendar
from bizproc.rules.queues import UserQueue
from bizproc.testing.world import World

T = TypeVar("T")

MOST: Final = 6
"""Members at a time: with more, less of what can happen to each does."""

_hours: Final = st.integers(-6, 30)
_place: Final = st.integers(0, 99)


class QueueMachine(RuleBasedStateMachine):
    """
    Lives through a queue. Override `queue`; `name` it, and let `hours` be a calendar or False.

    Attributes:
        members: Those who are in the queue, in order.
        away: The absences of everybody.
        owners: Who is responsible for each lead that is open.
        line: The leads that are held, in order.
        waited: How many turns of others each member has seen since they could take one.
        lived: What was met, and how often: each result, `died`, `two at once`, `left the line`.
    """

    def __init__(self) -> None:
        super().__init__()
        self._loop = asyncio.new_event_loop()
        self._open = AsyncExitStack()
        self.world: World = self._run(self._open.enter_async_context(self._a_world()))
        self.members: list[int] = []
        self.away: dict[int, list[Span]] = {}
        self._absences: list[tuple[int, Span, int]] = []
        self.owners: dict[int, int | None] = {}
        self.line: list[int] = []
        self.waited: dict[int, int] = {}
        self.lived: Counter[str] = Counter()

    def _a_world(self) -> AbstractAsyncContextManager[World]:
        return World.open()

    def queue(self, members: list[int]) -> UserQueue:
        """The queue that is lived through, with these members."""
        return UserQueue(members, pick="in_order", skip_absent=True, capacity=2, nobody="hold", name="machine")

    def teardown(self) -> None:
        self._run(self._open.aclose())
        self._loop.close()

    # -- what happens --------------------------------------------------------------------------------------------------

    @initialize(count=st.integers(1, 4))
    def begin(self, count: int) -> None:
        """A few members: a queue without any has little to live through."""
        for _ in range(count):
            self.add_member(0)

    @precondition(lambda self: len(self.members) < MOST)
    @rule(place=_place)
    def add_member(self, place: int) -> None:
        """Somebody joins, at any place."""
        user = self._run(self.world.user())
        self.members.insert(place % (len(self.members) + 1), user.id)
        self._other_members()

    @precondition(lambda self: self.members)
    @rule(place=_place)
    def remove_member(self, place: int) -> None:
        """Somebody leaves the queue."""
        del self.members[place % len(self.members)]
        self._other_members()

    @rule(order=st.permutations(range(MOST)))
    def reorder(self, order: list[int]) -> None:
        """The members change places."""
        self.members = [self.members[place] for place in order if place < len(self.members)]
        self._other_members()

    @precondition(lambda self: self.members)
    @rule(place=_place, first=_hours, length=st.integers(0, 30))
    def add_absence(self, place: int, first: int, length: int) -> None:
        """Somebody is absent, was, or will be."""
        user = self.members[place % len(self.members)]
        start = self.world.clock.now() + timedelta(hours=first)
        span = (start, start + timedelta(hours=length))
        self.away.setdefault(user, []).append(span)
        self._absences.append((user, span, self._do(crm.absence.create(user_id=user, start=span[0], end=span[1])).id))
        self._follow_line()

    @precondition(lambda self: self._absences)
    @rule(place=_place)
    def take_absence_back(self, place: int) -> None:
        """Somebody is not absent after all."""
        user, span, absence = self._absences.pop(place % len(self._absences))
        self.away[user].remove(span)
        self._do(crm.absence(absence).delete())
        self._follow_line()

    @rule(hours=st.integers(1, 20))
    def let_time_pass(self, hours: int) -> None:
        """Absences begin and end. Hour by hour while somebody waits: who could take it then need not be able to now."""
        while hours:
            passed = 1 if self.line else hours  # all that begins or ends does so at a full hour
            self._run(self.world.advance(hours=passed))
            self._follow_line()
            hours -= passed

    @rule()
    def assign(self) -> None:
        """A lead comes in."""
        self._assigned(*self._asked(self._new_lead()))

    @rule()
    def assign_and_crash_before_the_commit(self) -> None:
        """A lead comes in, and the program dies before that is on disk."""
        lead = self._new_lead()
        self.world.commits.crash_at = (self.world.commits.count + 1, False)
        died = self.world.runtime
        self._assigned(*self._asked(lead))
        assert self.world.runtime is not died, "it has lived through its death"
        self.lived["died"] += 1

    @rule()
    def assign_two_at_once(self) -> None:
        """Two leads come in at the same moment."""
        self.lived["two at once"] += 1
        leads = [self._new_lead(), self._new_lead()]
        for lead, done in zip(leads, self._run(_both(*map(self._asking, leads))), strict=True):
            self._assigned(lead, done, None)

    @precondition(lambda self: self.owners)
    @rule(place=_place)
    def assign_anew(self, place: int) -> None:
        """Somebody asks again for a lead that is there already."""
        self._assigned(*self._asked(self._lead(place)))

    @precondition(lambda self: self.owners)
    @rule(place=_place, count=st.integers(1, 3))
    def close_leads(self, place: int, count: int) -> None:
        """A lead is done with, or a few are: their owners have room for others."""
        for _ in range(min(count, len(self.owners))):
            lead = self._lead(place)
            self._do(crm.lead(lead).delete())
            del self.owners[lead]
            self.line = [each for each in self.line if each != lead]
            self._follow_line()

    # -- what must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def the_store_says_what_the_model_says(self) -> None:
        """Owners, and the line in its order (23)."""
        leads = {lead.id: lead.responsible_id for lead in self._run(self.world.find(Lead))}
        assert leads == self.owners
        held = [ref.id for ref in self._do(crm.queue(self._name()).held())]
        assert held == self.line, f"held are {held}, where {self.line} wait"

    @invariant()
    def nobody_has_more_than_they_can(self) -> None:
        """Law 18: all leads came through the queue."""
        queue = self.queue(list(self.members))
        for user in self.members:
            capacity = queue.capacity_of(user)
            assert capacity is None or self._load(user) <= capacity

    @invariant()
    def the_line_stands_still_only_while_nobody_can_take_its_first(self) -> None:
        """Law 23: what is held leaves as soon as somebody can take it, which the queue as it was then decides."""
        if self.line and self._same_members:
            assert not self._able(self.owners[self.line[0]])

    # -- the model -----------------------------------------------------------------------------------------------------

    _same_members = True

    def _other_members(self) -> None:
        """What is held knows the members of its time; who waits begins anew."""
        self.waited = {}
        self._same_members = not self.line

    def _able(self, current: int | None) -> list[int]:
        """Who can take a lead that is this one's now."""
        queue, now = self.queue(list(self.members)), self.world.clock.now()
        found = []
        for user in self.members:
            absent = queue.skip_absent and any(start <= now < until for start, until in self.away.get(user, ()))
            closed = isinstance(queue.hours, Calendar) and not queue.hours.is_open(now)
            capacity = queue.capacity_of(user)
            full = capacity is not None and self._load(user) - (user == current) >= capacity
            if not (absent or closed or full or (queue.pick == "weighted" and queue.weight_of(user) == 0)):
                found.append(user)
        return found

    def _load(self, user: int) -> int:
        return sum(owner == user for owner in self.owners.values())

    def _assigned(self, lead: int, done: Assignment, state: Any) -> None:
        """Take over what was decided, if the laws allow it."""
        self.lived[done.explain.result] += 1
        assert [each.user for each in done.explain.candidates] == self.members  # law 29
        before_it = self.line[: self.line.index(lead)] if lead in self.line else self.line
        if before_it and self.queue([]).nobody == "hold":
            assert done.held, "a newer one has overtaken those who wait"  # law 23
            assert state is None or state == self._state(), "the state moved though others wait"  # law 2
            self.line += [lead] if lead not in self.line else []
            return
        able = self._able(self.owners[lead])
        if done.explain.result in ("chosen", "stays"):
            assert done.user in able  # laws 1, 18
            assert done.explain.next_in_turn() == done.user  # law 29
            assert done.changed == (done.user != self.owners[lead])  # law 28
            self._turn_of(done.user, able)
            self.owners[lead] = done.user
            self._leaves(lead)
            return
        assert not able or (done.explain.pick == "random" and able == [self.owners[lead]])  # law 1
        assert not done.changed
        assert state is None or state == self._state(), "the state moved though nobody was chosen"  # law 2
        if not done.held:
            self._leaves(lead)
        elif lead not in self.line:
            self.line.append(lead)

    def _leaves(self, lead: int) -> None:
        """It waits no longer; those behind it may leave, too."""
        if lead in self.line:
            self.line.remove(lead)
            self._follow_line()

    def _turn_of(self, user: int | None, able: list[int]) -> None:
        """Law 5: whoever can take it all the time is chosen after at most |R| - 1 others."""
        if self.queue([]).pick not in ("in_order", "least_recent") or self.queue([]).sticky:
            return
        self.waited = {each: self.waited.get(each, 0) + 1 for each in able if each != user}
        for each, turns in self.waited.items():
            assert turns <= len(self.members) - 1, f"user {each} has waited for {turns} turns"

    def _follow_line(self) -> None:
        """What has left the line must be its beginning, and each went to somebody who could take it."""
        leads = {lead.id: lead.responsible_id for lead in self._run(self.world.find(Lead))}
        left = [ref.id for ref in self._do(crm.queue(self._name()).held())]
        gone = self.line[: len(self.line) - len(left)]
        assert [*gone, *left] == self.line, "somebody was overtaken in the line"
        self.lived["left the line"] += len(gone)
        for lead in gone:
            if self._same_members:
                able = self._able(self.owners[lead])
                assert leads[lead] in able
                self._turn_of(leads[lead], able)
            self.owners[lead] = leads[lead]
        self.line = left
        if not self._same_members:  # whoever got those that are gone had a turn that was not counted
            self.waited = {}
        self._same_members = self._same_members or not left

    # -- the world -----------------------------------------------------------------------------------------------------

    def _run(self, awaitable: Awaitable[T]) -> T:
        return self._loop.run_until_complete(_coroutine(awaitable))

    def _do(self, action: Any) -> Any:
        return self._run(self.world.perform(action))

    def _new_lead(self) -> int:
        lead: Lead = self._do(crm.lead.create(title="A lead"))
        self.owners[lead.id] = None
        return lead.id

    def _lead(self, place: int) -> int:
        return list(self.owners)[place % len(self.owners)]

    def _name(self) -> str:
        name = self.queue([]).name
        assert name is not None, "a QueueMachine's queue has a name"
        return name

    def _state(self) -> Any:
        return self._do(crm.queue(self._name()).export())

    def _asking(self, lead: int) -> Coroutine[Any, Any, Assignment]:
        return _coroutine(self.world.perform(crm.lead(lead).change_responsible(self.queue(list(self.members)))))

    def _asked(self, lead: int) -> tuple[int, Assignment, Any]:
        state = self._state()
        return lead, self._run(self._asking(lead)), state


async def _coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable


async def _both(one: Awaitable[T], two: Awaitable[T]) -> list[T]:
    return list(await asyncio.gather(one, two))
