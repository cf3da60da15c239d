"""The workload on Restate: a server of its own, and the service in this program."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import suppress
from pathlib import Path

import httpx
import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

from benchmarks.peers.shape import arguments, measured, scored

INGRESS, ADMIN, SERVICE = "http://127.0.0.1:8080", "http://127.0.0.1:9070", "127.0.0.1:9080"

adding = restate.Service("Adding")


async def score(number: int) -> dict[str, int]:
    return scored(number)


@adding.handler()
async def add(ctx: restate.Context, steps: int) -> int:
    total = 0
    for number in range(steps):
        total += (await ctx.run_typed("score", score, number=number))["n"]
    return total


async def main() -> None:
    given = arguments()
    config = Config()
    config.bind, config.loglevel = [SERVICE], "ERROR"
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(restate.app([adding]), config, shutdown_trigger=stop.wait))
    async with httpx.AsyncClient(timeout=300, limits=httpx.Limits(max_connections=500)) as client:
        await registered(client)

        async def one(steps: int) -> int:
            answer = await client.post(f"{INGRESS}/Adding/add", json=steps)
            return int(answer.raise_for_status().json())

        async def run(instances: int, steps: int) -> list[int]:
            return await asyncio.gather(*(one(steps) for _ in range(instances)))

        await measured(run, given.instances, given.steps)
    stop.set()
    await serving


async def registered(client: httpx.AsyncClient) -> None:
    """Tell the server of the service, once it is up."""
    for _ in range(600):
        with suppress(httpx.HTTPError):
            answer = await client.post(f"{ADMIN}/deployments", json={"uri": f"http://{SERVICE}", "force": True})
            if answer.is_success:
                return
        await asyncio.sleep(0.1)
    raise SystemExit("restate-server did not come up: see its log")


if __name__ == "__main__":
    folder = Path(arguments().url)
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [os.environ["RESTATE_SERVER"], "--base-dir", str(folder)], stdout=log, stderr=log, cwd=folder
        )
        try:
            asyncio.run(main())
        finally:
            server.terminate()
            server.wait()
