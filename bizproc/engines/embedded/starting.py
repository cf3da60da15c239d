"""
Starting instances, in a transaction: the row of a new one, or why there is none.

One id means one call: the same again gives the same instance. Of a process that is not `parallel` one instance lives
on a document at most; its overlap policy says what becomes of a second start (D16).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attrs import evolve, frozen

from bizproc.core.checks import described
from bizproc.core.codec import Codec
from bizproc.core.errors import NotRestorable, QueueFull, StartConflict, StartRefused, WrongArgument
from bizproc.core.process import Call, Process
from bizproc.ports.performing import ItemRef
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction
from bizproc.store.types import json_text

sql: Final = load("bizproc.engines.embedded", "statements.sql")


@frozen
class Started:
    """An instance that a start led to: `fresh` if it was made by it, and whether it `waits` for its turn first."""

    key: int
    id: str
    call: Call[Any]
    fresh: bool
    waits: bool = False


@frozen
class Origin:
    """
    Where a start comes from.

    Attributes:
        parent: Instance and address of who waits for it and is told of its end.
        starter: The instance that starts it: what led to that one has led to this one, too.
        chain: What has led to it, the first cause first.
        stages: Those that its document must stay in.
    """

    parent: tuple[int, str] | None = None
    starter: int | None = None
    chain: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()


NOBODY: Final = Origin()

ITS_TURN: Final = "its turn in the queue"

# Starts of one process on one document that wait; more are refused, or a queue that nothing empties grows for ever.
LONGEST_QUEUE: Final = 1000


def step_key(id: str, run: int, address: str) -> str:
    """
    The idempotency key of a step, and the id of the child that it starts.

    No two steps have the same: ids that people give have no slash (`check_id`), and addresses have no tilde.
    """
    return f"{id}/{run}~{address}" if run else f"{id}/{address}"


def check_id(id: str | None) -> None:
    """Raises WrongArgument for an id that people may not give."""
    if id is None:
        return
    if not isinstance(id, str) or not id or len(id) > LONGEST_ID or "/" in id or not id.isprintable():
        expected = f"a printable text of at most {LONGEST_ID} characters without a slash"
        raise WrongArgument(process="start", parameter="id", expected=expected, got=described(id))


LONGEST_ID: Final = 200


def document_ref(call: Call[Any]) -> ItemRef | None:
    """The item that a call's instance runs on."""
    document = call.document
    return None if document is None else ItemRef(document.item_type, document.id)


def encode_arguments(call: Call[Any], codec: Codec) -> str:
    """A call's document, parameters and settings, as the store keeps them. Raises NotJournallable."""
    document = call.process.form.document
    parts = {"parameters": call.process.form.encode(call.parameters, codec)}
    if document is not None:
        parts["document"] = codec.encode(call.document, document, path="document")
    settings = None if call.process.configured is None else call.process.configured.text(codec)
    if settings is not None:
        parts["settings"] = settings
    return codec.encode(parts)


def decode_call(process: Any, arguments: str, codec: Codec) -> Call[Any]:
    """A call of this very process, whatever settings it began with. Raises NotRestorable where it takes others now."""
    parts = codec.decode(arguments)
    document = process.form.document
    needed = ("parameters",) if document is None else ("parameters", "document")
    for each in needed:
        if not isinstance(parts, Mapping) or not isinstance(parts.get(each), str):
            raise NotRestorable(path="arguments", type=process.name, detail=f"recorded is no {each}")
    snapshot = None if document is None else codec.decode(parts["document"], document, path="document")
    return Call(process, snapshot, process.form.decode(parts["parameters"], codec))


def arguments_anew(call: Call[Any], changes: Mapping[str, Any], codec: Codec) -> str:
    """The arguments of an instance that begins anew, with the settings of today. Raises WrongArgument."""
    process = call.process.today or call.process
    parameters = process.form.check({**call.parameters, **changes})
    return encode_arguments(evolve(call, process=process, parameters=parameters), codec)


