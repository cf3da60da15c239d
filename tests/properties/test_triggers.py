"""
Random days of a CRM against a model that has no journal, no commits and no crashes: what starts, and what ends by what.

Deals are made, moved, renamed and deleted, by people and by processes, with crashes in between. The model is a few
counts for each deal.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any, cast

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from bizproc import crm, on, process, wait
from bizproc.model import Deal
from bizproc.testing import World
from tests.engine.moves import Delete

WORKED_IN = ("NEW", "PREPARATION")
STAGES = (*WORKED_IN, "EXECUTING", "WON")


@process("tests.made", starts=on.created("deal"), overlap="parallel")
async def made(deal: Deal) -> None:
    """Over at once."""


@process("tests.working", starts=on.stage("deal", *WORKED_IN, while_in_stage=True))
async def working(deal: Deal) -> None:
    await wait.for_signal("never")


@process("tests.queued", starts=on.changed("deal", "title"), overlap="queue")
async def queued(deal: Deal) -> None:
    await wait.for_signal("go")


@process("tests.latest", starts=on.changed("deal", "title", by_processes=True), overlap="replace")
async def latest(deal: Deal) -> None:
    await wait.for_signal("never")


@process("tests.doing")
async def doing(*, deal: int, fields: dict[str, Any]) -> None:
    await crm.deal(deal).update(cast("Any", fields))


PROCESSES = (made, working, queued, latest, doing)


@define
class Model:
    """
    What should be.

    Attributes:
        stages, titles: Of each deal that is there.
        lives: How many instances of a process live on a deal.
        ended: How many have ended so.
        refused: How many starts were refused.
    """

    stages: dict[int, str] = field(factory=dict)
    titles: dict[int, str] = field(factory=dict)
    lives: Counter[tuple[int, str]] = field(factory=Counter)
    ended: Counter[tuple[str, str]] = field(factory=Counter)
    refused: int = 0

    def create(self, deal: int, stage: str) -> None:
        self.stages[deal] = stage
        self.ended["tests.made", ""] += 1
        self._enter(deal, stage)

    def change(self, deal: int, fields: dict[str, str], *, by_process: bool) -> None:
        if fields.get("stage", self.stages[deal]) != self.stages[deal]:
            self._move(deal, fields["stage"])
        if fields.get("title", self.titles.get(deal)) != self.titles.get(deal):
            self.titles[deal] = fields["title"]
            self.lives[deal, "tests.queued"] += not by_process
            self.ended["tests.latest", "replaced"] += self.lives[deal, "tests.latest"]
            self.lives[deal, "tests.latest"] = 1
        self.ended["tests.doing", ""] += by_process

    def delete(self, deal: int) -> None:
        del self.stages[deal]
        for name in ("tests.working", "tests.queued", "tests.latest"):
            self.ended[name, "document deleted"] += self.lives.pop((deal, name), 0)

    def go(self, deal: int) -> None:
        if self.lives[deal, "tests.queued"]:
            self.lives[deal, "tests.queued"] -= 1
            self.ended["tests.queued", ""] += 1

    def _move(self, deal: int, stage: str) -> None:
        self.stages[deal] = stage
        if stage not in WORKED_IN:
            self.ended["tests.working", "stage left"] += self.lives.pop((deal, "tests.working"), 0)
        self._enter(deal, stage)

    def _enter(self, deal: int, stage: str) -> None:
        if stage in WORKED_IN:
            self.refused += self.lives[deal, "tests.working"]
            self.lives[deal, "tests.working"] = 1


changes = st.fixed_dictionaries(
    {}, optional={"stage": st.sampled_from(STAGES), "title": st.integers(1, 10**9).map(str)}
).filter(bool)
places = st.integers(0, 3)
days = st.lists(
    st.one_of(
        st.tuples(st.just("create"), st.sampled_from(STAGES)),
        st.tuples(st.just("change"), places, changes, st.booleans()),
        st.tuples(st.just("delete"), places),
        st.tuples(st.just("go"), places),
        st.tuples(st.just("crash")),
        st.tuples(st.just("die"), st.integers(1, 8), st.booleans()),
    ),
    max_size=20,
)


async def live(day: list[tuple[Any, ...]], world: World, model: Model) -> None:
    """Do the same to the world and to the model."""
    for happening, *rest in day:
        deals = sorted(model.stages)
        if happening == "crash":
            await world.crash()
        elif happening == "die":
            world.commits.crash_at = (world.commits.count + rest[0], rest[1])
        elif happening == "create":
            made_now = await world.deal(stage=rest[0])
            model.create(made_now.id, rest[0])
        elif deals:
            deal = deals[rest[0] % len(deals)]
            if happening == "delete":
                await world.perform(Delete(deal))
                model.delete(deal)
            elif happening == "go":
                await go(world, deal)
                model.go(deal)
            else:
                await change(world, deal, rest[1], by_process=rest[2])
                model.change(deal, rest[1], by_process=rest[2])


async def go(world: World, deal: int) -> None:
    found = await world.instances(process="tests.queued", status="waiting", document=await world.get(Deal, deal))
    if found:
        await world.instance(found[0].id).signal("go")


async def change(world: World, deal: int, fields: dict[str, str], *, by_process: bool) -> None:
    if by_process:
        await world.start(doing(deal=deal, fields=fields))
    else:
        await world.perform(crm.deal(deal).update(cast("Any", fields)))


async def found_in(world: World) -> Model:
    """The counts of what is there."""
    found = Model(refused=len(await world.refusals()))
    found.stages = {deal.id: deal.stage for deal in await world.find(Deal)}
    for status in await world.instances():
        if status.ended_at is None:
            assert status.document is not None
            found.lives[status.document.id, status.process] += 1
        else:
            ended_by = "replaced" if (status.ended_by or "").startswith("replaced") else status.ended_by or ""
            found.ended[status.process, ended_by] += 1
    return found


@given(days, st.booleans(), st.sampled_from([0, 1000]))
@settings(max_examples=150, deadline=None)
def test_what_starts_and_what_ends_is_as_in_the_model(
    day: list[tuple[Any, ...]], always_replay: bool, keep_in_memory: int
) -> None:
    async def test() -> None:
        async with World.open(*PROCESSES, always_replay=always_replay, keep_in_memory=keep_in_memory) as world:
            model = Model()
            await live(day, world, model)
            found = await found_in(world)
            assert (found.stages, +found.lives, +found.ended, found.refused) == (
                model.stages,
                +model.lives,
                +model.ended,
                model.refused,
            )

    asyncio.run(test())
