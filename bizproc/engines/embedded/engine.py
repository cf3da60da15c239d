"""
The embedded engine: which instances are in memory, what wakes them, and what becomes of those that end or break.

All of it on the loop's thread. Instances take turns (`instance.py`), the store's writer writes them (`turn.py`,
`works.py`), bodies of steps run in tasks (`bodies.py`). It knows the CRM only as a port that actions perform through.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from random import Random, random
from typing import Any, Final, TypeVar, assert_never
from uuid import UUID, uuid4

from attrs import define, field

from bizproc.core.codec import Codec
from bizproc.core.commands import Delivered, Late, Prepared, Verdict
from bizproc.core.driver import Ask
from bizproc.core.errors import (
    DeliveryUnknown,
    InstanceNotFound,
    InstancePoisoned,
    NotRestorable,
    SendRefused,
    StoreError,
    UnknownProcess,
)
from bizproc.core.process import Call, Process
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.bodies import run_body, run_preparation
from bizproc.engines.embedded.deliveries import Arrived, CancelAsked, Delivery, SkipAsked
from bizproc.engines.embedded.endings import Ending
from bizproc.engines.embedded.events import Woken
from bizproc.engines.embedded.forking import ForkAt
from bizproc.engines.embedded.inbox import Handled, Inbox
from bizproc.engines.embedded.inspection import key_of
from bizproc.engines.embedded.instance import Instance
from bizproc.engines.embedded.loaded import Loaded
from bizproc.engines.embedded.outbox import Outbox, Outcome
from bizproc.engines.embedded.performing import Context, MakePort, Performed
from bizproc.engines.embedded.posts import Post
from bizproc.engines.embedded.requests import (
    CancelRequest,
    PerformRequest,
    Request,
    RetryRequest,
    SignalRequest,
    SkipRequest,
    StartRequest,
    TerminateRequest,
)
from bizproc.engines.embedded.starting import Started, check_id, decode_call, document_ref, overlap_key
from bizproc.engines.embedded.turn import Standing, Turn, sql
from bizproc.engines.embedded.works import (
    DEATHS_ALONE,
    Add,
    AskCancel,
    AskSkip,
    End,
    Fire,
    Fired,
    Load,
    Perform,
    Posted,
    Resume,
    Run,
    Send,
    Survey,
    Suspects,
)
from bizproc.model.portal import Portal
from bizproc.ports.channel import Outside
from bizproc.ports.clock import Clock
from bizproc.ports.performing import ItemRef
from bizproc.store.database import Database, Transaction, Work

T = TypeVar("T")


NOWHERE: Final = Outside()


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
        trace: Where turns write down what they journal, for those who look for the commit that went wrong.
    """

    keep_in_memory: int = 1000
    always_replay: bool = False
    longest_journal: int = 100_000
    jitter: bool = True
    protect: bool = True
    portal: Portal = field(factory=Portal)
    new_id: Callable[[str], UUID] = lambda _key: uuid4()
    random: Callable[[str], float] = lambda _key: random()  # noqa: S311  not for secrets
    trace: list[str] | None = None


