"""The benchmarks do the work that they time, in a small size; no time is looked at."""

from __future__ import annotations

import asyncio
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from benchmarks import deals, filters, growth, imports


def test_each_question_of_the_filters_has_the_answer_of_the_sql_by_hand(tmp_path: Path) -> None:
    filters.fill(tmp_path, 60)
    found = asyncio.run(filters.measured(tmp_path, 60, rounds=1))  # stops where an answer is not the last deal
    assert [each.question for each in found] == list(filters.questions(60))
    assert all(len(filters.row(each)) == 5 for each in found)


def test_a_question_with_another_answer_stops_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    filters.fill(tmp_path, 20)
    other = filters.questions(20)[0]._replace(sql="amount >= 0", parameters=())
    monkeypatch.setattr(filters, "questions", lambda _count: [other])
    with pytest.raises(SystemExit, match="the work was not done"):
        asyncio.run(filters.measured(tmp_path, 20, rounds=1))


def test_deals_are_written_as_many_as_are_asked_for(tmp_path: Path) -> None:
    assert deals.write(tmp_path / "csv", 30) == 30 + 2 * deals.clients(30) + deals.USERS
    lines = (tmp_path / "csv" / "deals.csv").read_text("utf-8").splitlines()
    assert len(lines) == 31
    assert deals.LAST in lines[-1]


def test_an_import_and_a_backfill_that_are_stopped_come_to_their_end(capsys: pytest.CaptureFixture[str]) -> None:
    imports.measure(300)  # stops where a deal has none or two
    said = capsys.readouterr().out
    assert "300 deals imported, and a process started on each" in said
    assert "gone on to its end" in said


def test_a_deal_without_an_instance_stops_the_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imports, "backfilled", lambda _store: ([], {**imports.every(20), "instances": 19}))
    with pytest.raises(SystemExit, match="'instances': 19"):
        imports.measure(20)


@pytest.mark.parametrize("name", ["journal", "processes", "subscriptions"])
def test_the_figures_of_growth_are_taken_in_a_store_whose_program_was_killed(name: str) -> None:
    figures = growth.one_size(name, 2, rounds=1)
    assert list(figures) == list(growth.FIGURES)
    assert all(figure > 0 for figure in figures.values())


FOUND: growth.Found = {
    "journal": {2: dict.fromkeys(growth.FIGURES, 1.0), 20: dict.fromkeys(growth.FIGURES, 3.0)},
    "items": {5: dict.fromkeys(growth.FIGURES, 2.0)},
}


def test_a_figure_stands_beside_what_it_is_to_the_smallest() -> None:
    rows = list(growth.rows(FOUND))
    assert len(rows) == 2 * (1 + len(growth.FIGURES))
    assert rows[0] == ["steps in its journal:", "2", "20"]
    assert rows[1] == [f"  {growth.FIGURES['open']}", "1.00", "3.00 (3.00)"]
    assert rows[-1] == [f"  {growth.FIGURES['add']}", "2.00", ""]


def test_the_picture_has_a_panel_for_each_thing_that_grows_and_a_line_for_each_figure() -> None:
    svg = ET.fromstring(growth.picture(FOUND))  # noqa: S314  what was just made
    space = "{http://www.w3.org/2000/svg}"
    assert len(svg.findall(f"{space}g")) == len(FOUND) + 1  # and what the colours mean
    assert len(svg.findall(f".//{space}polyline")) == len(FOUND) * len(growth.FIGURES)


def test_no_point_of_the_picture_leaves_its_panel() -> None:
    _, top, _, height = growth.PLOT
    wild: growth.Found = {"items": {1: dict.fromkeys(growth.FIGURES, 1.0), 10: dict.fromkeys(growth.FIGURES, 1e9)}}
    svg = ET.fromstring(growth.picture(wild))  # noqa: S314  what was just made
    heights = [float(each.attrib["cy"]) for each in svg.iter("{http://www.w3.org/2000/svg}circle")]
    assert heights
    assert all(top <= y <= top + height for y in heights)
