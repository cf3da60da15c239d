"""
Commands: the values that a process awaits. Here are the closed set of primitives, and the roots of the two open sets.

A command is data until it is awaited inside a process; then `ask` hands it to the driver. It does nothing by itself.

    Command
    ├── Action           touches the world and performs itself through a port (open set)
    ├── Listening        a wait that looks at the world when it begins, then listens to events (open set)
    │   └── Visible      one that is to be seen while it lasts
    ├── Step             the body of an @action function (`steps.py`)
    ├── Fork             several branches at once; answered by the driver (`fork.py`)
    └── Primitive        answered by the engine: the closed set below
"""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from types import GenericAlias
from typing import Any, ClassVar, Final, Generic, Literal, NoReturn, TypeAlias, TypeVar
from uuid import UUID

from attrs import field, frozen

from bizproc.core.errors import NestedStep, NotInProcess

R_co = TypeVar("R_co", covariant=True)
R = TypeVar("R")
T = TypeVar("T")


class _Driving(threading.local):
    """What this thread is driving now: set by the driver around each send, and by a step around its body."""

    instance: Any = None


driving: Final = _Driving()

running_step: Final[ContextVar[Any]] = ContextVar("running_step", default=None)
"""The step whose body runs in this context, or None."""


class Command(Generic[R_co]):
    """Something that a process asks for. Awaited, it gives an `R_co`."""

    kind: ClassVar[str]

    __slots__ = ()

    @property
    def name(self) -> str:
        """What is compared on replay, beside kind and arguments."""
        return self.kind

    def arguments(self) -> Mapping[str, object]:
        """The arguments that differ from their default: a new optional parameter changes no hash."""
        return {}

    @property
    def result_type(self) -> Any:
        """The type under which the answer is written and restored."""
        return Any

    def __await__(self) -> Generator[Command[Any], Any, R_co]:
        return ask(self)


@frozen
class Forgiven:
    """The answer to an action that could not do its work, where the process goes on all the same (D1)."""

    error: Exception


def ask(command: Command[R], *, attempted: bool = False) -> Generator[Command[Any], Any, R]:
    """
    The only yield: hands `command` to the driver, and comes back with its answer.

    What is forgiven is None, unless it was attempted: then the error is wanted. No `except` here, or no instance that
    waits could leave memory.
    """
    if driving.instance is None:
        refuse(shown(command))
    answer: Any = yield command
    if type(answer) is Forgiven:
        if attempted:
            raise answer.error
        answer = None  # types do not show it
    result: R = answer
    return result


def refuse(command: str) -> NoReturn:
    """A command was awaited where no process runs: say where it was instead."""
    step = running_step.get()
    if step is not None:
        raise NestedStep(command=command, step=step.name)
    raise NotInProcess(command=command)


def shown(command: Command[Any], arguments: Mapping[str, object] | None = None) -> str:
    """A command as people read it: `deal.add_product(product=7)`."""
    inside = ", ".join(f"{name}={value!r}" for name, value in (arguments or command.arguments()).items())
    return f"{command.name}({inside})"


class Action(Command[R_co]):
    """
    Touches the world: performs itself through the port it is given.

    A local action performs on the writer's thread inside the turn's transaction, under a savepoint of its own, and must
    not suspend there. What it raises undoes its savepoint only.
    """

    kind = "action"

    __slots__ = ()

    async def perform(self, port: Any) -> R_co:
        """Do it. Engines call this once per commit; processes never do."""
        raise NotImplementedError


class Prepared(Action[R_co]):
    """
    An action that works outside first (a file, a question), and then performs in one commit with what came of it.

    `prepare` may run more than once, after a crash; what it leaves outside must bear that.
    """

    __slots__ = ()

    async def prepare(self, outside: Any) -> Any:
        """Work outside; what it returns is handed to `conclude`."""
        raise NotImplementedError

    async def conclude(self, port: Any, prepared: Any) -> R_co:
        """As `perform`, with what was prepared."""
        raise NotImplementedError


Fate: TypeAlias = Literal["accepted", "refused", "unknown"]


