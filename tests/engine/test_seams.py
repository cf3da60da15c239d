"""Where parts of the engine meet: each test is the shortest story of a bug that was found in review."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import pytest
from attrs import frozen

from bizproc import action, attempt, continue_as_new, crm, gather, note, now, process, race, saga, start, wait
from bizproc.core.commands import Done, Event, Listening, Pending, Prepared
from bizproc.core.steps import step_key
from bizproc.errors import InstanceFailed, InstanceStuck, NotInProcess, NotResumable, SendRefused, WrongArgument
from bizproc.model import Comment, Contact, Deal
from bizproc.ports.channel import Outside
from bizproc.runtime import Runtime
from bizproc.store.posting import insert
from bizproc.testing import FakeChannel, World
from bizproc.testing.clock import VirtualClock
from tests.engine.test_outbox import Letter, SendLetter, write_carefully

P = ParamSpec("P")
T = TypeVar("T")

SECOND = timedelta(seconds=1)


def bounded(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, Coroutine[Any, Any, None]]:
    """A test in which nothing can hang: what a bug leaves waiting fails it."""

    @wraps(test)
    async def within(*args: P.args, **kwargs: P.kwargs) -> None:
        async with asyncio.timeout(20):
            await test(*args, **kwargs)

    return within


async def until(condition: Callable[[], bool], *, every: float = 0) -> None:
    """Let others run until something holds; the test's bound ends it."""
    while not condition():
        await asyncio.sleep(every)


class Flaky:
    """Fails until it is told not to, and counts."""

    def __init__(self) -> None:
        self.bad = True
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.bad:
            raise OSError("bad weather")
        return 7

    def step(self) -> Callable[[], Awaitable[int]]:
        """This as the body of a step."""

        @action("tests.flaky")
        async def flaky() -> int:
            return self()

        return flaky


class Gated:
    """A channel that sends a letter only when the test lets it."""

    name = "post"
    deduplicates = True

    def __init__(self) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.sent: list[str] = []

    async def send(self, payload: Any, key: str) -> Any:
        gate = self.gates.setdefault(payload.text, asyncio.Event())
        await gate.wait()
        self.sent.append(payload.text)
        return f"receipt of {payload.text}"


# -- errors where none was expected ------------------------------------------------------------------------------------


WRONG: Any = 5


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        (lambda: wait.sleep(WRONG), "duration"),
        (lambda: wait.until(WRONG), "moment"),
        (lambda: wait.for_signal(WRONG), "name"),
        (lambda: wait.for_signal("go", timeout=WRONG), "timeout"),
        (lambda: wait.for_event(WRONG), "trigger"),
        (lambda: start(WRONG), "call"),
    ],
)
@bounded
async def test_a_wrong_argument_to_a_primitive_fails_the_instance_and_names_the_parameter(
    wrong: Callable[[], Awaitable[Any]], parameter: str
) -> None:
    """The engine computed with the argument in a turn: the error went to the loop, and who had started it hung."""

    @process("tests.wrong")
    async def wrong_one() -> None:
        await note("before")
        await wrong()

    async with World.open() as world:
        run = await world.start(wrong_one())
        with pytest.raises(InstanceFailed, match=parameter) as failed:
            await run.result()
        assert isinstance(failed.value.error, WrongArgument)


@bounded
async def test_a_moment_without_a_time_zone_fails_the_instance_and_the_error_names_the_parameter() -> None:
    """Only the writing of the arguments refused it, which knows no parameter of `wait.until`."""

    @process("tests.naive")
    async def naive() -> None:
        await wait.until(datetime(2030, 1, 1))  # noqa: DTZ001  this is the mistake

    async with World.open() as world:
        run = await world.start(naive())
        with pytest.raises(InstanceFailed, match=r"wait\.until: parameter moment"):
            await run.result()


