"""
The one place where parts meet: a URL and processes in, a running `Runtime` out.

It assembles the store, the CRM, the engine and the clock, and is what doors and users speak to. No SQL, no rules.
"""

from __future__ import annotations

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from threading import Event
from typing import Any, Final, Generic, TypeVar, cast
from uuid import uuid4

import anyio
from anyio import CancelScope, to_thread
from attrs import evolve, field, fields, frozen

from bizproc.adapters import sql_crm
from bizproc.adapters.csv_files import ImportReport, Progress
from bizproc.adapters.file_folder import FolderFiles, MemoryFiles
from bizproc.adapters.sql_crm import SqlCrm, SqlCrmReader, SqlWatch, bulk, exporting
from bizproc.adapters.sql_crm.exporting import ExportReport
from bizproc.adapters.sql_crm.reading import setting
from bizproc.adapters.system_clock import SystemClock
from bizproc.core.checks import check_text, check_value
from bizproc.core.codec import Codec
from bizproc.core.commands import Action, Command
from bizproc.core.errors import (
    ActionError,
    InstanceCancelled,
    InstanceFailed,
    InstanceNotFinished,
    InstanceStuck,
    InstanceTerminated,
    ProcessDefinitionError,
    SettingsError,
    StartConflict,
    StartRefused,
    WrongArgument,
)
from bizproc.core.process import Call, Process
from bizproc.core.steps import StepFunction
from bizproc.crm.holding import holding
from bizproc.engines.embedded import backfill, inspection, upgrade
from bizproc.engines.embedded.backfill import Backfill
from bizproc.engines.embedded.engine import NOWHERE, Engine, Options
from bizproc.engines.embedded.guest import Guest
from bizproc.engines.embedded.inspection import (
    JournalStep,
    News,
    Overview,
    Recording,
    Refusal,
    Result,
    Sent,
    Since,
    Status,
)
from bizproc.engines.embedded.reactions import Reactions
from bizproc.engines.embedded.rehearsal import (
    Change,
    Done,
    Outcome,
    PreviewMessage,
    PreviewStep,
    PreviewStop,
    PreviewWait,
    Rehearsed,
    SignalSent,
    Stage,
    TimeUp,
    rehearse,
)
from bizproc.engines.embedded.rules import Rules
from bizproc.engines.embedded.upgrade import Upgrade, UpgradeReport
from bizproc.model.agenda import Agenda
from bizproc.model.bills import Bill
from bizproc.model.files import File
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Outside
from bizproc.ports.clock import Clock
from bizproc.ports.commit_observer import CommitObserver
from bizproc.ports.files import FILES, Files
from bizproc.ports.performing import Performing
from bizproc.rules.filters import Filter, Setting
from bizproc.settings import Settings
from bizproc.store import schema
from bizproc.store.copies import files_of, number_of_files
from bizproc.store.database import Database, Transaction
from bizproc.store.types import moment_text

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

__all__ = [
    "Backfill",
    "Backup",
    "Change",
    "ExportReport",
    "Instance",
    "JournalStep",
    "News",
    "Overview",
    "Preview",
    "PreviewMessage",
    "PreviewStep",
    "PreviewStop",
    "PreviewWait",
    "Refusal",
    "Runtime",
    "Sent",
    "Since",
    "Status",
    "Upgrade",
    "UpgradeReport",
]

_GOING_ON = frozenset({"running", "waiting"})


