"""
What other code would make of the instances there are: each is replayed on it, and nothing is written or performed.

Replay needs the journal alone. The processes' own code runs, up to where each journal ends, and is then dropped without
being finalised; no body of a step and no action runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from bizproc.core.codec import Codec, text_of
from bizproc.core.errors import BizprocError, ReplayMismatch
from bizproc.core.process import Process
from bizproc.engines.embedded.begun import begun_call, settings_in
from bizproc.engines.embedded.endings import LIVE
from bizproc.engines.embedded.journal import verified
from bizproc.engines.embedded.progress import Progress, portal_in
from bizproc.store.statements import load

sql: Final = load("bizproc.engines.embedded", "statements.sql")

Verdict: TypeAlias = Literal["compatible", "patched", "mismatch", "unknown", "unreadable"]

Loaded: TypeAlias = Mapping[tuple[str, int], Process[..., Any]]


@frozen(kw_only=True)
class Upgrade:
    """
    What would become of one instance.

    Attributes:
        verdict: `compatible`: it goes on. `patched`: it goes on, on the old side of `patched`. `mismatch`: it would be
            stuck at `step`. `unknown`: no process of this name and version is given. `unreadable`: its arguments or a
            recorded value cannot be read back, or its journal is damaged.
        patches: The changes whose old side it is on.
        recorded, asked: Of a mismatch: what the journal has there, and what the code asks for.
        settings: Of a recipe's instance: the names of the settings that are others now than those it goes on with.
        detail: What is wrong, in words; empty where nothing is.
    """

    instance: str
    process: str
    version: int
    state: str
    verdict: Verdict
    patches: tuple[str, ...] = ()
    step: str | None = None
    recorded: str | None = None
    asked: str | None = None
    settings: tuple[str, ...] = ()
    detail: str = ""


@frozen(kw_only=True)
class UpgradeReport:
    """What would become of all live instances, the oldest first."""

    instances: tuple[Upgrade, ...]

    @property
    def fits(self) -> bool:
        """Whether all of them would go on."""
        return all(one.verdict in ("compatible", "patched") for one in self.instances)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many there are of each verdict."""
        return Counter(one.verdict for one in self.instances)


def check(
    connection: Any,
    processes: Loaded,
    codec: Codec,
    path: str,
    *,
    only: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> UpgradeReport:
    """
    Replay every live instance on these processes.

    Args:
        connection: Only read from.
        processes: By name and version.
        codec: Reads what was recorded.
        path: The store's, for errors.
        only: Only instances of the process of this name.
        progress: Told now and then how many of how many are done.
    """
    keys = [key for (key,) in connection.execute(sql.live_instances, {"process": only})]
    found: list[Upgrade] = []
    for done, key in enumerate(keys):
        if progress is not None and done % _TOLD == 0:
            progress(done, len(keys))
        row = connection.execute(sql.instance, {"key": key}).fetchone()
        if row is not None and row[8] in LIVE:  # it may have ended meanwhile
            found.append(_check_one(connection, processes, codec, path, row))
    if progress is not None:
        progress(len(keys), len(keys))
    return UpgradeReport(instances=tuple(found))


_TOLD: Final = 100


def _check_one(connection: Any, processes: Loaded, codec: Codec, path: str, row: tuple[Any, ...]) -> Upgrade:
    key, id, name, version, state = row[0], row[1], row[2], row[3], row[8]
    who: dict[str, Any] = {"instance": id, "process": name, "version": version, "state": state}
    process = processes.get((name, version))
    if process is None:
        others = sorted(number for known, number in processes if known == name)
        return Upgrade(**who, verdict="unknown", detail=_of_none(name, version, others))
    try:
        who["settings"] = _other_settings(process, row[7], codec)
        rows, _ = verified(key, id, path, connection.execute(sql.journal, {"key": key}))
        portal = None if row[12] is None else portal_in(row[12])
        progress = Progress(id, begun_call(process, row[7], codec), codec)
    except BizprocError as error:
        return Upgrade(**who, verdict="unreadable", detail=text_of(error))
    if portal is not None:
        progress.portal = portal
    try:
        progress.replay(rows)
    except ReplayMismatch as error:
        return Upgrade(
            **who,
            verdict="mismatch",
            step=error.step,
            recorded=error.recorded,
            asked=error.asked,
            detail=text_of(error),
        )
    except BizprocError as error:
        return Upgrade(**who, verdict="unreadable", detail=text_of(error))
    finally:
        progress.drop()
    return Upgrade(**who, verdict="patched" if progress.patches else "compatible", patches=tuple(progress.patches))


def _of_none(name: str, version: int, others: list[int]) -> str:
    """What is said to whoever has no process for an instance."""
    if others:
        there = ", ".join(map(str, others))
        return (
            f"There is no version {version} of {name}; there is {there}. Keep the function of that version until its "
            "instances have ended, or end them: `bizproc terminate`."
        )
    return (
        f"No process is called {name}. If it was renamed, or its module or the section of its recipe was taken away, "
        "put that back until its instances have ended, or end them: `bizproc terminate`."
    )


def _other_settings(process: Process[..., Any], arguments: str, codec: Codec) -> tuple[str, ...]:
    begun = None if process.configured is None else settings_in(arguments, codec)
    return () if process.configured is None or begun is None else process.configured.differing(begun, codec)
