"""Triggers: which events fit which, and that nothing that fits goes unheard."""

from __future__ import annotations

import pytest
from attrs import frozen

from bizproc import on
from bizproc.core.commands import Event
from bizproc.errors import UnknownField, WrongArgument
from bizproc.triggers.condition import Condition
from bizproc.triggers.keys import keys_of
from bizproc.triggers.trigger import Trigger
from bizproc.wait import for_event
from tests.engine.conditions import AtLeast

MADE = Event("deal.created", "deal:5", {"stage": "NEW"})
MOVED = Event("deal.stage_changed", "deal:5", {"stage": "WON", "by": "p-1"})
EDITED = Event("deal.updated", "deal:5", {"changes": {"title": ["a", "b"]}, "by": "p-1"})
GONE = Event("deal.deleted", "deal:5")
CONTRACT = Event("contract.created", "contract:9", {})


@frozen
class Was:
    """An item whose conditions are known."""

    before: bool
    after: bool

    def holds(self, _condition: Condition) -> bool:
        return self.after

    def held(self, _condition: Condition) -> bool:
        return self.before


@pytest.mark.parametrize(
    ("trigger", "event", "waiting", "starting"),
    [
        (on.created("deal"), MADE, True, True),
        (on.created("lead"), MADE, False, False),
        (on.created("contract"), CONTRACT, True, True),
        (on.changed("deal"), EDITED, True, False),
        (on.changed("deal", by_processes=True), EDITED, True, True),
        (on.changed("deal", by_processes=False), EDITED, False, False),
        (on.changed("deal", "title"), EDITED, True, False),
        (on.changed("deal", "amount"), EDITED, False, False),
        (on.stage("deal"), MADE, True, True),
        (on.stage("deal", "NEW"), MADE, True, True),
        (on.stage("deal", "WON"), MADE, False, False),
        (on.stage("deal", "WON"), MOVED, True, True),
        (on.stage("deal", "WON", by_processes=False), MOVED, False, False),
        (on.deleted("deal") | on.created("deal"), MADE, True, True),
        (on.deleted("deal") | on.created("lead") | on.stage("deal", "WON"), MOVED, True, True),
        (on.signal("x"), Event("signal:x", "runtime", {"value": 1}), True, True),
        (on.signal("x"), Event("signal:y", "runtime", {"value": 1}), False, False),
    ],
)
def test_an_event_fits_or_not(trigger: Trigger, event: Event, waiting: bool, starting: bool) -> None:
    assert (trigger.match(event, None, starting=False) is not None) == waiting
    assert (trigger.match(event, None, starting=True) is not None) == starting
    if waiting:
        assert set(trigger.keys()) & set(keys_of(event))


def test_a_trigger_on_one_item_fits_no_other() -> None:
    trigger = Trigger(("deal.created",), 5)
    assert trigger.match(MADE, None, starting=True) == trigger
    assert trigger.match(Event("deal.created", "deal:55"), None, starting=True) is None
    assert set(trigger.keys()) & set(keys_of(MADE))


@pytest.mark.parametrize(
    ("before", "after", "where", "became"),
    [(False, False, False, False), (False, True, True, True), (True, True, True, False), (True, False, False, False)],
)
def test_where_looks_after_the_event_and_became_at_both_sides(
    before: bool, after: bool, where: bool, became: bool
) -> None:
    condition, seen = AtLeast("amount", 1), Was(before, after)
    assert (on.created("deal", where=condition).match(MADE, seen, starting=True) is not None) == where
    assert (on.became("deal", condition).match(MADE, seen, starting=True) is not None) == became


def test_of_several_the_one_that_fits_is_told() -> None:
    trigger = on.deleted("deal") | on.stage("deal", "NEW", while_in_stage=True)
    matched = trigger.match(MADE, None, starting=True)
    assert matched is not None
    assert matched.while_in_stage
    assert [each.events for each in trigger.alternatives()] == [
        ("deal.deleted",),
        ("deal.stage_changed", "deal.created"),
    ]


def test_what_is_no_filter_is_refused() -> None:
    with pytest.raises(WrongArgument, match="a filter"):
        on.created("deal", where="amount > 5")  # type: ignore[arg-type]
    with pytest.raises(WrongArgument, match="a filter"):
        on.became("deal", 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        on.created("deal") | "deal"  # type: ignore[operator]


def test_what_is_no_item_and_no_text_is_refused() -> None:
    for item in (
        5,
        None,
        "",
        object(),
        "\0",
        "\ud800",
        "'; DROP TABLE deal",
        "Deal",
        "deal.created",
        "deal:1",
        "a" * 1000,
    ):
        with pytest.raises(WrongArgument, match="a kind of item"):
            on.created(item)
    with pytest.raises(WrongArgument, match="fields"):
        on.changed("deal", 5)  # type: ignore[arg-type]
    with pytest.raises(WrongArgument, match="stages"):
        on.stage("deal", "NEW", None)  # type: ignore[arg-type]


def test_a_field_that_no_change_tells_of_is_refused_where_it_is_typed() -> None:
    """No such field, what merely follows, another name of a field: it would be waited for in vain."""
    for field in ("amout", "closed", "contact_id"):
        with pytest.raises(UnknownField, match=f"deal has no field '{field}'"):
            on.changed("deal", "title", field)
    assert on.changed("deal", "custom.size", "manual_amount", "contact_ids").fields[0] == "custom.size"
    with pytest.raises(UnknownField, match=r"custom\.size"):
        on.changed("stage", "custom.size")


def test_errors_name_what_was_typed() -> None:
    with pytest.raises(WrongArgument, match=r"on\.stage: parameter stages"):
        on.stage("deal", ["WON"])  # type: ignore[arg-type]
    with pytest.raises(WrongArgument, match=r"on\.became: parameter item"):
        on.became(3, AtLeast("amount", 1))


def test_a_schedule_is_not_waited_for() -> None:
    with pytest.raises(WrongArgument, match=r"wait\.until"):
        _ = for_event(on.created("deal") | on.cron("0 9 * * *"))
