"""
The workload on DBOS Transact, on SQLite or PostgreSQL, as the URL says.

On SQLite it is given the library that bizproc stores with, in place of the older one that Python came with.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from typing import Any, Final

import pysqlite3

# Before anything imports the other: SQLAlchemy asks for it by this name.
sys.modules["sqlite3"] = pysqlite3
sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2

import sqlalchemy as sa  # noqa: E402
from dbos import DBOS, SetWorkflowID  # noqa: E402

from benchmarks.peers.shape import SPAN, WaitingEngine, play, scored  # noqa: E402
from benchmarks.peers.shape import ran_on as noted  # noqa: E402

LONG: Final = 86_400.0


@DBOS.step()
async def score(number: int) -> dict[str, int]:
    return scored(number)


@DBOS.step()
async def ran_on(number: int) -> None:
    noted(number)


@DBOS.workflow()
async def adding(number: int, steps: int) -> int:
    total = 0
    for place in range(steps):
        total += (await score(number * SPAN + place))["n"]
    return total


@DBOS.workflow()
async def parked(number: int) -> int:
    await DBOS.recv_async("go", timeout_seconds=LONG)
    await ran_on(number)
    return number


class OnDbos(WaitingEngine):
    async def open(self) -> None:
        config: Any = {"name": "benchmark", "system_database_url": self.url, "run_admin_server": False}
        DBOS(config={**config, "log_level": "ERROR"})
        DBOS.launch()
        self.begun: dict[int, Any] = {}
        self.waiting = 0
        patience = {"timeout": 60} if self.url.startswith("sqlite") else {}
        self.asking = sa.create_engine(self.url, connect_args=patience)

    async def close(self) -> None:
        DBOS.destroy()

    async def start(self, numbers: Sequence[int], steps: int) -> None:
        for number in numbers:
            with SetWorkflowID(str(number)):
                self.begun[number] = await DBOS.start_workflow_async(adding, number, steps)

    async def results(self, numbers: Sequence[int]) -> list[int]:
        found = []
        for number in numbers:
            handle = self.begun.get(number) or await DBOS.retrieve_workflow_async(str(number))
            # It asks the database every second, unless it is told to ask more often.
            found.append(await handle.get_result(polling_interval_sec=0.02))
        return found

    async def park(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            with SetWorkflowID(str(number)):
                self.begun[number] = await DBOS.start_workflow_async(parked, number)
        self.waiting += len(numbers)
        while self._waiting() < self.waiting:  # noqa: ASYNC110  another engine tells of it to who asks
            await asyncio.sleep(0.05)

    async def signal(self, number: int) -> None:
        await DBOS.send_async(str(number), "go", topic="go")

    def _waiting(self) -> int:
        """How many have written down until when they wait, once in a lifetime; after that they wait."""
        schema = "" if self.url.startswith("sqlite") else "dbos."
        query = f"SELECT count(*) FROM {schema}operation_outputs WHERE function_name = 'DBOS.sleep'"  # noqa: S608
        with self.asking.connect() as connection:
            return int(connection.execute(sa.text(query)).scalar_one())


if __name__ == "__main__":
    play(OnDbos)
