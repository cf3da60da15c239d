"""Looking at instances: what runs, what it waits for, how it ended, and its journal as people read it. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final, TypeAlias

from attrs import evolve, frozen

from bizproc.core.codec import Codec, recorded_traceback, text_of, without_machinery
from bizproc.core.commands import Verdict
from bizproc.core.errors import DeliveryUnknown, InstanceNotFound, ReplayMismatch
from bizproc.core.process import Call, Process
from bizproc.engines.embedded.begun import begun_call
from bizproc.engines.embedded.children import ENDED
from bizproc.engines.embedded.journal import MAIN, Recorded, verified
from bizproc.ports.performing import ItemRef
from bizproc.store.statements import load
from bizproc.store.types import json_value, moment, moment_text

sql: Final = load("bizproc.engines.embedded", "statements.sql")


@frozen(kw_only=True)
class ErrorReport:
    """
    Why an instance failed or is stuck.

    Attributes:
        class_name, text: The error's class, and what it says.
        step: The address of the step it came from, where that is known.
        recorded, asked: Where the code no longer fits: what the journal has there, and what the code asks for.
        traceback: Where it was raised, where that was kept.
    """

    class_name: str
    text: str
    step: str | None = None
    recorded: str | None = None
    asked: str | None = None
    traceback: str | None = None

    def __str__(self) -> str:
        return self.text

    @property
    def where(self) -> str:
        """The lines of the process that it came through: the traceback without ours. Empty where none was kept."""
        return without_machinery(self.traceback or "").rstrip()


@frozen(kw_only=True)
class Status:
    """
    How an instance stands.

    Attributes:
        state: `running`, `waiting`, `completed`, `failed`, `cancelled`, `terminated` or `stuck`.
        waits_for, until: What a waiting one waits for, and its earliest deadline.
        ended_by: What ended it from outside.
        error: Why it failed or is stuck.
        causes: What led to its start, the first cause first; none where a person started it.
    """

    id: str
    process: str
    version: int
    document: ItemRef | None
    state: str
    waits_for: str | None
    until: datetime | None
    ended_by: str | None
    error: ErrorReport | None
    started_at: datetime
    ended_at: datetime | None
    causes: tuple[str, ...] = ()


@frozen(kw_only=True)
class JournalStep:
    """
    One step of an instance.

    Attributes:
        address: Where it stands: `3`, or `3.0.2` in a branch.
        event: `began` (a wait that has not ended), `returned`, `raised` or `cancelled`.
        arguments: Those that differ from their default, in canonical form.
        value: What it returned.
        error: What it raised, as text.
        deadline: When a wait gives up.
        attempts: How often a step's body ran.
        given_up: Of a wait: nobody waits any more, for its branch was over first, or the instance.
    """

    address: str
    kind: str
    name: str
    event: str
    arguments: Mapping[str, Any]
    value: Any = None
    error: str | None = None
    deadline: datetime | None = None
    attempts: int | None = None
    given_up: bool = False
    started_at: datetime | None
    at: datetime


@frozen(kw_only=True)
class Refusal:
    """
    A start that nobody asked for and that did not happen.

    Attributes:
        document: The item it would have run on.
        event: What would have started it.
        reason: `overlap` (the policy of the process), `loop` (too many causes) or `error`.
        existing: The instance that was in the way.
        text: All of it in words.
    """

    at: datetime
    process: str
    document: ItemRef | None
    event: str
    reason: str
    existing: str | None
    text: str


@frozen
class Overview:
    """
    A store's instances as a whole.

    Attributes:
        states: How many there are in each state that there is.
        next_due: When the next wait is over.
    """

    states: Mapping[str, int]
    next_due: datetime | None


@frozen(kw_only=True)
class Since:
    """
    Up to where somebody has heard the news.

    Attributes:
        key: Of the last instance that had begun; None to hear of those only that begin from now on.
        ended_at, ended_key: When the last one ended, and which it was.
        stuck: Which ones were stuck.
    """

    key: int | None = None
    ended_at: datetime
    ended_key: int = 0
    stuck: frozenset[int] = frozenset()


@frozen
class News:
    """What has happened to instances, up to `until`; to be asked for again if there was much."""

    began: list[Status]
    ended: list[Status]
    stuck: list[Status]
    until: Since


@frozen
class Result:
    """How an instance ended: its state, and the encoded value or error."""

    key: int
    process: str
    version: int
    state: str
    outcome: str | None
    error: str | None
    ended_by: str | None


def refusals(connection: Any, *, process: str | None, document: ItemRef | None, limit: int | None) -> list[Refusal]:
    """What did not start by itself, the newest last; with a limit the newest of them."""
    given = {
        "process": process,
        "kind": document and document.kind,
        "item": document and document.id,
        "limit": -1 if limit is None else limit,
    }
    return [_refusal(*row) for row in reversed(connection.execute(sql.refusals, given).fetchall())]


def _refusal(
    at: str, process: str, kind: str | None, item: int | None, event: str, reason: str, existing: str | None, text: str
) -> Refusal:
    return Refusal(
        at=moment(at),
        process=process,
        document=None if kind is None or item is None else ItemRef(kind, item),
        event=event,
        reason=reason,
        existing=existing,
        text=text,
    )


def paused(connection: Any) -> list[str]:
    """The processes whose triggers start nothing."""
    return [name for (name,) in connection.execute(sql.all_paused)]


def process_names(connection: Any) -> list[str]:
    """The names of the processes that instances in the store are of."""
    return [name for (name,) in connection.execute(sql.process_names)]


def key_of(connection: Any, id: str) -> int:
    """The store's key of an instance. Raises InstanceNotFound."""
    row = connection.execute(sql.same_id, {"id": id}).fetchone()
    if row is None:
        raise InstanceNotFound(instance=id)
    return int(row[0])


