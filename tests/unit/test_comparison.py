"""The comparison with other engines: what its table and its picture say of figures. Nothing is measured here."""

import xml.etree.ElementTree as ET

import pytest

from benchmarks.harness import medians
from benchmarks.peers import report
from benchmarks.peers.workloads import (
    ALONE,
    COMMIT,
    CROWD,
    KILLED,
    MANY,
    ON_CRM,
    PARKED,
    SPARED,
    WORKLOADS,
    Figures,
    Found,
    Workload,
)

FOUND: Found = {
    "Restate": {MANY.name: {"steps/s": 3000, "cpu": 220}, KILLED.name: {"seconds": 4, "twice": 40}},
    "DBOS, SQLite": {MANY.name: {"steps/s": 300, "cpu": 3000}},
    "DBOS, PostgreSQL": {MANY.name: {"steps/s": 200, "cpu": 4000}},
    "floor": {MANY.name: {"steps/s": 60_000, "cpu": 12}, COMMIT.name: {"p50": 0.15, "p99": 0.3}},
    "bizproc": {
        MANY.name: {"steps/s": 24_000, "cpu": 24},
        ALONE.name: {"p50": 0.45, "p99": 2},
        PARKED.name: {"p50": 0.9, "p99": 4, "last": 0.02},
        KILLED.name: {"seconds": 0.3, "twice": 120},
        ON_CRM.name: {"on the CRM": 0},
    },
}


def line(found: Found, workload: Workload, figure: str, scale: int = 1) -> report.Line:
    return next(
        each for each in report.lines(found, scale) if (each.row.workload, each.row.figure) == (workload, figure)
    )


def test_each_figure_is_the_median_of_its_rounds() -> None:
    rounds: list[Figures] = [{"p50": 3, "p99": 9}, {"p50": 1, "p99": 7}, {"p50": 2, "p99": 100}]
    assert medians(rounds) == {"p50": 2, "p99": 9}


def test_columns_begin_with_bizproc_and_leave_out_who_was_not_there() -> None:
    assert report.names(FOUND) == ["bizproc", "floor", "DBOS, SQLite", "DBOS, PostgreSQL", "Restate"]


def test_a_cell_says_how_many_times_as_good_bizproc_is_whichever_way_is_better() -> None:
    assert line(FOUND, MANY, "steps/s").cells == [
        "24,000",
        "60,000 (0.40 ×)",
        "300 (80 ×)",
        "200 (120 ×)",
        "3,000 (8.00 ×)",
    ]
    assert line(FOUND, MANY, "cpu").cells == [
        "24.0",
        "12.0 (0.50 ×)",
        "3,000.0 (125 ×)",
        "4,000.0 (167 ×)",
        "220.0 (9.17 ×)",
    ]


def test_a_target_of_an_engine_is_held_against_the_best_of_its_stores() -> None:
    assert line(FOUND, MANY, "steps/s").targets == ["≥ 0.5 × floor", "≥ 100 × DBOS", "≥ 10 × Restate"]
    assert line(FOUND, MANY, "steps/s").reached == ["0.4 × missed", "80 × missed", "8 × missed"]


def test_a_target_just_reached_is_met() -> None:
    assert line(FOUND, MANY, "cpu").reached == ["2 × met"]
    better = {**FOUND, "bizproc": {**FOUND["bizproc"], MANY.name: {"steps/s": 30_000, "cpu": 24.1}}}
    assert line(better, MANY, "steps/s").reached == ["0.5 × met", "100 × met", "10 × met"]
    assert line(better, MANY, "cpu").reached == ["2.01 × missed"]


def test_time_is_held_against_the_flushed_commit_of_the_same_run() -> None:
    assert line(FOUND, ALONE, "p50").reached == ["3 × met"]
    assert line(FOUND, PARKED, "p50").reached == ["6 × met"]
    assert line(FOUND, PARKED, "p50").cells[:2] == ["0.90", "0.15 (0.17 ×)"]


def test_an_absolute_target_is_held_against_the_figure_itself() -> None:
    assert (line(FOUND, KILLED, "seconds").targets, line(FOUND, KILLED, "seconds").reached) == (["≤ 0.5"], ["0.30 met"])
    assert line(FOUND, PARKED, "p99").reached == ["4.00 missed"]
    assert line(FOUND, ON_CRM, "on the CRM").reached == ["0 met"]
    wrong = {**FOUND, "bizproc": {ON_CRM.name: {"on the CRM": 1.0}}}
    assert line(wrong, ON_CRM, "on the CRM").reached == ["1 missed"]


