"""Previews: what a process would do, and nothing of it is done."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bizproc import (
    Runtime,
    action,
    continue_as_new,
    crm,
    gather,
    new_id,
    note,
    now,
    on,
    process,
    race,
    random,
    start,
    wait,
)
from bizproc.core.errors import NotJournallable, StartRefused, UnknownStage, WrongArgument
from bizproc.model import Comment, Deal
from bizproc.runtime import Preview
from bizproc.testing import FakeChannel, World
from tests.engine.test_outbox import Letter, Print, SendLetter

DAY = timedelta(days=1)
ran: list[object] = []


def everything(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, and the numbers that were given out."""
    tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables.fetchall()}


def texts(preview: Preview) -> list[str]:
    return [step.text for step in preview.steps]


@action("pre.score")
async def score(company: int) -> int:
    ran.append(company)
    return company


@process("pre.follow")
async def follow(deal: Deal, *, quantity: int = 2) -> str:
    ran.append("code")  # bizproc: ok (a test that looks whether it runs)
    await crm.deal.add_product(1, quantity=quantity)
    await crm.deal.add_comment("offered")
    reached = await wait.until_stage("EXECUTING", timeout=14 * DAY)
    if reached.timed_out:
        await crm.deal.add_activity("Call the client back", important=True)
        return "escalated"
    return str(reached.stage)


async def tea(world: World) -> Deal:
    await world.product(price=10)
    return await world.deal(title="Tea")


async def test_it_tells_what_would_be_done_up_to_the_first_wait(world: World) -> None:
    deal = await tea(world)
    preview = await world.preview(follow(deal))
    assert (preview.process, str(preview.document)) == ("pre.follow", f"deal:{deal.id}")
    assert texts(preview) == ["deal.add_product(product=1, quantity=2)", 'deal.add_comment(text="offered")']
    added, amount = preview.steps[0].changes
    assert (added.what, added.kind, added.of) == ("added", "product_row", f"deal:{deal.id}")
    assert {"product_id": (None, 1), "quantity": (None, 2)}.items() <= added.fields.items()
    assert (amount.what, amount.kind, amount.id) == ("changed", "deal", deal.id)
    assert amount.fields["amount"] == (0, 20)
    (comment,) = preview.steps[1].changes
    assert (comment.kind, comment.fields["text"]) == ("comment", (None, "offered"))
    (open_,) = preview.waits
    assert open_.text == 'until_stage(stages=["EXECUTING"], timeout=14d)'
    assert open_.until == world.clock.now() + 14 * DAY
    assert (preview.ended, preview.stops) == (None, ())


async def test_it_tells_what_would_come_after_each_outcome(world: World) -> None:
    deal = await tea(world)
    preview = await world.preview(follow(deal))
    outcomes = await preview.outcomes()
    assert list(outcomes) == ["time is up", 'deal.change_stage(stage="EXECUTING")']
    late, reached = outcomes.values()
    assert (late.ended, late.result, late.at) == ("completed", "escalated", world.clock.now() + 14 * DAY)
    assert late.steps[-1].changes[-1].fields["subject"] == (None, "Call the client back")
    assert (reached.ended, reached.result, reached.happened) == (
        "completed",
        "EXECUTING",
        ('deal.change_stage(stage="EXECUTING")',),
    )
    won = await preview.after(crm.deal(deal).change_stage("WON"))
    assert won.result == "WON"
    with pytest.raises(UnknownStage):
        await preview.after(crm.deal(deal).change_stage("NOWHERE"))
    with pytest.raises(WrongArgument, match="an instance that has not ended"):
        await won.after()
    with pytest.raises(WrongArgument, match="a wait for the signal x"):
        await preview.after(signal="x")


async def test_nothing_is_changed_sent_or_run_and_the_answer_is_the_same_again(world: World) -> None:
    """Scenario 26."""
    deal = await tea(world)
    other = await world.start(follow(await world.deal()), id="other")
    ran.clear()
    before, commits = await world.runtime.read(everything), world.commits.count
    first = await world.preview(everyone(deal), assume={score: 5})
    await first.outcomes()
    second = await world.preview(everyone(deal), assume={score: 5})
    assert first == second
    assert [await first.outcomes()] == [await second.outcomes()]
    assert first.ended is None
    await world.runtime.check([follow, everyone])
    await other.journal()
    assert await world.runtime.read(everything) == before
    assert (world.commits.count, ran) == (commits, ["code"])  # the code of `other`, replayed by the check
    started = await world.start(follow(deal))
    assert [step.address for step in await started.journal()] == ["0", "1", "2"]


