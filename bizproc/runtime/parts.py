"""
What a runtime is put together from: the store with its tables, the CRM, channels, files, the processes of recipes.

Each is made here from settings; nothing runs yet.
"""

from __future__ import annotations

import gc
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Final

from attrs import evolve

from bizproc.adapters import sql_crm
from bizproc.adapters.file_folder import FolderFiles, MemoryFiles
from bizproc.adapters.sql_crm import SqlCrm, SqlCrmReader
from bizproc.adapters.sql_crm.reading import setting
from bizproc.core.errors import ProcessDefinitionError, SettingsError
from bizproc.core.process import Process
from bizproc.engines.embedded.rules import check_starts
from bizproc.model.portal import Portal
from bizproc.model.tokens import Signer
from bizproc.ports.channel import Outside
from bizproc.ports.clock import Clock
from bizproc.ports.commit_observer import CommitObserver
from bizproc.ports.files import FILES
from bizproc.ports.performing import Performing
from bizproc.rules.filters import Setting
from bizproc.settings import Settings
from bizproc.store import schema
from bizproc.store.copies import files_of
from bizproc.store.database import Database


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


def refusals(processes: Iterable[Process[..., Any]]) -> Iterator[ProcessDefinitionError]:
    """Why processes would not be loaded, one after the other."""
    for process in processes:
        try:
            check_starts(process)
        except ProcessDefinitionError as error:
            yield error


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


def spare_collector() -> None:
    """
    Modules and what they hold do not go away: the collector of garbage need not look at them again and again.

    Under load it did, and took a third of the time of a step. Once a program: what is garbage then, in cycles, stays.
    """
    if not gc.get_freeze_count():
        gc.freeze()


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
            detail = f"it is filled in, and the package {error.name} is missing: pip install 'bizproc[{section}]'."
            raise SettingsError(where=f"[{section}]", detail=detail) from None
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
