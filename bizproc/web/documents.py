"""A document by its public link: what it is called, and its files to be saved."""

from __future__ import annotations

from typing import Final, Literal

from starlette.responses import Response

from bizproc.core.errors import ItemNotFound
from bizproc.model.messages import CrmDocument
from bizproc.model.printing import Printer
from bizproc.model.tokens import Signer
from bizproc.runtime import Runtime
from bizproc.web.files import sent
from bizproc.web.guarding import NotHere
from bizproc.web.showing import Pages

PURPOSE: Final = "document"


async def by_token(runtime: Runtime, signer: Signer, token: str) -> CrmDocument:
    """The document that a token names, if that is the link it has now. Raises NotHere."""
    numbers = signer.read(PURPOSE, token)
    if numbers is None or len(numbers) != 2:
        raise NotHere
    try:
        document = await runtime.get(CrmDocument, numbers[0])
    except ItemNotFound:
        raise NotHere from None
    if (document.public_url or "").rpartition("/")[2] != token:
        raise NotHere  # revoked, or replaced by another
    return document


async def shown(runtime: Runtime, document: CrmDocument, pages: Pages) -> Response:
    """The page."""
    made_on = Printer(portal=runtime.portal).value(document.created_at.astimezone(runtime.portal.zone).date())
    return pages.page(
        "document",
        title=document.title,
        made_on=made_on,
        pdf=document.pdf_id is not None,
        file=document.file_id is not None and document.file_id != document.pdf_id,
        pending=document.conversion == "pending",
        token=(document.public_url or "").rpartition("/")[2],
    )


async def saved(runtime: Runtime, document: CrmDocument, form: Literal["pdf", "docx"]) -> Response:
    """One of its files. Raises NotHere."""
    id_ = document.pdf_id if form == "pdf" else document.file_id
    if form == "docx" and document.file_id == document.pdf_id:
        raise NotHere
    return await sent(runtime, id_, name=f"{document.title}.{form}")
