"""Documents of items: their rows, their numbers, their public links; and the file of the drive that each is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bizproc.adapters.sql_crm import history, timeline
from bizproc.adapters.sql_crm.belongings import add, change, remove, those
from bizproc.adapters.sql_crm.reading import Runs, read
from bizproc.adapters.sql_crm.shapes import CODEC, SHAPES
from bizproc.model.messages import CrmDocument
from bizproc.model.portal import Portal
from bizproc.model.references import ItemRef
from bizproc.model.tokens import Signer
from bizproc.ports.performing import Performing

PURPOSE: Final = "document"
"""Of a token that names a document and which of its links it is: one that was revoked is never valid again."""

_NEXT: Final = (
    "INSERT INTO document_counter (template, last) VALUES (?, 1) "
    "ON CONFLICT (template) DO UPDATE SET last = last + 1 RETURNING last"
)
_BACK: Final = "UPDATE document_counter SET last = last - 1 WHERE template = ? AND last = ?"
_OF_STEP: Final = "SELECT id FROM document WHERE step = ?"


def next_number(performing: Performing, template: int) -> int:
    """The next number. See `ports.crm.Crm.next_number`."""
    (number,) = performing.transaction.execute(_NEXT, (template,)).fetchone()
    return int(number)


def add_document(
    performing: Performing, portal: Portal, signer: Signer, ref: ItemRef, fields: Mapping[str, Any], *, public: bool
) -> CrmDocument:
    """Write a document. See `ports.crm.Crm.add_document`."""
    timeline.touch(performing, ref)
    document: CrmDocument = add(performing.transaction, "document", ref, **{**fields, "created_at": performing.now})
    performing.transaction.execute("UPDATE document SET step = ? WHERE id = ?", (performing.key, document.id))
    if public:
        document = publish(performing, portal, signer, document)
    history.line(performing, ref, "document_created", document.created_by, new=CODEC.encode(document.number))
    _tell(performing, "document.created", document)
    return document


def of_step(performing: Performing) -> CrmDocument | None:
    """The document that this step has made."""
    row = performing.transaction.execute(_OF_STEP, (performing.key,)).fetchone()
    return None if row is None else one(performing.transaction, row[0])


def one(connection: Runs, id: Any) -> CrmDocument:
    """A document. Raises ItemNotFound."""
    document: CrmDocument = read(connection, SHAPES["document"], id)
    return document


def update(performing: Performing, document: CrmDocument, fields: Mapping[str, Any], event: str | None) -> CrmDocument:
    """Write some of its fields. See `ports.crm.Crm.update_document`."""
    changed: CrmDocument = change(performing.transaction, document, **fields)
    if event is not None:
        _tell(performing, event, changed)
    return changed


def take_back(performing: Performing, document: CrmDocument, number: int) -> None:
    """It was not made after all. See `ports.crm.Crm.take_back_document`."""
    remove(performing.transaction, document)
    performing.transaction.execute(_BACK, (document.template_id, number))
    history.line(performing, owner(document), "document_failed", None, old=CODEC.encode(document.number))


def publish(performing: Performing, portal: Portal, signer: Signer, document: CrmDocument) -> CrmDocument:
    """Give it a public link, where it has none."""
    if document.public_url is not None:
        return document
    tx = performing.transaction
    (link,) = tx.execute("UPDATE document SET link = link + 1 WHERE id = ? RETURNING link", (document.id,)).fetchone()
    url = portal.page("documents", signer.token(PURPOSE, document.id, link))
    published: CrmDocument = change(tx, document, public_url=url)
    return published


def revoke(performing: Performing, document: CrmDocument) -> CrmDocument:
    """Its public link is dead from now on, whoever has it."""
    revoked: CrmDocument = change(performing.transaction, document, public_url=None)
    return revoked


def of(connection: Runs, ref: ItemRef) -> tuple[CrmDocument, ...]:
    """An item's documents, the oldest first."""
    return tuple(those(connection, "document", "owner_kind = ? AND owner_id = ?", ref.kind, ref.id))


def owner(document: CrmDocument) -> ItemRef:
    """The item it was made for."""
    return ItemRef(document.owner_kind, document.owner_id)


def _tell(performing: Performing, event: str, document: CrmDocument) -> None:
    facts = {"document": document.id, "number": document.number, "template": document.template_id}
    history.emit(performing, event, owner(document), document.created_by, **facts)
