"""`docs/reference`: what is read there is what the code says, and nothing is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

import bizproc
from bizproc import on, wait
from bizproc.actions.catalogue import HEADINGS
from bizproc.cli.catalogue import catalogue, fluent_names
from bizproc.core import errors

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "reference"
ACTIONS = (FOLDER / "actions.md").read_text("utf-8")
ERRORS = (FOLDER / "errors.md").read_text("utf-8")
LANGUAGE = (FOLDER / "language.md").read_text("utf-8")
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
    assert catalogued == set(fluent_names()) == documented()


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
    for text in (ACTIONS, LANGUAGE, ERRORS):
        for block in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1, block


def test_all_that_bizproc_promises_stands_on_a_page_of_the_language() -> None:
    """The rest are values that one is given, and rooms with pages of their own."""
    headed = set(re.findall(r"^### (\w+)$", LANGUAGE, re.MULTILINE)) | {"F"}
    given = {"Call", "Filter", "Instance", "Outcome", "Process", "Runtime", "User"}
    assert set(bizproc.__all__) - headed == given | {"crm", "on", "wait"}
    for room in (on, wait):
        name = room.__name__.rpartition(".")[2]
        assert set(re.findall(rf"^### {name}\.(\w+)$", LANGUAGE, re.MULTILINE)) == set(room.__all__)
