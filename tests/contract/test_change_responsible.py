"""Action 13, change of the person responsible, and what names users in parameters: each edge by its rule."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bizproc import Department, Group, User, UserQueue, crm, supervisor
from bizproc.core.errors import (
    ItemNotFound,
    NobodyAvailable,
    UnknownDepartment,
    UnknownField,
    UnknownGroup,
    UnknownUser,
    WrongArgument,
    WrongValue,
)
from bizproc.model import Assignment, Deal, HistoryEvent, ItemRef, Lead, Notification, ref_of
from bizproc.rules.calendars import Calendar

Office = Any  # conftest.Office


@pytest.fixture
def team(office: Office) -> list[int]:
    """Three who sell."""
    return [office.do(crm.user.create(name=name)).id for name in ("Ann", "Bob", "Cleo")]


@pytest.fixture
def deal(office: Office, team: list[int]) -> Deal:
    made: Deal = office.do(crm.deal.create(title="Tea for Lyon", responsible_id=team[0]))
    office.events.clear()
    return made


def away(office: Office, user: int, hours: float = 24) -> None:
    office.do(crm.absence.create(user_id=user, start=office.now, end=office.now + timedelta(hours=hours)))


def change(office: Office, deal: Any, queue: Any, **options: Any) -> Assignment:
    done: Assignment = office.do(crm.deal(deal).change_responsible(queue, **options))
    return done


# -- what it does ------------------------------------------------------------------------------------------------------


def test_the_picked_one_is_responsible_and_everybody_hears_of_it(office: Office, deal: Deal, team: list[int]) -> None:
    done = change(office, deal, [team[1]], modified_by=team[2])
    assert (done.user, done.previous, done.changed, done.held) == (team[1], team[0], True, False)
    assert office.deal(deal).responsible_id == team[1]
    assert office.deal(deal).modified_by == team[2]
    (line,) = [line for line in office.reader.find(HistoryEvent, of=deal) if line.kind == "changed"]
    assert (line.field, line.old, line.new, line.author_id) == ("responsible_id", team[0], team[1], team[2])
    (event,) = office.told("deal.responsible_changed")
    assert (event.facts["responsible"], event.facts["was"]) == (team[1], team[0])
    (told,) = office.reader.find(Notification, of=deal)
    assert (told.user_id, told.due_at, told.read) == (team[1], office.now, False)
    assert "Tea for Lyon" in told.text


def test_who_is_responsible_already_stays_so_and_nothing_is_written(
    office: Office, deal: Deal, team: list[int]
) -> None:
    before = office.everything()
    for pick in ("random", "first_available"):
        done = change(office, deal, team[0], pick=pick)
        assert not done.changed
    assert office.everything() == before
    assert office.events == []


def test_random_is_anyone_but_who_is_responsible_now(office: Office, deal: Deal, team: list[int]) -> None:
    assert change(office, deal, team[:2]).user == team[1]
    assert change(office, deal, team[:2]).user == team[0]
    assert change(office, deal, [team[0]]) == Assignment(
        user=None, previous=team[0], explain=change(office, deal, [team[0]]).explain
    )


def test_first_available_is_the_first_of_the_list_who_is_there(office: Office, deal: Deal, team: list[int]) -> None:
    assert change(office, deal, team, pick="first_available").user == team[0]
    away(office, team[0])
    assert change(office, deal, team, pick="first_available").user == team[0]
    assert change(office, deal, team, pick="first_available", skip_absent=True).user == team[1]


def test_in_order_goes_on_from_the_last_one_for_all_items(office: Office, deal: Deal, team: list[int]) -> None:
    deals = [deal, *(office.do(crm.deal.create(title=f"Deal {number}")) for number in range(3))]
    given = [change(office, each, team, pick="in_order", queue_name="sales").user for each in deals]
    assert given == [*team, team[0]]
    # The pick is stored though it is who is responsible already, and the next one is next.
    assert change(office, deals[1], team, pick="in_order", queue_name="sales").changed is False
    assert change(office, deals[1], team, pick="in_order", queue_name="sales").user == team[2]


def test_nobody_named_and_nobody_there_change_nothing(office: Office, deal: Deal, team: list[int]) -> None:
    for user in team:
        away(office, user)
    for queue in ([], team):
        done = change(office, deal, queue, skip_absent=True)
        assert (done.user, done.changed, done.previous) == (None, False, team[0])
    assert done.explain.users("absent") == tuple(team)
    assert done.explain.until == office.now + timedelta(hours=24)
    assert office.events == []


def test_at_the_end_of_an_absence_one_is_there_again(office: Office, deal: Deal, team: list[int]) -> None:
    away(office, team[1], hours=2)
    assert change(office, deal, team[1], skip_absent=True).user is None
    office.later(hours=2)
    assert change(office, deal, team[1], skip_absent=True).user == team[1]


def test_all_day_is_all_day_where_the_member_is(office: Office, deal: Deal) -> None:
    auckland = office.do(crm.user.create(name="Moana", time_zone="Pacific/Auckland")).id
    noon = datetime(2026, 1, 6, 12, tzinfo=UTC)  # the 7th at 01:00 there
    office.do(crm.absence.create(user_id=auckland, start=noon, end=noon, all_day=True))
    office.now = datetime(2026, 1, 6, 10, 59, tzinfo=UTC)
    assert change(office, deal, [auckland], skip_absent=True).user == auckland
    for clock in (datetime(2026, 1, 6, 11, tzinfo=UTC), datetime(2026, 1, 7, 10, 59, tzinfo=UTC)):
        office.now = clock
        assert change(office, deal, [auckland], skip_absent=True).explain.users("absent") == (auckland,)
    office.now = datetime(2026, 1, 7, 11, tzinfo=UTC)
    assert change(office, deal, [auckland], skip_absent=True).explain.users("absent") == ()


def test_the_inactive_are_never_picked_however_they_are_listed(office: Office, deal: Deal, team: list[int]) -> None:
    office.do(crm.user(team[1]).update({"active": False}))
    done = change(office, deal, [team[1]])
    assert (done.user, done.explain.users("inactive")) == (None, (team[1],))
    with pytest.raises(NobodyAvailable):
        change(office, deal, UserQueue([team[1]], nobody="error"))


def test_every_kind_of_item_has_somebody_responsible(office: Office, team: list[int]) -> None:
    office.do(crm.smart_type.create(code="contract", title="Contract"))
    made = {
        "lead": crm.lead.create(title="x"),
        "contact": crm.contact.create(name="x", last_name="y"),
        "company": crm.company.create(title="x"),
        "quote": crm.quote.create(title="x"),
        "invoice": crm.invoice.create(title="x"),
        "contract": crm.item("contract").create(title="x"),
    }
    for kind, creating in made.items():
        item: Any = office.do(creating)
        target: Any = crm.item(kind, item.id) if kind == "contract" else getattr(crm, kind)(item)
        assert office.do(target.change_responsible(team[1])).changed
        assert office.do(target.read()).responsible_id == team[1]


def test_an_item_that_is_not_there_is_refused(office: Office, team: list[int]) -> None:
    office.refused(ItemNotFound, crm.deal(404).change_responsible(team))


def test_an_error_when_nobody_is_there_leaves_everything_as_it_was(office: Office, deal: Deal, team: list[int]) -> None:
    away(office, team[1])
    queue = UserQueue(team[1:2], skip_absent=True, nobody="error", name="sales")
    error = office.refused(NobodyAvailable, crm.deal(deal).change_responsible(queue))
    assert str(error) == f"queue sales: nobody can take it now. user {team[1]}: absent"


def test_a_fallback_gets_it_when_nobody_is_there(office: Office, deal: Deal, team: list[int]) -> None:
    away(office, team[1])
    for nobody in (team[2], User(team[2]), f"user:{team[2]}"):
        done = change(office, deal, UserQueue([team[1]], skip_absent=True, nobody=nobody))
        assert (done.user, done.explain.result) == (team[2], "fallback")
    office.do(crm.user(team[2]).update({"active": False}))
    with pytest.raises(NobodyAvailable):
        change(office, deal, UserQueue([team[1]], skip_absent=True, nobody=team[2]))


def test_wrong_words_are_refused_when_the_action_is_made() -> None:
    change_responsible: Any = crm.deal.change_responsible
    with pytest.raises(WrongValue, match=r"pick must be one of random, first_available"):
        change_responsible([1], pick="fastest")
    with pytest.raises(WrongArgument, match="queue"):
        change_responsible(2.5)
    with pytest.raises(WrongArgument, match="user:3, department:sales"):
        change_responsible("sales")


# -- whose turn --------------------------------------------------------------------------------------------------------


def test_queues_of_different_names_do_not_know_each_other(office: Office, deal: Deal, team: list[int]) -> None:
    assert [change(office, deal, team, pick="in_order", queue_name=name).user for name in "aabab"] == [
        *(team[0], team[1], team[0], team[2], team[1])
    ]


def test_the_name_of_the_call_comes_before_the_queues_own(office: Office, deal: Deal, team: list[int]) -> None:
    queue = UserQueue(team, pick="in_order", name="sales")
    assert [change(office, deal, queue).user, change(office, deal, queue).user] == team[:2]
    assert change(office, deal, queue, queue_name="service").user == team[0]
    assert change(office, deal, queue, pick="random").user == team[2]  # the queue's own words win


def test_partitions_of_a_queue_do_not_know_each_other(office: Office, team: list[int]) -> None:
    queue = UserQueue(team, pick="in_order", name="sales", partition="currency")
    deals = [office.do(crm.deal.create(title="x", currency=each)) for each in ("EUR", "USD", "EUR", "USD")]
    assert [change(office, each, queue).user for each in deals] == [team[0], team[0], team[1], team[1]]
    office.refused(
        UnknownField, crm.deal(deals[0]).change_responsible(UserQueue(team, name="sales", partition="colour"))
    )


def test_a_queue_is_exported_restored_and_reset(office: Office, deal: Deal, team: list[int]) -> None:
    queue = UserQueue(team, pick="in_order", name="sales")
    change(office, deal, queue)
    state = office.do(crm.queue("sales").export())
    assert change(office, deal, queue).user == team[1]
    office.do(crm.queue("sales").restore(state))
    assert change(office, deal, queue).user == team[1]
    office.do(crm.queue("sales").restore({}))
    assert office.do(crm.queue("sales").export()) == {}
    assert change(office, deal, queue).user == team[0]
    office.refused(WrongValue, crm.queue("sales").restore({"pointer": 5}))


# -- capacity, hours, weights ------------------------------------------------------------------------------------------


def test_capacity_counts_open_items_of_the_kind(office: Office, team: list[int]) -> None:
    queue = UserQueue(team[:2], pick="in_order", capacity={team[0]: 1, team[1]: 2}, name="sales")
    deals = [office.do(crm.deal.create(title="x")) for _ in range(5)]
    given = [change(office, each, queue).user for each in deals[:4]]
    assert given == [team[0], team[1], team[1], None]
    office.do(crm.deal(deals[0]).update({"stage": "WON"}))
    assert change(office, deals[3], queue).user == team[0]
    # Those of another kind do not count, nor does the item itself.
    office.do(crm.lead.create(title="x", responsible_id=team[1]))
    assert change(office, deals[1], queue).explain.users("full") == (team[0],)


def test_capacity_can_count_open_activities(office: Office, deal: Deal, team: list[int]) -> None:
    queue = UserQueue(team, pick="least_loaded", load="open_activities", capacity=5, name="sales")
    for user in (team[0], team[0], team[1], team[2], team[2]):
        office.do(crm.deal(deal).add_activity("x", responsible=user))
    assert change(office, deal, queue).user == team[1]
    assert [each.load for each in change(office, deal, queue).explain.candidates] == [2, 1, 2]


def test_hours_are_the_members_own_or_else_the_companys(office: Office, deal: Deal, team: list[int]) -> None:
    office.do(crm.working_hours.create(monday="10:00-18:00", time_zone="Europe/Paris"))
    office.do(crm.working_hours.create(user_id=team[1], monday="22:00-06:00"))
    office.do(crm.user(team[2]).update({"time_zone": "Europe/Paris"}))
    office.do(crm.working_hours.create(user_id=team[2], monday="08:30-09:30"))
    queue = UserQueue(team, pick="in_order", hours=True)
    clock = {(8, 0): [2], (9, 0): [0], (16, 59): [0], (17, 0): [], (23, 0): [1], (30, 0): []}
    for (hour, minute), there in clock.items():  # Monday, in UTC: one hour earlier than in Paris
        office.now = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hour, minutes=minute)
        done = change(office, deal, queue)
        assert done.explain.users("chosen", "not_turn") == tuple(team[each] for each in there)
    assert done.explain.until == datetime(2026, 1, 6, 8, tzinfo=UTC)  # the company's Tuesday begins at 9, in Paris


def test_a_calendar_is_everybodys_hours(office: Office, deal: Deal, team: list[int]) -> None:
    closed = Calendar(hours="mon-sun 00:00-24:00", holidays=[date(2026, 1, 5)])
    done = change(office, deal, UserQueue(team, hours=closed))
    assert done.explain.users("off_hours") == tuple(team)
    assert done.explain.until == datetime(2026, 1, 6, tzinfo=UTC)


def test_weights_share_out_by_themselves(office: Office, deal: Deal, team: list[int]) -> None:
    queue = UserQueue(team, pick="weighted", weights={team[0]: 2, team[2]: 0}, name="sales")
    given = [change(office, deal, queue).user for _ in range(6)]
    assert (given.count(team[0]), given.count(team[1])) == (4, 2)


def test_a_sticky_owner_stays_and_no_turn_is_used(office: Office, deal: Deal, team: list[int]) -> None:
    queue = UserQueue(team, pick="in_order", sticky=True, skip_absent=True, name="sales")
    assert change(office, deal, queue).explain.result == "stays"
    assert office.do(crm.queue("sales").export()) == {}
    away(office, team[0])
    assert change(office, deal, queue).user == team[1]


# -- the line ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def full(office: Office, team: list[int]) -> UserQueue:
    """A queue of one who can have one."""
    return UserQueue(team[:1], pick="in_order", capacity=1, nobody="hold", name="sales")


def lead(office: Office) -> Lead:
    made: Lead = office.do(crm.lead.create(title="x"))
    return made


def ask(office: Office, lead: Lead, queue: UserQueue) -> Assignment:
    done: Assignment = office.do(crm.lead(lead).change_responsible(queue))
    return done


def held(office: Office) -> tuple[ItemRef, ...]:
    line: tuple[ItemRef, ...] = office.do(crm.queue("sales").held())
    return line


def owner(office: Office, lead: Lead) -> int | None:
    found: Lead = office.reader.get(Lead, lead.id)
    return found.responsible_id


def test_what_is_held_is_given_away_when_somebody_has_room(office: Office, full: UserQueue, team: list[int]) -> None:
    first, second, third = lead(office), lead(office), lead(office)
    assert ask(office, first, full).user == team[0]
    for waiting in (second, third):
        done = ask(office, waiting, full)
        assert (done.user, done.held, done.changed) == (None, True, False)
    assert held(office) == (ref_of(second), ref_of(third))
    office.events.clear()
    office.do(crm.lead(first).update({"stage": "JUNK"}))
    assert (owner(office, second), owner(office, third)) == (team[0], None)
    assert [event.subject for event in office.told("lead.responsible_changed")] == [f"lead:{second.id}"]
    assert [told.user_id for told in office.reader.find(Notification, of=second)] == [team[0]]
    office.do(crm.lead(second).delete())
    assert (owner(office, third), held(office)) == (team[0], ())


def test_who_asks_again_keeps_the_place(office: Office, full: UserQueue) -> None:
    first, second, third = lead(office), lead(office), lead(office)
    for each in (first, second, third, second):
        ask(office, each, full)
    assert held(office) == (ref_of(second), ref_of(third))


def test_a_newer_one_does_not_overtake_though_somebody_else_could_take_it(
    office: Office, full: UserQueue, team: list[int]
) -> None:
    first, second, third = lead(office), lead(office), lead(office)
    ask(office, first, full)
    ask(office, second, full)
    wider = UserQueue(team[:2], pick="in_order", capacity=1, nobody="hold", name="sales")
    done = ask(office, third, wider)
    assert done.held
    assert done.explain.users("not_turn") == (team[1],)
    assert held(office) == (ref_of(second), ref_of(third))
    # With a priority before theirs it may.
    sooner = UserQueue(team[:2], pick="in_order", capacity=1, nobody="hold", name="sales", priority=-1)
    assert ask(office, third, sooner).user == team[1]
    assert held(office) == (ref_of(second),)


def test_those_behind_it_leave_with_the_first_if_their_queue_has_somebody_else(
    office: Office, full: UserQueue, team: list[int]
) -> None:
    first, second, third = lead(office), lead(office), lead(office)
    for each in (first, second):
        ask(office, each, full)
    wider = UserQueue(team, pick="in_order", capacity=1, nobody="hold", name="sales")
    assert ask(office, third, wider).held
    assert ask(office, second, wider).user == team[1]
    assert (owner(office, third), held(office)) == (team[2], ())


def test_priority_comes_before_arrival(office: Office, full: UserQueue, team: list[int]) -> None:
    several = [lead(office) for _ in range(4)]
    urgent = UserQueue(team[:1], pick="in_order", capacity=1, nobody="hold", name="sales", priority=-1)
    for each, queue in zip(several, (full, full, urgent, full), strict=True):
        ask(office, each, queue)
    assert held(office) == tuple(ref_of(several[place]) for place in (2, 1, 3))


def test_the_end_of_an_absence_lets_it_go(office: Office, team: list[int]) -> None:
    queue = UserQueue(team[:1], skip_absent=True, nobody="hold", name="sales", pick="in_order")
    waiting = lead(office)
    away(office, team[0], hours=3)
    assert ask(office, waiting, queue).explain.until == office.now + timedelta(hours=3)
    office.later(hours=2.9)
    office.do(crm.queue.release())
    assert owner(office, waiting) is None
    office.later(hours=0.1)
    office.do(crm.queue.release())
    assert owner(office, waiting) == team[0]


def test_an_absence_taken_back_lets_it_go_at_once(office: Office, team: list[int]) -> None:
    queue = UserQueue(team[:1], skip_absent=True, nobody="hold", name="sales", pick="in_order")
    waiting = lead(office)
    absence = office.do(crm.absence.create(user_id=team[0], start=office.now, end=office.now + timedelta(days=9)))
    ask(office, waiting, queue)
    office.do(crm.absence(absence).delete())
    assert owner(office, waiting) == team[0]


def test_room_that_one_line_makes_is_used_by_another_in_the_same_commit(
    office: Office, full: UserQueue, team: list[int]
) -> None:
    """What leaves the second line is taken from somebody for whom the first holds something."""
    owned, waiting = lead(office), lead(office)
    assert ask(office, owned, full).user == team[0]
    assert ask(office, waiting, full).held
    absence = office.do(crm.absence.create(user_id=team[1], start=office.now, end=office.now + timedelta(hours=9)))
    # By name it comes behind the one that is full.
    later = UserQueue(team[1:2], pick="in_order", skip_absent=True, nobody="hold", name="service")
    assert ask(office, owned, later).held
    office.do(crm.absence(absence).delete())
    assert (owner(office, owned), owner(office, waiting)) == (team[1], team[0])


def test_what_somebody_gave_away_by_hand_leaves_the_line(office: Office, full: UserQueue, team: list[int]) -> None:
    first, second = lead(office), lead(office)
    ask(office, first, full)
    ask(office, second, full)
    office.do(crm.lead(second).update({"responsible_id": team[2]}))
    assert held(office) == ()
    office.do(crm.lead(first).update({"stage": "JUNK"}))
    assert owner(office, second) == team[2]


def test_what_is_deleted_or_given_away_by_hand_leaves_the_middle_of_the_line(
    office: Office, full: UserQueue, team: list[int]
) -> None:
    several = [lead(office) for _ in range(5)]
    for each in several:
        ask(office, each, full)
    office.do(crm.lead(several[2]).delete())
    assert held(office) == tuple(ref_of(several[place]) for place in (1, 3, 4))
    office.do(crm.lead(several[3]).update({"responsible_id": team[1]}))
    assert held(office) == tuple(ref_of(several[place]) for place in (1, 4))


def test_what_cannot_be_given_away_keeps_its_place_and_harms_nobody_else(office: Office, team: list[int]) -> None:
    group = office.do(crm.group.create(code="sellers", member_ids=team[:1]))
    several = [lead(office) for _ in range(3)]
    for each in several[:2]:
        ask(office, each, UserQueue("group:sellers", pick="in_order", capacity=1, nobody="hold", name="sales"))
    office.do(crm.group(group).update({"code": "traders"}))
    office.do(crm.lead(several[0]).update({"stage": "JUNK"}))
    office.do(crm.lead(several[2]).update({"title": "Another"}))
    assert office.reader.get(Lead, several[2].id).title == "Another"
    assert (owner(office, several[1]), held(office)) == (None, (ref_of(several[1]),))


# -- users in parameters -----------------------------------------------------------------------------------------------


@pytest.fixture
def house(office: Office, team: list[int]) -> dict[str, int]:
    """A department with one below it, and a group; Cleo is gone."""
    sales = office.do(crm.department.create(code="sales", name="Sales", head_id=team[0])).id
    tea = office.do(crm.department.create(code="tea", name="Tea", parent_id=sales)).id
    people = {}
    for name, department, active in (
        ("Zoe", tea, True),
        ("Dan", sales, True),
        ("Eve", sales, False),
        ("Fay", tea, True),
    ):
        people[name] = office.do(crm.user.create(name=name, department_ids=[department], active=active)).id
    office.do(crm.group.create(code="admins", member_ids=[people["Fay"], people["Eve"], team[1]]))
    return people


def users(office: Office, queue: Any) -> tuple[int, ...]:
    found: tuple[int, ...] = office.ask(lambda port: port.users(queue))
    return found


def test_departments_and_groups_name_those_who_are_active_by_id(
    office: Office, team: list[int], house: dict[str, int]
) -> None:
    assert users(office, Department("sales")) == (house["Dan"],)
    assert users(office, Department("sales", deep=True)) == (house["Dan"], house["Zoe"], house["Fay"])
    assert users(office, Group("admins")) == (team[1], house["Fay"])
    assert users(office, "department:sales") == users(office, Department("sales"))
    assert users(office, "department:sales/deep") == users(office, Department("sales", deep=True))
    assert users(office, "group:admins") == users(office, Group("admins"))


def test_expressions_are_expanded_from_left_to_right_and_each_counts_once(
    office: Office, team: list[int], house: dict[str, int]
) -> None:
    several = [
        house["Fay"],
        Group("admins"),
        None,
        User(team[2]),
        f"user:{house['Fay']}",
        "department:tea",
        house["Eve"],
    ]
    assert users(office, several) == (house["Fay"], team[1], team[2], house["Zoe"], house["Eve"])
    assert users(office, []) == users(office, None) == ()


def test_a_supervisor_is_the_manager_or_the_head_of_the_department(
    office: Office, team: list[int], house: dict[str, int]
) -> None:
    assert users(office, supervisor(of=house["Zoe"])) == (team[0],)
    office.do(crm.user(house["Zoe"]).update({"manager_id": house["Fay"]}))
    assert users(office, supervisor(of=[house["Zoe"], house["Dan"], house["Fay"]])) == (house["Fay"], team[0])
    assert users(office, supervisor(of=supervisor(of=house["Zoe"]))) == (team[0],)
    office.do(crm.user(team[0]).update({"department_ids": [1]}))
    assert users(office, supervisor(of=team[0])) == ()  # nobody is their own
    assert users(office, supervisor(of=None)) == ()


def test_a_department_that_was_read_names_itself(office: Office, house: dict[str, int]) -> None:
    (sales,) = [each for each in office.reader.find(Department) if each.code == "sales"]
    assert users(office, sales) == (house["Dan"],)


@pytest.mark.parametrize(
    ("queue", "error"),
    [
        (404, UnknownUser),
        (-1, UnknownUser),
        (User(10**30), UnknownUser),
        ("user:404", UnknownUser),
        ("department:coffee", UnknownDepartment),
        (Department(), UnknownDepartment),
        ("group:tea", UnknownGroup),
        ([1, Group("tea")], UnknownGroup),
    ],
)
def test_what_names_nobody_is_refused(
    office: Office, deal: Deal, house: dict[str, int], queue: Any, error: type[Exception]
) -> None:
    before = office.everything()
    with pytest.raises(error):
        change(office, deal, queue)
    assert office.everything() == before


@pytest.mark.parametrize("text", ["user:x", "sales", "department:", "department:tea/shallow", "group:", "user:²", ""])
def test_a_text_that_names_no_users_is_refused_where_it_is_typed(office: Office, text: str) -> None:
    with pytest.raises(WrongArgument):
        crm.deal.change_responsible([1, text])  # type: ignore[unused-awaitable]  # it raises
    with pytest.raises(UnknownUser, match="written as"):
        users(office, text)


def test_a_queue_counts_who_is_listed_twice_once(office: Office, deal: Deal, house: dict[str, int]) -> None:
    queue = [house["Dan"], Department("sales", deep=True), Group("admins"), house["Dan"]]
    done = change(office, deal, queue, pick="in_order")
    named = [each.user for each in done.explain.candidates]
    assert len(named) == len(set(named)) == 4


@pytest.mark.parametrize("load", ["open_items", "open_activities"])
def test_loads_are_counted_by_an_index(office: Office, load: str) -> None:
    from bizproc.adapters.sql_crm.candidates import _loads

    text = _loads("deal", load)
    plan = [step for *_, step in office._connection.execute(f"EXPLAIN QUERY PLAN {text}", ("[1, 2]",))]
    assert any("_load" in step for step in plan), plan


def test_a_change_reads_the_first_of_a_line_and_not_the_line(office: Office, full: UserQueue) -> None:
    """Each change may make room: what it costs must not grow with how many wait."""
    waiting = [office.do(crm.deal.create(title=f"Tea {number}")) for number in range(12)]
    assert [change(office, each, full).held for each in waiting] == [False] + [True] * 11
    ran: list[str] = []
    office._connection.set_trace_callback(ran.append)
    office.do(crm.deal(waiting[5]).update({"title": "Coffee"}))
    office._connection.set_trace_callback(None)
    lines = [each for each in ran if "asked FROM hold" in each]
    assert lines and all(line.endswith("LIMIT 1") for line in lines)
    for line in lines:
        (plan,) = (
            step for *_, step in office._connection.execute(f"EXPLAIN QUERY PLAN {line}")
        )  # and nothing is sorted
        assert plan.startswith("SEARCH hold USING INDEX hold_order (queue=? AND part=?")
    assert office.do(crm.queue(str(full.name)).held()) == tuple(ItemRef("deal", each.id) for each in waiting[1:])
