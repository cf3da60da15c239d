"""
The laws of assignment queues that need a store, crashes, or several who ask at once: one test a law, named after it.

Also the laws of calendars that are about waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import KW_ONLY
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import Calendar, Department, Runtime, UserQueue, attempt, crm, gather, now, on, process, wait
from bizproc.actions.responsible import ChangeResponsible
from bizproc.core.action import ItemAction, Target, action_type, option
from bizproc.core.errors import ActionError, NobodyAvailable
from bizproc.crm.holding import holding
from bizproc.model import Absence, Assignment, Comment, Deal, Lead, ref_of
from bizproc.rules.queues import PICKS
from bizproc.testing import VirtualClock, World, crash_at_every_await
from bizproc.testing.strategies import absences
from bizproc.testing.strategies.calendars import ZONES

few = settings(max_examples=15)
sizes = st.integers(1, 5)


def live(story: Callable[[World], Awaitable[Any]], **options: Any) -> Any:
    """A story in a world of its own: what a property needs for each example."""

    async def lived() -> Any:
        async with World.open(**options) as world:
            return await story(world)

    return asyncio.run(lived())


async def team_of(world: World, size: int) -> list[int]:
    return [(await world.user(name=f"User {number}")).id for number in range(size)]


async def owners(world: World) -> list[int | None]:
    return [deal.responsible_id for deal in await world.find(Deal)]


@few
@given(
    pick=st.sampled_from(PICKS),
    nobody=st.sampled_from(["keep", "hold", "error", "fallback"]),
    size=st.integers(0, 3),
    before=st.integers(0, 3),
)
def test_law_2_where_nobody_can_the_state_and_the_record_stay_as_they_are(
    pick: Any, nobody: str, size: int, before: int
) -> None:
    """Law 2. Byte for byte, whatever the policy names; a fallback gets the record and uses up no turn, either."""

    async def story(world: World) -> None:
        team, boss = await team_of(world, size), (await world.user(name="Boss")).id
        named: Any = boss if nobody == "fallback" else nobody
        queue = UserQueue(team, pick=pick, skip_absent=True, nobody=named, name="sales")
        several = [await world.deal() for _ in range(before + 1)]
        for deal in several[:before] if team else []:
            await world.perform(crm.deal(deal).change_responsible(queue))
        begin = world.clock.now()
        for user in team:
            await world.perform(crm.absence.create(user_id=user, start=begin, end=begin + timedelta(hours=9)))
        state, deal = await stored(world), await world.get(Deal, several[-1].id)
        if nobody == "error":
            with pytest.raises(NobodyAvailable):
                await world.perform(crm.deal(deal).change_responsible(queue))
        else:
            done = await world.perform(crm.deal(deal).change_responsible(queue))
            assert (done.held, done.user) == (nobody == "hold", boss if nobody == "fallback" else None)
        assert await stored(world) == state
        then = await world.get(Deal, deal.id)
        assert then.responsible_id == boss if nobody == "fallback" else then == deal
        held = await world.perform(crm.queue("sales").held())
        assert held == ((ref_of(deal),) if nobody == "hold" else ())

    live(story)


@process("tests.give_away")
async def give_away(deal: Deal, *, team: list[int]) -> int | None:
    """Give a deal to the next one, and wait."""
    done = await crm.deal.change_responsible(team, pick="in_order", queue_name="sales")
    await wait.sleep(timedelta(days=1))
    await crm.deal.add_comment(f"for {done.user}")
    return done.user


@few
@given(size=sizes, replayed=st.booleans(), crashes=st.booleans())
def test_law_3_a_replay_gives_the_journaled_result_though_the_roster_has_changed(
    size: int, replayed: bool, crashes: bool
) -> None:
    """Law 3. Replay returns what the journal has, even if the members have changed since."""

    async def story(world: World) -> None:
        team = await team_of(world, size)
        runs = [await world.start(give_away(await world.deal(), team=team)) for _ in range(size + 1)]
        state = await world.perform(crm.queue("sales").export())
        for user in team:
            await world.perform(crm.user(user).update({"active": False}))
        if crashes:
            await world.crash()
        await world.advance(days=2)
        assert [await run.result() for run in runs] == [*team, team[0]]
        assert [comment.text for comment in await world.find(Comment)] == [f"for {user}" for user in [*team, team[0]]]
        assert await world.perform(crm.queue("sales").export()) == state

    live(story, always_replay=replayed)


@process("tests.twice")
async def twice(deal: Deal, *, team: list[int]) -> list[int | None]:
    """Two steps that pick, and one in between."""
    one = await crm.deal.change_responsible(team, pick="in_order", queue_name="sales")
    await crm.deal.add_comment("x")
    two = await crm.deal.change_responsible(team, pick="in_order", queue_name="sales")
    return [one.user, two.user]


async def test_law_11_step_idempotence_under_every_crash() -> None:
    """Law 11. Wherever the program dies, each step picks the same one, and the pointer moves once for each."""

    async def story(world: World) -> object:
        team = await team_of(world, 3)
        runs = [await world.start(twice(await world.deal(), team=team)) for _ in range(4)]
        given = [await run.result() for run in runs]
        assert given == [team[:2], [team[2], team[0]], team[1:], team[:2]]
        return given, await world.perform(crm.queue("sales").export())

    assert await crash_at_every_await(story) > 20


@process("tests.mended")
async def mended(deal: Deal, *, team: list[int]) -> int | None:
    """Give it away, then do what fails until there is somebody called Eve."""
    done = await crm.deal.change_responsible(team, pick="in_order", queue_name="sales")
    await crm.deal.add_comment("x", author=99)
    return done.user


async def test_law_11_a_retried_instance_keeps_its_pick(world: World) -> None:
    """Law 11. An instance that failed later and is retried does not pick again."""
    team = await team_of(world, 3)
    run = await world.start(mended(await world.deal(), team=team))
    assert (await run.status()).state == "failed"
    await run.retry()
    await run.retry()
    assert (await world.perform(crm.queue("sales").export()))["last"] == team[0]
    assert await owners(world) == [team[0]]


@few
@given(size=sizes, count=st.integers(1, 12))
def test_law_12_linearizability(size: int, count: int) -> None:
    """Law 12. Any number at once is as good as some order: counts within 1, no turn lost."""

    async def story(world: World) -> None:
        team = await team_of(world, size)
        deals = [await world.deal() for _ in range(count)]
        await asyncio.gather(*(world.start(give_away(deal, team=team)) for deal in deals))
        turns = Counter(await owners(world))
        assert max(turns.values()) - min(turns[user] for user in team) <= 1
        assert (await world.perform(crm.queue("sales").export()))["last"] == team[(count - 1) % size]

    live(story)


async def test_law_12_two_programs_on_one_store(tmp_path: Path) -> None:
    """Law 12. A program beside the owner gets its turns in the same order as everybody."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    async with Runtime.open(url) as owner, Runtime.attach(url) as guest:
        team = [(await owner.perform(crm.user.create(name=name))).id for name in ("Ann", "Bob", "Cleo")]
        deals = [await owner.perform(crm.deal.create(title=f"{number}")) for number in range(12)]
        queue = UserQueue(team, pick="in_order", name="sales")

        async def give(runtime: Runtime, deal: Deal) -> Assignment:
            done: Assignment = await runtime.perform(crm.deal(deal).change_responsible(queue))
            return done

        several = [give(guest if place % 2 else owner, deal) for place, deal in enumerate(deals)]
        given = [done.user for done in await asyncio.gather(*several)]
        assert Counter(given) == dict.fromkeys(team, 4)
        assert [deal.responsible_id for deal in await owner.find(Deal)] == given


