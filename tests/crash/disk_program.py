"""
A program whose store gets into trouble, and that does what it is told. Run by `test_disk.py`.

    ["start", 3]        start instances 1 to 3, each on a deal of its own: they wait at a gate (the board's `allowed`)
    ["troubled"]        wait until the store has a trouble; its class, and what became of an action tried then
    ["over"]            wait until it has none
    ["limit", 1000]     no file may grow past so many bytes        ["unlimit"]
    ["fill"]            fill the disk with another file            ["empty"]: take that away
    ["perform"]         add a comment to deal 1: ["performed"], or the error's class and text
    ["signal", "a"]     send the instance called so a signal: ["sent"], or the error's class and text
    ["retry", "a"]      let the instance called so go on after its journal was put right
    ["look"]            number of comments, and the states of the instances
    ["results"]         what they returned, or the error's class and text
    ["close"]           close the store and end

It says ["open"] when it owns the store, and at last ["ended", the error's class, its text] or ["closed"].
"""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from bizproc import Runtime, action, crm, process, wait
from bizproc.core.errors import BizprocError, StoreError
from bizproc.model import Comment, Deal
from tests.crash.harness import UNPROTECTED, Board, Words, live, quicken, say, url

COMMENTS = 30
LONG = "x" * 4000
BODIES: list[str] = []

board: Board


@action("disk.gate")
async def gate(name: str) -> str:
    BODIES.append(name)
    while not board.allowed:
        await asyncio.sleep(0.002)
    return f"passed {name}"


@process("disk.writer")
async def writer(deal: Deal, *, name: str) -> str:
    passed = await gate(name)
    for number in range(COMMENTS):
        await crm.deal.add_comment(f"{number} {LONG}")
    return passed


@action("disk.mark")
async def mark(name: str) -> str:
    return f"marker of {name}"


@process("disk.marked")
async def marked(deal: Deal) -> str:
    """Its journal holds a text that stands nowhere else in the store."""
    mark_of_it = await mark(deal.title)
    await wait.for_signal("go")
    await crm.deal.add_comment(deal.title)
    return mark_of_it


class Told:
    """What the program does at a word."""

    def __init__(self, runtime: Runtime, folder: Path) -> None:
        self._runtime = runtime
        self._filler = folder / "filler"
        self._changed = asyncio.Event()
        self.trouble: StoreError | None = None
        inner = runtime.database.on_trouble

        def heard(error: StoreError | None) -> None:
            self.trouble = error
            self._changed.set()
            if inner is not None:
                inner(error)

        runtime.database.on_trouble = heard

    async def start(self, count: int) -> Words:
        for number in range(1, count + 1):
            deal = await self._runtime.perform(crm.deal.create(title=f"Deal {number}"))
            await self._runtime.start(writer(deal, name=str(number)), id=f"writer-{number}")
        return ["started"]

    async def start_marked(self, *names: str) -> Words:
        for name in names:
            deal = await self._runtime.perform(crm.deal.create(title=name))
            await self._runtime.start(marked(deal), id=name)
        await self._runtime.settled()
        return ["started"]

    async def troubled(self) -> Words:
        while self.trouble is None:
            await self._changed.wait()
            self._changed.clear()
        return [type(self.trouble).__name__, str(self.trouble), await self.perform()]

    async def over(self) -> Words:
        while self.trouble is not None:
            await self._changed.wait()
            self._changed.clear()
        return ["over"]

    async def limit(self, size: int) -> Words:
        import resource  # not on Windows

        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        return ["limited"]

    async def unlimit(self) -> Words:
        return await self.limit(-1)

    async def fill(self) -> Words:
        with suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(1024))
        return [self._filler.stat().st_size]

    async def empty(self) -> Words:
        self._filler.unlink()
        return ["emptied"]

    async def perform(self) -> Words:
        try:
            await self._runtime.perform(crm.deal(1).add_comment(f"by hand {LONG}"))
        except BizprocError as error:
            return [type(error).__name__, str(error)]
        return ["performed"]

    async def signal(self, name: str) -> Words:
        try:
            await self._runtime.instance(name).signal("go")
        except BizprocError as error:
            return [type(error).__name__, str(error)]
        await self._runtime.settled()
        return ["sent"]

    async def retry(self, name: str) -> Words:
        await self._runtime.instance(name).retry()
        await self._runtime.settled()
        return ["retried"]

    async def journal(self, name: str) -> Words:
        try:
            return [len(await self._runtime.instance(name).journal())]
        except BizprocError as error:
            return [type(error).__name__, str(error)]

    async def look(self) -> Words:
        states = {status.id: status.state for status in await self._runtime.instances()}
        return [len(await self._runtime.find(Comment)), states]

    async def results(self) -> Words:
        return [await self._result(status.id) for status in await self._runtime.instances()]

    async def _result(self, name: str) -> Any:
        try:
            return await self._runtime.instance(name).result()
        except BizprocError as error:
            return [type(error).__name__, str(error)]

    async def bodies(self) -> Words:
        return [*BODIES]


async def own(path: Path, heard: asyncio.Queue[Words]) -> None:
    async with Runtime.open(url(path), processes=[writer, marked], settings=UNPROTECTED) as runtime:
        told = Told(runtime, path.parent)
        say("open")
        while (words := await heard.get()) != ["close"]:
            word, arguments = str(words[0]), words[1:]
            say(*await getattr(told, word)(*arguments))


async def main(path: Path) -> None:
    heard = asyncio.Queue[Words]()
    loop = asyncio.get_running_loop()
    live(lambda words: loop.call_soon_threadsafe(heard.put_nowait, words))
    try:
        await own(path, heard)
    except StoreError as error:
        say("ended", type(error).__name__, str(error))
    else:
        say("closed")


if __name__ == "__main__":
    board = Board(Path(sys.argv[2]))
    quicken()
    os.umask(0o022)
    asyncio.run(main(Path(sys.argv[1])))
