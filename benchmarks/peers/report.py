"""
What was found, to be read: a table for a terminal and in Markdown, and a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from html import escape
from math import ceil, floor, log10
from typing import Final, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.peers.contestants import BIZPROC, CONTESTANTS, FLOOR
from benchmarks.peers.workloads import COMMIT, FLUSH, INSTANCES, KILLED, MANY, PARKED, ROWS, Found, Row, Target

WIDTH: Final = 150
NOTHING: Final = "–"
ORDER: Final = tuple(each.name for each in CONTESTANTS)


class Line(NamedTuple):
    """A row of the table: targets and what became of them, one below the other, and a cell for each engine."""

    row: Row
    title: str
    targets: list[str]
    reached: list[str]
    cells: list[str]


def names(found: Found) -> list[str]:
    """Engines that have figures, bizproc first."""
    return [name for name in ORDER if found.get(name)]


def figure(found: Found, name: str, row: Row) -> float | None:
    """What the row says of an engine."""
    workload = row.of_floor if name == FLOOR and row.of_floor else row.workload
    told = found.get(name, {}).get(workload.name, {}).get(row.figure)
    return None if told is None else told * row.factor


def lines(found: Found, scale: int = 1, once: Iterable[tuple[str, str]] = ()) -> Iterator[Line]:
    """All rows of which anything was found."""
    once = set(once)
    for row in ROWS:
        if any(figure(found, name, row) is not None for name in names(found)):
            told = [reached(found, row, target, scale) for target in row.targets]
            cells = [_cell(found, name, row, marked=(name, row.workload.name) in once) for name in names(found)]
            yield Line(row, title(row, scale), [_target(row, each) for each in row.targets], told, cells)


def title(row: Row, scale: int) -> str:
    workload = row.workload.scaled(scale)
    done = workload.instances * workload.steps
    return row.title.format(i=f"{workload.instances:,}", s=f"{workload.steps:,}", d=f"{done:,}")


def _target(row: Row, target: Target) -> str:
    sign = "≥" if row.more_is_better else "≤"
    bound = f"{target.bound:,g}"
    return f"{sign} {bound} × {target.of}" if target.of else f"{sign} {bound}"


def reached(found: Found, row: Row, target: Target, scale: int = 1) -> str:
    """What bizproc has of a target, and whether that is enough."""
    ours = figure(found, BIZPROC, row)
    theirs = list(_measures(found, row, target, scale))
    if ours is None or not theirs:
        return NOTHING
    ratios = [ours / each for each in theirs]
    worst = min(ratios) if row.more_is_better else max(ratios)
    met = worst >= target.bound if row.more_is_better else worst <= target.bound
    shown = f"{worst:,.3g} ×" if target.of else format(ours, row.form)
    return f"{shown} {'met' if met else 'missed'}"


def _measures(found: Found, row: Row, target: Target, scale: int) -> Iterator[float]:
    """What a bound is multiplied by."""
    if not target.of:
        yield 1
    elif target.of == INSTANCES:
        yield row.workload.scaled(scale).instances
    elif target.of == FLUSH:
        flush = found.get(FLOOR, {}).get(COMMIT.name)
        if flush is not None:
            yield flush["p50"]
    else:
        for name in names(found):
            theirs = figure(found, name, row) if name.startswith(target.of) else None
            if theirs:
                yield theirs


def _cell(found: Found, name: str, row: Row, *, marked: bool) -> str:
    told, ours = figure(found, name, row), figure(found, BIZPROC, row)
    if told is None:
        return NOTHING
    shown = format(told, row.form) + ("¹" if marked else "")
    if name == BIZPROC or not row.compared or not ours or not told or ours < 0 or told < 0:
        return shown
    times = ours / told if row.more_is_better else told / ours
    return f"{shown} ({times:,.2f} ×)" if times < 10 else f"{shown} ({times:,.0f} ×)"


def explained(rounds: int, scale: int, once: Iterable[tuple[str, str]]) -> list[str]:
    """What stands below the table."""
    notes = [
        f"Medians of {rounds} rounds; in brackets how many times as good bizproc is."
        if rounds > 1
        else "One round; in brackets how many times as good bizproc is.",
        "A commit is a bare flushed commit of SQLite, which is what the floor has beside a signal.",
    ]
    if list(once):
        notes.append("¹ It took so long that it was run once.")
    if scale > 1:
        notes.append(f"Scaled down by {scale}: it shows that everything runs, and nothing else.")
    return notes


def printed(all_of: Iterable[Line], columns: Iterable[str], notes: Iterable[str]) -> None:
    """The table, on a terminal."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), collapse_padding=True)
    table.add_column("workload", min_width=44, no_wrap=True)
    table.add_column("target", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    for name in columns:
        table.add_column(name.replace(", ", ",\n"), justify="right", no_wrap=True)
    for line in all_of:
        cells = [each.replace(" (", "\n(") for each in line.cells]
        table.add_row(line.title, "\n".join(line.targets), "\n".join(line.reached), *cells)
    console = Console(width=WIDTH)
    console.print(table)
    for note in notes:
        console.print(note, highlight=False)


def markdown(all_of: Iterable[Line], columns: Iterable[str], notes: Iterable[str]) -> str:
    """The table, as it may stand in `docs/performance.md`."""
    heads = ["workload", "target", "measured", *columns]
    text = [f"| {' | '.join(heads)} |", f"| --- | --- |{' ---: |' * (len(heads) - 2)}"]
    for line in all_of:
        cells = [line.title.strip(), "; ".join(line.targets), "; ".join(line.reached), *line.cells]
        indent = "&nbsp;&nbsp;" if line.title.startswith(" ") else ""
        text.append(f"| {indent}{' | '.join(cells)} |")
    return "\n".join([*text, "", *notes, ""])


# -- the picture -------------------------------------------------------------------------------------------------------


class Panel(NamedTuple):
    """One figure of all engines, as bars."""

    title: str
    row: Row
    unit: str


def _row(workload: str, name: str) -> Row:
    return next(row for row in ROWS if row.workload.name == workload and row.figure == name)


PANELS: Final = (
    Panel("200 instances × 20 steps: steps a second (longer is better)", _row(MANY.name, "steps/s"), ""),
    Panel("5,000 that wait: signal → its next step (shorter is better)", _row(PARKED.name, "p50"), " ms"),
    Panel("5,000 that wait, kill -9: the last runs on after (shorter)", _row(PARKED.name, "last"), " s"),
    Panel("200 × 20, kill -9 in the middle: all done after (shorter)", _row(KILLED.name, "seconds"), " s"),
)
FONT: Final = 'font-family="DejaVu Sans, Verdana, sans-serif" font-size="13"'
PANEL, BAR, LEFT, ROOM = 470, 26, 150, 230


def picture(found: Found) -> str:
    """Four figures as an SVG, on scales where each line is ten times the one before."""
    drawn = [panel for panel in PANELS if any(figure(found, name, panel.row) for name in names(found))]
    height = 60 + (BAR + 6) * len(names(found))
    rows = ceil(len(drawn) / 2)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * PANEL} {rows * height + 26}" {FONT}>',
        f'<rect width="{2 * PANEL}" height="{rows * height + 26}" fill="white"/>',
    ]
    for place, panel in enumerate(drawn):
        lines.append(f'<g transform="translate({PANEL * (place % 2)},{height * (place // 2)})">')
        lines.extend(_panel(found, panel, height))
        lines.append("</g>")
    below = rows * height + 12
    lines.append(f'<text x="12" y="{below}" fill="#555">Each vertical line is ten times the one to its left.</text>')
    return "\n".join([*lines, "</svg>", ""])


