"""The workload on the floor (`benchmarks/floor.py`)."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

from benchmarks.floor import Floor, Step
from benchmarks.peers.shape import arguments, measured, scored


async def score(number: int) -> dict[str, int]:
    return scored(number)


async def adding(steps: int) -> int:
    total = 0
    for number in range(steps):
        total += (await Step(score, number))["n"]
    return total


async def main() -> None:
    given = arguments()
    runs = 0

    async def run(instances: int, steps: int) -> list[int]:
        nonlocal runs
        runs += 1
        with closing(Floor(Path(f"{given.url.removeprefix('sqlite:///')}.{runs}"))) as floor:
            for _ in range(instances):
                floor.start(adding(steps))
            await floor.settled()
            return [instance.result for instance in floor.instances if instance.result is not None]

    await measured(run, given.instances, given.steps)


if __name__ == "__main__":
    asyncio.run(main())
