"""What `bizproc check` says of the instances that live in a store: whether they go on on the code there is now."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from bizproc.cli.hearing import Unheard, unheard
from bizproc.cli.loading import Loaded
from bizproc.cli.output import counted
from bizproc.cli.setup import Setup, check_that_store_exists

if TYPE_CHECKING:
    from bizproc.runtime import Upgrade, UpgradeReport


def check_instances(setup: Setup, loaded: Loaded) -> tuple[UpgradeReport, list[Unheard]]:
    """
    Replay all live instances of the store on the processes that are found, and look what their triggers listen to.

    Nothing is written.
    """
    check_that_store_exists(setup)
    return asyncio.run(_check(setup, loaded))


async def _check(setup: Setup, loaded: Loaded) -> tuple[UpgradeReport, list[Unheard]]:
    from bizproc.runtime import Runtime

    async with Runtime.attach(setup.store) as runtime:
        report = await runtime.check(loaded.processes, progress=_tell if sys.stderr.isatty() else None)
        return report, await unheard(runtime, loaded.accepted)


def _tell(done: int, of: int) -> None:
    print(f"\r{done:,} of {counted(of, 'instance')}" if done < of else "\r\033[K", end="", file=sys.stderr, flush=True)  # noqa: T201  a line that rewrites itself


def lines(report: UpgradeReport) -> Iterator[str]:
    """For people: what does not fit, each way of not fitting once; whose settings have changed; and a sentence."""
    wrong = [one for one in report.instances if one.verdict not in ("compatible", "patched")]
    for _, same in groupby(sorted(wrong, key=_way), key=_way):
        several = list(same)
        first = several[0]
        many = counted(len(several), "instance")
        yield f"{first.process} {first.version}: {many} {_SAYS[first.verdict]}: {_names(several)}"
        yield from (f"    {line}" for line in first.detail.splitlines())
    yield from _settings(report)
    counts = report.counts
    parts = [f"{counts[verdict]} {verdict}" for verdict in _SAYS if counts.get(verdict)]
    yield f"{counted(len(report.instances), 'instance')}: {', '.join(parts)}." if parts else "No live instances."


def of(report: UpgradeReport, processes: Iterable[str]) -> UpgradeReport:
    """What it says of the instances of these processes."""
    from bizproc.runtime import UpgradeReport

    names = set(processes)
    return UpgradeReport(instances=tuple(one for one in report.instances if one.process in names))


def _settings(report: UpgradeReport) -> Iterator[str]:
    """Of recipes: the settings that have changed since live instances began, and what that means for these."""
    changed = [one for one in report.instances if one.settings and one.verdict in ("compatible", "patched")]
    for (process, names), same in groupby(sorted(changed, key=_changed), key=_changed):
        several = list(same)
        goes, it, begins = ("goes", "it", "begins") if len(several) == 1 else ("go", "they", "begin")
        many = counted(len(several), "instance")
        yield (
            f"{process}: other settings since ({', '.join(names)}): {many} {goes} on with those of the "
            f"start, until {it} {begins} anew; new ones have those of today: {_names(several)}"
        )


def _changed(one: Upgrade) -> tuple[str, tuple[str, ...]]:
    return one.process, one.settings


_SAYS: Final = {
    "compatible": "would go on",
    "patched": "would go on, on the old side of a patch",
    "mismatch": "would be stuck",
    "unknown": "would be stuck, for their process is not here",
    "unreadable": "would be stuck, for what was recorded cannot be read back",
}


def _way(one: Upgrade) -> tuple[str, int, str, str, str, str]:
    return one.process, one.version, one.verdict, one.step or "", one.recorded or one.detail, one.asked or ""


def _names(several: list[Upgrade]) -> str:
    names = [one.instance for one in several[:_SHOWN]]
    return ", ".join(names) + (f" and {len(several) - _SHOWN} more" if len(several) > _SHOWN else "")


_SHOWN: Final = 5


def as_json(report: UpgradeReport) -> dict[str, Any]:
    """For programs."""
    return {"counts": dict(report.counts), "instances": list(_rows(report.instances))}


def _rows(instances: Iterable[Upgrade]) -> Iterator[dict[str, Any]]:
    for one in instances:
        yield {
            "id": one.instance,
            "process": one.process,
            "version": one.version,
            "state": one.state,
            "verdict": one.verdict,
            "patches": list(one.patches),
            "step": one.step,
            "recorded": one.recorded,
            "asked": one.asked,
            "settings": list(one.settings),
            "detail": one.detail,
        }