@frozen
class Verdict:
    """
    What became of something sent.

    Attributes:
        fate: The other side accepted it, refused it for good, or nobody knows.
        receipt: What the channel returned, where it accepted.
        reason: Why it did not.
    """

    fate: Fate
    receipt: Any = None
    reason: str = ""


class Settling:
    """What is done in the store when the fate of something sent is known. Written with it: a frozen attrs class."""

    async def settle(self, port: Any, verdict: Verdict) -> Any:
        """
        As a local action, for each fate; what it returns for `accepted` is the step's value.

        An error that it returns for another fate is raised in place of the channel's.
        """
        raise NotImplementedError


@frozen
class Outgoing:
    """
    What a delivered action hands over to a channel.

    Attributes:
        channel: Its name.
        payload: What it is to send; written with its types.
        settling: What is done in the store once its fate is known.
        posted: The step's value where it does not wait for the delivery.
    """

    channel: str
    payload: Any
    settling: Settling
    posted: Any = None


class Delivered(Action[R_co]):
    """
    An action that posts something into the outbox (`perform` returns an `Outgoing`) and may wait for the verdict.

    Where there is nothing to be sent, `perform` returns the step's value.
    """

    __slots__ = ()

    @property
    def waits(self) -> bool:
        """Whether the step ends with the verdict, or as soon as the outbox has it."""
        return True

    @property
    def patience(self) -> timedelta | None:
        """How long the step waits for the verdict; None: as long as it takes. What was posted is sent all the same."""
        return None

    async def late(self, port: Any) -> R_co:
        """There was no verdict in time: a local action, whose value or error is the step's."""
        raise NotImplementedError


@frozen
class Late(Command[R_co]):
    """What a delivered action does when there was no verdict in time, in the form of a command."""

    action: Delivered[R_co]

    @property
    def name(self) -> str:
        return self.action.name

    @property
    def result_type(self) -> Any:
        return self.action.result_type


@frozen
class Event:
    """A fact about the CRM, as it travels from a change to those who wait for it."""

    name: str
    subject: str
    facts: Mapping[str, Any] = field(factory=dict)


