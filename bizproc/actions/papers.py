"""Documents of an item, made from templates; and their public links."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY
from datetime import date, timedelta
from pathlib import PurePosixPath
from typing import Any, Final, NoReturn, TypeAlias

from attrs import frozen

from bizproc.actions.paper_values import About, Party, printed_values
from bizproc.core.action import ItemAction, Target, action_type, given, option
from bizproc.core.commands import Action, Delivered, Outgoing, Settling, Verdict
from bizproc.core.errors import (
    DocumentFailed,
    DocumentNotReady,
    ItemNotFound,
    LinkedItemMissing,
    TemplateUnfit,
    WrongValue,
)
from bizproc.model.companies import Company
from bizproc.model.days import day_of
from bizproc.model.details import BankDetails, ClientDetails
from bizproc.model.files import File
from bizproc.model.mailboxes import Template
from bizproc.model.messages import CrmDocument
from bizproc.model.references import ItemRef
from bizproc.ports.crm import Crm
from bizproc.ports.documents import DOCUMENTS, DOCX, FORMS, PDF, Content, Form, Made, Paper
from bizproc.ports.performing import FollowUp

TemplateRef: TypeAlias = Template | int | str
"""A template of documents, its id, or its code."""

DocumentRef: TypeAlias = CrmDocument | int


@action_type("crm.create_document")
class CreateDocument(ItemAction[CrmDocument], Delivered[CrmDocument]):
    """
    Make a document for the item from a template: fill it in, give it a number, make a PDF of it.

    A template names what it wants: `item` (or `deal`, `lead`…), `company`, `contact`, `responsible`, `my_company` with
    their fields; `company_details`, `company_bank` and the like by the codes of their templates; `rows`; `number`,
    `date`, `title`; the pictures `stamp` and `signature`. All of it is text in the portal's language. A .docx template
    has them as `{{ company.title }}` and `{% for row in rows %}`, a Typst template as `json(bytes(sys.inputs.values))`.
    What a template names and there is not, is an error, never a hole in the paper.

    Numbers are counted for each template, from 1. A number is taken in the commit that writes the document; one whose
    document could not be made goes to the next, unless a later one was taken meanwhile.

    The PDF of a Typst template is there at once. That of a .docx takes a converter and a while: without
    `wait_for_pdf` the document is given back before (`conversion` is `pending`), and the event `document.pdf_ready` or
    `document.failed` tells of the end. Where no PDF can be made the document is there all the same, without one.
    Heading 21; D20.

    Args:
        template: The template, its id or its code.
        wait_for_pdf: Give the document back when its PDF is there, or cannot be.
        timeout: How long to wait for it at most.
        with_stamp: Whether it bears stamp and signature, from the details of our company; as the template says, if left
            out.
        public_link: Whether it has a page that whoever has the link can see.
        my_company: Which of our companies makes it; the item's, or else the first of them, if left out.
        my_company_details: Which of its details; those that are selected, or else the first, if left out.
        my_company_bank_details: Which of its bank accounts; likewise.
        values: More to be filled in, by name, or instead of what was found: `{"company.title": "…"}`. Days, numbers
            and amounts are printed; lists and mappings are for tables of one's own.

    Raises:
        TemplateUnfit: no such template, or not for this item; or it is no .docx or .typ file.
        DocumentFailed: it could not be filled in; nothing is left of it.
        DocumentNotReady: the PDF was not there within `timeout`. The document is kept.
        WrongValue: a company that is not ours, details that are not its; a stamp where there is none.
        ItemNotFound: no such item.
    """

    target: Target
    template: TemplateRef
    _: KW_ONLY
    wait_for_pdf: bool = option(default=False)
    timeout: timedelta | None = option(default=None)
    with_stamp: bool | None = option(default=None)
    public_link: bool = option(default=False)
    my_company: Company | int | None = option(default=None)
    my_company_details: ClientDetails | int | None = option(default=None)
    my_company_bank_details: BankDetails | int | None = option(default=None)
    values: Mapping[str, Any] | None = option(default=None)

    @property
    def patience(self) -> timedelta | None:
        return self.timeout if self.wait_for_pdf else None

    async def perform(self, port: Crm) -> Any:
        if self.timeout is not None and self.timeout <= timedelta(0):
            raise self._wrong("timeout", "more than no time at all", str(self.timeout))
        ref = await port.resolve(self.target.kind, self.target.id)
        item = await port.read(ref)
        source = await _source(port, self.template, ref.kind)
        mine = await self._mine(port, item)
        pictures = await self._pictures(port, source.template, mine)
        # A step that is tried again has its document already.
        there = await port.document_of_step()
        number = 0 if there is not None else await port.next_number(source.template.id)
        own = _own(source.template, number, day_of(port.performing.now, port.portal.zone), there)
        values = await printed_values(port, await _about(port, ref, item, mine, own, self.values or {}))
        if there is None:
            fields = {
                "template_id": source.template.id,
                "number": own["number"],
                "title": own["title"],
                "conversion": "pending",
                "with_stamp": bool(pictures),
                "placeholders": _telling({name: value for name, value in values.items() if name != ref.kind}),
                "created_by": port.performing.author or item.responsible_id,
            }
            there = await port.add_document(ref, fields, public=self.public_link)
        asked = Paper(
            form=source.form,
            template=source.file.sha256,
            values=values,
            pictures=pictures,
            pdf=self.wait_for_pdf,
            made_at=there.created_at,
        )
        return Outgoing(DOCUMENTS, asked, Filled(document=there.id, form=source.form, number=number))

    async def late(self, port: Crm) -> NoReturn:
        document = await port.document_of_step()
        if document is None:
            raise ItemNotFound(kind="document", id=None)
        raise DocumentNotReady(document=document.id, number=document.number, timeout=str(self.timeout))

    # -- our company

    async def _mine(self, port: Crm, item: Any) -> Party:
        company = await self._my_company(port, item)
        if company is None:
            for name in ("my_company_details", "my_company_bank_details"):
                if getattr(self, name) is not None:
                    raise self._wrong(name, "a company of ours that they belong to", "no company")
            return Party()
        details = await self._of(port, "my_company_details", "details", {"company_id": company.id})
        if details is None:
            if self.my_company_bank_details is not None:
                raise self._wrong("my_company_bank_details", "a company that has details", f"company {company.id}")
            return Party(company=company)
        bank = await self._of(port, "my_company_bank_details", "bank_details", {"details_id": details.id})
        return Party(company=company, details=details, bank=bank)

    async def _my_company(self, port: Crm, item: Any) -> Company | None:
        meant = _id(self.my_company)
        if meant is not None:
            company: Company = await port.read(ItemRef("company", meant))
            if not company.is_my_company:
                raise self._wrong("my_company", "one of our own companies (is_my_company)", f"company {company.id}")
            return company
        own = getattr(item, "my_company_id", None)
        if own is not None:
            its: Company = await port.read(ItemRef("company", own))
            return its
        return next(iter(await port.matching("company", {"is_my_company": True})), None)

    async def _of(self, port: Crm, parameter: str, kind: str, owner: Mapping[str, Any]) -> Any:
        """The details that a parameter names, which must be the owner's; else those that count."""
        meant = _id(getattr(self, parameter))
        several = await port.matching(kind, owner)
        if meant is None:
            return _first(several)
        for each in several:
            if each.id == meant:
                return each
        known = ", ".join(str(each.id) for each in several) or "none"
        raise self._wrong(parameter, f"those of our company: {known}", str(meant))

    async def _pictures(self, port: Crm, template: Template, mine: Party) -> Mapping[str, str]:
        """Stamp and signature, where they are wanted. Who asks for them by name must get them."""
        if not (template.with_stamp if self.with_stamp is None else self.with_stamp):
            return {}
        details = mine.details
        ids = {} if details is None else {"stamp": details.stamp_id, "signature": details.signature_id}
        pictures = {
            name: (await port.read(ItemRef("file", id_))).sha256 for name, id_ in ids.items() if id_ is not None
        }
        if self.with_stamp and not pictures:
            raise self._wrong("with_stamp", "details of our company that have a stamp or a signature", "True")
        return pictures

    def _wrong(self, parameter: str, expected: str, got: str) -> WrongValue:
        return WrongValue(action=self.name, parameter=parameter, expected=expected, got=got)


