"""Processes that start by themselves: which events start them, with what, and what is told where they do not start."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from bizproc import crm, gather, on, process, start, this, wait
from bizproc.errors import NotJournallable, ProcessDefinitionError, UnknownProcess
from bizproc.model import Comment, Contact, Deal
from bizproc.runtime import Runtime
from bizproc.testing import FakeChannel, World, crash_at_every_await
from bizproc.triggers.trigger import Trigger
from tests.engine.conditions import AtLeast, Is
from tests.engine.moves import Delete, Tell
from tests.engine.ways import every_way
from tests.unit.csv_company import Company

DAY = timedelta(days=1)


@process("tests.greet", starts=on.created("deal"))
async def greet(deal: Deal, *, word: str = "hello") -> str:
    """Greet a new deal by the title it had."""
    await wait.sleep(DAY)
    await crm.deal.add_comment(f"{word} {deal.title}")
    return deal.title


async def ids(world: World, process: str) -> list[str]:
    return [status.id for status in await world.instances(process=process)]


@every_way
async def test_a_new_item_starts_a_process_in_the_commit_that_makes_it(world: World) -> object:
    world.use(greet)
    deal = await world.deal(title="Tea")
    await world.perform(crm.deal(deal).update({"title": "Coffee"}))
    await world.crash()
    await world.advance(days=1)
    (status,) = await world.instances(document=deal)
    assert status.state == "completed"
    assert await world.instance(status.id).result() == "Tea"
    assert [comment.text for comment in await world.find(Comment, of=deal)] == ["hello Tea"]
    return status.id


@every_way
async def test_what_processes_make_and_change_starts_nothing_unless_the_trigger_asks_for_it(world: World) -> object:
    """D15; moves between stages count."""

    @process("tests.asking", starts=on.created("deal", by_processes=True))
    async def asking(deal: Deal) -> None: ...

    @process("tests.changed", starts=on.changed("deal", "title"))
    async def changed(deal: Deal) -> None: ...

    @process("tests.deleted", starts=on.deleted("deal"))
    async def deleted(deal: Deal) -> None: ...

    @process("tests.staged", starts=on.stage("deal", "NEW", "PREPARATION"), overlap="parallel")
    async def staged(deal: Deal) -> str:
        return deal.stage

    @process("tests.making")
    async def making() -> int:
        deal = await crm.deal.create(title="Made")
        await crm.deal(deal).update({"title": "Changed"})
        await crm.deal(deal).update({"stage": "PREPARATION"})
        return deal.id

    world.use(greet, asking, changed, deleted, staged)
    run = await world.start(making())
    assert (
        await ids(world, "tests.greet") == await ids(world, "tests.changed") == await ids(world, "tests.deleted") == []
    )
    assert len(await ids(world, "tests.asking")) == 1
    assert [await world.instance(id).result() for id in await ids(world, "tests.staged")] == ["NEW", "PREPARATION"]
    assert await world.refusals() == []
    await world.perform(crm.deal(await run.result()).update({"title": "By hand"}))
    assert len(await ids(world, "tests.changed")) == 1
    return await run.result()


@every_way
async def test_an_automatic_start_that_is_refused_leaves_a_record_that_says_why(world: World) -> object:
    """Section 2, start: readable as `world.refusals()`."""

    @process("tests.follow", starts=on.changed("deal"))
    async def follow(deal: Deal) -> None:
        await wait.sleep(DAY)

    world.use(follow)
    deal, other = await world.deal(), await world.deal()
    await world.perform(crm.deal(deal).update({"title": "One"}))
    await world.perform(crm.deal(deal).update({"title": "Two"}))
    await world.perform(crm.deal(other).update({"title": "Other"}))
    await world.crash()
    (first,) = await world.instances(document=deal)
    (refusal,) = await world.refusals(process="tests.follow", document=deal)
    assert (refusal.reason, refusal.event, refusal.existing) == ("overlap", "deal.updated", first.id)
    assert first.id in refusal.text
    assert await world.refusals(document=other) == []
    assert await world.refusals(limit=1) == [refusal]
    return refusal


@every_way
async def test_one_change_starts_a_process_once_though_several_events_tell_of_it(world: World) -> object:
    @process("tests.any", starts=on.changed("deal") | on.stage("deal") | on.responsible_changed("deal"))
    async def any_of_it(deal: Deal) -> str:
        return deal.stage

    world.use(any_of_it)
    deal, user = await world.deal(), await world.user()
    await world.perform(crm.deal(deal).update({"title": "Tea", "stage": "PREPARATION", "responsible_id": user.id}))
    assert [await world.instance(id).result() for id in await ids(world, "tests.any")] == ["NEW", "PREPARATION"]
    assert await world.refusals() == []
    return await ids(world, "tests.any")


@every_way
async def test_a_condition_is_looked_at_on_the_item_as_it_is_after_the_event(world: World) -> object:
    @process("tests.large", starts=on.created("deal", where=AtLeast("amount", 100)), overlap="parallel")
    async def large(deal: Deal) -> Decimal:
        return deal.amount

    @process("tests.tea", starts=on.deleted("deal", where=Is("title", "Tea")))
    async def tea(deal: Deal) -> str:
        return deal.title

    world.use(large, tea)
    small, big = await world.deal(amount=99, title="Coffee"), await world.deal(amount=100, title="Tea")
    for deal in (small, big):
        await world.perform(crm.deal(deal).update({"amount": 500}))
        await world.perform(Delete(deal.id))
    assert [await world.instance(id).result() for id in await ids(world, "tests.large")] == [Decimal(100)]
    assert [await world.instance(id).result() for id in await ids(world, "tests.tea")] == ["Tea"]
    return None


@every_way
async def test_became_is_true_at_the_edge_and_not_at_each_change(world: World) -> object:
    """Law 24 of filters: false before, true now; a new item was nothing before."""

    @process("tests.became", starts=on.became("deal", AtLeast("amount", 100)), overlap="parallel")
    async def became(deal: Deal) -> Decimal:
        return deal.amount

    world.use(became)
    await world.deal(amount=700)
    deal = await world.deal(amount=50)
    for amount in (60, 100, 200, 200, 99, 150):
        await world.perform(crm.deal(deal).update({"amount": amount}))
    await world.perform(crm.deal(deal).update({"title": "Tea"}))
    amounts = [await world.instance(id).result() for id in await ids(world, "tests.became")]
    assert amounts == [Decimal(700), Decimal(100), Decimal(150)]
    return amounts


@every_way
async def test_a_wait_with_a_condition_is_ended_by_the_event_at_which_it_holds(world: World) -> object:
    @process("tests.waiting")
    async def waiting(deal: Deal) -> object:
        trigger = on.became(deal, AtLeast("amount", 100)) | on.stage(deal, "WON")
        happened = await wait.for_event(trigger, timeout=10 * DAY)
        return None if happened.event is None else [happened.event.name, (await crm.deal.read()).amount]

    deal = await world.deal()
    run = await world.start(waiting(deal))
    await world.perform(crm.deal(deal).update({"amount": 99}))
    await world.crash()
    assert (await run.status()).state == "waiting"
    await world.perform(crm.deal(deal).update({"amount": 100}))
    assert await run.result() == ["deal.updated", Decimal(100)]
    return await run.result()


@every_way
async def test_a_condition_that_cannot_be_asked_is_told_and_stops_nobody(world: World) -> object:
    @process("tests.wrong", starts=on.changed("deal", where=AtLeast("colour", 1)))
    async def wrong(deal: Deal) -> None: ...

    @process("tests.wrong_wait")
    async def wrong_wait(deal: Deal) -> str:
        try:
            await wait.for_event(on.changed(deal, where=AtLeast("colour", 1)))
        except AttributeError as error:
            return str(error)
        return "nothing"

    world.use(wrong)
    deal = await world.deal()
    run = await world.start(wrong_wait(deal))
    changed = await world.perform(crm.deal(deal).update({"title": "Tea"}))
    assert changed.title == "Tea"
    assert "colour" in await run.result()
    (refusal,) = await world.refusals()
    assert refusal.reason == "error"
    assert "colour" in refusal.text
    return refusal


@every_way
async def test_a_signal_to_the_runtime_starts_processes_and_ends_waits(world: World) -> object:
    @process("tests.night", starts=on.signal("night"))
    async def night(*, limit: int = 3) -> int:
        return limit

    @process("tests.on_deal", starts=on.signal("deal.found"))
    async def on_deal(deal: Deal) -> str:
        return deal.title

    @process("tests.listening")
    async def listening() -> object:
        happened = await wait.for_event(on.signal("night"))
        return happened.event and happened.event.facts["value"]

    world.use(night, on_deal)
    run = await world.start(listening())
    await world.signal("other")
    await world.signal("night", {"limit": 7})
    await world.signal("night")
    await world.signal("night", {"limit": "x"})
    await world.signal("deal.found", await world.deal(title="Tea"))
    assert [await world.instance(id).result() for id in await ids(world, "tests.night")] == [7, 3]
    assert [await world.instance(id).result() for id in await ids(world, "tests.on_deal")] == ["Tea"]
    assert await run.result() == {"limit": 7}
    (refusal,) = await world.refusals()
    assert "limit" in refusal.text
    return refusal


@every_way
async def test_a_paused_process_is_started_by_hand_alone_and_its_instances_go_on(world: World) -> object:
    world.use(greet)
    first = await world.deal(title="One")
    await world.pause(greet)
    await world.crash()
    await world.advance(hours=1)
    second = await world.deal(title="Two")
    assert await world.instances(document=second) == []
    by_hand = await world.start(greet(second))
    await world.advance(days=1)
    assert await by_hand.result() == "Two"
    await world.resume("tests.greet")
    third = await world.deal(title="Three")
    states = [status.state for deal in (first, third) for status in await world.instances(document=deal)]
    assert states == ["completed", "waiting"]
    assert await world.refusals() == []
    return states


async def test_what_is_not_loaded_cannot_be_paused(world: World) -> None:
    with pytest.raises(UnknownProcess):
        await world.pause("tests.nobody")
    with pytest.raises(UnknownProcess):
        await world.resume(greet)


async def test_a_signal_that_cannot_be_written_is_refused(world: World) -> None:
    with pytest.raises(NotJournallable):
        await world.signal("night", object())


@every_way
async def test_a_chain_of_causes_deeper_than_ten_is_refused_with_the_chain(world: World) -> object:
    """D15."""

    @process("tests.ping", starts=on.changed("deal", "title", by_processes=True), overlap="parallel")
    async def ping(deal: Deal) -> None:
        await crm.deal.update({"title": f"{deal.title}!"})

    world.use(ping)
    deal = await world.deal(title="Tea")
    await world.perform(crm.deal(deal).update({"title": "Go"}))
    started = await ids(world, "tests.ping")
    assert len(started) == 10
    assert len((await world.instance(started[-1]).status()).causes) == 10
    assert (await world.instance(started[0]).status()).causes == (f"deal.updated on deal:{deal.id}",)
    (refusal,) = await world.refusals()
    assert refusal.reason == "loop"
    for number, cause in enumerate(["deal.updated on deal", *started], start=1):
        assert f"{number}. deal.updated on deal:{deal.id}" in refusal.text
        assert cause in refusal.text
    assert (await world.get(Deal, deal.id)).title == "Go" + "!" * 10
    # By hand it begins anew.
    await world.perform(crm.deal(deal).update({"title": "Again"}))
    assert len(await ids(world, "tests.ping")) == 20
    return refusal


@every_way
async def test_what_led_to_an_instance_led_to_its_children(world: World) -> object:
    @process("tests.child", overlap="parallel")
    async def child(deal: Deal) -> None:
        await crm.deal.update({"title": f"{deal.title}!"})

    @process("tests.parent", starts=on.changed("deal", "title", by_processes=True), overlap="parallel")
    async def parent(deal: Deal) -> None:
        _ = await start(child(deal), detached=True)

    world.use(parent, child)
    deal = await world.deal(title="Tea")
    await world.perform(crm.deal(deal).update({"title": "Go"}))
    assert len(await ids(world, "tests.parent")) == 10
    return [refusal.reason for refusal in await world.refusals()]


async def test_what_a_settled_delivery_makes_starts_processes_wherever_the_program_dies() -> None:
    @process("tests.telling")
    async def telling() -> int:
        return await Tell()

    @process("tests.told", starts=on.created("contact", by_processes=True))
    async def told(contact: Contact) -> str:
        return contact.last_name

    @process("tests.not_told", starts=on.created("contact"))
    async def not_told(contact: Contact) -> None: ...

    async def story(world: World) -> object:
        world.use(told, not_told)
        run = await world.start(telling())
        found = await ids(world, "tests.told")
        assert [await world.instance(id).result() for id in found] == ["accepted"]
        assert await ids(world, "tests.not_told") == []
        return await run.result()

    assert await crash_at_every_await(story, channels=lambda: [FakeChannel("post", deduplicates=True)]) > 6


async def test_what_guests_do_starts_processes(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'crm.db'}"

    @process("tests.night", starts=on.signal("night"))
    async def night(*, limit: int = 3) -> int:
        return limit

    async with Runtime.open(url, processes=[greet, night]), Runtime.attach(url) as guest:
        deal = await guest.perform(crm.deal.create(title="Tea"))
        assert [status.process for status in await guest.instances(document=deal)] == ["tests.greet"]
        await guest.signal("night", {"limit": 5})
        async with asyncio.timeout(10):
            while not await guest.instances(process="tests.night"):
                await asyncio.sleep(0.01)
        (status,) = await guest.instances(process="tests.night")
        assert await guest.instance(status.id).result(timeout=timedelta(seconds=10)) == 5
        await guest.pause(greet)
        assert await guest.paused() == ["tests.greet"]
        await guest.perform(crm.deal.create(title="Coffee"))
        assert len(await guest.instances(process="tests.greet")) == 1
        await guest.resume(greet)
        await guest.perform(crm.deal.create(title="Milk"))
        assert len(await guest.instances(process="tests.greet")) == 2


async def test_an_import_starts_nothing(tmp_path: Path) -> None:
    folder = Company().write(tmp_path / "files")
    async with Runtime.open(f"sqlite:///{tmp_path / 'crm.db'}", processes=[greet]) as runtime:
        await runtime.import_folder(folder)
        assert len(await runtime.find(Deal)) == 3
        assert await runtime.instances() == []


async def test_of_several_versions_the_newest_starts(world: World) -> None:
    @process("tests.versions", version=2, starts=on.created("deal"))
    async def second(deal: Deal) -> int:
        return 2

    @process("tests.versions", starts=on.created("deal"))
    async def first(deal: Deal) -> int:
        return 1

    world.use(second, first)
    await world.deal()
    assert [status.version for status in await world.instances()] == [2]


@pytest.mark.parametrize(
    ("starts", "told"),
    [
        (on.created("deal"), "give word, other a default"),
        ("deal.created", "starts= is a trigger"),
        (on.created("contact"), "a Deal, and its trigger tells of the kind 'contact'"),
        (on.cron("0 9 * * *"), "without a document"),
    ],
)
async def test_a_process_that_cannot_start_by_itself_is_refused_when_it_is_loaded(
    world: World, starts: Trigger, told: str
) -> None:
    if "give" in told:

        @process("tests.needs", starts=starts)
        async def needs(deal: Deal, *, word: str, other: int) -> None: ...

        wrong = needs
    else:

        @process("tests.needs", starts=starts)
        async def plain(deal: Deal) -> None: ...

        wrong = plain  # type: ignore[assignment]
    with pytest.raises(ProcessDefinitionError, match=told):
        world.use(wrong)
    assert list(world.runtime.engine.processes()) == [("bizproc.holding", 1)]
    with pytest.raises(ProcessDefinitionError, match=told):
        async with World.open(wrong):
            pass


async def test_what_lives_in_a_stage_has_a_document(world: World) -> None:
    @process("tests.nowhere", starts=on.stage("deal", "NEW", while_in_stage=True))
    async def nowhere() -> None: ...

    with pytest.raises(ProcessDefinitionError, match="it has no document"):
        world.use(nowhere)


async def test_a_child_that_cannot_be_loaded_is_refused_at_the_call(world: World) -> None:
    @process("tests.wrong_child", starts=on.created("deal"))
    async def wrong(*, word: str) -> None: ...

    @process("tests.parent_of_wrong")
    async def parent() -> str:
        try:
            _ = await start(wrong(word="x"))
        except ProcessDefinitionError:
            return this().id
        return "started"

    run = await world.start(parent())
    assert await run.result() == run.id


async def test_two_changes_in_one_commit_are_two(world: World) -> None:
    """Both branches are done in one turn; nobody listens to the event by which each change begins."""

    @process("tests.entered", starts=on.stage("deal", "PREPARATION", "EXECUTING"), overlap="parallel")
    async def entered(deal: Deal) -> str:
        return deal.stage

    @process("tests.twice")
    async def twice(*, deal: int) -> None:
        await gather(
            crm.deal(deal).update({"stage": "PREPARATION", "title": "One"}),
            crm.deal(deal).update({"stage": "EXECUTING"}),
        )

    world.use(entered)
    await world.start(twice(deal=(await world.deal()).id))
    stages = [await world.instance(id).result() for id in await ids(world, "tests.entered")]
    assert stages == ["PREPARATION", "EXECUTING"]


async def test_events_of_branches_start_one_each(world: World) -> None:
    @process("tests.two", starts=on.created("deal", by_processes=True))
    async def two(deal: Deal) -> str:
        return deal.title

    @process("tests.branches")
    async def branches() -> None:
        await gather(crm.deal.create(title="One"), crm.deal.create(title="Two"))

    world.use(two)
    await world.start(branches())
    assert sorted([await world.instance(id).result() for id in await ids(world, "tests.two")]) == ["One", "Two"]
