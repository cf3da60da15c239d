"""A process whose steps and child are another file's, and whose name is computed."""

from __future__ import annotations

from bizproc import process, start
from bizproc.model import Deal
from tests.unit.code import everything
from tests.unit.code.everything import other, score

VERSION = 2
unknown = everything.__dict__["score"].function


@process(f"errands.of-{VERSION}", version=VERSION)
async def errands(deal: Deal) -> None:
    await score(1)
    await everything.score(2)
    await other(deal, word="tea")
    begun = await start(other(deal, word="tea"))
    await begun
    await unknown(deal)
