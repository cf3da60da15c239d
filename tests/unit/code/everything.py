"""A process with all that a drawing can show."""

from __future__ import annotations

from datetime import timedelta

from bizproc import (
    action,
    attempt,
    continue_as_new,
    crm,
    for_each,
    gather,
    note,
    on,
    patched,
    process,
    race,
    saga,
    shield,
    start,
    wait,
)
from bizproc.errors import ItemNotFound
from bizproc.model import Deal

DAY = timedelta(days=1)


@action("score")
async def score(number: int) -> int:
    return number


@process("other", overlap="parallel")
async def other(deal: Deal, *, word: str) -> str:
    await wait.sleep(DAY)
    return word


@process("everything", version=3, starts=on.created("deal"))
async def everything(deal: Deal, *, discount: int = 5, patience: timedelta = DAY) -> str:
    async def remind(name: str) -> str:
        await wait.sleep(DAY)
        return (await crm.deal.add_comment(f"<b>{name}</b> & done")).text

    points = await score(deal.id)
    reached = await wait.until_stage("EXECUTING", timeout=patience)
    if reached.timed_out:
        await crm.deal.add_activity("Call the client back", important=True)
        for _ in range(3):
            answer = await wait.for_signal("answer", timeout=DAY)
            if answer.value == "stop":
                break
            if answer.timed_out:
                continue
            await crm.deal.add_comment("answered")
    try:
        await crm.deal.add_comment("begun")
        async with saga() as undo:
            await crm.deal.add_comment("reserved")
            undo.compensate(crm.deal.add_comment("released"))
            await other(deal, word="first")
    except ItemNotFound:
        await note("no such item")
        raise
    finally:
        await shield(crm.deal.add_comment("tried"))
    await gather(remind("a"), score(3), other(deal, word="x"))
    winner = await race(wait.for_signal("paid"), wait.sleep(14 * DAY))
    await for_each(remind, ["a", "b"], limit=2)
    await attempt(score(9))
    match winner.index:
        case 0:
            child = await start(other(deal, word="y"))
            await child
        case 1 if points > 100:
            await crm.deal.change_stage("LOSE")
        case _:
            await note("nobody paid")
    while True:
        await wait.sleep(DAY)
        if await patched("new"):
            await continue_as_new(discount=7)
