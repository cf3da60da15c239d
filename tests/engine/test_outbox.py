"""Delivered and prepared actions: the outbox, its three verdicts, and crashes before, during and after sending."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from attrs import frozen

from bizproc import attempt, for_each, process, race, wait
from bizproc.core.commands import Delivered, Outgoing, Prepared, Settling, Verdict
from bizproc.engines.embedded import works
from bizproc.engines.embedded.outbox import AT_ONCE
from bizproc.errors import ChannelMissing, DeliveryUnknown, EmptyText, InstanceFailed, SendDelayed, SendRefused
from bizproc.ports.performing import FollowUp
from bizproc.testing import FakeChannel, World, crash_at_every_await
from bizproc.testing.commits import SimulatedCrash


@frozen
class Letter:
    """What the tests send."""

    to: str
    text: str


@frozen
class Receipt(Settling):
    """What is done when the fate of a letter is known: nothing in the CRM; the process gets the receipt."""

    async def settle(self, port: Any, verdict: Verdict) -> Any:
        return verdict.receipt


@frozen
class SendLetter(Delivered[str]):
    """Send a letter through a channel."""

    channel: str
    letter: Letter
    waits_for_it: bool = True

    @property
    def name(self) -> str:
        return "tests.send_letter"

    @property
    def waits(self) -> bool:
        return self.waits_for_it

    def arguments(self) -> Mapping[str, object]:
        return {"channel": self.channel, "letter": self.letter}

    async def perform(self, port: Any) -> Any:
        return Outgoing(self.channel, self.letter, Receipt(), posted="posted")


@frozen
class Print(Prepared[str]):
    """Print something outside, then note it in one commit."""

    text: str

    @property
    def name(self) -> str:
        return "tests.print"

    def arguments(self) -> Mapping[str, object]:
        return {"text": self.text}

    async def prepare(self, outside: Any) -> str:
        printed: str = outside.tools["printer"](self.text)
        return printed

    async def conclude(self, port: Any, prepared: str) -> str:
        return f"{prepared}!"


@process("tests.write")
async def write(*, channel: str = "post") -> str:
    """Send one letter, wait a day, send another."""
    first = await SendLetter(channel, Letter("a", "one"))
    await wait.sleep(timedelta(days=1))
    second = await SendLetter(channel, Letter("b", "two"))
    return f"{first} {second}"


@process("tests.write_carefully")
async def write_carefully(*, channel: str = "post") -> str:
    """Send one letter, and say what became of it."""
    outcome = await attempt(SendLetter(channel, Letter("a", "one")))
    return f"{outcome.value}" if outcome.error is None else type(outcome.error).__name__


async def test_a_letter_is_sent_and_its_receipt_comes_back() -> None:
    post = FakeChannel("post")
    async with World.open(channels=[post]) as world:
        run = await world.start(write())
        await world.advance(days=2)
        assert await run.result() == "tests.write-1/0 tests.write-1/2"
        assert [sent.payload for sent in post.sent] == [Letter("a", "one"), Letter("b", "two")]


async def test_a_refused_letter_raises_in_the_process() -> None:
    post = FakeChannel("post")
    post.refuse("no such street")
    async with World.open(channels=[post]) as world:
        run = await world.start(write())
        with pytest.raises(InstanceFailed) as failed:
            await run.result()
        assert isinstance(failed.value.error, SendRefused)
        assert failed.value.error.reason == "no such street"


async def test_a_delayed_letter_is_sent_later_with_the_same_key() -> None:
    post = FakeChannel("post")
    post.delay()
    post.delay(again_after=3600)
    async with World.open(channels=[post]) as world:
        run = await world.start(write_carefully())
        assert post.sent == []
        await world.advance(seconds=10)
        assert len(post.attempts) == 2
        await world.crash()
        await world.advance(minutes=59)
        assert len(post.attempts) == 2
        await world.advance(minutes=1)
        assert await run.result() == "tests.write_carefully-1/0"
        assert len(set(post.attempts)) == 1


@pytest.mark.parametrize("after", [False, True])
async def test_a_line_that_dies_leaves_a_letter_unknown_where_nobody_deduplicates(after: bool) -> None:
    post = FakeChannel("post", deduplicates=False)
    post.break_off(after=after)
    async with World.open(channels=[post]) as world:
        run = await world.start(write_carefully())
        assert await run.result() == "DeliveryUnknown"
        assert len(post.attempts) == 1


@pytest.mark.parametrize("after", [False, True])
async def test_a_line_that_dies_is_tried_again_where_the_other_side_deduplicates(after: bool) -> None:
    post = FakeChannel("post", deduplicates=True)
    post.break_off(after=after)
    async with World.open(channels=[post]) as world:
        run = await world.start(write_carefully())
        await world.advance(minutes=1)
        assert await run.result() == "tests.write_carefully-1/0"
        assert len(post.sent) == 1


@pytest.mark.parametrize("deduplicates", [False, True])
@pytest.mark.parametrize("after", [False, True])
async def test_a_crash_while_it_is_being_sent(deduplicates: bool, after: bool) -> None:
    post = FakeChannel("post", deduplicates=deduplicates)
    async with World.open(channels=[post]) as world:

        def die() -> None:
            world.commits.die()
            raise SimulatedCrash

        post.call(die, after=after)
        run = await world.start(write_carefully())
        await world.advance(minutes=1)
        if deduplicates:
            assert await run.result() == "tests.write_carefully-1/0"
            assert len(post.sent) == 1
        else:
            assert await run.result() == "DeliveryUnknown"
            assert len(post.sent) == int(after)


async def test_nothing_is_sent_twice_wherever_the_program_dies() -> None:
    async def story(world: World) -> object:
        run = await world.start(write())
        await world.advance(days=2)
        return await run.result()

    assert await crash_at_every_await(story, channels=lambda: [FakeChannel("post")]) > 10


async def test_without_waiting_the_step_ends_when_the_outbox_has_it() -> None:
    post = FakeChannel("post")

    @process("tests.post_and_go")
    async def post_and_go() -> str:
        return await SendLetter("post", Letter("a", "one"), waits_for_it=False)

    async with World.open(channels=[post]) as world:
        run = await world.start(post_and_go())
        assert await run.result() == "posted"
        assert len(post.sent) == 1


class Busy(FakeChannel):
    """It takes its time, and notes how many come at once; at the third it may die with all of them on the way."""

    at_once = most = 0
    die: Any = None

    async def send(self, payload: Any, key: str) -> Any:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        if self.die is not None and self.at_once == 3:
            self.die()
        await asyncio.sleep(0)
        self.at_once -= 1
        return await super().send(payload, key)


async def test_only_so_many_are_sent_at_once_over_one_channel() -> None:
    post = Busy("post")

    @process("tests.many")
    async def many() -> int:
        return len(await for_each(lambda number: SendLetter("post", Letter("a", str(number))), range(50)))

    async with World.open(channels=[post]) as world:
        assert await (await world.start(many())).result() == 50
        assert post.most == AT_ONCE
        assert len({sent.payload.text for sent in post.sent}) == 50


async def test_a_letter_that_waits_for_its_turn_is_known_not_to_be_sent_when_the_program_dies() -> None:
    post = Busy("post", deduplicates=False)

    @process("tests.many_carefully")
    async def many_carefully() -> list[str]:
        letters = [SendLetter("post", Letter("a", str(number))) for number in range(50)]
        outcomes = await for_each(attempt, letters)
        return ["sent" if outcome.error is None else type(outcome.error).__name__ for outcome in outcomes]

    async with World.open(channels=[post]) as world:

        def die() -> None:
            post.die, post.at_once = None, 0
            world.commits.die()
            raise SimulatedCrash

        post.die = die
        run = await world.start(many_carefully())
        await world.run_until_idle()
        outcomes = await run.result()
        unknown = outcomes.count("DeliveryUnknown")
        assert 1 <= unknown <= AT_ONCE
        assert outcomes.count("sent") == 50 - unknown


async def test_a_cancelled_letter_that_was_not_sent_yet_is_withdrawn() -> None:
    post = FakeChannel("post")
    post.delay()

    @process("tests.impatient")
    async def impatient() -> int:
        won = await race(SendLetter("post", Letter("a", "one")), wait.sleep(timedelta(seconds=5)))
        return won.index

    async with World.open(channels=[post]) as world:
        run = await world.start(impatient())
        await world.advance(days=1)
        assert await run.result() == 1
        assert post.sent == []


async def test_a_channel_that_is_not_set_up_is_named() -> None:
    async with World.open(channels=[FakeChannel("post")]) as world:
        with pytest.raises(ChannelMissing, match=r"no channel 'pigeon'.*post"):
            await world.perform(SendLetter("pigeon", Letter("a", "one")))


async def test_outside_a_process_the_verdict_is_waited_for() -> None:
    post = FakeChannel("post", deduplicates=False)
    async with World.open(channels=[post]) as world:
        assert (await world.perform(SendLetter("post", Letter("a", "one")))).startswith("perform/")
        post.break_off(after=True)
        with pytest.raises(DeliveryUnknown):
            await world.perform(SendLetter("post", Letter("a", "one")))


async def test_a_prepared_action_works_outside_before_its_commit() -> None:
    printed: list[str] = []

    def printer(text: str) -> str:
        printed.append(text)
        return text.upper()

    @process("tests.printing")
    async def printing() -> str:
        first = await Print("one")
        await wait.sleep(timedelta(hours=1))
        return first + await Print("two")

    async with World.open(tools={"printer": printer}) as world:
        run = await world.start(printing())
        await world.crash()
        await world.advance(hours=1)
        assert await run.result() == "ONE!TWO!"
        assert printed == ["one", "two"]


async def test_what_a_preparation_raises_is_the_step_s_error() -> None:
    def printer(text: str) -> str:
        raise OSError("out of paper")

    @process("tests.out_of_paper")
    async def out_of_paper() -> str:
        outcome = await attempt(Print("one"))
        return str(outcome.error)

    async with World.open(tools={"printer": printer}) as world:
        assert await (await world.start(out_of_paper())).result() == "out of paper"


# -- a verdict that does not come in time, and one thing that leads to another -----------------------------------------


@frozen
class Chain(Settling):
    """A letter that was accepted is followed by another, for which nobody waits; of a refusal it speaks itself."""

    async def settle(self, port: Any, verdict: Verdict) -> Any:
        if verdict.fate != "accepted":
            return LookupError() if verdict.reason == "strange" else EmptyText(action="tests.send", parameter="to")
        another = Outgoing("post", Letter("b", "and another"), Receipt())
        port.performing.follow_up(FollowUp("then", another, port.performing.now))
        return f"first {verdict.receipt}"


@frozen
class SendPatiently(Delivered[str]):
    """Send a letter and wait for an hour at most; with nothing to say, send none."""

    text: str
    name = "tests.send_patiently"

    @property
    def patience(self) -> timedelta | None:
        return timedelta(hours=1)

    def arguments(self) -> Mapping[str, object]:
        return {"text": self.text}

    async def perform(self, port: Any) -> Any:
        return Outgoing("post", Letter("a", self.text), Chain()) if self.text else "nothing to send"

    async def late(self, port: Any) -> str:
        return f"late at {port.performing.now:%H:%M}"


@process("tests.write_patiently")
async def write_patiently(*, text: str = "tea") -> str:
    """Send a letter, and say what came of it."""
    outcome = await attempt(SendPatiently(text))
    return str(outcome.value) if outcome.error is None else type(outcome.error).__name__


async def test_a_verdict_that_does_not_come_in_time_ends_the_step_and_the_letter_is_sent_all_the_same() -> None:
    post = FakeChannel("post")
    post.delay(again_after=7200)
    async with World.open(channels=[post]) as world:
        run = await world.start(write_patiently())
        await world.advance(minutes=59)
        assert (await run.status()).state == "waiting"
        await world.advance(minutes=1)
        assert await run.result() == "late at 10:00"
        assert post.sent == []
        await world.advance(hours=2)
        assert [one.payload.text for one in post.sent] == ["tea", "and another"]


async def test_what_is_settled_may_lead_to_another_letter_that_nobody_waits_for() -> None:
    post = FakeChannel("post")
    async with World.open(channels=[post]) as world:
        run = await world.start(write_patiently(), id="w")
        first, second = post.sent
        assert await run.result() == f"first {first.key}"
        assert second.key == f"{first.key}/then"


async def test_where_there_is_nothing_to_send_the_step_has_its_value_at_once() -> None:
    post = FakeChannel("post")
    async with World.open(channels=[post]) as world:
        assert await (await world.start(write_patiently(text=""))).result() == "nothing to send"
        assert await world.perform(SendPatiently("")) == "nothing to send"
    assert post.attempts == []


@pytest.mark.parametrize(("reason", "error"), [("no", "EmptyText"), ("strange", "SendRefused")])
async def test_a_refusal_is_raised_in_the_actions_words_if_it_has_any(reason: str, error: str) -> None:
    post = FakeChannel("post")
    post.refuse(reason)
    async with World.open(channels=[post]) as world:
        assert await (await world.start(write_patiently())).result() == error


class BusyChannel(FakeChannel):
    """Takes nothing until it is told to."""

    busy = True

    async def send(self, payload: Any, key: str) -> Any:
        if self.busy:
            raise SendDelayed(channel=self.name, reason="busy", again_after=1800)
        return await super().send(payload, key)


async def test_what_is_late_or_leads_to_another_is_so_once_whenever_the_program_dies() -> None:
    async def story(world: World) -> object:
        channel: Any = world.outside.channels["post"]
        run = await world.start(write_patiently())
        await world.advance(hours=4)
        channel.busy = False
        await world.advance(hours=1)
        return await run.result()

    assert await crash_at_every_await(story, channels=lambda: [BusyChannel("post")]) > 10


# -- later moments -----------------------------------------------------------------------------------------------------


async def test_what_is_of_a_later_moment_is_in_the_store_and_not_in_memory() -> None:
    """However many there are; and each is sent in its time, by whichever program is there then."""
    post = FakeChannel("post")

    @process("tests.many_later")
    async def many_later() -> None:
        for number in range(20):
            await SendLetter("post", Letter("a", str(number)), waits_for_it=False)

    for _ in range(20):
        post.delay(again_after=86_400)
    async with World.open(channels=[post]) as world:
        await world.start(many_later())
        assert len(post.attempts) == 20
        assert not world.runtime.engine.running_steps()
        await world.advance(hours=12)
        await world.crash()
        await world.advance(hours=11)
        assert post.sent == []
        await world.advance(hours=2)
        assert sorted(int(sent.payload.text) for sent in post.sent) == list(range(20))
        assert len(post.attempts) == 40


async def test_more_that_are_due_at_once_than_fit_into_a_group_are_all_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(works, "POSTS_A_GROUP", 3)
    post = FakeChannel("post")
    for _ in range(10):
        post.delay(again_after=60)

    @process("tests.ten_later")
    async def ten_later() -> int:
        return len(await for_each(lambda number: SendLetter("post", Letter("a", str(number))), range(10)))

    async with World.open(channels=[post]) as world:
        run = await world.start(ten_later())
        await world.advance(minutes=1)
        assert await run.result() == 10
        assert len(post.sent) == 10


async def test_what_is_delayed_for_no_time_is_tried_again_at_once() -> None:
    post = FakeChannel("post")
    for _ in range(5):
        post.delay(again_after=0)
    async with World.open(channels=[post]) as world:
        run = await world.start(write_carefully())
        assert await run.result() == "tests.write_carefully-1/0"
        assert len(post.attempts) == 6
