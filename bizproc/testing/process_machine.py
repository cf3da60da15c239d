"""
`ProcessMachine`: a process of one's own, lived through at random.

    class FollowUps(ProcessMachine):
        process = follow_up
        signals = {"approved": st.booleans()}

        @invariant()
        def nobody_is_called_twice(self):
            for deal in self.find(Deal):
                assert len(self.find(Activity, of=deal)) <= 1

    TestFollowUps = FollowUps.TestCase

Instances are started, signals come, time passes, people change the document, steps fail or take their time, somebody
cancels, the program dies: in any order. A failing story is shown as a program of calls, shortened to what is needed;
pasted into a test, it does the same again. Nothing here runs in real time but the bodies of steps without an answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Final, TypeVar, cast

from attrs import frozen
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bizproc import crm
from bizproc.core.commands import Command
from bizproc.core.errors import InstanceFailed, StartRefused
from bizproc.core.process import Call, Process
from bizproc.core.steps import StepFunction
from bizproc.model.pipelines import DEFAULT_STAGES
from bizproc.runtime import Status
from bizproc.testing.answers import Late
from bizproc.testing.strategies.parameters import parameters
from bizproc.testing.world import RunningInstance, World

T = TypeVar("T")
R = TypeVar("R")

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})
_NO_STEPS: Final[Mapping[StepFunction[..., Any], Any]] = MappingProxyType({})
_WHICH: Final = st.integers(0, 9)
_LIVING: Final = ("running", "waiting")


class StepTrouble(Exception):
    """What steps raise in a story: the outside is not there. A process that may end with it has it in `may_fail`."""


class ProcessMachine(RuleBasedStateMachine):
    """
    Lives through a process. Subclass it and give `process`, or `processes`; the rest as needed.

    Attributes:
        process: What is started.
        processes: Several, each with a rule of its own to start it.
        known: Other processes that are loaded: those that start by themselves, or as children by name.
        signals: What may be sent to an instance: a strategy of values by the signal's name.
        changes: What people may change of a document: a strategy of values by the field. Stages need not be named.
        steps: What `@action` steps answer in place of running their bodies: a strategy of values by function.
        durations: How much time passes at once.
        most: How many instances live at a time.
        may_fail: The errors with which an instance may end. One that fails with another is a fault; as long as nothing
            is named, each one is. `StepTrouble` is what steps raise here when they fail.
        always_replay: Rebuild each instance from its journal before every turn.
        world: Where it happens.
        documents: The items that instances run on.
    """

    process: ClassVar[Process[..., Any] | None] = None
    processes: ClassVar[Sequence[Process[..., Any]]] = ()
    known: ClassVar[Sequence[Process[..., Any]]] = ()
    signals: ClassVar[Mapping[str, st.SearchStrategy[Any]]] = _NOTHING
    changes: ClassVar[Mapping[str, st.SearchStrategy[Any]]] = _NOTHING
    steps: ClassVar[Mapping[StepFunction[..., Any], st.SearchStrategy[Any]]] = _NO_STEPS
    durations: ClassVar[st.SearchStrategy[timedelta]] = st.sampled_from(
        [timedelta(minutes=1), timedelta(hours=1), *(timedelta(days=days) for days in (1, 7, 31, 366))]
    )
    most: ClassVar[int] = 3
    may_fail: ClassVar[tuple[type[BaseException], ...]] = ()
    always_replay: ClassVar[bool] = False

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        every = cls._all()
        if every:
            # Not in the class's body: what is drawn follows from the subclass's process.
            for name, made in {**_starts(cls, every), **_of_documents(cls, every), **_of_outside(cls)}.items():
                if name not in vars(cls):
                    setattr(cls, name, made.named(name))
            cls.TestCase.settings = settings(deadline=None, suppress_health_check=list(HealthCheck))

    def __init__(self) -> None:
        super().__init__()
        if not self._all():
            raise TypeError(f"{type(self).__name__} has no process: write `process = ...` into it")
        self._runner = asyncio.Runner()
        self._open = AsyncExitStack()
        opened = World.open(*self._all(), *self.known, always_replay=self.always_replay)
        self.world: World = self.run(self._open.enter_async_context(opened))
        self.world.expect_failures()  # `may_fail` says which are faults
        self.documents: list[Any] = []
        self._completed: dict[str, tuple[Any, ...]] = {}
        self.run(self.setup(self.world))

    # -- what a subclass may say ---------------------------------------------------------------------------------------

    async def setup(self, world: World) -> None:
        """Make what must be there before anything happens: users, products, pipelines."""

    async def document(self, world: World, process: Process[..., Any]) -> Any:
        """A new item for an instance to run on."""
        kind = cast("Any", process.form.document).item_type
        make = getattr(world, kind, None)
        return await (world.perform(getattr(crm, kind).create(title="An item")) if make is None else make())

    async def call(self, world: World, process: Process[..., Any], parameters: dict[str, Any]) -> Call[Any]:
        """What is started: the process on a new document, with these parameters."""
        if process.form.document is None:
            return process(**parameters)
        return process(await self.document(world, process), **parameters)

    # -- what rules and invariants ask ---------------------------------------------------------------------------------

    def run(self, awaitable: Awaitable[T]) -> T:
        """What something awaitable gives."""
        return self._runner.run(_coroutine(awaitable))

    def do(self, action: Command[R]) -> R:
        """Perform an action as people do, and let happen what follows."""
        return self.run(self.world.perform(action))

    def find(self, cls: type[T], *, of: Any = None) -> list[T]:
        """Items, or what belongs to one."""
        return self.run(self.world.find(cls, of=of))

    def instances(self, *, living: bool = False) -> list[Status]:
        """How all instances stand, those included that started by themselves, the newest last."""
        every = self.run(self.world.instances())
        return [status for status in every if status.state in _LIVING] if living else every

    def living(self, which: int) -> RunningInstance[Any]:
        """One of the instances that live, by a number of any size."""
        living = self.instances(living=True)
        return self.world.instance(living[which % len(living)].id)

    def begin_instance(self, process: Process[..., Any], parameters: dict[str, Any]) -> None:
        """Start an instance as `call` says; one that the process's own overlap policy refuses is refused."""
        call = self.run(self.call(self.world, process, parameters))
        if call.document is not None:
            self.documents.append(call.document)
        with suppress(StartRefused):
            self.run(self.world.start(call))

    def teardown(self) -> None:
        self.run(self._open.aclose())
        self._runner.close()

    # -- time, crashes, people -----------------------------------------------------------------------------------------

    def _is_living(self) -> bool:
        return bool(self.instances(living=True))

    def _is_timed(self) -> bool:
        return self.world.clock.next_wake() is not None

    @precondition(_is_timed)
    @rule(just_before=st.booleans())
    def let_time_pass_until_something_is_due(self, *, just_before: bool) -> None:
        """To the moment of the next timer, or to a second before it."""
        due = self.world.clock.next_wake()
        if due is not None:
            self.run(self.world.advance(max(self.world.clock.now(), due - timedelta(seconds=just_before))))

    @rule()
    def crash(self) -> None:
        """The program dies while nothing happens, and comes back."""
        self.run(self.world.crash())

    @rule(commits=st.integers(1, 4), behind=st.booleans())
    def crash_soon(self, commits: int, *, behind: bool) -> None:
        """The program will die at one of its next commits: just before it is on disk, or just behind."""
        self.world.commits.crash_at = (self.world.commits.count + commits, behind)

    @precondition(_is_living)
    @rule(which=_WHICH)
    def cancel(self, which: int) -> None:
        """Somebody cancels an instance."""
        self.run(self.living(which).cancel())

    # -- what must hold whatever the process -----------------------------------------------------------------------

    @invariant()
    def what_holds_for_every_process_holds(self) -> None:
        """One invariant for all of it: Hypothesis prints a line for each behind each step of a story."""
        self.no_instance_is_stuck()
        self.no_step_is_journalled_twice()
        self.what_was_completed_stays_completed()
        self.only_expected_errors_end_an_instance()

    def no_instance_is_stuck(self) -> None:
        """Its code asks for what the journal has: nothing it does depends on what is not in there."""
        for status in self.instances():
            assert status.state != "stuck", f"{status.id} is stuck: {status.error}"

    def no_step_is_journalled_twice(self) -> None:
        """Each address has one outcome."""
        for status in self.instances():
            steps = self.run(self.world.instance(status.id).journal())
            places = [step.address for step in steps if step.address]
            assert len(places) == len(set(places)), f"{status.id} has two outcomes of one step"

    def what_was_completed_stays_completed(self) -> None:
        """With the result that it had."""
        for status in self.instances():
            if status.state == "completed":
                now = status.ended_at, repr(self.run(self.world.instance(status.id).result()))
                before = self._completed.setdefault(status.id, now)
                assert now == before, f"{status.id} was completed otherwise before"
        states = {status.id: status.state for status in self.instances()}
        # One is removed when it was kept for long enough; then its id may be another's.
        self._completed = {id_: ending for id_, ending in self._completed.items() if id_ in states}
        for id_ in self._completed:
            assert states[id_] == "completed", f"{id_} was completed, and is {states[id_]}"

    def only_expected_errors_end_an_instance(self) -> None:
        """As `may_fail` has it."""
        for status in self.instances():
            if status.state == "failed":
                error = self.run(_error_of(self.world, status.id))
                assert isinstance(error, self.may_fail), _of_a_failure(status, error)

    # -- behind it -----------------------------------------------------------------------------------------------------

    @classmethod
    def _all(cls) -> tuple[Process[..., Any], ...]:
        """What is started."""
        return (*(() if cls.process is None else (cls.process,)), *cls.processes)