@process("pre.everyone")
async def everyone(deal: Deal) -> list[str]:
    found = await score(3)
    await crm.deal.update({"title": f"Tea {found}"})
    contact = await crm.contact.create(name="Ada", last_name="Byron")
    await note("made", contact=contact.id)
    told = [str(await now()), str(await new_id()), str(await random())]
    await wait.for_signal("go", timeout=DAY)
    await crm.deal.delete_products()
    return told


# -- what works outside ------------------------------------------------------------------------------------------------


async def test_without_an_assumption_it_stops_where_a_body_would_run(world: World) -> None:
    @process("pre.scores")
    async def scores() -> int:
        await note("before")
        found = await score(3)
        return found + 1

    ran.clear()
    preview = await world.preview(scores())
    (stop,) = preview.stops
    assert (stop.address, stop.text) == ("1", "pre.score(company=3)")
    assert stop.why == "it works outside, and is not run: assume what comes of it, by its name 'pre.score'"
    assert (preview.ended, texts(preview)) == (None, ['note(text="before")'])
    assumed = await world.preview(scores(), assume={score: 5})
    assert (assumed.result, assumed.steps[-1].assumed) == (6, True)
    assert (await world.preview(scores(), assume={"pre.score": 7})).result == 8
    failed = await world.preview(scores(), assume={score: LookupError("no company")})
    assert (failed.ended, failed.error) == ("failed", "LookupError: no company")
    with pytest.raises(NotJournallable):
        await world.preview(scores(), assume={score: object()})
    with pytest.raises(WrongArgument, match="functions of @action steps"):
        await world.preview(scores(), assume={5: 5})
    assert ran == []


async def test_what_would_be_sent_is_shown_and_taken_for_accepted() -> None:
    post = FakeChannel("post")

    @process("pre.letters")
    async def letters() -> list[Any]:
        first = await SendLetter("post", Letter("ada", "hello"), waits_for_it=False)
        second = await SendLetter("post", Letter("ada", "again"))
        printed = await Print("page")
        return [first, second, printed]

    async with World.open(channels=[post], tools={"printer": ran.append}) as world:
        preview = await world.preview(letters())
        assert [[(one.channel, one.payload.text) for one in step.messages] for step in preview.steps] == [
            [("post", "hello")],
            [("post", "again")],
        ]
        assert [stop.text for stop in preview.stops] == ['tests.print(text="page")']
        done = await world.preview(letters(), assume={"tests.print": "sheet", "tests.send_letter": "receipt"})
        assert done.result == ["posted", "receipt", "sheet"]
        assert (post.attempts, post.sent) == ([], [])
        await world.run_until_idle()
        assert post.attempts == []


async def test_a_channel_that_is_not_set_up_fails_as_it_would(world: World) -> None:
    @process("pre.letter")
    async def letter() -> Any:
        return await SendLetter("post", Letter("ada", "hello"))

    preview = await world.preview(letter())
    assert (preview.ended, preview.error) == ("failed", preview.steps[0].error)
    assert str(preview.error).startswith("ChannelMissing: ")


# -- what else would happen --------------------------------------------------------------------------------------------


@process("pre.waits")
async def waits(deal: Deal) -> None:
    await wait.for_event(on.changed(deal, "title"))


async def test_what_starts_ends_or_wakes_because_of_a_step_is_named(world: World) -> None:
    from bizproc.model import Contact

    @process("pre.greets", starts=on.created("contact", by_processes=True))
    async def greets(contact: Contact) -> None:
        """Started by what another does."""

    @process("pre.moves", overlap="parallel")
    async def moves(deal: Deal) -> str:
        await crm.deal.update({"title": "Coffee"})
        await crm.contact.create(name="Ada", last_name="Byron")
        await crm.deal.change_stage("WON")
        return "never"  # bizproc: ok (shows that it never runs)

    world.use(greets)
    deal = await world.deal()
    await world.start(waits(deal), id="waiting")
    preview = await world.preview(moves(deal))
    first, second, third = preview.steps
    assert (first.wakes, second.starts) == (("waiting",), ("pre.greets on contact:1",))
    assert third.changes[0].fields["stage"] == ("NEW", "WON")
    assert (preview.ended, preview.ended_by, preview.result) == ("completed", "stage changed", None)
    assert (await world.instance("waiting").status()).state == "waiting"


async def test_a_start_that_would_be_refused_is_refused(world: World) -> None:
    deal = await tea(world)
    await world.start(follow(deal), id="first")
    with pytest.raises(StartRefused) as refused:
        await world.preview(follow(deal))
    assert refused.value.existing == "first"


