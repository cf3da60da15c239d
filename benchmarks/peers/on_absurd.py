"""
The workload on Absurd, on PostgreSQL, whose schema `absurdctl init` has made.

A task of a worker that died is given to another when its claim is over: after ten seconds here, after 120 as it comes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from absurd_sdk import AsyncAbsurd

from benchmarks.peers.shape import SPAN, WaitingEngine, play, ran_on, scored

CLAIM: Final = 10
"""Seconds."""


async def adding(params: Any, ctx: Any) -> int:
    total = 0
    for place in range(params["steps"]):

        async def score(place: int = place) -> dict[str, int]:
            return scored(params["number"] * SPAN + place)

        total += (await ctx.step(f"score {place}", score))["n"]
    return total


async def parked(params: Any, ctx: Any) -> int:
    number: int = params["number"]
    await ctx.await_event(f"go {number}")

    async def noted() -> None:
        ran_on(number)

    await ctx.step("ran on", noted)
    return number


class OnAbsurd(WaitingEngine):
    async def open(self) -> None:
        self.client, self.worker = AsyncAbsurd(self.url), AsyncAbsurd(self.url)
        self.asking = await psycopg.AsyncConnection.connect(self.url, autocommit=True)
        await self.client.create_queue()
        self.worker.register_task("adding")(adding)
        self.worker.register_task("parked")(parked)
        self.working = asyncio.create_task(self.worker.start_worker(concurrency=200, claim_timeout=CLAIM))
        self.tasks: dict[int, str] = {}
        self.waiting = 0

    async def close(self) -> None:
        self.worker.stop_worker()
        await self.working
        await self.client.close()
        await self.worker.close()
        await self.asking.close()

    async def start(self, numbers: Sequence[int], steps: int) -> None:
        for number in numbers:
            await self._spawn("adding", number, {"number": number, "steps": steps})

    async def results(self, numbers: Sequence[int]) -> list[int]:
        results = []
        for number in numbers:
            task = self.tasks.get(number) or (await self._one(TASK, str(number)))
            # Absurd tells of an end to who asks: there is nothing to wait on.
            while (snapshot := await self.client.fetch_task_result(task)) is None or snapshot.state != "completed":  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            results.append(snapshot.result)
        return results

    async def park(self, numbers: Sequence[int]) -> None:
        self.waiting += len(numbers)
        for number in numbers:
            await self._spawn("parked", number, {"number": number})
        while await self._one(WAITED, "parked") < self.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def signal(self, number: int) -> None:
        await self.client.emit_event(f"go {number}", "go", queue_name="default")

    async def _spawn(self, task: str, number: int, params: dict[str, int]) -> None:
        spawned = await self.client.spawn(task, params, queue="default", idempotency_key=str(number))
        self.tasks[number] = spawned["task_id"]

    async def _one(self, query: str, argument: str) -> Any:
        cursor = await self.asking.execute(query, (argument,))
        row = await cursor.fetchone()
        assert row is not None
        return row[0]


TASK: Final = "SELECT task_id FROM absurd.t_default WHERE idempotency_key = %s"
WAITED: Final = "SELECT count(*) FROM absurd.t_default WHERE task_name = %s AND state IN ('sleeping', 'completed')"


if __name__ == "__main__":
    play(OnAbsurd)
