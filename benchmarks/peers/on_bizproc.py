"""The workload on bizproc."""

from __future__ import annotations

import asyncio

from benchmarks.peers.shape import arguments, measured, scored
from bizproc.core.process import process
from bizproc.core.steps import action
from bizproc.runtime import Runtime


@action("benchmark.score")
async def score(number: int) -> dict[str, int]:
    return scored(number)


@process("benchmark.adding", overlap="parallel")
async def adding(*, steps: int) -> int:
    total = 0
    for number in range(steps):
        total += (await score(number))["n"]
    return total


async def main() -> None:
    given = arguments()
    async with Runtime.open(given.url, processes=[adding]) as runtime:

        async def one(steps: int) -> int:
            return await (await runtime.start(adding(steps=steps))).result()

        async def run(instances: int, steps: int) -> list[int]:
            return await asyncio.gather(*(one(steps) for _ in range(instances)))

        await measured(run, given.instances, given.steps)


if __name__ == "__main__":
    asyncio.run(main())
