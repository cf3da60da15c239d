"""
A program that owns a store, runs one instance on it, and does what it is told. Run by `test_owner.py`.

    python -m tests.crash.owner_program STORE BOARD EVERY     its heart beats every so many milliseconds

    ["signal", 3]     send the instance number 3, and say what it has done by then: ["done", ["did 1", "did 3"]]
    ["result"]        what the instance returned
    ["close"]         close the store and end

It says ["open"] when it owns the store, and at last ["ended", the error's class, its text] or ["closed"].
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from bizproc import Runtime, crm, process, wait
from bizproc.core.errors import StoreError
from bizproc.model import Comment, Deal
from tests.crash.harness import UNPROTECTED, Board, Words, live, observe, quicken, say, url

INSTANCE = "chore"
TIMES = 3


@process("crash.chore")
async def chore(deal: Deal) -> int:
    for _ in range(TIMES):
        got = await wait.for_signal("go", int)
        await crm.deal.add_comment(f"did {got.value}")
    return TIMES


async def own(store: str, heard: asyncio.Queue[Words]) -> None:
    async with Runtime.open(store, processes=[chore], settings=UNPROTECTED) as runtime:
        if not await runtime.find(Deal):
            await runtime.start(chore(await runtime.perform(crm.deal.create(title="A deal"))), id=INSTANCE)
        say("open")
        while True:
            match await heard.get():
                case ["signal", number]:
                    await runtime.instance(INSTANCE).signal("go", number, key=str(number))
                    await runtime.settled()
                    say("done", [comment.text for comment in await runtime.find(Comment)])
                case ["result"]:
                    say(await runtime.instance(INSTANCE).result())
                case ["close"]:
                    return


async def main(store: str) -> None:
    heard = asyncio.Queue[Words]()
    loop = asyncio.get_running_loop()
    live(lambda words: loop.call_soon_threadsafe(heard.put_nowait, words))
    try:
        await own(store, heard)
    except StoreError as error:
        say("ended", type(error).__name__, str(error))
    else:
        say("closed")


if __name__ == "__main__":
    quicken(timedelta(milliseconds=int(sys.argv[3])))
    observe(Board(Path(sys.argv[2])))
    asyncio.run(main(url(Path(sys.argv[1]))))
