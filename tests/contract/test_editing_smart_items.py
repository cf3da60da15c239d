"""Heading 26: editing an item of a smart type by its id."""

from __future__ import annotations

from typing import Any

import pytest

from bizproc import F, crm
from bizproc.core.errors import ItemNotFound, LinkedItemMissing, NoDocument, UnknownField, UnknownItem, UnknownStage
from bizproc.model import SmartItem, SmartType

Office = Any  # conftest.Office


@pytest.fixture
def contract(office: Office) -> SmartType:
    made: SmartType = office.do(crm.smart_type.create(code="contract", parents=["deal"]))
    return made


@pytest.fixture
def item(office: Office, contract: SmartType) -> SmartItem:
    made: SmartItem = office.do(crm.item("contract").create(title="C"))
    office.events.clear()
    return made


def test_an_item_is_edited_by_its_id_or_by_itself(office: Office, item: SmartItem) -> None:
    assert office.do(crm.item("contract").edit({"title": "D"}, id=item.id)).title == "D"
    assert office.do(crm.item("contract").edit({"title": "E"}, id=item)).title == "E"
    assert [event.name for event in office.events] == ["contract.updated"] * 2


def test_without_an_id_the_document_or_the_one_linked_to_it_is_meant(office: Office, item: SmartItem) -> None:
    assert office.do(crm.item("contract").edit({"title": "D"}), item).id == item.id
    deal = office.do(crm.deal.create(title="x"))
    office.refused(LinkedItemMissing, crm.item("contract").edit({"title": "E"}), deal)
    office.do(crm.item("contract").edit({"parents": [deal]}, id=item))
    assert office.do(crm.item("contract").edit({"title": "F"}), deal).id == item.id
    office.refused(NoDocument, crm.item("contract").edit({"title": "G"}))


def test_a_change_of_stage_is_told_and_ends_nothing(office: Office, item: SmartItem) -> None:
    changed = office.do(crm.item("contract").edit({"stage": "CLIENT"}, id=item), item)
    assert changed.stage == "CLIENT"
    assert len(office.told("contract.stage_changed")) == 1
    assert office.ended == []


def test_what_is_there_already_is_not_told(office: Office, item: SmartItem) -> None:
    before = office.everything()
    office.do(crm.item("contract").edit({"title": "C"}, id=item))
    assert office.everything() == before
    assert office.events == []


def test_the_first_is_edited_for_which_a_filter_holds(office: Office, item: SmartItem) -> None:
    office.do(crm.smart_type.create(code="annex"))
    office.do(crm.item("annex").create(title="C"))
    second = office.do(crm.item("contract").create(title="C"))
    edit = crm.item("contract").edit
    assert office.do(edit({"title": "D"}, where=F.title == "C")).id == item.id
    assert office.do(edit({"title": "E"}, where=F.title.is_in(["C", "D"]), id=second)).id == second.id
    office.refused(ItemNotFound, edit({"title": "F"}, where=F.title == "D", id=second))
    error = office.refused(ItemNotFound, edit({"title": "F"}, where=F.title == "C"))
    assert str(error).startswith("there is no contract where title = C")
    with pytest.raises(UnknownField):
        office.do(edit({"title": "F"}, where=F.probability == 5))


def test_an_item_of_another_type_or_none_is_not_found(office: Office, item: SmartItem) -> None:
    office.do(crm.smart_type.create(code="lease"))
    office.refused(ItemNotFound, crm.item("lease").edit({"title": "D"}, id=item.id))
    office.refused(ItemNotFound, crm.item("contract").edit({"title": "D"}, id=99))


def test_only_items_of_smart_types_are_edited_so(office: Office) -> None:
    deal = office.do(crm.deal.create(title="x"))
    office.refused(UnknownItem, crm.item("deal").edit({"title": "y"}, id=deal.id))
    office.refused(UnknownItem, crm.item("lease").edit({"title": "y"}, id=1))


def test_unknown_fields_and_stages_are_refused(office: Office, item: SmartItem) -> None:
    fields: Any = {"colour": "green"}
    office.refused(UnknownField, crm.item("contract").edit(fields, id=item))
    office.refused(UnknownStage, crm.item("contract").edit({"stage": "WON"}, id=item))
