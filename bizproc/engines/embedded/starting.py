"""
Starting instances, in a transaction: the row of a new one, or why there is none.

One id means one call: the same again gives the same instance. A `single` process has one live instance a document.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve, frozen

from bizproc.core.checks import described
from bizproc.core.codec import Codec
from bizproc.core.errors import StartConflict, StartRefused, WrongArgument
from bizproc.core.process import Call, Process
from bizproc.ports.performing import ItemRef
from bizproc.store.statements import load
from bizproc.store.transaction import Transaction

sql: Final = load("bizproc.engines.embedded", "statements.sql")


@frozen
class Started:
    """An instance that a start led to; `fresh` if it was made by it."""

    key: int
    id: str
    call: Call[Any]
    fresh: bool


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
    """A call's document and parameters, as the store keeps them. Raises NotJournallable."""
    document = call.process.form.document
    parts = {"parameters": call.process.form.encode(call.parameters, codec)}
    if document is not None:
        parts["document"] = codec.encode(call.document, document, path="document")
    return codec.encode(parts)


def decode_call(process: Any, arguments: str, codec: Codec) -> Call[Any]:
    """The call of an instance. Raises NotRestorable where the process takes other parameters now."""
    parts = codec.decode(arguments)
    document = process.form.document
    snapshot = None if document is None else codec.decode(parts["document"], document, path="document")
    return Call(process, snapshot, process.form.decode(parts["parameters"], codec))


def arguments_anew(call: Call[Any], changes: Mapping[str, Any], codec: Codec) -> str:
    """The arguments of an instance that begins anew. Raises WrongArgument."""
    parameters = call.process.form.check({**call.parameters, **changes})
    return encode_arguments(evolve(call, parameters=parameters), codec)


def insert(
    tx: Transaction,
    call: Call[Any],
    id: str | None,
    codec: Codec,
    parent: tuple[int, str] | None = None,
    cause: str | None = None,
) -> Started:
    """
    Add an instance, or find the one that this id already has.

    Raises:
        StartConflict: The id belongs to another call.
        StartRefused: The process already runs on this document, and its overlap policy allows one.
        NotJournallable: An argument cannot be written.
    """
    existing = None if id is None else tx.execute(sql.same_id, {"id": id}).fetchone()
    if existing is not None:
        return _same(existing, call, codec)
    only = overlap_key(call.process, document_ref(call))
    _check_overlap(tx, call, only)
    document = document_ref(call)
    id = id or _next_id(tx, call.process.name)
    row = {
        "id": id,
        "process": call.process.name,
        "version": call.process.version,
        "document_type": document and document.kind,
        "document_id": document and document.id,
        "arguments": encode_arguments(call, codec),
        "only": only,
        "parent_key": parent and parent[0],
        "parent_address": parent and parent[1],
        "cause": cause,
        "started_at": tx.now_text,
    }
    key = tx.execute(sql.add_instance, row).lastrowid
    return Started(int(key or 0), id, call, fresh=True)


def _same(existing: tuple[Any, ...], call: Call[Any], codec: Codec) -> Started:
    key, id, process, version, arguments, _state = existing
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


def _check_overlap(tx: Transaction, call: Call[Any], only: str | None) -> None:
    if only is None:
        return
    existing = tx.execute(sql.same_document, {"only": only}).fetchone()
    if existing is not None:
        document = document_ref(call)
        assert document is not None
        raise StartRefused(
            process=call.process.name,
            document=f"{document.kind} {document.id}",
            existing=existing[1],
            policy=call.process.overlap,
        )


def _next_id(tx: Transaction, process: str) -> str:
    (number,) = tx.execute(sql.next_key).fetchone()
    while tx.execute(sql.same_id, {"id": f"{process}-{number}"}).fetchone() is not None:
        number += 1
    return f"{process}-{number}"
