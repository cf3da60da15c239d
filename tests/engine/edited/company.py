"""Six processes, as they are before their code is edited. `test_edited_code.py` edits this file as text."""

from datetime import timedelta

from bizproc import action, continue_as_new, crm, gather, patched, process, race, saga, wait
from bizproc.model import Deal

DAY = timedelta(days=1)


@action("up.price")
async def price(item: str, *, factor: int = 1) -> int:
    return len(item) * factor


@process("up.sequence", overlap="parallel")
async def sequence(deal: Deal) -> str:
    await crm.deal.add_comment("one")
    first = await price("tea")
    await wait.for_signal("go")
    await crm.deal.add_comment("two")
    await wait.for_signal("go")
    await crm.deal.add_comment(f"three {first}")
    return "sequence"


@process("up.waits")
async def waits(*, days: int = 5) -> str:
    await wait.for_signal("go", timeout=30 * DAY)
    await wait.sleep(days * DAY)
    await wait.for_signal("go", timeout=40 * DAY)
    return "waits"


@process("up.branches")
async def branches() -> str:
    async def left() -> int:
        number = await price("left")
        await wait.for_signal("go")
        return number

    async def right() -> int:
        await wait.sleep(3 * DAY)
        return await price("right")

    both = await gather(left(), right())
    winner = await race(wait.sleep(20 * DAY), wait.for_signal("never"))
    return f"branches {both} {winner.index}"


@process("up.saga", overlap="parallel")
async def booking(deal: Deal) -> str:
    async with saga() as undo:
        await crm.deal.add_comment("reserved")
        undo.compensate(crm.deal.add_comment("released"))
        await wait.for_signal("go")
        await crm.deal.add_comment("booked")
        await wait.for_signal("go")
    return "saga"


@process("up.child")
async def child(*, number: int) -> int:
    await wait.for_signal("go")
    return number


@process("up.parent")
async def parent(*, number: int = 1) -> str:
    found = await child(number=number)
    await wait.for_signal("go")
    return f"parent {found}"


@process("up.loop")
async def loop(*, round: int = 0) -> str:
    await price(f"round {round}")
    await wait.for_signal("go")
    if round < 2:
        await continue_as_new(round=round + 1)
    return f"loop {round}"


PATCHES = patched  # for what the edits add