@attrs.define
class Broken(ActionError):
    """What a test breaks with; it takes along what was decided."""

    done: Assignment


@action_type("tests.broken")
class BreakAfterwards(ItemAction[None]):
    """Change who is responsible, and then fail: all of it is undone."""

    target: Target
    queue: UserQueue
    _: KW_ONLY
    fails: bool = option(default=True)

    async def perform(self, port: Any) -> None:
        raise Broken(await ChangeResponsible(self.target, self.queue).perform(port))


@process("tests.failing_write")
async def failing_write(deal: Deal, *, queue: UserQueue) -> None:
    """Fail twice, and go on."""
    for _ in range(2):
        await attempt(BreakAfterwards(Target("deal"), queue))


picks = st.sampled_from(["in_order", "least_recent", "least_loaded", "weighted", "first_available"])


@few
@given(size=sizes, before=st.integers(0, 4), pick=picks)
def test_law_13_a_failed_write_uses_up_no_turn(size: int, before: int, pick: Any) -> None:
    """Law 13. The pointer and the record move together: what is undone leaves both, and tells nobody."""

    async def story(world: World) -> None:
        queue = UserQueue(await team_of(world, size), pick=pick, name="sales")
        deals = [await world.deal() for _ in range(before + 1)]
        for deal in deals[:before]:
            await world.perform(crm.deal(deal).change_responsible(queue))
        state, then = await world.perform(crm.queue("sales").export()), await owners(world)
        await world.start(failing_write(deals[before], queue=queue))
        assert await world.perform(crm.queue("sales").export()) == state
        assert await owners(world) == then

    live(story)


