"""Who follows an item, and the tasks about it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import EmptyText, ItemNotFound, UnknownStage, UnknownUser, WrongFieldValue, WrongValue
from bizproc.model import Activity, Deal, HistoryEvent, Notification, Task, User

Office = Any  # conftest.Office


# -- observers ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def followed(office: Office, ann: User) -> Deal:
    deal: Deal = office.do(crm.deal.create(title="Tea", observer_ids=(ann.id,)))
    office.events.clear()
    return deal


@pytest.mark.parametrize(
    ("how", "named", "after"),
    [
        ("add", [2, 1, 3], (1, 2, 3)),
        ("add", 2, (1, 2)),
        ("add", [], (1,)),
        ("remove", [1, 3], ()),
        ("remove", [2], (1,)),
        ("remove", [], (1,)),
        ("replace", [3, 2, 3], (3, 2)),
        ("replace", [], ()),
    ],
)
def test_observers_are_added_removed_or_replaced_in_order(
    office: Office, followed: Deal, how: str, named: Any, after: tuple[int, ...]
) -> None:
    for name in ("Bob", "Tom"):
        office.do(crm.user.create(name=name))
    assert office.do(crm.deal.change_observers(named, how=how), followed) == after
    assert office.deal(followed).observer_ids == after
    assert len(office.told("deal.updated")) == (after != (1,))


def test_observers_are_added_unless_something_else_is_said(
    office: Office, followed: Deal, bob: User, ann: User
) -> None:
    assert office.do(crm.deal.change_observers(bob), followed) == (ann.id, bob.id)
    line = office.reader.find(HistoryEvent, of=followed)[-1]
    assert (line.field, line.old, line.new) == ("observer_ids", (ann.id,), (ann.id, bob.id))


def test_those_who_come_to_follow_are_told_and_the_others_are_not(office: Office, followed: Deal, bob: User) -> None:
    office.do(crm.deal.change_observers([bob, 1]), followed)
    office.do(crm.deal.change_observers(bob, how="remove"), followed)
    (note,) = office.reader.find(Notification, of=followed)
    assert (note.user_id, note.text, note.due_at) == (bob.id, "You follow Tea", office.now)


def test_an_unknown_user_or_way_is_refused(office: Office, followed: Deal) -> None:
    office.refused(UnknownUser, crm.deal.change_observers([1, 999]), followed)
    with pytest.raises(WrongValue, match="add, replace, remove"):
        _ = crm.deal.change_observers(1, how="clear")
    office.refused(ItemNotFound, crm.deal(999).change_observers(1))


@pytest.mark.parametrize("kind", ["lead", "quote", "invoice", "contact", "company"])
def test_any_item_can_be_followed(office: Office, ann: User, kind: str) -> None:
    noun: Any = getattr(crm, kind)
    fields = {"name": "A", "last_name": "B"} if kind == "contact" else {"title": "x"}
    item = office.do(noun.create(**fields))
    assert office.do(noun(item).change_observers(ann)) == (ann.id,)


def test_a_smart_item_is_followed_where_its_type_allows_it(office: Office, ann: User) -> None:
    for code, allowed in (("contract", True), ("secret", False)):
        office.do(crm.smart_type.create(code=code, has_observers=allowed))
        item = office.do(crm.item(code).create(title="x"))
        action = crm.item(code, item).change_observers(ann)
        if allowed:
            assert office.do(action) == (ann.id,)
        else:
            office.refused(WrongFieldValue, action)


# -- tasks -------------------------------------------------------------------------------------------------------------


def test_a_task_of_a_process_bears_the_stage_it_was_made_in(office: Office, deal: Deal, ann: User) -> None:
    due = datetime(2026, 1, 9, tzinfo=UTC)
    action = crm.deal.add_task("Write the quote", description="With samples", deadline=due)
    made = office.do(action, deal, instance="w-1")
    assert (made.title, made.description, made.deadline) == ("Write the quote", "With samples", due)
    assert (made.stage, made.made_by, made.responsible_id, made.completed) == ("NEW", "w-1", ann.id, False)
    assert office.do(crm.deal.tasks(), deal) == (made,)
    assert office.reader.find(Task, of=deal) == [made]


def test_a_task_made_by_hand_bears_none(office: Office, deal: Deal) -> None:
    assert office.do(crm.deal.add_task("x"), deal).stage is None


def test_a_task_is_shown_by_an_open_activity(office: Office, deal: Deal, bob: User) -> None:
    made = office.do(crm.deal.add_task("x", responsible=bob), deal)
    shown = office.reader.get(Activity, made.activity_id)
    assert (shown.kind, shown.subject, shown.responsible_id, shown.completed) == ("task", "x", bob.id, False)
    assert [event.name for event in office.events] == ["activity.created", "task.created"]


def test_a_task_about_an_item_without_stages_bears_none(office: Office) -> None:
    company = office.do(crm.company.create(title="Acme"))
    assert office.do(crm.company(company).add_task("x"), instance="w-1").stage is None


def test_completing_the_activity_completes_the_task(office: Office, deal: Deal) -> None:
    made = office.do(crm.deal.add_task("x"), deal)
    office.later(hours=1)
    office.do(crm.deal.complete_activity(made.activity_id), deal)
    (task,) = office.do(crm.deal.tasks(), deal)
    assert (task.completed, task.completed_at) == (True, office.now)
    (event,) = office.told("task.completed")
    assert (event.subject, event.facts["task"]) == (f"deal:{deal.id}", made.id)


def test_a_task_must_say_something(office: Office, deal: Deal) -> None:
    assert office.refused(EmptyText, crm.deal.add_task(" "), deal).parameter == "title"
    office.refused(UnknownUser, crm.deal.add_task("x", responsible=999), deal)


def test_ending_tasks_completes_those_that_processes_made_in_these_stages(office: Office, deal: Deal) -> None:
    by_hand = office.do(crm.deal.add_task("by hand"), deal)
    new = office.do(crm.deal.add_task("at NEW"), deal, instance="w-1")
    office.do(crm.deal(deal).change_stage("PREPARATION"))
    later = office.do(crm.deal.add_task("at PREPARATION"), deal, instance="w-2")
    office.later(hours=1)

    (ended,) = office.do(crm.deal.end_tasks("NEW", "EXECUTING"), deal, instance="w-3")

    assert (ended.id, ended.completed, ended.completed_at) == (new.id, True, office.now)
    assert office.reader.get(Activity, new.activity_id).completed
    open_ = [task.id for task in office.do(crm.deal.tasks(), deal) if not task.completed]
    assert open_ == [by_hand.id, later.id]
    assert [event.facts["task"] for event in office.told("task.completed")] == [new.id]
    lines = [(line.kind, line.new) for line in office.reader.find(HistoryEvent, of=deal)]
    assert ("task_completed", "at NEW") in lines


def test_ending_tasks_where_none_is_open_does_nothing(office: Office, deal: Deal) -> None:
    office.do(crm.deal.add_task("x"), deal, instance="w-1")
    office.do(crm.deal.end_tasks("NEW"), deal)
    before = office.everything()
    assert office.do(crm.deal.end_tasks("NEW"), deal) == ()
    assert office.everything() == before


def test_tasks_of_other_items_are_left_alone(office: Office, deal: Deal) -> None:
    other = office.do(crm.deal.create(title="Another"))
    theirs = office.do(crm.deal.add_task("x"), other, instance="w-1")
    assert office.do(crm.deal.end_tasks("NEW"), deal) == ()
    assert not office.reader.get(Task, theirs.id).completed


def test_marks_of_an_earlier_pipeline_still_count_beside_a_stage_of_this_one(office: Office, deal: Deal) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    old = office.do(crm.deal.add_task("x"), deal, instance="w-1")
    office.do(crm.deal(deal).update({"pipeline": service.id}))
    (ended,) = office.do(crm.deal.end_tasks("NEW", f"C{service.id}:NEW"), deal)
    assert ended.id == old.id


def test_stages_that_are_none_or_none_of_this_pipeline_are_refused(office: Office, deal: Deal) -> None:
    service = office.do(crm.pipeline.create(name="Service"))
    office.do(crm.deal.add_task("x"), deal, instance="w-1")
    office.refused(WrongValue, crm.deal.end_tasks(), deal)
    office.refused(UnknownStage, crm.deal.end_tasks("NO"), deal)
    error = office.refused(UnknownStage, crm.deal.end_tasks(f"C{service.id}:NEW"), deal)
    assert error.pipeline == "0"
    office.refused(ItemNotFound, crm.deal(999).end_tasks("NEW"))


@pytest.mark.parametrize("kind", ["lead", "quote", "contract"])
def test_leads_quotes_and_smart_items_have_tasks_that_end_too(office: Office, kind: str) -> None:
    if kind == "contract":
        office.do(crm.smart_type.create(code="contract"))
        item = office.do(crm.item("contract").create(title="x"))
        its: Any = crm.item("contract", item)
    else:
        item = office.do(getattr(crm, kind).create(title="x"))
        its = getattr(crm, kind)(item)
    made = office.do(its.add_task("x"), item, instance="w-1")
    (ended,) = office.do(its.end_tasks(made.stage), item)
    assert ended.id == made.id


def test_tasks_go_with_their_item(office: Office, deal: Deal) -> None:
    office.do(crm.deal.add_task("x"), deal)
    office.do(crm.deal(deal).delete())
    assert office.reader.find(Task) == office.reader.find(Activity) == []