class Engine:
    """
    Runs instances on one store.

    Attributes:
        live: The instances in memory, by key.
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
    ) -> None:
        self.live: dict[int, Instance] = {}
        self.codec: Final = codec
        self.make_port: Final = make_port
        self.portal: Final = options.portal
        self.always_replay = options.always_replay
        self.new_id: Final = options.new_id
        self.random: Final = options.random
        self.trace: Final = options.trace
        self.longest_journal: Final = options.longest_journal
        self.channels: Final = outside.channels
        self.outside: dict[Asked[Any], None] = {}
        self._database: Final = database
        self._clock: Final = clock
        self._options: Final = options
        self._processes: dict[tuple[str, int], Process[..., Any]] = {}
        self._loading: dict[int, list[Delivery]] = {}
        self._ending: dict[int, list[Callable[[], None]]] = {}
        self._bodies: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._parked: dict[int, None] = {}
        self._endings: dict[int, list[asyncio.Future[None]]] = {}
        self._idle: list[asyncio.Future[None]] = []
        self._telling_idle = False
        self._recovered = False
        self._closing = False
        self._next_timer: datetime | None = None
        self._firing = False
        self._closed = False
        self._random = Random() if options.jitter else None  # noqa: S311  not for secrets
        self._recovery: asyncio.Future[None] | None = None
        self._alone: tuple[int, asyncio.Future[None]] | None = None
        self._verdicts: dict[int, asyncio.Future[Any]] = {}
        self._outbox: Final = Outbox(
            outside,
            codec,
            clock.now,
            partial(self._ask, outside=False),
            self._begin_task,
            self._sender,
            self._settled,
            self._wake_by,
        )
        self._serving: dict[int, asyncio.Task[None]] = {}
        self._inbox: Final = Inbox(database, codec, self._begin_task, self._serve)
        self._broken: BaseException | None = None
        self.on_breakdown: Callable[[], None] = _nothing
        database.on_trouble = self._troubled

    # -- processes -----------------------------------------------------------------------------------------------------

    def use(self, *processes: Process[..., Any]) -> None:
        """Load processes; instances of these can run from now on."""
        for process in processes:
            self._processes[process.name, process.version] = process

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
        survey = Survey(
            _nothing_with, protect=self._options.protect, loaded=frozenset(self._processes), codec=self.codec
        )
        found: Suspects = await self._ask(survey, outside=False)
        posts = await self._database.read(lambda connection: connection.execute(sql.open_posts).fetchall())
        self._recovered = True
        self._recovery = self._begin_task(self._recover(found, posts))
        if not (found.suspects or found.poisoned):
            await self._recovery

    async def _recover(self, found: Suspects, posts: list[tuple[Any, ...]]) -> None:
        for key in found.poisoned:
            work = Run(_nothing_with, function=partial(_id_of, key))
            id = await self._ask(work, outside=False)
            self.set_aside(key, InstancePoisoned(instance=id, times=DEATHS_ALONE))
        for key in found.suspects:
            await self._run_alone(key)
        for key in found.ready:
            self._load(key)
        self._outbox.recover(posts)
        self._recovery = None
        self._fire()

    async def _run_alone(self, key: int) -> None:
        """Nothing else runs before this one has come further: if the program dies now, it is known who did it."""
        await self._ask(Run(_nothing_with, function=partial(_execute, sql.alone, {"key": key})), outside=False)
        self._alone = key, self._future()
        self._load(key)
        came_further, _ = await asyncio.wait({self._alone[1]}, timeout=ALONE_AT_MOST)
        self._alone = None
        if not came_further:
            # It has run for so long: whatever brought the program down was not this at its beginning.
            await self._ask(Run(_nothing_with, function=partial(_execute, sql.no_crashes, (key,))), outside=False)

    def _came_further(self, key: int) -> None:
        if self._alone is not None and self._alone[0] == key:
            _set(self._alone[1], None)

    async def close(self) -> None:
        """Let nothing new begin; bodies that run are cancelled, and will run again after the next start."""
        self._closing = True
        self._inbox.stop()
        for serving in self._serving.values():
            serving.cancel()
        if self._recovery is not None:
            self._recovery.cancel()
        await self._outbox.close()
        tasks = list(self._bodies.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._recovered and not self._database.dead:
            with suppress(StoreError):  # then the next start takes this for a crash, which costs it a look
                await self.write(partial(_execute, sql.close_orderly, ()))
        self.abandon()

    def abandon(self) -> None:
        """Drop everything in memory; none of the users' code runs any more."""
        self._closed = True
        self._inbox.stop()
        if self._recovery is not None:
            self._recovery.cancel()
        self._clock.wake_at(None, self._fire)
        for task in self._bodies.values():
            task.cancel()
        self._outbox.abandon()
        closed = StoreError(f"{self._database.path} is closed.")
        waiting = [future for futures in self._endings.values() for future in futures]
        for future in [*waiting, *self._verdicts.values()]:
            _set_error(future, closed)
        self._endings.clear()
        self._verdicts.clear()
        for instance in self.live.values():
            instance.leave()
        self.live.clear()
        self._parked.clear()

    def is_idle(self) -> bool:
        """Whether nothing happens before time passes or somebody comes."""
        busy = self._bodies or self._loading or self._firing or self._outbox.sending or self._recovery
        return not busy and self._database.idle

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
        started: Started = await self._ask(Add(self._started, call=call, id=id, codec=self.codec))
        return started

    def _started(self, started: Started) -> None:
        if started.fresh:
            self._begin(started)

    async def write(self, function: Callable[[Transaction], T]) -> T:
        """Run a function in a transaction of the store."""
        value: T = await self._ask(Run(_nothing_with, function=function))
        return value

    async def perform(self, action: Any, key: str) -> Any:
        """Perform one action, outside any process, in one transaction. Raises what the action raises."""
        context = self._context(None, key, None)
        if isinstance(action, Prepared):
            prepared = await action.prepare(self._outbox.outside)
        else:
            prepared = None
        work = Perform(self._performed, action=action, context=context, prepared=prepared)
        performed: Performed = (await self._ask(work))[0]
        if performed.error is not None:
            raise performed.error
        if performed.post is not None and action.waits:
            return await self._in_time(action, context, self._verdict(performed.post.id))
        return performed.value

    async def _in_time(self, action: Delivered[Any], context: Context, verdict: Coroutine[Any, Any, Any]) -> Any:
        """The verdict, or, where it does not come in time, what the action has for that."""
        if action.patience is None:
            return await verdict
        try:
            async with asyncio.timeout(action.patience.total_seconds()):
                return await verdict
        except TimeoutError:
            late: Performed = (await self._ask(Perform(self._performed, action=Late(action), context=context)))[0]
            if late.error is not None:
                raise late.error from None
            return late.value

    def _performed(self, result: tuple[Performed, list[Woken]]) -> None:
        performed, woken = result
        self.wake(woken)
        if performed.post is not None:
            self._outbox.take([performed.post])

    async def _verdict(self, post: int) -> Any:
        """The value of a delivered action performed outside any process, once its fate is known."""
        future: asyncio.Future[Any] = self._future()
        self._verdicts[post] = future
        return await future

    async def signal(self, id: str, name: str, value: Any, key: str | None) -> None:
        """Send a signal. Raises InstanceNotFound, NotJournallable."""
        encoded = self.codec.encode(value, path=f"signal {name}")
        await self._ask(Send(self._posted, id=id, name=name, value=encoded, once=key))

    def _posted(self, posted: Posted) -> None:
        if posted.signal is not None:
            self._deliver(posted.key, posted.signal, load=posted.wanted)

    async def cancel(self, id: str) -> None:
        """Ask an instance to cancel itself; one that has ended stays as it is. Raises InstanceNotFound."""
        await self._ask(AskCancel(self._cancel_asked, id=id))

    def _cancel_asked(self, result: tuple[int, CancelAsked | None]) -> None:
        key, asked = result
        if asked is not None:
            self._deliver(key, asked, load=True)

    async def skip_wait(self, id: str) -> None:
        """End the wait of an instance that would be over first. Raises InstanceNotFound, NotResumable."""
        await self._ask(AskSkip(self._skip_asked, id=id))

    def _skip_asked(self, result: tuple[int, SkipAsked]) -> None:
        key, asked = result
        self._deliver(key, asked, load=True)

    async def retry(self, id: str, *, again: bool = False) -> None:
        """Let an instance that failed or is stuck go on. Raises InstanceNotFound, NotResumable, StartRefused."""
        await self._ask(Resume(self._resumed, id=id, only=self._only, again=again))

    def _resumed(self, key: int) -> None:
        self._load(key)

    async def fork(self, id: str, step: str, called: str | None) -> str:
        """Fork an instance before a step; the id of the fork. Raises InstanceNotFound, UnknownStep, StoreDamaged."""
        check_id(called)
        work = ForkAt(self._forked, id=id, step=step, called=called, path=self._database.path, codec=self.codec)
        return str((await self._ask(work))[1])

    def _forked(self, forked: tuple[int, str]) -> None:
        self._load(forked[0])

    def _only(self, process: str, version: int, document: ItemRef | None) -> str | None:
        return overlap_key(self.process(process, version), document)

    async def terminate(self, id: str, reason: str) -> None:
        """End an instance: none of its code runs any more. Raises InstanceNotFound."""
        key = await self._database.read(partial(key_of, id=id))
        future: asyncio.Future[None] = self._future()
        self._end(key, Ending("terminated", ended_by=reason), lambda: _set(future, None))
        await future

    def _context(self, instance: str | None, key: str, document: ItemRef | None) -> Context:
        return Context(self.codec, self.make_port, self.channels, instance, key, document, None, _no_primitive)

    def _begin_task(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task of the engine's own: if it breaks, so does the engine, and everybody hears of it."""
        task = asyncio.get_running_loop().create_task(coroutine)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._closed:
            self.break_down(error)

    async def _ask(self, work: Asked[Any], *, outside: bool = True) -> Any:
        """Have a work done, and hear what came of it; `outside` if it was not the engine that wanted it."""
        future = self._future()
        done = work.done

        def tell(result: Any) -> None:
            self.outside.pop(work, None)
            try:
                done(result)
            finally:
                _set(future, result)  # it is on disk, whatever becomes of it here

        def broken(error: BaseException) -> None:
            self.outside.pop(work, None)
            _set_error(future, error)

        work.done, work.broken = tell, broken
        if outside:
            self.outside[work] = None
        else:
            work.patient = True  # nobody outside is there to ask again
        self.submit(work)
        return await future

    async def ended_once(self, key: int) -> None:
        """Wait for the end of an instance that has not ended."""
        future: asyncio.Future[None] = self._future()
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
            instance = Instance(self, started.key, started.id, started.call, document_ref(started.call), 0, Standing())
        except Exception as error:  # noqa: BLE001  its function cannot even be called
            self.set_aside(started.key, error)
            return
        self.live[started.key] = instance
        instance.begin()

    def _load(self, key: int) -> None:
        if key in self._loading or key in self._ending or self._closed:
            return
        self._loading[key] = []
        self.submit(
            Load(
                self._loaded(key),
                broken=self._unloadable(key),
                key=key,
                path=self._database.path,
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
        call = decode_call(process, loaded.arguments, self.codec)
        standing = Standing(loaded.state, loaded.waits_for, loaded.until)
        return Instance(self, loaded.key, loaded.id, call, loaded.document, loaded.run, standing)

    def _unloadable(self, key: int) -> Callable[[BaseException], None]:
        def broken(error: BaseException) -> None:
            self._loading.pop(key, None)
            self.set_aside(key, error)

        return broken

    def reload(self, instance: Instance) -> None:
        """Rebuild an instance from its journal: it begins anew, or every turn is to be a replay."""
        self._load(instance.key)

    def began_anew(self, instance: Instance) -> None:
        """The run is over, and its bodies with it: bring back the next one."""
        self._leave(instance.key)
        self._load(instance.key)

    def resting(self, instance: Instance) -> None:
        """The instance has nothing to do at present; it may leave memory if others have come since."""
        self.notice_idle()
        if instance.is_parked():
            self._came_further(instance.key)
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

    def wake(self, woken: Iterable[Woken]) -> None:
        """Give events to those who wait for them."""
        for one in woken:
            self._deliver(one.instance, Arrived(one.address, one.arrival, one.event), load=True)

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
            self._load(key)

    def written(self, turn: Turn) -> None:
        """What a committed turn brought about outside its instance: children, woken waits, posts, a deadline."""
        self._came_further(turn.key)
        for started in turn.started:
            if started.fresh:
                self._begin(started)
        for key, arrival in turn.cancels:
            self._deliver(key, CancelAsked(arrival), load=True)
        self.wake(turn.woken)
        self._outbox.take(turn.posts)
        deadlines = turn.timers + [when for when in turn.began.values() if when is not None]
        self._wake_by(min(deadlines, default=None))

    def _wake_by(self, moment: datetime | None) -> None:
        if moment is None or (self._next_timer is not None and self._next_timer <= moment):
            return
        self._next_timer = moment
        if moment <= self.now():
            self._fire()
        else:
            self._clock.wake_at(moment, self._fire)

    def _fire(self) -> None:
        if not self._firing:
            self._firing = True
            self._next_timer = None
            self._outbox.due(self.now())
            self.submit(Fire(self._fired, broken=self._not_fired, now=self.now(), patient=True))

    def _fired(self, fired: Fired) -> None:
        self._firing = False
        for key, due in fired.due:
            self._deliver(key, due, load=True)
        self._wake_by(fired.next)
        self._wake_by(self._outbox.next_due())
        if self._next_timer is not None and self._next_timer <= self.now():
            self._fire()  # it came while the others were being fired
        self.notice_idle()

    def _not_fired(self, error: BaseException) -> None:
        self._firing = False
        self.break_down(error)

    # -- guests --------------------------------------------------------------------------------------------------------

    def receive_guests(self) -> None:
        """Look into the inbox from here on."""
        self._inbox.start()

    async def _serve(self, request: int, asked: Request | NotRestorable) -> None:
        """Do what a guest wants, and write the answer with it."""
        if request in self._serving:
            return
        if isinstance(asked, NotRestorable):
            await self._answer_guest(request, Run(_nothing_with, function=partial(_raise, asked)), _same)
            return
        if isinstance(asked, PerformRequest) and isinstance(asked.action, Delivered | Prepared):
            # It takes its time outside, and others need not wait for it.
            self._serving[request] = self._begin_task(self._serve_outside(request, asked.action))
            return
        if isinstance(asked, TerminateRequest):
            with suppress(InstanceNotFound):
                await self.terminate(asked.id, asked.reason)
        try:
            work, public = self._wanted(asked)
        except Exception as error:  # noqa: BLE001  it belongs to the guest
            work, public = Run(_nothing_with, function=partial(_raise, error)), _same
        await self._answer_guest(request, work, public)

    async def _serve_outside(self, request: int, action: Any) -> None:
        """What was posted for this request before a crash is not posted again: its fate is the answer."""
        try:
            await self._serve_slowly(request, action)
        finally:
            del self._serving[request]

    async def _serve_slowly(self, request: int, action: Any) -> None:
        key = f"guest/{request}"
        try:
            if isinstance(action, Prepared):
                prepared = await action.prepare(self._outbox.outside)
                context = self._context(None, key, None)
                work: Asked[Any] = Perform(self._performed, action=action, context=context, prepared=prepared)
                await self._answer_guest(request, work, _value_of)
                return
            row = await self._database.read(lambda connection: connection.execute(sql.post_of_key, (key,)).fetchone())
            value = await (self.perform(action, key) if row is None else self._fate(*row))
            function: Callable[[Any], Any] = partial(_give, value)
        except Exception as error:  # noqa: BLE001  it belongs to the guest
            function = partial(_raise, error)
        await self._answer_guest(request, Run(_nothing_with, function=function), _same)

    async def _fate(self, post: int, channel: str, state: str, verdict: str | None) -> Any:
        if state in ("ready", "sending"):
            return await self._verdict(post)
        reason = self.codec.decode(verdict or "null", Verdict).reason
        if state == "refused":
            raise SendRefused(channel=channel, reason=reason)
        if state == "unknown":
            raise DeliveryUnknown(channel=channel, step="0", reason=reason)
        return None

    async def _answer_guest(self, request: int, work: Asked[Any], public: Callable[[Any], Any]) -> None:
        handled = Handled(_nothing_with, work=work, public=public, request=request, codec=self.codec)
        await self._ask(handled, outside=False)

    def _wanted(self, asked: Request) -> tuple[Asked[Any], Callable[[Any], Any]]:
        match asked:
            case StartRequest(process, version, arguments, id):
                check_id(id)
                call = decode_call(self.process(process, version), arguments, self.codec)
                return Add(self._started, call=call, id=id, codec=self.codec), attrgetter("id")
            case PerformRequest(action):
                key = f"guest/{self.new_id('guest')}"
                return Perform(self._performed, action=action, context=self._context(None, key, None)), _value_of
            case SignalRequest(id, name, value, key):
                return Send(self._posted, id=id, name=name, value=value, once=key), _none
            case CancelRequest(id):
                return AskCancel(self._cancel_asked, id=id), _none
            case TerminateRequest():
                return Run(_nothing_with, function=_none), _none
            case RetryRequest(id, again):
                return Resume(self._resumed, id=id, only=self._only, again=again), _none
            case SkipRequest(id):
                return AskSkip(self._skip_asked, id=id), _none
            case _:
                assert_never(asked)

    # -- the outbox ----------------------------------------------------------------------------------------------------

    def _sender(self, post: Post) -> Context:
        """In whose name a verdict is settled: the key begins with the instance's id."""
        instance = None if post.instance is None else post.key.rpartition("/")[0]
        return self._context(instance, post.key, post.document)

    def _settled(self, post: Post, outcome: Outcome) -> None:
        self.wake(outcome.woken)
        if outcome.post is not None:
            self._outbox.take([outcome.post])
        if outcome.delivery is not None and post.instance is not None:
            self._deliver(post.instance, outcome.delivery, load=True)
        future = self._verdicts.pop(post.id, None)
        if future is not None and outcome.error is not None:
            _set_error(future, outcome.error)
        elif future is not None:
            _set(future, outcome.value)
        self.notice_idle()

    # -- bodies of steps -----------------------------------------------------------------------------------------------

    def begin_body(self, instance: Instance, ask: Ask) -> None:
        """Run the body of a step in a task of its own."""
        if self._closing:
            return  # after the next start
        attempt = instance.progress.attempts.get(ask.address, 0) + 1
        task = self._begin_task(self._body(instance, ask, attempt))
        self._bodies[instance.key, ask.address] = task

    async def _body(self, instance: Instance, ask: Ask, attempt: int) -> None:
        address: Final = ask.address
        command: Any = ask.command
        key = instance.step_key(address)
        delivery: Delivery
        try:
            if isinstance(command, Prepared):
                delivery = await run_preparation(command, address, self._outbox.outside, self.codec, self.now)
            else:
                delivery = await run_body(command, address, key, attempt, self.codec, self.now, self._random)
        except asyncio.CancelledError:
            self._body_ended(instance, address, None, asyncio.current_task())
            raise
        # Not from here: the process would run inside the body's task, and in its context.
        ended = partial(self._body_ended, instance, address, delivery, asyncio.current_task())
        asyncio.get_running_loop().call_soon(ended, context=contextvars.Context())

    def _body_ended(self, instance: Instance, address: str, delivery: Delivery | None, task: object) -> None:
        wanted = self._bodies.get((instance.key, address)) is task
        if wanted:
            del self._bodies[instance.key, address]
        if wanted and delivery is not None and self.live.get(instance.key) is instance:
            self._deliver(instance.key, delivery, load=False)
        self.notice_idle()

    def cancel_body(self, instance: Instance, address: str) -> None:
        """The step was cancelled: nobody waits for its body."""
        task = self._bodies.pop((instance.key, address), None)
        if task is not None:
            task.cancel()

    # -- endings -------------------------------------------------------------------------------------------------------

    def ended(self, instance: Instance) -> None:
        """An instance has ended with its turn."""
        self._leave(instance.key)
        self._tell_ended(instance.key)

    def _leave(self, key: int) -> None:
        instance = self.live.pop(key, None)
        self._parked.pop(key, None)
        if instance is not None:
            for address in list(instance.bodies):
                self.cancel_body(instance, address)
            instance.leave()
        self.notice_idle()

    def _tell_ended(self, key: int) -> None:
        self._came_further(key)
        for future in self._endings.pop(key, []):
            _set(future, None)

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

        def done(woken: list[Woken] | None) -> None:
            waiting = self._ending.pop(key)
            self.wake(woken or [])
            self._tell_ended(key)  # those who wait look again: one that is stuck does not end by itself
            for then in waiting:
                then()
            self.notice_idle()

        def broken(error: BaseException) -> None:
            self._ending.pop(key)
            self.break_down(error)

        self.submit(End(done, broken=broken, key=key, ending=ending, codec=self.codec, patient=True))

    def fail(self, key: int, error: BaseException) -> None:
        """The instance fails from outside its code."""
        self._end(key, Ending("failed", error=self.codec.encode_error(error)), _nothing)

    def set_aside(self, key: int, error: BaseException) -> None:
        """The instance cannot go on before a person puts something right; nothing of it is lost."""
        if isinstance(error, StoreError) and self._database.dead:
            self.break_down(error)
            return
        self._end(key, Ending("stuck", error=self.codec.encode_error(error)), _nothing)

    def turn_failed(self, instance: Instance, error: BaseException) -> None:
        """A turn could not be written: the instance is set aside, or the store is gone."""
        if self._database.dead:
            self.break_down(error)
        elif instance.after_turn is not None:
            instance.after_turn()
        else:
            self.set_aside(instance.key, error)

    # -- breaking down -------------------------------------------------------------------------------------------------

    def _troubled(self, error: StoreError | None) -> None:
        """What passes is waited for, and nobody need know; a store that is lost ends the engine, even an idle one."""
        if error is not None and self._database.dead:
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
            _set_error(future, error)

    def raise_breakdown(self) -> None:
        """Raise why the engine cannot go on, if it cannot."""
        if self._broken is not None:
            raise self._broken

    # -- small things --------------------------------------------------------------------------------------------------

    def submit(self, work: Work) -> None:
        """Have something written in the next group."""
        self._database.submit(work)

    def now(self) -> datetime:
        """The clock."""
        return self._clock.now()

    def later(self, duration: timedelta) -> datetime:
        """The moment after a duration; the end of time where there is none."""
        try:
            return self._clock.now() + duration
        except OverflowError:
            return FAR_AWAY if duration > timedelta(0) else self._clock.now()

    def _future(self) -> asyncio.Future[Any]:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self.notice_idle())
        return future


# Seconds. A suspect that takes longer than this to come further is not what kills the program at once.
ALONE_AT_MOST: Final = 30.0

FAR_AWAY: Final = datetime.fromisoformat("9999-12-31T00:00:00+00:00")


def _set(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _set_error(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _nothing() -> None:
    pass


def _nothing_with(_result: object) -> None:
    pass


def _none(_result: object) -> None:
    """A guest hears only that it was done."""


def _same(result: object) -> object:
    return result


def _value_of(result: tuple[Performed, list[Woken]]) -> Any:
    performed, _ = result
    if performed.error is not None:
        raise performed.error
    return performed.value


def _execute(text: str, parameters: Any, tx: Transaction) -> None:
    tx.execute(text, parameters)


def _id_of(key: int, tx: Transaction) -> str:
    return str(tx.execute(sql.id_of, {"key": key}).fetchone()[0])


def _raise(error: Exception, _tx: object) -> None:
    raise error


def _give(value: object, _tx: object) -> object:
    return value


def _no_primitive(_tx: object, command: Any) -> Any:
    raise TypeError(f"{command.name} is for processes: await it in one")


__all__ = ["Engine", "InstanceNotFound", "Options"]
