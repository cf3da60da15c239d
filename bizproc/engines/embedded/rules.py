"""
Which of the loaded processes start by themselves.

They are found by the name of an event, in memory: one that nobody is interested in costs a look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import frozen

from bizproc.core.checks import readable
from bizproc.core.errors import ProcessDefinitionError
from bizproc.core.process import Process
from bizproc.model.kinds import BELONGINGS, NOUNS
from bizproc.model.smart_items import SMART_ITEM, is_type_code
from bizproc.triggers.keys import is_sent
from bizproc.triggers.schedule import Schedule
from bizproc.triggers.trigger import Trigger


@frozen
class Rules:
    """
    What starts by itself.

    Attributes:
        by_event: The processes that an event of this name may start.
        schedules: The processes that a clock starts, with their schedules in zones of their own.
    """

    by_event: Mapping[str, tuple[Process[..., Any], ...]] = MappingProxyType({})
    schedules: Mapping[tuple[str, str, str], tuple[Process[..., Any], Schedule]] = MappingProxyType({})

    @classmethod
    def of(cls, processes: Iterable[Process[..., Any]], zone: str) -> Rules:
        """Of several versions of a process the newest starts."""
        newest: dict[str, Process[..., Any]] = {}
        for process in sorted(processes, key=lambda process: process.version):
            newest[process.name] = process
        starting = [process for process in newest.values() if process.starts is not None]
        by_event: dict[str, dict[Process[..., Any], None]] = {}
        schedules = {}
        for process in starting:
            for each in process.starts.alternatives():
                for name in each.events:
                    by_event.setdefault(name, {})[process] = None
                if each.schedule is not None:
                    one = each.schedule.within(zone)
                    schedules[process.name, one.expression, str(one.zone)] = process, one
        return cls({name: tuple(found) for name, found in by_event.items()}, schedules)


def check_starts(process: Process[..., Any]) -> None:
    """Raises ProcessDefinitionError for a process that cannot start by itself as it says."""
    if process.starts is None:
        return
    if not isinstance(process.starts, Trigger):
        _refuse(process, f"starts= is a trigger, as on.created('deal'), and not {process.starts!r}.")
    required = [each.name for each in process.form.parameters if each.required]
    if required:
        which = ", ".join(required)
        _refuse(process, f"it starts by itself, and then nobody fills in its start form: give {which} a default.")
    for each in process.starts.alternatives():
        _check_document(process, each)


def _check_document(process: Process[..., Any], trigger: Trigger) -> None:
    document = process.form.document
    if document is None:
        if trigger.while_in_stage:
            _refuse(process, "while_in_stage ends it when its document leaves a stage, and it has no document.")
        return
    if trigger.schedule is not None:
        _refuse(process, "on.cron starts it without a document, and it has one. Let it find its items itself.")
    for name in trigger.events:
        kind = name.rpartition(".")[0]
        if not (is_sent(name) or trigger.any_kind) and not _may_be(document, kind):
            _refuse(process, f"its document is a {readable(document)}, and its trigger tells of the kind {kind!r}.")


def _may_be(document: type, kind: str) -> bool:
    """Whether items of this kind are such documents: smart items are of as many kinds as there are types."""
    own = getattr(document, "item_type", None)
    if own == SMART_ITEM:
        return is_type_code(kind) and kind not in NOUNS and kind not in BELONGINGS
    return own == kind or not isinstance(own, str)


def _refuse(process: Process[..., Any], detail: str) -> None:
    raise ProcessDefinitionError(process=process.name, detail=detail)