async def test_branches_and_what_they_do_to_each_other(world: World) -> None:
    deal = await tea(world)

    @process("pre.branches")
    async def branches(deal: Deal) -> str:
        async def move() -> str:
            await wait.sleep(DAY)
            await crm.deal.update({"title": "Coffee"})
            return "moved"

        async def hear() -> str:
            heard = await wait.for_event(on.changed(deal, "title"))
            return f"heard {heard.event is not None}"

        both = await gather(move(), hear())
        winner = await race(wait.sleep(DAY), wait.for_signal("go"))
        return f"{both} {winner.index}"

    preview = await world.preview(branches(deal))
    assert [one.address for one in preview.waits] == ["0.0.0", "0.1.0"]
    later = await preview.after()
    assert [one.text for one in later.waits] == ["sleep(duration=1d)", "signal go"]
    assert (await later.after()).result == "('moved', 'heard True') 0"
    assert (await later.after(signal="go", value=1)).result == "('moved', 'heard True') 1"
    again = await world.preview(branches(deal), assume={"go": 7})
    assert list(await (await again.after()).outcomes()) == ["time is up", "signal go"]


async def test_a_move_that_cannot_be_made_is_no_outcome(world: World) -> None:
    @process("pre.stages")
    async def stages(deal: Deal) -> str:
        return str((await wait.until_stage("EXECUTING", "C1:NEW")).stage)

    await world.perform(crm.pipeline.create(name="Second"))
    preview = await world.preview(stages(await world.deal()))
    assert list(await preview.outcomes()) == ['deal.change_stage(stage="EXECUTING")']
    with pytest.raises(WrongArgument, match="a wait that is over by itself"):
        await preview.after()


async def test_children_and_what_begins_anew(world: World) -> None:
    @process("pre.child")
    async def child() -> int:
        return 7

    @process("pre.parent")
    async def parent(*, left: int = 2) -> None:
        started = await start(child())
        await note("started")
        await started
        await continue_as_new(left=left - 1)

    preview = await world.preview(parent())
    assert texts(preview) == ["start pre.child()", 'note(text="started")']
    assert preview.steps[0].starts == ("pre.child",)
    assert [one.text for one in preview.waits] == ["child (preview)/0"]
    assert await preview.outcomes() == {}

    @process("pre.anew")
    async def anew(*, left: int = 2) -> None:
        await continue_as_new(left=left - 1)

    (stop,) = (await world.preview(anew())).stops
    assert stop.why == "it begins anew with these parameters"


async def test_a_process_that_never_comes_to_a_wait_is_not_followed_for_ever(world: World) -> None:
    @process("pre.endless")
    async def endless() -> None:
        while True:
            await note("again")

    preview = await world.preview(endless())
    assert len(preview.steps) == 1000
    assert preview.stops[0].why == "more than 1000 steps are not previewed"


async def test_code_that_fails_is_shown_as_failing(world: World) -> None:
    deal = await tea(world)

    @process("pre.wrong")
    async def wrong(deal: Deal) -> None:
        await crm.deal.add_product(99)

    preview = await world.preview(wrong(deal))
    assert preview.ended == "failed"
    assert str(preview.error).startswith("ProductNotFound: ")
    assert preview.steps[0].changes == ()


# -- a real file -------------------------------------------------------------------------------------------------------


def content(store: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in store.parent.iterdir() if each.name.startswith(store.name)}


async def test_beside_an_owner_and_without_one_not_a_byte_changes(tmp_path: Path) -> None:
    store = tmp_path / "crm.db"
    url = f"sqlite:///{store}"
    async with Runtime.open(url) as runtime:
        await runtime.perform(crm.product.create(name="Tea", price=10))
        deal = await runtime.perform(crm.deal.create(title="Tea"))
        async with Runtime.attach(url) as guest:
            before = content(store)
            preview = await guest.preview(follow(deal))
            outcomes = await preview.outcomes()
            assert [one.result for one in outcomes.values()] == ["escalated", "EXECUTING"]
            assert texts(await runtime.preview(follow(deal))) == texts(preview)
            after = content(store)
            assert {name: after[name] for name in ("crm.db", "crm.db-wal")} == {
                name: before[name] for name in ("crm.db", "crm.db-wal")
            }
        await runtime.perform(crm.deal(deal).add_comment("the owner goes on"))
        assert [one.text for one in await runtime.find(Comment)] == ["the owner goes on"]
    before = content(store)
    async with Runtime.attach(url) as guest:
        assert texts(await guest.preview(follow(deal))) == texts(preview)
    assert content(store)["crm.db"] == before["crm.db"]