@bounded
async def test_a_child_with_a_wrong_argument_does_not_hang_its_parent() -> None:
    """The child's first turn broke inside the callback of the parent's commit, which was then told to nobody."""

    @process("tests.wrong_child")
    async def wrong_child() -> None:
        await wait.sleep(WRONG)

    @process("tests.sound_parent")
    async def sound_parent() -> str:
        _ = await start(wrong_child(), detached=True)
        await crm.contact.create(name="A", last_name="B")
        return "done"

    async with World.open() as world:
        run = await world.start(sound_parent())
        assert await run.result() == "done"
        assert sorted(one.state for one in await world.instances()) == ["completed", "failed"]


@frozen
class OnDeal(Listening[str]):
    """A wait of a user's own that may not know the event."""

    bad: bool

    @property
    def name(self) -> str:
        return "tests.on_deal"

    def arguments(self) -> Mapping[str, object]:
        return {"bad": self.bad}

    async def begin(self, port: Any) -> Pending:
        return Pending(("deal.created",))

    def accept(self, event: Event) -> Done[str] | None:
        if self.bad:
            raise KeyError("a wait that does not know this event")
        return Done("heard")

    def expired(self) -> str:
        return "never"


@bounded
async def test_a_wait_whose_accept_raises_sets_its_own_instance_aside_and_wakes_the_others() -> None:
    """The error ended the loop over the woken in the commit's callback: those after it were not told."""

    @process("tests.listening")
    async def listening(*, bad: bool) -> str:
        return await OnDeal(bad)

    async with World.open() as world:
        first = await world.start(listening(bad=False))
        bad = await world.start(listening(bad=True))
        last = await world.start(listening(bad=False))
        await world.deal()
        assert await first.result() == "heard"
        assert await last.result() == "heard"
        with pytest.raises(InstanceStuck, match="does not know this event"):
            await bad.result()


@action("tests.cancelled_body")
async def cancelled_body() -> None:
    """A library's own cancellation."""
    raise asyncio.CancelledError


@action("tests.failing_body")
async def failing_body() -> None:
    """An assertion of a test in the body of a step."""
    pytest.fail("not this way")


@bounded
async def test_what_is_no_exception_ends_the_instance_all_the_same() -> None:
    """Only Exception was caught around process code and bodies: the rest left the instance running for ever."""

    @process("tests.pytest_fail")
    async def fails_the_test() -> None:
        await note("a")
        pytest.fail("not this way")

    @process("tests.cancelled_error")
    async def cancels_itself() -> None:
        await note("a")
        raise asyncio.CancelledError

    @process("tests.body_fails_the_test")
    async def body_fails_the_test() -> None:
        await failing_body()

    @process("tests.body_cancels_itself")
    async def body_cancels_itself() -> None:
        await cancelled_body()

    async with World.open() as world:
        for one in (fails_the_test, cancels_itself, body_fails_the_test, body_cancels_itself):
            run = await world.start(one())
            with pytest.raises(InstanceFailed):
                await run.result()


# -- the outbox --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("timer_first", [False, True])
@bounded
async def test_a_verdict_and_a_timer_in_one_group_both_arrive(timer_first: bool) -> None:
    """The verdict was told by a task, after the timer written behind it: the instance took it for known and waited."""
    clock = VirtualClock()

    class Ticking:
        """While it sends, a second passes."""

        name = "post"
        deduplicates = True

        def __init__(self) -> None:
            self.gate = asyncio.Event()

        async def send(self, payload: Any, key: str) -> Any:
            await self.gate.wait()
            move = partial(clock.move_to, clock.now() + SECOND)
            if timer_first:
                move()
            else:
                asyncio.get_running_loop().call_soon(move)  # when the verdict is in the group, before it is written
            return "sent"

    @process("tests.letter_and_second")
    async def letter_and_second() -> str:
        receipt, slept = await gather(SendLetter("post", Letter("a", "one")), wait.sleep(SECOND))
        return f"{receipt} {slept}"

    post = Ticking()
    async with World.open(clock=clock, channels=[post]) as world:
        run = await world.runtime.start(letter_and_second())
        while (await run.status()).state != "waiting":
            await asyncio.sleep(0)
        commits = world.commits.count
        post.gate.set()
        await until(lambda: world.commits.count > commits)
        await world.run_until_idle()
        assert await world.instance(run.id).result() == "sent None"


