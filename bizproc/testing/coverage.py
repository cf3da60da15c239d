"""
Which paths of a process tests have seen: which of its awaits were reached, and how each of its waits has ended.

A driver that is watched says what is asked at which line, and how it ended. A step counts once, however often it is
replayed: after a crash, in a rebuilt instance, with `--bizproc-always-replay`. What is found is laid over the flow of
the process, as it is drawn (`bizproc diagram`), so that what no test has seen is there, too. Branches in which nothing
is awaited are found by their lines (`testing/branches.py`).

    {"sales.follow_up": {"1": {"lines": {"24": 7}, "waits": {"24": {"timed_out": 3, "matched": 4}}}}}

It is the format that `bizproc diagram PROCESS --coverage FILE` reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from inspect import unwrap
from itertools import count
from typing import Any, Final, cast

from attrs import define, evolve, field, frozen
from cattrs import structure, unstructure

from bizproc.code.files import Unreadable
from bizproc.code.flow import Act, End, Flow, Several, blocks_of, every_part
from bizproc.code.source import code_of, flow_of_process
from bizproc.core.commands import Command, Signalled, Sleep, SleepUntil
from bizproc.core.driver import Ask, Branch, Driver
from bizproc.core.fork import Body, Fork
from bizproc.core.process import Call, Process
from bizproc.model import StageReached, WaitOutcome
from bizproc.testing.branches import Arc, Tracer, arms_of
from bizproc.triggers.waits import Happened

OUTCOMES: Final[Mapping[str, str]] = {
    "stage reached": "matched",
    "status reached": "matched",
    "another final stage": "final",
    "another final status": "final",
    "deal deleted": "deleted",
    "lead deleted": "deleted",
    "signal": "signalled",
    "event": "happened",
    "days over": "time",
    "day reached": "time",
    "client wrote": "client_activity",
    "new activity": "client_activity",
    "skipped": "skipped",
    "timed out": "timed_out",
}
"""How a wait can end: in the words of a drawing, and as the report has it."""


@frozen
class Place:
    """
    Where something is asked.

    Attributes:
        lines: Of the process's file, the innermost last; none for what a fork awaits itself.
        fork: The line of that fork, and which of its branches it is.
        kind, name: What is asked, as the journal has it.
    """

    lines: tuple[int, ...]
    fork: tuple[int, int] | None
    kind: str
    name: str


@define(eq=False)
class Seen:
    """
    What was seen of all processes that ran.

    Attributes:
        processes: The processes, by name and version.
        asked: How many steps were asked for at a place.
        ended: How many of them ended in a way.
        arcs: Which lines were run after each other.
    """

    processes: dict[tuple[str, int], Process[..., Any]] = field(factory=dict)
    asked: dict[tuple[str, int], Counter[Place]] = field(factory=dict)
    ended: dict[tuple[str, int], Counter[tuple[Place, str]]] = field(factory=dict)
    arcs: dict[tuple[str, int], set[Arc]] = field(factory=dict)
    _steps: set[tuple[Any, ...]] = field(factory=set)
    _worlds: Iterator[int] = field(factory=count)

    def watch(self) -> Any:
        """What makes the drivers of one world."""
        world = next(self._worlds)
        return lambda call, coroutine, this: WatchedDriver(self, world, call, coroutine, this)

    def add_asked(self, step: tuple[Any, ...], process: Process[..., Any], place: Place) -> None:
        """A step was asked for; if it is new, it counts."""
        key = process.name, process.version
        self.processes[key] = process
        if (step, place) not in self._steps:
            self._steps.add((step, place))
            self.asked.setdefault(key, Counter())[place] += 1

    def add_ended(self, step: tuple[Any, ...], process: Process[..., Any], place: Place, how: str) -> None:
        """A step ended so; if that is new, it counts."""
        if (step, place, how) not in self._steps:
            self._steps.add((step, place, how))
            self.ended.setdefault((process.name, process.version), Counter())[place, how] += 1


class WatchedDriver(Driver):
    """A driver that says what it is asked, and how that ended."""

    def __init__(self, seen: Seen, world: int, call: Call[Any], coroutine: Body, this: Any) -> None:
        super().__init__(coroutine, this)
        self._seen: Final = seen
        self._of: Final = (world, this.id)
        self._process: Final = call.process
        self._file: Final = unwrap(call.process.function).__code__.co_filename
        self._places: Final = dict[str, Place]()
        arcs = seen.arcs.setdefault((call.process.name, call.process.version), set())
        self._tracer: Final = Tracer(self._file, arcs.add)

    def _send(self, coroutine: Body, value: Any, error: BaseException | None) -> Command[Any]:
        with self._tracer.at_work():
            return super()._send(coroutine, value, error)

    def _asked(self, branch: Branch, command: Command[Any]) -> None:
        address = f"{branch.prefix}{branch.asked}"
        place = self._places[address] = self._place(branch, command)
        self._seen.add_asked((*self._of, address), self._process, place)
        super()._asked(branch, command)

    def resume(self, address: str, value: Any = None, error: BaseException | None = None) -> None:
        self._end(self.asks[address], _outcome(value, error))
        super().resume(address, value, error)

    def _drop(self, ask: Ask) -> None:
        self._end(ask, "cancelled")
        super()._drop(ask)

    def _end(self, ask: Ask, how: str) -> None:
        how = "time" if how == "returned" and isinstance(ask.command, Sleep | SleepUntil) else how
        self._seen.add_ended((*self._of, ask.address), self._process, self._places[ask.address], how)

    def _place(self, branch: Branch, command: Command[Any]) -> Place:
        lines, forked = _lines(branch.coroutine, self._file), branch.forked
        fork = None
        if not lines and forked is not None and (owner := self._places.get(forked.address)) is not None:
            fork = (owner.lines[-1] if owner.lines else 0, branch.index)
        kind = "fork" if isinstance(command, Fork) else command.kind
        return Place(lines, fork, kind, command.name)


def _lines(coroutine: Any, file: str) -> tuple[int, ...]:
    """The lines of this file at which a coroutine and what it awaits stand, the innermost last."""
    lines, current = [], coroutine
    while current is not None:
        frame = getattr(current, "cr_frame", None) or getattr(current, "gi_frame", None)
        if frame is not None and frame.f_code.co_filename == file:
            lines.append(frame.f_lineno)
        current = getattr(current, "cr_await", None) or getattr(current, "gi_yieldfrom", None)
    return tuple(lines)


def _outcome(value: Any, error: BaseException | None) -> str:
    """How a command ended, as the report has it."""
    if error is not None:
        return "raised"
    match value:
        case Signalled():
            return "timed_out" if value.timed_out else "signalled"
        case Happened():
            return "timed_out" if value.timed_out else "happened"
        case StageReached():
            return "timed_out" if value.timed_out else "deleted" if value.deleted else _reached(value)
        case WaitOutcome():
            return value.reason
        case _:
            return "returned"


def _reached(value: StageReached) -> str:
    return "matched" if value.matched else "final"


# -- the report --------------------------------------------------------------------------------------------------------


@frozen
class Hole:
    """Something that no test has seen: the line, what about it, and the number of the part of the drawing."""

    line: int
    why: str
    part: int = 0


@frozen
class Covered:
    """
    What was seen of one process.

    Attributes:
        total, seen: Of awaits, of ways in which waits can end, and of branches in which nothing is awaited.
        holes: What was not seen, by line.
        lines: How often each line was awaited at.
        waits: How often the wait at a line ended in each way.
        ends: Lines at which a road never ended, with a `return` or the like.
        outcomes: How the wait at a line never ended.
        unread: Why the code could not be read; then nothing is known of holes.
    """

    name: str
    version: int
    total: int
    seen: int
    holes: tuple[Hole, ...]
    lines: Mapping[int, int]
    waits: Mapping[int, Mapping[str, int]]
    ends: tuple[int, ...] = ()
    outcomes: Mapping[int, tuple[str, ...]] = field(factory=dict)
    unread: str | None = None

    @property
    def percent(self) -> float:
        """How much of it was seen."""
        return 100 * self.seen / self.total if self.total else 100.0


def report(seen: Seen) -> list[Covered]:
    """What was seen of each process, by name; those that come with bizproc have tests of their own."""
    return [_covered(seen, key) for key in sorted(seen.processes) if not _is_ours(seen.processes[key])]


def _is_ours(process: Process[..., Any]) -> bool:
    return bool(unwrap(process.function).__module__.partition(".")[0] == "bizproc")


# -- several programs --------------------------------------------------------------------------------------------------


def packed(covered: list[Covered]) -> list[dict[str, Any]]:
    """A report as one program sends it to another: lists, dicts, texts and numbers."""
    return cast("list[dict[str, Any]]", unstructure(covered))


def unpacked(sent: list[dict[str, Any]]) -> list[Covered]:
    """The report that was sent."""
    return structure(sent, list[Covered])


def together(reports: Iterable[list[Covered]]) -> list[Covered]:
    """What several programs have seen, each with some of the tests: a hole is what none has seen."""
    found: dict[tuple[str, int], Covered] = {}
    for each in (each for report in reports for each in report):
        key = each.name, each.version
        found[key] = _both(found[key], each) if key in found else each
    return [found[key] for key in sorted(found)]


def _both(one: Covered, two: Covered) -> Covered:
    waits = {line: Counter(ways) for line, ways in one.waits.items()}
    for line, ways in two.waits.items():
        waits.setdefault(line, Counter()).update(ways)
    holes = tuple(hole for hole in two.holes if hole in one.holes)
    if one.total != two.total:  # two processes of one name: the later one counts, as it does in one program
        holes = two.holes
    return evolve(
        two,
        seen=two.total - len(holes),
        holes=holes,
        lines=Counter(one.lines) + Counter(two.lines),
        waits=waits,
        ends=tuple(line for line in two.ends if line in one.ends),
        outcomes={
            line: tuple(way for way in ways if way in one.outcomes.get(line, ())) for line, ways in two.outcomes.items()
        },
    )


# -- the report for people ---------------------------------------------------------------------------------------------


def percent_of_all(covered: list[Covered]) -> float:
    """How much was seen of all processes together."""
    total = sum(each.total for each in covered)
    return 100 * sum(each.seen for each in covered) / total if total else 100.0


def table(covered: list[Covered]) -> list[str]:
    """The report for people: a line for each process, and one for each hole."""
    if not covered:
        return ["no process has run"]
    width = max(len(f"{each.name} {each.version}") for each in covered)
    lines = [f"{'process':<{width}}  seen   of     %"]
    for each in covered:
        name = f"{each.name} {each.version}"
        if each.unread is not None:
            lines.append(f"{name:<{width}}  its code cannot be read: {each.unread}")
            continue
        lines.append(f"{name:<{width}}  {each.seen:>4} {each.total:>4} {each.percent:>5.0f}")
        lines += [f"  line {hole.line}  {hole.why}" for hole in each.holes]
    return [*lines, f"{'all':<{width}}  {'':>9} {percent_of_all(covered):>5.0f}"]


def as_json(covered: list[Covered]) -> dict[str, Any]:
    """The report as `read_coverage` reads it, and what it does not know."""
    whole: dict[str, Any] = {}
    for each in covered:
        whole.setdefault(each.name, {})[str(each.version)] = {
            "lines": {str(line): times for line, times in sorted(each.lines.items())},
            "waits": {str(line): dict(sorted(ways.items())) for line, ways in sorted(each.waits.items())},
            "never": {
                "ends": list(each.ends),
                "outcomes": {str(line): list(ways) for line, ways in sorted(each.outcomes.items())},
            },
            "holes": [{"line": hole.line, "why": hole.why} for hole in each.holes],
            "percent": round(each.percent, 1),
        }
    return whole


def _covered(seen: Seen, key: tuple[str, int]) -> Covered:
    lines, waits = Counter[int](), dict[int, Counter[str]]()
    asked, ended = seen.asked.get(key, Counter()), seen.ended.get(key, Counter())
    try:
        written, _ = code_of(seen.processes[key])
        flow: Flow | None = flow_of_process(seen.processes[key])
        arms = [arm for part in written.parts for arm in arms_of(part)]
        unread = None
    except Unreadable as error:
        flow, arms, unread = None, [], error.why
    acts = {place: _act_at(flow, place) if flow is not None else None for place in asked}
    for place, times in asked.items():
        act = acts[place]
        own = {*place.lines} | ({act.line} if act is not None else set())
        for line in own:
            lines[line] += times
    for (place, how), times in ended.items():
        act = acts.get(place)
        at = [act.line] if act is not None else place.lines[-1:]
        if at and _is_wait(place, act):
            waits.setdefault(at[0], Counter())[how] += times
    if flow is None:
        return Covered(*key, 0, 0, (), lines, waits, unread=unread)
    reached = {id(act) for act in acts.values() if act is not None}
    arcs = seen.arcs.get(key, set())
    never = [Hole(arm.line, arm.why) for arm in arms if not arm.was_taken(arcs)]
    covered = _laid_over(flow, key, lines, waits, reached, len(arms), never)
    run = {line for _, line in arcs}
    ends = [part.line for part in every_part(flow.body) if isinstance(part, End) and part.line not in run]
    return evolve(covered, ends=tuple(sorted(set(ends))))


def _is_wait(place: Place, act: Act | None) -> bool:
    return act.kind == "wait" if act is not None else place.kind in ("wait", "signal", "sleep", "until")


def _laid_over(
    flow: Flow,
    key: tuple[str, int],
    lines: Counter[int],
    waits: dict[int, Counter[str]],
    reached: set[int],
    total: int,
    holes: list[Hole],
) -> Covered:
    """What was seen, beside what there is to be seen; `total` and `holes` as far as branches go."""
    never = dict[int, tuple[str, ...]]()
    acts = [part for part in every_part(flow.body) if isinstance(part, Act) and part.kind != "undo"]
    for part, act in enumerate(acts):
        total += 1
        if not (id(act) in reached or (act.kind in ("other", "child") and lines[act.line])):
            holes.append(Hole(act.line, f"never reached: {act.text}", part))
        total += len(act.outcomes)
        ended = waits.get(act.line, Counter[str]())
        if missing := tuple(each for each in act.outcomes if not ended[OUTCOMES[each]]):
            never[act.line] = (*never.get(act.line, ()), *missing)
            holes += [Hole(act.line, f"never: {each}: {act.text}", part) for each in missing]
    holes.sort(key=lambda hole: hole.line)
    return Covered(*key, total, total - len(holes), tuple(holes), lines, waits, outcomes=never)


def _act_at(flow: Flow, place: Place) -> Act | None:
    """The part of the drawing that asks at a place."""
    acts = [part for part in every_part(flow.body) if isinstance(part, Act) and _asks(part, place)]
    if place.fork is not None:
        line, index = place.fork
        inside = [act for act in _of_fork(flow, line, index) if _asks(act, place)]
        if inside:
            return inside[0]
    for line in reversed(place.lines):
        for act in acts:
            if act.line == line:
                return act
    # Made at one line and awaited further down: the nearest above.
    above = [act for act in acts if place.lines and act.line < place.lines[-1]]
    return max(above, key=lambda act: act.line) if above else None


def _of_fork(flow: Flow, line: int, index: int) -> list[Act]:
    for part in every_part(flow.body):
        if isinstance(part, Several) and part.line == line:
            blocks = blocks_of(part)
            one = index < len(blocks) and not part.many
            inside = [blocks[index]] if one else blocks
            return [each for block in inside for each in every_part(block) if isinstance(each, Act)]
    return []


def _asks(act: Act, place: Place) -> bool:
    return any(kind == place.kind and name in (None, place.name) for kind, name in act.asks)
