"""
What triggers listen to and a store does not have: they would start nothing, and nobody would say why.

A stage or a smart type may be made later, so this refuses nothing; `bizproc check` says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bizproc.core.near import nearest
from bizproc.triggers.keys import is_sent

if TYPE_CHECKING:
    from bizproc.core.process import Process
    from bizproc.runtime import Runtime


@frozen
class Unheard:
    """One kind of item, or stage, that is not there; `known` are those that are."""

    process: str
    what: str
    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        near = nearest(self.name, self.known)
        hint = f"Did you mean {near!r}?" if near else f"There are: {', '.join(self.known)}."
        return f"{self.process}: its trigger listens to {self.what} {self.name!r}, which is not in the store. {hint}"


async def unheard(runtime: Runtime, processes: Iterable[Process[..., Any]]) -> list[Unheard]:
    """All that triggers of starts name and the store does not have."""
    from bizproc.model import SmartType, Stage
    from bizproc.model.kinds import BELONGINGS, NOUNS

    smart = [each.code for each in await runtime.find(SmartType)]
    stages: dict[str, list[str]] = {}
    for stage in await runtime.find(Stage):
        stages.setdefault(stage.kind, []).append(stage.code)
    kinds = (*NOUNS, *BELONGINGS, *smart)
    return [one for process in processes for one in _of(process, kinds, stages)]


def _of(process: Process[..., Any], kinds: tuple[str, ...], stages: dict[str, list[str]]) -> Iterator[Unheard]:
    for trigger in () if process.starts is None else process.starts.alternatives():
        if trigger.any_kind or trigger.schedule is not None:
            continue
        for kind in dict.fromkeys(event.rpartition(".")[0] for event in trigger.events if not is_sent(event)):
            if kind not in kinds:
                yield Unheard(process.name, "the kind of item", kind, kinds)
            elif trigger.stages:
                known = tuple(stages.get(kind, ()))
                missing = (stage for stage in trigger.stages if stage not in known)
                yield from (Unheard(process.name, f"the stage of a {kind},", stage, known) for stage in missing)
