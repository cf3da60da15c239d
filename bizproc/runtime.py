"""
The one place where parts meet: a URL and processes in, a running `Runtime` out.

It assembles the store, the CRM, the engine and the clock, and is what doors and users speak to. No SQL, no rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, Generic, TypeVar, cast
from uuid import uuid4

import anyio
from anyio import CancelScope, to_thread
from attrs import evolve, frozen

from bizproc.adapters import sql_crm
from bizproc.adapters.csv_files import ImportReport, Progress
from bizproc.adapters.file_folder import FolderFiles, MemoryFiles
from bizproc.adapters.sql_crm import SqlCrm, SqlCrmReader, bulk, exporting
from bizproc.adapters.sql_crm.exporting import ExportReport
from bizproc.adapters.system_clock import SystemClock
from bizproc.core.checks import check_value
from bizproc.core.codec import Codec
from bizproc.core.commands import Command
from bizproc.core.errors import (
    InstanceCancelled,
    InstanceFailed,
    InstanceNotFinished,
    InstanceStuck,
    InstanceTerminated,
    ProcessDefinitionError,
    StartConflict,
    StartRefused,
    WrongArgument,
)
from bizproc.core.process import Call, Process
from bizproc.engines.embedded import backfill, inspection, upgrade
from bizproc.engines.embedded.backfill import Backfill
from bizproc.engines.embedded.engine import NOWHERE, Engine, Options
from bizproc.engines.embedded.guest import Guest
from bizproc.engines.embedded.inspection import JournalStep, News, Overview, Recording, Refusal, Result, Since, Status
from bizproc.engines.embedded.upgrade import Upgrade, UpgradeReport
from bizproc.model.files import File
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Outside
from bizproc.ports.clock import Clock
from bizproc.ports.commit_observer import CommitObserver
from bizproc.ports.files import FILES, Files
from bizproc.ports.performing import Performing
from bizproc.settings import Settings
from bizproc.store import schema
from bizproc.store.copies import copy_files, files_of
from bizproc.store.database import Database

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

__all__ = [
    "Backfill",
    "Backup",
    "ExportReport",
    "Instance",
    "JournalStep",
    "News",
    "Overview",
    "Refusal",
    "Runtime",
    "Since",
    "Status",
    "Upgrade",
    "UpgradeReport",
]

_GOING_ON = frozenset({"running", "waiting"})


@frozen
class Setting:
    """
    What the condition of a trigger is looked at in.

    Attributes:
        now: The moment of the event.
        zone: The portal's zone.
        link, linked: How items that are linked are found; None: they are not.
    """

    now: datetime
    zone: tzinfo
    link: Any = None
    linked: Any = None


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
        await self._runtime.asks.signal(self.id, name, value, key)

    async def cancel(self) -> None:
        """Raise Cancelled at its current await; its cleanup may await. Returns when that is certain to happen."""
        await self._runtime.asks.cancel(self.id)

    async def terminate(self, reason: str) -> None:
        """End it now; no more of its code runs."""
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
        clock: Clock | None = None,
        settings: Settings | None = None,
        outside: Outside = NOWHERE,
    ) -> AsyncIterator[Runtime]:
        """
        Own a store and run its instances, until the block ends.

        Args:
            url: `sqlite:///path`, or `sqlite:///:memory:`.
            processes: The processes whose instances run; one that is started is known by itself.
            clock: Another clock than the machine's.
            settings: The portal's time zone and currency, and the like.
            outside: The channels and tools that actions reach the outside through.

        Raises:
            StoreInUse: Another program owns the store.
            StoreError: It cannot be opened.
        """
        clock, settings = clock or SystemClock(), settings or Settings()
        database = await to_thread.run_sync(partial(open_database, url, clock))
        options = Options(keep_in_memory=settings.keep_in_memory, protect=settings.poison_protection)
        runtime = assemble(database, clock, settings, options, outside)
        scope = CancelScope()
        database.start(asyncio.get_running_loop())
        try:
            runtime.engine.on_breakdown = scope.cancel
            await runtime.begin(processes)
            runtime.engine.receive_guests()
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
        cls, url: str, *, settings: Settings | None = None, patience: timedelta | None = None
    ) -> AsyncIterator[Runtime]:
        """
        Look at a store, beside its owner or without one, and post what is to be done to the owner.

        No instance runs here. `start`, `perform`, `retry` and `skip_wait` return when an owner has done it; a signal, a
        cancellation and the like when they are on disk (`heard` waits longer). Without an owner what is posted waits in
        the store.

        Args:
            url: As `open`.
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
            yield cls(database, guest, codec, portal_of(settings or Settings()), outside)
        finally:
            database.close()

    async def begin(self, processes: Iterable[Process[..., Any]]) -> None:
        """Load processes, see that the CRM has what a new one needs, and bring back what was running."""
        self.engine.use(*distinct(processes))
        await self.engine.write(sql_crm.seed)
        await self.sweep_files()
        await self.engine.recover()

    # -- instances -----------------------------------------------------------------------------------------------------

    async def start(self, call: Call[R], *, id: str | None = None) -> Instance[R]:
        """
        Start a process, and return when that is on disk.

        Where one lives on the same document, the overlap policy of the process decides. One that is to wait for its
        turn is `waiting` until then; signals to it are kept.

        Args:
            call: `follow_up(deal, discount=Decimal(7))`.
            id: A name for the instance. The same again, with the same call, gives the same instance.

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
        where: Any = None,
        *,
        limit_per_second: float | None = None,
        progress: Callable[[Backfill], None] | None = None,
        **parameters: Any,
    ) -> Backfill:
        """
        Start a process on each of the items that there are; those that are made meanwhile are not among them.

        Stopped and called again with the same arguments, it goes on where it was: no item gets two instances from it.
        Items on which the overlap policy refuses one are counted, and that is all.

        Args:
            process: It runs on a document.
            where: Only on those that fit this filter.
            limit_per_second: Start no more than so many a second.
            progress: Told now and then how far it is.
            parameters: Of the process, the same for all.

        Raises:
            WrongArgument: The process runs on no document, or a parameter is wrong.
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
        newest = await self._page(cls, where, order_by="-id", limit=1)
        so_far.highest = newest[0].id if newest else 0
        while so_far.last < so_far.highest:
            items = await self._page(cls, where, after=so_far.last, limit=backfill.PAGE)
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

    async def _page(self, cls: type[T], where: Any, **which: Any) -> list[T]:
        if where is not None:
            which["where"] = where
        return await self.read(lambda connection: SqlCrmReader(connection).find(cls, **which))

    @staticmethod
    def _document_class(process: Process[..., Any]) -> type[Any]:
        check_value(process, Process, process="start_each", parameter="process")
        if process.form.document is None:
            expected = "a process that runs on a document"
            raise WrongArgument(process="start_each", parameter="process", expected=expected, got=process.name)
        return process.form.document

    def instance(self, id: str) -> Instance[Any]:
        """A handle on an instance."""
        return Instance(self, id)

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
        look = partial(inspection.statuses, codec=self.codec, process=process, state=status, document=ref, limit=limit)
        return await self.read(look)

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
        check_value(name, str, process="Runtime.signal", parameter="name")
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

    async def find(self, cls: type[T], *, of: Any = None, order_by: str = "id", limit: int | None = None) -> list[T]:
        """
        Items of a class.

        Args:
            cls: Such as `Deal`, or what belongs to an item, such as `Activity`.
            of: Only what belongs to this item.
            order_by: A field; `-field` for the largest first.
            limit: At most so many.
        """
        return await self.read(
            lambda connection: SqlCrmReader(connection).find(cls, of=of, order_by=order_by, limit=limit)
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

    async def sweep_files(self) -> int:
        """Remove contents that no file has named for a day; how many."""
        named = await self.read(lambda connection: [sha for (sha,) in connection.execute("SELECT sha256 FROM file")])
        files: Files = self.outside.tools[FILES]
        return await files.sweep(frozenset(named))

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
        return await to_thread.run_sync(partial(_backed_up, Path(self.path), target))


def _backed_up(store: Path, target: Path) -> Backup:
    files = copy_files(store, target)
    return Backup(target.absolute(), target.stat().st_size, files)


def _ref(document: Any) -> ItemRef | None:
    return None if document is None else document if isinstance(document, ItemRef) else ref_of(document)


def _name_of(process: Process[..., Any] | str) -> str:
    return process if isinstance(process, str) else process.name


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


def assemble(
    database: Database, clock: Clock, settings: Settings, options: Options, outside: Outside = NOWHERE
) -> Runtime:
    """Put the parts together, on a store that is open."""
    portal = portal_of(settings)

    def make_port(performing: Performing) -> SqlCrm:
        return SqlCrm(performing, portal)

    def make_setting(port: SqlCrm) -> Setting:
        return Setting(now=port.performing.now, zone=portal.zone)

    codec = Codec()
    outside = with_files(outside, database)
    options.zone, options.portal = settings.time_zone, portal
    engine = Engine(database, clock, make_port, codec, options, outside, make_setting=make_setting)
    return Runtime(database, engine, codec, portal, outside)


def with_files(outside: Outside, database: Database) -> Outside:
    """Where no other place for contents of files is given: a folder beside the store, or memory for one in memory."""
    if FILES in outside.tools:
        return outside
    file = database.file
    files = MemoryFiles() if file is None else FolderFiles(files_of(file))
    return evolve(outside, tools={**outside.tools, FILES: files})


def portal_of(settings: Settings) -> Portal:
    """What is the same for the whole CRM."""
    return Portal(zone=settings.zone, currency=settings.currency, language=settings.language)
