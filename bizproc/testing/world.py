"""
The world: everything of a `Runtime`, on a store in memory, with a virtual clock, deterministic ids, and crashes.

Nothing runs on another thread: the same test does the same in the same order every time. Only bodies of `@action`
steps may take real time. A crash is the death of the program at a commit; who asks the world for something outlives it,
as a person does who sits at another machine: what was on disk by then is answered, what was not is asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import count
from random import Random
from types import MappingProxyType
from typing import Any, TypeVar, cast
from uuid import UUID

from bizproc import crm
from bizproc.actions.messages import RecordClicked, RecordOpened
from bizproc.actions.payments import RecordPayment
from bizproc.adapters.file_folder import MemoryFiles
from bizproc.core.commands import Command
from bizproc.core.process import Call, Process
from bizproc.core.steps import StepFunction
from bizproc.engines.embedded.engine import Options
from bizproc.model import Company, Contact, Deal, Invoice, Lead, Message, Product, Quote, User
from bizproc.ports.ads import ADVERTISERS
from bizproc.ports.ads import channel_of as advertiser_channel
from bizproc.ports.channel import Channel, Outside
from bizproc.ports.commit_observer import CommitObserver
from bizproc.ports.documents import DOCUMENTS
from bizproc.ports.files import FILES, Files
from bizproc.ports.mail import MAIL
from bizproc.ports.payments import PAYMENTS, PURPOSE, Paid
from bizproc.ports.sms import SMS, channel_of
from bizproc.rules.filters import Filter
from bizproc.runtime import (
    Instance,
    Preview,
    Recording,
    Refusal,
    Retrying,
    Runtime,
    Sent,
    Status,
    UnreadSignal,
    assemble,
    open_database,
)
from bizproc.settings import Settings
from bizproc.testing.answers import Answers
from bizproc.testing.channels import FakeAds, FakeMail, FakeSms
from bizproc.testing.channels import Sent as SentMessage
from bizproc.testing.clock import BEGINNING, VirtualClock
from bizproc.testing.commits import Commits
from bizproc.testing.papers import FakeDocuments, FakePayments
from bizproc.testing.unseen import Failure, Seen, complaint, remark
from bizproc.testing.watching import watching

T = TypeVar("T")
R = TypeVar("R")

MEMORY = "sqlite:///:memory:"
SECRET = "00" * 32  # the same in every world, so that what is signed with it is the same in every run
NO_TOOLS: Mapping[str, Any] = MappingProxyType({})


class World:
    """
    A runtime to test in.

    Attributes:
        clock: The virtual clock; it moves by `advance`.
        commits: The commits so far; see `testing/commits.py`.
        outside: The channels and tools; they outlive crashes.
        mail, sms, ads: Fakes of the mail server, of all providers of text messages and of all advertisers:
            `world.mail.sent`, `world.ads.audiences`.
    """

    def __init__(
        self, clock: VirtualClock, commits: Commits, settings: Settings, options: Options, outside: Outside
    ) -> None:
        self.clock = clock
        self.commits = commits
        self.outside = outside
        self.mail: Any = outside.channels[MAIL]
        self.sms: Any = outside.channels[SMS]
        self.ads: Any = outside.channels[advertiser_channel("facebook")]
        commits.on_death = self._die
        self._settings = settings
        self._options = options
        self._answers = Answers(clock)
        options.run_step = self._answers.run
        if watching.seen is not None:
            options.make_driver = watching.seen.watch()
        self.numbers = count(1)
        self.seen = Seen()
        self._coming_back = asyncio.Lock()
        self._runtime = self._assemble()

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        *processes: Process[..., Any],
        always_replay: bool = False,
        observer: CommitObserver | None = None,
        clock: VirtualClock | None = None,
        begins: datetime | None = None,
        settings: Settings | None = None,
        keep_in_memory: int = 1000,
        longest_journal: int = 100_000,
        channels: Iterable[Channel] = (),
        tools: Mapping[str, Any] = NO_TOOLS,
    ) -> AsyncIterator[World]:
        """
        A world that lasts for the block. At its end it raises what no test has looked at: see `expect_failures`.

        Args:
            processes: Known from the start; one that is started is known by itself.
            always_replay: Rebuild each instance from its journal before every turn, so that a process that is not
                deterministic shows it in any test.
            observer: Told of each commit; what it raises is a crash at that point.
            clock: A clock that is there already.
            begins: Another beginning of time.
            settings: The portal's time zone, currency and the like.
            keep_in_memory: How many waiting instances stay in memory.
            longest_journal: With how many entries an instance fails.
            channels: What delivered actions send through beside the fakes that every world has, or in their place.
            tools: What prepared actions work with.

        Raises:
            AssertionError: A process that a trigger started failed, nobody looked at it, and nothing else went wrong.
        """
        commits = Commits(observer)
        options = Options(
            keep_in_memory=keep_in_memory,
            longest_journal=longest_journal,
            always_replay=always_replay,
            jitter=False,
            pause=None,
            new_id=_id_of,
            random=_random_of,
            trace=commits.journalled,
        )
        all_tools = {FILES: MemoryFiles(), **tools}
        outside = Outside(
            channels={**_fakes(all_tools[FILES]), **{channel.name: channel for channel in channels}}, tools=all_tools
        )
        world = cls(clock or VirtualClock(begins or BEGINNING), commits, settings or Settings(), options, outside)
        if isinstance(taker := outside.channels[PAYMENTS], FakePayments):
            taker.record, taker.now = world._paid, world.clock.now
        await world._begin(processes)
        try:
            try:
                yield world
            except Exception as error:
                await world.remark_unseen(error)
                raise
            await world.raise_unseen()
        finally:
            await world._close()

    # -- time and crashes ----------------------------------------------------------------------------------------------

    async def advance(
        self,
        moment: datetime | None = None,
        *,
        weeks: float = 0,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
    ) -> None:
        """Let time pass, or go to a moment: every timer due on the way fires, in order, with all that follows."""
        duration = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        target = self.clock.now() + duration if moment is None else moment
        await self.run_until_idle()
        while (wake := self.clock.next_wake()) is not None and wake <= target:
            self.clock.move_to(wake)
            await self.run_until_idle()
        self.clock.move_to(target)
        await self.run_until_idle()

    async def run_until_idle(self) -> None:
        """Let everything happen that can happen before time passes."""
        await self.ask(_settled)

    async def crash(self) -> None:
        """Lose everything that was not committed, as a killed program does, and come back from the store."""
        await self._come_back(self._runtime)
        await self.run_until_idle()

    def answers(self, step: StepFunction[..., Any], *answers: Any) -> None:
        """
        Let an `@action` step answer these, in order, in place of running its body.

        An answer is journalled as the body's would be; one that is an error is raised, and tried again by the step's
        policy; a `Late` one comes after some time. The last one goes for all times after; without any the body runs
        again.

            world.answers(score, ConnectionError("busy"), 5)

        Args:
            step: The function decorated with `@action`.
            answers: Values, errors to be raised, or either of them `Late`.
        """
        self._answers.plan(step, answers)

    @property
    def always_replay(self) -> bool:
        """Whether each instance is rebuilt from its journal before every turn."""
        return self._options.always_replay

    @always_replay.setter
    def always_replay(self, value: bool) -> None:
        self._options.always_replay = self._runtime.engine.always_replay = value

    def use(self, *processes: Process[..., Any]) -> None:
        """Make processes known: instances of them can run."""
        self._runtime.engine.use(*processes)

    def expect_failures(self) -> None:
        """
        Say that instances may fail here without being looked at.

        Or else a test fails at its end if a process that a trigger started has failed, and the test has not been shown
        it by `instances()`, or asked for its `status()`, its `result()` or anything else of it since.
        """
        self.seen.expects = True

    async def raise_unseen(self) -> None:
        """
        Raise what no test has looked at, once.

        Raises:
            AssertionError: Names each process, instance, step and error.
        """
        unseen = await self._unseen(by_triggers=True)
        if unseen:
            raise complaint(unseen)

    async def remark_unseen(self, error: BaseException) -> None:
        """Add to the error that a test failed with what else has failed, once: it may be the reason."""
        with suppress(Exception):  # the test's own error comes first, whatever happens here
            unseen = await self._unseen()
            if unseen:
                error.add_note(remark(unseen))

    async def _unseen(self, *, by_triggers: bool = False) -> list[Failure]:
        if self.seen.expects or self.commits.dead:
            return []
        unseen = self.seen.unseen(await self._runtime.instances())
        if by_triggers:
            unseen = [each for each in unseen if each.causes]
        self.seen.look(unseen)
        return [Failure(each, await self._runtime.instance(each.id).journal()) for each in unseen]

    # -- everything of Runtime -----------------------------------------------------------------------------------------

    async def start(self, call: Call[R], *, id: str | None = None) -> RunningInstance[R]:
        """See `Runtime.start`. Returns when nothing more happens before time passes."""
        # With an id of its own, so that asking again after a crash starts nothing twice.
        named = id or f"{call.process.name}-{next(self.numbers)}"
        instance = await self.ask(lambda runtime: runtime.start(call, id=named))
        await self.run_until_idle()
        return RunningInstance(self, instance.id, call.process)

    def instance(self, id: str) -> RunningInstance[Any]:
        """See `Runtime.instance`."""
        return RunningInstance(self, id)

    async def instances(
        self, *, process: str | None = None, status: str | None = None, document: Any = None, limit: int | None = None
    ) -> list[Status]:
        """See `Runtime.instances`."""
        found = await self._runtime.instances(process=process, status=status, document=document, limit=limit)
        self.seen.look(found)
        return found

    async def perform(self, action: Command[R]) -> R:
        """See `Runtime.perform`. Returns when all that follows from it has happened."""
        key = f"perform/{next(self.numbers)}"
        result: R = await self.ask(lambda runtime: runtime.asks.perform(action, key))
        await self.run_until_idle()
        return result

    async def signal(self, name: str, value: Any = None) -> None:
        """See `Runtime.signal`. Returns when all that follows from it has happened."""
        await self.ask(lambda runtime: runtime.signal(name, value))
        await self.run_until_idle()

    async def pause(self, process: Process[..., Any] | str) -> None:
        """See `Runtime.pause`."""
        await self.ask(lambda runtime: runtime.pause(process))

    async def resume(self, process: Process[..., Any] | str) -> None:
        """See `Runtime.resume`."""
        await self.ask(lambda runtime: runtime.resume(process))

    async def preview(self, call: Call[Any], *, assume: Mapping[Any, Any] | None = None) -> Preview:
        """See `Runtime.preview`."""
        return await self._runtime.preview(call, assume=assume)

    async def refusals(
        self, *, process: str | None = None, document: Any = None, limit: int | None = None
    ) -> list[Refusal]:
        """See `Runtime.refusals`."""
        return await self._runtime.refusals(process=process, document=document, limit=limit)

    async def get(self, cls: type[T], id: int) -> T:
        """See `Runtime.get`."""
        return await self._runtime.get(cls, id)

    async def find(
        self,
        cls: type[T],
        where: Filter | None = None,
        *,
        of: Any = None,
        order_by: str = "id",
        limit: int | None = None,
        after: Any = None,
    ) -> list[T]:
        """See `Runtime.find`."""
        return await self._runtime.find(cls, where, of=of, order_by=order_by, limit=limit, after=after)

    @property
    def runtime(self) -> Runtime:
        """The runtime of the moment; a crash makes a new one."""
        return self._runtime

    # -- fakes ---------------------------------------------------------------------------------------------------------

    @property
    def documents(self) -> FakeDocuments:
        """Who makes documents."""
        fake: Any = self.outside.channels[DOCUMENTS]
        return cast("FakeDocuments", fake)

    @property
    def payments(self) -> FakePayments:
        """Who takes payments."""
        fake: Any = self.outside.channels[PAYMENTS]
        return cast("FakePayments", fake)

    async def opens(self, mail: SentMessage) -> None:
        """The client opens a mail of `world.mail.sent`; all that follows has happened when this returns."""
        await self.perform(RecordOpened(await self._message_of(mail)))

    async def follows(self, mail: SentMessage, link: int = 0) -> None:
        """The client follows a link in a mail, the first if nothing is said, as far as its clicks are tracked."""
        await self.perform(RecordClicked(await self._message_of(mail), link))

    async def _message_of(self, mail: SentMessage) -> int:
        return next(each.id for each in await self.find(Message) if each.message_id == mail.message_id)

    async def _paid(self, news: Paid) -> None:
        """As the web pages do with the news of a provider."""
        numbers = (await self._runtime.signer()).read(PURPOSE, news.token)
        if numbers is not None:
            await self.perform(
                RecordPayment(numbers[0], news.reference, news.provider, news.sum, news.currency, news.at)
            )

    # -- factories -----------------------------------------------------------------------------------------------------

    async def user(self, **fields: Any) -> User:
        """A user; a name is made up where none is given."""
        return await self.perform(crm.user.create(**{"name": "Ada", "last_name": "Byron", **fields}))

    async def company(self, **fields: Any) -> Company:
        """A company."""
        return await self.perform(crm.company.create(**{"title": "A company", **fields}))

    async def contact(self, **fields: Any) -> Contact:
        """A contact."""
        return await self.perform(crm.contact.create(**{"name": "Jo", "last_name": "Doe", **fields}))

    async def product(self, **fields: Any) -> Product:
        """A product of the catalogue."""
        return await self.perform(crm.product.create(**{"name": "A product", "price": 1, **fields}))

    async def deal(self, **fields: Any) -> Deal:
        """A deal in the first stage of the general pipeline."""
        return await self.perform(crm.deal.create(**{"title": "A deal", **fields}))

    async def lead(self, **fields: Any) -> Lead:
        """A lead in the first status."""
        return await self.perform(crm.lead.create(**{"title": "A lead", **fields}))

    async def quote(self, **fields: Any) -> Quote:
        """A quote in the first stage."""
        return await self.perform(crm.quote.create(**{"title": "A quote", **fields}))

    async def invoice(self, **fields: Any) -> Invoice:
        """An invoice in the first stage."""
        return await self.perform(crm.invoice.create(**{"title": "An invoice", **fields}))

    # -- surviving -----------------------------------------------------------------------------------------------------

    async def ask(self, question: Callable[[Runtime], Awaitable[T]]) -> T:
        """Ask the runtime, and after a crash the one that comes after it, unless the answer was on disk."""
        while True:
            runtime = self._runtime
            asked = asyncio.ensure_future(_coroutine(question(runtime)))
            death = asyncio.ensure_future(self.commits.death())
            await asyncio.wait({asked, death}, return_when=asyncio.FIRST_COMPLETED)
            death.cancel()
            if not self.commits.dead and runtime is self._runtime:
                return await asked
            await self._bury(asked, runtime)
            await self._come_back(runtime)
            if asked.done() and not asked.cancelled():
                return asked.result()

    def _die(self) -> None:
        engine = self._runtime.engine
        # Who waits for the fate of a post is told once it is known what was on disk (`_bury`), not that all is lost.
        waiting = dict(engine._verdicts)  # noqa: SLF001  nobody else takes an engine apart
        engine._verdicts.clear()  # noqa: SLF001
        engine.abandon()
        engine._verdicts.update(waiting)  # noqa: SLF001

    async def _bury(self, asked: asyncio.Future[Any], runtime: Runtime) -> None:
        """The program has died. What it had committed of what was asked is answered; the rest is not."""
        if self.commits.kept_the_last:
            for work in list(runtime.engine.outside):
                if work.ran:
                    work.committed()
            await asyncio.sleep(0)
        if not asked.done():
            asked.cancel()
        with suppress(asyncio.CancelledError, Exception):  # its error, if it has one, is raised to who asked
            await asked

    async def _come_back(self, died: Runtime) -> None:
        """Several may have asked the program that died: the first brings it back for all."""
        async with self._coming_back:
            if self._runtime is died:
                await self._come_back_once()

    async def _come_back_once(self) -> None:
        while True:
            engine, database = self._runtime.engine, self._runtime.database
            processes = list(engine.processes().values())
            engine.abandon()
            database.abandon()
            await asyncio.sleep(0)  # bodies of steps that were running are cancelled here
            self.commits.revive()
            self._runtime = self._assemble(previous=database)
            beginning = asyncio.ensure_future(self._begin(processes))
            death = asyncio.ensure_future(self.commits.death())
            await asyncio.wait({beginning, death}, return_when=asyncio.FIRST_COMPLETED)
            death.cancel()
            if not self.commits.dead:
                return await beginning
            beginning.cancel()

    def _assemble(self, previous: Any = None) -> Runtime:
        database = open_database(MEMORY, self.clock, self.commits, threaded=False, previous=previous)
        return assemble(database, self.clock, self._settings, self._options, self.outside)

    async def _begin(self, processes: Iterable[Process[..., Any]]) -> None:
        self._runtime.database.start(asyncio.get_running_loop())
        await self._runtime.begin(processes, secret=SECRET)

    async def _close(self) -> None:
        closing = asyncio.ensure_future(self._runtime.engine.close())
        death = asyncio.ensure_future(self.commits.death())
        await asyncio.wait({closing, death}, return_when=asyncio.FIRST_COMPLETED)
        death.cancel()
        if self.commits.dead:  # at the last commit of all: nothing comes after it
            closing.cancel()
            self._runtime.database.abandon()
        else:
            await closing
            self._runtime.database.close()


def _fakes(files: Files) -> dict[str, Channel]:
    """By every name under which actions may ask for them."""
    sms = FakeSms()
    ads = FakeAds()
    advertisers = {advertiser_channel(advertiser): ads for advertiser in ADVERTISERS}
    return {
        MAIL: FakeMail(),
        DOCUMENTS: FakeDocuments(files=files),
        PAYMENTS: FakePayments(),
        **advertisers,
        **{channel_of(provider): sms for provider in (None, "twilio", "http")},
    }


class RunningInstance(Instance[R]):
    """A handle that outlives crashes; what is asked through it is answered when all that follows has happened."""

    def __init__(self, world: World, id: str, process: Process[..., Any] | None = None) -> None:
        super().__init__(world.runtime, id, process)
        self._world = world

    async def status(self) -> Status:
        """See `Instance.status`."""
        status = await self._world.ask(lambda runtime: Instance[R](runtime, self.id, self._process).status())
        self._world.seen.look([status])
        return status

    async def result(self, *, timeout: timedelta | None = None) -> R:
        """See `Instance.result`. Nothing happens while a test waits: for one that has not ended this raises at once."""
        await self.status()
        none = timedelta(0) if timeout is None else timeout
        return await self._world.ask(lambda runtime: Instance[R](runtime, self.id, self._process).result(timeout=none))

    async def notes(self) -> Any:
        """See `Instance.notes`."""
        await self.status()
        return await self._world.ask(lambda runtime: Instance[R](runtime, self.id, self._process).notes())

    async def journal(self) -> Any:
        """See `Instance.journal`."""
        await self.status()
        return await self._world.ask(lambda runtime: Instance[R](runtime, self.id, self._process).journal())

    async def signal(self, name: str, value: Any = None, *, key: str | None = None) -> None:
        """See `Instance.signal`."""
        once = key or f"world-{next(self._world.numbers)}"
        await self._world.ask(lambda runtime: runtime.instance(self.id).signal(name, value, key=once))
        await self._world.run_until_idle()

    async def cancel(self) -> None:
        """See `Instance.cancel`."""
        await self._world.ask(lambda runtime: runtime.instance(self.id).cancel())
        await self._world.run_until_idle()

    async def retry(self, *, again: bool = False) -> None:
        """See `Instance.retry`."""
        await self.status()
        await self._world.ask(lambda runtime: runtime.instance(self.id).retry(again=again))
        await self._world.run_until_idle()

    async def fork(self, step: str, *, id: str | None = None) -> RunningInstance[R]:
        """See `Instance.fork`."""
        await self.status()
        called = id or f"{self.id.replace('/', '-')}-fork-{next(self._world.numbers)}"
        await self._world.ask(lambda runtime: runtime.instance(self.id).fork(step, id=called))
        await self._world.run_until_idle()
        return RunningInstance(self._world, called, self._process)

    async def sent(self) -> list[Sent]:
        """See `Instance.sent`."""
        sent: list[Sent] = await self._world.ask(lambda runtime: runtime.instance(self.id).sent())
        return sent

    async def retrying(self) -> list[Retrying]:
        """See `Instance.retrying`."""
        retrying: list[Retrying] = await self._world.ask(lambda runtime: runtime.instance(self.id).retrying())
        return retrying

    async def signals(self) -> list[UnreadSignal]:
        """See `Instance.signals`."""
        signals: list[UnreadSignal] = await self._world.ask(lambda runtime: runtime.instance(self.id).signals())
        return signals

    async def awaited_signals(self) -> list[str]:
        """See `Instance.awaited_signals`."""
        names: list[str] = await self._world.ask(lambda runtime: runtime.instance(self.id).awaited_signals())
        return names

    async def recording(self, process: Process[..., Any]) -> Recording:
        """See `Instance.recording`."""
        recording: Recording = await self._world.ask(lambda runtime: runtime.instance(self.id).recording(process))
        return recording

    async def settle(self, step: str, *, sent: bool) -> None:
        """See `Instance.settle`."""
        await self.status()
        await self._world.ask(lambda runtime: runtime.instance(self.id).settle(step, sent=sent))
        await self._world.run_until_idle()

    async def skip_wait(self) -> None:
        """See `Instance.skip_wait`."""
        await self._world.ask(lambda runtime: runtime.instance(self.id).skip_wait())
        await self._world.run_until_idle()

    async def terminate(self, reason: str) -> None:
        """See `Instance.terminate`."""
        await self._world.ask(lambda runtime: runtime.instance(self.id).terminate(reason))
        await self._world.run_until_idle()


async def _settled(runtime: Runtime) -> None:
    await runtime.settled()
    runtime.engine.raise_breakdown()


async def _coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _id_of(key: str) -> UUID:
    """The same step has the same id in every run."""
    return UUID(bytes=blake2b(key.encode(), digest_size=16).digest(), version=4)


def _random_of(key: str) -> float:
    return Random(key).random()  # noqa: S311  not for secrets
