"""The workload on Absurd, on PostgreSQL, whose schema `absurdctl init` has made."""

from __future__ import annotations

import asyncio
from typing import Any

from absurd_sdk import AsyncAbsurd

from benchmarks.peers.shape import arguments, measured, scored


async def main() -> None:
    given = arguments()
    client, worker = AsyncAbsurd(given.url), AsyncAbsurd(given.url)
    await client.create_queue()

    @worker.register_task("adding")
    async def adding(params: Any, ctx: Any) -> int:
        total = 0
        for number in range(params["steps"]):

            async def score(number: int = number) -> dict[str, int]:
                return scored(number)

            total += (await ctx.step(f"score {number}", score))["n"]
        return total

    working = asyncio.create_task(worker.start_worker(concurrency=200))

    async def run(instances: int, steps: int) -> list[int]:
        tasks = [(await client.spawn("adding", {"steps": steps}, queue="default"))["task_id"] for _ in range(instances)]
        results = []
        for task in tasks:
            # Absurd tells of an end to who asks: there is nothing to wait on.
            while (snapshot := await client.fetch_task_result(task)) is None or snapshot.state != "completed":  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            results.append(snapshot.result)
        return results

    await measured(run, given.instances, given.steps)
    worker.stop_worker()
    await working
    await client.close()
    await worker.close()


if __name__ == "__main__":
    asyncio.run(main())