END_OF_TIME: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""The deadline of what lies behind all moments."""


def later(moment: datetime, duration: timedelta) -> datetime:
    """The moment after a duration; the end of time where there is none, and the moment itself before all time."""
    try:
        return moment + duration
    except OverflowError:
        return END_OF_TIME if duration > timedelta(0) else moment


@frozen
class Pending:
    """
    What a wait answers when it cannot be over yet: the keys it listens to, and the moment it gives up.

    `trigger` is given where an event alone does not say whether it fits: it is matched in the event's own commit.
    """

    keys: tuple[str, ...]
    deadline: datetime | None = None
    trigger: Any = None


@frozen
class Done(Generic[R_co]):
    """What a wait answers when it is over as it begins."""

    value: R_co


class Listening(Command[R_co]):
    """A wait that looks and subscribes in one transaction (`begin`), and then is asked about each event (`accept`)."""

    kind = "wait"

    __slots__ = ()

    async def begin(self, port: Any) -> Done[R_co] | Pending:
        """Look at the world as it is in this transaction: over already, or what to listen to."""
        raise NotImplementedError

    def accept(self, event: Event) -> Done[R_co] | None:
        """Whether this event ends the wait. Pure."""
        raise NotImplementedError

    def expired(self) -> R_co:
        """The answer when the deadline comes first. Pure."""
        raise NotImplementedError

    def skipped(self) -> R_co:
        """The answer when a person ends the wait before its time. Pure."""
        return self.expired()

    def imagined(self) -> Sequence[Action[Any]]:
        """What somebody could do so that the wait is over, for previews; nothing where that cannot be said."""
        return ()


class Visible(Listening[R_co]):
    """
    A wait that is to be seen while it lasts: `begin` shows it, and `over` takes that away again.

    `begin` may be called again for the same step, after a `retry`. What is still shown when the instance ends is taken
    away by the port (`close_waits`), for then nobody may have the command at hand.
    """

    __slots__ = ()

    async def over(self, port: Any, answer: Any) -> None:
        """
        Write that the wait is over, in the very commit that says so; `answer` is None where nobody waits any more.

        It may be called more than once, and for a wait that never began.
        """
        raise NotImplementedError


# -- primitives: the closed set ----------------------------------------------------------------------------------------


@frozen
class Sleep(Command[None]):
    """Wait for a duration; the deadline is fixed once, when the wait begins."""

    kind = "sleep"
    duration: timedelta

    def arguments(self) -> Mapping[str, object]:
        return {"duration": self.duration}


@frozen
class SleepUntil(Command[None]):
    """Wait for a moment; one that has passed is over at once."""

    kind = "until"
    moment: datetime

    def arguments(self) -> Mapping[str, object]:
        return {"moment": self.moment}


@frozen
class Signalled(Generic[T]):
    """How a wait for a signal ended."""

    value: T | None = None
    timed_out: bool = False


@frozen
class WaitSignal(Command[Signalled[T]]):
    """Wait for a signal: the oldest unread one of this name, or the next."""

    kind = "signal"
    signal: str
    type: Any = None
    timeout: timedelta | None = None

    @property
    def name(self) -> str:
        return self.signal

    def arguments(self) -> Mapping[str, object]:
        return {} if self.timeout is None else {"timeout": self.timeout}

    @property
    def result_type(self) -> Any:
        return Signalled if self.type is None else GenericAlias(Signalled, (self.type,))


@frozen
class Now(Command[datetime]):
    """The clock, read once and journalled."""

    kind = "now"

    @property
    def result_type(self) -> Any:
        return datetime


@frozen
class NewId(Command[UUID]):
    """A fresh id, journalled."""

    kind = "new_id"

    @property
    def result_type(self) -> Any:
        return UUID


@frozen
class RandomNumber(Command[float]):
    """A random number in [0, 1), journalled."""

    kind = "random"

    @property
    def result_type(self) -> Any:
        return float


@frozen
class Note(Command[None]):
    """A line in the instance's log, written once."""

    kind = "note"
    text: str
    facts: Mapping[str, Any] = field(factory=dict)

    def arguments(self) -> Mapping[str, object]:
        return {"text": self.text, **self.facts}

    @property
    def result_type(self) -> Any:
        return type(None)


@frozen
class Patched(Command[bool]):
    """Whether this instance runs the new side of a change of code (`runtime.md`, patched)."""

    kind = "patched"
    change_id: str

    @property
    def name(self) -> str:
        return self.change_id

    @property
    def result_type(self) -> Any:
        return bool


@frozen
class StartChild(Command[Any]):
    """Start another process; the answer is a `Child`."""

    kind = "start"
    call: Any
    detached: bool = False

    @property
    def name(self) -> str:
        return str(self.call.process.name)

    def arguments(self) -> Mapping[str, object]:
        return {**self.call.arguments(), **({"detached": True} if self.detached else {})}

    @property
    def result_type(self) -> Any:
        return str


@frozen
class AwaitChild(Command[Any]):
    """Wait until a child ends; raises ChildFailed if it ended without a value."""

    kind = "child"
    child: str
    type: Any = None

    def arguments(self) -> Mapping[str, object]:
        return {"child": self.child}

    @property
    def result_type(self) -> Any:
        return Any if self.type is None else self.type


@frozen
class ContinueAsNew(Command[NoReturn]):
    """Begin anew with an empty journal and these parameters; unread signals stay. Never answered."""

    kind = "continue"
    parameters: Mapping[str, Any] = field(factory=dict)

    def arguments(self) -> Mapping[str, object]:
        return self.parameters


Primitive: TypeAlias = (
    Sleep
    | SleepUntil
    | WaitSignal[Any]
    | Now
    | NewId
    | RandomNumber
    | Note
    | Patched
    | StartChild
    | AwaitChild
    | ContinueAsNew
)


def current_instance(command: str) -> Any:
    """The instance being driven on this thread; raises where there is none."""
    if driving.instance is None:
        refuse(command)
    return driving.instance
