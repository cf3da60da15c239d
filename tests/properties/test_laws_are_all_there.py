"""The laws have numbers, and the tests of laws say in their docstrings which one they hold: none is missing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

HERE = Path(__file__).parent

QUEUES, FILTERS, CALENDARS = "queues", "filters", "calendars"
LAWS = {QUEUES: 30, FILTERS: 28, CALENDARS: 11}
FILES = {
    "test_queue_laws.py": QUEUES,
    "test_queue_laws_in_the_store.py": QUEUES,
    "test_filters.py": FILTERS,
    "test_calendar_laws.py": CALENDARS,
}

# Of another subject than its file's, a law says so: the waits of calendars are tested in a store, beside the queues.
LAW = re.compile(r"Law (?P<number>\d+)(?: of (?P<subject>[a-z]+))?\. (?P<sentence>\S.*\.)", re.DOTALL)
NAME = re.compile(r"test_law_(?P<number>\d+)(?P<words>(_[a-z0-9]+)+)")


@frozen
class Stated:
    """A test and what it says of itself."""

    name: str
    subject: str
    law: re.Match[str] | None
    begin: str


def stated() -> Iterator[Stated]:
    """The tests that say which law they hold, or whose names do."""
    for path in sorted({*HERE.glob("test_queue_laws*.py"), *(HERE / name for name in FILES)}):
        for test in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef) or not test.name.startswith("test_"):
                continue
            text = ast.get_docstring(test) or ""
            if text.startswith("Law") or test.name.startswith("test_law"):
                law = LAW.fullmatch(text)
                yield Stated(test.name, (law and law["subject"]) or FILES[path.name], law, text)


ALL = tuple(stated())


@pytest.mark.parametrize("subject", LAWS)
def test_each_law_has_a_test_and_each_test_a_law_that_is_known(subject: str) -> None:
    held = {int(each.law["number"]) for each in ALL if each.law is not None and each.subject == subject}
    assert held == set(range(1, LAWS[subject] + 1))


def test_laws_are_of_subjects_that_are_known() -> None:
    assert {each.subject for each in ALL} == LAWS.keys()


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.name)
def test_a_test_of_a_law_says_the_number_and_then_a_sentence(each: Stated) -> None:
    assert each.law is not None, f"not 'Law N. A sentence.', but {each.begin!r}"
    name = NAME.fullmatch(each.name)
    assert name is not None and name["number"] == each.law["number"], "the name says another law"
