"""
The workload on bizproc where each step is followed by one on the CRM: are these done twice by a kill?

Steps outside are counted in their file as ever; of each deal the rows are counted that are too many or too few.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from benchmarks.peers.on_bizproc import OnBizproc, named, score
from benchmarks.peers.shape import SPAN, play
from bizproc import crm
from bizproc.core.process import process
from bizproc.model import Deal

ROWS: Final = "SELECT count(*) FROM product_row WHERE owner_kind = 'deal' GROUP BY owner_id"


@process("benchmark.filling", overlap="parallel")
async def filling(deal: Deal, *, number: int, steps: int) -> int:  # noqa: ARG001  what `crm.deal` stands for
    total = 0
    for place in range(steps):
        total += (await score(number * SPAN + place))["n"]
        await crm.deal.add_product(1, price=Decimal(place + 1))
    return total


class OnTheCrm(OnBizproc):
    processes = (filling,)

    async def start(self, numbers: Sequence[int], steps: int) -> None:
        await self.runtime.perform(crm.product.create(name="chair", price=Decimal(10)))
        deals = [await self.runtime.perform(crm.deal.create(title=f"deal {number}")) for number in numbers]

        async def one(number: int, deal: Deal) -> None:
            self.begun[number] = await self.runtime.start(filling(deal, number=number, steps=steps), id=named(number))

        await asyncio.gather(*(one(number, deal) for number, deal in zip(numbers, deals, strict=True)))

    async def counted(self, instances: int, steps: int) -> dict[str, float]:
        rows = await self.runtime.read(lambda connection: connection.execute(ROWS).fetchall())
        wrong = sum(abs(count - steps) for (count,) in rows) + abs(instances - len(rows)) * steps
        return {"on the CRM": wrong}


if __name__ == "__main__":
    play(OnTheCrm)
