"""`bizproc actions`: the catalogue, held equal to the code and to the document."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from bizproc.actions.catalogue import HEADINGS
from bizproc.cli.catalogue import catalogue, fluent_names, wait_names
from tests.unit.cli.conftest import Run

DOCUMENT = Path(os.environ.get("BIZPROC_TEST_DATA", "/nowhere")) / "spec" / "seed-crm-actions.fr.txt"


@pytest.mark.skipif(not DOCUMENT.is_file(), reason="BIZPROC_TEST_DATA names no folder with the document")
def test_the_headings_are_the_documents_letter_for_letter_and_in_its_order() -> None:
    lines = DOCUMENT.read_text("utf-8").splitlines()
    lines = lines[lines.index("Activité") :]
    without_english = [re.sub(r" \([A-Z][^()]*\)$", "", line) for line in lines]
    places: list[int] = []
    for heading in HEADINGS:
        places.append(without_english.index(heading.fr, places[-1] + 1 if places else 0))
    assert places == sorted(places)


def test_there_are_42_headings_each_once() -> None:
    assert [heading.number for heading in HEADINGS] == list(range(1, 43))
    assert len({heading.fr for heading in HEADINGS}) == 42
    assert len({heading.en for heading in HEADINGS}) == 42


def test_every_name_stands_under_one_entry() -> None:
    names = [name for entry in catalogue() for name in entry.names]
    assert sorted(names) == sorted([*fluent_names(), *wait_names()])


def test_every_action_of_a_heading_has_a_name_and_says_what_it_does() -> None:
    for entry in catalogue():
        if entry.heading is not None and entry.heading.action is not None:
            assert entry.names, entry.heading
            assert entry.says, entry.heading
            assert entry.errors, entry.heading


def test_parameters_have_type_default_and_unit() -> None:
    (entry,) = [entry for entry in catalogue() if "crm.deal.add_product" in entry.names]
    by_name = {parameter.name: parameter for parameter in entry.parameters}
    assert list(by_name) == ["product", "price", "quantity", "discount_percent"]
    assert by_name["product"].required
    assert (by_name["quantity"].default, by_name["quantity"].description) == ("1", "More than 0.")
    assert by_name["price"].type == "Decimal | int | None"
    assert [error.name for error in entry.errors] == ["ProductNotFound", "ItemNotFound", "WrongValue"]


def test_a_creation_takes_the_fields_of_its_kind(run: Run) -> None:
    (row,) = json.loads(run("actions", "crm.contact.create", "--json").stdout)
    required = [parameter["name"] for parameter in row["parameters"] if parameter["required"]]
    assert sorted(required) == ["last_name", "name"]
    assert "phones" in [parameter["name"] for parameter in row["parameters"]]


def test_as_json_it_has_a_row_a_heading(run: Run) -> None:
    rows = json.loads(run("actions", "--json").stdout)
    assert [row["heading_fr"] for row in rows] == [heading.fr for heading in HEADINGS]
    assert all(set(row) == {"heading_fr", "heading_en", "names", "parameters", "errors"} for row in rows)
    kinds = ("deal", "invoice", "item", "quote")
    assert rows[1]["names"] == [f"crm.{kind}.add_product" for kind in kinds]
    assert rows[14]["names"] == ["crm.contact.create"]


def test_all_are_listed_and_those_beyond_the_document_apart(run: Run) -> None:
    ran = run("actions")
    assert ran.exit_code == 0
    for part in (
        "Add product item",
        "crm.deal.add_product",
        "beyond the document",
        "crm.deal.read",
    ):
        assert part in ran.stdout


def test_the_last_word_of_a_name_is_enough(run: Run) -> None:
    ran = run("actions", "add_product")
    assert ran.stdout.startswith("2. Add product item\n")
    assert "ProductNotFound" in ran.stdout


def test_an_unknown_name_is_one_line_with_the_nearest(run: Run) -> None:
    ran = run("actions", "add_prodct")
    assert ran.exit_code == 2
    assert ran.stderr.startswith("bizproc: there is no action 'add_prodct'. Did you mean add_product")


def test_waits_are_listed_with_the_actions(run: Run) -> None:
    listed = run("actions").stdout
    assert wait_names()
    for name in wait_names():
        assert f"\n{name} " in listed
    shown = run("actions", "working_days").stdout
    assert "await wait.working_days(count, calendar=None, *, recompute=False) -> None" in shown
    assert "whose days count" in shown.lower()


def test_in_a_pipe_it_is_no_wider_than_people_read_and_no_name_is_broken(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = run("actions").stdout.splitlines()
    assert max(map(len, lines)) <= 120
    words = {word for line in lines for word in line.split()}
    assert {entry.forms[0].names[0] for entry in catalogue()} <= {word.rstrip(";") for word in words}


def test_the_headings_are_in_the_language_of_the_settings(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIZPROC_LANGUAGE", "en")
    english = [run("actions").stdout, *(run("actions", name).stdout for name in ("add_product", "days"))]
    assert "Add product item" in english[0]
    assert english[1].startswith("2. Add product item\n")
    for heading in HEADINGS:
        if heading.fr != heading.en:
            assert not any(heading.fr in said for said in english)
    monkeypatch.setenv("BIZPROC_LANGUAGE", "fr")
    french = run("actions").stdout
    assert all(heading.fr in french for heading in HEADINGS)
    assert run("actions", "add_product").stdout.startswith("2. Ajouter un article\n")
