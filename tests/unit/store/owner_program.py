"""
A program that owns a store and does what it is told on its input, one word a line. Run by `test_owner.py`.

    write    commit a note                          committed | the name of the error
    hold     stand inside a write until told        inside, then as `write`
    fork     make a child that outlives us          its process id
    wait     until the store is lost                lost
    close    close the store and end
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import timedelta

from bizproc.core.errors import StoreError
from bizproc.store.database import Database, Pulse, Transaction
from tests.unit.store.notes import Note, clock, until


def say(word: object) -> None:
    print(word, flush=True)


def hear() -> str:
    return sys.stdin.readline().strip()


async def write(database: Database, *, hold: bool = False) -> None:
    def stand(tx: Transaction) -> None:
        say("inside")
        hear()

    note = Note("written", then=stand if hold else None)
    database.submit(note)
    try:
        await note
    except StoreError as error:
        say(type(error).__name__)
    else:
        say("committed")


def fork() -> None:
    child = os.fork()
    if child:
        say(child)
    else:
        signal.pause()


async def main(address: str, every: int, stopped_after: int) -> None:
    lost = list[str]()
    pulse = Pulse(timedelta(milliseconds=every), timedelta(milliseconds=stopped_after))
    try:
        database = Database.open(address, clock=clock, pulse=pulse, busy=timedelta(milliseconds=200))
    except StoreError as error:
        say(f"{type(error).__name__} {error}")
        return
    database.on_trouble = lambda error: lost.append(type(error).__name__)
    database.start(asyncio.get_running_loop())
    say("open")
    while (word := await asyncio.to_thread(hear)) not in {"close", ""}:
        match word:
            case "write":
                await write(database)
            case "hold":
                await write(database, hold=True)
            case "fork":
                fork()
            case "wait":
                await until(lambda: database.dead)
                say(lost[-1])
    database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