# -- the template ------------------------------------------------------------------------------------------------------


@frozen
class Source:
    """A template that fits, and its file."""

    template: Template
    file: File
    form: Form


async def _source(port: Crm, meant: TemplateRef, kind: str) -> Source:
    """Raises TemplateUnfit."""
    template = await _template(port, meant)
    name = template.code or template.id
    if not template.active:
        raise TemplateUnfit(template=name, detail="it is no longer used (active is False).")
    if template.kinds and kind not in template.kinds:
        raise TemplateUnfit(template=name, detail=f"it is for {', '.join(template.kinds)}, and this is a {kind}.")
    if template.file_id is None:
        raise TemplateUnfit(template=name, detail="it has no file. Put one into the drive and set `file_id`.")
    file: File = await port.read(ItemRef("file", template.file_id))
    form = FORMS.get(PurePosixPath(file.path).suffix.lower())
    if form is None:
        detail = f"its file is {file.name}; templates are files that end in {' or '.join(FORMS)}."
        raise TemplateUnfit(template=name, detail=detail)
    return Source(template, file, form)


async def _template(port: Crm, meant: TemplateRef) -> Template:
    if isinstance(meant, str):
        found: Template | None = next(iter(await port.matching("template", {"code": meant})), None)
    else:
        found = next(iter(await port.matching("template", {"id": _id(meant)})), None)
    if found is None:
        known = ", ".join(each.code or str(each.id) for each in await port.matching("template", {"active": True}))
        shown = meant if isinstance(meant, str) else _id(meant)
        raise TemplateUnfit(template=shown, detail=f"there is no such template. Known: {known or 'none'}.")
    return found


