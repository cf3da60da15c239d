"""The verbs that a process types, besides actions and waits. Names only: each makes a command, or awaits a few."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, Protocol, Self, TypeVar, cast, overload
from uuid import UUID

from attrs import field, frozen

from bizproc.core.checks import check_value
from bizproc.core.commands import (
    AwaitChild,
    Command,
    ContinueAsNew,
    NewId,
    Note,
    Now,
    Patched,
    RandomNumber,
    StartChild,
    current_instance,
)
from bizproc.core.errors import WrongArgument
from bizproc.core.fork import Fork, Winner, branch, close
from bizproc.core.outcome import Attempt
from bizproc.core.process import Call

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
R1 = TypeVar("R1")
R2 = TypeVar("R2")
R3 = TypeVar("R3")
R4 = TypeVar("R4")
R5 = TypeVar("R5")
R6 = TypeVar("R6")
R7 = TypeVar("R7")
R8 = TypeVar("R8")


# -- several at once ---------------------------------------------------------------------------------------------------


@overload
def gather(a1: Awaitable[R1], /) -> Command[tuple[R1]]: ...
@overload
def gather(a1: Awaitable[R1], a2: Awaitable[R2], /) -> Command[tuple[R1, R2]]: ...
@overload
def gather(a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], /) -> Command[tuple[R1, R2, R3]]: ...
@overload
def gather(
    a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], a4: Awaitable[R4], /
) -> Command[tuple[R1, R2, R3, R4]]: ...
@overload
def gather(
    a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], a4: Awaitable[R4], a5: Awaitable[R5], /
) -> Command[tuple[R1, R2, R3, R4, R5]]: ...
@overload
def gather(
    a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], a4: Awaitable[R4], a5: Awaitable[R5], a6: Awaitable[R6], /
) -> Command[tuple[R1, R2, R3, R4, R5, R6]]: ...
@overload
def gather(
    a1: Awaitable[R1],
    a2: Awaitable[R2],
    a3: Awaitable[R3],
    a4: Awaitable[R4],
    a5: Awaitable[R5],
    a6: Awaitable[R6],
    a7: Awaitable[R7],
    /,
) -> Command[tuple[R1, R2, R3, R4, R5, R6, R7]]: ...
@overload
def gather(
    a1: Awaitable[R1],
    a2: Awaitable[R2],
    a3: Awaitable[R3],
    a4: Awaitable[R4],
    a5: Awaitable[R5],
    a6: Awaitable[R6],
    a7: Awaitable[R7],
    a8: Awaitable[R8],
    /,
) -> Command[tuple[R1, R2, R3, R4, R5, R6, R7, R8]]: ...
@overload
def gather(*awaitables: Awaitable[R]) -> Command[tuple[R, ...]]: ...
def gather(*awaitables: Awaitable[Any]) -> Command[Any]:
    """
    Await several at once; their results as a tuple, in the order of the arguments.

    If one fails the others are cancelled, their cleanup is awaited, and the first error is raised; later ones are
    notes on it.
    """
    return Fork("gather", [branch(awaitable) for awaitable in awaitables])


@overload
def race(a1: Awaitable[R1], /) -> Command[Winner[R1]]: ...
@overload
def race(a1: Awaitable[R1], a2: Awaitable[R2], /) -> Command[Winner[R1 | R2]]: ...
@overload
def race(a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], /) -> Command[Winner[R1 | R2 | R3]]: ...
@overload
def race(
    a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], a4: Awaitable[R4], /
) -> Command[Winner[R1 | R2 | R3 | R4]]: ...
@overload
def race(
    a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], a4: Awaitable[R4], a5: Awaitable[R5], /
) -> Command[Winner[R1 | R2 | R3 | R4 | R5]]: ...
@overload
def race(
    a1: Awaitable[R1], a2: Awaitable[R2], a3: Awaitable[R3], a4: Awaitable[R4], a5: Awaitable[R5], a6: Awaitable[R6], /
) -> Command[Winner[R1 | R2 | R3 | R4 | R5 | R6]]: ...
@overload
def race(
    a1: Awaitable[R1],
    a2: Awaitable[R2],
    a3: Awaitable[R3],
    a4: Awaitable[R4],
    a5: Awaitable[R5],
    a6: Awaitable[R6],
    a7: Awaitable[R7],
    /,
) -> Command[Winner[R1 | R2 | R3 | R4 | R5 | R6 | R7]]: ...
@overload
def race(
    a1: Awaitable[R1],
    a2: Awaitable[R2],
    a3: Awaitable[R3],
    a4: Awaitable[R4],
    a5: Awaitable[R5],
    a6: Awaitable[R6],
    a7: Awaitable[R7],
    a8: Awaitable[R8],
    /,
) -> Command[Winner[R1 | R2 | R3 | R4 | R5 | R6 | R7 | R8]]: ...
@overload
def race(*awaitables: Awaitable[R]) -> Command[Winner[R]]: ...
def race(*awaitables: Awaitable[Any]) -> Command[Any]:
    """
    Await several at once until the first ends, with a value or with an error, which is raised.

    The others are cancelled, and have cleaned up when this returns.
    """
    if not awaitables:
        raise WrongArgument(process="race", parameter="awaitables", expected="at least one", got="none")
    return Fork("race", [branch(awaitable) for awaitable in awaitables])


def for_each(
    function: Callable[[T], Awaitable[R]], items: Iterable[T], *, limit: int | None = None
) -> Command[tuple[R, ...]]:
    """
    Call an async function for each item, one branch an item; the results in the order of the items.

    Args:
        function: What is done with an item.
        items: Read once, before the first branch begins.
        limit: How many branches run at a time; None for all.
    """
    if limit is not None and limit < 1:
        raise WrongArgument(process="for_each", parameter="limit", expected="1 or more, or None", got=repr(limit))
    return Fork("gather", [_Item(function, item) for item in items], limit)


@frozen(eq=False)
class _Item(Generic[T, R]):
    """A branch of `for_each`: the function is called inside the branch, as all user code is."""

    function: Callable[[T], Awaitable[R]]
    item: T

    async def __call__(self) -> R:
        return await self.function(self.item)


def shield(awaitable: Awaitable[R]) -> Command[R]:
    """
    Await something that finishes even if the instance, or the branch, is cancelled meanwhile.

    The cancellation is raised here when it has finished.
    """
    return Fork("shield", [branch(awaitable)])


def attempt(awaitable: Awaitable[R]) -> Attempt[R]:
    """Await something, and get what came of it: `.value` or `.error`. A cancellation is raised all the same."""
    return Attempt(awaitable)


# -- sagas -------------------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Saga:
    """What is to be undone if the block does not come to its end."""

    _undo: list[Awaitable[Any]] = field(factory=list)

    def compensate(self, action: Awaitable[Any]) -> None:
        """Do this, not now but if the block fails or is cancelled; the last one given is the first one done."""
        self._undo.append(action)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, cls: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> Literal[False]:
        if error is None or isinstance(error, GeneratorExit):
            self._forget()
        else:
            # Shielded: a cancel that comes while things are undone waits until all are.
            await shield(self._undo_all(error))
        return False

    async def _undo_all(self, error: BaseException) -> None:
        while self._undo:
            action = self._undo.pop()
            try:
                await action
            except Exception as failure:  # noqa: BLE001  the others must still be undone; the error carries the failure
                error.add_note(f"an undo failed: {type(failure).__name__}: {failure}")

    def _forget(self) -> None:
        for action in self._undo:
            close(action)
        self._undo.clear()


def saga() -> Saga:
    """
    A block that undoes what it did, if it fails or is cancelled.

    `async with saga() as undo:`, and after each step `undo.compensate(...)`; the last one given is undone first. An
    undo that fails is a note on the error, and the others are still done.
    """
    return Saga()


# -- children ----------------------------------------------------------------------------------------------------------


@frozen(eq=False)
class Child(Generic[R_co]):
    """A child instance. Awaited, it gives the child's result, or raises ChildFailed."""

    id: str
    type: Any = field(default=Any, repr=False)

    def __await__(self) -> Generator[Command[Any], Any, R_co]:
        result: R_co = yield from AwaitChild(self.id, self.type).__await__()
        return result


