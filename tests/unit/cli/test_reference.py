"""`docs/reference`: what is read there is what the code says, and nothing is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast

import attrs
import pytest

import bizproc
from bizproc import model, on, testing, wait
from bizproc.actions.catalogue import HEADINGS
from bizproc.cli.catalogue import Entry, catalogue, fluent_names, wait_names
from bizproc.core import errors
from bizproc.model.items import Item
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.testing import plugin, strategies
from bizproc.testing.world import RunningInstance

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "reference"
ACTIONS = (FOLDER / "actions.md").read_text("utf-8")
ERRORS = (FOLDER / "errors.md").read_text("utf-8")
LANGUAGE = (FOLDER / "language.md").read_text("utf-8")
TRIGGERS = (FOLDER / "triggers.md").read_text("utf-8")
FILTERS = (FOLDER / "filters.md").read_text("utf-8")
TESTING = (FOLDER / "testing.md").read_text("utf-8")
DOCUMENT = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "spec" / "seed-crm-actions.fr.txt"


def tool() -> Any:
    spec = spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def documented() -> set[str]:
    """The names that the pages of the actions bear, each of them once."""
    body = ACTIONS.partition('<a id="action-1">')[2]
    named = re.findall(r"^await ((?:crm|wait)\.[\w.]+)", body, re.MULTILINE)
    for line in re.findall(r"^Also (.*)\.$", body, re.MULTILINE):
        named += re.findall(r"`((?:crm|wait)\.[\w.]+)`", line)
    assert len(named) == len(set(named))
    return set(named)


def test_the_files_are_what_the_code_says_now() -> None:
    for name, made in tool().REFERENCE.items():
        text = (FOLDER / name).read_text("utf-8")
        assert text == made(), f"docs/reference/{name} is not what the code says: run `make reference`"


def test_it_is_the_same_in_every_program() -> None:
    """Hashes of texts differ from one to the next: no set may decide an order."""
    pages = "*(made() for made in reference.REFERENCE.values())"
    code = f"import sys; sys.path.insert(0, 'tools'); import reference; print({pages})"
    told = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_every_action_is_reachable_and_documented() -> None:
    catalogued = {name for entry in catalogue() for name in entry.names}
    assert catalogued == {*fluent_names(), *wait_names()} == documented()


def test_every_heading_stands_there_in_both_languages_and_in_its_order() -> None:
    found = re.findall(r"^### (\d+)\. (.*)\n\n\*(.*)\*$", ACTIONS, re.MULTILINE)
    assert found == [(str(each.number), each.fr, each.en) for each in HEADINGS]


@pytest.mark.skipif(not DOCUMENT.is_file(), reason="BIZPROC_TEST_DATA names no folder with the document")
def test_the_headings_are_the_documents() -> None:
    lines = DOCUMENT.read_text("utf-8").splitlines()
    lines = [re.sub(r" \([A-Z][^()]*\)$", "", line) for line in lines[lines.index("Activité") :]]
    place = -1
    for french in re.findall(r"^### \d+\. (.*)$", ACTIONS, re.MULTILINE):
        place = lines.index(french, place + 1)


def test_what_is_to_come_says_so_and_what_is_there_does_not() -> None:
    for number, text in re.findall(r'<a id="action-(\d+)"></a>(.*?)(?=<a id=|^## )', ACTIONS, re.DOTALL | re.MULTILINE):
        is_there = HEADINGS[int(number) - 1].action is not None
        assert ("To come" in text) is not is_there
        assert ("| raises |" in text) is is_there


def test_every_error_has_a_place_of_its_own_and_says_all_it_has() -> None:
    headed = re.findall(r"^### (\w+)$", ERRORS, re.MULTILINE)
    assert sorted(headed) == sorted(errors.__all__)
    for name in headed:
        section = ERRORS.partition(f"### {name}\n")[2].partition("\n### ")[0]
        says = getattr(getattr(errors, name), "says", "")
        assert says in section


def test_every_link_leads_somewhere() -> None:
    anchors = {name.lower() for name in re.findall(r"^### (\w+)$", ERRORS, re.MULTILINE)}
    linked = re.findall(r"errors\.md#(\w+)", ACTIONS) + re.findall(r"\]\(#(\w+)\)", ERRORS)
    assert linked
    assert set(linked) <= anchors
    assert set(re.findall(r"\(#(action-\d+)\)", ACTIONS)) == set(re.findall(r'id="(action-\d+)"', ACTIONS))


def test_tables_have_as_many_cells_in_every_row() -> None:
    for text in (ACTIONS, LANGUAGE, TRIGGERS, FILTERS, TESTING, ERRORS):
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


def test_all_that_bizproc_promises_stands_on_a_page_of_the_language() -> None:
    """The rest are values that one is given, and rooms with pages of their own."""
    headed = set(re.findall(r"^### (\w+)$", LANGUAGE, re.MULTILINE)) | {"F"}
    given = {"Call", "Filter", "Instance", "Outcome", "Process", "Runtime", "User"}
    assert set(bizproc.__all__) - headed == given | {"crm", "on", "wait"}
    for room, page in ((on, TRIGGERS), (wait, LANGUAGE)):
        name = room.__name__.rpartition(".")[2]
        assert set(re.findall(rf"^### {name}\.(\w+)$", page, re.MULTILINE)) == set(room.__all__)


def test_every_kind_and_every_operator_of_filters_has_a_line() -> None:
    items = [kind for kind, cls in NOUNS.items() if issubclass(cls, Item)]
    assert re.findall(r"^### (\w+)$", FILTERS, re.MULTILINE) == list(dict.fromkeys([*items, *NOUNS, *BELONGINGS]))
    table = FILTERS.partition("## Operators")[2].partition("## As text")[0]
    told = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", table, re.MULTILINE))
    assert {"==", "!=", "<", "<=", ">", ">=", "any(where)", "is_in(values)", "within_last(duration)"} <= told.keys()
    assert all(said.strip() for said in told.values())


# -- what actions give -------------------------------------------------------------------------------------------------


def section_of(page: str, heading: str) -> str:
    return page.partition(f"### {heading}\n")[2].partition("\n### ")[0].partition("\n## ")[0]


def test_every_class_that_an_action_gives_stands_there_with_its_fields() -> None:
    words = {word for entry in catalogue() for form in entry.forms for word in re.findall(r"\w+", form.returns)}
    others = {"Happened", "Signalled"}
    given = {word for word in words if attrs.has(cast("type", getattr(model, word, int)))} | (words & others)
    assert {"Assignment", "Conversion", "StageReached", "WaitOutcome", "Happened", "Signalled", "Order"} <= given
    gives = ACTIONS.partition("## What they give")[2]
    headed = set(re.findall(r"^### (\w+)$", gives, re.MULTILINE))
    assert given <= headed
    # Those that fields hold, and those that only actions on items of whatever kind give.
    assert {"Explanation", "Considered", "Event", "Deal", "Company"} <= headed
    for name in headed - {"Happened", "Signalled", "Event"}:
        rows = set(re.findall(r"^\| `(\w+)` \| `", section_of(gives, name), re.MULTILINE))
        assert {each.name for each in attrs.fields(getattr(model, name))} <= rows, name


def test_an_action_names_the_fields_of_what_it_gives_and_leads_to_them() -> None:
    assert "Gives: [Conversion](#conversion), with `deal_id: int | None`" in ACTIONS
    assert "`explain: Explanation`" in section_of(ACTIONS, "13. Changer la personne responsable")
    linked = re.findall(r"\]\(#(\w+)\)", ACTIONS)
    headed = {name.lower() for name in re.findall(r"^### (\w+)$", ACTIONS, re.MULTILINE)}
    assert linked
    assert set(linked) <= headed
    assert len(headed) == len(re.findall(r"^### (\w+)$", ACTIONS, re.MULTILINE))


def entry_of(name: str) -> Entry:
    (found,) = [entry for entry in catalogue() if name in entry.names]
    return found


def test_what_is_found_and_what_a_signal_brings_has_a_type() -> None:
    assert {form.returns for form in entry_of("crm.deal.find").forms} == {"tuple[the item, ...]", "the item | None"}
    assert {form.returns for form in entry_of("wait.for_signal").forms} == {"Signalled[T]"}


def test_the_language_says_what_is_awaited() -> None:
    for typed in ("await note(text, **facts)", "await now()", "await random()", "await wait.sleep(duration)"):
        assert f"```text\n{typed}\n```" in LANGUAGE
    for typed in ("printed(value, field=None)", "step_key()", "this()", "async with saga()"):
        assert f"```text\n{typed}\n```" in LANGUAGE
    awaited = set(re.findall(r"^await (\w+)\(", LANGUAGE, re.MULTILINE))
    assert {
        "attempt",
        "continue_as_new",
        "for_each",
        "gather",
        "new_id",
        "patched",
        "race",
        "shield",
        "start",
    } <= awaited
    assert {"@process", "@action", "@recipe"} == set(re.findall(r"^@\w+", LANGUAGE, re.MULTILINE))


# -- testing -----------------------------------------------------------------------------------------------------------


def test_all_that_testing_promises_stands_on_its_page() -> None:
    headed = set(re.findall(r"^### (\w+)$", TESTING, re.MULTILINE))
    assert {*testing.__all__, *strategies.__all__} - headed == {"World", "VirtualClock"}  # with headings in words
    for cls, owner in ((testing.World, "world"), (RunningInstance, "run"), (testing.VirtualClock, "world.clock")):
        for name, member in vars(cls).items():
            if not name.startswith("_"):
                shown = "World" if isinstance(member, classmethod) else owner
                assert re.search(rf"(?:`|await |with ){shown}\.{name}\b", TESTING), f"{owner}.{name}"


def test_what_a_machine_takes_stands_there_with_its_default() -> None:
    section = section_of(TESTING, "ProcessMachine")
    allowed = testing.ProcessMachine.may_fail
    shown = "()" if not allowed else f"({', '.join(each.__name__ for each in allowed)},)"
    assert f"| `may_fail` | `{shown}` |" in section
    assert "| `most` | `3` |" in section
    for word in (
        "async def setup(self, world)",
        "`crash_soon`",
        "`no_instance_is_stuck`",
        "self.find(cls, *, of=None)",
    ):
        assert word in section
    queue = section_of(TESTING, "QueueMachine")
    for word in ("def queue(self, members", "`assign_two_at_once`", "`nobody_has_more_than_they_can`"):
        assert word in queue


def test_what_the_plugin_adds_stands_there() -> None:
    fixture = type(plugin.world)
    for name in [name for name, member in vars(plugin).items() if isinstance(member, fixture)]:
        assert f"| `{name}` |" in TESTING
    for option in ("--bizproc-always-replay", "--bizproc-crash", "--bizproc-coverage[=FILE.json]"):
        assert f"| `{option}` |" in TESTING
    for mark in ("processes(processes)", "begins(moment)", "no_crash(reason)"):
        assert f"`@pytest.mark.{mark}`" in TESTING


def test_no_reference_of_a_world_leads_to_another_page() -> None:
    """What a `World` says by `See Runtime.x` is brought here."""
    assert not re.search(r"See `(Runtime|Instance)", TESTING)