@bounded
async def test_a_post_of_an_earlier_run_does_not_answer_the_next_run() -> None:
    """A verdict was delivered by instance and address alone, and these are the same after continue_as_new."""

    @process("tests.letters")
    async def letters(*, number: int = 1) -> str:
        won = await race(SendLetter("post", Letter("a", f"letter {number}")), wait.for_signal("give_up"))
        if won.index == 1 and number == 1:
            await continue_as_new(number=2)
        return f"run {number} got {won.value}"

    post = Gated()
    async with World.open(channels=[post]) as world:
        run = await world.runtime.start(letters())
        await until(lambda: "letter 1" in post.gates)
        await run.signal("give_up")
        await until(lambda: "letter 2" in post.gates)
        post.gates["letter 1"].set()
        # The first is settled when only the second is being sent.
        await until(lambda: len(world.runtime.engine._outbox.sending) == 1)
        assert (await run.status()).state == "waiting"
        post.gates["letter 2"].set()
        await world.run_until_idle()
        assert await world.instance(run.id).result() == "run 2 got receipt of letter 2"
        assert post.sent == ["letter 1", "letter 2"]


@process("tests.one_letter")
async def one_letter() -> str:
    """Send a letter, and return its receipt."""
    return await SendLetter("post", Letter("a", "one"))


@bounded
async def test_a_refused_letter_is_sent_again_by_a_retry_with_the_same_key() -> None:
    """The retried step posted a second row under the key of its first: the instance stayed running for ever."""
    post = FakeChannel("post")
    post.refuse("mailbox full")
    async with World.open(channels=[post]) as world:
        run = await world.start(one_letter())
        with pytest.raises(InstanceFailed) as failed:
            await run.result()
        assert isinstance(failed.value.error, SendRefused)
        await run.retry()
        assert await run.result() == post.attempts[0]
        assert len(post.attempts) == 2
        assert len(set(post.attempts)) == 1
        assert len(post.sent) == 1


@bounded
async def test_a_letter_withdrawn_because_another_branch_failed_is_sent_after_the_retry() -> None:
    """The retried step posted a second row under the key of the withdrawn one: the instance stayed running for ever."""
    post = FakeChannel("post")
    post.delay(again_after=60)
    flaky = Flaky()
    step = flaky.step()

    @process("tests.letter_and_step")
    async def letter_and_step() -> tuple[str, int]:
        return await gather(SendLetter("post", Letter("a", "one")), step())

    async with World.open(channels=[post]) as world:
        run = await world.start(letter_and_step())
        with pytest.raises(InstanceFailed, match="bad weather"):
            await run.result()
        flaky.bad = False
        await run.retry()
        await world.advance(minutes=2)
        assert (await run.result())[1] == 7
        assert len(post.sent) == 1
        await world.advance(days=3)
        assert len(post.sent) == 1


@bounded
async def test_a_receipt_that_cannot_be_written_counts_as_accepted() -> None:
    """The encoding failed behind the sending, as if the channel had raised: it was sent again for two days."""
    post = FakeChannel("post", receipt=lambda _sent: object())
    async with World.open(channels=[post]) as world:
        run = await world.start(write_carefully())
        await world.advance(days=4)
        assert await run.result() == "None"
        assert len(post.attempts) == len(post.sent) == 1


# -- retry -------------------------------------------------------------------------------------------------------------


