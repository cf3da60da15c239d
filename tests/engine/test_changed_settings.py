"""The settings of a recipe change while instances live: each goes on with those that it began with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from bizproc import Process, Runtime, UserQueue, action, continue_as_new, crm, process, recipe, use, wait
from bizproc.core.errors import WrongArgument
from bizproc.model import Comment, Deal
from bizproc.runtime import Upgrade
from bizproc.testing import World, assert_replays, save_journal
from tests.engine.ways import every_way

DAY = timedelta(days=1)


@recipe("test.pass_on", since="1.0")
def pass_on(*, queue: UserQueue, after: timedelta = DAY, text: str = "Call", twice: bool = False) -> Process[..., Any]:
    """
    Give a deal to somebody, and say something of it after a while; then again.

    Args:
        queue: Who takes part.
        after: How long it waits.
        text: What is said.
        twice: Whether it is given away again.
    """
    if after <= timedelta(0):
        raise WrongArgument(process="test.pass_on", parameter="after", expected="more than nothing", got=str(after))

    @process("test.pass_on")
    async def run(deal: Deal) -> str:
        await crm.deal.change_responsible(queue, pick="in_order")
        if twice:
            await crm.deal.change_responsible(queue, pick="in_order")  # bizproc: ok (it is given away again)
        await wait.sleep(after)
        await crm.deal.add_comment(text)
        await crm.deal.change_responsible(queue, pick="in_order")  # bizproc: ok (likewise)
        return text

    return run


async def said(world: World) -> list[str]:
    return [each.text for each in await world.find(Comment, order_by="id")]


async def look(world: World, *processes: Process[..., Any]) -> Upgrade:
    (one,) = (await world.runtime.check(processes)).instances
    return one


@every_way
async def test_an_instance_goes_on_with_the_settings_that_it_began_with(world: World) -> object:
    ana, ben, cem = [await world.user(name=name) for name in ("Ana", "Ben", "Cem")]
    deal, other = await world.deal(title="Tea"), await world.deal(title="Coffee")
    before = use(pass_on, name="eu", queue=UserQueue([ana, ben]))
    world.use(before)
    run = await world.start(before(deal), id="first")
    await world.advance(hours=1)

    after = use(pass_on, name="eu", queue=UserQueue([cem], pick="random"), after=3 * DAY, text="Write", twice=True)
    world.use(after)
    second = await world.start(after(other), id="second")
    await world.crash()
    await world.advance(hours=24)
    assert await run.result() == "Call"
    assert (await second.status()).state == "waiting"
    assert (await world.get(Deal, deal.id)).responsible_id == ben.id
    await world.advance(days=3)
    assert await second.result() == "Write"
    assert (await world.get(Deal, other.id)).responsible_id == cem.id
    return await said(world)


async def test_what_a_change_of_settings_means_for_an_instance_is_said_beforehand(world: World) -> None:
    ana, ben = await world.user(name="Ana"), await world.user(name="Ben")
    before = use(pass_on, name="eu", queue=UserQueue([ana]))
    world.use(before)
    await world.start(before(await world.deal(title="Tea")))
    assert (await look(world, before)).settings == ()
    assert (await look(world, use(pass_on, name="eu", queue=UserQueue([ana])))).settings == ()
    changed = await look(world, use(pass_on, name="eu", queue=UserQueue([ana, ben]), text="Write"))
    assert (changed.verdict, changed.settings) == ("compatible", ("queue", "text"))


@recipe("test.tick", since="1.0")
def tick(*, text: str) -> Process[..., Any]:
    """
    Say something every day.

    Args:
        text: What is said.
    """

    @process("test.tick")
    async def run(deal: Deal, *, rounds: int = 0) -> None:
        await crm.deal.add_comment(text)
        await wait.sleep(DAY)
        await crm.deal.add_comment(f"and {text}")
        if rounds < 1:
            await continue_as_new(rounds=rounds + 1)

    return run


@every_way
async def test_an_instance_that_begins_anew_takes_the_settings_of_today(world: World) -> object:
    before, after = use(tick, name="t", text="one"), use(tick, name="t", text="two")
    world.use(before)
    await world.start(before(await world.deal(title="Tea")), id="t")
    await world.advance(hours=1)
    world.use(after)
    await world.crash()
    await world.advance(days=3)
    assert await said(world) == ["one", "and one", "two", "and two"]
    return await said(world)


@action("test.send", retry=None)
async def send(to: str) -> str:
    if to == "nowhere":
        raise RuntimeError(to)
    return to


@recipe("test.send_on", since="1.0")
def send_on(*, to: str, first: str = "Hello") -> Process[..., Any]:
    """
    Say something, and send something.

    Args:
        to: Where to.
        first: What is said.
    """

    @process("test.send_on")
    async def run(deal: Deal) -> str:
        await crm.deal.add_comment(first)
        return await send(to)

    return run


@every_way
async def test_a_setting_that_made_an_instance_fail_is_mended_and_the_instance_retried(world: World) -> object:
    before, after = use(send_on, name="s", to="nowhere"), use(send_on, name="s", to="here")
    world.use(before)
    run = await world.start(before(await world.deal(title="Tea")), id="s")
    await world.run_until_idle()
    assert (await run.status()).state == "failed"
    world.use(after)
    await run.retry()
    assert await run.result() == "here"
    await world.crash()
    assert (await world.runtime.check([after])).instances == ()
    return await said(world)


async def test_one_whose_journal_does_not_fit_the_settings_of_today_is_retried_with_its_own(world: World) -> None:
    before, after = use(send_on, name="s", to="nowhere"), use(send_on, name="s", to="here", first="Good day")
    world.use(before)
    run = await world.start(before(await world.deal(title="Tea")), id="s")
    await world.run_until_idle()
    world.use(after)
    await run.retry()
    status = await run.status()
    assert status.state == "failed"
    assert status.error is not None
    assert "nowhere" in status.error.text


async def test_a_fork_takes_the_settings_of_today_if_they_fit(world: World) -> None:
    before, after = use(send_on, name="s", to="here"), use(send_on, name="s", to="there")
    world.use(before)
    run = await world.start(before(await world.deal(title="Tea")), id="s")
    assert await run.result() == "here"
    world.use(after)
    assert await (await run.fork("1")).result() == "there"
    assert await run.result() == "here"


async def test_the_same_start_is_the_same_instance_whatever_the_settings_are(world: World) -> None:
    ana = await world.user(name="Ana")
    deal = await world.deal(title="Tea")
    before, after = (use(pass_on, name="eu", queue=UserQueue([ana]), text=text) for text in ("Call", "Write"))
    await world.start(before(deal), id="x")
    again = await world.start(after(deal), id="x")
    await world.advance(days=2)
    assert await again.result() == "Call"


async def test_a_journal_that_was_saved_replays_with_the_settings_it_was_written_with(
    world: World, tmp_path: Path
) -> None:
    ana = await world.user(name="Ana")
    before, after = (use(pass_on, name="eu", queue=UserQueue([ana]), text=text) for text in ("Call", "Write"))
    world.use(before)
    run = await world.start(before(await world.deal(title="Tea")), id="x")
    await world.advance(days=2)
    assert await run.result() == "Call"
    await save_journal(world.runtime, "x", tmp_path / "x.json")
    assert assert_replays(after, tmp_path) == 1


async def test_a_child_goes_on_with_its_settings_too(world: World) -> None:
    def parent_of(child: Process[..., Any]) -> Process[..., Any]:
        @process("test.parent")
        async def parent(deal: Deal) -> str:
            told: str = await child(deal)
            return told

        return parent

    before, after = use(one, name="s", to="here"), use(one, name="s", to="there", first="Good day")
    world.use(before, parent_of(before))
    run = await world.start(parent_of(before)(await world.deal(title="Tea")))
    world.use(after, parent_of(after))
    await world.crash()
    await world.advance(days=2)
    assert await run.result() == "here"
    assert await said(world) == ["Hello"]


# -- with other code besides -------------------------------------------------------------------------------------------


def release(function: Callable[..., Process[..., Any]]) -> Any:
    """The next release of `test.send_on`."""
    return recipe("test.send_on", since="1.0")(function)


def build(first: str, to: str, wait_for: timedelta = DAY) -> Process[..., Any]:
    @process("test.send_on")
    async def run(deal: Deal) -> str:
        await crm.deal.add_comment(first)
        await wait.sleep(wait_for)
        return await send(to)

    return run


@release
def one(*, to: str, first: str = "Hello") -> Process[..., Any]:
    """
    The first release.

    Args:
        to: Where to.
        first: What is said.
    """
    return build(first, to)


@release
def more(*, loud: bool = False, copy: str, first: str = "Good day") -> Process[..., Any]:
    """
    One with a setting more, another that must be given, one less, and another default.

    Args:
        loud: Whether it is said loudly.
        copy: Where else.
        first: What is said.
    """
    return build(first.upper() if loud else first, copy)


@release
def stricter(*, to: str, first: str = "Hello") -> Process[..., Any]:
    """
    One that allows less.

    Args:
        to: Where to; not here.
        first: What is said.
    """
    if to == "here":
        raise WrongArgument(process="test.send_on", parameter="to", expected="elsewhere", got=repr(to))
    return build(first, to)


@release
def typed(*, to: tuple[str, ...] = (), first: int = 0) -> Process[..., Any]:
    """
    One whose settings are of other types.

    Args:
        to: Where to.
        first: What is said.
    """
    return build(str(first), to[0])


async def parked(world: World) -> Any:
    before = use(one, name="s", to="here")
    world.use(before)
    run = await world.start(before(await world.deal(title="Tea")), id="s")
    assert (await run.status()).state == "waiting"
    return run


async def test_a_setting_that_is_new_has_its_default_one_without_is_as_today_and_one_that_is_gone_is_passed_over(
    world: World,
) -> None:
    run = await parked(world)
    after = use(more, name="s", copy="there", loud=True)
    seen = await look(world, after)
    assert (seen.verdict, seen.settings) == ("compatible", ("loud", "first"))
    world.use(after)
    await world.crash()
    await world.advance(days=2)
    assert await run.result() == "there"
    assert await said(world) == ["Hello"]


async def test_a_setting_that_is_not_allowed_any_more_is_said_beforehand_and_one_can_go_on_with_todays(
    world: World,
) -> None:
    run = await parked(world)
    after = use(stricter, name="s", to="there")
    seen = await look(world, after)
    assert seen.verdict == "unreadable"
    assert "settings.to" in seen.detail
    assert "elsewhere" in seen.detail
    world.use(after)
    await world.crash()
    await world.advance(days=2)
    assert (await run.status()).state == "stuck"
    await run.retry()
    assert await run.result() == "there"


async def test_a_setting_that_cannot_be_read_back_is_said_beforehand(world: World) -> None:
    await parked(world)
    seen = await look(world, use(typed, name="s", to=("there",)))
    assert seen.verdict == "unreadable"
    assert "settings.to" in seen.detail


# -- what has none -----------------------------------------------------------------------------------------------------


async def test_an_instance_of_which_no_settings_were_written_down_goes_on_with_those_of_today(world: World) -> None:
    run = await parked(world)

    def forget(tx: Any) -> None:
        ((text,),) = tx.execute("SELECT arguments FROM instance").fetchall()
        parts = orjson.loads(text)
        assert orjson.loads(parts.pop("settings")) == {"to": "here", "first": "Hello"}
        tx.execute("UPDATE instance SET arguments = ?", (orjson.dumps(parts).decode(),))

    await world.runtime.engine.write(forget)
    after = use(one, name="s", to="there")
    assert (await look(world, after)).verdict == "compatible"
    world.use(after)
    await world.crash()
    await world.advance(days=2)
    assert await run.result() == "there"


@recipe("test.free", since="1.0")
def free(*, said: Any) -> Process[..., Any]:
    """
    Say whatever comes of it.

    Args:
        said: Something that gives a text.
    """

    @process("test.free")
    async def run(deal: Deal) -> None:
        await crm.deal.add_comment(said())
        await wait.sleep(DAY)

    return run


async def test_settings_that_cannot_be_written_count_as_code(world: World) -> None:
    before = use(free, name="f", said=lambda: "one")
    world.use(before)
    await world.start(before(await world.deal(title="Tea")))
    assert (await look(world, before)).verdict == "compatible"
    assert (await look(world, use(free, name="f", said=lambda: "two"))).verdict == "mismatch"


async def test_what_a_guest_starts_has_the_settings_of_whoever_runs_the_store(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'crm.db'}"
    ours, theirs = use(send_on, name="s", to="here"), use(send_on, name="s", to="there")
    async with Runtime.open(store, processes=[ours]) as runtime:
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        async with Runtime.attach(store) as guest:
            run = await guest.start(theirs(deal))
            assert await runtime.instance(run.id).result() == "here"