def _panel(found: Found, panel: Panel, height: int) -> Iterator[str]:
    told = {name: figure(found, name, panel.row) for name in names(found)}
    there = [each for each in told.values() if each]
    least, most = floor(log10(min(there))), ceil(log10(max(there)) + 0.001)
    scale: Callable[[float], float] = lambda value: ROOM * (log10(value) - least + 0.15) / (most - least + 0.15)  # noqa: E731
    yield f'<text x="12" y="24" font-weight="bold">{escape(panel.title)}</text>'
    for power in range(least, most + 1):
        x = LEFT + scale(10**power)
        yield f'<line x1="{x:.0f}" y1="36" x2="{x:.0f}" y2="{height - 18}" stroke="#ddd"/>'
    for place, (name, value) in enumerate(told.items()):
        y = 42 + (BAR + 6) * place
        yield f'<text x="{LEFT - 8}" y="{y + 18}" text-anchor="end">{escape(name)}</text>'
        if not value:
            yield f'<text x="{LEFT + 6}" y="{y + 18}" fill="#777">{NOTHING}</text>'
            continue
        width, color = scale(value), "#2a6f97" if name == BIZPROC else "#a9b4be"
        yield f'<rect x="{LEFT}" y="{y}" width="{width:.0f}" height="{BAR}" fill="{color}"/>'
        yield f'<text x="{LEFT + width + 6:.0f}" y="{y + 18}">{format(value, _short(value))}{panel.unit}</text>'


def _short(value: float) -> str:
    return ",.0f" if value >= 100 else ".1f" if value >= 10 else ".2f"
