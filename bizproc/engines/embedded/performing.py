"""
Performing a local action or a check inside the store's transaction, under a savepoint of its own.

What it raises undoes it alone and is its outcome; what the store raises is nobody's outcome and goes on up.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeAlias, TypeVar

from attrs import frozen

from bizproc.core.codec import Codec
from bizproc.core.commands import Action, Delivered, Done, Event, Listening, Pending, Prepared, Settling, Verdict
from bizproc.core.errors import StoreError
from bizproc.engines.embedded.posts import Post, follow_up, post, sql
from bizproc.ports.performing import ItemRef, Performing
from bizproc.store.transaction import Transaction

T = TypeVar("T")
MakePort: TypeAlias = Callable[[Performing], Any]


@frozen
class Context:
    """
    In whose name something is performed.

    Attributes:
        key: The idempotency key of the step.
        sender: Instance and address of the step; None outside a process.
        channels: Where delivered actions can send to.
        primitive: Does what is neither an action nor a wait (children).
    """

    codec: Codec
    make_port: MakePort
    channels: Mapping[str, Any]
    instance: str | None
    key: str
    document: ItemRef | None
    sender: tuple[int, str] | None
    primitive: Callable[[Transaction, Any], Any]


@frozen
class Settlement:
    """What a delivered action does about its verdict, in the form of a command."""

    settling: Settling
    verdict: Verdict
    result_type: Any = Any
    name: str = "settle"


@frozen
class Performed:
    """
    What came of a local action or check, and what it brought about.

    Attributes:
        value: What it returned; `Pending` if there is something to wait for.
        encoded: The value or error as text; None while there is something to wait for.
        post: What it put into the outbox.
        follow_ups: What it put there to be sent later.
    """

    value: Any
    error: BaseException | None
    encoded: str | None
    events: list[Event]
    ended_by: str | None
    post: Post | None
    follow_ups: tuple[Post, ...] = ()


def perform(tx: Transaction, command: Any, context: Context, prepared: Any = None) -> Performed:
    """Run a local action or check under a savepoint of its own; its failure is its outcome, the store's is not."""
    events: list[Event] = []
    ends: list[str] = []
    performing = Performing(
        transaction=tx,
        now=tx.now,
        instance=context.instance,
        key=context.key,
        document=context.document,
        ending=ends.append,
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
        _complain(tx, performing, error)
        return Performed(None, error, context.codec.encode_error(error), [], None, None)
    return Performed(value, None, encoded, events, ends[0] if ends else None, posted, follow_ups)


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


def _complain(tx: Transaction, performing: Performing, error: Exception) -> None:
    """What it did is undone; what it wanted to be said in that case is written."""
    for write in performing.failing:
        with tx.savepoint():
            write(error)


def _value(tx: Transaction, command: Any, context: Context, performing: Performing, prepared: Any) -> Any:
    if isinstance(command, Prepared):
        return finished(command.conclude(context.make_port(performing), prepared), command)
    if isinstance(command, Action):
        return finished(command.perform(context.make_port(performing)), command)
    if isinstance(command, Listening):
        answer = finished(command.begin(context.make_port(performing)), command)
        return answer.value if isinstance(answer, Done) else answer
    if isinstance(command, Settlement):
        return finished(command.settling.settle(context.make_port(performing), command.verdict), command)
    return context.primitive(tx, command)


def _posted(tx: Transaction, command: Any, context: Context, value: Any) -> tuple[Any, Post | None]:
    """A delivered action has given something to send: it goes into the outbox, in the same commit."""
    if not isinstance(command, Delivered):
        return value, None
    posted = post(
        tx,
        value,
        context.codec,
        context.channels,
        context.key,
        context.document,
        context.sender,
        waits=command.waits,
    )
    return (Pending(()) if command.waits else value.posted), posted


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
