"""
The recipes that ship, as `bizproc check` and `bizproc diagram` read them: processes that are closures of a function.

Nothing is found in them, what is put into them is found, and each is drawn whole.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bizproc.code.checking import check_text
from bizproc.code.drawing import flow_of
from bizproc.code.flow import Act, Flow, every_part
from bizproc.code.mermaid import mermaid
from bizproc.code.reading import Module
from bizproc.code.svg import svg
from tests.unit.code.test_rules import SEEDED

ROOT = Path(__file__).parents[3] / "recipes"
RECIPES = {
    path.stem: path.read_text("utf-8")
    for path in sorted(ROOT.glob("*/bizproc_*/*.py"))
    if "@recipe(" in path.read_text("utf-8")
}

FAULTS: list[tuple[str, str]] = [
    ("not-awaited", "crm.deal.add_comment('x')"),
    ("not-awaited", "row = crm.deal.add_product(1, quantity=2)"),
    ("not-awaited", "if crm.deal.read().closed:\n    pass"),
    ("not-awaited", "async def slow() -> None:\n    await wait.sleep(1)\nslow()"),
    ("outside", "import time\ntime.sleep(1)"),
    ("outside", "import requests\nrequests.get('https://example.com')"),
    ("outside", "import anyio\nawait anyio.sleep(1)"),
    ("environment", "if open('offer.txt').read():\n    pass"),
    ("environment", "import os\ntrace = [os.environ['HOME']]"),
    ("random", "number = id('tea')"),
    ("random", "import uuid\nawait note(str(uuid.uuid4()))"),
    ("clock", "import datetime\nmoment = datetime.date.today()"),
    ("clock", "import time\nmoment = time.time()"),
    ("set-order", "for number in {0, 1, 2, 3}:\n    await wait.sleep(number)"),
    ("set-order", "await for_each(crm.deal.add_comment, {'a', 'b', 'c'})"),
    ("swallowed-cancel", "try:\n    await note('x')\nexcept BaseException as error:\n    seen = error"),
    ("swallowed-cancel", "try:\n    await note('x')\nexcept:\n    pass"),
    ("unshielded-effect", "try:\n    await wait.sleep(1)\nfinally:\n    await crm.deal.add_comment('late')"),
    ("module-state", "SEEN.append(await now())"),
    ("shared-queue", "\n".join(2 * ["await crm.deal.change_responsible([3], pick='in_order')"])),
]
"""The rule that finds it, and what is written at the beginning of a function."""

CLOSED = ["kept['seen'] = await now()", "kept.update(seen=1)", "nonlocal counted\ncounted += 1"]
"""Changes of what belongs to the recipe's function: all instances of its process have that in common."""

VERBS = "from bizproc import crm, for_each, note, now, wait\n\nSEEN: list[object] = []\n"
KEPT = ["    kept: dict[str, object] = {}", "    counted = 0"]


def rules_of(text: str) -> list[str]:
    return [finding.rule for finding in check_text(text)[1]]


def functions_of(text: str) -> Iterator[ast.AsyncFunctionDef]:
    """The process and what it calls; not steps, whose bodies may do anything."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.AsyncFunctionDef) and "action(" not in "".join(map(ast.unparse, node.decorator_list)):
            yield node


def recipe_of(text: str) -> ast.FunctionDef:
    functions = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    return next(node for node in functions if "recipe(" in ast.unparse(node.decorator_list[0]))


def beginning(node: ast.AsyncFunctionDef | ast.FunctionDef) -> tuple[int, int]:
    """The line of a function's first statement, counted from 0, and how far it is indented."""
    first = node.body[1] if ast.get_docstring(node) is not None else node.body[0]
    lines = [each.lineno for each in getattr(first, "decorator_list", ())]
    return min([first.lineno, *lines]) - 1, first.col_offset


def indented(code: str, depth: int) -> list[str]:
    return [" " * depth + line for line in code.splitlines()]


def spoiled(text: str, name: str, code: str) -> str:
    """A recipe with a fault at the beginning of one of its functions, and with what the fault uses."""
    lines = text.splitlines()
    node = next(each for each in functions_of(text) if each.name == name)
    (first, depth), (kept, _) = beginning(node), beginning(recipe_of(text))
    into = [(first, indented(code, depth)), (kept, KEPT)]
    for line, added in sorted(into, reverse=True):
        lines[line:line] = added
    future = lines.index("from __future__ import annotations") + 1
    lines[future:future] = VERBS.splitlines()
    return "\n".join(lines) + "\n"


def drawn(text: str) -> Flow:
    module = Module(text)
    (process,) = module.processes
    return flow_of(process, module)


def test_there_are_twelve() -> None:
    assert len(RECIPES) == 12
    assert len(FAULTS) >= 20
    assert {rule for rule, _ in FAULTS} == {rule for *_, rule in SEEDED}


@pytest.mark.parametrize("name", RECIPES)
def test_nothing_is_found_in_a_recipe_as_it_ships(name: str) -> None:
    processes, findings = check_text(RECIPES[name])
    assert (processes, findings) == (1, [])


@pytest.mark.parametrize("name", RECIPES)
def test_what_faults_use_is_no_fault(name: str) -> None:
    for node in functions_of(RECIPES[name]):
        assert rules_of(spoiled(RECIPES[name], node.name, "seen = (SEEN, kept, counted)")) == []


@pytest.mark.parametrize(("rule", "code"), FAULTS, ids=[f"{n}-{rule}" for n, (rule, _) in enumerate(FAULTS)])
@pytest.mark.parametrize("name", RECIPES)
def test_a_fault_is_found_in_each_function_of_a_recipe(name: str, rule: str, code: str) -> None:
    text = RECIPES[name]
    found = {node.name: set(rules_of(spoiled(text, node.name, code))) for node in functions_of(text)}
    assert found
    assert all(rules == {rule} for rules in found.values()), found


@pytest.mark.parametrize("code", CLOSED)
@pytest.mark.parametrize("name", RECIPES)
def test_a_variable_of_a_recipe_that_its_process_changes_is_found(name: str, code: str) -> None:
    text = RECIPES[name]
    closures = [node.name for node in functions_of(text) if node.col_offset > 0]
    assert closures
    for each in closures:
        assert rules_of(spoiled(text, each, code)) == ["module-state"]


def test_a_variable_of_the_process_itself_is_its_memory() -> None:
    code = "mine: dict[str, object] = {}\nasync def inner() -> None:\n    mine.update(seen=await now())\nawait inner()"
    for text in RECIPES.values():
        for node in functions_of(text):
            assert rules_of(spoiled(text, node.name, code)) == []


@pytest.mark.parametrize("name", RECIPES)
def test_an_await_that_was_forgotten_where_its_result_is_not_used_is_found(name: str) -> None:
    lines = RECIPES[name].splitlines()
    asked = {
        node.lineno - 1
        for function in functions_of(RECIPES[name])
        for node in ast.walk(function)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Await)
    }
    for at in asked:
        forgetful = [*lines[:at], lines[at].replace("await ", "", 1), *lines[at + 1 :]]
        assert rules_of("\n".join(forgetful)) == ["not-awaited"], lines[at]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_drawn_whole(name: str) -> None:
    flow = drawn(RECIPES[name])
    acts = [part for part in every_part(flow.body) if isinstance(part, Act)]
    assert acts
    assert [act.text for act in acts if act.kind == "other"] == []
    assert mermaid(flow).startswith("flowchart")
    assert ET.fromstring(svg(flow)).tag == "{http://www.w3.org/2000/svg}svg"  # noqa: S314  we drew it ourselves