class Instance(Generic[R_co]):
    """A handle on one instance, by its id. Its methods raise InstanceNotFound."""

    def __init__(self, runtime: Runtime, id: str, process: Process[..., Any] | None = None) -> None:
        self.id = id
        self._runtime = runtime
        self._process = process

    def __repr__(self) -> str:
        return f"Instance({self.id!r})"

    async def status(self) -> Status:
        """How it stands."""
        return await self._runtime.read(partial(inspection.status, id=self.id, codec=self._runtime.codec))

    async def result(self, *, timeout: timedelta | None = None) -> R_co:
        """
        What it returned, once it has ended.

        Raises:
            InstanceFailed: It raised an error, which is the cause.
            InstanceCancelled, InstanceTerminated: It was ended before it returned.
            InstanceStuck: It cannot end before a person has looked at it.
            InstanceNotFinished: It has not ended within `timeout`, and goes on.
        """
        found = await self._look()
        if found.state in _GOING_ON:
            with anyio.move_on_after(None if timeout is None else timeout.total_seconds()):
                found = await self._ended(found.key)
        if found.state in _GOING_ON:
            raise InstanceNotFinished(instance=self.id, process=found.process, state=found.state, timeout=str(timeout))
        return cast("R_co", self._value(found))

    async def signal(self, name: str, value: Any = None, *, key: str | None = None) -> None:
        """Send it a signal; the same key twice counts once. Sent to one that has ended, it is dropped."""
        check_text(name, process="Instance.signal", parameter="name")
        if key is not None:
            check_text(key, process="Instance.signal", parameter="key")
        await self._runtime.asks.signal(self.id, name, value, key)

    async def cancel(self) -> None:
        """Raise Cancelled at its current await; its cleanup may await. Returns when that is certain to happen."""
        await self._runtime.asks.cancel(self.id)

    async def terminate(self, reason: str) -> None:
        """End it now; no more of its code runs."""
        check_text(reason, process="Instance.terminate", parameter="reason")
        await self._runtime.asks.terminate(self.id, reason)

    async def retry(self, *, again: bool = False) -> None:
        """
        Let it go on, if it failed or is stuck: at the step whose error it failed with, on whatever code there is now.

        Args:
            again: Also if steps were done after that error (cleanup, the undo of a saga), which may then be done again.

        Raises:
            NotResumable: It neither failed nor is stuck; or steps were done after the error.
            StartRefused: It ended, and another one runs on its document by now.
        """
        await self._runtime.asks.retry(self.id, again=again)

    async def fork(self, step: str, *, id: str | None = None) -> Instance[R_co]:
        """
        A new instance that has done what this one had done before a step, and goes on from there; this one stays.

        Signals that were not read by then are the fork's too. What was done at the step and after it is done again.

        Args:
            step: Its address, as `journal()` has it.
            id: A name for the fork. The same again gives the same fork.

        Raises:
            UnknownStep: The journal has no such step.
        """
        return Instance(self._runtime, await self._runtime.asks.fork(self.id, step, id), self._process)

    async def settle(self, step: str, *, sent: bool) -> None:
        """
        Say what became of a delivery that is unknown.

        If the instance failed at it, it goes on. If nobody waits for it, or the process went on without it, the
        instance stays as it is.

        Args:
            step: The address of the step, as `DeliveryUnknown` and `bizproc show` name it.
            sent: It was sent: the step returns as if the other side had said so. Or else it is sent again.

        Raises:
            NotResumable: The fate of what was posted at this step is known, or nothing was.
            StartRefused: It ended, and another one runs on its document by now.
        """
        await self._runtime.asks.settle(self.id, step, sent=sent)

    async def skip_wait(self) -> None:
        """
        End the wait that would be over first, as if its time were up.

        Raises:
            NotResumable: It does not wait.
        """
        await self._runtime.asks.skip_wait(self.id)

    async def journal(self) -> list[JournalStep]:
        """Its steps: address, name, arguments, outcome, attempts, times."""
        path, codec = self._runtime.path, self._runtime.codec
        return await self._runtime.read(partial(inspection.journal, id=self.id, path=path, codec=codec))

    async def sent(self) -> list[Sent]:
        """What it has given to channels, in its order: mails, messages, documents; and what became of it."""
        return await self._runtime.read(partial(inspection.sent, id=self.id, codec=self._runtime.codec))

    async def recording(self, process: Process[..., Any]) -> Recording:
        """
        What it was started with, and its journal, with the types of its process.

        Raises:
            NotRestorable: The process takes other parameters now.
        """
        path, codec = self._runtime.path, self._runtime.codec
        return await self._runtime.read(
            partial(inspection.recording, id=self.id, path=path, codec=codec, process=process)
        )

    async def notes(self) -> list[tuple[datetime, str, str | None]]:
        """What it wrote into its log: moment, text, facts as JSON."""
        return await self._runtime.read(partial(inspection.notes, id=self.id))

    async def _look(self) -> Result:
        return await self._runtime.read(partial(inspection.result, id=self.id))

    async def _ended(self, key: int) -> Result:
        while True:
            # First listen, then look: an ending in between is not missed.
            ending = asyncio.ensure_future(self._runtime.asks.ended_once(key))
            try:
                found = await self._look()
                if found.state not in _GOING_ON:
                    return found
                await ending
            finally:
                ending.cancel()

    def _value(self, found: Result) -> Any:
        codec, who = self._runtime.codec, {"instance": self.id, "process": found.process}
        if found.state == "completed" and found.ended_by is not None:
            return None  # an action of its own ended it, whatever its code would have returned (D11)
        if found.state == "completed":
            return codec.decode(found.outcome or "null", self._result_type(found), path="result")
        error = None if found.error is None else codec.decode_error(found.error)
        if found.state == "failed":
            report = inspection.report(error) if error is not None else None
            name, text = (report.class_name, report.text) if report else ("", "")
            raise InstanceFailed(**who, error_class=name, text=text, error=error) from error
        if found.state == "cancelled":
            raise InstanceCancelled(**who)
        if found.state == "terminated":
            raise InstanceTerminated(**who, reason=found.ended_by or "")
        raise InstanceStuck(**who, text=str(error)) from error

    def _result_type(self, found: Result) -> Any:
        process = self._process or self._runtime.asks.processes().get((found.process, found.version))
        return Any if process is None else process.result_type