_PLACE: Final = re.compile(r"\{(number|year|month|day)(?::0?(\d))?\}")


def _numbered(pattern: str, number: int, today: date) -> str:
    """The number by a pattern: `{year}/{number:4}` is 2026/0012."""
    values = {"number": number, "year": today.year, "month": today.month, "day": today.day}
    least = {"number": 1, "year": 4, "month": 2, "day": 2}

    def put(place: re.Match[str]) -> str:
        name, digits = place.groups()
        return str(values[name]).zfill(int(digits) if digits else least[name])

    return _PLACE.sub(put, pattern)


def _own(template: Template, number: int, today: date, there: CrmDocument | None) -> Mapping[str, Any]:
    """What the document says of itself."""
    if there is not None:
        return {"number": there.number, "title": there.title, "date": today}
    called = _numbered(template.number_pattern, number, today)
    return {"number": called, "title": f"{template.name or template.code} {called}".strip(), "date": today}


# -- the values --------------------------------------------------------------------------------------------------------


async def _about(
    port: Crm, ref: ItemRef, item: Any, mine: Party, own: Mapping[str, Any], more: Mapping[str, Any]
) -> About:
    company, contact = await _linked(port, ref, item, "company"), await _linked(port, ref, item, "contact")
    responsible = None if item.responsible_id is None else await port.read(ItemRef("user", item.responsible_id))
    kinds = dict.fromkeys((ref.kind, "company", "contact"))
    return About(
        item=item,
        rows=await port.products(ref),
        company=await _party(port, company, "company_id"),
        contact=await _party(port, contact, "contact_id"),
        mine=mine,
        responsible=responsible,
        custom={kind: await port.custom_fields(kind) for kind in kinds},
        templates=await port.matching("details_template", {}),
        own=own,
        given=more,
    )


def _telling(values: Any) -> Any:
    """Without what is empty: most fields of most items are, and the document's row keeps the others."""
    if isinstance(values, Mapping):
        inner = {name: _telling(value) for name, value in values.items()}
        return {name: value for name, value in inner.items() if value not in ("", {}, [])}
    return [_telling(each) for each in values] if isinstance(values, list) else values


async def _linked(port: Crm, ref: ItemRef, item: Any, kind: str) -> Any:
    """The item's client; a contact or a company is its own."""
    if ref.kind == kind:
        return item
    try:
        return await port.read(await port.linked(ref, kind))
    except LinkedItemMissing:
        return None


async def _party(port: Crm, client: Any, owner: str) -> Party:
    if client is None:
        return Party()
    details = _first(await port.matching("details", {owner: client.id}))
    bank = None if details is None else _first(await port.matching("bank_details", {"details_id": details.id}))
    return Party(company=client, details=details, bank=bank)


def _first(several: tuple[Any, ...]) -> Any:
    """What is selected comes first; then by sort, then by id. None of none."""
    return min(several, key=lambda each: (not each.selected, each.sort, each.id), default=None)


def _id(named: Any) -> int | None:
    found: int | None = getattr(named, "id", named)
    return found


