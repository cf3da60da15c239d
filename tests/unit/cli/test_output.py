"""Texts that are safe to print."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from bizproc.cli.output import console, in_line, safe, table


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, é, ✓, 茶", "plain, é, ✓, 茶"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\tb\rc", "a\\tb\\rc"),
        ("\x00\x7f\x9b", "\\x00\\x7f\\x9b"),
        ("right \u202e left", "right \\u202e left"),
        ("\ud800", "\\ud800"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_characters_that_control_a_terminal_are_shown_as_escapes(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_a_cell_is_one_line() -> None:
    assert in_line("two\nlines") == "two\\nlines"


def printed(*, most: int | None = None, **cells: str) -> str:
    file = io.StringIO()
    console(file, most=most).print(table(tuple(cells), [tuple(cells.values())]))
    return file.getvalue()


def test_markup_in_a_cell_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert "[bold]x[/bold] :smile:" in printed(a="[bold]x[/bold] :smile:")


def test_empty_columns_are_left_out() -> None:
    header, _, row = printed(a="1", b="", c="3").splitlines()
    assert (header.split(), row.split()) == (["a", "c"], ["1", "3"])


def test_where_nobody_looks_lines_are_as_long_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert "x" * 500 in printed(a="x" * 500)
    assert "x" * 500 not in printed(most=80, a="x" * 500)


def test_where_nobody_looks_a_table_breaks_between_words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    lines = printed(a="long " * 60, b="w" * 60, c="short").splitlines()
    assert any("w" * 60 in line for line in lines)
    assert len(lines) > 3
    assert max(map(len, lines)) <= 120


@pytest.mark.parametrize("width", [40, 60, 80])
def test_words_of_whole_columns_are_not_broken_and_those_of_others_are_where_they_must_be(
    monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    rows = [("sales.follow_up-4711", "sales.follow_up", "waiting", "until_stage(stages=['EXECUTING'], timeout=14d)")]
    file = io.StringIO()
    console(file).print(table(("id", "process", "state", "why"), rows, whole=("id", "state")))
    lines = file.getvalue().splitlines()
    assert any({"sales.follow_up-4711", "waiting"} <= set(line.split()) for line in lines), lines
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [10, 20])
def test_where_even_whole_words_are_too_wide_they_are_broken(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    file = io.StringIO()
    console(file).print(table(("id", "why"), [("sales.follow_up-4711", "waits")], whole=("id",)))
    lines = file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert "sales.follow_up-4711" in "".join(line.split()[0] for line in lines), "nothing of it is lost"


def test_no_colour_is_printed_where_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    def shown() -> str:
        file = io.StringIO()
        console(file).print("x", style="red")
        return file.getvalue()

    assert "\x1b[31m" in shown()
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in shown()


def test_a_console_shows_texts_as_they_are() -> None:
    made = console(io.StringIO())
    assert isinstance(made, Console)
    assert made.is_terminal is False
