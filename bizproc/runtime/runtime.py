"""
The one place where parts meet: a URL and processes in, a running `Runtime` out.

It assembles the store, the CRM, the engine and the clock, and is what doors and users speak to. No SQL, no rules.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from uuid import uuid4

from anyio import CancelScope, to_thread
from attrs import frozen

from bizproc.adapters import sql_crm
from bizproc.adapters.csv_files import ImportReport, Progress
from bizproc.adapters.sql_crm import SqlCrmReader, SqlWatch, bulk, exporting
from bizproc.adapters.sql_crm.exporting import ExportReport
from bizproc.adapters.system_clock import SystemClock
from bizproc.core.checks import check_text, check_value
from bizproc.core.codec import Codec
from bizproc.core.commands import Command
from bizproc.core.errors import StartConflict, StartRefused, WrongArgument
from bizproc.core.process import Call, Process
from bizproc.core.steps import StepFunction
from bizproc.crm.holding import holding
from bizproc.engines.embedded import backfill, inspection, upgrade
from bizproc.engines.embedded.backfill import Backfill
from bizproc.engines.embedded.engine import NOWHERE, Engine, Options
from bizproc.engines.embedded.guest import Guest
from bizproc.engines.embedded.inspection import News, Overview, Refusal, Since, Status
from bizproc.engines.embedded.reactions import Reactions
from bizproc.engines.embedded.rehearsal import Stage
from bizproc.engines.embedded.rules import Rules
from bizproc.engines.embedded.upgrade import UpgradeReport
from bizproc.model.agenda import Agenda
from bizproc.model.bills import Bill
from bizproc.model.files import File
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef, ref_of
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Outside
from bizproc.ports.clock import Clock
from bizproc.ports.files import FILES, Files
from bizproc.rules.filters import Filter
from bizproc.runtime.instance import Instance
from bizproc.runtime.parts import (
    distinct,
    makers,
    open_database,
    portal_of,
    spare_collector,
    used_processes,
    with_channels,
    with_files,
)
from bizproc.runtime.previewing import AnyChannel, Preview, Rehearsing
from bizproc.settings import Settings
from bizproc.store.copies import number_of_files
from bizproc.store.database import Database, Transaction

T = TypeVar("T")


R = TypeVar("R")


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
            spare_collector()
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
            StoreError: There is no store (StoreMissing), or it cannot be read.
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
            if progress is not None:  # also of a page whose items all had been started on before
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
        return await Rehearsing(self, call, assumed, None).preview()

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
            channels=self.outside.channels if owned else AnyChannel(),
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
