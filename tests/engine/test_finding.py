"""Finding in a process: filters are written into the journal, and come back from it."""

from __future__ import annotations

from bizproc import F, Runtime, crm, process, wait
from bizproc.model import Deal
from bizproc.rules.filters import Filter
from bizproc.testing import World


@process("test.finds")
async def finds(deal: Deal, *, where: Filter | None = None) -> list[int]:
    before = await crm.deal.find(where, order_by="-amount")
    await wait.for_signal("go on")
    after = await crm.deal.find_first(F.company.title.contains("book") & (F.amount >= 10), select=["id"])
    return [*(each.id for each in before), *(after or {}).values()]


async def test_a_process_finds_and_replays(world: World) -> None:
    company = await world.company(title="Harbour Books")
    for amount in (5, 20, 10):
        await world.deal(amount=amount, company_id=company.id)
    run = await world.start(finds(await world.get(Deal, 1), where=(F.amount >= 10) | F.title.contains("x")))
    await world.crash()
    await world.deal(amount=7)
    await run.signal("go on")
    await world.run_until_idle()
    assert await run.result() == [2, 3, 2]


async def test_the_runtime_finds_what_fits_today(world: World) -> None:
    for amount in (5, 20, 10):
        await world.deal(amount=amount)
    assert [each.id for each in await world.find(Deal, F.amount >= 10, order_by="amount")] == [3, 2]
    assert len(await world.find(Deal, F.created_at.today())) == 3
    await world.advance(days=1)
    assert await world.find(Deal, F.created_at.today()) == []
    assert len(await world.find(Deal, F.created_at.yesterday(), limit=2)) == 2
    first = (await world.find(Deal, limit=1))[0]
    assert [each.id for each in await world.find(Deal, after=first)] == [2, 3]


async def test_a_guest_finds_and_asks(tmp_path: object) -> None:
    url = f"sqlite:///{tmp_path}/crm.db"
    async with Runtime.open(url) as runtime, Runtime.attach(url) as guest:
        made = await runtime.perform(crm.deal.create(title="Straße"))
        assert await guest.find(Deal, F.title.equals_text("STRASSE") & F.created_at.today()) == [made]
        assert await guest.perform(crm.deal.find_first(F.title.contains("STRASSE"))) == made