def insert(
    tx: Transaction,
    call: Call[Any],
    id: str | None,
    codec: Codec,
    *,
    replace: Callable[[int, str], None],
    origin: Origin = NOBODY,
) -> Started:
    """
    Add an instance, or find the one that this id already has.

    Args:
        tx: The transaction.
        call: What is started.
        id: Its name; one is made if it is left out.
        codec: Writes the arguments.
        replace: Ends the instance with this key, because of this; where the overlap policy wants that.
        origin: Where the start comes from.

    Raises:
        StartConflict: The id belongs to another call.
        StartRefused: The process already runs on this document, and its overlap policy allows one.
        NotJournallable: An argument cannot be written.
    """
    existing = None if id is None else tx.execute(sql.same_id, {"id": id}).fetchone()
    if existing is not None:
        return _same(existing, call, codec)
    arguments = encode_arguments(call, codec)
    id = id or _next_id(tx, call.process.name)
    only = overlap_key(call.process, document_ref(call))
    waits = _waits_for_its_turn(tx, call, only, id, replace)
    document = document_ref(call)
    parent = origin.parent
    row = {
        "id": id,
        "process": call.process.name,
        "version": call.process.version,
        "document_type": document and document.kind,
        "document_id": document and document.id,
        "arguments": arguments,
        "state": "waiting" if waits else "running",
        "waits_for": ITS_TURN if waits else None,
        "only": None if waits else only,
        "queue": only if waits else None,
        "while_in": json_text(origin.stages) if origin.stages else None,
        "parent_key": parent and parent[0],
        "parent_address": parent and parent[1],
        "cause": json_text(origin.chain) if origin.chain else None,
        "starter": origin.starter,
        "started_at": tx.now_text,
    }
    key = tx.execute(sql.add_instance, row).lastrowid
    return Started(int(key or 0), id, call, fresh=True, waits=waits)


def _same(existing: tuple[Any, ...], call: Call[Any], codec: Codec) -> Started:
    key, id, process, version, arguments, *_ = existing
    now = codec.canonical(call.arguments())
    first = None
    if (process, version) == (call.process.name, call.process.version):
        first = codec.canonical(decode_call(call.process, arguments, codec).arguments())
    if first != now:
        shown = f"{process} version {version} {first or ''}".rstrip()
        raise StartConflict(instance=id, first=shown, now=f"{call.process.name} version {call.process.version} {now}")
    return Started(key, id, call, fresh=False)


def overlap_key(process: Process[..., Any], document: ItemRef | None) -> str | None:
    """What only one live instance may have; None where several may live."""
    if document is None or process.overlap == "parallel":
        return None
    return f"{process.name} {document.kind}:{document.id}"


def _waits_for_its_turn(
    tx: Transaction, call: Call[Any], only: str | None, id: str, replace: Callable[[int, str], None]
) -> bool:
    """What the overlap policy says to a start: go on (False), wait, or not at all."""
    existing = _live(tx, only)
    if existing is None:
        return False
    process, document = call.process, document_ref(call)
    if process.overlap == "replace":
        while existing is not None:  # more than one where others waited for their turn, before the policy was changed
            replace(existing[0], f"replaced by {id}")
            existing = _live(tx, only)
        return False
    assert document is not None
    told = {"process": process.name, "document": f"{document.kind} {document.id}", "existing": existing[1]}
    if process.overlap != "queue":
        raise StartRefused(**told, policy=process.overlap)
    (waiting,) = tx.execute(sql.in_queue, {"only": only}).fetchone()
    if waiting >= LONGEST_QUEUE:
        raise QueueFull(**told, policy=process.overlap, waiting=waiting)
    return True


def _live(tx: Transaction, only: str | None) -> tuple[int, str] | None:
    row: tuple[int, str] | None = None if only is None else tx.execute(sql.same_document, {"only": only}).fetchone()
    return row


def _next_id(tx: Transaction, process: str) -> str:
    (number,) = tx.execute(sql.next_key).fetchone()
    while tx.execute(sql.same_id, {"id": f"{process}-{number}"}).fetchone() is not None:
        number += 1
    return f"{process}-{number}"