@process("tests.hearing", starts=on.changed("deal", "responsible_id", by_processes=True), overlap="parallel")
async def hearing(deal: Deal) -> None:
    """Hear of every change of the person responsible."""


async def test_law_13_what_was_undone_starts_nothing(world: World) -> None:
    """Law 13. A write that failed is told to nobody, and one that did not is."""
    queue, deal = UserQueue(await team_of(world, 3), pick="in_order", name="sales"), await world.deal()
    world.use(hearing)
    await world.start(failing_write(deal, queue=queue))
    assert await world.instances(process="tests.hearing") == []
    await world.perform(crm.deal(deal).change_responsible(queue))
    assert len(await world.instances(process="tests.hearing")) == 1


@few
@given(size=sizes, before=st.integers(0, 4), pick=picks)
def test_law_14_a_dry_run_leaves_everything_and_says_what_the_next_call_does(size: int, before: int, pick: Any) -> None:
    """Law 14. What is performed and undone leaves the state byte for byte, and predicts the next call."""

    async def story(world: World) -> None:
        queue = UserQueue(await team_of(world, size), pick=pick, name="sales")
        deals = [await world.deal() for _ in range(before + 1)]
        for deal in deals[:before]:
            await world.perform(crm.deal(deal).change_responsible(queue))
        state = await stored(world)
        with pytest.raises(Broken) as dry:
            await world.perform(BreakAfterwards(Target("deal", deals[-1].id), queue))
        assert await stored(world) == state
        done = await world.perform(crm.deal(deals[-1]).change_responsible(queue))
        assert done == dry.value.done

    live(story)


async def stored(world: World) -> Any:
    """The rows of all queues, as they are on disk."""
    return await world.runtime.database.read(lambda connection: connection.execute("SELECT * FROM queue").fetchall())


@few
@given(traffic=st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["EUR", "USD"])), max_size=12), size=sizes)
def test_law_15_scope_isolation(traffic: list[tuple[str, str]], size: int) -> None:
    """Law 15. What goes on in one queue, or one partition, never changes another."""

    async def story(world: World) -> None:
        team = await team_of(world, size)
        given: dict[tuple[str, str], list[int | None]] = {}
        for name, currency in traffic:
            queue = UserQueue(team, pick="in_order", name=name, partition="currency")
            done = await world.perform(crm.deal(await world.deal(currency=currency)).change_responsible(queue))
            given.setdefault((name, currency), []).append(done.user)
        for turns in given.values():
            assert turns == [team[place % size] for place in range(len(turns))]

    live(story)


@process("tests.first")
async def first(deal: Deal, *, team: list[int]) -> list[int | None]:
    """Two functions that pick: each has turns of its own."""

    async def here() -> int | None:
        return (await crm.deal.change_responsible(team, pick="in_order")).user

    async def there() -> int | None:
        return (await crm.deal.change_responsible(team, pick="in_order")).user

    one, two = await gather(here(), attempt(there()))
    three, four = await gather(
        crm.deal.change_responsible(team, pick="in_order"), crm.deal.change_responsible(team, pick="in_order")
    )
    return [one, two.value, three.user, four.user]


