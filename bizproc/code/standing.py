"""
Where an instance stands in the code of its process, by its journal.

The journal says which commands were asked for, and in which order, and not in which line. So the parts are a machine
with several roads, and the journal is what it has read: what is left of its roads at the end is where the instance can
stand. Where more than one is left, the answer says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from attrs import define, field, frozen

from bizproc.code.flow import Act, Block, Choice, End, Flow, Group, Loop, Part, Several, Trying
from bizproc.code.marks import Mark, Marks


class Step(Protocol):
    """A step as the journal has it."""

    @property
    def address(self) -> str:
        """`3`, or `3.0.2` in a branch."""

    @property
    def kind(self) -> str:
        """The kind of command."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def event(self) -> str:
        """`began`, `returned`, `raised` or `cancelled`."""


@define(eq=False)
class _Place:
    """A place between parts: where one can go on without asking for anything, and what can be asked for."""

    free: list[_Place] = field(factory=list)
    asks: list[_Ask] = field(factory=list)


@frozen(eq=False)
class _Ask:
    part: Act | Several
    asked: tuple[str, str | None] | None
    then: _Place
    if_raised: tuple[_Place, ...]


@frozen(eq=False)
class _Road:
    """How a place was reached: the part that was asked for last, and the road before."""

    part: Part
    before: _Road | None


@frozen(eq=False)
class _Around:
    """What is around a block: where errors go, where `break`, `continue` and `return` go."""

    errors: tuple[_Place, ...] = ()
    after_loop: _Place | None = None
    next_round: _Place | None = None
    returns: tuple[_Place, ...] = ()


class _Machine:
    """The roads through a block."""

    def __init__(self, block: Block) -> None:
        self.begin, self.end = _Place(), _Place()
        end = self._block(block, self.begin, _Around(returns=(self.end,)))
        end.free.append(self.end)

    def _block(self, block: Block, at: _Place, around: _Around) -> _Place:
        for part in block:
            at = self._part(part, at, around)
        return at

    def _part(self, part: Part, at: _Place, around: _Around) -> _Place:
        match part:
            case Act():
                return self._act(part, at, around)
            case Several():
                then = _Place()
                at.asks.append(_Ask(part, None, then, around.errors))
                return then
            case End():
                at.free.extend(self._leaves(part, around))
                return _Place()
            case Choice():
                then = _Place()
                for _, block in part.cases:
                    begin = _Place()
                    at.free.append(begin)
                    self._block(block, begin, around).free.append(then)
                return then
            case Loop():
                return self._loop(part, at, around)
            case Trying():
                return self._trying(part, at, around)
            case Group():
                then = _Place()
                inner = _Around(around.errors, None, None, (then,) if part.kind == "helper" else around.returns)
                if part.kind == "saga":
                    inner = around
                if part.kind == "attempt":
                    inner = _Around((*around.errors, then), None, None, (then,))
                self._block(self._as_branch(part), at, inner).free.append(then)
                return then

    def _as_branch(self, part: Group) -> Block:
        """A shield is one branch to the journal."""
        return (Several("gather", (("", part.body),), part.line),) if part.kind == "shield" else part.body

    def _act(self, part: Act, at: _Place, around: _Around) -> _Place:
        if part.kind == "undo":
            return at
        if not part.asks:
            # Nobody knows what it asks for: any number of anything.
            at.asks.append(_Ask(part, None, at, around.errors))
            then = _Place()
            at.free.append(then)
            return then
        for asked in part.asks:
            then = _Place()
            at.asks.append(_Ask(part, asked, then, around.errors))
            at = then
        return at

    def _leaves(self, part: End, around: _Around) -> Iterable[_Place]:
        match part.kind:
            case "break":
                return [around.after_loop] if around.after_loop else ()
            case "continue":
                return [around.next_round] if around.next_round else ()
            case "return":
                return around.returns
            case "raise":
                return around.errors
            case _:
                return ()

    def _loop(self, part: Loop, at: _Place, around: _Around) -> _Place:
        head, then = _Place(), _Place()
        at.free.append(head)
        inner = _Around(around.errors, then, head, around.returns)
        self._block(part.body, head, inner).free.append(head)
        if not part.endless:
            self._block(part.otherwise, head, around).free.append(then)
        return then

    def _trying(self, part: Trying, at: _Place, around: _Around) -> _Place:
        last, then = _Place(), _Place()
        handlers = [_Place() for _ in part.handlers]
        leaving = (last,) if part.finally_ else ()
        inside = _Around(
            (*handlers, *leaving, *around.errors), around.after_loop, around.next_round, leaving or around.returns
        )
        behind = _Around((*leaving, *around.errors), around.after_loop, around.next_round, leaving or around.returns)
        self._block(part.otherwise, self._block(part.body, at, inside), behind).free.append(last)
        for begin, (_, block) in zip(handlers, part.handlers, strict=True):
            self._block(block, begin, behind).free.append(last)
        end = self._block(part.finally_, last, around)
        end.free.append(then)
        if part.finally_:
            end.free.extend((*around.errors, *around.returns))
        return then


