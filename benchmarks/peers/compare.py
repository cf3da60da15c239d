"""
All engines that are installed, one after the other, round after round: medians, and what they are to bizproc's.

Each run is a program of its own on an empty store. `make bench-peers` installs the other engines; one that is not
there is named, and the rest is run without it. Writes the table as it stands in `docs/performance.md`, and a picture.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

import orjson

from benchmarks.harness import ROOT, folder, machine
from benchmarks.peers.servers import fresh, postgres, programs

PEERS: Final = ROOT / ".venv-bench"
PYTHON: Final = PEERS / "bin/python"
RESTATE: Final = PEERS / "node_modules/.bin/restate-server"

Figures = dict[str, float]


class Workload(NamedTuple):
    """So many instances of so many steps, and which of the figures is told of it."""

    title: str
    instances: int
    steps: int
    figure: str
    unit: str
    form: str
    more_is_better: bool = True


MANY: Final = (200, 20)
WORKLOADS: Final = (
    Workload("200 instances × 20 steps, steps/s", *MANY, "steps/s", "steps/s", ",.0f"),
    Workload("  CPU a step, µs (without servers)", *MANY, "cpu", "µs", ",.1f", more_is_better=False),
    Workload("one alone, 500 steps, ms a step, p50", 1, 500, "p50", "ms", ".2f", more_is_better=False),
    Workload("  p99", 1, 500, "p99", "ms", ".2f", more_is_better=False),
    Workload("2,000 instances × 3 steps, instances/s", 2000, 3, "instances/s", "1/s", ",.0f"),
    Workload("one instance of 5,000 steps, s", 1, 5000, "seconds", "s", ".1f", more_is_better=False),
)


class Contestant(NamedTuple):
    """An engine on a store."""

    name: str
    module: str
    python: Path
    missing: Callable[[], str | None]
    url: Callable[[Path, str], str]


def _here(_folder: Path, _name: str) -> str:
    return f"sqlite:///{_folder}/store.db"


def _installed(package: str) -> Callable[[], str | None]:
    def missing() -> str | None:
        if not PYTHON.exists():
            return "make bench-peers has not been run"
        found = subprocess.run([PYTHON, "-c", f"import {package}"], capture_output=True, check=False)
        return None if found.returncode == 0 else f"the package {package} is not in {PEERS.name}"

    return missing


def _on_postgres(package: str) -> Callable[[], str | None]:
    return lambda: _installed(package)() or (None if programs() else "PostgreSQL is not installed (apt: postgresql)")


def _restate() -> str | None:
    return _installed("restate")() or (None if RESTATE.exists() else "restate-server is not installed (npm)")


def _absurd_url(path: Path, name: str) -> str:
    url = fresh(name, path)
    subprocess.run([PEERS / "bin/absurdctl", "init", "-d", url], check=True, stdout=subprocess.DEVNULL)
    return url


def _dbos_url(path: Path, name: str) -> str:
    return fresh(name, path).replace("postgresql://", "postgresql+psycopg://")


HERE: Final = Path(sys.executable)
CONTESTANTS: Final = (
    Contestant("bizproc", "on_bizproc", HERE, lambda: None, _here),
    Contestant("floor", "on_floor", HERE, lambda: None, _here),
    Contestant("DBOS, SQLite", "on_dbos", PYTHON, _installed("dbos"), _here),
    Contestant("DBOS, PostgreSQL", "on_dbos", PYTHON, _on_postgres("dbos"), _dbos_url),
    Contestant("Absurd, PostgreSQL", "on_absurd", PYTHON, _on_postgres("absurd_sdk"), _absurd_url),
    Contestant("Restate", "on_restate", PYTHON, _restate, lambda path, _: str(path)),
)


def measure(rounds: int, contestants: Sequence[Contestant], scale: int) -> dict[str, dict[tuple[int, int], Figures]]:
    """Medians of all figures, by engine and size. Every round holds all of them."""
    sizes = list(dict.fromkeys((each.instances, each.steps) for each in WORKLOADS))
    found: dict[str, dict[tuple[int, int], list[Figures]]] = {each.name: {} for each in contestants}
    for number in range(rounds):
        for each in contestants:
            for size in sizes:
                print(
                    f"\rround {number + 1} of {rounds}: {each.name}, {size[0]} × {size[1]:<20}", end="", file=sys.stderr
                )
                told = run(each, size, scale, f"run_{number}_{each.module}_{size[0]}_{size[1]}")
                if told is not None:
                    found[each.name].setdefault(size, []).append(told)
    print(f"\r{'':<70}\r", end="", file=sys.stderr)
    return {name: {size: medians(all_of) for size, all_of in by.items()} for name, by in found.items()}


def run(contestant: Contestant, size: tuple[int, int], scale: int, name: str) -> Figures | None:
    """One run in a program of its own; None, and a word about it, where it failed or did not do its work."""
    instances, steps = (max(1, size[0] // scale), size[1]) if size[0] > 1 else (1, max(100, size[1] // scale))
    with folder() as empty:
        url = contestant.url(empty, name)
        command = [
            str(contestant.python),
            "-m",
            f"benchmarks.peers.{contestant.module}",
            url,
            str(instances),
            str(steps),
        ]
        environment = {**os.environ, "RESTATE_SERVER": str(RESTATE), "PYTHONPATH": str(ROOT)}
        try:
            ended = subprocess.run(
                command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=True
            )
            told: Figures = orjson.loads(ended.stdout.strip().splitlines()[-1])
        except (subprocess.SubprocessError, IndexError, orjson.JSONDecodeError) as error:
            said = getattr(error, "stderr", None) or str(error)
            print(f"\n{contestant.name}, {instances} × {steps} failed: {str(said)[-500:]}", file=sys.stderr)
            return None
    return told


def medians(figures: Sequence[Figures]) -> Figures:
    return {name: median(each[name] for each in figures) for name in figures[0]}


# -- what is shown -----------------------------------------------------------------------------------------------------


def table(found: dict[str, dict[tuple[int, int], Figures]]) -> Iterator[str]:
    """A table in Markdown: beside each figure, how many times as good bizproc is."""
    names = [name for name in found if found[name]]
    yield f"| workload | {' | '.join(names)} |"
    yield f"| --- |{' --- |' * len(names)}"
    for workload in WORKLOADS:
        ours = _figure(found, "bizproc", workload)
        yield f"| {workload.title} | {' | '.join(_cell(found, name, workload, ours) for name in names)} |"


def _figure(found: dict[str, dict[tuple[int, int], Figures]], name: str, workload: Workload) -> float | None:
    of_size = found.get(name, {}).get((workload.instances, workload.steps))
    return None if of_size is None else of_size[workload.figure]


def _cell(found: dict[str, dict[tuple[int, int], Figures]], name: str, workload: Workload, ours: float | None) -> str:
    figure = _figure(found, name, workload)
    if figure is None:
        return "–"
    shown = format(figure, workload.form)
    if name == "bizproc" or not ours or not figure:
        return shown
    times = ours / figure if workload.more_is_better else figure / ours
    return f"{shown} ({times:,.2f} ×)" if times < 10 else f"{shown} ({times:,.0f} ×)"


def picture(found: dict[str, dict[tuple[int, int], Figures]]) -> str:
    """Steps a second of each engine as an SVG; the scale is logarithmic, each line ten times the one before."""
    from math import log10

    rates = {name: _figure(found, name, WORKLOADS[0]) for name in found}
    bars = [(name, rate) for name, rate in rates.items() if rate]
    height = 40 * len(bars) + 50
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" font-family="sans-serif" font-size="14">',
        f'<rect width="760" height="{height}" fill="white"/>',
        f'<text x="10" y="22" font-weight="bold">{WORKLOADS[0].title} (each line: ten times more)</text>',
    ]
    for power in range(1, 6):
        x = 170 + 100 * (power - 1)
        lines.append(f'<line x1="{x}" y1="34" x2="{x}" y2="{height - 6}" stroke="#ccc"/>')
    for place, (name, rate) in enumerate(bars):
        y, width = 44 + 40 * place, max(2.0, 100 * (log10(rate) - 1))
        color = "#2a6f97" if name == "bizproc" else "#a9b4be"
        lines.append(f'<text x="160" y="{y + 17}" text-anchor="end">{name}</text>')
        lines.append(f'<rect x="170" y="{y}" width="{width:.0f}" height="24" fill="{color}"/>')
        lines.append(f'<text x="{176 + width:.0f}" y="{y + 17}">{rate:,.0f}</text>')
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run; the medians are shown (3)")
    parser.add_argument("--picture", type=Path, help="write a picture (SVG) there")
    parser.add_argument("--scale", type=int, default=1, help="so many times less work, to see whether it runs (1)")
    parser.add_argument("--only", action="append", help="only engines whose name has this in it, beside bizproc")
    given = parser.parse_args()
    contestants = []
    for each in CONTESTANTS:
        wanted = not given.only or each.name in ("bizproc", "floor") or any(part in each.name for part in given.only)
        why = each.missing() if wanted else None
        if why is not None:
            print(f"without {each.name}: {why}", file=sys.stderr)
        elif wanted:
            contestants.append(each)
    with ExitStack() as stack:
        if any("PostgreSQL" in each.name for each in contestants):
            stack.enter_context(postgres(stack.enter_context(folder())))
        found = measure(given.rounds, contestants, given.scale)
    print(f"Medians of {given.rounds} rounds; in brackets how many times as good bizproc is.\n")
    print("\n".join(table(found)))
    print(f"\n{machine()}")
    if given.picture:
        given.picture.write_text(picture(found), "utf-8")


if __name__ == "__main__":
    main()