async def test_law_15_the_default_name_is_the_process_the_kind_and_the_function(world: World) -> None:
    """Law 15. D8: two processes, two kinds and two functions do not share turns unless a name says so."""
    team = await team_of(world, 3)
    run = await world.start(first(await world.deal(), team=team))
    assert await run.result() == [team[0], team[0], team[0], team[1]]
    names = await world.runtime.database.read(
        lambda connection: connection.execute("SELECT name FROM queue").fetchall()
    )
    assert sorted(name for (name,) in names) == [f"tests.first/deal/{name}" for name in ("first", "here", "there")]
    await world.perform(crm.deal(1).change_responsible(team, pick="in_order"))
    assert (await world.perform(crm.queue("by hand/deal").export()))["last"] == team[0]


@few
@given(
    comes=st.lists(st.sampled_from([None, -1, 0, 0, 1]), max_size=14),
    capacity=st.integers(1, 2),
)
def test_law_23_the_line_in_the_store(comes: list[int | None], capacity: int) -> None:
    """Law 23. What is held leaves by priority and arrival as soon as there is room; what is newer never overtakes."""

    async def story(world: World) -> None:
        (ann,) = await team_of(world, 1)
        owned: list[int] = []
        line: list[tuple[int, int]] = []
        for priority in comes:
            if priority is not None:
                queue = UserQueue([ann], capacity=capacity, nobody="hold", name="sales", priority=priority)
                lead = await world.perform(crm.lead.create(title="A lead"))
                done = await world.perform(crm.lead(lead).change_responsible(queue, pick="in_order"))
                assert done.held is (len(owned) == capacity)
                line.append((priority, lead.id))
            elif owned:
                await world.perform(crm.lead(owned.pop(0)).delete())
            line.sort()
            while line and len(owned) < capacity:
                owned.append(line.pop(0)[1])
            held = await world.perform(crm.queue("sales").held())
            assert [ref.id for ref in held] == [id_ for _, id_ in line]
            assert [lead.id for lead in await world.find(Lead) if lead.responsible_id == ann] == sorted(owned)

    live(story)


async def test_law_26_the_expansion_is_taken_at_the_decision_and_journaled(world: World) -> None:
    """Law 26. Who is in the department and listed as well counts once; who joins later was not in it then."""
    sales = await world.perform(crm.department.create(code="sales", name="Sales"))
    ann, bob = [(await world.user(department_ids=[sales.id])).id for _ in range(2)]
    run = await world.start(explained(await world.deal(), queue=UserQueue([bob, Department("sales"), bob], name="s")))
    await world.user(department_ids=[sales.id])
    await world.crash()
    await world.advance(days=2)
    assert await run.result() == [bob, ann]


@process("tests.all_at_once")
async def all_at_once(*, deals: list[int], queue: UserQueue) -> list[int | None]:
    """Ask for all of them at the same moment."""
    done = await gather(*(crm.deal(deal).change_responsible(queue) for deal in deals))
    return [each.user for each in done]


@few
@given(size=sizes, count=st.integers(1, 12), pick=picks, away=st.sets(st.integers(0, 4)), capacity=st.integers(1, 4))
def test_law_27_all_at_once_is_one_after_the_other(
    size: int, count: int, pick: Any, away: set[int], capacity: int
) -> None:
    """Law 27. In the store, too: the same get the same, and the queue is left as it would have been."""

    async def story(world: World, *, at_once: bool) -> tuple[list[int | None], Any, list[Any]]:
        team, begin = await team_of(world, size), world.clock.now()
        for place in away & set(range(size)):
            await world.perform(crm.absence.create(user_id=team[place], start=begin, end=begin + timedelta(hours=9)))
        weights = {user: place + 1 for place, user in enumerate(team)}
        queue = UserQueue(
            team, pick=pick, skip_absent=True, capacity=capacity, weights=weights, nobody="hold", name="sales"
        )
        deals = [(await world.deal()).id for _ in range(count)]
        if at_once:
            users = await (await world.start(all_at_once(deals=deals, queue=queue))).result()
        else:
            asked = [await world.perform(crm.deal(deal).change_responsible(queue)) for deal in deals]
            users = [each.user for each in asked]
        return users, await stored(world), await owners(world)

    assert live(partial(story, at_once=True)) == live(partial(story, at_once=False))