def test_effects_run_twice_are_held_against_the_instances_there_were_and_not_compared() -> None:
    assert line(FOUND, KILLED, "twice").reached == ["0.6 × met"]
    assert line(FOUND, KILLED, "twice").cells == ["120", "–", "–", "–", "40"]
    assert line(FOUND, KILLED, "twice", scale=2).reached == ["1.2 × missed"]


def test_without_those_a_target_speaks_of_it_says_nothing() -> None:
    alone = {"bizproc": FOUND["bizproc"]}
    assert line(alone, MANY, "steps/s").reached == ["–", "–", "–"]
    assert line(alone, ALONE, "p50").reached == ["–"]


def test_what_nobody_was_measured_in_is_no_row() -> None:
    titles = [each.title for each in report.lines({"floor": FOUND["floor"]})]
    assert "5,000 parked: seconds to park all" not in titles


def test_titles_say_how_much_was_really_run() -> None:
    assert line(FOUND, MANY, "steps/s", scale=10).title == "20 × 20 steps: steps a second"
    assert line(FOUND, KILLED, "twice", scale=10).title == "  effects outside run twice, of 400"


def test_what_was_run_once_is_marked_and_explained() -> None:
    once = {("DBOS, SQLite", MANY.name)}
    found = next(report.lines(FOUND, once=once))
    assert found.cells[2:4] == ["300¹ (80 ×)", "200 (120 ×)"]
    assert any(note.startswith("¹") for note in report.explained(3, 1, once))
    assert not any(note.startswith("¹") for note in report.explained(3, 1, ()))


def test_the_terminals_table_keeps_to_its_width_with_all_engines(capsys: pytest.CaptureFixture[str]) -> None:
    figures = dict.fromkeys(("steps/s", "instances/s", "cpu", "seconds", "p50", "p99", "slowing", "bytes"), 12_345.678)
    figures |= dict.fromkeys(("servers", "first", "last", "twice", "on the CRM"), 1_234.5)
    found = {name: {each.name: figures for each in WORKLOADS} for name in report.ORDER}
    lines = list(report.lines(found))
    report.printed(lines, report.names(found), [])
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= report.WIDTH
    assert "…" not in shown
    assert all(each.title.strip() in shown for each in lines)


def test_markdown_has_all_lines_with_as_many_cells_each() -> None:
    text = report.markdown(report.lines(FOUND), report.names(FOUND), ["a note"])
    rows = [each for each in text.splitlines() if each.startswith("|")]
    assert len(rows) == 2 + len(list(report.lines(FOUND)))
    assert {each.count("|") for each in rows} == {3 + len(FOUND) + 1}
    assert text.endswith("\na note\n")


def test_the_picture_is_well_formed_and_names_all_engines() -> None:
    drawn = ET.fromstring(report.picture(FOUND))  # noqa: S314  our own
    texts = [each.text for each in drawn.iter() if each.text and each.text.strip()]
    assert {*report.names(FOUND)} <= {*texts}
    assert "24,000" in texts
    widths = [float(each.attrib["width"]) for each in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert all(0 < width <= 2 * report.PANEL for width in widths)


def test_the_floor_is_asked_for_nothing_that_it_cannot_do() -> None:
    assert {each.kind for each in WORKLOADS if each.applies("floor")} == {"run", "commit"}
    assert [each for each in WORKLOADS if not each.applies("DBOS, SQLite")] == [COMMIT, CROWD, SPARED, ON_CRM]


def test_kills_fall_at_different_places_of_a_wave_and_in_its_middle_where_there_is_one_round() -> None:
    assert [KILLED.fatal(number, 3) for number in range(3)] == [2033, 2100, 2166]
    assert KILLED.fatal(0, 1) == 2100


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda each: each.name)
@pytest.mark.parametrize("scale", [1, 20, 1000])
def test_a_kill_leaves_work_to_be_done_at_any_scale(workload: Workload, scale: int) -> None:
    less = workload.scaled(scale)
    done = less.instances * less.steps
    assert less.kind != "kill" or 0 < less.fatal(2, 3) < done
