"""Mistakes that are made when a process is written: each gets an error of ours, at the line where it is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bizproc import F, Runtime, crm, on, wait
from bizproc.core.errors import NotJournallable, WrongArgument, WrongFilter, WrongValue
from bizproc.testing import World

HALF = "half \ud800"

FIELD: Any = F.closed
CONDITION: Any = F.amount > 1


@pytest.mark.parametrize(
    "combine",
    [
        lambda: FIELD & CONDITION,
        lambda: CONDITION & FIELD,
        lambda: FIELD | CONDITION,
        lambda: CONDITION | FIELD,
        lambda: ~FIELD,
        lambda: F.company & CONDITION,
        lambda: CONDITION | F.contacts,
    ],
)
def test_a_field_alone_is_no_condition(combine: Callable[[], object]) -> None:
    with pytest.raises(WrongFilter, match=r"this alone is no condition: compare it, .* \(F.closed == True\)"):
        combine()


@pytest.mark.parametrize("kind", ["company", "activity", "user"])
def test_a_kind_without_stages_enters_none(kind: str) -> None:
    with pytest.raises(WrongArgument, match="expected a kind of item that has stages"):
        on.stage(kind)


@pytest.mark.parametrize("kind", ["deal", "lead", "quote", "invoice", "contract"])
def test_a_kind_with_stages_and_a_smart_type_do(kind: str) -> None:
    assert on.stage(kind, "NEW").stages == ("NEW",)


@pytest.mark.parametrize("make", [on.signal, wait.for_signal])
def test_a_signal_is_named_by_a_text(make: Callable[[str], object]) -> None:
    with pytest.raises(WrongArgument, match="without lone surrogates"):
        make(HALF)


async def test_a_text_that_is_none_names_no_instance_and_no_signal() -> None:
    async with Runtime.open("sqlite:///:memory:", processes=[]) as runtime:
        one = runtime.instance("one")
        asked: list[Callable[[], Any]] = [
            lambda: runtime.instance(HALF).status(),
            lambda: runtime.signal(HALF),
            lambda: runtime.instances(process=HALF),
            lambda: one.signal(HALF),
            lambda: one.signal("go", key=HALF),
            lambda: one.terminate(HALF),
        ]
        for ask in asked:
            with pytest.raises(WrongArgument, match="without lone surrogates"):
                await ask()
        with pytest.raises(NotJournallable):
            await one.signal("go", HALF)


async def test_a_file_that_is_not_there_is_named(world: World, tmp_path: Path) -> None:
    for content in (tmp_path / "nothing.pdf", tmp_path):
        with pytest.raises(WrongValue, match="no such file") as raised:
            await world.perform(crm.drive.add("Offers/tea.pdf", content))
        assert str(content) in raised.value.got
    assert await world.perform(crm.drive.find("Offers/tea.pdf")) is None
