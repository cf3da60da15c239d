"""
Runs mixed programs, from wherever the last run of this program was killed. Run by `test_sigkill_programs.py`.

    python -m tests.crash.programs_program prepare STORE COUNT
    python -m tests.crash.programs_program work STORE BOARD COUNT     as many instances as the board allows
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from random import Random

from bizproc import Runtime, crm
from bizproc.core.errors import InstanceCancelled
from bizproc.model import Deal
from tests.crash.harness import UNPROTECTED, Board, live, observe, say, url
from tests.crash.mixed import PROCESSES, Program, name_of, program_of

AT_A_TIME = 4


async def prepare(store: str, count: int) -> None:
    async with Runtime.open(store, settings=UNPROTECTED) as runtime:
        await runtime.perform(crm.product.create(name="Tea", price=3))
        for number in range(1, count + 1):
            await runtime.perform(crm.deal.create(title=f"Deal {number}"))
        say(len(await runtime.find(Deal)))


async def work(store: str, board: Board, count: int) -> None:
    observe(board)
    async with Runtime.open(store, processes=PROCESSES, settings=UNPROTECTED) as runtime:
        driven = 0
        while driven < count:
            while board.allowed <= driven:
                board.parked = 1
                await asyncio.sleep(0.002)
            order = list(range(driven + 1, board.allowed + 1))
            Random(board.commits).shuffle(order)
            driven = board.allowed
            await asyncio.gather(*(begin_some(runtime, order[first::AT_A_TIME]) for first in range(AT_A_TIME)))
        say([await result(runtime, number) for number in range(1, count + 1)])


async def begin_some(runtime: Runtime, numbers: list[int]) -> None:
    """Start these and give them what they need, one after the other. All of it has perhaps been done before."""
    for number in numbers:
        program = program_of(number)
        await runtime.start(program.process(await runtime.get(Deal, number)), id=name_of(number))
        await drive(runtime, program, number)
        await result(runtime, number)


async def drive(runtime: Runtime, program: Program, number: int) -> None:
    instance = runtime.instance(name_of(number))
    if "signals" in program.drive:
        for value in range(3):
            await instance.signal("number", value, key=f"number {value}")
        await instance.signal("last", 9, key="last")
    if "stage" in program.drive and (await runtime.get(Deal, number)).stage == "NEW":
        await runtime.perform(crm.deal(number).change_stage("EXECUTING"))
    if "cancel" in program.drive:
        await instance.cancel()


async def result(runtime: Runtime, number: int) -> object:
    try:
        return await runtime.instance(name_of(number)).result()
    except InstanceCancelled:
        return None


if __name__ == "__main__":
    live()
    match sys.argv[1:]:
        case ["prepare", path, count]:
            asyncio.run(prepare(url(Path(path)), int(count)))
        case ["work", path, shared, count]:
            asyncio.run(work(url(Path(path)), Board(Path(shared)), int(count)))