@frozen(eq=False)
class Starting(Generic[R_co]):
    """A child about to be started. Awaited, it gives the child, which runs from then on."""

    call: Call[R_co]
    detached: bool = False

    def __await__(self) -> Generator[Command[Any], Any, Child[R_co]]:
        child = yield from StartChild(self.call, self.detached).__await__()
        return Child(child, self.call.process.result_type)


def start(call: Call[R], *, detached: bool = False) -> Starting[R]:
    """
    Start a child instance and go on beside it.

    First `child = await start(call)`, later `result = await child`.

    Args:
        call: What to run.
        detached: Whether the child goes on if this instance is cancelled.
    """
    check_value(call, Call, process="start", parameter="call")
    return Starting(call, detached)


# -- journalled facts --------------------------------------------------------------------------------------------------


def now() -> Command[datetime]:
    """The moment, in UTC; the same on every replay."""
    return Now()


def new_id() -> Command[UUID]:
    """A fresh id; the same on every replay."""
    return NewId()


def random() -> Command[float]:
    """A random number from 0 to below 1; the same on every replay."""
    return RandomNumber()


def note(text: str, **facts: object) -> Command[None]:
    """Write a line into the instance's log."""
    return Note(text, facts)


def patched(change_id: str) -> Command[bool]:
    """
    Whether this instance is to run the new side of a change of code.

    True for instances that reach this line after the change, false for those that had passed it before.
    """
    return Patched(change_id)