@process("tests.explained")
async def explained(deal: Deal, *, queue: UserQueue) -> list[int]:
    """Pick, wait, and tell among whom it was."""
    done = await crm.deal.change_responsible(queue)
    await wait.sleep(timedelta(days=1))
    return [each.user for each in done.explain.candidates]


@process("tests.listening")
async def listening(deal: Deal) -> int:
    """Count changes of the person responsible, until a day passes without one."""
    count = 0
    while not (await wait.for_event(on.responsible_changed(deal), timeout=timedelta(days=1))).timed_out:
        count += 1
    return count


async def test_law_28_choosing_the_current_owner_is_no_event(world: World) -> None:
    """Law 28. Nobody who listens to changes of the person responsible hears of it, so nothing can go in circles."""
    ann, bob = await team_of(world, 2)
    deal = await world.deal(responsible_id=ann)
    run = await world.start(listening(deal))
    for queue in ([ann], [bob], [bob, ann], [bob]):
        await world.perform(crm.deal(deal).change_responsible(queue, pick="first_available"))
    await world.advance(days=2)
    assert await run.result() == 1


# -- 1,000 leads -------------------------------------------------------------------------------------------------------


@process("sales.distribution")
async def distribution(lead: Lead, *, team: list[int]) -> None:
    """Give a lead to the next one who is there."""
    await crm.lead.change_responsible(team, pick="in_order", skip_absent=True)


async def test_a_thousand_leads_are_shared_out_evenly_though_some_are_absent(world: World) -> None:
    """One of five is away for 400 of 1,000 leads, another for 200 of these: nobody pays for it, nobody catches up."""
    team = await team_of(world, 5)
    begin = world.clock.now()

    async def absent(user: int, first: int, last: int) -> None:
        start, end = begin + timedelta(minutes=first), begin + timedelta(minutes=last)
        await world.perform(crm.absence.create(user_id=user, start=start, end=end))

    await absent(team[2], 200, 600)
    await absent(team[3], 400, 600)
    for minute in range(1000):
        await world.advance(begin + timedelta(minutes=minute))
        lead = await world.perform(crm.lead.create(title=f"Lead {minute}"))
        await world.start(distribution(lead, team=team))
    given = [lead.responsible_id for lead in await world.find(Lead)]
    assert len(given) == 1000
    for first, last, away in ((0, 200, ()), (200, 400, team[2:3]), (400, 600, team[2:4]), (600, 1000, ())):
        counts = Counter(given[first:last])
        present = [user for user in team if user not in away]
        assert set(counts) == set(present)
        assert max(counts.values()) - min(counts.values()) <= 1
    assert Counter(given[600:605]) == dict.fromkeys(team, 1)  # nobody who comes back is flooded


# -- calendars: the laws about waits -----------------------------------------------------------------------------------

MONDAY = datetime(2026, 1, 5, 10, tzinfo=UTC)


@process("tests.patient")
async def patient(*, days: int = 3, recompute: bool = False) -> datetime:
    """Wait for working days, and tell when they were over."""
    await wait.working_days(days, recompute=recompute)
    return await now()


async def shorten(world: World) -> None:
    """From now on nobody works on Wednesdays and Thursdays."""
    await world.perform(crm.working_hours.create(wednesday="", thursday=""))


@pytest.mark.parametrize("replayed", [False, True])
async def test_law_10_the_deadline_is_computed_once_and_journaled(replayed: bool) -> None:
    """Law 10 of calendars. It stands in the journal: neither a crash nor a replay nor another calendar moves it."""
    async with World.open(always_replay=replayed, clock=VirtualClock(MONDAY)) as world:
        run = await world.start(patient())
        (began,) = [entry for entry in await run.journal() if entry.event == "began"]
        assert (await run.status()).until == datetime(2026, 1, 8, 10, tzinfo=UTC)
        await shorten(world)
        await world.crash()
        await world.advance(days=14)
        assert await run.result() == datetime(2026, 1, 8, 10, tzinfo=UTC)
        assert began.name == "wait.working_days"