@bounded
async def test_a_wait_that_is_over_at_once_when_it_begins_again_ends_in_the_retry() -> None:
    """The wait from before the retry stayed noted when it was over at once: showing the waits broke the turn."""
    flaky = Flaky()
    step = flaky.step()

    @process("tests.stage_and_step")
    async def stage_and_step(deal: Deal) -> Any:
        reached, number = await gather(wait.until_stage("WON"), step())
        return [reached.stage, number]

    async with World.open() as world:
        deal = await world.deal()
        run = await world.start(stage_and_step(deal))
        assert (await run.status()).state == "failed"
        await world.perform(crm.deal(deal).change_stage("WON"))
        flaky.bad = False
        await run.retry()
        assert await run.result() == ["WON", 7]
        await world.crash()
        assert await run.result() == ["WON", 7]


@bounded
async def test_a_child_that_is_retried_before_its_stuck_parent_is_awaited_to_its_end() -> None:
    """The child, going on again, left the parent's await without anybody to answer it: it waited for ever."""
    flaky = Flaky()
    step = flaky.step()

    @process("tests.child")
    async def child() -> int:
        await wait.sleep(timedelta(hours=1))
        number = await step()
        await wait.sleep(timedelta(hours=1))
        return number

    async def body() -> str:
        return f"child gave {await child()}"

    async def other() -> str:
        await note("changed")
        return "never"

    good = process("tests.parent")(body)
    async with World.open(good, child, keep_in_memory=0) as world:
        parent = await world.start(good(), id="parent")
        world.use(process("tests.parent")(other))
        await world.advance(hours=1)
        states = {one.id: one.state for one in await world.instances()}
        assert states.pop("parent") == "stuck"
        ((child_id, state),) = states.items()
        assert state == "failed"
        world.use(good)
        flaky.bad = False
        await world.instance(child_id).retry()
        await parent.retry()
        assert (await parent.status()).state == "waiting"
        await world.advance(hours=2)
        assert await world.instance("parent").result() == "child gave 7"


@bounded
async def test_a_retry_is_refused_where_an_undo_was_done_after_the_error_unless_it_is_wanted_again() -> None:
    """The retry went on inside the saga as if nothing had been undone: sold, and released."""
    flaky = Flaky()
    pay = flaky.step()
    done: list[str] = []

    @action("tests.reserve")
    async def reserve() -> None:
        done.append("reserve")

    @action("tests.release")
    async def release() -> None:
        done.append("release")

    @process("tests.sale")
    async def sale() -> str:
        async with saga() as undo:
            await reserve()
            undo.compensate(release())
            await pay()
        return "sold"

    async with World.open() as world:
        run = await world.start(sale())
        assert (await run.status()).state == "failed"
        flaky.bad = False
        with pytest.raises(NotResumable):
            await run.retry()
        assert (await run.status()).state == "failed"
        assert done == ["reserve", "release"]
        await run.retry(again=True)
        assert await run.result() == "sold"
        assert flaky.calls == 2


@bounded
async def test_a_retry_is_refused_where_the_process_went_on_with_the_error_unless_it_is_wanted_again() -> None:
    """The retry went back to the error, and did all that had been done about it a second time, unasked."""
    flaky = Flaky()
    pay = flaky.step()

    @process("tests.careful_sale")
    async def careful_sale(deal: Deal) -> str:
        tried = await attempt(pay())
        await crm.deal.add_comment("paid" if tried.error is None else "not paid")
        if tried.error is not None:
            raise tried.error
        return "sold"

    async with World.open() as world:
        deal = await world.deal()
        run = await world.start(careful_sale(deal))
        flaky.bad = False
        with pytest.raises(NotResumable):
            await run.retry()
        await run.retry(again=True)
        assert await run.result() == "sold"
        assert [comment.text for comment in await world.find(Comment, of=deal)] == ["not paid", "paid"]


# -- process code and bodies -------------------------------------------------------------------------------------------


whose: ContextVar[str] = ContextVar("whose", default="nobody's")