def status(connection: Any, id: str, codec: Codec) -> Status:
    """How one instance stands. Raises InstanceNotFound."""
    row = connection.execute(sql.status_of, {"id": id}).fetchone()
    if row is None:
        raise InstanceNotFound(instance=id)
    return _status(row, codec)


def statuses(
    connection: Any,
    codec: Codec,
    *,
    process: str | None,
    state: str | None,
    document: ItemRef | None,
    limit: int | None,
) -> list[Status]:
    """The instances that fit, the newest last; with a limit the newest of them."""
    given = {
        "process": process,
        "state": state,
        "kind": document and document.kind,
        "item": document and document.id,
        "limit": -1 if limit is None else limit,
    }
    rows = connection.execute(sql.list_instances if document is None else sql.list_on_item, given).fetchall()
    return [_status(row, codec) for row in reversed(rows)]


def result(connection: Any, id: str) -> Result:
    """How an instance ended, if it has. Raises InstanceNotFound."""
    row = connection.execute(sql.result_of, {"id": id}).fetchone()
    if row is None:
        raise InstanceNotFound(instance=id)
    return Result(*row)


def journal(connection: Any, id: str, path: str, codec: Codec) -> list[JournalStep]:
    """The steps of an instance, in the order in which they ended or, where they are open, began."""
    key = key_of(connection, id)
    ended = status(connection, id, codec).state in ENDED
    # Looked at twice, for a wait may begin, or end, while the journal is read.
    heard = _heard(connection, key)
    rows, _ = verified(key, id, path, connection.execute(sql.journal, {"key": key}))
    heard |= _heard(connection, key)
    steps = list(_steps(rows, codec))
    tried = [address for (address, *_) in connection.execute(sql.attempts, {"key": key})]
    furthest = _furthest([*(step.address for step in steps), *tried])
    return [
        evolve(step, given_up=True)
        if step.event == "began" and (ended or _is_left(step, furthest) or _is_unheard(step, heard))
        else step
        for step in steps
    ]


def _heard(connection: Any, key: int) -> set[str]:
    return {address for (address,) in connection.execute(sql.heard, {"key": key})}