async def test_law_11_another_calendar_is_for_later_waits_unless_they_recompute() -> None:
    """Law 11 of calendars. A wait keeps its deadline, one with recompute follows, a later one begins with the new."""
    async with World.open(clock=VirtualClock(MONDAY)) as world:
        kept, follows = [await world.start(patient(recompute=each)) for each in (False, True)]
        await world.advance(hours=20)
        await shorten(world)
        later = await world.start(patient())
        await world.advance(days=30)
        assert await kept.result() == datetime(2026, 1, 8, 10, tzinfo=UTC)
        assert await follows.result() == datetime(2026, 1, 12, 10, tzinfo=UTC)  # Tuesday, Friday, Monday
        assert await later.result() == datetime(2026, 1, 13, 9, tzinfo=UTC)  # begun at six: counted from nine


async def test_a_calendar_of_ones_own_and_the_portals_zone() -> None:
    """What is given wins; without any working hours in the store the usual ones hold, in the portal's zone."""

    @process("tests.own_calendar")
    async def own(*, days: int) -> None:
        await wait.working_days(days, Calendar(hours="sat-sun 10:00-12:00", holidays=[date(2026, 1, 10)]))

    async with World.open(clock=VirtualClock(MONDAY)) as world:
        run = await world.start(own(days=0))
        assert (await run.status()).until == datetime(2026, 1, 11, 10, tzinfo=UTC)


async def test_law_6_a_calendar_that_never_opens_is_raised_in_the_process(world: World) -> None:
    """Law 6 of calendars. In a process it is an error like any other."""

    @process("tests.closed")
    async def closed() -> str:
        done = await attempt(wait.working_days(1, Calendar(hours=[[]] * 7)))
        return str(done.error)

    assert "never opens" in await (await world.start(closed())).result()


@few
@given(several=st.lists(absences(st.just(1)), max_size=4), hours=st.integers(-110, 210), zone=st.sampled_from(ZONES))
def test_law_21_absences_in_the_store(several: list[Absence], hours: int, zone: str) -> None:
    """Law 21. Half-open, a union, whole days in the member's zone: as they stand in the store, asked of the clock."""

    async def story(world: World) -> None:
        user = await world.user(time_zone=zone)
        for absence in several:
            await world.perform(crm.absence.create(**_fields(absence)))
        now, tz = world.clock.now(), ZoneInfo(zone)
        absent = any(
            each.start.astimezone(tz).date() <= now.astimezone(tz).date() <= each.end.astimezone(tz).date()
            if each.all_day
            else each.start <= now < each.end
            for each in several
        )
        queue = UserQueue([user.id], pick="first_available", skip_absent=True, name="sales")
        done = await world.perform(crm.deal(await world.deal()).change_responsible(queue))
        assert done.user == (None if absent else user.id)

    live(story, clock=VirtualClock(datetime(2026, 3, 25, tzinfo=UTC) + timedelta(hours=hours)))


def _fields(absence: Absence) -> Any:
    return {name: getattr(absence, name) for name in ("user_id", "reason", "start", "end", "all_day")}


# -- held until somebody is there --------------------------------------------------------------------------------------


async def held_lead(world: World, queue: UserQueue) -> Lead:
    lead = await world.perform(crm.lead.create(title="A lead"))
    assert (await world.perform(crm.lead(lead).change_responsible(queue))).held
    return lead