@bounded
async def test_process_code_never_runs_in_a_body_s_context() -> None:
    """A body's end was delivered from its task: the process went on in the body's context, until a crash."""
    seen: list[str] = []

    @action("tests.in_a_body")
    async def in_a_body() -> str:
        whose.set("the body's")
        return step_key()

    @process("tests.outside_of_it")
    async def outside_of_it() -> str:
        key = await in_a_body()
        seen.append(whose.get())
        try:
            found = step_key()
        except NotInProcess as error:
            found = type(error).__name__
        await crm.contact.create(name=found, last_name="B")
        await wait.sleep(timedelta(days=1))
        return f"{key} {found}"

    async with World.open() as world:
        run = await world.start(outside_of_it(), id="x")
        await world.crash()
        await world.advance(days=2)
        assert (await run.result()).endswith(" NotInProcess")
        assert set(seen) == {"nobody's"}
        assert len(seen) == 2
        assert [contact.name for contact in await world.find(Contact)] == ["NotInProcess"]


# -- guests ------------------------------------------------------------------------------------------------------------


@frozen
class Register(Prepared[int]):
    """Ask outside, then make a contact."""

    @property
    def name(self) -> str:
        return "tests.register"

    def arguments(self) -> Mapping[str, object]:
        return {}

    async def prepare(self, outside: Any) -> str:
        name: str = await outside.tools["desk"]()
        return name

    async def conclude(self, port: Any, prepared: str) -> int:
        contact = await port.create("contact", {"name": prepared, "last_name": "B"})
        number: int = contact.id
        return number


