"""Texts and numbers that no store can hold are refused by name, wherever they come in, and change nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bizproc import UserQueue, crm
from bizproc.core.errors import BizprocError, UnknownItem, UnknownPipeline, WrongValue
from bizproc.model import Activity, Comment, Deal, File, ItemRef
from bizproc.model.references import LARGEST_ID
from tests.contract.conftest import Office

SURROGATE = "\ud800"
HUGE = 2**70


@pytest.mark.parametrize("id", [HUGE, -HUGE, LARGEST_ID + 1])
def test_an_item_of_an_id_beyond_64_bits_is_not_there_and_has_nothing(office: Office, id: int) -> None:
    ref = ItemRef("deal", id)
    for noun in (Comment, Activity, Deal):
        assert office.reader.find(noun, of=ref) == []
    with pytest.raises(BizprocError, match="there is no deal"):
        office.do(crm.deal(id).update({"title": "x"}))


@pytest.mark.parametrize("pipeline", [HUGE, -HUGE, LARGEST_ID + 1, -1])
def test_a_pipeline_beyond_64_bits_is_unknown(office: Office, pipeline: int) -> None:
    deal = office.do(crm.deal.create(title="Tea"))
    with pytest.raises(UnknownPipeline):
        office.do(crm.deal(deal).change_pipeline(pipeline))


@pytest.mark.parametrize("code", [SURROGATE, "\0", "x'; DROP TABLE deal; --", "a" * 100_000, ""])
def test_what_is_no_name_is_no_kind_of_item(office: Office, code: str) -> None:
    with pytest.raises(UnknownItem) as raised:
        office.do(crm.item(code).create(title="Tea"))
    assert str(raised.value).encode()


@pytest.mark.parametrize("path", [SURROGATE, "\0", "../x", "a\nb"])
def test_nothing_lies_at_what_is_no_path(office: Office, path: str) -> None:
    assert office.do(crm.drive.find(path)) is None
    assert office.reader.find(File) == []


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: UserQueue([1], name=SURROGATE),
        lambda: UserQueue([1], name="\0"),
        lambda: UserQueue([1], name="a" * 1001),
        lambda: UserQueue([1], name=5),  # type: ignore[arg-type]
        lambda: UserQueue([1], priority=2**63),
        lambda: UserQueue([1], priority=True),
        lambda: UserQueue([1], priority=1.5),  # type: ignore[arg-type]
    ],
)
def test_a_queue_is_refused_as_it_is_written_down(wrong: Callable[[], Any]) -> None:
    with pytest.raises(WrongValue) as raised:
        wrong()
    assert str(raised.value).encode()


@pytest.mark.parametrize("name", [SURROGATE, "a" * 1001, 5])
def test_a_queue_that_cannot_be_called_so_is_refused(name: Any) -> None:
    with pytest.raises(WrongValue, match="name"):
        crm.queue(name)


@pytest.mark.parametrize(
    "state", [{"last": HUGE}, {"ring": [HUGE]}, {"owed": {str(HUGE): 1}}, {"credits": {"1": -HUGE}}]
)
def test_a_queue_does_not_remember_numbers_beyond_64_bits(office: Office, state: dict[str, Any]) -> None:
    with pytest.raises(WrongValue, match="more than 64 bits"):
        office.do(crm.queue("sales").restore(state))
    assert office.do(crm.queue("sales").export()) == {}