if TYPE_CHECKING:
    # Only of an async function does every type checker see that nothing follows.
    async def continue_as_new(**parameters: Any) -> NoReturn: ...

else:

    def continue_as_new(**parameters: Any) -> Command[NoReturn]:
        """Begin anew with an empty journal and these parameters changed; unread signals stay. Never returns."""
        return ContinueAsNew(parameters)


def printed(value: object, field: str | None = None) -> str:
    """
    The print version of a value, in the portal's language and time zone.

    It asks nobody and is not awaited: what an instance printed once it prints again on every replay, also where the
    portal's settings have changed meanwhile. What users, items, stages and entries of lists are called has to be asked
    of the CRM: `await crm.deal.get_data("responsible_id", print_version=True)`. A custom field of an item in hand is
    printed by what it holds; `get_data` knows its type.

    Args:
        value: A date, a moment, a number, a bool, a `Money`, a `MultiField`, an `Address`, a list of these…; or an
            item, which is printed as what it is called.
        field: Of the item that is given, print this field instead: `printed(deal, "amount")` knows the currency.

    Raises:
        NotPrintable: It has no print version, or none without the CRM.
        UnknownField: The item has no such field.
        NotInProcess: No process runs here.
    """
    # Not before it is called: this loads much of the model, and a process that prints nothing needs none of it.
    from bizproc.model.printing import Printer, currency_of, field_of

    printer = Printer(portal=current_instance("printed(...)").portal)
    if field is None:
        return printer.value(value)
    found, held = field_of(value, field)
    return printer.of_field(found, held, currency_of(value))


class This(Protocol):
    """What a process can ask about its own instance."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def process(self) -> str:
        """The name of its process."""

    @property
    def document(self) -> Any:
        """The item it runs on, as it was at the start; None without."""


def this() -> This:
    """The instance that this code runs in. Raises NotInProcess outside of one."""
    return cast("This", current_instance("this()"))