# -- what becomes of it ------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Filled(Settling):
    """
    The template was filled in, or could not be.

    Attributes:
        document: Whose it is.
        form: Of the template.
        number: Its place in the count; 0 where an earlier attempt took it.
    """

    document: int
    form: Form
    number: int

    async def settle(self, port: Crm, verdict: Verdict) -> Any:
        document = await port.document(self.document)
        if verdict.fate != "accepted":
            await port.take_back_document(document, self.number)
            return DocumentFailed(template=document.template_id, number=document.number, reason=verdict.reason)
        made: Made = verdict.receipt
        if made.filled is not None and document.file_id is None:
            file = await _filed(port, document, made.filled, ".docx", DOCX)
            document = await port.update_document(document, {"file_id": file.id})
        if made.pdf is not None or made.reason:
            return await _converted(port, document, made)
        if document.conversion != "pending" or made.filled is None:
            return document
        convert = Paper(form="filled", template=made.filled.sha256, pdf=True, made_at=document.created_at)
        later = Outgoing(DOCUMENTS, convert, Converted(document=document.id))
        port.performing.follow_up(FollowUp("pdf", later, port.performing.now))
        return document


@frozen(kw_only=True)
class Converted(Settling):
    """The PDF of a document is there, or cannot be."""

    document: int

    async def settle(self, port: Crm, verdict: Verdict) -> Any:
        document = await port.document(self.document)
        made = verdict.receipt if verdict.fate == "accepted" else Made(reason=verdict.reason)
        return await _converted(port, document, made)


async def _converted(port: Crm, document: CrmDocument, made: Made) -> CrmDocument:
    if document.conversion == "ready":
        return document
    if made.pdf is None:
        return await port.update_document(document, {"conversion": "failed"}, event="document.failed")
    pdf = await _filed(port, document, made.pdf, ".pdf", PDF)
    fields: dict[str, Any] = {"pdf_id": pdf.id, "conversion": "ready"}
    if document.file_id is None:  # of Typst it is both
        fields["file_id"] = pdf.id
    return await port.update_document(document, fields, event="document.pdf_ready")


_UNFIT: Final = re.compile(r"[^\w.,() +-]+")


async def _filed(port: Crm, document: CrmDocument, content: Content, ending: str, media_type: str) -> File:
    """The file of the drive that the content becomes."""
    name = _UNFIT.sub("-", document.title).strip(" .-")[:100]
    path = f"Documents/{document.id} {name}".strip() + ending
    file: File = await port.create(
        "file", {"path": path, "media_type": media_type, "size": content.size, "sha256": content.sha256}
    )
    return file


# -- documents that are there ------------------------------------------------------------------------------------------


@action_type("crm.documents")
class Documents(ItemAction[tuple[CrmDocument, ...]]):
    """
    The item's documents, the oldest first.

    Raises:
        ItemNotFound: no such item.
    """

    target: Target

    async def perform(self, port: Crm) -> tuple[CrmDocument, ...]:
        return await port.documents(await port.resolve(self.target.kind, self.target.id))


class _OnDocument(Action[CrmDocument]):
    """Something done to one document."""

    __slots__ = ()

    def arguments(self) -> Mapping[str, object]:
        return given(self)

    @property
    def result_type(self) -> Any:
        return CrmDocument


@action_type("document.read")
class ReadDocument(_OnDocument):
    """
    A document as it is now: its PDF may have come since it was made.

    Args:
        document: The document or its id.

    Raises:
        ItemNotFound: no such document.
    """

    document: DocumentRef

    @property
    def name(self) -> str:
        return "document.read"

    async def perform(self, port: Crm) -> CrmDocument:
        return await port.document(_id(self.document) or 0)


@action_type("document.publish")
class PublishDocument(_OnDocument):
    """
    Give a document a public link, where it has none: `public_url`. One that was revoked never comes back.

    Args:
        document: The document or its id.

    Raises:
        ItemNotFound: no such document.
    """

    document: DocumentRef

    @property
    def name(self) -> str:
        return "document.publish"

    async def perform(self, port: Crm) -> CrmDocument:
        return await port.publish_document(await port.document(_id(self.document) or 0))


@action_type("document.revoke_link")
class RevokeDocument(_OnDocument):
    """
    The public link of a document is dead from now on, whoever has it.

    Args:
        document: The document or its id.

    Raises:
        ItemNotFound: no such document.
    """

    document: DocumentRef

    @property
    def name(self) -> str:
        return "document.revoke_link"

    async def perform(self, port: Crm) -> CrmDocument:
        return await port.revoke_document(await port.document(_id(self.document) or 0))