# -- reading the journal -----------------------------------------------------------------------------------------------


@define(eq=False)
class _Reading:
    """What was found: parts that are done, and where it can stand."""

    done: dict[Part, None] = field(factory=dict)
    here: dict[Part, None] = field(factory=dict)
    certain: bool = True
    fits: bool = True


@define
class _Asked:
    """One command of a block: its own step, or the steps of its branches, by the branch's number."""

    step: Step | None = None
    branches: dict[int, list[tuple[tuple[int, ...], Step]]] = field(factory=dict)


def standing_marks(flow: Flow, steps: Sequence[Step], *, ended: bool, title: str) -> Marks:
    """Where an instance stands, on the parts of its process."""
    placed = [(address, step) for step in steps if (address := _address(step.address))]
    found = _read(flow.body, placed, ended=ended)
    marks: dict[Part, Mark] = dict.fromkeys(found.done, "done")
    marks |= dict.fromkeys(found.here, "here" if found.certain else "maybe")
    remarks = []
    if not found.fits:
        remarks.append("The journal does not fit this code in every step: what is shown was found by the steps' names.")
    if not found.certain and found.here:
        remarks.append("The journal does not say which of these places it is: it may stand at any of them.")
    return Marks(marks, title, tuple(remarks))


def _address(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else ()


def _read(block: Block, steps: list[tuple[tuple[int, ...], Step]], *, ended: bool) -> _Reading:
    machine, found = _Machine(block), _Reading()
    roads: dict[_Place, _Road | None] = {machine.begin: None}
    commands = _commands(steps)
    for number, asked in enumerate(commands):
        last = number == len(commands) - 1
        taken = _taken(roads, asked)
        if not taken:
            found.fits = found.certain = False
            taken = _anywhere(machine, asked)
            if not taken:
                continue
        roads = _arrive(taken, asked)
        if last and not ended:
            _stand(found, taken, asked, roads)
        elif asked.branches:
            for ask, _ in taken:
                _inside(found, ask.part, asked, ended=True)
    for road in list(roads.values())[:1]:
        _mark_done(found, road)
    if not commands and not ended:
        _wait_for_next(found, roads)
    for part in found.here:
        found.done.pop(part, None)
    return found


def _commands(steps: list[tuple[tuple[int, ...], Step]]) -> list[_Asked]:
    """The commands of a block in the order in which it asked for them."""
    found: dict[int, _Asked] = {}
    for address, step in steps:
        asked = found.setdefault(address[0], _Asked())
        if len(address) == 1:
            asked.step = step
        elif len(address) > 2:
            asked.branches.setdefault(address[1], []).append((address[2:], step))
    return [found[number] for number in sorted(found)]


def _closure(places: Mapping[_Place, _Road | None]) -> dict[_Place, _Road | None]:
    """These places, and all that are reached from them without asking for anything."""
    reached = dict(places)
    waiting = list(places)
    while waiting:
        place = waiting.pop()
        for free in place.free:
            if free not in reached:
                reached[free] = reached[place]
                waiting.append(free)
    return reached


def _taken(roads: Mapping[_Place, _Road | None], asked: _Asked) -> list[tuple[_Ask, _Road | None]]:
    """What can have asked for this."""
    exact, unknown = [], []
    for place, road in _closure(roads).items():
        for ask in place.asks:
            if isinstance(ask.part, Act) and ask.asked is None:
                unknown.append((ask, road))
            elif _fits(ask, asked):
                exact.append((ask, road))
    return exact or unknown


def _fits(ask: _Ask, asked: _Asked) -> bool:
    if isinstance(ask.part, Several):
        return asked.step is None and bool(asked.branches)
    if asked.step is None or ask.asked is None:
        return False
    kind, name = ask.asked
    return kind == asked.step.kind and name in (None, asked.step.name)


def _anywhere(machine: _Machine, asked: _Asked) -> list[tuple[_Ask, _Road | None]]:
    """All places of the code that could have asked for this, whatever was before."""
    found: list[tuple[_Ask, _Road | None]] = []
    seen, waiting = {machine.begin}, [machine.begin]
    while waiting:
        place = waiting.pop()
        for ask in place.asks:
            found += [(ask, None)] if _fits(ask, asked) else []
        for next_ in (*place.free, *(each for ask in place.asks for each in (ask.then, *ask.if_raised))):
            if next_ not in seen:
                seen.add(next_)
                waiting.append(next_)
    return found


def _arrive(taken: Iterable[tuple[_Ask, _Road | None]], asked: _Asked) -> dict[_Place, _Road | None]:
    failed = asked.step is not None and asked.step.event in ("raised", "cancelled")
    arrived: dict[_Place, _Road | None] = {}
    for ask, road in taken:
        places = ask.if_raised if failed else (ask.then, *(ask.if_raised if asked.step is None else ()))
        for place in places:
            arrived.setdefault(place, _Road(ask.part, road))
    return arrived


def _stand(
    found: _Reading, taken: list[tuple[_Ask, _Road | None]], asked: _Asked, roads: dict[_Place, _Road | None]
) -> None:
    """Where an instance stands whose last command this is."""
    parts = list(dict.fromkeys(ask.part for ask, _ in taken))
    found.certain = found.certain and len(parts) == 1
    if asked.step is None:
        for part in parts:
            _inside(found, part, asked, ended=False)
    elif asked.step.event == "began":
        found.here.update(dict.fromkeys(parts))
    else:
        _wait_for_next(found, roads)


def _wait_for_next(found: _Reading, roads: Mapping[_Place, _Road | None]) -> None:
    """All that was asked for is answered: it stands at what it asked for next, which is not in the journal yet."""
    parts: dict[Part, None] = dict.fromkeys(ask.part for place in _closure(roads) for ask in place.asks)
    found.certain = found.certain and len(parts) <= 1
    found.here.update(parts)


def _inside(found: _Reading, part: Part, asked: _Asked, *, ended: bool) -> None:
    """Where the branches of a fork stand."""
    if not isinstance(part, Several) or not part.branches:
        return
    found.done[part] = None
    for number, steps in asked.branches.items():
        block = part.branches[_branch_of(part, number)][1]
        inner = _read(block, steps, ended=ended or not _is_open(steps))
        found.done.update(inner.done)
        found.here.update(inner.here)
        found.certain = found.certain and inner.certain
        found.fits = found.fits and inner.fits


def _branch_of(part: Several, number: int) -> int:
    """The drawn branch of a branch's number: one may stand for many."""
    first_many = min(part.many, default=len(part.branches))
    return min(number, first_many, len(part.branches) - 1)


def _is_open(steps: list[tuple[tuple[int, ...], Step]]) -> bool:
    """Whether a branch waits for something: its last command has no end yet."""
    last = max(address[0] for address, _ in steps)
    return any(step.event == "began" for address, step in steps if address[0] == last)


def _mark_done(found: _Reading, road: _Road | None) -> None:
    while road is not None:
        found.done[road.part] = None
        road = road.before