@frozen(kw_only=True)
class Preview:
    """
    What a process would do if it were started now. Nothing of it was done.

    Attributes:
        process, document: What would be started.
        happened: What is assumed to have happened at its waits so far.
        at: The moment up to which it is followed.
        steps: What it would do, in order.
        waits: The waits that would be open then.
        stops: Branches that cannot be followed further, each with the reason.
        ended: How it would have ended: `completed`, `failed`, `terminated`; None while it goes on.
        ended_by: What ended it from outside.
        result, error: What it would return, or raise.
    """

    process: str
    document: ItemRef | None
    happened: tuple[str, ...]
    at: datetime
    steps: tuple[PreviewStep, ...]
    waits: tuple[PreviewWait, ...]
    stops: tuple[PreviewStop, ...]
    ended: str | None
    ended_by: str | None
    result: Any
    error: str | None
    _rehearsal: _Rehearsing = field(repr=False, eq=False, alias="_rehearsal")

    async def after(
        self, action: Command[Any] | None = None, *, signal: str | None = None, value: Any = None
    ) -> Preview:
        """
        What it would do next: after the time of the wait that would be over first, or after something that happens.

        Args:
            action: What somebody does, as `crm.deal(5).change_stage("EXECUTING")`.
            signal: The name of a signal that is sent to it.
            value: What that signal brings.

        Raises:
            WrongArgument: That cannot happen there: it has ended, or does not wait for this.
            ActionError: The action cannot do its work.
        """
        if action is not None:
            return await self._rehearsal.after(Done(_an_action(action)), action.name)
        if signal is not None:
            return await self._rehearsal.after(SignalSent(signal, value), f"signal {signal}")
        return await self._rehearsal.after(TimeUp(), TIME_IS_UP)

    async def outcomes(self) -> dict[str, Preview]:
        """
        What it would do next, for each way in which its waits may end, as far as these can be told.

        These are: the time of the first is up; somebody moves the item to a stage that is waited for, if that can be
        done; a signal comes whose value is assumed (`assume={"approved": True}`).
        """
        found = {}
        for name, outcome in self._rehearsal.outcomes.items():
            with suppress(ActionError):  # a stage of another pipeline
                found[name] = await self._rehearsal.after(outcome, name)
        return found


TIME_IS_UP = "time is up"


@frozen(eq=False)
class _Rehearsing:
    """A rehearsal that can be gone on with: it is done again from its beginning, with one thing more that happens."""

    runtime: Runtime
    call: Call[Any]
    assumed: Mapping[Any, Any]
    moment: datetime | None
    path: tuple[Outcome, ...] = ()
    happened: tuple[str, ...] = ()
    outcomes: Mapping[str, Outcome] = field(factory=dict)

    async def after(self, outcome: Outcome, name: str) -> Preview:
        return await evolve(self, path=(*self.path, outcome), happened=(*self.happened, name)).preview()

    async def preview(self) -> Preview:
        beginning, found = await self.runtime.undone(self._rehearse)
        known = {one.name: getattr(found, one.name) for one in fields(Rehearsed) if one.name != "outcomes"}
        return Preview(
            process=self.call.process.name,
            document=None if self.call.document is None else ref_of(self.call.document),
            happened=self.happened,
            **known,
            _rehearsal=evolve(self, moment=beginning, outcomes=found.outcomes),
        )

    def _rehearse(self, tx: Transaction) -> tuple[datetime, Rehearsed]:
        if self.moment is not None:  # what comes after a preview begins when that one did
            tx.now, tx.now_text = self.moment, moment_text(self.moment)
        beginning = tx.now
        return beginning, rehearse(tx, self.call, self.runtime.stage(self.call), self.assumed, self.path)


class _AnyChannel(Mapping[str, Any]):
    """A guest does not know which channels the owner has."""

    def __contains__(self, _name: object) -> bool:
        return True

    def __getitem__(self, name: str) -> Any:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _an_action(action: Any) -> Action[Any]:
    checked: Action[Any] = check_value(action, Action, process="Preview.after", parameter="action")
    return checked


@frozen
class Backup:
    """
    A copy of a store.

    Attributes:
        path: Its file.
        size: In bytes.
        files: How many files beside the store were copied with it.
    """

    path: Path
    size: int
    files: int


