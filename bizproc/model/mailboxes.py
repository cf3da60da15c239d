"""Senders of mail, and templates of documents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, TypedDict

from attrs import frozen

from bizproc.model.references import DERIVED, FileId, UserId


@frozen(kw_only=True)
class Mailbox:
    """
    An address that mail is sent from.

    Attributes:
        email: The address.
        name: Shown beside it.
        user_ids: Who may send from it; nobody named: everybody.
        connected: Answers reach the CRM through it.
    """

    item_type: ClassVar[str] = "mailbox"
    deletable: ClassVar[bool] = True

    id: Annotated[int, DERIVED]
    email: str = ""
    name: str = ""
    user_ids: tuple[UserId, ...] = ()
    sort: int = 500
    connected: bool = True


class MailboxFields(TypedDict, total=False):
    """What may be written of a mailbox."""

    email: str
    name: str
    user_ids: Sequence[UserId]
    sort: int
    connected: bool


@frozen(kw_only=True)
class Template:
    """
    A template of documents.

    Attributes:
        code: What it is called in code.
        file_id: The template itself: a .docx or a Typst file of the drive.
        kinds: Of which items documents can be made from it; none named: all.
        number_pattern: How its documents are numbered; `{number}`, `{year}`, `{month}` and `{day}` are filled in.
        with_stamp: Documents bear stamp and signature unless told otherwise.
        active: New documents can be made from it.
    """

    item_type: ClassVar[str] = "template"
    unique: ClassVar[tuple[tuple[str, ...], ...]] = (("code",),)

    id: Annotated[int, DERIVED]
    code: str = ""
    name: str = ""
    file_id: FileId | None = None
    kinds: tuple[str, ...] = ()
    number_pattern: str = "{number}"
    with_stamp: bool = False
    active: bool = True


class TemplateFields(TypedDict, total=False):
    """What may be written of a template."""

    code: str
    name: str
    file_id: FileId | None
    kinds: Sequence[str]
    number_pattern: str
    with_stamp: bool
    active: bool
