"""The workload on bizproc."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from benchmarks.peers.shape import SPAN, WaitingEngine, play, scored
from benchmarks.peers.shape import ran_on as noted
from bizproc import wait
from bizproc.core.process import Process, process
from bizproc.core.steps import action
from bizproc.runtime import Instance, Runtime

WAVE: Final = 2000
"""So many are started at a time."""


@action("benchmark.score")
async def score(number: int) -> dict[str, int]:
    return scored(number)


@action("benchmark.ran_on")
async def ran_on(number: int) -> None:
    noted(number)


@process("benchmark.adding", overlap="parallel")
async def adding(*, number: int, steps: int) -> int:
    total = 0
    for place in range(steps):
        total += (await score(number * SPAN + place))["n"]
    return total


@process("benchmark.parked", overlap="parallel")
async def parked(*, number: int) -> int:
    await wait.for_signal("go")
    await ran_on(number)
    return number


def named(number: int) -> str:
    return f"n-{number}"


class OnBizproc(WaitingEngine):
    processes: tuple[Process[..., Any], ...] = (adding, parked)

    async def open(self) -> None:
        self.stack = AsyncExitStack()
        self.runtime = await self.stack.enter_async_context(Runtime.open(self.url, processes=self.processes))
        self.begun: dict[int, Instance[Any]] = {}

    async def close(self) -> None:
        await self.stack.aclose()

    async def run(self, instances: int, steps: int) -> list[int]:
        async def one(number: int) -> int:
            return await (await self.runtime.start(adding(number=number, steps=steps))).result()

        return await asyncio.gather(*(one(number) for number in range(instances)))

    async def start(self, numbers: Sequence[int], steps: int) -> None:
        async def one(number: int) -> None:
            self.begun[number] = await self.runtime.start(adding(number=number, steps=steps), id=named(number))

        await asyncio.gather(*(one(number) for number in numbers))

    async def results(self, numbers: Sequence[int]) -> list[int]:
        handles = [self.begun.get(number) or self.runtime.instance(named(number)) for number in numbers]
        return list(await asyncio.gather(*(each.result() for each in handles)))

    async def park(self, numbers: Sequence[int]) -> None:
        for place in range(0, len(numbers), WAVE):
            wave = numbers[place : place + WAVE]
            await asyncio.gather(*(self.runtime.start(parked(number=each), id=named(each)) for each in wave))
            await self.runtime.settled()

    async def signal(self, number: int) -> None:
        await self.runtime.instance(named(number)).signal("go")


if __name__ == "__main__":
    play(OnBizproc)
