"""Triggers as people read them: much as they are typed."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from bizproc import F, on, wait
from bizproc.core.codec import Codec
from bizproc.engines.embedded.showing import readable
from bizproc.model import Deal
from bizproc.triggers.showing import trigger_text
from bizproc.triggers.trigger import Trigger
from bizproc.triggers.waits import ForEvent

DEAL = Deal(id=4)


def arguments(trigger: Trigger, timeout: timedelta | None = None) -> str:
    """As the journal has them."""
    return Codec().canonical(ForEvent(trigger, timeout).arguments())


@pytest.mark.parametrize(
    ("trigger", "text"),
    [
        (on.changed(DEAL), "on.changed(deal:4)"),
        (on.changed(DEAL, "amount", "title"), 'on.changed(deal:4, "amount", "title")'),
        (on.changed("deal", by_processes=False), 'on.changed("deal", by_processes=False)'),
        (on.created("lead"), 'on.created("lead")'),
        (on.deleted(DEAL), "on.deleted(deal:4)"),
        (on.stage(DEAL, "WON"), 'on.stage(deal:4, "WON")'),
        (on.responsible_changed(DEAL), "on.responsible_changed(deal:4)"),
        (on.became(DEAL, F.amount >= 100), "on.became(deal:4, amount >= 100)"),
        (on.created("deal", where=F.stage == "NEW"), 'on.created("deal", where=stage = NEW)'),
        (on.signal("night_run"), 'on.signal("night_run")'),
        (on.payment_paid(DEAL), "on.payment_paid(deal:4)"),
        (on.email_opened(), "on.email_opened()"),
        (on.link_clicked(DEAL), "on.link_clicked(deal:4)"),
        (on.incoming(), "on.incoming()"),
        (on.incoming("email", DEAL), 'on.incoming("email", deal:4)'),
        (
            on.changed(DEAL) | on.deleted(DEAL) | on.signal("x"),
            'on.changed(deal:4) | on.deleted(deal:4) | on.signal("x")',
        ),
    ],
    ids=str,
)
def test_a_trigger_is_shown_as_it_is_typed(trigger: Trigger, text: str) -> None:
    assert trigger_text(json.loads(arguments(trigger))["trigger"]) == text


def test_a_wait_for_an_event_is_shown_with_its_trigger_first_and_a_short_duration() -> None:
    recorded = arguments(on.incoming("email", DEAL), timedelta(days=30))
    assert readable("wait", "for_event", recorded) == 'for_event(on.incoming("email", deal:4), timeout=30d)'
    assert wait.for_event(on.changed(DEAL)).name == "for_event"


def test_what_another_release_wrote_is_shown_as_far_as_it_is_known() -> None:
    assert trigger_text({}) == 'on.?("")'
    assert trigger_text({"events": ["deal.melted"], "item": 4, "hue": "red"}) == "on.melted(deal:4)"
    assert trigger_text({"events": ["deal.created"], "where": {"$object": ["Filter", {"version": 99}]}}) == (
        'on.created("deal", where=…)'
    )
    assert trigger_text({"events": ["deal.created"], "where": {"$object": ["AtLeast", {}]}}) == (
        'on.created("deal", where=…)'
    )
