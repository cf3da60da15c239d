"""Code behind an action that ends the instance: what `bizproc check` finds of it, and what is drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from bizproc.code.checking import check_paths, check_text
from bizproc.code.drawing import flow_of
from bizproc.code.flow import Act, End, every_part
from bizproc.code.reading import Module

RECIPES = Path(__file__).parents[3] / "recipes"

TOP = """
from bizproc import attempt, crm, gather, note, process, race, saga, shield, wait
from bizproc.errors import UnknownStage
from bizproc.model import Contact, Deal, Lead

async def lose():
    await crm.deal.change_stage("LOSE")

async def may_lose(deal):
    if deal.amount:
        return
    await crm.deal.change_stage("LOSE")
"""

OWN = 'await crm.deal.change_stage("LOSE")'
THEN = 'await note("then")'


def text_of(*lines: str, document: str = "deal: Deal", options: str = "") -> str:
    body = "\n".join(f"    {line}" for each in lines for line in each.splitlines())
    return f'{TOP}\n@process("p"{options})\nasync def p({document}):\n{body}\n'


def found(*lines: str, document: str = "deal: Deal", options: str = "") -> list[str]:
    text = text_of(*lines, document=document, options=options)
    return [text.splitlines()[each.line - 1].strip() for each in check_text(text)[1] if each.rule == "after-end"]


@pytest.mark.parametrize(
    "ends",
    [
        OWN,
        'await crm.deal(deal).change_stage("LOSE")',
        'await crm.deal(deal.id).change_stage("LOSE")',
        "await crm.deal.delete()",
        f"moved = {OWN}",
        'move = crm.deal.change_stage("LOSE")\nawait move',
        'await shield(crm.deal.change_stage("LOSE"))',
        'await gather(note("x"), crm.deal.change_stage("LOSE"))',
        "await lose()",
        f"if deal.amount:\n    return\nelse:\n    {OWN}",
        f"async with saga():\n    {OWN}",
        f"try:\n    {OWN}\nfinally:\n    {THEN}",
        f"match deal.stage:\n    case 'NEW':\n        {OWN}\n    case _:\n        raise ValueError",
    ],
)
def test_what_stands_behind_the_end_is_found(ends: str) -> None:
    assert found(ends, THEN) == [THEN]


@pytest.mark.parametrize(
    "goes_on",
    [
        'await crm.deal(42).change_stage("LOSE")',
        'await crm.lead.change_status("JUNK")',
        'await crm.deal.update({"stage": "LOSE"})',
        "await crm.deal.change_pipeline(1)",
        "await crm.contact.delete()",
        'await attempt(crm.deal.change_stage("LOSE"))',
        'await race(wait.for_signal("x"), crm.deal.change_stage("LOSE"))',
        f"if deal.amount:\n    {OWN}",
        f"for _ in range(3):\n    {OWN}",
        f"while True:\n    if deal.amount:\n        break\n    {OWN}",
        f"try:\n    {OWN}\nexcept UnknownStage:\n    pass",
        f"match deal.stage:\n    case 'NEW':\n        {OWN}",
        "await may_lose(deal)",
        f"async def never():\n    {OWN}",
        'for deal in await crm.deal.find(None):\n    await crm.deal(deal).change_stage("LOSE")',
        'async with saga() as undo:\n    undo.compensate(crm.deal.change_stage("LOSE"))',
    ],
)
def test_where_it_goes_on_or_may_go_on_nothing_is_found(goes_on: str) -> None:
    assert found(goes_on, THEN) == []


@pytest.mark.parametrize("last", ["return", "return None", "x = deal.amount", "pass"])
def test_what_does_nothing_behind_the_end_is_right(last: str) -> None:
    assert found(OWN, last) == []


def test_a_result_that_nobody_gets_is_found() -> None:
    assert found(OWN, 'return "won"') == ['return "won"']
    assert found(f"return {OWN}") == []


def test_a_process_without_this_document_goes_on() -> None:
    assert found(OWN, THEN, document="contact: Contact") == []
    assert found(OWN, THEN, document="") == []
    assert found('await crm.lead.change_status("JUNK")', THEN, document="lead: Lead") == [THEN]


def test_a_process_that_goes_on_after_errors_goes_on_behind_a_move_that_failed() -> None:
    assert found(OWN, THEN, options=', on_error="continue"') == []
    assert found(OWN, THEN, options=', on_error="raise"') == [THEN]


def test_a_helper_of_processes_on_two_kinds_of_items_is_left_alone() -> None:
    helper = f"async def helper():\n    {OWN}\n    {THEN}\n"
    both = '@process("q")\nasync def q(contact: Contact):\n    await helper()\n'
    assert [each.rule for each in check_text(helper + text_of("await helper()"))[1]] == ["after-end"]
    assert check_text(f"{helper}{text_of('await helper()')}\n{both}")[1] == []


def test_it_is_told_which_line_ends_the_instance_and_what_to_write() -> None:
    text = text_of(OWN, 'return "won"')
    (finding,) = check_text(text)[1]
    line = len(text.splitlines()) - 1
    assert (finding.line, finding.column) == (line + 1, 5)
    assert finding.what.startswith(f"crm.deal.change_stage(…) in line {line} ends the instance, with the result None")
    assert "update(" in finding.cure


def test_no_recipe_that_ships_raises_an_alarm() -> None:
    report = check_paths([RECIPES])
    assert report.processes >= 12
    assert [each for each in report.findings if each.rule == "after-end"] == []


def drawn(*lines: str, document: str = "deal: Deal") -> tuple[list[str], list[str]]:
    module = Module(text_of(*lines, document=document))
    parts = list(every_part(flow_of(module.processes[0], module).body))
    acts, ends = ([each.text for each in parts if isinstance(each, kind)] for kind in (Act, End))
    return acts, ends


@pytest.mark.parametrize(
    ("line", "document", "why"),
    [
        ('await crm.lead.change_status("JUNK")', "lead: Lead", "stage changed"),
        ('await crm.deal(deal).change_stage("LOSE")', "deal: Deal", "stage changed"),
        ("await crm.deal.delete()", "deal: Deal", "document deleted"),
        ("await lose()", "deal: Deal", "stage changed"),
        ('await shield(crm.deal.change_stage("LOSE"))', "deal: Deal", "stage changed"),
    ],
)
def test_it_is_drawn_as_an_end(line: str, document: str, why: str) -> None:
    acts, ends = drawn(line, THEN, document=document)
    assert ends == [f"the process ends here: {why}"]
    assert 'note("then")' not in acts


@pytest.mark.parametrize(
    "line",
    ["await crm.deal.change_pipeline(1)", 'await attempt(crm.deal.change_stage("LOSE"))', "await may_lose(deal)"],
)
def test_where_it_may_go_on_what_follows_is_drawn(line: str) -> None:
    assert drawn(line, THEN)[0][-1] == 'note("then")'
