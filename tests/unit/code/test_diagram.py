"""A process as parts, as Mermaid and as SVG; where an instance stands, and what tests have seen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bizproc.code.coverage import Coverage, WrongCoverage, coverage_marks, read_coverage
from bizproc.code.drawing import MOST_PARTS, flow_of
from bizproc.code.flow import Act, Choice, End, Flow, Group, Loop, Several, Trying, every_part
from bizproc.code.marks import Marks
from bizproc.code.mermaid import mermaid
from bizproc.code.reading import Module
from bizproc.code.source import flow_of_process
from bizproc.code.standing import standing_marks
from bizproc.code.svg import PAD, WIDEST, _letters, _wrapped, svg
from bizproc.testing import World
from tests.unit.code import elsewhere
from tests.unit.code import everything as written

RECIPES = Path(__file__).parents[3] / "recipes"
SOURCE = Path(written.__file__).read_text("utf-8")
HEAD = "from bizproc import *\nfrom bizproc.model import Deal\n@process('p')\nasync def p(deal: Deal):\n"


def drawn(text: str, name: str) -> Flow:
    module = Module(text)
    return next(flow_of(each, module) for each in module.processes if each.name == name)


def body(*lines: str) -> Flow:
    return drawn(HEAD + "".join(f"    {line}\n" for line in lines), "p")


EVERYTHING = drawn(SOURCE, "everything")


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture)  # noqa: S314  we drew it ourselves


def texts(flow: Flow, kind: type) -> list[str]:
    return [getattr(part, "text", "") for part in every_part(flow.body) if isinstance(part, kind)]


def test_a_process_is_drawn_with_all_its_parts() -> None:
    assert (EVERYTHING.name, EVERYTHING.version, EVERYTHING.document) == ("everything", 3, "deal")
    assert EVERYTHING.starts == 'created("deal")'
    assert EVERYTHING.parameters == ("discount: int = 5", "patience: timedelta = DAY")
    kinds = {type(part) for part in every_part(EVERYTHING.body)}
    assert kinds == {Act, Choice, End, Group, Loop, Several, Trying}
    acts = {part.kind for part in every_part(EVERYTHING.body) if isinstance(part, Act)}
    assert acts == {"action", "step", "wait", "child", "fact", "undo"}
    assert {part.kind for part in every_part(EVERYTHING.body) if isinstance(part, End)} == {
        "return", "raise", "break", "continue", "again", "ended",
    }  # fmt: skip


def test_a_wait_is_drawn_with_its_outcomes() -> None:
    until, *_ = [part for part in every_part(EVERYTHING.body) if isinstance(part, Act) and part.kind == "wait"]
    assert until.outcomes == ("stage reached", "another final stage", "deal deleted", "timed out")
    (choice, *_) = [part for part in EVERYTHING.body if isinstance(part, Choice)]
    assert [label for label, _ in choice.cases] == ["timed out", "in time"]


def test_what_is_never_reached_is_not_drawn() -> None:
    flow = body("await crm.deal.change_stage('LOSE')", "await note('never')")
    assert texts(flow, Act) == ["deal.change_stage('LOSE')"]
    assert texts(body("while True:", "    await note('x')", "await note('never')"), Act) == ["note('x')"]
    assert texts(body("await crm.deal(7).change_stage('LOSE')", "await note('then')"), Act)[1:] == ["note('then')"]


def test_awaits_inside_expressions_are_drawn_in_their_order() -> None:
    flow = body("x = [await note('b') for _ in await note('a')] + [await note('c') if x else await note('d')]")
    assert texts(flow, Act) == ["note('a')", "note('b')", "note('c')", "note('d')"]


def test_what_an_async_generator_may_await_is_not_left_out() -> None:
    flow = body("async for n in numbers():", "    await note(n)", "x = [n async for n in numbers()]", "return x")
    assert texts(flow, Act) == ["the next of numbers()", "note(n)", "the next of numbers()"]
    assert [type(part) for part in flow.body] == [Loop, Loop, End]


def test_a_method_is_drawn_like_any_other_helper() -> None:
    class_ = "class Calls:\n    async def one(self):\n        await wait.sleep(3)\n        await self.two()\n"
    flow = drawn(f"{class_}    async def two(self):\n        await note('x')\n{HEAD}    await Calls().one()\n", "p")
    assert texts(flow, Act) == ["sleep(3)", "note('x')"]


def test_one_of_two_things_to_be_awaited_is_a_choice() -> None:
    flow = body("await (crm.deal.add_comment('a') if deal.id > 3 else wait.sleep(DAY))")
    (choice,) = flow.body
    assert isinstance(choice, Choice)
    assert [label for label, _ in choice.cases] == ["if deal.id > 3", "otherwise"]
    assert [part.kind for _, (part,) in choice.cases if isinstance(part, Act)] == ["action", "wait"]


def test_steps_and_processes_of_other_files_are_drawn_as_what_they_are() -> None:
    flow = flow_of_process(elsewhere.errands)
    acts = [part for part in every_part(flow.body) if isinstance(part, Act)]
    assert [(act.kind, act.asks) for act in acts] == [
        ("step", (("step", "score"),)),
        ("step", (("step", "score"),)),
        ("child", (("start", "other"), ("child", None))),
        ("child", (("start", "other"),)),
        ("child", (("child", None),)),
        ("other", ()),
    ]


def test_a_name_that_is_computed_is_drawn_as_it_came_out() -> None:
    flow = flow_of_process(elsewhere.errands)
    assert (flow.name, flow.version) == ("errands.of-2", 2)


def test_a_helper_that_calls_itself_is_drawn_once() -> None:
    flow = drawn(HEAD + "    await h(1)\nasync def h(n):\n    await note('x')\n    await h(n - 1)\n", "p")
    assert texts(flow, Act) == ["note('x')", "h(n - 1)"]


def test_a_process_that_is_too_large_says_so() -> None:
    assert "too large" in texts(body(*["await note('x')"] * (MOST_PARTS + 10)), Act)[-1]


def shown_in(picture: str) -> list[str]:
    return [each.text or "" for each in parsed(picture).iter("{http://www.w3.org/2000/svg}text")]


def test_a_line_of_a_picture_is_broken_where_code_may_be_and_fits() -> None:
    call = "crm.contact(contact).add_to_facebook_audience(facebook, remove_after_days=3)"
    lines = shown_in(svg(body(f"await {call}")))
    assert lines[-4:-1] == ["crm.contact(contact)", ".add_to_facebook_audience(facebook,", "remove_after_days=3)"]
    names = shown_in(svg(body("await note(a_name_that_is_much_longer_than_any_line_of_a_box_can_be)")))
    assert names[-3:-1] == ["note(a_name_that_is_much_longer_than_", "any_line_of_a_box_can_be)"]
    for long in ("x" * 100, "\u6f22" * 60, "a" * 39):
        assert max(map(_letters, shown_in(svg(body(f"await note('{long}')"))))) <= WIDEST


@given(st.text(alphabet="ab_.,( \u6f22", max_size=120))
def test_no_letter_is_lost_where_a_line_is_broken(text: str) -> None:
    lines = _wrapped(text)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert all(_letters(line) <= WIDEST for line in lines)


def test_a_noun_of_another_item_is_said_with_its_crm_and_one_of_the_document_without() -> None:
    flow = body(
        "await crm.deal.read()",
        "await crm.deal(deal).read()",
        "await gather(*map(crm.deal(deal).add_comment, 'ab'))",
        "await note((await crm.deal(deal).read()).title)",
    )
    assert texts(flow, Act) == [
        "deal.read()",
        "crm.deal(deal).read()",
        "crm.deal(deal).add_comment(…)",
        "crm.deal(deal).read()",
        "note(crm.deal(deal).read().title)",
    ]


def test_brackets_that_only_await_needs_are_left_out() -> None:
    flow = body("if (await crm.deal.read()).closed and not (await note((1, 2))):", "    await note('(await x)')")
    (choice,) = [part for part in flow.body if isinstance(part, Choice)]
    assert choice.cases[0][0] == "if deal.read().closed and not note((1, 2))"
    assert texts(body("await note((await note(1)) + 2)", "await note((await (note)(3)), 4)"), Act)[1:] == [
        "note(note(1) + 2)", "(note)(3)", "note((note)(3), 4)",
    ]  # fmt: skip


@pytest.mark.parametrize("statement", ["await continue_as_new()", "return await continue_as_new()"])
def test_nothing_is_drawn_behind_the_end_of_an_instance(statement: str) -> None:
    flow = body("await note('x')", statement)
    assert [type(part) for part in flow.body] == [Act, End]
    assert "return" not in mermaid(flow)
    assert shown_in(svg(flow))[-1] == "begin anew: continue_as_new()"


def test_a_saga_that_is_left_by_a_return_leads_nowhere() -> None:
    flow = body("async with saga() as undo:", "    await note('x')", "    return 3")
    assert '(["done"])' not in mermaid(flow)
    assert "done" not in shown_in(svg(flow))
    assert "done" in shown_in(svg(body("async with saga() as undo:", "    await note('x')")))


def test_a_frame_is_no_wider_than_what_is_in_it() -> None:
    inside = "    if await note('a long question, which makes the left branch wide'):", "        await note('x')"
    plain = body(*(line.removeprefix("    ") for line in inside))
    framed = body("async with saga() as undo:", *inside)
    width, framed_width = (float(parsed(svg(flow)).attrib["width"]) for flow in (plain, framed))
    assert width < framed_width <= width + 2 * PAD + 1


def drawings() -> list[Any]:
    recipes = [path for path in sorted(RECIPES.glob("*/bizproc_*/*.py")) if "@recipe(" in path.read_text("utf-8")]
    modules = [Module(path.read_text("utf-8"), str(path)) for path in recipes]
    flows = [flow_of(each, module) for module in modules for each in module.processes]
    assert len(flows) >= len(recipes) == 12
    return [pytest.param(flow, id=flow.name) for flow in (EVERYTHING, *flows)]


@pytest.mark.parametrize("flow", drawings())
def test_each_node_is_come_to_and_each_that_is_no_end_is_left(flow: Flow) -> None:
    lines = [line.strip() for line in mermaid(flow).splitlines()]
    nodes = {found[1]: line for line in lines if (found := re.match(r"(n\d+)\W", line)) and " --> " not in line}
    nodes = {name: line for name, line in nodes.items() if " -->|" not in line}
    edges = [found.groups() for line in lines if (found := re.fullmatch(r"(\w+) -->(?:\|.*\|)? (\w+)", line))]
    assert set(nodes) - {to for _, to in edges} == {"n1"}
    ends = {name for name, line in nodes.items() if line.removeprefix(name).startswith('(["') and name != "n1"}
    assert set(nodes) - {come for come, _ in edges} <= ends


def test_every_text_of_the_process_is_in_both_drawings() -> None:
    text, picture = mermaid(EVERYTHING), svg(EVERYTHING)
    labels = " ".join(re.findall(r'"(.*?)"', text))
    shown = re.sub(r"\W", "", "".join(parsed(picture).itertext()))
    for part in every_part(EVERYTHING.body):
        if isinstance(part, Act):
            assert re.sub(r"\W", "", part.text) in shown
            assert re.sub(r"\W", "", part.text)[:12] in re.sub(r"\W", "", re.sub(r"#\d+;", "", labels))


def test_mermaid_has_only_lines_that_its_grammar_knows() -> None:
    node = r'n\d+(\(\["[^"]*"\]\)|\["[^"]*"\]|\{\{"[^"]*"\}\}|\[\["[^"]*"\]\]|\("[^"]*"\)|>"[^"]*"\]|\{"[^"]*"\}'
    node += r'|\[/"[^"]*"\\\]|\[\\"[^"]*"/\]|\(\(" "\)\))(:::\w+)?'
    edge = r'[nf]\d+ -->(\|"[^"]*"\|)? n\d+'
    known = re.compile(rf'{node}|{edge}|subgraph f\d+\["[^"]*"\]|end|class n\d+ \w+|classDef \w+ [\w#,:\- ]+')
    first, *lines = mermaid(EVERYTHING).splitlines()
    assert first == "flowchart TD"
    assert [line for line in lines if not known.fullmatch(line.strip())] == []
    assert sum(line.strip().startswith("subgraph") for line in lines) == sum(line.strip() == "end" for line in lines)


@pytest.mark.parametrize(
    "nasty", ['"]; click n1 "javascript:x"', "<script>x</script>", "a\\nb#59;`", "\u202eabc\u0000end"]
)
def test_texts_of_the_code_cannot_break_out_of_a_drawing(nasty: str) -> None:
    flow = body(f"await note({nasty.encode('unicode_escape').decode()!r})", "await note('''<b> & \u202e \u200b''')")
    picture = svg(flow)
    parsed(picture)
    assert "<script" not in picture
    assert "\u202e" not in picture
    for line in mermaid(flow).splitlines():
        assert line.count('"') in (0, 2)


# -- where an instance stands ------------------------------------------------------------------------------------------


async def marks_of(world: World, id: str, name: str = "everything") -> Marks:
    instance = world.instance(id)
    status = await instance.status()
    ended = status.state not in ("running", "waiting", "stuck")
    return standing_marks(drawn(SOURCE, name), await instance.journal(), ended=ended, title=id)


def here(marks: Marks) -> list[str]:
    return [part.text for part, mark in marks.of.items() if mark in ("here", "maybe") and isinstance(part, Act)]


async def test_an_instance_is_shown_where_it_stands(world: World) -> None:
    deal = await world.deal()
    world.use(written.everything, written.other)
    run = await world.start(written.everything(deal), id="e")
    assert here(await marks_of(world, "e")) == ['until_stage("EXECUTING", timeout=patience)']
    await world.advance(days=1)
    assert here(await marks_of(world, "e")) == ['for_signal("answer", timeout=DAY)']
    await run.signal("answer", "stop")
    assert here(await marks_of(world, "e")) == ['other(deal, word="first")']
    await world.advance(days=1)
    found = await marks_of(world, "e")
    assert set(here(found)) == {"sleep(DAY)", 'other(deal, word="x")'}
    assert (set(found.of.values()), found.remarks) == ({"here", "done"}, ())
    await world.advance(days=1)
    assert set(here(await marks_of(world, "e"))) == {'for_signal("paid")', "sleep(14 * DAY)"}
    await run.signal("paid")
    assert here(await marks_of(world, "e")) == ["sleep(DAY)"]
    await world.advance(days=1)
    assert here(await marks_of(world, "e")) == ["the result of child"]
    await world.advance(days=1)
    found = await marks_of(world, "e")
    assert here(found) == ["sleep(DAY)"]
    assert "maybe" not in found.of.values()


def step(address: str, name: str, event: str = "returned", kind: str = "note") -> Any:
    return SimpleNamespace(address=address, name=name, event=event, kind=kind)


def test_where_the_journal_does_not_say_which_of_two_places_both_are_shown() -> None:
    flow = body("if deal.id:", "    await wait.for_signal('a')", "else:", "    await wait.for_signal('a')")
    marks = standing_marks(flow, [step("0", "a", "began", "signal")], ended=False, title="x")
    assert list(marks.of.values()) == ["maybe", "maybe"]
    assert "may stand at any of them" in marks.remarks[0]


def test_a_journal_that_does_not_fit_is_shown_by_names_and_says_so() -> None:
    flow = body("await note('x')", "await wait.for_signal('a')")
    marks = standing_marks(
        flow, [step("0", "gone", kind="step"), step("1", "a", "began", "signal")], ended=False, title="x"
    )
    assert list(marks.of.values()) == ["maybe"]
    assert "does not fit" in marks.remarks[0]


# -- coverage ----------------------------------------------------------------------------------------------------------


def test_what_tests_have_seen_is_shown(tmp_path: Path) -> None:
    flow, file = body("await note('x')", "await note('y')"), tmp_path / "seen.json"
    file.write_text(json.dumps({"p": {"1": {"lines": {"5": 3}}}}))
    marks = coverage_marks(flow, read_coverage(file, "p", 1))
    assert list(marks.of.values()) == ["seen", "unseen"]
    assert marks.title == "Tests have seen 1 of 2 steps"
    assert read_coverage(file, "q", 1) == Coverage()


def test_how_a_wait_never_ended_and_where_no_road_went_is_shown(tmp_path: Path) -> None:
    flow = body("reached = await wait.until_stage('WON')", "if reached.deleted:", "    return 'gone'")
    wait_line, end = next(part.line for part in every_part(flow.body) if isinstance(part, Act)), flow.lines[1]
    never = {"ends": [end], "outcomes": {str(wait_line): ["deal deleted"]}}
    file = tmp_path / "seen.json"
    file.write_text(json.dumps({"p": {"1": {"lines": {str(wait_line): 1}, "never": never}}}))
    marks = coverage_marks(flow, read_coverage(file, "p", 1))
    for drawn in (svg(flow, marks), mermaid(flow, marks)):
        assert "no test has seen: deal deleted" in " ".join(re.sub("<[^>]+>", " ", drawn).split())
        assert drawn.count("not tested") == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[1]",
        '{"p": 1}',
        '{"p": {"1": {"lines": {"x": 1}}}}',
        '{"p": {"1": {"never": {"ends": ["x"]}}}}',
        "[" * 100_000,
    ],
)
def test_a_report_of_another_form_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "seen.json").write_text(content)
    with pytest.raises(WrongCoverage):
        read_coverage(tmp_path / "seen.json", "p", 1)