# -- rules that follow from the process --------------------------------------------------------------------------------


def _starts(cls: type[ProcessMachine], every: Sequence[Process[..., Any]]) -> dict[str, Any]:
    """A rule for each process: `start`, or, where there are several, `start_follow_up`."""
    names = ["start"] if len(every) == 1 else [f"start_{process.function.__name__}" for process in every]
    return {name: _start_of(process) for name, process in zip(names, every, strict=True)} | {
        "let_time_pass": _time_of(cls.durations)
    }


def _start_of(process: Process[..., Any]) -> _Rule:
    def start(self: ProcessMachine, parameters: dict[str, Any]) -> None:
        """An instance begins."""
        self.begin_instance(process, parameters)

    return _Rule(start, {"parameters": parameters(process)}, lambda self: len(self.instances(living=True)) < self.most)


def _time_of(durations: st.SearchStrategy[timedelta]) -> _Rule:
    def let_time_pass(self: ProcessMachine, duration: timedelta) -> None:
        """Time passes, and what is due on the way happens."""
        self.run(self.world.advance(seconds=duration.total_seconds()))

    return _Rule(let_time_pass, {"duration": durations})


def _of_documents(cls: type[ProcessMachine], every: Sequence[Process[..., Any]]) -> dict[str, Any]:
    """What people do to documents: change a field, move them."""
    kinds = {cast("Any", process.form.document).item_type for process in every if process.form.document}
    fields = dict(cls.changes) if kinds else {}
    if len(kinds) == 1:
        codes = [stage.code for kind in kinds for stage in DEFAULT_STAGES.get(kind, ())]
        fields = ({"stage": st.sampled_from(codes)} if codes else {}) | fields
    return {f"change_{name}": _change_of(name, values) for name, values in fields.items()}