class Runtime:
    """
    A store, and the instances that run on it.

    Attributes:
        path: The store's file; for people.
        outside: The channels and tools; among these the contents of files.
        asks: Who does what is asked: the engine here, or, beside an owner, the owner's through the inbox.
    """

    def __init__(
        self, database: Database, asks: Engine | Guest, codec: Codec, portal: Portal, outside: Outside
    ) -> None:
        self.outside = outside
        self.asks = asks
        self.codec = codec
        self.portal = portal
        self.path = database.path
        self.database = database

    @property
    def engine(self) -> Engine:
        """The engine that runs the instances. Raises TypeError for a guest, which has none."""
        if isinstance(self.asks, Engine):
            return self.asks
        raise TypeError("a runtime that is attached runs nothing: open the store to own it")

    # -- opening -------------------------------------------------------------------------------------------------------

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str,
        *,
        processes: Iterable[Process[..., Any]] = (),
        recipes: bool = True,
        clock: Clock | None = None,
        settings: Settings | None = None,
        outside: Outside = NOWHERE,
    ) -> AsyncIterator[Runtime]:
        """
        Own a store and run its instances, until the block ends.

        Args:
            url: `sqlite:///path`, or `sqlite:///:memory:`.
            processes: The processes whose instances run; one that is started is known by itself.
            recipes: Whether the recipes that the settings use are among them. Of one that is not installed or cannot
                be loaded there is a warning, and its instances are stuck until it is back.
            clock: Another clock than the machine's.
            settings: The portal's time zone and currency, and the like.
            outside: The channels and tools that actions reach the outside through.

        Raises:
            StoreInUse: Another program owns the store.
            StoreError: It cannot be opened.
            SettingsError: A setting of a recipe is wrong.
        """
        clock, settings = clock or SystemClock(), settings or Settings()
        loaded = distinct((*processes, *(used_processes(settings) if recipes else ())))
        database = await to_thread.run_sync(partial(open_database, url, clock))
        options = Options(keep_in_memory=settings.keep_in_memory, protect=settings.poison_protection)
        try:
            outside = with_channels(outside, settings, database)
        except BaseException:
            database.close()
            raise
        runtime = assemble(database, clock, settings, options, outside)
        scope = CancelScope()
        database.start(asyncio.get_running_loop())
        try:
            runtime.engine.on_breakdown = scope.cancel
            await runtime.begin(loaded)
            runtime.engine.receive_guests()
            _spare_collector()
            with scope:
                yield runtime
        finally:
            with CancelScope(shield=True):
                await runtime.engine.close()
                database.close()
        runtime.engine.raise_breakdown()

    @classmethod
    @asynccontextmanager
    async def open_asleep(
        cls, url: str, *, clock: Clock | None = None, settings: Settings | None = None
    ) -> AsyncIterator[Runtime]:
        """
        Own a store and run none of its instances: those that are due stay as they are. For imports.

        Raises:
            As `open`.
        """
        clock, settings = clock or SystemClock(), settings or Settings()
        database = await to_thread.run_sync(partial(open_database, url, clock))
        runtime = assemble(database, clock, settings, Options())
        database.start(asyncio.get_running_loop())
        try:
            await runtime.engine.write(sql_crm.seed)
            yield runtime
        finally:
            with CancelScope(shield=True):
                await runtime.engine.close()
                database.close()

    @classmethod
    @asynccontextmanager
    async def attach(
        cls,
        url: str,
        *,
        processes: Iterable[Process[..., Any]] = (),
        settings: Settings | None = None,
        patience: timedelta | None = None,
    ) -> AsyncIterator[Runtime]:
        """
        Look at a store, beside its owner or without one, and post what is to be done to the owner.

        No instance runs here. `start`, `perform`, `retry` and `skip_wait` return when an owner has done it; a signal, a
        cancellation and the like when they are on disk (`heard` waits longer). Without an owner what is posted waits in
        the store.

        Args:
            url: As `open`.
            processes: Those that previews take into account: what starts by itself.
            settings: As `open`.
            patience: How long to wait for an answer of an owner that is there; one that is not there is not waited for.
                Then Unanswered is raised, and what was posted stays posted. None waits as long as it takes.

        Raises:
            StoreError: There is no store, or it cannot be read.
        """
        clock, codec = SystemClock(), Codec()
        database = await to_thread.run_sync(partial(open_database, url, clock, owner=False))
        database.start(asyncio.get_running_loop())
        try:
            outside = with_files(NOWHERE, database)
            guest = Guest(database, clock.now, codec, patience)
            guest.use(*distinct(processes))
            yield cls(database, guest, codec, portal_of(settings or Settings()), outside)
        finally:
            database.close()

    async def begin(self, processes: Iterable[Process[..., Any]], *, secret: str | None = None) -> None:
        """Load processes and our own, see that the CRM has what a new one needs, and bring back what was running."""
        self.engine.use(*distinct((holding, *processes)))
        await self.engine.write(partial(sql_crm.seed, secret=secret))
        await self.sweep_files()
        files: Files = self.outside.tools[FILES]
        await files.clear()
        await self.engine.recover()

    # -- instances -----------------------------------------------------------------------------------------------------

    async def start(self, call: Call[R], *, id: str | None = None) -> Instance[R]:
        """
        Start a process, and return when that is on disk.

        Where one lives on the same document, the overlap policy of the process decides. One that is to wait for its
        turn is `waiting` until then; signals to it are kept.

        Args:
            call: `follow_up(deal, discount=Decimal(7))`.
            id: A name for the instance. The same again, with the same call, gives the same instance, as long as that is
                kept: once it has ended and its retention is over, the name is free, and starts a new one.

        Raises:
            StartConflict: The id belongs to another call.
            StartRefused: The process already runs on this document, and its overlap policy allows one.
            NotJournallable: An argument cannot be written.
        """
        check_value(call, Call, process="Runtime.start", parameter="call")
        started = await self.asks.start(call, id)
        return Instance(self, started.id, call.process)

    async def start_each(
        self,
        process: Process[..., Any],
        where: Filter | None = None,
        *,
        limit_per_second: float | None = None,
        progress: Callable[[Backfill], None] | None = None,
        **parameters: Any,
    ) -> Backfill:
        """
        Start a process on each of the items that there are; those that are made meanwhile are not among them.

        Stopped and called again with the same arguments, it goes on where it was: no item gets two instances from it,
        as long as the first is kept (`retention`).
        Items on which the overlap policy refuses one are counted, and that is all.

        Args:
            process: It runs on a document.
            where: Only on those that fit this filter.
            limit_per_second: Start no more than so many a second.
            progress: Told now and then how far it is.
            parameters: Of the process, the same for all.

        Raises:
            WrongArgument: The process runs on no document, or a parameter is wrong.
            UnknownField, WrongFieldValue, WrongFilter: The filter says nothing about such items.
        """
        cls = self._document_class(process)
        if limit_per_second is not None and not limit_per_second > 0:
            expected = "more than 0"
            raise WrongArgument(
                process="start_each", parameter="limit_per_second", expected=expected, got=str(limit_per_second)
            )
        written = process.form.encode(process.form.check(parameters), self.codec)
        names = backfill.Names(process, "" if where is None else repr(where), written)
        pace, so_far = backfill.Pace(limit_per_second), Backfill()
        newest = await self.find(cls, where, order_by="-id", limit=1)
        so_far.highest = newest[0].id if newest else 0
        while so_far.last < so_far.highest:
            last = ItemRef(cls.item_type, so_far.last)
            items = await self.find(cls, where, after=last, limit=backfill.PAGE)
            items = [item for item in items if item.id <= so_far.highest]
            by_id = {names.of(item): item for item in items}
            known = await self.read(partial(backfill.known, ids=by_id))
            so_far.already += len(known)
            fresh = [(id, item) for id, item in by_id.items() if id not in known]
            for wave in backfill.waves(fresh, pace.wave):
                await asyncio.sleep(pace.delay(len(wave), asyncio.get_running_loop().time()))
                await self._start_wave(process, wave, parameters, so_far)
                so_far.last = wave[-1][1].id
                if progress is not None:
                    progress(so_far)
            so_far.last = items[-1].id if items else so_far.highest
        if progress is not None:
            progress(so_far)
        return so_far

    async def _start_wave(
        self,
        process: Process[..., Any],
        wave: Iterable[tuple[str, Any]],
        parameters: Mapping[str, Any],
        so_far: Backfill,
    ) -> None:
        starts = (self.start(process(item, **parameters), id=id) for id, item in wave)
        for one in await asyncio.gather(*starts, return_exceptions=True):
            match one:
                case StartRefused():
                    so_far.refuse(one)
                case StartConflict():
                    so_far.already += 1  # since it was looked for, by another that does the same
                case BaseException():
                    raise one
                case _:
                    so_far.started += 1

    @staticmethod
    def _document_class(process: Process[..., Any]) -> Any:
        check_value(process, Process, process="start_each", parameter="process")
        if process.form.document is None:
            expected = "a process that runs on a document"
            raise WrongArgument(process="start_each", parameter="process", expected=expected, got=process.name)
        return process.form.document

    def instance(self, id: str) -> Instance[Any]:
        """A handle on an instance."""
        return Instance(self, check_text(id, process="Runtime.instance", parameter="id"))

    async def instances(
        self, *, process: str | None = None, status: str | None = None, document: Any = None, limit: int | None = None
    ) -> list[Status]:
        """
        How instances stand, the newest last.

        Args:
            process: Only of the process with this name.
            status: Only in this state.
            document: Only on this item, or reference to one.
            limit: Only so many, the newest.
        """
        ref = _ref(document)
        if process is not None:
            check_text(process, process="Runtime.instances", parameter="process")
        look = partial(inspection.statuses, codec=self.codec, process=process, state=status, document=ref, limit=limit)
        return await self.read(look)

    async def process_names(self) -> list[str]:
        """The names of all processes that there are instances of."""
        return await self.read(inspection.process_names)

    async def check(
        self,
        processes: Iterable[Process[..., Any]],
        *,
        process: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> UpgradeReport:
        """
        What would become of every live instance on this code: it is replayed, and nothing is written or performed.

        Args:
            processes: The code to be tried, usually not what runs here.
            process: Only instances of the process of this name.
            progress: Told now and then how many of how many are done, on another thread.
        """
        given = {(one.name, one.version): one for one in distinct(processes)}
        path, codec = self.path, self.codec
        return await self.read(
            lambda connection: upgrade.check(connection, given, codec, path, only=process, progress=progress)
        )

    async def preview(self, call: Call[Any], *, assume: Mapping[Any, Any] | None = None) -> Preview:
        """
        What a process would do if it were started now, up to its first wait; more of it is for `Preview.after`.

        Nothing is written, nothing is sent, and no `@action` body runs: all of it is done in a transaction that is
        undone. Where such a body would run, or a document would be made, the preview stops, unless it is told what
        comes of it. What is sent counts as accepted. Beside an owner the store is locked for the milliseconds that
        this takes; no more than 1,000 steps are followed.

        Args:
            call: `follow_up(deal, discount=Decimal(7))`.
            assume: What steps return, by their function or name, and what signals bring, by name: `{score: 5}`. An
                exception is raised.

        Raises:
            StartRefused: It could not be started now.
            WrongArgument: `assume` names what is neither a step's function nor a name.
            NotJournallable, NotRestorable: What is assumed is no value of the step.
        """
        check_value(call, Call, process="Runtime.preview", parameter="call")
        assumed = dict(assume or {})
        for key in assumed:
            if not isinstance(key, StepFunction | str):
                expected = "the functions of @action steps, or names"
                raise WrongArgument(process="Runtime.preview", parameter="assume", expected=expected, got=repr(key))
        return await _Rehearsing(self, call, assumed, None).preview()

    def stage(self, call: Call[Any]) -> Stage:
        """What a preview of this call needs."""
        loaded = self.asks.processes()
        known = (
            loaded.values() if (call.process.name, call.process.version) in loaded else [*loaded.values(), call.process]
        )
        owned = isinstance(self.asks, Engine)
        make_port, make_setting = makers(self.portal)
        rules = Rules.of(known, str(self.portal.zone))
        return Stage(
            codec=self.codec,
            reactions=Reactions(self.codec, make_port, make_setting, rules),
            channels=self.outside.channels if owned else _AnyChannel(),
            portal=self.portal,
            make_watch=SqlWatch,
        )

    async def undone(self, function: Callable[[Transaction], T]) -> T:
        """What a function finds in a transaction that is undone."""
        return await self.database.undone(function)

    async def refusals(
        self, *, process: str | None = None, document: Any = None, limit: int | None = None
    ) -> list[Refusal]:
        """
        The starts by triggers that did not happen, each with the reason, the newest last.

        Args:
            process: Only of the process with this name.
            document: Only on this item, or reference to one.
            limit: Only so many, the newest.
        """
        look = partial(inspection.refusals, process=process, document=_ref(document), limit=limit)
        return await self.read(look)

    # -- what starts by itself -----------------------------------------------------------------------------------------

    async def signal(self, name: str, value: Any = None) -> None:
        """
        Send a signal to whoever listens at this moment; not to one instance, which is `Instance.signal`.

        It starts processes with `starts=on.signal(name)`, and ends waits for `on.signal(name)`.

        Args:
            name: The signal's name.
            value: For what is started: a mapping fills in its start form, an item is its document.

        Raises:
            NotJournallable: The value cannot be written.
        """
        check_text(name, process="Runtime.signal", parameter="name")
        await self.asks.publish(name, value)

    async def pause(self, process: Process[..., Any] | str) -> None:
        """
        Let the triggers of a process start nothing, until it is resumed.

        Its instances go on, and it can be started by hand. What its schedule comes to meanwhile is not made up for.

        Raises:
            UnknownProcess: No process of this name is loaded.
        """
        await self.asks.pause(_name_of(process), paused=True)

    async def resume(self, process: Process[..., Any] | str) -> None:
        """
        Let the triggers of a process start it again.

        Raises:
            UnknownProcess: No process of this name is loaded.
        """
        await self.asks.pause(_name_of(process), paused=False)

    async def paused(self) -> list[str]:
        """The names of the processes that are paused."""
        return await self.read(inspection.paused)

    # -- the CRM -------------------------------------------------------------------------------------------------------

    async def perform(self, action: Command[R]) -> R:
        """One action at once, outside any process, in one transaction. Raises what the action raises."""
        performed: R = await self.asks.perform(action, f"perform/{uuid4()}")
        return performed

    async def get(self, cls: type[T], id: int) -> T:
        """One item. Raises ItemNotFound."""
        return await self.read(lambda connection: SqlCrmReader(connection).get(cls, id))

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
        """
        Items of a class.

        Args:
            cls: Such as `Deal`, or what belongs to an item, such as `Activity`.
            where: Only those that fit, such as `F.amount >= 100`.
            of: Only what belongs to this item.
            order_by: A field; `-field` for the largest first. What holds nothing comes last; ties go by id.
            limit: At most so many.
            after: Only what comes behind this item: the last of the page before.

        Raises:
            UnknownField, WrongFieldValue, WrongFilter: The filter or the order says nothing about such items.
        """
        now, zone = self.asks.now(), self.portal.zone
        return await self.read(
            lambda connection: SqlCrmReader(connection, now, zone).find(
                cls, where, of=of, order_by=order_by, limit=limit, after=after
            )
        )

    async def content(self, file: File) -> bytes:
        """
        What a file of the drive holds.

        Raises:
            FileMissing, FileDamaged: It is not where contents lie, or not what was put there.
        """
        files: Files = self.outside.tools[FILES]
        return await files.get(file.sha256)

    async def signer(self) -> Signer:
        """What signs the tokens in links that people outside follow."""
        return await self.read(lambda connection: SqlCrmReader(connection).signer())

    async def bill(self, payment: int) -> Bill:
        """What a client sees of a payment. Raises ItemNotFound."""
        return await self.read(lambda connection: SqlCrmReader(connection).bill(payment))

    async def agenda(self, user: int, now: datetime) -> Agenda:
        """What a user has to be at, and to do. Raises ItemNotFound."""
        return await self.read(lambda connection: SqlCrmReader(connection).agenda(user, now))

    async def sweep_files(self) -> int:
        """Remove contents that no file has named for a day; how many."""
        named = await self.read(lambda connection: SqlCrmReader(connection).contents())
        files: Files = self.outside.tools[FILES]
        return await files.sweep(named)

    async def import_folder(
        self, folder: Path | str, *, skip_bad: bool = False, progress: Progress | None = None
    ) -> ImportReport:
        """
        Import CSV files, all in one transaction. It raises no event and starts no process.

        Args:
            folder: Holds `users.csv`, `companies.csv`, `contacts.csv`, `products.csv`, `deals.csv`, `product_rows.csv`,
                or some of these. Their rows may refer to what the store holds.
            skip_bad: Leave out rows that are bad, and those that refer to them; else nothing is imported.
            progress: Told now and then how far it is, on the writer's thread.

        Raises:
            ImportRefused: A file cannot be read, or a row is bad; says which, and nothing is written.
        """
        stop = Event()
        work = partial(
            bulk.import_folder,
            folder=Path(folder),
            portal=self.portal,
            skip_bad=skip_bad,
            progress=progress,
            stopped=stop.is_set,
        )
        try:
            return await self.engine.write(work)
        finally:
            stop.set()  # of use to who is cancelled

    async def export_folder(self, folder: Path | str, *, progress: Progress | None = None) -> ExportReport:
        """
        Write all that the CRM holds into CSV files, as of one moment; whoever owns the store goes on meanwhile.

        Args:
            folder: It is empty, or not there yet.
            progress: Told now and then how many rows are written, and how many there are, on another thread.

        Raises:
            ExportRefused: The folder holds something, or cannot be written; nothing is left of it.
        """
        stop = Event()
        work = partial(
            exporting.export_folder,
            folder=Path(folder),
            portal=self.portal,
            progress=progress,
            stopped=stop.is_set,
        )
        try:
            return await self.read(work)
        finally:
            stop.set()  # of use to who is cancelled

    # -- below ---------------------------------------------------------------------------------------------------------

    async def read(self, function: Callable[[Any], T]) -> T:
        """What a function finds on a connection that only reads."""
        return await self.database.read(function)

    async def settled(self) -> None:
        """Wait until nothing happens before time passes or somebody comes."""
        await self.engine.settled()

    def is_idle(self) -> bool:
        """Whether nothing happens before time passes or somebody comes."""
        return self.engine.is_idle()

    def running_steps(self) -> int:
        """How many steps are at work outside the store at this moment."""
        return self.engine.running_steps()

    async def finish(self) -> None:
        """Begin no step any more, and wait until those that run have ended: before a stop that is not in a hurry."""
        await self.engine.finish()

    async def heard(self) -> None:
        """
        Wait until all that was posted here is done; beside no owner, where it is done at once, return.

        Raises:
            Unanswered: It was not done within the patience of `attach`.
        """
        if isinstance(self.asks, Guest):
            await self.asks.heard()

    async def owner(self) -> int | None:
        """The process id of whoever owns the store at this moment; None where nobody does, or its owner has stopped."""
        return await to_thread.run_sync(self.database.owner)

    async def overview(self) -> Overview:
        """How many instances are in which state, and when the next wait is over."""
        return await self.read(inspection.overview)

    async def news(self, since: Since) -> News:
        """Which instances have begun and ended since then; beginnings and endings come in their order."""
        return await self.read(partial(inspection.news, codec=self.codec, since=since))

    async def backup(self, path: Path | str) -> Backup:
        """
        Copy the store, as it is now, and the files beside it. Whoever owns the store goes on meanwhile.

        Raises:
            StoreError: There is such a file already, or the copy cannot be written, or is not whole.
        """
        target = await self.database.backup(Path(path))
        return await to_thread.run_sync(_backed_up, target)


def _backed_up(target: Path) -> Backup:
    return Backup(target, target.stat().st_size, number_of_files(target))


def _ref(document: Any) -> ItemRef | None:
    return None if document is None else document if isinstance(document, ItemRef) else ref_of(document)


def _name_of(process: Process[..., Any] | str) -> str:
    return process if isinstance(process, str) else process.name


def used_processes(settings: Settings) -> list[Process[..., Any]]:
    """The processes of the recipes that the settings use; of those that cannot run there is a warning."""
    if not settings.recipes:
        return []
    from bizproc.installed import uses_of

    uses = uses_of(settings)
    for trouble in uses.troubles:
        warnings.warn(str(trouble), stacklevel=3)
    return uses.processes


def distinct(processes: Iterable[Process[..., Any]]) -> list[Process[..., Any]]:
    """The processes; raises ProcessDefinitionError where two have one name and version."""
    known: dict[tuple[str, int], Process[..., Any]] = {}
    for process in processes:
        if known.setdefault((process.name, process.version), process) is not process:
            detail = f"two processes have this name and version {process.version}: give one another name or version."
            raise ProcessDefinitionError(process=process.name, detail=detail)
    return list(known.values())


def open_database(
    url: str,
    clock: Clock,
    observer: CommitObserver | None = None,
    *,
    threaded: bool = True,
    owner: bool = True,
    previous: Database | None = None,
) -> Database:
    """The store with all its tables."""
    tables = (schema.metadata, sql_crm.metadata)
    return Database.open(
        url, clock=clock.now, observer=observer, threaded=threaded, owner=owner, tables=tables, previous=previous
    )


def _spare_collector() -> None:
    """
    Modules and what they hold do not go away: the collector of garbage need not look at them again and again.

    Under load it did, and took a third of the time of a step. Once a program: what is garbage then, in cycles, stays.
    """
    if not gc.get_freeze_count():
        gc.freeze()


def assemble(
    database: Database, clock: Clock, settings: Settings, options: Options, outside: Outside = NOWHERE
) -> Runtime:
    """Put the parts together, on a store that is open."""
    portal = portal_of(settings)
    make_port, make_setting = makers(portal)
    codec = Codec()
    outside = with_files(outside, database)
    options.zone, options.portal = settings.time_zone, portal
    options.retention = timedelta(days=min(settings.retention_days, timedelta.max.days))
    engine = Engine(database, clock, make_port, codec, options, outside, make_setting=make_setting)
    return Runtime(database, engine, codec, portal, outside)


def makers(portal: Portal) -> tuple[Callable[[Performing], SqlCrm], Callable[[SqlCrm], Setting]]:
    """How the CRM is made in a transaction, and what conditions are looked at in."""

    def make_port(performing: Performing) -> SqlCrm:
        return SqlCrm(performing, portal)

    def make_setting(port: SqlCrm) -> Setting:
        return setting(port.performing.transaction, port.performing.now, portal.zone)

    return make_port, make_setting


_ALWAYS: Final = ("bizproc.adapters.documents", "bizproc.adapters.payments")
"""Each makes channels that every runtime has."""

_CHANNELS: Final = ("bizproc.adapters.smtp", "bizproc.adapters.sms", "bizproc.adapters.ads")
"""Each makes the channels that the settings ask for, and is imported only if its section says something."""


def with_channels(outside: Outside, settings: Settings, database: Database) -> Outside:
    """
    What the settings say of channels; what was given already is not replaced.

    Raises:
        SettingsError: A section is filled in, and the packages it needs are not installed.
    """
    outside = with_files(outside, database)

    async def signer() -> Signer:
        return await database.read(lambda connection: SqlCrmReader(connection).signer())

    for module in _ALWAYS:
        own: Outside = import_module(module).outside_of(settings, outside.tools[FILES], signer)
        outside = evolve(outside, channels={**own.channels, **outside.channels})
    for module in _CHANNELS:
        section = module.rpartition(".")[2].replace("smtp", "mail")
        if getattr(settings, section) == getattr(Settings(), section):
            continue
        try:
            made: Outside = import_module(module).outside_of(settings, outside.tools[FILES], signer)
        except ModuleNotFoundError as error:
            detail = f"[{section}] is filled in, and {error.name} is missing: pip install bizproc[{section}]."
            raise SettingsError(where=section, detail=detail) from None
        outside = evolve(outside, channels={**made.channels, **outside.channels})
    return outside


def with_files(outside: Outside, database: Database) -> Outside:
    """Where no other place for contents of files is given: a folder beside the store, or memory for one in memory."""
    if FILES in outside.tools:
        return outside
    file = database.file
    files = MemoryFiles() if file is None else FolderFiles(files_of(file))
    return evolve(outside, tools={**outside.tools, FILES: files})


def portal_of(settings: Settings) -> Portal:
    """What is the same for the whole CRM."""
    return Portal(
        zone=settings.zone,
        currency=settings.currency,
        language=settings.language,
        public_url=settings.web.public_url,
        largest_mail=settings.mail.largest * 1_000_000,
    )