def _is_unheard(step: JournalStep, heard: set[str]) -> bool:
    """Whether what could end it in the store is gone. A signal or a child without a deadline leaves nothing there."""
    return (step.deadline is not None or step.kind == "wait") and step.address not in heard


_Branch: TypeAlias = tuple[str, ...]


def _furthest(addresses: Iterable[str]) -> dict[_Branch, int]:
    """How far each branch has come: the highest number of its commands."""
    found: dict[_Branch, int] = {}
    for address in addresses:
        for branch, number in _commands(address):
            found[branch] = max(number, found.get(branch, -1))
    return found


def _is_left(step: JournalStep, furthest: Mapping[_Branch, int]) -> bool:
    """Whether one of the forks that it stands in is over: what comes behind that fork has begun."""
    return any(furthest[branch] > number for branch, number in list(_commands(step.address))[:-1])


def _commands(address: str) -> Iterator[tuple[_Branch, int]]:
    """The command of each branch that an address leads through: of `3.0.2` the 3 of the process, and the 2 of 3.0."""
    parts = address.split(".")
    if all(part.isdigit() for part in parts):
        yield from ((tuple(parts[:place]), int(parts[place])) for place in range(0, len(parts), 2))


@frozen(kw_only=True)
class Sent:
    """
    Something that an instance has given to a channel.

    Attributes:
        step: Its address.
        state: `ready` (it waits for its turn, or is to be tried again), `sending`, `accepted`, `refused`, `unknown`, or
            `withdrawn`.
        reason: Why it was refused, or is unknown.
    """

    step: str
    channel: str
    state: str
    reason: str = ""
    attempts: int
    posted_at: datetime
    settled_at: datetime | None = None


def sent(connection: Any, id: str, codec: Codec) -> list[Sent]:
    """What an instance has given to channels, in its order. Raises InstanceNotFound."""
    key = key_of(connection, id)
    return [_sent(row, codec) for row in connection.execute(sql.posts_of, {"key": key})]


def _sent(row: tuple[Any, ...], codec: Codec) -> Sent:
    address, channel, state, attempts, verdict, posted_at, settled_at = row
    reason = "" if verdict is None or state == "accepted" else codec.decode(verdict, Verdict).reason
    return Sent(
        step=address,
        channel=channel,
        state=state,
        reason=reason,
        attempts=attempts,
        posted_at=moment(posted_at),
        settled_at=None if settled_at is None else moment(settled_at),
    )


@frozen(kw_only=True)
class Retrying:
    """
    A step whose body has failed and is tried again.

    Attributes:
        step: Its address.
        attempts: How often it was tried so far.
        error: What the last attempt raised.
        again_at: The moment of the next attempt; None while that runs.
    """

    step: str
    attempts: int
    error: ErrorReport
    again_at: datetime | None


def retrying(connection: Any, id: str, codec: Codec) -> list[Retrying]:
    """The steps of an instance that have failed and are tried again. Raises InstanceNotFound."""
    key = key_of(connection, id)
    return [
        Retrying(
            step=address,
            attempts=count,
            error=report(codec.decode_error(error)),
            again_at=None if again_at is None else moment(again_at),
        )
        for address, count, error, again_at in connection.execute(sql.retrying, {"key": key})
    ]


@frozen
class Recording:
    """
    An instance as it was recorded, with the types of its code.

    Attributes:
        call: Its process, its document as it was at the start, and its parameters.
        rows: Its journal, in order.
        anew: How often it has begun anew; the journal is that of the last time.
        result: What it returned, if it was completed.
    """

    status: Status
    call: Call[Any]
    rows: list[Recorded]
    anew: int
    result: Any


def recording(connection: Any, id: str, path: str, codec: Codec, process: Process[..., Any]) -> Recording:
    """All that is recorded of an instance of a process. Raises InstanceNotFound, NotRestorable."""
    key = key_of(connection, id)
    rows, _ = verified(key, id, path, connection.execute(sql.journal, {"key": key}))
    row = connection.execute(sql.forkable, {"id": id}).fetchone()
    found = result(connection, id)
    own = found.outcome is not None and found.ended_by is None  # else an action of its own ended it (D11)
    returned = codec.decode(found.outcome or "null", process.result_type) if own else None
    return Recording(status(connection, id, codec), begun_call(process, row[7], codec), rows, row[4], returned)


