"""Moving an item through its stages and to other pipelines."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import crm
from bizproc.core.errors import ItemNotFound, UnknownItem, UnknownPipeline, UnknownStage
from bizproc.model import Deal, HistoryEvent, ItemRef, Pipeline, User

Office = Any  # conftest.Office


@pytest.fixture
def service(office: Office) -> Pipeline:
    pipeline: Pipeline = office.do(crm.pipeline.create(name="Service"))
    office.events.clear()
    return pipeline


# -- pipelines ---------------------------------------------------------------------------------------------------------


def test_a_deal_comes_to_the_first_stage_of_the_pipeline_and_its_process_ends(
    office: Office, deal: Deal, service: Pipeline, ann: User
) -> None:
    office.do(crm.deal.change_pipeline(service.id), deal, instance="w-1")
    moved = office.deal(deal)
    assert (moved.pipeline, moved.stage, moved.semantics) == (service.id, f"C{service.id}:NEW", "process")
    assert moved.modified_by == moved.moved_by == ann.id
    assert office.cleared == [(f"deal:{deal.id}", "pipeline changed")]


def test_the_move_says_that_instances_are_to_end_and_a_mere_change_does_not(
    office: Office, deal: Deal, service: Pipeline
) -> None:
    office.do(crm.deal.change_pipeline(service), deal, instance="w-1")
    office.do(crm.deal(deal).update({"pipeline": 0}))
    first, second = office.told("deal.pipeline_moved")
    assert (first.facts["ends"], first.facts["by"], first.facts["was"]) == (True, "w-1", 0)
    assert "ends" not in second.facts
    assert {line.field for line in office.reader.find(HistoryEvent, of=deal) if line.kind == "changed"} == {
        "pipeline", "stage",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("preferred", "stage"),
    [
        ("C1:EXECUTING", "C1:EXECUTING"),
        ("EXECUTING", "C1:EXECUTING"),
        ("WON", "C1:WON"),
        ("NO", "C1:NEW"),
        ("", "C1:NEW"),
    ],
)
def test_a_stage_is_preferred_if_the_pipeline_has_it(
    office: Office, deal: Deal, service: Pipeline, preferred: str, stage: str
) -> None:
    assert service.id == 1
    office.do(crm.deal.change_pipeline(service, stage=preferred), deal)
    assert office.deal(deal).stage == stage


def test_a_deal_that_was_won_begins_anew(office: Office, deal: Deal, service: Pipeline) -> None:
    office.do(crm.deal(deal).change_stage("WON"))
    office.do(crm.deal(deal).change_pipeline(service))
    moved = office.deal(deal)
    assert (moved.stage, moved.closed) == (f"C{service.id}:NEW", False)


def test_a_pipeline_whose_stages_are_sorted_anew_has_another_first(
    office: Office, deal: Deal, service: Pipeline
) -> None:
    office.do(crm.stage.create(pipeline=service.id, code="TRIAGE", sort=1))
    office.do(crm.stage.create(pipeline=service.id, code="LOST_EARLY", sort=0, semantics="failure"))
    office.do(crm.deal.change_pipeline(service), deal)
    assert office.deal(deal).stage == f"C{service.id}:TRIAGE"


def test_in_that_pipeline_already_nothing_happens_and_the_process_goes_on(office: Office, deal: Deal) -> None:
    before = office.everything()
    office.do(crm.deal.change_pipeline(0, stage="EXECUTING"), deal, instance="w-1")
    assert (office.everything(), office.events, office.ended) == (before, [], [])


def test_another_item_is_moved_and_the_process_goes_on(office: Office, deal: Deal, service: Pipeline) -> None:
    other = office.do(crm.deal.create(title="Another"))
    office.do(crm.deal(other).change_pipeline(service), deal, instance="w-1")
    assert office.deal(other).pipeline == service.id
    assert (office.ended, office.cleared) == ([], [(f"deal:{other.id}", "pipeline changed")])


def test_a_pipeline_that_is_not_there_changes_and_ends_nothing(office: Office, deal: Deal) -> None:
    office.do(crm.smart_type.create(code="contract"))
    theirs = office.do(crm.pipeline.create(kind="contract", name="Theirs"))
    for pipeline in (99, theirs):
        assert "0 (General)" in office.refused(UnknownPipeline, crm.deal.change_pipeline(pipeline), deal).known
    assert office.cleared == []
    office.refused(ItemNotFound, crm.deal(999).change_pipeline(0))


def test_a_smart_item_moves_between_pipelines_of_its_type(office: Office) -> None:
    office.do(crm.smart_type.create(code="contract"))
    own = office.do(crm.pipeline.create(kind="contract", name="Renewals"))
    item = office.do(crm.item("contract").create(title="x"))
    office.do(crm.item("contract").change_pipeline(own), item, instance="w-1")
    assert office.do(crm.item("contract", item).read()).stage == f"C{own.id}:NEW"
    assert office.cleared == [(f"contract:{item.id}", "pipeline changed")]
    (event,) = office.told("contract.pipeline_moved")
    assert event.facts["ends"]


def test_the_responsible_may_be_nobody(office: Office, service: Pipeline) -> None:
    deal = office.do(crm.deal.create(title="Nobody's"))
    office.do(crm.deal.change_pipeline(service), deal)
    assert office.deal(deal).moved_by is None


def test_what_has_no_stages_has_no_pipelines(office: Office) -> None:
    with pytest.raises(UnknownItem, match="pipelines"):
        office.ask(lambda port: port.change_pipeline(ItemRef("company", 1), 0))


# -- stages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "stage"), [("deal", "WON"), ("quote", "SENT"), ("invoice", "PAID"), ("contract", "CLIENT")]
)
def test_whatever_has_stages_changes_them_and_ends_its_process(office: Office, kind: str, stage: str) -> None:
    if kind == "contract":
        office.do(crm.smart_type.create(code="contract"))
    noun: Any = crm.item("contract") if kind == "contract" else getattr(crm, kind)
    item = office.do(noun.create(title="x"))
    office.do(noun.change_stage(stage), item, instance="w-1")
    assert office.do(noun.read(), item).stage == stage
    assert office.ended == ["stage changed"]


def test_a_lead_is_given_a_status_and_converted_is_one_like_any_other(office: Office, bob: User) -> None:
    lead = office.do(crm.lead.create(title="Somebody"))
    office.do(crm.lead.change_status("CONVERTED", modified_by=[bob, 1]), lead, instance="w-1")
    after = office.do(crm.lead.read(), lead)
    assert (after.status, after.semantics, after.contact_ids, after.modified_by) == ("CONVERTED", "success", (), bob.id)
    assert office.ended == ["stage changed"]


@pytest.mark.parametrize("status", ["", "NO", "WON"])
def test_a_status_that_is_none_ends_and_changes_nothing(office: Office, status: str) -> None:
    lead = office.do(crm.lead.create(title="Somebody"))
    office.refused(UnknownStage, crm.lead.change_status(status), lead)
    assert office.cleared == []