def _change_of(name: str, values: st.SearchStrategy[Any]) -> _Rule:
    def change(self: ProcessMachine, value: Any, which: int) -> None:
        """Somebody changes a field of a document."""
        document = self.documents[which % len(self.documents)]
        self.do(getattr(crm, document.item_type)(document.id).update({name: value}))

    return _Rule(change, {"value": values, "which": _WHICH}, lambda self: bool(self.documents))


def _of_outside(cls: type[ProcessMachine]) -> dict[str, Any]:
    """Signals, and what steps answer."""
    made: dict[str, _Rule] = {f"send_{_word(name)}": _signal_of(name, values) for name, values in cls.signals.items()}
    for function, values in cls.steps.items():
        made[f"{function.function.__name__}_answers"] = _answer_of(function, values)
        made[f"{function.function.__name__}_fails"] = _failure_of(function, values)
    if cls.steps:
        made["begin"] = _first_answers(cls.steps)
    return made


def _signal_of(name: str, values: st.SearchStrategy[Any]) -> _Rule:
    def send(self: ProcessMachine, value: Any, which: int) -> None:
        """Somebody sends a signal to an instance."""
        self.run(self.living(which).signal(name, value))

    return _Rule(send, {"value": values, "which": _WHICH}, lambda self: bool(self.instances(living=True)))


