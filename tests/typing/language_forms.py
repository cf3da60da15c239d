"""What type checkers see of processes, steps, verbs and the runtime. Nothing runs: checkers read this file."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, assert_type
from uuid import UUID

from bizproc import (
    Call,
    F,
    Instance,
    Outcome,
    Process,
    Retry,
    Runtime,
    action,
    attempt,
    continue_as_new,
    crm,
    for_each,
    gather,
    new_id,
    note,
    now,
    on,
    patched,
    printed,
    process,
    race,
    random,
    saga,
    shield,
    start,
    step_key,
    this,
    wait,
)
from bizproc.core.commands import Signalled
from bizproc.core.fork import Winner
from bizproc.model import Activity, Comment, Deal, Lead, ProductRow, StageReached
from bizproc.testing import World, crash_at_every_await
from bizproc.triggers.waits import Happened


@process("a.deal", starts=on.stage("deal", "WON", where=F.amount >= 100), overlap="queue", on_error="continue")
async def of_a_deal(deal: Deal, *, discount: Decimal = Decimal(5), note_it: bool = False) -> str:
    assert_type(this().id, str)
    assert_type(this().document, Any)
    return f"{deal.title} {discount} {note_it} {printed(deal, 'amount')}"


@process("by.itself", version=2, starts=on.cron("0 2 * * *") | on.signal("tidy"), retention=timedelta(days=7))
async def by_itself(*, days: int = 90) -> int:
    return days


@action("scoring.score", retry=Retry(attempts=5, give_up_on=(ValueError,)), timeout=timedelta(seconds=30))
async def score(company_id: int, *, key: str = "") -> float:
    assert_type(step_key(), str)
    return float(company_id + len(key))


async def priced(row: ProductRow) -> Decimal | None:
    return row.price


# -- what is right -----------------------------------------------------------------------------------------------------


async def calls(deal: Deal) -> None:
    call: Call[str] = of_a_deal(deal, discount=Decimal(7))
    assert_type(await call, str)
    assert_type(await of_a_deal(deal), str)
    assert_type(await by_itself(days=5), int)
    assert_type(await score(5, key="x"), float)
    child = await start(of_a_deal(deal), detached=True)
    assert_type(await child, str)
    assert_type(child.id, str)


async def several(deal: Deal, rows: list[ProductRow]) -> None:
    assert_type(await gather(crm.deal.read()), tuple[Deal])
    assert_type(await gather(crm.deal.read(), crm.lead(5).read(), score(5)), tuple[Deal, Lead, float])
    assert_type(
        await gather(
            by_itself(), score(1), of_a_deal(deal), now(), new_id(), random(), wait.sleep(timedelta(1)), note("")
        ),
        tuple[int, float, str, datetime, UUID, float, None, None],
    )
    assert_type(await gather(*(score(number) for number in range(20))), tuple[float, ...])
    won = await race(wait.for_signal("approved", bool), wait.until_stage("WON"))
    assert_type(won, Winner[Signalled[bool] | StageReached])
    assert_type(won.index, int)
    assert_type(won.value, Signalled[bool] | StageReached)
    assert_type(await for_each(priced, rows, limit=3), tuple[Decimal | None, ...])
    assert_type(await for_each(score, [1, 2]), tuple[float, ...])


async def one(deal: Deal) -> None:
    tried = await attempt(score(5))
    assert_type(tried, Outcome[float])
    assert_type(tried.value, float | None)
    assert_type(tried.error, BaseException | None)
    assert_type(tried.ok, bool)
    assert_type(tried.get(), float)
    assert_type(await attempt(of_a_deal(deal)), Outcome[str])
    assert_type(await shield(crm.deal.add_comment("x")), Comment)
    async with saga() as undo:
        undo.compensate(crm.deal.add_comment("taken back"))
    assert_type(await now(), datetime)
    assert_type(await new_id(), UUID)
    assert_type(await random(), float)
    assert_type(await patched("lose-first"), bool)
    await note("looked", number=5)


async def waits() -> None:
    signalled = await wait.for_signal("count", int, timeout=timedelta(days=1))
    assert_type(signalled, Signalled[int])
    assert_type(signalled.value, int | None)
    assert_type(signalled.timed_out, bool)
    assert_type(await wait.for_signal("anything"), Signalled[Any])
    happened = await wait.for_event(on.changed("deal", "amount"), timeout=timedelta(days=1))
    assert_type(happened, Happened)
    assert_type(happened.timed_out, bool)
    await wait.sleep(timedelta(days=1))
    await wait.until(await now())
    await wait.working_days(3, recompute=True)


async def endless() -> int:
    """Nothing follows, so nothing needs to be returned."""
    await continue_as_new(days=5)


async def running(deal: Deal) -> None:
    async with Runtime.open("sqlite:///crm.db", processes=[of_a_deal, by_itself]) as runtime:
        instance = await runtime.start(of_a_deal(deal), id="tea-1")
        assert_type(instance, Instance[str])
        assert_type(await instance.result(timeout=timedelta(minutes=1)), str)
        assert_type(await (await instance.fork("3")).result(), str)
        assert_type(await runtime.perform(crm.deal.create(title="Tea")), Deal)
        assert_type(await runtime.get(Lead, 5), Lead)
        assert_type(await runtime.find(Activity, of=deal), list[Activity])
        assert_type(await runtime.find(Deal, F.amount > 5, order_by="amount", limit=3), list[Deal])


async def testing(world: World) -> None:
    run = await world.start(by_itself(days=3))
    assert_type(await run.result(), int)
    assert_type(await world.deal(title="Tea"), Deal)
    assert_type(await world.find(Comment), list[Comment])
    await crash_at_every_await(testing)


def handed_on(of_deals: Process[[Deal], str]) -> None:
    assert_type(of_deals.name, str)


# -- what is wrong -----------------------------------------------------------------------------------------------------


async def wrong_calls(deal: Deal, lead: Lead) -> None:
    await of_a_deal(lead)  # type: ignore[arg-type]
    await of_a_deal()  # type: ignore[call-arg]
    await of_a_deal(deal, discount="7")  # type: ignore[arg-type]
    await of_a_deal(deal, discuont=Decimal(7))  # type: ignore[call-arg]
    await of_a_deal(deal, Decimal(7))  # type: ignore[call-arg]
    await by_itself(deal)  # type: ignore[arg-type, call-arg]
    await score("5")  # type: ignore[arg-type]
    await score(5, kye="x")  # type: ignore[call-arg]
    await start(of_a_deal)  # type: ignore[arg-type, unused-awaitable]


async def wrong_waits() -> None:
    await wait.sleep(5)  # type: ignore[arg-type]
    await wait.until("tomorrow")  # type: ignore[arg-type]
    await wait.for_signal("count", int, timeout=5)  # type: ignore[call-overload]
    await wait.for_signal(5)  # type: ignore[call-overload]
    await wait.for_event("deal.created")  # type: ignore[arg-type]
    await wait.working_days(timedelta(3))  # type: ignore[arg-type]


async def wrong_verbs(rows: list[ProductRow]) -> None:
    await gather(5)  # type: ignore[call-overload]
    await race("x", crm.deal.read())  # type: ignore[call-overload]
    await for_each(score, rows)  # type: ignore[arg-type]
    await for_each(score, [1], limit="3")  # type: ignore[arg-type]
    await attempt(score)  # type: ignore[arg-type]
    await patched(5)  # type: ignore[arg-type]


def wrong_definitions() -> None:
    process("x", overlap="twice")  # type: ignore[arg-type]
    process("x", starts="deal")  # type: ignore[arg-type]
    process("x", on_error="ignore")  # type: ignore[arg-type]
    process("x", verison=2)  # type: ignore[call-arg]
    action("x", timeout=30)  # type: ignore[arg-type]
    Retry(attempts=3, first_delay=1)  # type: ignore[arg-type]
    on.stage("deal", 5)  # type: ignore[arg-type]
    on.created("deal", where="amount > 5")  # type: ignore[arg-type]


async def wrong_running(runtime: Runtime, deal: Deal) -> None:
    await runtime.start(of_a_deal)  # type: ignore[arg-type]
    await runtime.perform(deal)  # type: ignore[arg-type]
    await runtime.get("deal", 5)  # type: ignore[arg-type]
    (await runtime.start(by_itself())).signal("a")  # type: ignore[unused-coroutine]
