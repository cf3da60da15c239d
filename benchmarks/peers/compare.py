"""
All engines that are installed, one after the other, round after round: medians, and what they are to bizproc's.

Each run is a program of its own on an empty store. `make bench-peers` installs the other engines; one that is not
there is named, and the rest is run without it. A workload that took an engine very long is not run again by it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import orjson

from benchmarks import floor
from benchmarks.harness import folder, machine, medians
from benchmarks.peers import report
from benchmarks.peers.contestants import BIZPROC, CONTESTANTS, FLOOR, Contestant
from benchmarks.peers.scripts import NotDone, Script
from benchmarks.peers.servers import postgres
from benchmarks.peers.workloads import WORKLOADS, Figures, Found, Workload


class Measured(NamedTuple):
    """All that is told of a comparison, and all that it is told from again."""

    machine: str
    at: str
    rounds: int
    scale: int
    once: list[tuple[str, str]]
    """Engine and workload that took so long that they were not run in each round."""
    medians: Found
    runs: dict[str, dict[str, list[Figures]]]
    """What each round found."""


def measure(rounds: int, contestants: Sequence[Contestant], scale: int, patience: float) -> Iterator[Measured]:
    """Every round holds all workloads, and each workload all engines one after the other. What is known after each."""
    runs: dict[str, dict[str, list[Figures]]] = {each.name: {} for each in contestants}
    slow, once = set[tuple[str, str]](), set[tuple[str, str]]()
    for number in range(rounds):
        for workload in WORKLOADS:
            for each in contestants:
                key = (each.name, workload.name)
                if key in slow:
                    once.add(key)
                elif workload.applies(each.name):
                    progress(f"round {number + 1} of {rounds}: {workload.name}, {each.name}")
                    since = perf_counter()
                    told = attempt(each, workload.scaled(scale), number, rounds)
                    if told is not None:
                        runs[each.name].setdefault(workload.name, []).append(told)
                    if told is None or perf_counter() - since > patience:
                        slow.add(key)
        progress("")
        yield summary(runs, once, number + 1, scale)


def summary(runs: dict[str, dict[str, list[Figures]]], once: set[tuple[str, str]], rounds: int, scale: int) -> Measured:
    """The medians of what was found so far."""
    found = {name: {key: dict(medians(all_of)) for key, all_of in by.items()} for name, by in runs.items()}
    marked = sorted((name, key) for name, key in once if key in runs[name])
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Measured(machine(), at, rounds, scale, marked, found, runs)


def progress(what: str) -> None:
    """Say where we are: on a line that is written again, or where nobody looks, on one each."""
    if sys.stderr.isatty():
        print(f"\r{what:<70}" + ("" if what else "\r"), end="", file=sys.stderr, flush=True)
    elif what:
        print(what, file=sys.stderr, flush=True)


def attempt(contestant: Contestant, workload: Workload, number: int, rounds: int) -> Figures | None:
    """One run on an empty store; None, and a word about it, where it failed or did not do its work."""
    name = f"run_{number}_{contestant.module}_{workload.name}".replace(" ", "_").replace(",", "")
    try:
        with folder() as empty, contestant.store(empty, name) as url:
            return run(contestant, workload, url, empty, workload.fatal(number, rounds))
    except (NotDone, OSError, subprocess.SubprocessError) as error:
        print(f"\n{contestant.name}, {workload.name} failed: {error}", file=sys.stderr)
        return None


def run(contestant: Contestant, workload: Workload, url: str, empty: Path, fatal: int) -> Figures:
    """The programs of a workload: one, or one that is killed and another on its store."""

    def script(phase: str, *more: str) -> Script:
        size = [str(workload.instances), str(workload.steps)]
        return Script(contestant.python, workload.module or contestant.module, empty, [url, phase, *size, *more])

    match workload.kind:
        case "commit":
            return dict(floor.commit(empty, count=workload.steps))
        case "run":
            with script("run") as running:
                return running.told()
        case "park":
            with script("park") as parking:
                found = parking.told()
            with script("wake") as waking:
                return found | waking.told()
        case "kill":
            effects = ["--effects", str(empty / "effects")]
            with script("begin", *effects, "--fatal", str(fatal), *(["--spare"] if workload.spare else [])) as begun:
                begun.dies()
                with script("resume", *effects) as resumed:
                    found = resumed.told()
            done = workload.instances * workload.steps
            if not fatal <= found["before"] < done:
                raise NotDone(
                    f"{found['before']:.0f} of {done} effects were there after the kill, where {fatal} were to be"
                )
            return found


def chosen(only: Sequence[str] | None) -> Iterator[Contestant]:
    """What is installed of what is asked for; the rest is named."""
    for each in CONTESTANTS:
        if only is None or each.name in (BIZPROC, FLOOR) or any(part in each.name for part in only):
            why = each.missing()
            if why is None:
                yield each
            else:
                print(f"without {each.name}: {why}", file=sys.stderr)


def conducted(rounds: int, scale: int, patience: float, only: Sequence[str] | None) -> Iterator[Measured]:
    """Measure all that is installed, with the server that some need; what is known after each round."""
    contestants = list(chosen(only))
    with ExitStack() as stack:
        if any("PostgreSQL" in each.name for each in contestants):
            stack.enter_context(postgres(stack.enter_context(folder())))
        yield from measure(rounds, contestants, scale, patience)


def as_json(measured: Measured) -> bytes:
    return orjson.dumps(measured._asdict(), option=orjson.OPT_INDENT_2)


def read(path: Path) -> Measured:
    """What an earlier run wrote."""
    told = orjson.loads(path.read_bytes())
    return Measured(**{**told, "once": [(name, key) for name, key in told["once"]]})


def write(path: Path | None, content: bytes) -> None:
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run; the medians are shown (3)")
    parser.add_argument("--scale", type=int, default=1, help="so many times less work, to see whether it runs (1)")
    parser.add_argument("--patience", type=float, default=20, help="what took an engine more seconds is run once (20)")
    parser.add_argument("--only", action="append", help="only engines whose name has this in it, beside bizproc")
    parser.add_argument("--markdown", type=Path, help="write the table there, in Markdown")
    parser.add_argument("--picture", type=Path, help="write a picture there, as SVG")
    parser.add_argument("--json", type=Path, help="write all figures there")
    parser.add_argument("--figures", type=Path, help="measure nothing: show what --json wrote there")
    given = parser.parse_args()
    if min(given.rounds, given.scale) < 1:
        parser.error("--rounds and --scale begin with 1")
    if given.figures:
        measured = read(given.figures)
    else:
        # Written after each round: who has not the time for all of them stops, and has what there is shown.
        for measured in conducted(given.rounds, given.scale, given.patience, given.only):
            write(given.json, as_json(measured))
    found, scale, once = measured.medians, measured.scale, measured.once
    lines, columns = list(report.lines(found, scale, once)), report.names(found)
    notes = [*report.explained(measured.rounds, scale, once), f"{measured.machine}, {measured.at}"]
    report.printed(lines, columns, notes)
    write(given.markdown, report.markdown(lines, columns, notes).encode())
    write(given.picture, report.picture(found).encode())


if __name__ == "__main__":
    main()
