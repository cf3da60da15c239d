"""
What all benchmarks share: folders that go away, runs in turn, medians, one way to print a table.
"""

from __future__ import annotations

import gc
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Final

from rich.console import Console
from rich.table import Table

from bizproc.store.sqlite import driver

Figures = Mapping[str, float]
"""What one run found, by name."""

Run = Callable[[Path], Figures]
"""One run of a workload in an empty folder."""

ROOT: Final = Path(__file__).resolve().parent.parent
PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder, gone afterwards. `TMPDIR` says where: it should be on a disk, for flushes to memory are free."""
    with tempfile.TemporaryDirectory(prefix="bizproc-benchmark-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def in_turn(rounds: int, runs: Mapping[str, Run]) -> dict[str, Figures]:
    """
    Medians of the figures of each run.

    Every round holds every run, so that a machine that is slow for a while is slow for all of them.
    """
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, run in runs.items():
            print(f"\rround {number + 1} of {rounds}: {name:<30}", end="", file=sys.stderr, flush=True)
            with folder() as empty:
                gc.collect()
                found[name].append(run(empty))
    print(f"\r{'':<60}\r", end="", file=sys.stderr, flush=True)
    return {name: medians(figures) for name, figures in found.items()}


def medians(figures: Sequence[Figures]) -> Figures:
    """The median of each figure."""
    return {name: median(each[name] for each in figures) for name in figures[0]}


class Watch:
    """Seconds on the wall, and of processor time on all threads, since it was made or last started."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._wall, self._cpu = perf_counter(), process_time()

    def stop(self) -> None:
        self.wall, self.cpu = perf_counter() - self._wall, process_time() - self._cpu


def gaps(moments: Sequence[float]) -> Figures:
    """Milliseconds between moments: the median, and the 99th of 100."""
    between = [(later - earlier) * 1000 for earlier, later in pairwise(moments)]
    return {"p50": median(between), "p99": quantiles(between, n=100)[98]}


def check(what: str, found: object, wanted: object) -> None:
    """Stop unless the work was done: a fast engine that does less is no faster."""
    if found != wanted:
        raise SystemExit(f"the work was not done: {what}: {found}, where {wanted} was expected")


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE


def flushes(arguments: Sequence[str]) -> int | None:
    """Flushes to disk of a Python program, counted by strace; None where there is no strace that may look."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    with folder() as empty:
        seen = empty / "seen"
        command = [strace, "-f", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(seen), sys.executable, *arguments]
        ended = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        if ended.returncode:
            print(ended.stderr.decode(errors="replace"), file=sys.stderr)
            return None
        return sum("sync(" in line for line in seen.read_text("utf-8", "replace").splitlines())


def show(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str] = ()) -> None:
    """Print a table: the first column to the left, figures to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", caption_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place else "left")
    for row in rows:
        table.add_row(*row)
    console = Console() if sys.stdout.isatty() else Console(width=120)
    console.print(table)
    for note in notes:
        console.print(note, highlight=False)
    console.print(machine(), style="dim", highlight=False)


def machine() -> str:
    """Where this was measured: figures mean nothing elsewhere, ratios do."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    versions = f"Python {platform.python_version()}, SQLite {driver().sqlite_version}"
    return f"{os.cpu_count()} cores{load}, {platform.system()}, {versions}, in {tempfile.gettempdir()}"
