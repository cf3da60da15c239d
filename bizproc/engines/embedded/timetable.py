"""
The timetable: when the schedules of loaded processes are due next, and what is started when they are.

A run is one instance, whose id says of which process and which moment it is: however often a moment is come to, it is
started once. The next moment and the start are one commit.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

from bizproc.core.process import Process
from bizproc.engines.embedded.asked import Asked
from bizproc.engines.embedded.reactions import Reaction, Told
from bizproc.engines.embedded.rules import Rules
from bizproc.engines.embedded.works import Reacting
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import moment, moment_text
from bizproc.triggers.schedule import Schedule

if TYPE_CHECKING:
    from bizproc.engines.embedded.engine import Engine

sql: Final = load("bizproc.engines.embedded", "statements.sql")

# Of a schedule that makes up for all of its runs, so many are started in one group.
RUNS_A_GROUP: Final = 100


@define(eq=False)
class Plan(Asked["datetime | None"]):
    """Enter the schedules of processes that were loaded; what stands there already stays. Gives the next moment."""

    names: Collection[str] = field(kw_only=True)
    rules: Rules = field(kw_only=True)

    def write(self, tx: Transaction) -> datetime | None:
        planned = set()
        for name in self.names:
            for expression, zone, _ in tx.execute(sql.timetable_of, {"process": name}).fetchall():
                planned.add((name, expression, zone))
        for gone in planned - self.rules.schedules.keys():
            _unplan(tx, *gone)
        for key, (_, schedule) in self.rules.schedules.items():
            if key not in planned:
                _plan(tx, key, schedule.after(tx.now))
        return next_run(tx, self.rules)


@frozen
class Struck:
    """What was started, and when the next run is due."""

    reaction: Reaction
    next: datetime | None


@define(eq=False)
class Strike(Reacting[Struck]):
    """
    Start the runs that are due.

    Attributes:
        now: The moment.
        since: Runs before it were due while nobody was there.
    """

    now: datetime = field(kw_only=True)
    since: datetime = field(kw_only=True)

    def write(self, tx: Transaction) -> Struck:
        reaction, rules = self.reactions.begin(tx), self.reactions.rules
        for process, expression, zone, due in tx.execute(sql.due_runs, {"now": moment_text(self.now)}).fetchall():
            planned = rules.schedules.get((process, expression, zone))
            if planned is not None:
                self._strike(tx, reaction, *planned, moment(due))
        return Struck(reaction, next_run(tx, rules))

    def _strike(
        self, tx: Transaction, reaction: Reaction, process: Process[..., Any], schedule: Schedule, due: datetime
    ) -> None:
        runs, following = self._runs(schedule, due)
        if not reaction.is_paused(process):
            for run in runs:
                what = f"cron {schedule.expression}"
                reaction.start_by_itself(process, Told(process, what, chain=(what,)), run_id(process, run))
        _plan(tx, (process.name, schedule.expression, str(schedule.zone)), following)

    def _runs(self, schedule: Schedule, due: datetime) -> tuple[list[datetime], datetime | None]:
        """The runs to start now, of those that are due, and the one after them."""
        if schedule.missed == "all":
            return _first(schedule, due, self.now)
        last = _last(schedule, due, self.now)
        too_late = schedule.missed == "none" and last < self.since
        return [] if too_late else [last], schedule.after(self.now)


class Timetable:
    """
    The timetable of one engine.

    Attributes:
        next: When the next run is due; None while it is being started, and where there is none.
    """

    def __init__(self, engine: Engine) -> None:
        self.next: datetime | None = None
        self._engine = engine
        self._since = engine.now()

    def open(self) -> Plan:
        """From here on somebody is there. The work that enters the schedules of what is loaded."""
        self._since = self._engine.now()
        return self.plan()

    def plan(self) -> Plan:
        """The work that enters the schedules of what is loaded."""
        names = {name for name, _ in self._engine.processes()}
        rules, broken = self._engine.reactions.rules, self._engine.break_down
        return Plan(self._planned, names=names, rules=rules, patient=True, broken=broken)

    def _planned(self, following: datetime | None) -> None:
        self.next = following
        self._engine.wake_by(following)
        self._engine.notice_idle()

    def strike_if_due(self) -> None:
        """Start what is due."""
        engine, now = self._engine, self._engine.now()
        if self.next is None or self.next > now:
            return
        self.next = None
        reactions, broken = engine.reactions, engine.break_down
        engine.submit(
            Strike(self._struck, broken=broken, now=now, since=self._since, reactions=reactions, patient=True)
        )

    def _struck(self, struck: Struck) -> None:
        self._engine.reacted(struck.reaction)
        self._planned(struck.next)


def run_id(process: Process[..., Any], run: datetime) -> str:
    """The id of the instance that a run is."""
    return f"{process.name}@{run.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def next_run(tx: Transaction, rules: Rules) -> datetime | None:
    """When the first of the loaded schedules is due."""
    names = {process for process, _, _ in rules.schedules}
    moments = [
        due
        for name in names
        for expression, zone, due in tx.execute(sql.timetable_of, {"process": name})
        if (name, expression, zone) in rules.schedules
    ]
    return moment(min(moments)) if moments else None


def _first(schedule: Schedule, due: datetime, now: datetime) -> tuple[list[datetime], datetime | None]:
    runs: list[datetime] = []
    following: datetime | None = due
    while following is not None and following <= now and len(runs) < RUNS_A_GROUP:
        runs.append(following)
        following = schedule.after(following)
    return runs, following


# The last run is looked for in the time just before now, and in longer ones only where there is none: a schedule of
# every minute has half a million runs a year.
_LOOKING_BACK: Final = (timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(days=366))


def _last(schedule: Schedule, due: datetime, now: datetime) -> datetime:
    """The last run that is due by now; there is one, `due`."""
    for time in _LOOKING_BACK:
        if now - time > due:
            found = _last_since(schedule, schedule.after(now - time), now)
            if found is not None:
                return found
    return _last_since(schedule, due, now) or due


def _last_since(schedule: Schedule, run: datetime | None, now: datetime) -> datetime | None:
    last = None
    while run is not None and run <= now:
        last, run = run, schedule.after(run)
    return last


def _plan(tx: Transaction, key: tuple[str, str, str], due: datetime | None) -> None:
    if due is None:
        _unplan(tx, *key)
        return
    process, expression, zone = key
    tx.execute(sql.plan, {"process": process, "expression": expression, "zone": zone, "next": moment_text(due)})


def _unplan(tx: Transaction, process: str, expression: str, zone: str) -> None:
    tx.execute(sql.unplan, {"process": process, "expression": expression, "zone": zone})