def notes(connection: Any, id: str) -> list[tuple[datetime, str, str | None]]:
    """What the instance wrote into its log: moment, text, facts as JSON."""
    rows = connection.execute(sql.notes, {"key": key_of(connection, id)})
    return [(moment(at), text, facts) for at, text, facts in rows]


def overview(connection: Any) -> Overview:
    """How many instances are in which state, and when the next wait is over."""
    (following,) = connection.execute(sql.next_timer).fetchone()
    states = dict(connection.execute(sql.count_states).fetchall())
    return Overview(states, None if following is None else moment(following))


def news(connection: Any, codec: Codec, since: Since) -> News:
    """Which instances have begun, ended or got stuck since then; at most a thousand of each."""
    began = [] if since.key is None else connection.execute(sql.begun_since, {"key": since.key}).fetchall()
    last = {"at": moment_text(since.ended_at), "key": since.ended_key}
    ended = connection.execute(sql.ended_since, last).fetchall()
    stuck = connection.execute(sql.stuck_now).fetchall()
    (highest,) = connection.execute(sql.next_key).fetchone()
    until = Since(
        key=began[-1][-1] if began else highest - 1,
        ended_at=moment(ended[-1][-3]) if ended else since.ended_at,
        ended_key=ended[-1][-1] if ended else since.ended_key,
        stuck=frozenset(row[-1] for row in stuck),
    )
    new_stuck = [row for row in stuck if row[-1] not in since.stuck]
    told = ([_status(row[:-1], codec) for row in rows] for rows in (began, ended, new_stuck))
    return News(next(told), next(told), next(told), until)


def _status(row: tuple[Any, ...], codec: Codec) -> Status:
    id, process, version, kind, item, state, waits_for, until, ended_by, error, started_at, ended_at, cause = row
    return Status(
        id=id,
        process=process,
        version=version,
        document=None if kind is None else ItemRef(kind, item),
        state=state,
        waits_for=waits_for,
        until=None if until is None else moment(until),
        ended_by=ended_by,
        error=None if error is None else report(codec.decode_error(error)),
        started_at=moment(started_at),
        ended_at=None if ended_at is None else moment(ended_at),
        causes=() if cause is None else tuple(json_value(cause)),
    )


def report(error: BaseException) -> ErrorReport:
    """An error as a status shows it."""
    plain = ErrorReport(class_name=type(error).__name__, text=text_of(error), traceback=recorded_traceback(error))
    if isinstance(error, ReplayMismatch):
        return evolve(plain, step=error.step, recorded=error.recorded, asked=error.asked)
    if isinstance(error, DeliveryUnknown):
        return evolve(plain, step=error.step)
    return plain


def _steps(rows: list[Recorded], codec: Codec) -> Iterator[JournalStep]:
    began: dict[str, JournalStep] = {}
    for row in rows:
        step = _step(row, codec)
        if row.event == "began":
            began[row.address] = step
        else:
            wait = began.pop(row.address, None)
            yield step if wait is None else evolve(step, started_at=wait.at, deadline=wait.deadline)
    yield from began.values()


def _step(row: Recorded, codec: Codec) -> JournalStep:
    return JournalStep(
        address=row.address,
        kind=row.kind or "cancel",
        name=row.name or ("the whole instance" if row.address == MAIN else ""),
        event=row.event,
        arguments=json_value(row.arguments or "{}"),
        value=json_value(row.outcome or "null") if row.event == "returned" else None,
        error=_error_text(codec.decode_error(row.outcome or "null")) if row.event == "raised" else None,
        deadline=moment(row.outcome) if row.event == "began" and row.outcome else None,
        attempts=row.attempts,
        started_at=None if row.started_at is None else moment(row.started_at),
        at=moment(row.at),
    )


def _error_text(error: BaseException) -> str:
    return f"{type(error).__name__}: {text_of(error)}"
