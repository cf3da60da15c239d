"""Changes of code under instances that live: patches, versions, and going on after an error that had been handled."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bizproc import Process, Retry, action, crm, gather, on, patched, process, wait
from bizproc.errors import InstanceFailed, NotResumable
from bizproc.model import Comment, Deal
from bizproc.testing import World
from tests.engine.ways import Way, every_way

DAY = timedelta(days=1)


async def comments(world: World, deal: Deal) -> list[str]:
    return [comment.text for comment in await world.find(Comment, of=deal)]


async def reload(world: World, *processes: Process[..., Any]) -> None:
    """The program is started again, with this code."""
    world.use(*processes)
    await world.crash()


# -- 21: patches -------------------------------------------------------------------------------------------------------


@process("patched")
async def unpatched(deal: Deal) -> str:
    await crm.deal.add_comment("old")
    await wait.for_signal("go")
    return "end"


@process("patched")
async def once(deal: Deal) -> str:
    if await patched("one"):
        await crm.deal.add_comment("first")
    else:
        await crm.deal.add_comment("old")
    await wait.for_signal("go")
    return "end"


@process("patched")
async def twice(deal: Deal) -> str:
    if await patched("two"):
        await crm.deal.add_comment("second")
        await crm.deal.add_comment("and more")
    elif await patched("one"):
        await crm.deal.add_comment("first")
    else:
        await crm.deal.add_comment("old")
    await wait.for_signal("go")
    return "end"


@process("patched")
async def thrice(deal: Deal) -> str:
    if await patched("three"):
        await wait.sleep(DAY)
        await crm.deal.add_comment("third")
    elif await patched("two"):
        await crm.deal.add_comment("second")
        await crm.deal.add_comment("and more")
    elif await patched("one"):
        await crm.deal.add_comment("first")
    else:
        await crm.deal.add_comment("old")
    await wait.for_signal("go")
    if await patched("late"):
        await crm.deal.add_comment("late")
    return "end"


@every_way
async def test_three_patches_on_top_of_each_other(world: World) -> object:
    """Scenario 21: each instance stays on the side of each patch that it began on; what lies ahead of all is new."""
    deals = [await world.deal() for _ in range(4)]
    for number, code in enumerate((unpatched, once, twice, thrice)):
        await reload(world, code)
        await world.start(code(deals[number]), id=f"born-{number}")
    await world.advance(days=2)
    report = await world.runtime.check([thrice])
    told = [(one.verdict, one.patches) for one in report.instances]
    assert told == [
        ("patched", ("three", "two", "one")),
        ("patched", ("three", "two")),
        ("patched", ("three",)),
        ("compatible", ()),
    ]
    await reload(world, thrice)
    for number in range(4):
        await world.instance(f"born-{number}").signal("go")
        assert await world.instance(f"born-{number}").result() == "end"
    found = [await comments(world, deal) for deal in deals]
    assert found == [["old", "late"], ["first", "late"], ["second", "and more", "late"], ["third", "late"]]
    return found


@process("branches")
async def before(deal: Deal) -> list[str]:
    async def left() -> str:
        await crm.deal.add_comment("left")
        await wait.for_signal("left")
        return "left"

    async def right() -> str:
        await wait.for_signal("right")
        await crm.deal.add_comment("right")
        return "right"

    return list(await gather(left(), right()))


@process("branches")
async def after(deal: Deal) -> list[str]:
    async def left() -> str:
        if await patched("new left"):
            await crm.deal.add_comment("new left")
        await crm.deal.add_comment("left")
        await wait.for_signal("left")
        return "left"

    async def right() -> str:
        await wait.for_signal("right")
        if await patched("new right"):
            await crm.deal.add_comment("new right")
        await crm.deal.add_comment("right")
        return "right"

    return list(await gather(left(), right()))


@every_way
async def test_a_patch_in_a_branch_looks_at_that_branch_alone(world: World) -> object:
    old, new = await world.deal(), await world.deal()
    await world.start(before(old), id="old")
    await reload(world, after)
    await world.start(after(new), id="new")
    for id in ("old", "new"):
        for side in ("right", "left"):
            await world.instance(id).signal(side)
        assert await world.instance(id).result() == ["left", "right"]
    found = [await comments(world, old), await comments(world, new)]
    # Where it has passed the place, the old side; where it has not come to it yet, the new one.
    assert found == [["left", "new right", "right"], ["new left", "left", "new right", "right"]]
    return found


@process("forks")
async def forks(deal: Deal) -> list[None]:
    async def wait_for(name: str) -> None:
        await wait.for_signal(name)

    await gather()
    return list(await gather(wait_for("a"), wait_for("b")))


@process("forks")
async def patched_forks(deal: Deal) -> list[None]:
    async def wait_for(name: str) -> None:
        await wait.for_signal(name)

    if await patched("before an empty fork"):
        await crm.deal.add_comment("before an empty fork")
    await gather()
    if await patched("before a fork"):
        await crm.deal.add_comment("before a fork")
    found = await gather(wait_for("a"), wait_for("b"))
    if await patched("behind a fork"):
        await crm.deal.add_comment("behind a fork")
    return list(found)


@every_way
async def test_a_patch_before_a_fork_sees_that_the_fork_has_begun(world: World) -> object:
    """A fork has no entry of its own, and an empty one leaves nothing at all: what lies behind tells of it."""
    old, new = await world.deal(), await world.deal()
    await world.start(forks(old), id="old")
    await reload(world, patched_forks)
    await world.start(patched_forks(new), id="new")
    for id in ("old", "new"):
        for name in ("a", "b"):
            await world.instance(id).signal(name)
        assert await world.instance(id).result() == [None, None]
    found = [await comments(world, old), await comments(world, new)]
    assert found == [["behind a fork"], ["before an empty fork", "before a fork", "behind a fork"]]
    return found


@every_way
async def test_a_patch_before_a_step_that_is_to_be_tried_again(world: World) -> object:
    """The journal has nothing of such a step yet: what stands there now begins, and is not taken for it."""
    outside = Outside()

    @action("ask", retry=Retry(attempts=5, first_delay=10 * DAY, longest_delay=10 * DAY))
    async def ask(what: str) -> str:
        return outside.ask(what)

    @process("asks")
    async def old(deal: Deal) -> str:
        return await ask("cup")

    @process("asks")
    async def new(deal: Deal) -> str:
        if await patched("first"):
            await crm.deal.add_comment("first")
        answer = await wait.for_signal("go")
        return f"{answer.value} {await ask('cup')}"

    deal = await world.deal()
    run = await world.start(old(deal))
    await world.advance(days=1)
    outside.works = True
    await reload(world, new)
    await world.advance(days=20)  # the time of the old try wakes it, and is nobody's besides
    found = await comments(world, deal)
    assert found == ["first"]
    assert (await run.status()).waits_for == "signal go"
    await run.signal("go", 7)
    assert await run.result() == "7 cup"
    return found


@every_way
async def test_a_wait_in_the_place_of_a_step_whose_time_has_come(world: World) -> object:
    outside = Outside()

    @action("ask", retry=Retry(attempts=5, first_delay=10 * DAY, longest_delay=10 * DAY))
    async def ask(what: str) -> str:
        return outside.ask(what)

    @process("asks")
    async def old() -> str:
        return await ask("cup")

    @process("asks")
    async def new() -> str:
        answer = await wait.for_signal("go")
        return str(answer.value)

    run = await world.start(old())
    world.clock.move_to(world.clock.now() + 11 * DAY)  # it is due, and nobody has looked yet
    await reload(world, new)
    await world.advance(days=20)
    assert (await run.status()).waits_for == "signal go"
    await run.signal("go", 7)
    assert await run.result() == "7"
    return None


# -- 22: versions ------------------------------------------------------------------------------------------------------


@process("versioned", starts=on.stage("deal", "PREPARATION"))
async def first(deal: Deal) -> int:
    await crm.deal.add_comment("version 1")
    await wait.sleep(2 * DAY)
    await crm.deal.add_comment("version 1 again")
    return 1


@process("versioned", version=2, starts=on.stage("deal", "PREPARATION"))
async def second(deal: Deal, *, days: int = 1) -> int:
    await wait.sleep(days * DAY)
    await crm.deal.add_comment("version 2")
    return 2


@every_way
async def test_two_versions_are_loaded_and_each_instance_keeps_its_own(world: World) -> object:
    """Scenario 22."""
    world.use(first)
    deals = [await world.deal() for _ in range(4)]
    await world.start(first(deals[0]), id="before")
    await reload(world, first, second)
    await world.start(second(deals[1]), id="after")
    await world.start(first(deals[2]), id="old on purpose")
    await world.perform(crm.deal(deals[3]).change_stage("PREPARATION"))  # the newest starts by itself
    await reload(world, second, first)
    found = {status.id: status.version for status in await world.instances(process="versioned")}
    assert [found[id] for id in ("before", "after", "old on purpose")] == [1, 2, 1]
    assert sorted(found.values()) == [1, 1, 2, 2]
    assert (await world.runtime.check([first, second])).counts == {"compatible": 4}
    assert (await world.runtime.check([second])).counts == {"compatible": 2, "unknown": 2}
    await world.advance(days=3)
    assert [await world.instance(id).result() for id in ("before", "after", "old on purpose")] == [1, 2, 1]
    told = [await comments(world, deal) for deal in deals]
    assert told == [["version 1", "version 1 again"], ["version 2"], ["version 1", "version 1 again"], ["version 2"]]
    return told


# -- 24: retry after an error that was handled -------------------------------------------------------------------------


class Outside:
    """What steps depend on."""

    def __init__(self) -> None:
        self.works = False
        self.asked: list[str] = []

    def ask(self, what: str) -> str:
        self.asked.append(what)
        if not self.works:
            raise LookupError(f"no {what}")
        return what


@every_way
async def test_an_error_that_was_handled_stays_handled_when_a_later_step_is_retried(world: World, way: Way) -> object:
    """Scenario 24: the except branch is replayed, not left, though the step would work by now."""
    outside = Outside()

    @action("ask")
    async def ask(what: str) -> str:
        return outside.ask(what)

    @process("handles")
    async def handles(deal: Deal) -> str:
        try:
            await ask("cup")
        except LookupError as error:
            await crm.deal.add_comment(f"handled: {error}")
        await crm.deal.add_comment("pour")
        return await ask("tea")

    deal = await world.deal()
    run = await world.start(handles(deal))
    with pytest.raises(InstanceFailed, match="no tea"):
        await run.result()
    outside.works = True
    await run.retry()
    assert await run.result() == "tea"
    if not way.crashes:
        assert outside.asked == ["cup", "tea", "tea"]
    found = await comments(world, deal)
    assert found == ["handled: no cup", "pour"]
    return [found, [(step.address, step.event) for step in await run.journal()]]


@every_way
async def test_one_that_failed_inside_an_except_branch_goes_on_there(world: World, way: Way) -> object:
    outside = Outside()

    @action("ask")
    async def ask(what: str) -> str:
        return outside.ask(what)

    @process("fails.in.except")
    async def fails(deal: Deal) -> str:
        try:
            return await ask("cup")
        except LookupError:
            await crm.deal.add_comment("another way")
            return await ask("bowl")

    deal = await world.deal()
    run = await world.start(fails(deal))
    with pytest.raises(InstanceFailed, match="no bowl"):
        await run.result()
    outside.works = True
    # At the step whose error it failed with, not at the one that led into the branch.
    await run.retry()
    assert await run.result() == "bowl"
    if not way.crashes:
        assert outside.asked == ["cup", "bowl", "bowl"]
    found = await comments(world, deal)
    assert found == ["another way"]
    return found


@every_way
async def test_an_error_raised_in_place_of_the_one_that_was_handled(world: World) -> object:
    outside = Outside()

    @action("ask")
    async def ask(what: str) -> str:
        return outside.ask(what)

    @process("wraps")
    async def wraps(deal: Deal) -> str:
        try:
            return await ask("cup")
        except LookupError as error:
            await crm.deal.add_comment("sorry")
            raise RuntimeError("no tea without a cup") from error

    deal = await world.deal()
    run = await world.start(wraps(deal))
    with pytest.raises(InstanceFailed, match="no tea without a cup"):
        await run.result()
    outside.works = True
    with pytest.raises(NotResumable, match="steps 1 were done"):
        await run.retry()
    assert (await run.status()).state == "failed"
    await run.retry(again=True)
    assert await run.result() == "cup"
    return [await comments(world, deal), [(step.address, step.event) for step in await run.journal()]]
