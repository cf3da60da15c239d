"""
What a person sees of each error: files to be read, held equal to what the command line prints.

`python tools/error_screens.py` writes them anew.
"""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

from bizproc.cli.output import REFERENCE
from bizproc.core import errors

ROOT = Path(__file__).parents[3]
FOLDER = Path(__file__).with_name("screens")
HEADED = set(re.findall(r"^### (\w+)$", (ROOT / REFERENCE).read_text("utf-8"), re.MULTILINE))

# What now is a part of what they say, or of a field that is a part of it.
SAID_WITHIN = {
    *(
        "CurrencyMismatch",
        "DetailsMissing",
        "ExportRefused",
        "ExtraMissing",
        "ImportRefused",
        "FileDamaged",
        "InstanceNotFound",
        "InstancePoisoned",
    ),
    *("JournalTooLong", "NestedStep", "NoClient", "NoDocument", "NoResponsible", "NoSender", "NoSuchAction"),
    "NoSuchField",
    *("NoTruthValue", "NotDurable", "NotInProcess", "NotPrintable", "PortTaken", "ReplayMismatch", "StartConflict"),
    *("StoreError", "StoreNewer", "UnknownStep"),
}


def _tool() -> Any:
    spec = spec_from_file_location("error_screens", ROOT / "tools" / "error_screens.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TOOL = _tool()
CLASSES = sorted(TOOL.classes())


def screens() -> dict[str, str]:
    """What stands in the files, by class."""
    found: dict[str, str] = {}
    for path in sorted(FOLDER.glob("*.txt")):
        parts = re.split(r"^-- (\w+)\n", path.read_text("utf-8"), flags=re.MULTILINE)
        assert parts[0] == ""
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            assert name not in found
            found[name] = text
    return found


def test_the_files_are_what_the_command_line_prints() -> None:
    made = TOOL.screens()
    assert {path.name for path in FOLDER.iterdir()} == set(made)
    for name, text in made.items():
        assert (FOLDER / name).read_text("utf-8") == text, f"{name}: run `python tools/error_screens.py`"


def test_every_class_has_a_screen_but_for_bases_and_values() -> None:
    bases = {base.__name__ for name in CLASSES for base in getattr(errors, name).__mro__[1:]}
    assert set(screens()) == set(CLASSES)
    unseen = set(errors.__all__) - set(CLASSES)
    assert unseen - bases == {"BadRow", "Cancelled"}
    assert TOOL.EXAMPLES.keys() | {"StoreError"} == set(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_it_says_what_and_what_now_and_where_more_of_it_stands(name: str) -> None:
    said, *more = screens()[name].rstrip("\n").split("\n")
    assert said.startswith("bizproc: ")
    assert more[-1] == f"More: {REFERENCE}#{name.lower()}"
    assert name in HEADED
    advice = [line for line in more if line.startswith("What now: ")]
    assert len(advice) == (0 if name in SAID_WITHIN else 1)
    assert all(line.endswith((".", "?")) for line in advice)


@pytest.mark.parametrize("name", CLASSES)
def test_its_facts_are_fields_and_a_part_of_what_it_says(name: str) -> None:
    assert "{" not in screens()[name]
    shown = screens()[name]
    for fact in ("instance", "process", "path", "kind", "action"):
        value = TOOL.EXAMPLES.get(name, {}).get(fact)
        assert value is None or str(value) in shown


@pytest.mark.parametrize("name", CLASSES)
def test_it_is_written_with_care(name: str) -> None:
    """No mark twice, no space twice, none before a mark, and one thing is not told of as several."""
    for line in screens()[name].splitlines():
        # A line that begins with spaces is one of a list, and may be laid out in columns.
        text = line if not line.startswith("  ") else " ".join(line.split())
        assert not _CARELESS.search(text), text


def test_one_day_is_no_days() -> None:
    told = TOOL.EXAMPLES["DateTooEarly"]
    assert str(errors.DateTooEarly(**told)).startswith("3 days before close_date of deal 5 ")
    assert str(errors.DateTooEarly(**told | {"count": 1})).startswith("1 day before close_date of deal 5 ")


_CARELESS = re.compile(
    r"(?<!\.)\.\.(?!\.)|,,|;;|  | [.,;:?](?: |$)|\(\)$|None\b"
    r"|(?<![\w-])1 (?!was|is|has|does|runs)\w+s\b"  # 1 rows
)


@pytest.mark.parametrize("wrong", ["It is so..", "two  spaces", "1 rows", "a mark , alone", "is None"])
def test_what_is_careless_is_seen(wrong: str) -> None:
    assert _CARELESS.search(wrong)


@pytest.mark.parametrize("name", ["ItemNotFound", "UnknownItem", "InstanceNotFound", "UnknownStep", "StartRefused"])
def test_what_comes_of_a_command_does_not_tell_how_code_is_written(name: str) -> None:
    assert "(...)" not in screens()[name]
