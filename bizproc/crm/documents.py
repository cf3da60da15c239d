"""Documents that are there: `crm.document(5).publish()`. They are made by `crm.deal.create_document(...)`."""

from __future__ import annotations

from bizproc.actions.documented import documented_by
from bizproc.actions.papers import PublishDocument, ReadDocument, RevokeDocument
from bizproc.crm.items import id_of
from bizproc.crm.noun import Noun
from bizproc.model.messages import CrmDocument


class NamedDocument(Noun):
    """One of them."""

    def __init__(self, document: int) -> None:
        self._document = document

    def __repr__(self) -> str:
        return f"crm.document({self._document})"

    @documented_by(ReadDocument)
    def read(self) -> ReadDocument:
        return ReadDocument(self._document)

    @documented_by(PublishDocument)
    def publish(self) -> PublishDocument:
        return PublishDocument(self._document)

    @documented_by(RevokeDocument)
    def revoke_link(self) -> RevokeDocument:
        return RevokeDocument(self._document)


class Documents(Noun):
    """`crm.document`: names one document."""

    def __repr__(self) -> str:
        return "crm.document"

    def __call__(self, document: CrmDocument | int) -> NamedDocument:
        """One of them, by itself or by its id."""
        return NamedDocument(id_of(document))
