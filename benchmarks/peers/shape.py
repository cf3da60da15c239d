"""
What all contestants share: the body of a step, what is checked and what is told. It needs the standard library alone.

A workload is a number of instances of so many steps. A step returns a small dict, and notes that it ran: its effect.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable
from itertools import pairwise
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Final, TypeAlias

Run: TypeAlias = Callable[[int, int], Awaitable[list[int]]]
"""Run so many instances of so many steps; their results."""

MOMENTS: Final[list[float]] = []


def scored(number: int) -> dict[str, int]:
    """The body of a step."""
    MOMENTS.append(perf_counter())
    return {"n": number}


def arguments() -> argparse.Namespace:
    """What the script above says: where to store, and what to run."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("instances", type=int)
    parser.add_argument("steps", type=int)
    return parser.parse_args()


async def measured(run: Run, instances: int, steps: int) -> None:
    """Run it once small, for all that is done but once, and then measured; print what was found."""
    await run(1, 3)
    MOMENTS.clear()
    wall, cpu = perf_counter(), process_time()
    results = await run(instances, steps)
    wall, cpu = perf_counter() - wall, process_time() - cpu
    check("results", sorted(results), [sum(range(steps))] * instances)
    check("effects", len(MOMENTS), instances * steps)
    between = [(later - earlier) * 1000 for earlier, later in pairwise(MOMENTS)]
    done = instances * steps
    found = {
        "steps/s": done / wall,
        "instances/s": instances / wall,
        "seconds": wall,
        "cpu": cpu / done * 1e6,
        "p50": median(between),
        "p99": quantiles(between, n=100)[98],
    }
    print(json.dumps(found), flush=True)


def check(what: str, found: object, wanted: object) -> None:
    """A fast engine that does less is no faster."""
    if found != wanted:
        sys.exit(f"the work was not done: {what}: {str(found)[:200]}, where {str(wanted)[:200]} was expected")