@bounded
async def test_a_prepared_action_of_a_guest_is_done_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request was read before its answer was on disk, and served after it: done a second time."""
    url = f"sqlite:///{tmp_path / 'crm.db'}"
    asked = 0
    opened, answered = asyncio.Event(), asyncio.Event()

    async def desk() -> str:
        nonlocal asked
        asked += 1
        await opened.wait()
        return "Jo"

    async with (
        Runtime.open(url, outside=Outside(tools={"desk": desk})) as owner,
        Runtime.attach(url) as guest,
    ):
        read = owner.database.read
        held = 0

        async def late(function: Callable[[Any], T]) -> T:
            """What is read while the desk is asked is handed over only when the guest has its answer."""
            nonlocal held
            meanwhile = asked == 1 and not opened.is_set()
            found = await read(function)
            if meanwhile:
                held += 1
                opened.set()
                await answered.wait()
            return found

        monkeypatch.setattr(owner.database, "read", late)
        number = await guest.perform(Register())
        answered.set()
        assert held == 1
        await guest.perform(crm.contact.create(name="After", last_name="it"))
        assert [contact.name for contact in await guest.find(Contact)] == ["Jo", "After"]
        assert (await guest.get(Contact, number)).name == "Jo"


POSTED = "INSERT INTO inbox (key, kind, request, posted_at) VALUES ('k', 'PerformRequest', :request, :at)"


@process("tests.patient")
async def patient() -> str:
    """Wait for a signal."""
    await wait.for_signal("go")
    return "went"


@bounded
async def test_a_request_that_cannot_be_decoded_is_answered_with_its_error_and_the_inbox_goes_on(
    tmp_path: Path,
) -> None:
    """The error ended the task that watches the inbox: no guest was heard from then on, not even after a restart."""
    path = tmp_path / "crm.db"
    url = f"sqlite:///{path}"
    async with Runtime.open(url, processes=[patient]) as owner, Runtime.attach(url) as guest:
        run = await owner.start(patient(), id="one")
        row = {"request": '{"$object":["not.there:Thing",{}]}', "at": "2026-01-01T00:00:00.000000Z"}
        await asyncio.to_thread(insert, str(path), POSTED, row)
        contact = await guest.perform(crm.contact.create(name="A", last_name="B"))
        assert contact.name == "A"
        await guest.instance("one").signal("go")
        assert await run.result(timeout=timedelta(seconds=10)) == "went"
        (error,) = await owner.read(lambda store: store.execute("SELECT error FROM inbox WHERE key = 'k'").fetchone())
        assert "not.there" in error


# -- who waits, and crashes --------------------------------------------------------------------------------------------


@bounded
async def test_who_waits_for_a_result_hears_that_the_instance_got_stuck() -> None:
    """Only endings were told: who had waited before it was set aside waited for ever."""

    async def other() -> str:
        await note("changed")
        return "never"

    async with World.open(patient, keep_in_memory=0) as world:
        await world.start(patient(), id="one")
        waiter = asyncio.ensure_future(world.runtime.instance("one").result())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not waiter.done()
        world.use(process("tests.patient")(other))
        await world.instance("one").signal("go")
        with pytest.raises(InstanceStuck):
            await waiter


@pytest.mark.parametrize("behind", [False, True])
@bounded
async def test_two_starts_at_once_outlive_a_crash(behind: bool) -> None:
    """Each of the two brought the world back, the second one over the first."""
    async with World.open() as world:
        world.commits.crash_at = (world.commits.count + 1, behind)
        first, second = await asyncio.gather(world.start(patient(), id="a"), world.start(patient(), id="b"))
        for run in (first, second):
            await run.signal("go")
            assert await run.result() == "went"


@bounded
async def test_notes_are_read_after_a_crash() -> None:
    """The handle asked the runtime that had died."""

    @process("tests.noting")
    async def noting() -> None:
        await note("a")
        await wait.sleep(timedelta(days=1))

    async with World.open() as world:
        run = await world.start(noting())
        await world.crash()
        assert [text for _, text, _ in await run.notes()] == ["a"]
        assert [step.name for step in await run.journal()][:1] == ["note"]


@bounded
async def test_cancelling_a_parent_of_many_children_writes_one_cancel_each() -> None:
    """Each branch that was dropped had all children told to cancel themselves: 10,000 times for 100."""

    @process("tests.parent_of_many")
    async def parent_of_many() -> None:
        await gather(*[patient() for _ in range(100)])

    async def arrivals(world: World) -> int:
        text = "SELECT total(seq) FROM sqlite_sequence WHERE name = 'arrival'"
        rows: list[Any] = await world.runtime.read(lambda store: store.execute(text).fetchall())
        return int(rows[0][0])

    async with World.open() as world:
        run = await world.start(parent_of_many(), id="parent")
        before = await arrivals(world)
        await run.cancel()
        states = [one.state for one in await world.instances()]
        assert states == ["cancelled"] * 101
        # One to the parent, and one to each child.
        assert await arrivals(world) - before == 101


@bounded
async def test_a_loop_that_never_comes_to_a_commit_fails_the_instance(world: World) -> None:
    """Commands that need only the journal were answered for ever, in one turn."""

    @process("tests.endless")
    async def endless() -> None:
        while True:
            await now()

    run = await world.start(endless())
    with pytest.raises(InstanceFailed, match="continue_as_new"):
        await run.result()


@bounded
async def test_ids_that_could_be_those_of_children_are_refused(world: World) -> None:
    """Step keys and the ids of children are built from ids with a slash."""

    @process("tests.named")
    async def named() -> None:
        return None

    for id in ("a/0", "a\nb", "\ud800", "x" * 201):
        with pytest.raises(WrongArgument, match="without a slash"):
            await world.start(named(), id=id)


@bounded
async def test_what_a_body_does_to_its_argument_is_not_seen_by_the_process(world: World) -> None:
    """A replay does not run the body, so the process would see another list then."""

    @action("tests.spoil")
    async def spoil(numbers: list[int]) -> None:
        numbers.append(99)

    @process("tests.spoiled")
    async def spoiled() -> list[int]:
        numbers = [1]
        await spoil(numbers)
        return numbers

    assert await (await world.start(spoiled())).result() == [1]
