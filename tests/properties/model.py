"""
What programs mean: a simulation without a store, without a loop, without crashes.

An instance is a set of branches and what they wait for. It goes on in turns, as `docs/design.md` says: outcomes are
given to it one after the other, and then what it asked of the world is done, in the order in which it was asked,
all at one moment.

What is due earlier comes first. What is ready at the same moment may come in any order: a step whose body has
ended, a timer, a signal, the end of a child, the turn of a parent and that of its child. There the simulation has a
choice, and what was seen of the program says which one it took: `explain` looks for choices under which the program
does exactly what was seen, each comment, each line of each shared variable, each outcome, at the time at which it
was seen. Where nothing is ready at the same moment as something else there is no choice, and the simulation
predicts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen

from tests.properties.programs import ROOT, Boom, Fatal, Node, told

# -- what is asked -----------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Command:
    """What a branch waits for; `what` is the kind of a node, or of a part of it."""

    what: str
    path: str = ""
    name: str = ""
    number: int | None = None
    tree: Node | None = None
    child: str = ""


@frozen(eq=False)
class Fork:
    mode: str
    branches: Sequence[Callable[[], Code]]
    limit: int | None = None


Code: TypeAlias = Generator[Command | Fork, Any, Any]


class Cancelled(BaseException):
    """Raised in what is cancelled; `failures` is what its cleanup raised."""

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[BaseException] = []


class ChildFailed(Exception):
    """A child ended without a value."""

    def __init__(self, state: str, error: BaseException | None) -> None:
        super().__init__(str(error or ""))
        self.state = state
        self.error = error


# -- branches ----------------------------------------------------------------------------------------------------------


@define(eq=False)
class Branch:
    code: Code
    prefix: str = ""
    forked: Forked | None = None
    index: int = 0
    asked: int = 0
    waiting: Ask | Forked | None = None
    answer: tuple[Any, BaseException | None] | None = None
    began: bool = False
    ended: bool = False
    cancelling: bool = False

    def chain(self) -> Iterator[Branch]:
        """This branch and those around it."""
        branch: Branch | None = self
        while branch is not None:
            yield branch
            branch = None if branch.forked is None else branch.forked.owner

    def is_shielded(self, within: Branch | None = None) -> bool:
        """Whether a shield stands around it, inside another branch or at all."""
        for branch in self.chain():
            if branch is within:
                return False
            if branch.forked is not None and branch.forked.fork.mode == "shield" and not branch.ended:
                return True
        return False


@define(eq=False)
class Forked:
    owner: Branch
    fork: Fork
    prefix: str
    results: list[Any]
    branches: list[Branch] = field(factory=list)
    running: int = 0
    decided: tuple[Any, BaseException | None] | None = None


@define(eq=False)
class Ask:
    """
    An open command.

    Attributes:
        turn: In which turn of its instance it was asked.
        due: When its timer is due: of a wait, or of a step's next attempt.
        zero: Whether it was due as soon as it was asked.
        attempts: How often a step was tried.
    """

    address: str
    command: Command
    branch: Branch
    turn: int
    due: int | None = None
    zero: bool = False
    attempts: int = 0


# -- an instance -------------------------------------------------------------------------------------------------------


@define(eq=False)
class Instance:
    """
    Attributes:
        id: The path of what it was started with.
        tree, path: What it runs now; something else, after it began anew.
        parent, place: Who has started it, and in which branch.
        run, turn: How often it began anew, and how many turns it has taken.
        actions: What is to be done at the end of the turn.
        steps, waits: The others that are open, in the order in which they began.
        woken: Waits for a child that has ended.
        unread, signals, cancels, skip_asked: What has come and was not taken, the signals that were and found no wait.
        anew: The command to begin anew, until the turn ends.
    """

    id: str
    tree: Node
    path: str
    parent: Instance | None = None
    place: Branch | None = None
    run: int = 0
    turn: int = 0
    state: str = "waiting"
    outcome: Any = None
    error: BaseException | None = None
    main: Branch = field(init=False)
    ready: deque[Branch] = field(factory=deque)
    fresh: list[Ask] = field(factory=list)
    actions: list[Ask] = field(factory=list)
    steps: list[Ask] = field(factory=list)
    waits: list[Ask] = field(factory=list)
    woken: list[Ask] = field(factory=list)
    unread: list[tuple[str, Any]] = field(factory=list)
    signals: list[tuple[str, Any]] = field(factory=list)
    cancels: int = 0
    skip_asked: bool = False
    anew: Command | None = None

    @property
    def live(self) -> bool:
        return self.state == "waiting"


@frozen
class Seen:
    """What there is to be seen at one moment: comments, shared variables by path, how instances stand."""

    comments: tuple[str, ...] = ()
    traces: Mapping[str, tuple[str, ...]] = {}
    standing: Mapping[str, tuple[Any, ...]] = {}


@frozen
class Happening:
    """What happened to the program, to which instance, and what was seen then."""

    what: Node
    to: str
    seen: Seen


class Unexplained(Exception):
    """The simulation did something else than what was seen."""

    def __init__(self, progress: tuple[int, int], text: str) -> None:
        super().__init__(text)
        self.progress = progress


class Undecided(Exception):
    """So many simulations did something else than what was seen that no more were tried."""


Step: TypeAlias = Callable[[], None]

Body: TypeAlias = tuple[str, int]
"""A body that ran: path, attempt."""

DELAYS: Final = (1, 2)
ATTEMPTS: Final = 3


class Simulation:
    """
    All instances at their moment.

    Attributes:
        instances, comments, traces, now: What there is by then.
        ran, may_have_run: Bodies of steps that came to their end, and those that were cancelled before it.
    """

    def __init__(
        self,
        tree: Node,
        story: Sequence[Happening],
        bodies: AbstractSet[Body],
        choose: Callable[[int, Simulation], int],
    ) -> None:
        self.instances: dict[str, Instance] = {}
        self.comments: list[str] = []
        self.traces: dict[str, list[str]] = {}
        self.now = 0
        self.ran: set[Body] = set()
        self.may_have_run: set[Body] = set()
        self._tree = tree
        self._bodies = bodies
        self._story = story
        self._choose = choose
        self._at = 0
        self._matched = 0
        self._sent = 0
        self._taken = 0
        self._since: dict[tuple[object, ...], int] = {}

    # -- the story -----------------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """
        All of the story. Its first happening is the start.

        Raises:
            Unexplained: It is not what was seen.
        """
        for at, happening in enumerate(self._story):
            self._at = at
            self._happen(happening.what, happening.to)
            self._settle()
            self._compare(happening.seen)

    def _happen(self, what: Node, to: str) -> None:
        match what.kind:
            case "start":
                self._add(Instance(to, self._tree, ROOT))
            case "advance":
                self._advance(self.now + (what.number or 0))
            case "down":
                self.now += what.number or 0
            case "at_once":
                for part in what.parts:
                    self._happen(part, to)
            case "send" | "cancel" | "terminate" | "skip":
                self._reach(what, self.instances[to])
            case "crash" | "die_before" | "die_behind":
                pass  # that is the point
            case _:
                raise NotImplementedError(what.kind)

    def _reach(self, what: Node, instance: Instance) -> None:
        if what.kind == "send":
            self._sent += 1
        if not instance.live:
            return
        match what.kind:
            case "send":
                instance.signals.append((what.name, self._sent))
            case "cancel":
                instance.cancels += 1
            case "skip":
                instance.skip_asked = True
            case "terminate":
                self._end(instance, "terminated")

    def _advance(self, target: int) -> None:
        while (due := min(self._deadlines(), default=target + 1)) <= target:
            self.now = max(self.now, due)
            self._settle()
        self.now = target

    def _deadlines(self) -> Iterator[int]:
        return (due for instance in self.instances.values() for due in deadlines(instance))

    def _settle(self) -> None:
        while steps := self._ready():
            self._taken += 1
            steps[self._choose(len(steps), self) if len(steps) > 1 else 0]()

    def _ready(self) -> list[Step]:
        """What can happen now; what could for the longest time comes first, for that is likely."""
        live = (one for one in self.instances.values() if one.live)
        steps = {(one.id, *name): step for one in live for name, step in self._steps(one)}
        before = self._since
        self._since = {name: before.get(name, self._taken) for name in steps}
        return [steps[name] for name in sorted(steps, key=self._since.__getitem__)]

    # -- what was seen -------------------------------------------------------------------------------------------------

    def _comment(self, text: str) -> None:
        seen, place = self._story[self._at].seen.comments, len(self.comments)
        if seen[place : place + 1] != (text,):
            raise self.fail(f"the comment {text} was to come after {self.comments}; seen: {list(seen)}")
        self._matched += 1
        self.comments.append(text)

    def _say(self, path: str, line: str) -> None:
        trace, seen = self.traces[path], self._story[self._at].seen.traces.get(path, ())
        if seen[len(trace) : len(trace) + 1] != (line,):
            raise self.fail(f"in {path}, {line!r} was to come after {trace}; seen: {list(seen)}")
        self._matched += 1
        trace.append(line)

    def _compare(self, seen: Seen) -> None:
        if seen.comments != tuple(self.comments):
            raise self.fail(f"only the comments {self.comments} were to come; seen: {list(seen.comments)}")
        for path, trace in seen.traces.items():
            if trace != tuple(self.traces.get(path, ())):
                raise self.fail(f"in {path}, only {self.traces.get(path)} was to come; seen: {list(trace)}")
        standing = {instance.id: self._standing(instance) for instance in self.instances.values()}
        if seen.standing != standing:
            raise self.fail(f"instances were to be {standing}; seen: {dict(seen.standing)}")

    def _standing(self, instance: Instance) -> tuple[Any, ...]:
        match instance.state:
            case "waiting":
                return "waiting", min(deadlines(instance), default=None)
            case "completed":
                return "completed", instance.outcome
            case "failed":
                assert instance.error is not None
                return "failed", told(instance.error)
            case state:
                return (state,)

    def fail(self, text: str) -> Unexplained:
        return Unexplained((self._at, self._matched), f"after {self._story[self._at].what!r}: {text}")

    def state(self) -> object:
        """What all that is still to come depends on, but for what is the same whenever the same was seen."""
        return self._at, self.now, len(self.comments), tuple(map(self._state_of, self.instances.values()))

    def _state_of(self, one: Instance) -> object:
        asks = (one.actions, one.steps, one.waits, one.woken)
        standing = one.id, one.run, one.state, one.main.ended, one.cancels, one.skip_asked
        said = len(self.traces[one.path])
        unread = (*one.unread, None, *one.signals)
        opened = tuple(
            tuple((ask.address, ask.turn < one.turn, ask.due, ask.attempts) for ask in some) for some in asks
        )
        return standing, said, unread, opened

    # -- what can happen to an instance now ----------------------------------------------------------------------------

    def _steps(self, one: Instance) -> Iterator[tuple[tuple[object, ...], Step]]:
        """Each with a name of its own."""
        if (one.actions or one.anew) and self._may_come(one):
            yield ("commit", one.turn), partial(self._commit, one)
        if one.main.ended:
            yield ("end",), partial(self._ended, one)
        if one.main.ended or one.anew:
            return
        if one.cancels:
            yield ("cancel",), partial(self._take_cancel, one)
        if one.skip_asked:
            yield ("skip",), partial(self._take_skip, one)
        for name in dict.fromkeys(name for name, _ in one.signals):
            yield ("signal", name), partial(self._take_signal, one, name)
        for ask in one.woken:
            yield ("child", ask.address), partial(self._look_again, one, ask)
        for ask in one.steps:
            if ask.turn < one.turn and (ask.due is None or ask.due <= self.now) and self._body(ask) in self._bodies:
                yield ("step", ask.address, ask.attempts), partial(self._take_step, one, ask)
        for ask in self._due(one):
            yield ("timer", ask.address), partial(self._take_timer, one, ask)

    def _due(self, one: Instance) -> list[Ask]:
        """Timers in the order of their deadlines; those that are due as soon as they are asked come when they come."""
        due = [ask for ask in one.waits if ask.due is not None and ask.due <= self.now and ask.turn < one.turn]
        overdue = [ask for ask in due if not ask.zero]
        return [min(overdue, key=lambda ask: (ask.due, ask.address))] if overdue else due

    def _may_come(self, one: Instance) -> bool:
        """Whether its comments are those that were seen next; it saves choices that lead nowhere."""
        texts = tuple(ask.command.path for ask in one.actions if ask.command.what == "comment")
        place = len(self.comments)
        return not texts or self._story[self._at].seen.comments[place : place + len(texts)] == texts

    # -- deliveries ----------------------------------------------------------------------------------------------------

    def _deliver(self, one: Instance, delivery: Step) -> None:
        """Give something to an instance, and let it go on as far as it can."""
        delivery()
        self._run(one)
        self._admit(one)
        if not (one.actions or one.main.ended or one.anew):
            self._commit(one)

    def _take_cancel(self, one: Instance) -> None:
        one.cancels -= 1

        def cancel() -> None:
            if not one.main.cancelling:
                self._cancel_branch(one, one.main)
                self._cancel_children(one, None)

        self._deliver(one, cancel)

    def _take_skip(self, one: Instance) -> None:
        one.skip_asked = False
        skippable = [ask for ask in one.waits if ask.command.what != "await"]
        timed = [ask for ask in skippable if ask.due is not None]
        if skippable:
            ask = min(timed, key=lambda ask: ask.due or 0) if timed else skippable[0]
            self._deliver(one, lambda: self._time_is_up(one, ask))

    def _take_signal(self, one: Instance, name: str) -> None:
        signal = next(signal for signal in one.signals if signal[0] == name)
        one.signals.remove(signal)
        ask = next((ask for ask in one.waits if ask.command.what == "signal" and ask.command.name == name), None)
        if ask is None:
            one.unread.append(signal)
        else:
            self._deliver(one, lambda: self._answer(one, ask, signal[1]))

    def _take_timer(self, one: Instance, ask: Ask) -> None:
        self._deliver(one, lambda: self._time_is_up(one, ask))

    def _time_is_up(self, one: Instance, ask: Ask) -> None:
        self._answer(one, ask, "nothing came" if ask.command.what == "signal" else None)

    def _take_step(self, one: Instance, ask: Ask) -> None:
        command = ask.command
        self.ran.add(self._body(ask))
        ask.attempts += 1
        if command.what == "fatal":
            error: Exception | None = Fatal(command.path)
        else:
            error = Boom(command.path) if ask.attempts <= (command.number or 0) and command.what == "step" else None
        if command.what == "step" and error is not None and ask.attempts < ATTEMPTS:
            ask.due = self.now + DELAYS[ask.attempts - 1]
            return
        self._deliver(one, lambda: self._answer(one, ask, command.path, error))

    def _look_again(self, one: Instance, ask: Ask) -> None:
        one.woken.remove(ask)
        one.waits.remove(ask)
        one.actions.append(ask)

    def _answer(self, one: Instance, ask: Ask, value: Any, error: BaseException | None = None) -> None:
        self._forget(one, ask)
        self._queue(one, ask.branch, value, error)
        self._run(one)

    def _forget(self, one: Instance, ask: Ask) -> None:
        for asks in (one.fresh, one.actions, one.steps, one.waits, one.woken):
            if ask in asks:
                asks.remove(ask)

    # -- the end of a turn ---------------------------------------------------------------------------------------------

    def _commit(self, one: Instance) -> None:
        """All that was asked is done; then the instance hears of it, and only then goes on."""
        one.turn += 1
        done = []
        actions, one.actions = one.actions, []
        for ask in actions:
            outcome = self._perform(one, ask)
            if outcome is not None:
                done.append((ask, outcome))
        if one.anew is not None:
            self._begin_anew(one, one.anew)
            return
        for ask, (value, error) in done:
            if ask.branch.waiting is ask:
                self._answer(one, ask, value, error)
        if done:
            self._deliver(one, lambda: None)

    def _perform(self, one: Instance, ask: Ask) -> tuple[Any, BaseException | None] | None:
        command = ask.command
        if command.what == "comment":
            self._comment(command.path)
            return command.path, None
        if command.what == "await":
            return self._look(one, ask, self.instances[command.child])
        assert command.tree is not None
        parent = None if command.what == "start detached" else one
        self._add(Instance(command.path, command.tree, command.path, parent, ask.branch))
        return command.path, None

    def _look(self, one: Instance, ask: Ask, child: Instance) -> tuple[Any, BaseException | None] | None:
        match child.state:
            case "waiting":
                one.waits.append(ask)
                return None
            case "completed":
                return child.outcome, None
            case state:
                return None, ChildFailed(state, child.error)

    def _ended(self, one: Instance) -> None:
        assert one.main.answer is not None
        value, error = one.main.answer
        if error is None:
            self._end(one, "completed", value)
        elif isinstance(error, Cancelled) and one.main.cancelling:
            self._end(one, "cancelled", error=error)
        else:
            self._end(one, "failed", error=error)

    def _end(self, one: Instance, state: str, value: Any = None, error: BaseException | None = None) -> None:
        one.state, one.outcome, one.error = state, value, error
        for ask in one.steps:
            self._may_have_run(ask)
        for other in self.instances.values():
            other.woken += [ask for ask in other.waits if ask.command.child == one.id and ask not in other.woken]

    def _may_have_run(self, ask: Ask) -> None:
        if ask.due is None or ask.due <= self.now:
            self.may_have_run.add(self._body(ask))

    def _body(self, ask: Ask) -> Body:
        """The next attempt of a step."""
        return ask.command.path, ask.attempts + 1

    # -- beginning -----------------------------------------------------------------------------------------------------

    def _add(self, one: Instance) -> None:
        self.instances[one.id] = one
        self._begin(one)

    def _begin(self, one: Instance) -> None:
        self.traces[one.path] = []
        one.main = Branch(self._do(one, one.tree, one.path))
        self._queue(one, one.main)
        self._deliver(one, lambda: None)

    def _begin_anew(self, one: Instance, command: Command) -> None:
        assert command.tree is not None
        for ask in one.steps:
            self._may_have_run(ask)
        one.tree, one.path, one.run, one.anew = command.tree, command.path, one.run + 1, None
        for asks in (one.fresh, one.actions, one.steps, one.waits, one.woken):
            asks.clear()
        one.ready.clear()
        self._begin(one)

    # -- running -------------------------------------------------------------------------------------------------------

    def _queue(self, one: Instance, branch: Branch, value: Any = None, error: BaseException | None = None) -> None:
        branch.waiting, branch.answer = None, (value, error)
        one.ready.append(branch)

    def _run(self, one: Instance) -> None:
        while one.ready:
            branch = one.ready.popleft()
            assert branch.answer is not None
            (value, error), branch.answer = branch.answer, None
            if not branch.began and error is not None:
                self._branch_ended(one, branch, None, error)
                continue
            branch.began = True
            try:
                asked = branch.code.send(value) if error is None else branch.code.throw(error)
            except StopIteration as stop:
                self._branch_ended(one, branch, stop.value, None)
            except Unexplained:
                raise
            except (Exception, Cancelled) as failure:  # noqa: BLE001  whatever it raises is its outcome
                self._branch_ended(one, branch, None, failure)
            else:
                self._asked(one, branch, asked)

    def _asked(self, one: Instance, branch: Branch, asked: Command | Fork) -> None:
        address = f"{branch.prefix}{branch.asked}"
        branch.asked += 1
        if isinstance(asked, Fork):
            forked = branch.waiting = Forked(branch, asked, f"{address}.", [None] * len(asked.branches))
            self._start_branches(one, forked)
            if not forked.running:
                self._conclude(one, forked)
        else:
            ask = branch.waiting = Ask(address, asked, branch, one.turn)
            one.fresh.append(ask)

    def _admit(self, one: Instance) -> None:
        """What was asked begins; what can be answered at once is."""
        while one.fresh:
            ask = one.fresh.pop(0)
            command = ask.command
            match command.what:
                case "comment" | "start" | "start detached" | "await":
                    one.actions.append(ask)
                case "step" | "slow" | "fatal":
                    one.steps.append(ask)
                case "sleep":
                    self._wait(one, ask, command.number)
                case "signal":
                    signal = next((each for each in one.unread if each[0] == command.name), None)
                    if signal is None:
                        self._wait(one, ask, command.number)
                    else:
                        one.unread.remove(signal)
                        self._answer(one, ask, signal[1])
                case "clock":
                    self._answer(one, ask, self.now)
                case "again":
                    one.anew = command
                case _:
                    raise NotImplementedError(command.what)

    def _wait(self, one: Instance, ask: Ask, hours: int | None) -> None:
        ask.due = None if hours is None else self.now + hours
        ask.zero = hours == 0
        one.waits.append(ask)

    # -- forks ---------------------------------------------------------------------------------------------------------

    def _start_branches(self, one: Instance, forked: Forked) -> None:
        bodies = forked.fork.branches
        limit = forked.fork.limit or len(bodies)
        while forked.running < limit and len(forked.branches) < len(bodies):
            index = len(forked.branches)
            branch = Branch(bodies[index](), f"{forked.prefix}{index}.", forked, index)
            forked.branches.append(branch)
            forked.running += 1
            self._queue(one, branch)

    def _branch_ended(self, one: Instance, branch: Branch, value: Any, error: BaseException | None) -> None:
        branch.ended = True
        forked = branch.forked
        if forked is None:
            branch.answer = value, error
            return
        forked.running -= 1
        if forked.decided is not None:
            forked.decided = decided_later(forked.decided, error)
        elif error is not None:
            forked.decided = None, error
            self._cancel(one, forked.branches)
        elif forked.fork.mode == "race":
            forked.decided = [branch.index, value], None
            self._cancel(one, forked.branches)
        else:
            forked.results[branch.index] = value
            self._start_branches(one, forked)
        if not forked.running:
            self._conclude(one, forked)

    def _conclude(self, one: Instance, forked: Forked) -> None:
        results = forked.results[0] if forked.fork.mode == "shield" else forked.results
        value, error = forked.decided or (results, None)
        self._queue(one, forked.owner, value, error)

    def _cancel(self, one: Instance, branches: Sequence[Branch]) -> None:
        cancelled = [branch for branch in branches if self._cancel_branch(one, branch)]
        for branch in cancelled:
            self._cancel_children(one, branch)

    def _cancel_branch(self, one: Instance, branch: Branch) -> bool:
        if branch.ended or branch.cancelling:
            return False
        branch.cancelling = True
        waiting = branch.waiting
        if isinstance(waiting, Forked):
            waiting.decided = None, Cancelled()
            if waiting.fork.mode != "shield":
                for inner in waiting.branches:
                    self._cancel_branch(one, inner)
        elif waiting is not None:
            if waiting in one.steps:
                self._may_have_run(waiting)
            self._forget(one, waiting)
            self._queue(one, branch, error=Cancelled())
        else:
            branch.answer = None, Cancelled()
        return True

    def _cancel_children(self, one: Instance, branch: Branch | None) -> None:
        """Those that this branch has started; of the whole instance, all. What a shield still waits for goes on."""
        awaited = {ask.command.child for ask in (*one.waits, *one.actions, *one.fresh) if ask.branch.is_shielded()}
        for child in self.instances.values():
            if child.parent is not one or not child.live or child.id in awaited:
                continue
            assert child.place is not None
            concerned = branch is None or branch in child.place.chain()
            if concerned and not child.place.is_shielded(branch):
                child.cancels += 1

    # -- what nodes do -------------------------------------------------------------------------------------------------

    def _do(self, one: Instance, node: Node, path: str) -> Code:  # noqa: C901  one case for each kind of node
        trace = one.path

        def do(node: Node, path: str) -> Code:
            self._say(trace, path)
            value = yield from doing(node, path)
            self._say(trace, f"{path} = {value!r}")
            return value

        def part(node: Node, path: str, index: int = 0) -> Code:
            return do(node.parts[index], f"{path}.{index}")

        def parts(node: Node, path: str) -> list[Callable[[], Code]]:
            return [lambda index=index: part(node, path, index) for index in range(len(node.parts))]  # type: ignore[misc]

        def doing(node: Node, path: str) -> Code:  # noqa: C901  likewise
            match node.kind:
                case "nothing":
                    return path
                case "fail":
                    raise Boom(path)
                case "comment" | "clock" | "step" | "slow" | "fatal":
                    return (yield Command(node.kind, path, number=node.number))
                case "sleep":
                    yield Command("sleep", path, number=node.number or 0)
                    return path
                case "signal":
                    return (yield Command("signal", path, node.name, node.number))
                case "sequence":
                    values = []
                    for index in range(len(node.parts)):
                        values.append((yield from part(node, path, index)))  # noqa: PERF401  no yield in a comprehension
                    return values
                case "when":
                    return (yield from part(node, path, len(self.traces[trace]) % 2))
                case "again":
                    return (yield Command("again", f"{path}.0", tree=node.parts[0]))
                case "several":
                    return list((yield Fork("gather", parts(node, path))))
                case "first_of":
                    return (yield Fork("race", parts(node, path)))
                case "each_of":
                    return list((yield Fork("gather", parts(node, path), node.number)))
                case "shielded":
                    return (yield Fork("shield", parts(node, path)))
                case "tried":
                    try:
                        return ["value", (yield from part(node, path))]
                    except Unexplained:
                        raise
                    except Exception as error:  # noqa: BLE001  that is what it is for
                        return ["error", told(error)]
                case "tidy":
                    try:
                        value = yield from part(node, path)
                    except Unexplained:
                        raise
                    except (Exception, Cancelled):
                        yield from part(node, path, 1)
                        raise
                    yield from part(node, path, 1)
                    return value
                case "caught":
                    try:
                        return (yield from part(node, path))
                    except Unexplained:
                        raise
                    except Exception as error:  # noqa: BLE001  that is what it is for
                        return [told(error), (yield from part(node, path, 1))]
                case "stubborn":
                    try:
                        return (yield from part(node, path))
                    except Cancelled:
                        return ["cancelled", (yield from part(node, path, 1))]
                case "undone":
                    return (yield from undone(node, path))
                case "child":
                    return (yield Command("await", child=(yield Command("start", f"{path}.0", tree=node.parts[0]))))
                case "started":
                    id = yield Command("start", f"{path}.0", tree=node.parts[0])
                    value = yield from part(node, path, 1)
                    return [value, (yield Command("await", child=id))]
                case "detached":
                    yield Command("start detached", f"{path}.0", tree=node.parts[0])
                    return path
                case _:
                    raise NotImplementedError(node.kind)

        def undone(node: Node, path: str) -> Code:
            values, undo = [], []
            try:
                for index in range(0, len(node.parts), 2):
                    values.append((yield from part(node, path, index)))
                    if index + 1 < len(node.parts):
                        undo.append(index + 1)
            except Unexplained:
                raise
            except (Exception, Cancelled) as error:
                yield Fork("shield", [lambda error=error: undo_all(node, path, undo, error)])  # type: ignore[misc]
                raise
            return values

        def undo_all(node: Node, path: str, undo: list[int], error: BaseException) -> Code:
            while undo:
                try:
                    yield from part(node, path, undo.pop())
                except Unexplained:
                    raise
                except Exception as failure:  # noqa: BLE001  the others are still undone
                    error.add_note(f"{failure}")

        return do(node, path)


def deadlines(instance: Instance) -> list[int]:
    """When the timers of an instance are due."""
    return [ask.due for ask in (*instance.waits, *instance.steps) if ask.due is not None and instance.live]


def decided_later(
    decided: tuple[Any, BaseException | None], error: BaseException | None
) -> tuple[Any, BaseException | None]:
    """What a fork comes to when a branch ends after it was decided: no error is lost."""
    first = decided[1]
    failures = error.failures if isinstance(error, Cancelled) else [error] if error is not None else []
    if first is None:
        return (None, failures[0]) if failures else decided
    for failure in failures:
        first.add_note(f"{failure}")
        if isinstance(first, Cancelled):
            first.failures.append(failure)
    return decided


# -- looking for choices -----------------------------------------------------------------------------------------------

# What was ready first is taken first, and of a hundred programs ninety-eight are explained by that alone; of tens of
# thousands, one needs 21,679 tries.
AT_MOST: Final = 50_000


def explain(tree: Node, story: Sequence[Happening], bodies: AbstractSet[Body]) -> Simulation:
    """
    Choices under which the program does what was seen.

    Raises:
        Unexplained: There are none; it says where the simulation that came furthest had to stop.
        Undecided: There may be some, but not among the first; it says the same.
    """
    search = Search(tree, story, bodies)
    for _ in range(AT_MOST):
        simulation = search.once()
        if simulation is not None:
            return simulation
        if not search.taken:
            assert search.furthest is not None
            raise search.furthest
    raise Undecided(f"{search.furthest}")


@define
class Search:
    """
    Through all choices, depth first; each time from the beginning, for what a branch has run cannot be taken back.

    Attributes:
        taken: The choices to take next: each, and among how many.
        known: States that led to nothing, or that were passed on the way here.
        furthest: Where the simulation that came furthest had to stop.
    """

    tree: Node
    story: Sequence[Happening]
    bodies: AbstractSet[Body]
    taken: list[tuple[int, int]] = field(factory=list)
    known: set[object] = field(factory=set)
    furthest: Unexplained | None = None
    _made: list[tuple[int, int]] = field(factory=list)

    def once(self) -> Simulation | None:
        """One more; None if it does not explain what was seen."""
        self._made = []
        simulation = Simulation(self.tree, self.story, self.bodies, self._choose)
        try:
            simulation.tell()
        except Unexplained as unexplained:
            if self.furthest is None or unexplained.progress > self.furthest.progress:
                self.furthest = unexplained
        else:
            return simulation
        while self._made and self._made[-1][0] + 1 == self._made[-1][1]:
            self._made.pop()
        self.taken = self._made
        if self.taken:
            choice, among = self.taken.pop()
            self.taken.append((choice + 1, among))
        return None

    def _choose(self, among: int, simulation: Simulation) -> int:
        place = len(self._made)
        if place < len(self.taken):
            choice = self.taken[place][0]
        else:
            choice = 0
            state = simulation.state()
            if state in self.known:
                raise simulation.fail("this leads to nothing")
            self.known.add(state)
        self._made.append((choice, among))
        return choice
