"""
The workload on Restate: a server of its own, and the services in this program.

The server dies with this program where a phase kills it, and is started again by the next; where it was spared, it is
found. Awakeables are what is waited for; their names are kept in a file, as a caller would keep them.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import httpx
import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

from benchmarks.peers.shape import SPAN, WaitingEngine, play, scored
from benchmarks.peers.shape import ran_on as noted

INGRESS: Final = "http://127.0.0.1:8080"
ADMIN: Final = "http://127.0.0.1:9070"
SERVICE: Final = "127.0.0.1:9080"
WAITING: Final = (
    "SELECT count(*) AS n FROM sys_invocation WHERE target_service_name = 'Parked' "
    "AND status IN ('running', 'suspended', 'completed')"
)

adding = restate.Service("Adding")
parked = restate.Service("Parked")
awakeables: dict[int, str] = {}


async def score(number: int) -> dict[str, int]:
    return scored(number)


async def ran_on(number: int) -> None:
    noted(number)


@adding.handler()
async def add(ctx: restate.Context, asked: dict[str, int]) -> int:
    total = 0
    for place in range(asked["steps"]):
        total += (await ctx.run_typed("score", score, number=asked["number"] * SPAN + place))["n"]
    return total


@parked.handler("wait")
async def waiting(ctx: restate.Context, number: int) -> int:
    name, gone = ctx.awakeable()
    if number not in awakeables:
        keep(number, name)
    await gone
    await ctx.run_typed("ran on", ran_on, number=number)
    return number


def keep(number: int, name: str) -> None:
    awakeables[number] = name
    with AWAKEABLES.open("a") as file:
        file.write(f"{number} {name}\n")


AWAKEABLES = Path("awakeables")


class OnRestate(WaitingEngine):
    async def open(self) -> None:
        global AWAKEABLES  # noqa: PLW0603  a handler is a function of its own
        folder = Path(self.url)
        AWAKEABLES = folder / "awakeables"
        if AWAKEABLES.exists():
            awakeables.update((int(number), name) for number, name in map(str.split, AWAKEABLES.open()))
        self.client = httpx.AsyncClient(timeout=300, limits=httpx.Limits(max_connections=500))
        if not await self._answers():
            self._start(folder)
        config = Config()
        config.bind, config.loglevel = [SERVICE], "ERROR"
        self.stop = asyncio.Event()
        app: Any = restate.app([adding, parked])
        self.serving = asyncio.create_task(serve(app, config, shutdown_trigger=self.stop.wait))
        await self._register()
        self.parked = 0

    async def close(self) -> None:
        await self.client.aclose()
        self.stop.set()
        await self.serving
        if self.servers:
            self.server.terminate()
            self.server.wait()

    async def run(self, instances: int, steps: int) -> list[int]:
        async def one(number: int) -> int:
            answer = await self.client.post(f"{INGRESS}/Adding/add", json={"number": number, "steps": steps})
            return int(answer.raise_for_status().json())

        return await asyncio.gather(*(one(number) for number in range(instances)))

    async def start(self, numbers: Sequence[int], steps: int) -> None:
        await asyncio.gather(*(self._send("Adding/add", each, {"number": each, "steps": steps}) for each in numbers))

    async def results(self, numbers: Sequence[int]) -> list[int]:
        async def one(number: int) -> int:
            handler = "Adding/add" if number < 2_000_000 else "Parked/wait"
            answer = await self.client.get(f"{INGRESS}/restate/invocation/{handler}/{number}/attach")
            return int(answer.raise_for_status().json())

        return await asyncio.gather(*(one(number) for number in numbers))

    async def park(self, numbers: Sequence[int]) -> None:
        self.parked += len(numbers)
        await asyncio.gather(*(self._send("Parked/wait", number, number) for number in numbers))
        while len(awakeables) < self.parked or await self._waiting() < self.parked:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    async def signal(self, number: int) -> None:
        answer = await self.client.post(f"{INGRESS}/restate/awakeables/{awakeables[number]}/resolve", json="go")
        answer.raise_for_status()

    async def _send(self, handler: str, number: int, asked: Any) -> None:
        """Start one; the server has written it down when it answers."""
        headers = {"idempotency-key": str(number)}
        answer = await self.client.post(f"{INGRESS}/{handler}/send", json=asked, headers=headers)
        answer.raise_for_status()

    async def _waiting(self) -> int:
        headers = {"accept": "application/json"}
        answer = await self.client.post(f"{ADMIN}/query", json={"query": WAITING}, headers=headers)
        return int(answer.raise_for_status().json()["rows"][0]["n"])

    def _start(self, folder: Path) -> None:
        program = [os.environ["RESTATE_SERVER"], "--base-dir", str(folder / "data")]
        with (folder / "log").open("ab") as log:
            self.server = subprocess.Popen(program, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder)
        self.servers = [self.server.pid]

    async def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return (await self.client.get(f"{ADMIN}/health")).is_success
        return False

    async def _register(self) -> None:
        """Tell the server of the services, once it is up."""
        for _ in range(1200):
            with suppress(httpx.HTTPError):
                answer = await self.client.post(
                    f"{ADMIN}/deployments", json={"uri": f"http://{SERVICE}", "force": True}
                )
                if answer.is_success:
                    return
            await asyncio.sleep(0.05)
        raise SystemExit("restate-server did not come up: see its log")


if __name__ == "__main__":
    play(OnRestate)
