"""The workload on DBOS Transact, on SQLite or PostgreSQL, as the URL says."""

from __future__ import annotations

import asyncio

from dbos import DBOS

from benchmarks.peers.shape import arguments, measured, scored


@DBOS.step()
async def score(number: int) -> dict[str, int]:
    return scored(number)


@DBOS.workflow()
async def adding(steps: int) -> int:
    total = 0
    for number in range(steps):
        total += (await score(number))["n"]
    return total


async def run(instances: int, steps: int) -> list[int]:
    handles = [await DBOS.start_workflow_async(adding, steps) for _ in range(instances)]
    return [await handle.get_result() for handle in handles]


async def main() -> None:
    given = arguments()
    await measured(run, given.instances, given.steps)


if __name__ == "__main__":
    url = arguments().url
    DBOS(config={"name": "benchmark", "system_database_url": url, "run_admin_server": False, "log_level": "ERROR"})
    DBOS.launch()
    try:
        asyncio.run(main())
    finally:
        DBOS.destroy()
