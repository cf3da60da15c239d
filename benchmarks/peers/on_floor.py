"""The workload on the floor (`benchmarks/floor.py`), which waits for nothing and recovers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.floor import Floor, Step
from benchmarks.peers.shape import SPAN, Engine, play, scored


async def score(number: int) -> dict[str, int]:
    return scored(number)


async def adding(number: int, steps: int) -> int:
    total = 0
    for place in range(steps):
        total += (await Step(score, number * SPAN + place))["n"]
    return total


class OnFloor(Engine):
    async def open(self) -> None:
        self.runs = 0
        self.floor: Floor | None = None

    async def close(self) -> None:
        if self.floor is not None:
            self.floor.close()

    async def start(self, numbers: Sequence[int], steps: int) -> None:
        await self.close()
        self.runs += 1
        self.floor = Floor(Path(f"{self.url.removeprefix('sqlite:///')}.{self.runs}"))
        for number in numbers:
            self.floor.start(adding(number, steps))

    async def results(self, numbers: Sequence[int]) -> list[int]:
        assert self.floor is not None
        await self.floor.settled()
        return [each.result for each in self.floor.instances if each.result is not None][: len(numbers)]


if __name__ == "__main__":
    play(OnFloor)
