"""Code changes while instances live: what `check` says of each, and that it then happens."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bizproc import Process, Runtime, UserQueue, action, crm, gather, new_id, now, patched, process, start, this, wait
from bizproc.core.errors import ReplayMismatch
from bizproc.model import Deal
from bizproc.runtime import UpgradeReport
from bizproc.testing import World

DAY = timedelta(days=1)


def everything(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables.fetchall()}


async def parked(world: World, old: Process[..., Any], deal: Deal | None = None) -> Any:
    run = await world.start(old(deal) if deal is not None else old())
    assert (await run.status()).state == "waiting"
    return run


async def verdict(world: World, *new: Process[..., Any]) -> Any:
    report: UpgradeReport = await world.runtime.check(new)
    (one,) = report.instances
    assert report.fits == (one.verdict in ("compatible", "patched"))
    assert report.counts == {one.verdict: 1}
    return one


async def then(world: World, run: Any, new: Process[..., Any]) -> Any:
    """What becomes of the instance on the new code."""
    world.use(new)
    await world.crash()
    await world.advance(days=30)
    return await run.status()


@process("up")
async def old(deal: Deal) -> str:
    await crm.deal.add_product(1, quantity=2)
    await wait.sleep(DAY)
    await crm.deal.add_comment("done")
    return "old"


@process("up")
async def same(deal: Deal) -> str:
    await crm.deal.add_product(1, quantity=2, discount_percent=Decimal(0))
    await wait.sleep(DAY)
    await crm.deal.add_comment("done, and more")
    await crm.deal.add_comment("more")
    return "new"


@process("up")
async def other_argument(deal: Deal) -> str:
    await crm.deal.add_product(1, quantity=3)
    await wait.sleep(DAY)
    return "new"


@process("up")
async def other_wait(deal: Deal) -> str:
    await crm.deal.add_product(1, quantity=2)
    await wait.sleep(2 * DAY)
    return "new"


@process("up")
async def inserted(deal: Deal) -> str:
    await crm.deal.add_comment("first")
    await crm.deal.add_product(1, quantity=2)
    await wait.sleep(DAY)
    return "new"


@process("up")
async def deleted(deal: Deal) -> str:
    await crm.deal.add_product(1, quantity=2)
    return "new"


@process("up")
async def behind_patched(deal: Deal) -> str:
    if await patched("greeting"):
        await crm.deal.add_comment("first")
    await crm.deal.add_product(1, quantity=2)
    await wait.sleep(DAY)
    return "new"


@process("up")
async def other_parameters(deal: Deal, *, percent: Decimal = Decimal(5)) -> str:
    await crm.deal.add_product(1, quantity=2)
    await wait.sleep(DAY)
    return f"new {percent}"


@process("up", version=2)
async def second(deal: Deal) -> str:
    await wait.sleep(DAY)
    return "second"


@process("up")
async def raises(deal: Deal) -> str:
    raise ValueError("too early")


CASES: list[tuple[Process[..., Any], str, str | None]] = [
    (same, "compatible", None),
    (other_parameters, "compatible", None),
    (behind_patched, "patched", None),
    (other_argument, "mismatch", "0"),
    (other_wait, "mismatch", "1"),
    (inserted, "mismatch", "0"),
    (deleted, "mismatch", "1"),
    (raises, "mismatch", "0"),
    (second, "unknown", None),
]


@pytest.mark.parametrize(
    ("new", "expected", "step"), CASES, ids=lambda case: getattr(getattr(case, "function", None), "__name__", str(case))
)
async def test_what_is_said_is_what_happens(
    world: World, new: Process[..., Any], expected: str, step: str | None
) -> None:
    await world.product()
    run = await parked(world, old, await world.deal())
    before = await world.runtime.read(everything)
    said = await verdict(world, new)
    assert await world.runtime.read(everything) == before
    assert (said.verdict, said.step) == (expected, step)
    status = await then(world, run, new)
    if expected in ("compatible", "patched"):
        assert status.state == "completed"
    elif expected == "mismatch":
        assert (status.state, status.error.step) == ("stuck", step)
        assert (status.error.recorded, status.error.asked) == (said.recorded, said.asked)
        world.use(old)  # the code is put back
        await run.retry()
        await world.run_until_idle()
        assert await run.result() == "old"
    else:
        assert await run.result() == "old"  # the version it began with is still loaded


async def test_a_mismatch_is_told_down_to_the_argument(world: World) -> None:
    await world.product()
    await parked(world, old, await world.deal())
    said = await verdict(world, other_argument)
    assert said.recorded == "deal.add_product(product=1, quantity=2)"
    assert said.asked == "deal.add_product(product=1, quantity=3)"
    assert "they differ in        quantity 2 → 3" in said.detail


async def test_the_old_side_of_a_patch_is_named(world: World) -> None:
    await world.product()
    await parked(world, old, await world.deal())
    assert (await verdict(world, behind_patched)).patches == ("greeting",)
    world.use(behind_patched)
    await world.advance(days=2)
    await parked(world, behind_patched, await world.deal())
    assert (await verdict(world, behind_patched)).verdict == "compatible"  # it is on the new side


async def test_a_missing_process_says_which_versions_there_are(world: World) -> None:
    await world.product()
    await parked(world, old, await world.deal())
    found = (await verdict(world, second)).detail
    assert found.startswith(f"There is no version 1 of {second.name}; there is 2. Keep the function of that version ")
    assert (await verdict(world)).detail.startswith(f"No process is called {second.name}. If it was renamed, ")


ran: list[str] = []


@action("up.effect")
async def effect() -> int:
    ran.append("effect")
    return 1


@contextmanager
def cleaned() -> Iterator[None]:
    try:
        yield
    finally:
        ran.append("cleanup")  # bizproc: ok (a test that looks whether it runs)


@process("up.careful")
async def careful() -> int:
    with cleaned():
        first = await effect()
        await gather(wait.sleep(DAY), wait.sleep(2 * DAY))
        return first + await effect()


async def test_neither_bodies_nor_cleanup_run_and_nothing_is_written(world: World) -> None:
    ran.clear()
    await parked(world, careful)
    assert ran == ["effect"]
    before = await world.runtime.read(everything)
    for _ in range(3):
        assert (await verdict(world, careful)).verdict == "compatible"
    assert (ran, await world.runtime.read(everything)) == (["effect"], before)


@process("up.asks")
async def asks() -> list[str]:
    moment, id_ = await now(), await new_id()
    child = await start(waits())
    await child
    return [str(moment), str(id_), this().id]


@process("up.waits")
async def waits() -> None:
    await wait.for_signal("go")


async def test_children_clocks_and_ids_replay_too(world: World) -> None:
    await world.start(asks())
    report = await world.runtime.check([asks, waits])
    assert [(one.process, one.verdict) for one in report.instances] == [
        ("up.asks", "compatible"),
        ("up.waits", "compatible"),
    ]
    only = await world.runtime.check([asks], process="up.waits")
    assert [(one.process, one.verdict) for one in only.instances] == [("up.waits", "unknown")]


async def test_ended_instances_are_not_looked_at(world: World) -> None:
    await world.product()
    run = await parked(world, old, await world.deal())
    await world.advance(days=2)
    await run.result()
    assert (await world.runtime.check([old])).instances == ()


@process("up.deals")
async def on_a_deal(deal: Deal) -> None:
    await wait.for_signal("go")


@process("up.waits")
async def waits_on_a_deal(deal: Deal) -> None:
    await wait.for_signal("go")


async def test_a_process_that_has_got_a_document_cannot_read_its_instances(world: World) -> None:
    await world.start(waits())
    (one,) = (await world.runtime.check([waits_on_a_deal])).instances
    assert (one.verdict, "recorded is no document" in one.detail) == ("unreadable", True)


@pytest.mark.parametrize("column", ["arguments", "printed_in"])
@pytest.mark.parametrize("value", ["", "{", "[]", "5", '{"parameters": 5}', "[" * 10_000, "en Europe", "en ../x", "\0"])
async def test_a_row_that_somebody_wrote_spoils_the_check_of_no_other(tmp_path: Path, column: str, value: str) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    async with Runtime.open(url) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        for id_ in ("hurt", "whole"):
            await runtime.start(waits(), id=id_)
        await runtime.start(on_a_deal(deal), id="on a deal")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        connection.execute(f"UPDATE instance SET {column} = ? WHERE id = 'hurt'", (value,))
        connection.commit()
    async with Runtime.attach(url) as runtime:
        report = await runtime.check([waits, on_a_deal])
    verdicts = {one.instance: one.verdict for one in report.instances}
    assert verdicts == {"hurt": "unreadable", "whole": "compatible", "on a deal": "compatible"}


async def test_progress_is_told(world: World) -> None:
    for _ in range(3):
        await world.start(waits())
    told: list[tuple[int, int]] = []
    await world.runtime.check([waits], progress=lambda done, of: told.append((done, of)))
    assert told == [(0, 3), (3, 3)]


def test_a_mismatch_without_arguments_says_nothing_of_them() -> None:
    error = ReplayMismatch(instance="a", step="0", recorded="x", asked="nothing there")
    assert "differ" not in str(error)


async def test_of_a_queue_that_is_changed_only_what_differs_is_told(world: World) -> None:
    team = [await world.user(), await world.user(), await world.user()]
    deal = await world.deal()

    def sharing(*members: Any) -> Process[..., Any]:
        @process("share")
        async def share(deal: Deal) -> None:
            await crm.deal.change_responsible(UserQueue(members, pick="in_order", name="sales"))
            await wait.sleep(DAY)

        return share

    await parked(world, sharing(*team[:2]), deal)
    said = await verdict(world, sharing(*team))
    one, two, three = (f"user {each.id}" for each in team)
    queue = f'UserQueue(members=[{one}, {two}], pick="in_order", name="sales")'
    assert said.recorded == f"deal.change_responsible(queue={queue})"
    assert f"they differ in        queue.members [{one}, {two}] → [{one}, {two}, {three}]\n" in said.detail
