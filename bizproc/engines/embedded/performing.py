"""
Performing a local action or a check inside the store's transaction, under a savepoint of its own.

What it raises undoes it alone and is its outcome; what the store raises is nobody's outcome and goes on up.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, TypeAlias, TypeVar

from attrs import evolve, frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import (
    Action,
    Delivered,
    Done,
    Event,
    Late,
    Listening,
    Outgoing,
    Pending,
    Prepared,
    Settling,
    Verdict,
    Visible,
)
from bizproc.core.errors import StoreError
from bizproc.engines.embedded.posts import Post, follow_up, post, sql
from bizproc.ports.performing import ItemRef, Performing
from bizproc.store.transaction import Transaction

T = TypeVar("T")
MakePort: TypeAlias = Callable[[Performing], Any]


def nowhere() -> None:
    """Outside a process no function asks."""


@frozen
class Context:
    """
    In whose name something is performed.

    Attributes:
        key: The idempotency key of the step.
        sender: Instance and address of the step; None outside a process.
        channels: Where delivered actions can send to.
        primitive: Does what is neither an action nor a wait (children).
        process: The name of the instance's process.
        function: Tells which function of it asked.
    """

    codec: Codec
    make_port: MakePort
    channels: Mapping[str, Any]
    instance: str | None
    key: str
    document: ItemRef | None
    sender: tuple[int, str] | None
    primitive: Callable[[Transaction, Any], Any]
    process: str | None = None
    function: Callable[[], str | None] = nowhere


@frozen
class Settlement:
    """What a delivered action does about its verdict, in the form of a command."""

    settling: Settling
    verdict: Verdict
    result_type: Any = Any
    name: str = "settle"


@frozen
class Over:
    """That a visible wait is over, in the form of a command."""

    wait: Visible[Any]
    answer: Any
    result_type: Any = Any
    name: str = "over"


@frozen
class Performed:
    """
    What came of a local action or check, and what it brought about.

    Attributes:
        value: What it returned; `Pending` if there is something to wait for.
        encoded: The value or error as text; None while there is something to wait for.
        post: What it put into the outbox.
        follow_ups: What it put there to be sent later.
        clears: Items whose instances it ends, why, and whether its own goes on.
    """

    value: Any
    error: BaseException | None
    encoded: str | None
    events: list[Event]
    ended_by: str | None
    post: Post | None
    clears: list[tuple[ItemRef, str, bool]]
    follow_ups: tuple[Post, ...] = ()


def perform(tx: Transaction, command: Any, context: Context, prepared: Any = None) -> Performed:
    """Run a local action or check under a savepoint of its own; its failure is its outcome, the store's is not."""
    events: list[Event] = []
    ends: list[str] = []
    clears: list[tuple[ItemRef, str, bool]] = []
    performing = Performing(
        transaction=tx,
        now=tx.now,
        instance=context.instance,
        process=context.process,
        function=context.function,
        key=context.key,
        document=context.document,
        ending=ends.append,
        clearing=lambda ref, ended_by: clears.append((ref, ended_by, False)),
        clearing_others=lambda ref, ended_by: clears.append((ref, ended_by, True)),
        events=events,
    )
    command = _accepted(tx, command, context) or command
    try:
        with tx.savepoint():
            value = _value(tx, command, context, performing, prepared)
            value, posted = _posted(tx, command, context, value)
            follow_ups = _followed(tx, context, performing)
            encoded = None if isinstance(value, Pending) else context.codec.encode(value, command.result_type)
    except StoreError:
        raise  # not the action's affair: the whole group waits, or is lost
    except Exception as error:  # noqa: BLE001  whatever an action raises is its outcome
        left = _left_behind(tx, command, context, performing, error)
        return Performed(None, error, context.codec.encode_error(error), left, None, None, [])
    return Performed(value, None, encoded, events, ends[0] if ends else None, posted, clears, follow_ups)


def _accepted(tx: Transaction, command: Any, context: Context) -> Settlement | None:
    """A step that is asked again had sent already: nothing is looked at anew, only its answer is missing."""
    if not (isinstance(command, Delivered) and command.waits):
        return None
    row = tx.execute(sql.accepted_post, (context.key,)).fetchone()
    if row is None:
        return None
    settling, verdict = row
    decode = context.codec.decode
    return Settlement(decode(settling), decode(verdict, Verdict), command.result_type)


def _left_behind(tx: Transaction, command: Any, context: Context, failed: Performing, error: Exception) -> list[Event]:
    """Do what the action wanted done if it failed; what that emits."""
    events: list[Event] = []
    for trace in failed.left_behind:
        performing = evolve(failed, events=[], follow_ups=[], left_behind=[])
        try:
            with tx.savepoint():
                finished(_awaited(trace(context.make_port(performing), error)), command)
        except StoreError:
            raise
        except Exception as second:  # noqa: BLE001  the first error is the outcome, and must not be lost
            error.add_note(f"what was to be left behind failed: {type(second).__name__}: {second}")
        else:
            events += performing.events
    return events


async def _awaited(awaitable: Awaitable[T]) -> T:
    return await awaitable


def _value(tx: Transaction, command: Any, context: Context, performing: Performing, prepared: Any) -> Any:
    if isinstance(command, Prepared):
        return finished(command.conclude(context.make_port(performing), prepared), command)
    if isinstance(command, Action):
        return finished(command.perform(context.make_port(performing)), command)
    if isinstance(command, Listening):
        answer = finished(command.begin(context.make_port(performing)), command)
        return answer.value if isinstance(answer, Done) else answer
    if isinstance(command, Late):
        return finished(command.action.late(context.make_port(performing)), command)
    if isinstance(command, Settlement):
        return finished(command.settling.settle(context.make_port(performing), command.verdict), command)
    if isinstance(command, Over):
        return finished(command.wait.over(context.make_port(performing), command.answer), command)
    return context.primitive(tx, command)


def close_waits(tx: Transaction, make_port: MakePort, instance: str, reason: str) -> list[Event]:
    """An instance ends: what the CRM still shows of its waits is taken away. Returns what that tells."""
    performing = Performing(transaction=tx, now=tx.now, instance=instance)
    coroutine = make_port(performing).close_waits(reason)
    finished(coroutine, Over)
    return performing.events


def _posted(tx: Transaction, command: Any, context: Context, value: Any) -> tuple[Any, Post | None]:
    """What is to be sent goes into the outbox, in the same commit."""
    if not isinstance(value, Outgoing):
        return value, None
    posted = _post(tx, value, context, context.key, context.sender, waits=command.waits)
    if not command.waits:
        return value.posted, posted
    return Pending((), None if command.patience is None else tx.now + command.patience), posted


def _post(
    tx: Transaction, value: Outgoing, context: Context, key: str, sender: tuple[int, str] | None, *, waits: bool
) -> Post:
    return post(tx, value, context.codec, context.channels, key, context.document, sender, waits=waits)


def _followed(tx: Transaction, context: Context, performing: Performing) -> tuple[Post, ...]:
    """What is to be sent later: it is the store's from here on, and no instance's."""
    written = (
        follow_up(tx, each, context.codec, context.channels, context.key, context.document)
        for each in performing.follow_ups
    )
    return tuple(each for each in written if each is not None)


def finished(coroutine: Coroutine[Any, Any, T], command: Any) -> T:
    """The value of a coroutine that must not suspend: the store's only transaction is open around it."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        value: T = stop.value
        return value
    coroutine.close()
    raise RuntimeError(
        f"{command.name} suspended inside the store's transaction: a local action may not wait for anything"
    )
