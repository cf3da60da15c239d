"""
Steps of one's own: `@action` makes an async function a durable step when it is called inside a process.

Outside a process the call is the plain function's. The engine runs the body, retries it by the policy, and journals how
it ended.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from copy import deepcopy
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final, Generic, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from attrs import Factory, define, field, frozen, validators

from bizproc.core.checks import Checker, compile_checks
from bizproc.core.commands import Command, driving, running_step
from bizproc.core.errors import NestedStep, NotInProcess, ProcessDefinitionError

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


@frozen(kw_only=True)
class Retry:
    """
    When a failed step is tried again.

    Args:
        attempts: How often it is tried at most, the first time included.
        first_delay: Before the second attempt.
        factor: Each further delay is this many times the one before.
        longest_delay: No delay is longer.
        jitter: Each delay is lengthened at random by up to this share, so that many failures do not come back at once.
        give_up_on: Errors of these types are raised at once.
    """

    attempts: int = field(default=5, validator=[validators.instance_of(int), validators.ge(1)])
    first_delay: timedelta = timedelta(seconds=1)
    factor: float = field(default=2, validator=validators.ge(1))
    longest_delay: timedelta = timedelta(minutes=5)
    jitter: float = field(default=0.1, validator=validators.ge(0))
    give_up_on: tuple[type[BaseException], ...] = ()

    def again(self, attempt: int, error: BaseException) -> bool:
        """Whether to try again after attempt number `attempt` (from 1) ended with `error`."""
        return attempt < self.attempts and not isinstance(error, self.give_up_on)

    def delay(self, attempt: int, random: Random | None) -> timedelta:
        """How long to wait after attempt number `attempt` (from 1); without `random` there is no jitter."""
        # In seconds as a float, and bounded before it is a timedelta, which a high power of the factor overflows.
        seconds = self.first_delay.total_seconds()
        try:
            seconds *= float(self.factor) ** (attempt - 1)
        except OverflowError:
            seconds *= math.inf if seconds else 1
        lengthened = seconds * (1 + self.jitter * random.random()) if random else seconds
        return timedelta(seconds=min(lengthened, self.longest_delay.total_seconds()))


ONCE = Retry(attempts=1)

_IMMUTABLE: Final = frozenset({int, str, float, bool, bytes, type(None), Decimal, datetime, date, timedelta, UUID})


@frozen(eq=False)
class StepFunction(Generic[P, R]):
    """An async function that is a durable step inside a process."""

    function: Callable[P, Coroutine[Any, Any, R]]
    name: str
    retry: Retry
    timeout: timedelta | None
    at_most_once: bool
    checks: Checker = field(repr=False)
    result_path: str = field(init=False, repr=False, default=Factory(lambda self: f"{self.name}(...)", takes_self=True))

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
        if driving.instance is not None:
            return Step(self, self.checks.bind(args, kwargs))
        outer = running_step.get()
        if outer is not None:
            raise NestedStep(command=self.name, step=outer.name)
        return self.function(*args, **kwargs)

    @property
    def __doc__(self) -> str | None:  # type: ignore[override]  # the function's, not the class's
        return self.function.__doc__

    @property
    def result_type(self) -> Any:
        """The annotation of what the body returns."""
        return self.checks.result_type

    def run(self, bound: Mapping[str, Any]) -> Coroutine[Any, Any, Any]:
        """The body, not begun, with checked arguments."""
        # The body's own copy: what it does to an argument the process must not see, for a replay would not do it.
        function: Callable[..., Coroutine[Any, Any, Any]] = self.function
        if self.checks.by_position and _IMMUTABLE.issuperset(map(type, bound.values())):
            return function(*bound.values())
        own = {name: value if type(value) in _IMMUTABLE else deepcopy(value) for name, value in bound.items()}
        args, kwargs = self.checks.spread(own)
        return function(*args, **kwargs)


@define(eq=False)
class Step(Command[R_co]):
    """One call of a step's function. Nobody changes it; not frozen, for such a one takes twice as long to make."""

    kind = "step"
    function: StepFunction[..., Any]
    bound: Mapping[str, Any]

    @property
    def name(self) -> str:
        return self.function.name

    def arguments(self) -> Mapping[str, object]:
        return self.function.checks.given(self.bound)

    @property
    def result_type(self) -> Any:
        return self.function.result_type


class RunningStep(NamedTuple):
    """What a step's body can ask about itself."""

    name: str
    key: str
    attempt: int


def step_key() -> str:
    """
    The idempotency key of the step whose body runs: the same on every attempt, another for every step.

    Raises:
        NotInProcess: no step's body runs here.
    """
    running: RunningStep | None = running_step.get()
    if running is None:
        raise NotInProcess(command="step_key()", instead="It is for the body of an @action step.")
    return running.key


def action(
    name: str, *, retry: Retry | None = None, timeout: timedelta | None = None, at_most_once: bool = False
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], StepFunction[P, R]]:
    """
    Make an async function a durable step.

    Args:
        name: How the journal calls it. It may not change while instances live.
        retry: When a failure is tried again; without it the first failure is raised.
        timeout: How long one attempt may take.
        at_most_once: After a crash raise StepInterrupted instead of running the body again.
    """

    def decorate(function: Callable[P, Coroutine[Any, Any, R]]) -> StepFunction[P, R]:
        if not inspect.iscoroutinefunction(function):
            raise ProcessDefinitionError(process=name, detail="an @action is an async function: write `async def`.")
        if at_most_once and retry is not None and retry.attempts > 1:
            raise ProcessDefinitionError(
                process=name, detail="an at_most_once action cannot be retried: leave `retry=` out."
            )
        return StepFunction(function, name, retry or ONCE, timeout, at_most_once, compile_checks(function, name))

    return decorate