async def test_law_22_what_is_held_leaves_at_the_first_opening_and_not_before(world: World) -> None:
    """Law 22. Not before the first of them is there, and not later; an absence that ends sooner counts at once."""
    ann, bob = await team_of(world, 2)
    begin = world.clock.now()
    absences = [
        await world.perform(crm.absence.create(user_id=user, start=begin, end=begin + timedelta(hours=hours)))
        for user, hours in ((ann, 50), (bob, 10))
    ]
    queue = UserQueue([ann, bob], pick="in_order", skip_absent=True, capacity=1, nobody="hold", name="sales")
    leads = [await held_lead(world, queue) for _ in range(3)]
    run = await world.start(holding())

    async def given() -> list[int | None]:
        return [lead.responsible_id for lead in await world.find(Lead)]

    await world.advance(begin + timedelta(hours=10) - timedelta(microseconds=1))
    assert await given() == [None, None, None]
    await world.advance(begin + timedelta(hours=10))
    assert await given() == [bob, None, None]
    await world.crash()
    await world.perform(crm.absence(absences[0]).update({"end": begin + timedelta(hours=20)}))
    await world.advance(begin + timedelta(hours=20))
    assert await given() == [bob, ann, None]
    assert (await run.status()).until is None  # both are full: time alone will not do
    await world.perform(crm.lead(leads[0]).delete())
    assert await given() == [ann, bob]
    assert (await run.status()).state == "completed"  # nothing is held any more


async def test_law_22_held_over_night_and_holidays() -> None:
    """Law 22. Held on Friday evening, given on Tuesday, for Monday is a holiday."""
    async with World.open(clock=VirtualClock(datetime(2026, 1, 9, 19, tzinfo=UTC))) as world:
        (ann,) = await team_of(world, 1)
        office = Calendar(hours="mon-fri 09:00-18:00", holidays=[date(2026, 1, 12)])
        world.use(holding)  # it begins by itself
        lead = await held_lead(world, UserQueue([ann], hours=office, nobody="hold", name="sales"))
        await world.advance(datetime(2026, 1, 13, 8, 59, 59, tzinfo=UTC))
        assert (await world.get(Lead, lead.id)).responsible_id is None
        await world.advance(seconds=1)
        assert (await world.get(Lead, lead.id)).responsible_id == ann
        assert [status.state for status in await world.instances()] == ["completed"]


async def test_law_22_who_has_room_again_while_away_is_given_it_when_they_are_back(world: World) -> None:
    """Law 22. Both are full, so time alone will not do; then one who is absent has room, and so it will."""
    ann, bob = await team_of(world, 2)
    queue = UserQueue([ann, bob], pick="in_order", skip_absent=True, capacity=1, nobody="hold", name="sales")
    owned = [await world.perform(crm.lead.create(title="x")) for _ in range(2)]
    for lead in owned:
        await world.perform(crm.lead(lead).change_responsible(queue))
    back = world.clock.now() + timedelta(hours=13)
    await world.perform(crm.absence.create(user_id=ann, start=world.clock.now(), end=back))
    waiting = await held_lead(world, queue)
    (run,) = await world.instances(process="bizproc.holding")
    assert run.until is None
    await world.perform(crm.lead(owned[0]).delete())
    await world.advance(back - timedelta(microseconds=1))
    assert (await world.get(Lead, waiting.id)).responsible_id is None
    await world.advance(back)
    assert (await world.get(Lead, waiting.id)).responsible_id == ann


async def test_law_22_the_moment_is_that_of_whoever_stands_first_in_any_line(world: World) -> None:
    """Law 22. Another line begins, or another queue is asked for what waits: an earlier moment counts at once."""
    ann, bob, eve = await team_of(world, 3)
    begin = world.clock.now()
    for user, hours in ((ann, 9), (bob, 6), (eve, 3)):
        await world.perform(crm.absence.create(user_id=user, start=begin, end=begin + timedelta(hours=hours)))

    def queue(name: str, *members: int) -> UserQueue:
        return UserQueue(members, pick="in_order", skip_absent=True, nobody="hold", name=name)

    first = await held_lead(world, queue("sales", ann))
    second = await held_lead(world, queue("service", bob))
    await world.perform(crm.lead(first).change_responsible(queue("sales", ann, eve)))
    await world.advance(begin + timedelta(hours=3))
    assert (await world.get(Lead, first.id)).responsible_id == eve
    await world.advance(begin + timedelta(hours=6))
    assert (await world.get(Lead, second.id)).responsible_id == bob


async def test_where_nothing_is_held_holding_ends_at_once(world: World) -> None:
    """Nothing is held: it ends at once."""
    assert (await (await world.start(holding())).status()).state == "completed"