def _first_answers(steps: Mapping[StepFunction[..., Any], st.SearchStrategy[Any]]) -> _Rule:
    functions = {function.function.__name__: function for function in steps}

    def begin(self: ProcessMachine, **answers: Any) -> None:
        """What steps answer until something else is said."""
        for name, answer in answers.items():
            self.world.answers(functions[name], answer)

    return _Rule(begin, {function.function.__name__: values for function, values in steps.items()}, first=True)


def _answer_of(function: StepFunction[..., Any], values: st.SearchStrategy[Any]) -> _Rule:
    def answers(self: ProcessMachine, value: Any, takes: timedelta) -> None:
        """From now on the step answers this, after so much time."""
        self.world.answers(function, Late(value, takes))

    takes = st.sampled_from([timedelta(0), timedelta(seconds=10), timedelta(hours=2), timedelta(days=40)])
    return _Rule(answers, {"value": values, "takes": takes})


def _failure_of(function: StepFunction[..., Any], values: st.SearchStrategy[Any]) -> _Rule:
    def fails(self: ProcessMachine, times: int, then: Any) -> None:
        """The step fails so often, and answers then."""
        self.world.answers(function, *[StepTrouble("the outside is not there")] * times, then)

    return _Rule(fails, {"times": st.integers(1, 6), "then": values})


@frozen
class _Rule:
    """A rule to be: what it does, what is drawn for it, and when it may happen."""

    function: Callable[..., None]
    drawn: Mapping[str, st.SearchStrategy[Any]]
    when: Callable[[Any], bool] | None = None
    first: bool = False

    def named(self, name: str) -> Any:
        """For Hypothesis, which prints it by this name."""
        self.function.__name__ = name
        kind: Any = initialize if self.first else rule
        made = kind(**self.drawn)(self.function)
        return made if self.when is None else precondition(self.when)(made)


def _word(name: str) -> str:
    """A name as a part of a rule's name."""
    return "".join(each if each.isalnum() else "_" for each in name)


def _of_a_failure(status: Status, error: BaseException | None) -> str:
    """What is said of an instance that failed and may not."""
    name, where = type(error).__name__, "" if status.error is None else status.error.where
    told = f"{status.id} failed: {name}: {error}\n{where}".rstrip()
    return f"{told}\nIf an instance may end so, say it: `may_fail = ({name},)`."


async def _error_of(world: World, id_: str) -> BaseException | None:
    try:
        await world.instance(id_).result()
    except InstanceFailed as failed:
        return failed.error
    return None


async def _coroutine(awaitable: Awaitable[T]) -> T:
    return await awaitable
