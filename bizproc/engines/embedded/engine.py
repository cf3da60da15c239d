"""
The embedded engine: which instances are in memory, what wakes them, and what becomes of those that end or break.

All of it on the loop's thread. Instances take turns (`instance.py`), the store's writer writes them (`turn.py`,
`works.py`), bodies of steps run in tasks (`bodies.py`). It knows the CRM only as a port that actions perform through.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from random import Random, random
from typing import Any, Final, TypeVar
from uuid import UUID, uuid4

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Delivered, Event, Late, Prepared, later
from bizproc.core.driver import Ask
from bizproc.core.errors import (
    InstanceNotFound,
    StoreError,
    UnknownProcess,
)
from bizproc.core.process import Call, Process
from bizproc.engines.embedded.asked import Asked, execute, nothing_with, set_error, set_result
from bizproc.engines.embedded.begun import begun_call, call_of_retried
from bizproc.engines.embedded.bodies import BodyEnded, RunStep, run_body, run_function, run_preparation
from bizproc.engines.embedded.body_tasks import Body, BodyTasks
from bizproc.engines.embedded.deliveries import Arrived, CancelAsked, Delivery, Settled, SkipAsked
from bizproc.engines.embedded.endings import Ending
from bizproc.engines.embedded.forking import ForkAt
from bizproc.engines.embedded.inspection import key_of
from bizproc.engines.embedded.instance import Instance
from bizproc.engines.embedded.loaded import Loaded
from bizproc.engines.embedded.outbox import Outbox, Outcome
from bizproc.engines.embedded.performing import Context, MakePort, Performed
from bizproc.engines.embedded.posts import Post
from bizproc.engines.embedded.progress import MakeDriver, plain_driver
from bizproc.engines.embedded.reactions import MakeSetting, Reaction, Reactions
from bizproc.engines.embedded.recovery import Recovery
from bizproc.engines.embedded.removal import Removal
from bizproc.engines.embedded.rules import Rules, check_starts
from bizproc.engines.embedded.serving import Serving
from bizproc.engines.embedded.settling import Decide, Decided
from bizproc.engines.embedded.starting import Started, check_id, document_ref, overlap_key, step_key
from bizproc.engines.embedded.timetable import Timetable
from bizproc.engines.embedded.turn import RUNNING, More, Standing, Turn, sql
from bizproc.engines.embedded.works import (
    Add,
    AskCancel,
    AskSkip,
    End,
    Fire,
    Fired,
    Load,
    Perform,
    Posted,
    Publish,
    Resume,
    Run,
    Send,
)
from bizproc.model.portal import Portal
from bizproc.ports.channel import Outside
from bizproc.ports.clock import Clock
from bizproc.ports.performing import ItemRef
from bizproc.store.database import Database, Transaction, Work
from bizproc.triggers.keys import RUNTIME, sent

T = TypeVar("T")


NOWHERE: Final = Outside()


def _no_setting(_port: object) -> None:
    """For engines whose triggers have no conditions."""


@define(kw_only=True)
class Options:
    """
    How the engine runs.

    Attributes:
        keep_in_memory: How many waiting instances stay in memory, so that they need no replay when they are woken.
        always_replay: Rebuild each instance from its journal before every turn.
        longest_journal: With more entries an instance fails (JournalTooLong); with a tenth of them it warns.
        jitter: Whether retry delays are spread at random.
        protect: Whether an instance that seems to bring the program down is run alone, and at last set aside.
        portal: In whose language and zone `printed` prints.
        new_id: Where the fresh ids of a step come from, given its key.
        random: Where the random numbers of a step come from, given its key.
        zone: The portal's time zone, in which schedules are meant that name none.
        retention: How long an ended instance is kept whose process does not say it.
        pause: Seconds between two batches of what is removed; None where nobody else needs the time, and the engine is
            not idle before all is removed.
        trace: Where turns write down what they journal, for those who look for the commit that went wrong.
        make_driver: Makes the driver of an instance; whoever watches what processes ask for has one of their own.
        run_step: Runs the body of a step; a test may answer in its place.
    """

    keep_in_memory: int = 1000
    always_replay: bool = False
    longest_journal: int = 100_000
    jitter: bool = True
    protect: bool = True
    zone: str = "UTC"
    retention: timedelta = timedelta(days=90)
    pause: float | None = 0.01
    portal: Portal = field(factory=Portal)
    new_id: Callable[[str], UUID] = lambda _key: uuid4()
    random: Callable[[str], float] = lambda _key: random()  # noqa: S311  not for secrets
    trace: list[str] | None = None
    run_step: RunStep = run_function
    make_driver: MakeDriver = plain_driver


class Engine:
    """
    Runs instances on one store.

    Attributes:
        live: The instances in memory, by key.
        removal: Removes instances that have ended long enough ago.
        outside: Works asked for from outside that are under way, the oldest first.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        make_port: MakePort,
        codec: Codec,
        options: Options,
        outside: Outside = NOWHERE,
        *,
        make_setting: MakeSetting = _no_setting,
    ) -> None:
        self.live: dict[int, Instance] = {}
        self.codec: Final = codec
        self.reactions: Final = Reactions(codec, make_port, make_setting)
        self.portal: Final = options.portal
        self.always_replay = options.always_replay
        self.new_id: Final = options.new_id
        self.random: Final = options.random
        self.trace: Final = options.trace
        self.longest_journal: Final = options.longest_journal
        self.long_journal: Final = options.longest_journal // 10
        self.channels: Final = outside.channels
        self.outside: dict[Asked[Any], None] = {}
        self.database: Final = database
        self._clock: Final = clock
        self.now: Final = clock.now
        self._options: Final = options
        self._processes: dict[tuple[str, int], Process[..., Any]] = {}
        self._loading: dict[int, list[Delivery]] = {}
        self._ending: dict[int, list[Callable[[], None]]] = {}
        self._bodies: set[Body[BodyEnded]] = set()
        self._tasks: Final[BodyTasks[BodyEnded]] = BodyTasks(self.begin_task)
        self._parked: dict[int, None] = {}
        self._endings: dict[int, list[asyncio.Future[None]]] = {}
        self._idle: list[asyncio.Future[None]] = []
        self._telling_idle = False
        self._closing = False
        self._next_timer: datetime | None = None
        self._firing = False
        self._closed = False
        self._run_step = options.run_step
        self.make_driver: Final = options.make_driver
        self._random = Random() if options.jitter else None  # noqa: S311  not for secrets
        self.recovery: Final = Recovery(self, protect=options.protect)
        self._verdicts: dict[int, asyncio.Future[Any]] = {}
        self._outbox: Final = Outbox(
            outside,
            codec,
            clock.now,
            partial(self.ask, outside=False),
            self.begin_task,
            self._sender,
            self._settled,
            self.wake_by,
            self.reactions,
        )
        self._serving: Final = Serving(self)
        self._timetable: Final = Timetable(self)
        self.removal: Final = Removal(self, options.retention, options.pause or 0)
        self._broken: BaseException | None = None
        self.on_breakdown: Callable[[], None] = _nothing
        database.on_trouble = self._troubled

    # -- processes -----------------------------------------------------------------------------------------------------

    def use(self, *processes: Process[..., Any]) -> None:
        """
        Load processes; instances of these can run, and their triggers start them, from now on.

        Raises:
            ProcessDefinitionError: One of them cannot start by itself as it says; none is loaded.
        """
        for process in processes:
            check_starts(process)
        for process in processes:
            self._processes[process.name, process.version] = process
        self.removal.use(self._processes.values())
        # A new one in place of the old: the writer's thread may be looking.
        self.reactions.rules = Rules.of(self._processes.values(), self._options.zone)
        if self.recovery.begun and any(process.starts is not None for process in processes):
            self.submit(self._timetable.plan())

    def know(self, process: Process[..., Any]) -> None:
        """A process that is started is known by itself."""
        if self._processes.get((process.name, process.version)) is not process:
            self.use(process)

    def processes(self) -> Mapping[tuple[str, int], Process[..., Any]]:
        """The loaded processes by name and version."""
        return self._processes

    def process(self, name: str, version: int | None = None) -> Process[..., Any]:
        """A loaded process; without a version the newest. Raises UnknownProcess."""
        versions = [number for known, number in self._processes if known == name]
        wanted = max(versions, default=None) if version is None else version
        found = None if wanted is None else self._processes.get((name, wanted))
        if found is None:
            loaded = ", ".join(f"{known} {number}" for known, number in sorted(self._processes)) or "none"
            raise UnknownProcess(process=name, version=version, loaded=loaded)
        return found

    # -- the engine's life ---------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Bring back the instances that have something to do; all others stay where they are."""
        await self.ask(self._timetable.open(), outside=False)
        await self.removal.open()
        await self.recovery.recover()

    def resend(self, posts: list[tuple[Any, ...]]) -> None:
        """Go on with posts that a program that ended has left."""
        self._outbox.recover(posts)

    def receive_guests(self) -> None:
        """Look into the inbox from here on."""
        self._serving.begin()

    async def finish(self) -> None:
        """Begin no step any more, and wait until those that run have ended; what is left then is for `close`."""
        self._closing = True
        self._serving.stop()
        await self.settled()

    async def close(self) -> None:
        """Let nothing new begin; bodies that run are cancelled, and will run again after the next start."""
        self._closing = True
        self._serving.close()
        self.removal.stop()
        self.recovery.stop()
        await self._outbox.close()
        await asyncio.gather(*self._tasks.cancel(), return_exceptions=True)
        if self.recovery.begun and not self.database.dead:
            with suppress(StoreError):  # then the next start takes this for a crash, which costs it a look
                await self.write(partial(execute, sql.close_orderly, ()))
        self.abandon()

    def abandon(self) -> None:
        """Drop everything in memory; none of the users' code runs any more."""
        self._closed = True
        self._serving.stop()
        self.removal.stop()
        self.recovery.stop()
        self._clock.wake_at(None, self.fire)
        self._tasks.cancel()
        self._outbox.abandon()
        closed = StoreError(f"{self.database.path} is closed.")
        waiting = [future for futures in self._endings.values() for future in futures]
        for future in [*waiting, *self._verdicts.values()]:
            set_error(future, closed)
        self._endings.clear()
        self._verdicts.clear()
        for instance in self.live.values():
            instance.leave()
        self.live.clear()
        self._parked.clear()

    def running_steps(self) -> int:
        """How many bodies of steps run, and posts are being sent."""
        return len(self._bodies) + len(self._outbox.sending)

    def is_idle(self) -> bool:
        """Whether nothing happens before time passes or somebody comes."""
        busy = self._bodies or self._loading or self._firing or self._outbox.sending or self.recovery.is_running
        removing = self.removal.is_running and self._options.pause is None
        return not busy and not removing and self.database.idle

    async def settled(self) -> None:
        """Wait until nothing happens before time passes or somebody comes."""
        while not self.is_idle():
            waiter = asyncio.get_running_loop().create_future()
            self._idle.append(waiter)
            await waiter

    def notice_idle(self) -> None:
        """Tell those who wait for it, once what is queued on the loop has run."""
        if self._idle and not self._telling_idle:
            self._telling_idle = True
            asyncio.get_running_loop().call_soon(self._tell_idle)

    def _tell_idle(self) -> None:
        self._telling_idle = False
        if not self.is_idle():
            return
        waiters, self._idle = self._idle, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    # -- from outside --------------------------------------------------------------------------------------------------

    async def start(self, call: Call[Any], id: str | None) -> Started:
        """Start an instance, or find the one that has this id. Raises StartConflict, StartRefused, WrongArgument."""
        check_id(id)
        self.know(call.process)
        started: Started = (await self.ask(Add(self.started, call=call, id=id, reactions=self.reactions)))[0]
        return started

    def started(self, result: tuple[Started, Reaction]) -> None:
        """A start is on disk."""
        self.reacted(result[1])

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run a function in a transaction of the store."""
        value: T = await self.ask(Run(nothing_with, function=function))
        return value

    async def perform(self, action: Any, key: str) -> Any:
        """Perform one action, outside any process, in one transaction. Raises what the action raises."""
        context = self.context(None, key, None)
        prepared = await self.prepare(action) if isinstance(action, Prepared) else None
        work = Perform(self.performed, action=action, context=context, prepared=prepared, reactions=self.reactions)
        performed: Performed = (await self.ask(work))[0]
        if performed.error is not None:
            raise performed.error
        if performed.post is not None and action.waits:
            return await self._in_time(action, context, self.verdict(performed.post.id))
        return performed.value

    async def _in_time(self, action: Delivered[Any], context: Context, verdict: Coroutine[Any, Any, Any]) -> Any:
        """The verdict, or, where it does not come in time, what the action has for that."""
        if action.patience is None:
            return await verdict
        try:
            async with asyncio.timeout(action.patience.total_seconds()):
                return await verdict
        except TimeoutError:
            work = Perform(self.performed, action=Late(action), context=context, reactions=self.reactions)
            late: Performed = (await self.ask(work))[0]
            if late.error is not None:
                raise late.error from None
            return late.value

    async def prepare(self, action: Prepared[Any]) -> Any:
        """What a prepared action does outside before it is performed."""
        return await action.prepare(self._outbox.outside)

    def performed(self, result: tuple[Performed, Reaction]) -> None:
        """An action performed outside any process is on disk."""
        performed, reaction = result
        self.reacted(reaction)
        if performed.post is not None:
            self._outbox.take([performed.post])
        self._outbox.take(performed.follow_ups)

    async def verdict(self, post: int) -> Any:
        """The value of a delivered action performed outside any process, once its fate is known."""
        future: asyncio.Future[Any] = self.future()
        self._verdicts[post] = future
        return await future

    async def signal(self, id: str, name: str, value: Any, key: str | None) -> None:
        """Send a signal. Raises InstanceNotFound, NotJournallable."""
        encoded = self.codec.encode(value, path=f"signal {name}")
        await self.ask(Send(self.posted, id=id, name=name, value=encoded, once=key))

    def posted(self, posted: Posted) -> None:
        if posted.signal is not None:
            self._deliver(posted.key, posted.signal, load=posted.wanted)

    async def publish(self, name: str, value: Any) -> None:
        """Send a signal to whoever listens to this name. Raises NotJournallable."""
        self.codec.encode(value, path=f"signal {name}")
        await self.ask(self.publication(name, value))

    def publication(self, name: str, value: Any) -> Publish:
        """The work that sends a signal to whoever listens."""
        event = Event(sent(name), RUNTIME, {"value": value})
        return Publish(self.reacted, event=event, reactions=self.reactions)

    async def pause(self, process: str, *, paused: bool) -> None:
        """Let the triggers of a process start nothing, or something again. Raises UnknownProcess."""
        await self.ask(self.pausing(process, paused=paused))

    def pausing(self, process: str, *, paused: bool) -> Run[None]:
        """The work that does it."""
        self.process(process)
        return Run(nothing_with, function=partial(_pause, process, paused=paused))

    async def cancel(self, id: str) -> None:
        """Ask an instance to cancel itself; one that has ended stays as it is. Raises InstanceNotFound."""
        await self.ask(AskCancel(self.cancel_asked, id=id, reactions=self.reactions))

    def cancel_asked(self, result: tuple[int, CancelAsked | None, Reaction]) -> None:
        """That an instance is to cancel itself is on disk, or its end is."""
        key, asked, reaction = result
        self.reacted(reaction)
        if asked is not None:
            self._deliver(key, asked, load=True)

    async def skip_wait(self, id: str) -> None:
        """End the wait of an instance that would be over first. Raises InstanceNotFound, NotResumable."""
        await self.ask(AskSkip(self.skip_asked, id=id))

    def skip_asked(self, result: tuple[int, SkipAsked]) -> None:
        key, asked = result
        self._deliver(key, asked, load=True)

    async def retry(self, id: str, *, again: bool = False) -> None:
        """Let an instance that failed or is stuck go on. Raises InstanceNotFound, NotResumable, StartRefused."""
        await self.ask(Resume(self.resumed, id=id, only=self.only, again=again))

    async def settle(self, id: str, step: str, *, sent: bool) -> None:
        """Say what became of an unknown delivery. Raises InstanceNotFound, NotResumable, StartRefused."""
        await self.ask(self.decision(id, step, sent=sent))

    def decision(self, id: str, step: str, *, sent: bool) -> Decide:
        """The work that writes it down."""
        return Decide(
            self._decided,
            id=id,
            step=step,
            sent=sent,
            only=self.only,
            codec=self.codec,
            context=self._sender,
            reactions=self.reactions,
        )

    def _decided(self, decided: Decided) -> None:
        if decided.resumed is not None:
            self.load(decided.resumed)
        if decided.again is not None:
            self._outbox.take([decided.again])
        if decided.settled is not None:
            post, outcome = decided.settled
            self._settled(post, outcome)
            self._outbox.take(outcome.follow_ups)

    def resumed(self, key: int) -> None:
        self.load(key)

    async def fork(self, id: str, step: str, called: str | None) -> str:
        """Fork an instance before a step; the id of the fork. Raises InstanceNotFound, UnknownStep, StoreDamaged."""
        check_id(called)
        return str((await self.ask(self.fork_of(id, step, called)))[1])

    def fork_of(self, id: str, step: str, called: str | None) -> ForkAt:
        """The work that forks an instance."""
        return ForkAt(self._forked, id=id, step=step, called=called, path=self.database.path, codec=self.codec)

    def _forked(self, forked: tuple[int, str]) -> None:
        self.load(forked[0])

    def only(self, process: str, version: int, document: ItemRef | None) -> str | None:
        return overlap_key(self.process(process, version), document)

    async def terminate(self, id: str, reason: str) -> None:
        """End an instance: none of its code runs any more. Raises InstanceNotFound."""
        key = await self.database.read(partial(key_of, id=id))
        future: asyncio.Future[None] = self.future()
        self._end(key, Ending("terminated", ended_by=reason), lambda: set_result(future, None))
        await future

    def context(self, instance: str | None, key: str, document: ItemRef | None) -> Context:
        return Context(
            self.codec, self.reactions.make_port, self.channels, instance, key, document, None, _no_primitive
        )

    def begin_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task of the engine's own: if it breaks, so does the engine, and everybody hears of it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._closed:
            self.break_down(error)

    async def ask(self, work: Asked[Any], *, outside: bool = True) -> Any:
        """Have a work done, and hear what came of it; `outside` if it was not the engine that wanted it."""
        future = self.future()
        done = work.done

        def tell(result: Any) -> None:
            self.outside.pop(work, None)
            try:
                done(result)
            finally:
                set_result(future, result)  # it is on disk, whatever becomes of it here

        def broken(error: BaseException) -> None:
            self.outside.pop(work, None)
            set_error(future, error)

        work.done, work.broken = tell, broken
        if outside:
            self.outside[work] = None
        else:
            work.patient = True  # nobody outside is there to ask again
        self.submit(work)
        return await future

    async def ended_once(self, key: int) -> None:
        """Wait for the end of an instance that has not ended."""
        future: asyncio.Future[None] = self.future()
        self._endings.setdefault(key, []).append(future)
        try:
            await future
        finally:
            left = [one for one in self._endings.pop(key, []) if one is not future]
            if left:
                self._endings[key] = left

    # -- into and out of memory ----------------------------------------------------------------------------------------

    def _begin(self, started: Started) -> None:
        if self._closed:
            return
        try:
            instance = Instance(self, started.key, started.id, started.call, document_ref(started.call), 0, RUNNING)
        except Exception as error:  # noqa: BLE001  its function cannot even be called
            self.set_aside(started.key, error)
            return
        self.live[started.key] = instance
        instance.begin()

    def load(self, key: int) -> None:
        if key in self._loading or key in self._ending or self._closed:
            return
        self._loading[key] = []
        self.submit(
            Load(
                self._loaded(key),
                broken=self._unloadable(key),
                key=key,
                path=self.database.path,
                codec=self.codec,
                patient=True,
            )
        )

    def _loaded(self, key: int) -> Callable[[Loaded | None], None]:
        def done(loaded: Loaded | None) -> None:
            late = self._loading.pop(key)
            if loaded is not None and loaded.state != "stuck" and key not in self._ending:
                self._revive(loaded, late)
            self.notice_idle()

        return done

    def forget_attempt(self, key: int, address: str) -> None:
        """What stands at this address now is no step that was tried."""
        self.submit(Run(nothing_with, function=partial(_forget_attempt, (key, address)), patient=True))

    def _revive(self, loaded: Loaded, late: Sequence[Delivery]) -> None:
        try:
            instance = self._again(loaded)
            self.live[loaded.key] = instance
            self._parked.pop(loaded.key, None)
            loaded.arrivals += late
            instance.come_back(loaded)
        except Exception as error:  # noqa: BLE001  whatever keeps it from coming back: a person must look at it
            self.set_aside(loaded.key, error)

    def _again(self, loaded: Loaded) -> Instance:
        instance = self.live.get(loaded.key)
        if instance is not None and instance.run == loaded.run:
            instance.begin_again()
            return instance
        self._leave(loaded.key)  # an earlier run of it
        return self._instance(loaded)

    def _instance(self, loaded: Loaded) -> Instance:
        process = self.process(loaded.process, loaded.version)
        call = None
        if loaded.retried is not None or loaded.unstuck:
            call, loaded.adopted = call_of_retried(process, loaded, self.codec)
        call = call or begun_call(process, loaded.arguments, self.codec)
        standing = Standing(loaded.state, loaded.waits_for, loaded.until)
        return Instance(self, loaded.key, loaded.id, call, loaded.document, loaded.run, standing)

    def _unloadable(self, key: int) -> Callable[[BaseException], None]:
        def broken(error: BaseException) -> None:
            self._loading.pop(key, None)
            self.set_aside(key, error)

        return broken

    def reload(self, instance: Instance) -> None:
        """Rebuild an instance from its journal: it begins anew, or every turn is to be a replay."""
        self.load(instance.key)

    def began_anew(self, instance: Instance) -> None:
        """The run is over, and its bodies with it: bring back the next one."""
        self._leave(instance.key)
        self.load(instance.key)

    def resting(self, instance: Instance) -> None:
        """The instance has nothing to do at present; it may leave memory if others have come since."""
        self.notice_idle()
        if instance.is_parked():
            self.recovery.came_further(instance.key)
            self._parked.pop(instance.key, None)
            self._parked[instance.key] = None
        while len(self._parked) > self._options.keep_in_memory:
            self._evict(next(iter(self._parked)))

    def _evict(self, key: int) -> None:
        del self._parked[key]
        instance = self.live.get(key)
        # One whose coroutine cannot be dropped without running user code stays in memory, and is not counted.
        if instance is not None and instance.can_leave():
            del self.live[key]
            instance.leave()

    # -- what wakes instances ------------------------------------------------------------------------------------------

    def reacted(self, reaction: Reaction) -> None:
        """What a commit has brought about besides itself: ends first, for what has ended runs no more."""
        for key in reaction.ended:
            self._ended_by_another(key)
        gone = frozenset(reaction.ended)
        for started in reaction.started:
            if not started.waits and started.key not in gone:
                self._begin(started)
        for key in reaction.begun:
            if key not in gone:
                self.load(key)
        for one in reaction.woken:
            if one.error is None:
                self._deliver(one.instance, Arrived(one.address, one.arrival, one.event), load=True)
            else:
                self._deliver(one.instance, Settled(one.address, one.arrival, None, one.error), load=True)

    def _ended_by_another(self, key: int) -> None:
        instance = self.live.get(key)
        terminated = None if instance is None else instance.after_turn
        if instance is None or instance.is_between_turns():
            self.reactions.ended.discard(key)  # else when its turn is over
        self._leave(key)
        self._tell_ended(key)
        if terminated is not None:
            terminated()  # somebody wanted the same

    def look_again(self, instance: Instance) -> None:
        """Another's commit has ended it, as will be heard of in a moment; if that was undone, it goes on."""
        self._leave(instance.key)
        self.load(instance.key)

    def _deliver(self, key: int, delivery: Delivery, *, load: bool) -> None:
        """To the instance's mailbox. One that is not in memory finds it in the store, and is loaded if it wants it."""
        instance = self.live.get(key)
        if key in self._loading:
            self._loading[key].append(delivery)
        elif instance is not None:
            self._parked.pop(key, None)
            instance.receive(delivery)
            instance.go()
        elif load:
            self.load(key)

    def written(self, turn: Turn, rest: More) -> None:
        """What a committed turn brought about outside its instance: children, woken waits, posts, a deadline."""
        for key, arrival in rest.cancels:
            self._deliver(key, CancelAsked(arrival), load=True)
        if turn.reaction is not None:
            self.reacted(turn.reaction)
        self._outbox.take(rest.posts)
        deadlines = rest.timers + [when for when in rest.began.values() if when is not None]
        self.wake_by(min(deadlines, default=None))

    def wake_by(self, moment: datetime | None) -> None:
        """Look at what is due at this moment, at the latest."""
        if moment is None or (self._next_timer is not None and self._next_timer <= moment):
            return
        self._next_timer = moment
        if moment <= self.now():
            self.fire()
        else:
            self._clock.wake_at(moment, self.fire)

    def fire(self) -> None:
        if not self._firing:
            self._firing = True
            self._next_timer = None
            self.submit(Fire(self._fired, broken=self._not_fired, now=self.now(), patient=True))
            self._timetable.strike_if_due()
            self.removal.begin_if_due()

    def _fired(self, fired: Fired) -> None:
        self._firing = False
        for key, due in fired.due:
            self._deliver(key, due, load=True)
        self._outbox.due(fired.posts)
        self.wake_by(fired.next)
        self.wake_by(self._timetable.next)
        self.wake_by(self.removal.next)
        if self._next_timer is not None and self._next_timer <= self.now():
            self.fire()  # it came while the others were being fired
        self.notice_idle()

    def _not_fired(self, error: BaseException) -> None:
        self._firing = False
        self.break_down(error)

    # -- the outbox ----------------------------------------------------------------------------------------------------

    def _sender(self, post: Post) -> Context:
        """In whose name a verdict is settled: the key begins with the instance's id."""
        instance = None if post.instance is None else post.key.rpartition("/")[0]
        return self.context(instance, post.key, post.document)

    def _settled(self, post: Post, outcome: Outcome) -> None:
        self.reacted(outcome.reaction)
        if outcome.delivery is not None and post.instance is not None:
            self._deliver(post.instance, outcome.delivery, load=True)
        future = self._verdicts.pop(post.id, None)
        if future is not None and outcome.error is not None:
            set_error(future, outcome.error)
        elif future is not None:
            set_result(future, outcome.value)
        self.notice_idle()

    # -- bodies of steps -----------------------------------------------------------------------------------------------

    def begin_body(self, instance: Instance, ask: Ask) -> StepBody | None:
        """Run the body of a step; None where none begins any more."""
        if self._closing:
            self.notice_idle()
            return None  # after the next start
        body = StepBody(self, instance, ask)
        self._bodies.add(body)
        self._tasks.begin(body)
        return body

    def make_body(self, instance: Instance, ask: Ask) -> Coroutine[Any, Any, BodyEnded]:
        """What runs, when its turn comes."""
        address: Final = ask.address
        command: Any = ask.command
        if isinstance(command, Prepared):
            return run_preparation(command, address, self._outbox.outside, self.codec, self.now)
        attempt = instance.progress.attempts.get(address, 0) + 1
        key = step_key(instance.id, instance.run, address)
        return run_body(command, address, key, attempt, self.codec, self.now, self._random, self._run_step)

    def body_ended(self, body: StepBody) -> None:
        """The body of a step has ended, or was cancelled."""
        if body in self._bodies:
            self._bodies.discard(body)
            instance = body.instance
            if body.value is not None and self.live.get(instance.key) is instance:
                if self._loading:
                    self._deliver(instance.key, body.value, load=False)
                else:
                    self._parked.pop(instance.key, None)
                    instance.body_ended(body.value)
        self.notice_idle()

    def cancel_body(self, body: StepBody | None) -> None:
        """The step was cancelled: nobody waits for its body."""
        if body is not None and body in self._bodies:
            self._bodies.discard(body)
            body.cancel()

    # -- endings -------------------------------------------------------------------------------------------------------

    def ended(self, instance: Instance) -> None:
        """An instance has ended with its turn."""
        self._leave(instance.key)
        self._tell_ended(instance.key)

    def _leave(self, key: int) -> None:
        instance = self.live.pop(key, None)
        self._parked.pop(key, None)
        if instance is not None:
            for body in instance.bodies.values():
                self.cancel_body(body)
            instance.bodies.clear()
            instance.leave()
        self.notice_idle()

    def _tell_ended(self, key: int) -> None:
        self.removal.ended()
        self.recovery.came_further(key)
        for future in self._endings.pop(key, []):
            set_result(future, None)

    def _end(self, key: int, ending: Ending, then: Callable[[], None]) -> None:
        """End an instance from outside; it takes no turn meanwhile."""
        instance = self.live.get(key)
        if key in self._ending:
            # It may only be set aside by that, and then this one still ends it.
            self._ending[key].append((lambda: self._end(key, ending, then)) if ending.final else then)
            return
        self._ending[key] = [then]
        if instance is not None and not instance.is_between_turns():
            instance.after_turn = lambda: self._end_now(key, ending)
        else:
            self._end_now(key, ending)

    def _end_now(self, key: int, ending: Ending) -> None:
        self._leave(key)

        def done(reaction: Reaction | None) -> None:
            waiting = self._ending.pop(key)
            if reaction is not None:
                self.reacted(reaction)
            self._tell_ended(key)  # those who wait look again: one that is stuck does not end by itself
            for then in waiting:
                then()
            self.notice_idle()

        def broken(error: BaseException) -> None:
            self._ending.pop(key)
            self.break_down(error)

        self.submit(End(done, broken=broken, key=key, ending=ending, reactions=self.reactions, patient=True))

    def fail(self, key: int, error: BaseException) -> None:
        """The instance fails from outside its code."""
        self._end(key, Ending("failed", error=self.codec.encode_error(error)), _nothing)

    def set_aside(self, key: int, error: BaseException) -> None:
        """The instance cannot go on before a person puts something right; nothing of it is lost."""
        if isinstance(error, StoreError) and self.database.dead:
            self.break_down(error)
            return
        self._end(key, Ending("stuck", error=self.codec.encode_error(error)), _nothing)

    def turn_failed(self, instance: Instance, error: BaseException) -> None:
        """A turn could not be written: the instance is set aside, or the store is gone."""
        if self.database.dead:
            self.break_down(error)
        elif instance.after_turn is not None:
            instance.after_turn()
        else:
            self.set_aside(instance.key, error)

    # -- breaking down -------------------------------------------------------------------------------------------------

    def _troubled(self, error: StoreError | None) -> None:
        """What passes is waited for, and nobody need know; a store that is lost ends the engine, even an idle one."""
        if error is not None and self.database.dead:
            self.break_down(error)

    def break_down(self, error: BaseException) -> None:
        """The engine cannot go on: tell everybody who waits."""
        if self._broken is None:
            self._broken = error
            self.on_breakdown()
        futures = [future for futures in self._endings.values() for future in futures] + self._idle
        futures += self._verdicts.values()
        self._verdicts.clear()
        self._endings.clear()
        self._idle = []
        for future in futures:
            set_error(future, error)

    def raise_breakdown(self) -> None:
        """Raise why the engine cannot go on, if it cannot."""
        if self._broken is not None:
            raise self._broken

    # -- small things --------------------------------------------------------------------------------------------------

    def submit(self, work: Work) -> None:
        """Have something written in the next group."""
        self.database.submit(work)

    def later(self, duration: timedelta) -> datetime:
        """The moment after a duration; the end of time where there is none."""
        return later(self._clock.now(), duration)

    def future(self) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self.notice_idle())
        return future


class StepBody(Body[BodyEnded]):
    """The body of one step of an instance. It ends as a delivery to that."""

    __slots__ = ("_engine", "ask", "instance")

    def __init__(self, engine: Engine, instance: Instance, ask: Ask) -> None:
        self.task = self.value = None  # as in Body, without a call
        self.cancelled = False
        self._engine = engine
        self.instance = instance
        self.ask = ask

    def make(self) -> Coroutine[Any, Any, BodyEnded]:
        return self._engine.make_body(self.instance, self.ask)

    def over(self) -> None:
        self._engine.body_ended(self)


def _nothing() -> None:
    pass


def _pause(process: str, tx: Transaction, *, paused: bool) -> None:
    if paused:
        tx.execute(sql.pause, {"process": process, "at": tx.now_text})
    else:
        tx.execute(sql.unpause, {"process": process})


def _forget_attempt(where: tuple[int, str], tx: Transaction) -> None:
    for text in (sql.end_timer, sql.end_arrivals, sql.end_attempts):
        tx.execute(text, where)


def _no_primitive(_tx: object, command: Any) -> Any:
    raise TypeError(f"{command.name} is for processes: await it in one")


__all__ = ["Engine", "InstanceNotFound", "Options"]
